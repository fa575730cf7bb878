"""A machine of which one answer goes wrong: empty, huge, binary, absurd, closed, gone, or gone half-way."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.system.host import TEXT_LIMIT, Command, FileStat, Host

T = TypeVar("T")


class Trouble(StrEnum):
    """What becomes of an answer."""

    EMPTY = "empty"
    HUGE = "huge"
    BINARY = "binary"
    ABSURD = "absurd"
    DENIED = "denied"
    VANISHED = "vanished"


_MANY = 300
"""Names and lines where there should be few. Each may be asked for more."""

_BINARY = "\x1b[2J\x1b]0;x\x07\\xff\\x00\x9b31m\u202e٣\n" * 3
_ABSURD = "-99999999999999999999"
_TEXTS = {Trouble.EMPTY: "", Trouble.BINARY: _BINARY, Trouble.ABSURD: _ABSURD}
_GAPS = {Trouble.DENIED: Gap.DENIED, Trouble.VANISHED: Gap.ABSENT}
_NUMBERED = re.compile(r"[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]|\d+")


def kind_of_path(path: str) -> str:
    """The path without addresses and numbers: one of what there is many of."""
    return _NUMBERED.sub("*", path)


class TroubledHost:
    """Answers as the inner host does, but for the paths that ``is_troubled`` names."""

    live = False
    label = "a machine in trouble"
    kind = "capture"

    def __init__(self, inner: Host, is_troubled: Callable[[str, int], bool], trouble: Trouble) -> None:
        """``is_troubled`` gets the path and how many answers were given before."""
        self._inner = inner
        self._is_troubled = is_troubled
        self._trouble = trouble
        self.asked: list[str] = []

    def _answer(self, path: str, plain: Callable[[], T | Unread], wrong: Callable[[], T]) -> T | Unread:
        self.asked.append(path)
        if not self._is_troubled(path, len(self.asked) - 1):
            return plain()
        gap = _GAPS.get(self._trouble)
        return Unread(path, gap) if gap else wrong()

    def _text(self, limit: int) -> str:
        return _TEXTS.get(self._trouble, "A" * limit)[:limit]

    def text(self, path: str, limit: int = TEXT_LIMIT) -> str | Unread:
        """A file."""
        return self._answer(path, lambda: self._inner.text(path, limit), lambda: self._text(limit))

    def head(self, path: str, limit: int) -> str | Unread:
        """The beginning of one."""
        return self._answer(path, lambda: self._inner.head(path, limit), lambda: self._text(limit))

    def lines(
        self, path: str, starts: tuple[str, ...], holds: tuple[str, ...] = ()
    ) -> tuple[str, ...] | Unread:
        """Lines that start or hold as asked, and go on with trouble."""
        first = (*starts, *holds, "")[0]
        many = _MANY if self._trouble is Trouble.HUGE else 3
        bad = () if self._trouble is Trouble.EMPTY else (first + self._text(4000).replace("\n", " "),) * many
        return self._answer(path, lambda: self._inner.lines(path, starts, holds), lambda: bad)

    def data(self, path: str, limit: int = TEXT_LIMIT) -> bytes | Unread:
        """Bytes."""
        wrong = self._text(limit).encode("utf-8", "replace")[:limit]
        return self._answer(path, lambda: self._inner.data(path, limit), lambda: wrong)

    def link(self, path: str) -> str | Unread:
        """Where a link leads."""
        return self._answer(path, lambda: self._inner.link(path), lambda: self._text(4096))

    def names(self, path: str) -> tuple[str, ...] | Unread:
        """The names in a directory."""
        many = tuple(f"{number:05d}" for number in range(_MANY)) if self._trouble is Trouble.HUGE else ()
        wrong = many or ((self._text(200).replace("/", "_"),) if self._trouble is not Trouble.EMPTY else ())
        return self._answer(path, lambda: self._inner.names(path), lambda: wrong)

    def stat(self, path: str) -> FileStat | Unread:
        """What a path is."""
        wrong = FileStat("other", 0o7777, 2**32 - 1, 2**32 - 1, 2**63 - 1, -(2**40))
        return self._answer(path, lambda: self._inner.stat(path), lambda: wrong)

    def run(self, command: Command) -> str | Unread:
        """A command's output."""
        path = " ".join(command.argv)
        return self._answer(path, lambda: self._inner.run(command), lambda: self._text(100_000))
