"""The kernel's own log, record by record: what dmesg prints, without a process."""

from __future__ import annotations

import os
from collections.abc import Callable

_RECORD = 1 << 13
"""The kernel prints no longer record (CONSOLE_EXT_LOG_MAX)."""
_MOST_RECORDS = 1 << 18
_KERNEL_PRIORITIES = tuple(f"{priority}," for priority in range(8))
"""Facility 0. What programs write into the log gets another one, so that none can speak for the kernel."""


def records(place: str, limit: int) -> str:
    """The first line of each record of the kernel (``6,339,5140900,-;message``), oldest first.

    Stops when the log ends, and after ``limit`` bytes, should it grow faster than it is read. Raises
    OSError where it may not be opened.
    """
    handle = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        return "\n".join(first_lines(lambda: os.read(handle, _RECORD), limit))
    finally:
        os.close(handle)


def first_lines(read: Callable[[], bytes], limit: int) -> list[str]:
    """What ``read`` gives, one record a call, until it would have to wait."""
    lines: list[str] = []
    left = limit
    for _ in range(_MOST_RECORDS):
        try:
            record = read()
        except BrokenPipeError:
            continue  # overwritten while we read; the next read finds the oldest that is left
        except BlockingIOError:
            break
        left -= len(record)
        if not record or left < 0:
            break
        line = record.partition(b"\n")[0].decode("utf-8", "backslashreplace")
        if line.startswith(_KERNEL_PRIORITIES):
            lines.append(line)
    return lines
