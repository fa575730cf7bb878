"""What a terminal must never obey."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vfio_wizard.report.clean import clean


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("Navi 10 [RX 5700]", "Navi 10 [RX 5700]"),
        ("Gerät ü", "Gerät ü"),
        ("\x1b]0;owned\x07", "\\x1b]0;owned\\x07"),
        ("two\nlines\tand a tab", "two\\x0alines\\x09and a tab"),
        ("\x9b31m", "\\x9b31m"),
        ("abc\u202ecba", "abc\\u202ecba"),
        ("\u2066isolate\u2069", "\\u2066isolate\\u2069"),
        ("byte \udcff", "byte \\udcff"),
        ("tag \U000e0041", "tag \\U000e0041"),
    ],
)
def test_terminal_controls_and_hidden_characters_become_visible(raw: str, shown: str) -> None:
    assert clean(raw) == shown


@given(st.text())
def test_nothing_that_is_left_moves_the_cursor_or_the_direction(raw: str) -> None:
    result = clean(raw)
    assert not any(ord(char) < 0x20 or 0x7F <= ord(char) <= 0x9F for char in result)
    assert not any(0x202A <= ord(char) <= 0x202E or 0x2066 <= ord(char) <= 0x2069 for char in result)
    result.encode()
