"""What the exit code says; part of the public contract."""

from __future__ import annotations

from vfio_wizard.model.words import IntEnum


class Exit(IntEnum):
    """0 nothing blocks (or: done) … 130 interrupted."""

    OK = 0
    BLOCKED = 1
    USAGE = 2
    UNKNOWN = 3
    PARTIAL = 4
    INTERRUPTED = 130
