"""The quick records are what typing.NamedTuple would have made of the same class."""

from __future__ import annotations

import pickle
import re
import typing
from pathlib import Path

import pytest

from vfio_wizard.model import record


class Quick(record.NamedTuple):
    """A record."""

    a: int | str
    b: tuple[int, ...] = ()

    @property
    def twice(self) -> tuple[int, ...]:
        """Both."""
        return (*self.b, *self.b)

    @classmethod
    def of(cls, word: str) -> Quick:
        """From text."""
        return cls(word)


class Slow(typing.NamedTuple):
    """The same by typing."""

    a: int | str
    b: tuple[int, ...] = ()


def test_it_is_a_tuple_with_names_defaults_and_methods() -> None:
    one = Quick(1, (2,))
    assert tuple(one) == tuple(Quick(a=1, b=(2,))) == (1, (2,))
    assert tuple(one) == tuple(Slow(1, (2,)))
    assert (one.a, one.b, one.twice) == (1, (2,), (2, 2))
    assert Quick("x") == Quick.of("x") == ("x", ())
    assert one._replace(a=3) == (3, (2,))
    assert one._asdict() == {"a": 1, "b": (2,)}
    assert repr(one) == "Quick(a=1, b=(2,))"
    assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301 - our own bytes


def test_it_has_what_typing_gives_its_own() -> None:
    for name in ("_fields", "_field_defaults", "__match_args__"):
        assert getattr(Quick, name) == getattr(Slow, name)
    assert (Quick.__name__, Quick.__module__, Quick.__doc__) == ("Quick", __name__, "A record.")
    assert typing.get_type_hints(Quick) == typing.get_type_hints(Slow)
    assert issubclass(Quick, tuple)
    match Quick(1):
        case Quick(a, b):
            assert (a, b) == (1, ())


class Long(record.NamedTuple):
    """More fields than constructors are at hand for."""

    a: int
    b: int
    c: int
    d: int
    e: int
    f: int
    g: int
    h: int
    i: int
    j: int
    k: int
    m: int
    n: int
    o: int = 14
    p: int = 15


def test_a_long_record_is_made_and_refused_like_a_short_one() -> None:
    one = Long(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, n=13)
    assert one == tuple(range(1, 16))
    assert (one.a, one.n, one.p) == (1, 13, 15)
    assert Long._make(one) == one
    with pytest.raises(TypeError):
        Long(1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="Expected 15 arguments"):
        Long._make((1,))
    with pytest.raises(ValueError, match="q"):
        one._replace(q=1)  # type: ignore[call-arg]


def test_wrong_calls_and_wrong_classes_are_refused() -> None:
    with pytest.raises(TypeError):
        Quick()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="without a default"):

        class Wrong(record.NamedTuple):
            """Not in order."""

            a: int = 0
            b: int  # type: ignore[misc]


def test_every_record_of_the_program_is_a_quick_one(repository: Path) -> None:
    pattern = re.compile(r"^from typing import .*NamedTuple", re.MULTILINE)
    files = [path for path in (repository / "vfio_wizard").rglob("*.py") if path.name != "record.py"]
    slow = [str(path) for path in files if pattern.search(path.read_text())]
    assert slow == []
