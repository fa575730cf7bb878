"""``pytest tests/replay --update-golden`` writes what is printed now; read the difference first."""

from __future__ import annotations

import os

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the expected outputs anew")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether to write instead of compare. Never in CI, where it would make every test pass."""
    wanted = bool(request.config.getoption("--update-golden", default=False))
    if wanted and os.environ.get("CI", "").lower() not in ("", "0", "false"):
        pytest.fail("--update-golden is refused where CI is set", pytrace=False)
    return wanted
