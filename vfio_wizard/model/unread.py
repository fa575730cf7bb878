"""The answer "this could not be known", which is never the same as "no".

A fact is ``T | Unread``. Absent, denied and malformed are three answers because they
ask for three different next steps; *untold* is the fourth: the source (a capture, a pasted
listing, half a tree) never held the answer, so nothing may be concluded from its silence.
"""

from __future__ import annotations

from vfio_wizard.model.words import StrEnum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    T = TypeVar("T")
    D = TypeVar("D")


class Gap(StrEnum):
    """Why a fact is not there."""

    ABSENT = "absent"
    """The place was looked at, and nothing is there."""
    DENIED = "denied"
    """It is there, but this user may not read it."""
    MALFORMED = "malformed"
    """It was read, and does not have the form that it must have."""
    UNTOLD = "untold"
    """This source does not speak of it."""


class Unread:
    """A fact that was not obtained: where it would have been, and why it was not.

    A plain class and not a tuple, so that a sequence pattern never takes it for a value.
    """

    __slots__ = ("detail", "gap", "path")
    __match_args__ = ("gap",)

    def __init__(self, path: str, gap: Gap, detail: str = "") -> None:
        """``path`` relative to the root, ``detail`` one clause for humans, or nothing."""
        self.path = path
        self.gap = gap
        self.detail = detail

    def __eq__(self, other: object) -> bool:
        """Equal when path, reason and detail are."""
        if not isinstance(other, Unread):
            return NotImplemented
        return (self.path, self.gap, self.detail) == (other.path, other.gap, other.detail)

    def __hash__(self) -> int:
        """Consistent with equality."""
        return hash((self.path, self.gap, self.detail))

    def __repr__(self) -> str:
        """For test output and debuggers."""
        return f"Unread({self.path!r}, {self.gap.value}, {self.detail!r})"

    def __bool__(self) -> bool:
        """Refuse ``if fact:``; a gap is neither true nor false."""
        msg = f"the fact at {self.path} is unread: ask with isinstance, not with truth"
        raise TypeError(msg)

    @property
    def reason(self) -> str:
        """The gap as a clause: ``denied: sys/…/config (run as root)``."""
        tail = f" ({self.detail})" if self.detail else ""
        return f"{self.gap.value}: {self.path}{tail}"


def known(fact: T | Unread, default: D) -> T | D:
    """The fact, or ``default`` where it is unread. For places where both are handled alike."""
    return default if isinstance(fact, Unread) else fact


def untold(path: str, detail: str = "") -> Unread:
    """A gap for what this source does not speak of."""
    return Unread(path, Gap.UNTOLD, detail)
