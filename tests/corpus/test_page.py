"""docs/corpus.md says what the tables and the recorded machines say now."""

from __future__ import annotations

import pytest

from tests.corpus.machines import CORPUS, ROOT
from tests.corpus.report import OTHER, agreement, look, page

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no recorded machines at {CORPUS} (VFIO_WIZARD_SHARED)"),
]


def test_the_page_of_results_is_up_to_date() -> None:
    written = (ROOT / "docs" / "corpus.md").read_text(encoding="utf-8")
    assert written == page(), "run python -m scripts.corpus_page"


def test_no_field_differs_from_the_careful_reading() -> None:
    assert {field: counts[OTHER] for field, counts in agreement(look()).items() if counts[OTHER]} == {}
