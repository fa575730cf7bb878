"""Writes the archive format that the kernel unpacks as its first root file system.

The kernel takes several such archives one after the other, so a scenario is a few kilobytes
appended to a base that is built once. Written here rather than with cpio(1), because device nodes
and owners need no privileges when they are only written down.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

_PADDING = 512
_CONSOLE = (5, 1)


class Archive:
    """One archive in the kernel's "newc" form, uncompressed: that loads fastest under emulation."""

    def __init__(self, out: BinaryIO) -> None:
        """``out`` is written from its present position on."""
        self._out = out
        self._entries = 0

    def tree(self, root: Path) -> None:
        """Add all of a directory, owned by root."""
        for directory, folders, files in os.walk(root):
            folders.sort()
            for name in sorted([*folders, *files]):
                self.path(str((Path(directory) / name).relative_to(root)), Path(directory) / name)

    def path(self, name: str, source: Path) -> None:
        """Add one file, link or directory (without what is in it)."""
        mode = source.lstat().st_mode
        if stat.S_ISLNK(mode):
            self.entry(name, mode, os.fsencode(source.readlink()))
        elif stat.S_ISDIR(mode):
            self.directory(name)
        elif stat.S_ISREG(mode):
            self.file(name, source.read_bytes(), stat.S_IMODE(mode))

    def file(self, name: str, content: bytes, mode: int = 0o644) -> None:
        """Add a regular file."""
        self.entry(name, stat.S_IFREG | mode, content)

    def directory(self, name: str) -> None:
        """Add a directory."""
        self.entry(name, stat.S_IFDIR | 0o755, b"")

    def console(self) -> None:
        """Add the device that the kernel opens for the first process."""
        self.entry("dev/console", stat.S_IFCHR | 0o600, b"", _CONSOLE)

    def entry(self, name: str, mode: int, content: bytes, device: tuple[int, int] = (0, 0)) -> None:
        """Add one entry as the format spells it: thirteen numbers, the name, the content."""
        self._entries += 1
        encoded = os.fsencode(name) + b"\0"
        numbers = (self._entries, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(encoded), 0)
        self._out.write(b"070701" + b"".join(b"%08x" % number for number in numbers))
        self._out.write(encoded)
        self._pad(4)
        self._out.write(content)
        self._pad(4)

    def close(self) -> None:
        """Write the trailer; another archive may follow."""
        self.entry("TRAILER!!!", 0, b"")
        self._pad(_PADDING)

    def _pad(self, to: int) -> None:
        self._out.write(b"\0" * (-self._out.tell() % to))
