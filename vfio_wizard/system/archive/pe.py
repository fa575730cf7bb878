"""Sections of a program for the UEFI firmware, in which a unified kernel image keeps its parts.

Only the headers are read (Microsoft's PE format, "COFF File Header" and "Section Table"; the names are
those of the UAPI group's specification of unified kernel images).
"""

from __future__ import annotations

import struct

from vfio_wizard.model.record import NamedTuple
from vfio_wizard.system.archive.budget import DamagedError
from vfio_wizard.system.archive.streams import Span

MAGIC = b"MZ"
_MOST_SECTIONS = 96
"""What the Windows loader allows; images have about ten."""


class Section(NamedTuple):
    """One section: where its content stands in the file."""

    name: str
    start: int
    size: int


def sections(span: Span) -> tuple[Section, ...]:
    """The sections of the program in a span, in file order. Raises DamagedError."""
    base = span.at
    head = span.exactly(64)
    header = struct.unpack_from("<I", head, 60)[0]
    if not head.startswith(MAGIC) or header > span.end - base:
        message = "damaged (no header of a UEFI program)"
        raise DamagedError(message)
    span.at = base + header
    coff = span.exactly(24)
    count, optional = struct.unpack_from("<H12xH", coff, 6)
    if not coff.startswith(b"PE\0\0") or count > _MOST_SECTIONS:
        message = "damaged (no header of a UEFI program)"
        raise DamagedError(message)
    span.at += optional
    return tuple(_section(span.exactly(40), base, span.end) for _ in range(count))


def _section(row: bytes, base: int, end: int) -> Section:
    name = row[:8].rstrip(b"\0").decode("latin-1")
    virtual, _address, raw, start = struct.unpack_from("<IIII", row, 8)
    size = min(virtual, raw) if virtual else raw
    if base + start + size > end:
        message = f"cut off (section {name})"
        raise DamagedError(message)
    return Section(name, base + start, size)
