"""The archives that the kernel unpacks as its first file system: cpio's form "newc", several in a row.

As in the kernel (Documentation/driver-api/early-userspace/buffer-format.rst, init/initramfs.c): zero bytes
between archives are padding; an archive may be packed; what is unpacked may again be several archives,
but never a packed one.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterator

from vfio_wizard.model.record import NamedTuple
from vfio_wizard.system.archive.budget import Budget, DamagedError
from vfio_wizard.system.archive.packing import packing, unpack
from vfio_wizard.system.archive.streams import Plain, Span, Stream, Unpacked

MOST_NAME = 4096
"""Bytes of a name or a link's target, PATH_MAX; the kernel skips an entry with a longer one."""

_TRAILER = "TRAILER!!!"
_HEADER = 110
_FORM = re.compile(rb"07070[12][0-9A-Fa-f]{104}")
_OLD = (b"070707", b"\xc7\x71", b"\x71\xc7")
_BOOTCONFIG = b"#BOOTCONFIG\n"


class Entry(NamedTuple):
    """One file of an archive. ``name`` is relative to the root, without ``.`` and ``..``."""

    name: str
    mode: int
    size: int
    file: tuple[int, int, int]
    """Device and inode: entries that share it and have ``links`` above 1 are one file."""
    links: int

    @property
    def is_regular(self) -> bool:
        """Whether it is a regular file."""
        return stat.S_ISREG(self.mode)

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return stat.S_ISLNK(self.mode)


Wants = Callable[[Entry], bool]
"""Whether the content of an entry is to be read; links' targets always are."""


def archives(span: Span) -> Iterator[tuple[str, Stream]]:
    """Each archive of an image in order: its packing (``none``), and its bytes.

    The next one is found where the bytes of the one before end: read each to its end first.
    Raises DamagedError where something else follows.
    """
    _leave_out_bootconfig(span)
    span.skip_zeros()
    while start := span.peek(8):
        if start.startswith((b"070701", b"070702")):
            yield "none", Plain(span)
        else:
            name = packing(start)
            if name is None:
                raise DamagedError(_unknown(start, span.at))
            yield name, Unpacked(unpack(span, name), span.budget)
        span.skip_zeros()


def _unknown(start: bytes, at: int) -> str:
    if start.startswith(_OLD):
        return "an old form of cpio, which the kernel does not unpack either"
    return f"what begins at byte {at} is no archive"


def _leave_out_bootconfig(span: Span) -> None:
    """The kernel cuts its own configuration off the end (Documentation/admin-guide/bootconfig.rst)."""
    tail = span.tail(20)
    if len(tail) < 20 or not tail.endswith(_BOOTCONFIG):
        return
    size = int.from_bytes(tail[:4], "little")
    if size <= span.end - span.at - 20:
        span.end -= 20 + size


def entries(
    stream: Stream, budget: Budget, wants: Wants, *, alone: bool = False
) -> Iterator[tuple[Entry, bytes | None]]:
    """The entries of a stream, each with its content or target where that was wanted. Raises DamagedError.

    ``alone`` ends behind the first archive, as an unpacked one must: what follows it may be packed.
    """
    while header := _header(stream):
        entry, target_size = header
        budget.count_entry()
        if entry.name == _TRAILER:
            if alone:
                return
            continue
        is_read = entry.is_link or (entry.is_regular and wants(entry))
        if entry.size > MOST_NAME and entry.is_link:
            is_read = False
        content = _exactly(stream, entry.size) if is_read else None
        _pass(stream, target_size - (entry.size if is_read else 0))
        yield entry, content


def _header(stream: Stream) -> tuple[Entry, int] | None:
    """The next entry and the bytes of its content with padding; None at the end of the stream."""
    stream.skip_zeros()
    raw = stream.read(_HEADER)
    if not raw:
        return None
    if len(raw) < _HEADER:
        message = "cut off"
        raise DamagedError(message)
    if not _FORM.fullmatch(raw):
        message = "damaged (cpio: no header where one must be)"
        raise DamagedError(message)
    numbers = [int(raw[at : at + 8], 16) for at in range(6, _HEADER, 8)]
    inode, mode, _uid, _gid, links, _time, size, major, minor, _rmajor, _rminor, name_size, _sum = numbers
    name = _name(stream, name_size)
    return Entry(name, mode, size, (major, minor, inode), links), size + -size % 4


def _name(stream: Stream, size: int) -> str:
    if not 0 < size <= MOST_NAME:
        message = f"damaged (cpio: a name of {size} bytes)"
        raise DamagedError(message)
    raw = _exactly(stream, size)
    _pass(stream, -(_HEADER + size) % 4)
    return _inside(raw.partition(b"\0")[0].decode("utf-8", "backslashreplace"))


def _inside(name: str) -> str:
    """The name below the root, which ``..`` cannot leave."""
    if "./" not in name and "//" not in name and not name.startswith(("/", ".")):
        return name.rstrip("/")
    parts: list[str] = []
    for part in name.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _exactly(stream: Stream, count: int) -> bytes:
    content = stream.read(count)
    if len(content) < count:
        message = "cut off"
        raise DamagedError(message)
    return content


def _pass(stream: Stream, count: int) -> None:
    """Padding behind the last content may be missing, as the kernel allows."""
    if stream.skip(count) < count and count > 3:
        message = "cut off"
        raise DamagedError(message)
