"""Builds images byte by byte: archives, packings, unified kernel images, sound or spoiled."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import stat
import struct
from pathlib import Path
from typing import NamedTuple

import zstandard

from vfio_wizard.model.unread import Unread
from vfio_wizard.system.archive.budget import Budget
from vfio_wizard.system.archive.image import image_text

RELEASE = "6.1.0-9-amd64"


class File(NamedTuple):
    """One entry to write."""

    name: str
    content: bytes = b""
    mode: int = stat.S_IFREG | 0o644
    inode: int = 0
    links: int = 1


def link(name: str, target: str) -> File:
    return File(name, target.encode(), stat.S_IFLNK | 0o777)


def module(name: str, folder: str = "kernel/drivers", ending: str = ".ko.xz") -> File:
    return File(f"usr/lib/modules/{RELEASE}/{folder}/{name}{ending}", b"\xfd7zXZ of a module")


def entry(file: File, number: int = 1, *, size: int | None = None, name_size: int | None = None) -> bytes:
    """A header of thirteen numbers, the name, the content; sizes may be made to lie."""
    name = file.name.encode("utf-8", "surrogateescape") + b"\0"
    length = len(file.content) if size is None else size
    numbers = (file.inode or number, file.mode, 0, 0, file.links, 0, length, 0, 0, 0, 0)
    raw = b"070701" + b"".join(b"%08X" % one for one in (*numbers, name_size or len(name), 0)) + name
    return _padded(_padded(raw) + file.content)


def archive(*files: File, block: int = 512) -> bytes:
    """A whole archive with its trailer, padded as cpio(1) does."""
    raw = b"".join(entry(file, number) for number, file in enumerate(files, 1))
    return _padded(raw + entry(File("TRAILER!!!", mode=0)), block)


def _padded(raw: bytes, to: int = 4) -> bytes:
    return raw + b"\0" * (-len(raw) % to)


def packed(name: str, raw: bytes) -> bytes:
    """As the generators pack: ``name`` as the reader calls it."""
    match name:
        case "none":
            return raw
        case "gzip":
            return gzip.compress(raw, 1)
        case "xz":
            return lzma.compress(raw, check=lzma.CHECK_CRC32, preset=0)
        case "lzma":
            return lzma.compress(raw, lzma.FORMAT_ALONE, preset=0)
        case "bzip2":
            return bz2.compress(raw, 1)
        case "zstd":
            return zstandard.ZstdCompressor(level=1, write_checksum=True).compress(raw)
        case "lz4":
            return _lz4_legacy(raw)
        case "lz4 frame":
            import lz4.frame  # noqa: PLC0415 - an extra

            return bytes(lz4.frame.compress(raw))
        case _:
            raise ValueError(name)


PACKINGS = ("none", "gzip", "xz", "lzma", "bzip2", "zstd", "lz4", "lz4 frame")


def _lz4_legacy(raw: bytes) -> bytes:
    import lz4.block  # noqa: PLC0415 - an extra

    blocks = [raw[at : at + (8 << 20)] for at in range(0, len(raw), 8 << 20)]
    parts = [bytes(lz4.block.compress(block, store_size=False)) for block in blocks]
    return b"\x02\x21\x4c\x18" + b"".join(struct.pack("<I", len(part)) + part for part in parts)


def unified(**sections: bytes) -> bytes:
    """A program for the firmware with these sections, as ukify builds it."""
    start = 0x80
    head = b"MZ" + b"\0" * 58 + struct.pack("<I", start)
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, len(sections), 0, 0, 0, 240, 0x22)
    table_end = start + len(coff) + 240 + 40 * len(sections)
    rows, body, at = b"", b"", table_end + -table_end % 512
    for number, (name, content) in enumerate(sections.items()):
        raw = _padded(content, 512)
        row = struct.pack("<IIII", len(content), 0x1000 * number, len(raw), at + len(body))
        rows += f".{name}".encode().ljust(8, b"\0") + row + b"\0" * 16
        body += raw
    program = head.ljust(start, b"\0") + coff + b"\0" * 240 + rows
    return program.ljust(at, b"\0") + body


def told(folder: Path, image: bytes, budget: Budget | None = None) -> str | Unread:
    """What the reader says of an image."""
    path = folder / "initrd.img"
    path.write_bytes(image)
    handle = os.open(path, os.O_RDONLY)
    try:
        return image_text(handle, "boot/initrd.img", budget)
    finally:
        os.close(handle)
