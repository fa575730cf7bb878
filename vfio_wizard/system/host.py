"""The one door to a machine: five verbs, whatever stands behind them.

Paths are relative to the root (``sys/bus/pci/devices``), never absolute. Every verb answers
with a value or with ``Unread``; none raises for what a machine may hold.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from vfio_wizard.model.unread import Unread

TEXT_LIMIT = 1 << 20
"""Bytes of a text that are read at most; a longer one is malformed."""


class FileStat(NamedTuple):
    """What kind of thing a path is (char, block, file, directory, socket, other), and whose."""

    kind: str
    mode: int
    owner: int
    group: int
    size: int
    mtime: int


class Command(NamedTuple):
    """A command from the fixed set that probes may run, by its argument list."""

    argv: tuple[str, ...]
    timeout: float = 5.0


class Host(Protocol):
    """A machine, live or recorded."""

    @property
    def live(self) -> bool:
        """Whether this is the machine that the program runs on. Others can never be changed."""

    @property
    def label(self) -> str:
        """What to call it in messages: ``this machine``, or the path of the record."""

    @property
    def kind(self) -> str:
        """``live``, ``directory`` or ``capture``."""

    def text(self, path: str, limit: int = TEXT_LIMIT) -> str | Unread:
        """The content of a file as text, decoded leniently, without trailing newline or NULs."""

    def data(self, path: str, limit: int = TEXT_LIMIT) -> bytes | Unread:
        """The content of a binary file, at most ``limit`` bytes of it."""

    def link(self, path: str) -> str | Unread:
        """Where a link leads, resolved inside the root, as a path relative to it."""

    def names(self, path: str) -> tuple[str, ...] | Unread:
        """The sorted names in a directory."""

    def stat(self, path: str) -> FileStat | Unread:
        """What a path is, links followed inside the root."""

    def run(self, command: Command) -> str | Unread:
        """The standard output of a command. Recorded hosts replay what was recorded."""
