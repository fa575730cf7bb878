"""Columns."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vfio_wizard.report.wrap import wrap


def test_following_lines_stand_below_the_text() -> None:
    assert wrap("one two three", 12, "do: ") == ["do: one two", "    three"]


def test_word_longer_than_a_line_is_cut() -> None:
    assert wrap("x" * 25, 14, "do: ") == ["do: " + "x" * 10, "    " + "x" * 10, "    xxxxx"]


def test_nothing_is_one_line() -> None:
    assert wrap("", 20, "seen: ") == ["seen:"]


@given(st.text(), st.integers(min_value=30, max_value=120))
def test_no_line_is_too_wide_and_no_word_is_lost(text: str, width: int) -> None:
    lines = wrap(text, width, "  seen: ")
    assert all(len(line) <= width for line in lines)
    assert "".join(line[8:] for line in lines).replace(" ", "") == "".join(text.split())
