"""Calls that are read without argparse mean what the parser says they mean."""

from __future__ import annotations

from itertools import product

import pytest

from vfio_wizard.cli.arguments import parse
from vfio_wizard.cli.given import Given, plain_call, understood

WORDS = ("--check", "check", "groups", "--json", "--strict", "--verbose", "--host", "a.json", "-", "--", "")
CALLS = [list(call) for length in range(5) for call in product(WORDS, repeat=length)]


def _parsed(call: list[str]) -> Given | None:
    """None where the parser refuses the call."""
    try:
        return parse(call)
    except SystemExit:
        return None


def test_every_call_that_is_read_quickly_is_read_as_the_parser_reads_it() -> None:
    quick = [(call, plain) for call in CALLS if (plain := plain_call(call)) is not None]
    wrong = [(call, plain) for call, plain in quick if _parsed(call) != plain]
    assert wrong == []
    assert len(quick) > 100


@pytest.mark.parametrize(
    "call",
    [
        ["--check"],
        ["--check", "--json"],
        ["--check", "--host", "a.json"],
        ["check", "--strict", "--json"],
        ["groups"],
        ["groups", "--host", "a.json", "--json"],
    ],
)
def test_the_usual_calls_are_read_quickly(call: list[str]) -> None:
    assert plain_call(call) == parse(call)


@pytest.mark.parametrize(
    "call",
    [
        [],
        ["--version"],
        ["--check", "--gpu", "01:00.0"],
        ["--host", "a", "--check"],
        ["--check", "--host"],
        ["--check", "--host", "--json"],
        ["--check", "--host=a"],
        ["groups", "--strict"],
    ],
)
def test_what_is_unusual_or_wrong_is_left_to_the_parser(call: list[str]) -> None:
    assert plain_call(call) is None
    if _parsed(call) is not None:
        assert understood(call) == parse(call)
