"""One synthetic desktop for all contract tests that only look at it."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import synthetic


@pytest.fixture(scope="session")
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The synthetic desktop as a tree; only read."""
    return synthetic.make(tmp_path_factory.mktemp("desktop"))
