"""Files of knowledge: read where they are right, and told in one line where they are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vfio_wizard.knowledge.grammar import USERS_OWN, parse

RESET = """[[reset]]
generation = "RDNA9"
family = "Navi 99"
affected = "reported"
vendor_reset = false
devices = ["9999", "99ab"]
source = "my own card"
"""


def test_entry_becomes_a_row_in_the_order_of_the_keys() -> None:
    parsed = parse(RESET, USERS_OWN)
    assert parsed.problems == ()
    assert parsed.rows["reset"] == (
        ("RDNA9", "Navi 99", "reported", False, "9999 99ab", "my own card", "1002"),
    )


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("family", "famly"), "reset 1: unknown key 'famly'; did you mean 'family'"),
        (("[[reset]]", "[[rest]]"), "unknown table 'rest'; did you mean 'reset'"),
        (("[[reset]]", "[[milestone]]"), "unknown table 'milestone'"),
        (("[[reset]]", "[reset]"), "reset: write it as [[reset]]"),
        (
            ('"reported"', '"reportet"'),
            "affected must be one of yes, reported, board, untold; did you mean 'reported'",
        ),
        (('"99ab"', '"99AB"'), "devices must be a list of four hex digits"),
        (('"99ab"', '"0x99ab"'), "devices must be a list of four hex digits"),
        (("false", '"no"'), "vendor_reset must be true or false"),
        (('source = "my own card"', ""), "source is missing"),
        (('source = "my own card"', 'source = " "'), "source must be a text that is not empty"),
        (("[[reset]]", "[[reset]"), "no TOML"),
    ],
)
def test_what_is_wrong_is_said_with_the_nearest_word(change: tuple[str, str], problem: str) -> None:
    parsed = parse(RESET.replace(*change), USERS_OWN)
    assert any(problem in one for one in parsed.problems), parsed.problems
    assert not parsed.rows.get("reset")
    assert all("\n" not in one.split("no TOML")[0] for one in parsed.problems)


def test_wrong_entry_does_not_take_the_others_with_it() -> None:
    parsed = parse(RESET + RESET.replace("reported", "perhaps"), USERS_OWN)
    assert len(parsed.rows["reset"]) == 1
    assert len(parsed.problems) == 1


@pytest.mark.parametrize("text", ["6.11", "6.2"])
def test_versions_are_compared_as_numbers(text: str) -> None:
    row = parse(f'[[module]]\nname = "m"\nsince = "{text}"\nwhy = "w"\nsource = "here"\n').rows["module"][0]
    assert row[1] == tuple(int(one) for one in text.split("."))


@pytest.mark.parametrize("text", ["6", "6.", "six.2", "6.2.1", "٦.٢", "6.2-rc1", ""])
def test_a_version_of_another_form_is_a_problem(text: str) -> None:
    assert parse(f'[[module]]\nname = "m"\nsince = "{text}"\nwhy = "w"\nsource = "here"\n').problems


@given(st.text(max_size=200))
def test_no_text_makes_it_raise(text: str) -> None:
    parse(text, USERS_OWN)
    parse("[[log]]\nholds = " + text, USERS_OWN)


def test_deeply_nested_text_is_a_problem_and_no_crash() -> None:
    assert parse("a = " + "[" * 100_000, USERS_OWN).problems
