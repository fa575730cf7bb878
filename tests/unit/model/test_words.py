"""The quick word lists do what the program uses of enum's own."""

from __future__ import annotations

import copy
import enum
import json
import pickle
from typing import Any

import pytest

from vfio_wizard.model import words


class Quick(words.StrEnum):
    """Words."""

    YES = "yes"
    """Said."""
    NO = "no"
    NEVER = "no"

    @property
    def loud(self) -> str:
        """In capitals."""
        return self.value.upper()


class Slow(enum.StrEnum):
    """The same by enum."""

    YES = "yes"
    NO = "no"
    NEVER = "no"

    @property
    def loud(self) -> str:
        """In capitals."""
        return self.value.upper()


class QuickNumber(words.IntEnum):
    """Numbers."""

    FEW = 1
    MANY = 7


class SlowNumber(enum.IntEnum):
    """The same by enum."""

    FEW = 1
    MANY = 7


PAIRS: list[tuple[Any, Any]] = [(Quick, Slow), (QuickNumber, SlowNumber)]


@pytest.mark.parametrize(("quick", "slow"), PAIRS)
def test_members_are_the_same_in_name_value_text_and_order(quick: Any, slow: Any) -> None:
    assert [(one.name, one.value) for one in quick] == [(one.name, one.value) for one in slow]
    assert [f"{one} {one!s:>6} {one!r}".replace("Quick", "Slow") for one in quick] == [
        f"{one} {one!s:>6} {one!r}" for one in slow
    ]
    assert len(quick) == len(slow)
    assert json.dumps(list(quick)) == json.dumps(list(slow))
    assert {one: one.value for one in quick} == {one.value: one.value for one in slow}
    assert list(quick.__members__) == list(slow.__members__)


@pytest.mark.parametrize(("quick", "slow"), PAIRS)
def test_a_value_gives_its_one_member_and_others_are_refused(quick: Any, slow: Any) -> None:
    for made in (quick, slow):
        for one in made:
            assert made(one.value) is one is made[one.name] is made(one)
            assert copy.deepcopy(one) is one is copy.copy(one)
            assert pickle.loads(pickle.dumps(one)) is one  # noqa: S301 - our own bytes
            assert one in made
            assert isinstance(one, made)
        for wrong in ("perhaps", 3, None):
            with pytest.raises(ValueError, match="is not a valid"):
                made(wrong)
        with pytest.raises(ValueError, match="is not a valid"):
            made([])
        with pytest.raises(KeyError):
            made["PERHAPS"]
        with pytest.raises(AttributeError):
            setattr(made, next(iter(made)).name, "other")


def test_a_second_name_of_a_value_is_the_same_member() -> None:
    made: Any = Quick
    assert made.NEVER is made.NO
    assert made.NEVER.name == Slow.NEVER.name
    assert Quick.YES.loud == Slow.YES.loud == "YES"
    assert "no" in made
    assert "perhaps" not in made


def test_members_are_found_by_match() -> None:
    match Quick("no"):
        case Quick.YES:
            pytest.fail("not this one")
        case found:
            assert found is Quick.NO
