"""What an assignment in a file of shell words says, beside what a shell makes of the same text."""

from __future__ import annotations

import subprocess

import pytest

from vfio_wizard.lint.shell import Assignment, assignments
from vfio_wizard.lint.text import HOLE, whole


def read(source: str) -> list[Assignment]:
    return list(assignments(whole(source)))


@pytest.mark.parametrize(
    "source",
    [
        "A=a\\ b\n",
        'A="x\\"y\\$z\\q"\n',
        "A=one\\\ntwo\n",
        'A="one\\\ntwo"\n',
        "A='single $A \"quoted\"'more\n",
        "export A=1; B=2\n",
        "A=\n",
        'A=a"b c"d\\"\n',
        "  A=indented # a remark\n",
        "A=with#hash\n",
    ],
)
def test_the_value_is_what_a_shell_has_then(source: str) -> None:
    first = read(source)[0]
    told = subprocess.run(["sh", "-c", source + 'printf %s "$A"'], capture_output=True, text=True, check=True)
    assert (first.name.value, first.value.value) == ("A", told.stdout)
    assert first.open_quote is None


@pytest.mark.parametrize(
    ("source", "uses"),
    [
        ("A=$HOME/x\n", ("HOME",)),
        ("A=${X:-1}${Y%z}\n", ("X", "Y")),
        ('A="a $(date $(id)) b"\n', ()),
        ("A=`date`\n", ()),
        ("A=$(never closed\n", ()),
    ],
)
def test_what_only_a_shell_can_fill_in_is_a_hole(source: str, uses: tuple[str, ...]) -> None:
    (found,) = read(source)
    assert found.uses == uses
    assert HOLE in found.value.value
    assert "date" not in found.value.value


@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_quote_that_is_not_closed_is_named_and_the_rest_is_read(quote: str) -> None:
    first, second = read(f"A={quote}open\nB=2\n")
    assert (first.value.value, first.open_quote is None) == ("open", False)
    assert (second.name.value, second.value.value, second.open_quote) == ("B", "2", None)


def test_an_array_holds_words_and_remarks_are_none_of_them() -> None:
    (found,) = read('MODULES=(a # not b\n  "c d"\te)\n')
    assert found.is_array
    assert found.value.value.split() == ["a", "c", "d", "e"]
    (grown,) = read("MODULES+=(x)\n")
    assert (grown.appends, grown.value.value) == (True, "x")
    (unclosed,) = read("MODULES=(a\n")
    assert unclosed.open_quote is not None
