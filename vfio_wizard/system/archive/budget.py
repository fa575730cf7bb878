"""What looking into one image may cost, whatever the image says of itself."""

from __future__ import annotations

import time

MOST_WORK = 1536 << 20
"""Bytes read and unpacked, added up. Large images (with firmware of NVIDIA in them) unpack to half a GiB."""

MOST_SECONDS = 60.0
"""An image of 300 MiB unpacked takes half a second (zstd) to four seconds (xz)."""

MOST_ENTRIES = 200_000
"""Files in an image. Real ones hold some thousands."""


class DamagedError(Exception):
    """What stands in an image has not the form that it must have, or is more than any image has."""


class NotReadableError(Exception):
    """A form that is read by a library which is not installed here; the message says how to get it."""


class Budget:
    """Counts the work; raises ``DamagedError`` when an image asks for more than any real one does."""

    def __init__(self, work: int = MOST_WORK, seconds: float = MOST_SECONDS) -> None:
        """``work`` in bytes."""
        self._work = work
        self._left = work
        self._entries = MOST_ENTRIES
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def spend(self, count: int) -> None:
        """Take ``count`` bytes from what is left."""
        self._left -= count
        if self._left < 0:
            message = f"unpacks to more than {self._work >> 20} MiB"
            raise DamagedError(message)
        if time.monotonic() > self._end:
            message = f"not read within {self._seconds:g} s"
            raise DamagedError(message)

    def count_entry(self) -> None:
        """Take one file from those that an image may hold."""
        self._entries -= 1
        if self._entries < 0:
            message = f"holds more than {MOST_ENTRIES} files"
            raise DamagedError(message)
