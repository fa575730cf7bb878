"""A question of the wizard and its answers."""

from __future__ import annotations

from collections.abc import Callable

from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.selection import Selection


class Choice(NamedTuple):
    """One answer: as the file spells it, in words, and why it cannot be had (empty where it can)."""

    value: str
    label: str
    why_not: str = ""


class Option(NamedTuple):
    """One question."""

    key: str
    title: str
    help: str
    get: Callable[[Selection], str]
    put: Callable[[Selection, str], Selection]
    """Raises UsageError for an answer that cannot be."""
    choices: Callable[[HostFacts, Selection], tuple[Choice, ...]]
    """Empty where the answer is written freely."""
    explains: str = ""
    """The check that tells more."""
    area: str = ""
    free: bool = False
    """Beside the choices an answer may be written."""


def written(_facts: HostFacts, _selection: Selection) -> tuple[Choice, ...]:
    """No choices: the answer is written."""
    return ()


def one_of(option: str, value: str, allowed: tuple[str, ...]) -> str:
    """The answer. Raises UsageError for one that is none."""
    if value not in allowed:
        message = f"{option}: not an answer: {value!r}; there are {', '.join(allowed)}"
        raise UsageError(message)
    return value
