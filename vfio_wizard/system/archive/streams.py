"""Bytes of an image as they come: from the file as it stands, or unpacked piece by piece.

Nothing here holds more than one piece (128 KiB, with lz4 8 MiB) and what the packer's window needs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Protocol

from vfio_wizard.system.archive.budget import Budget, DamagedError

CHUNK = 1 << 17


class Span:
    """A part of an open file, read from front to back. ``at`` may be set."""

    def __init__(self, handle: int, start: int, end: int, budget: Budget) -> None:
        """From byte ``start`` up to ``end`` of the file behind the descriptor ``handle``."""
        self._handle = handle
        self.at = start
        self.end = end
        self.budget = budget

    def read(self, count: int) -> bytes:
        """The next bytes, at most ``count``; empty at the end."""
        content = self.peek(count)
        self.at += len(content)
        self.budget.spend(len(content))
        return content

    def peek(self, count: int) -> bytes:
        """The next bytes without going past them."""
        wanted = min(count, self.end - self.at)
        return os.pread(self._handle, wanted, self.at) if wanted > 0 else b""

    def tail(self, count: int) -> bytes:
        """The last bytes before the end, at most ``count``."""
        wanted = min(count, self.end - self.at)
        return os.pread(self._handle, wanted, self.end - wanted) if wanted > 0 else b""

    def skip_zeros(self) -> None:
        """Go past zero bytes, which pad archives."""
        size = 4  # before most headers there is no padding left
        while content := self.peek(size):
            rest = content.lstrip(b"\0")
            self.at += len(content) - len(rest)
            self.budget.spend(len(content) - len(rest))
            if rest:
                return
            size = CHUNK

    def exactly(self, count: int) -> bytes:
        """The next ``count`` bytes. Raises DamagedError where there are fewer."""
        content = self.read(count)
        if len(content) < count:
            message = "cut off"
            raise DamagedError(message)
        return content


class Stream(Protocol):
    """What an archive is read from."""

    def read(self, count: int) -> bytes:
        """Just ``count`` bytes, fewer only at the end."""

    def skip(self, count: int) -> int:
        """Go past bytes and tell how many; fewer than ``count`` only at the end."""

    def skip_zeros(self) -> None:
        """Go past zero bytes, which pad archives."""


class Plain:
    """A span as a stream: what is not wanted is never read."""

    def __init__(self, span: Span) -> None:
        """The span's ``at`` moves along."""
        self._span = span

    def read(self, count: int) -> bytes:
        """Just ``count`` bytes, fewer only at the end."""
        return self._span.read(count)

    def skip(self, count: int) -> int:
        """Go past bytes without reading them."""
        step = min(count, self._span.end - self._span.at)
        self._span.at += step
        return step

    def skip_zeros(self) -> None:
        """Go past padding."""
        self._span.skip_zeros()


class Unpacked:
    """Pieces from an unpacker as a stream."""

    def __init__(self, pieces: Iterator[bytes], budget: Budget) -> None:
        """Each piece is dropped once it was read or skipped."""
        self._pieces = pieces
        self._budget = budget
        self._piece = b""
        self._at = 0

    def read(self, count: int) -> bytes:
        """Just ``count`` bytes, fewer only at the end."""
        if len(self._piece) - self._at >= count:
            self._at += count
            return self._piece[self._at - count : self._at]
        parts = []
        while count:
            part = self._part(count)
            if not part:
                break
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def skip(self, count: int) -> int:
        """Go past bytes; they have to be unpacked all the same."""
        left = count
        while left and self._has_more():
            step = min(left, len(self._piece) - self._at)
            self._at += step
            left -= step
        return count - left

    def skip_zeros(self) -> None:
        """Go past padding, of which a hostile archive may hold a GiB."""
        while self._has_more():
            if self._piece[self._at]:
                return
            self._piece = self._piece[self._at :].lstrip(b"\0")
            self._at = 0

    def _part(self, count: int) -> bytes:
        if not self._has_more():
            return b""
        start = self._at
        self._at = min(len(self._piece), start + count)
        return self._piece[start : self._at]

    def _has_more(self) -> bool:
        while self._at >= len(self._piece):
            piece = next(self._pieces, None)
            if piece is None:
                return False
            self._budget.spend(len(piece))
            self._piece, self._at = piece, 0
        return True
