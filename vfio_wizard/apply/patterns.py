"""The files that a command may write, by patterns with ``*`` within a name.

Capitals do not count: on an EFI partition ``ARCH.EFI`` is the file that a tool writes to as ``arch.efi``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from vfio_wizard.apply.disk import FILE, FOLDER, LINK, Disk

VOLATILE = ("dev/", "proc/", "run/", "sys/")
"""Gone with the next boot: neither kept nor put back."""


def matching(disk: Disk, patterns: Iterable[str]) -> tuple[str, ...]:
    """Files and links that are there and lasting, sorted."""
    found: set[str] = set()
    for pattern in patterns:
        if not pattern.startswith(VOLATILE):
            found.update(_below(disk, "", pattern.split("/")))
    return tuple(sorted(found))


def is_match(path: str, patterns: Iterable[str]) -> bool:
    """Whether a path is one of those that the patterns speak of."""
    parts = path.split("/")
    return any(_same(parts, pattern.split("/")) for pattern in patterns)


def _same(parts: list[str], wanted: list[str]) -> bool:
    return len(parts) == len(wanted) and all(map(_is_like, parts, wanted))


def _is_like(name: str, pattern: str) -> bool:
    return fnmatchcase(name.lower(), pattern.lower())


def is_exactly(path: str, patterns: Iterable[str]) -> bool:
    """The same with capitals as they are: for what may be written, and not what might have been."""
    parts = path.split("/")
    return any(
        len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))
        for wanted in (pattern.split("/") for pattern in patterns)
    )


def _below(disk: Disk, folder: str, parts: list[str]) -> Iterator[str]:
    name, rest = parts[0], parts[1:]
    names = disk.names(folder) if "*" in name else (name,)
    for one in names:
        if not _is_like(one, name):
            continue
        path = f"{folder}/{one}" if folder else one
        if rest:
            yield from _below(disk, path, rest)
        elif (look := disk.look(path)) is not None and look.kind in (FILE, LINK):
            yield path


def folders_matching(disk: Disk, patterns: Iterable[str]) -> tuple[str, ...]:
    """The folders that are there above what the patterns speak of, deepest first."""
    found: set[str] = set()
    for pattern in patterns:
        parts = pattern.split("/")
        if pattern.startswith(VOLATILE):
            continue
        for depth in range(1, len(parts)):
            found.update(_folders(disk, "", parts[:depth]))
    return tuple(sorted(found, key=lambda path: (-path.count("/"), path)))


def _folders(disk: Disk, folder: str, parts: list[str]) -> Iterator[str]:
    name, rest = parts[0], parts[1:]
    for one in disk.names(folder) if "*" in name else (name,):
        if not _is_like(one, name):
            continue
        path = f"{folder}/{one}" if folder else one
        look = disk.look(path)
        if look is None or look.kind != FOLDER:
            continue
        if rest:
            yield from _folders(disk, path, rest)
        else:
            yield path


def settle(disk: Disk, paths: Iterable[str]) -> None:
    """Until what a command left at these paths is on the medium: most commands do not wait for that."""
    folders: dict[str, None] = {}
    for path in paths:
        look = disk.look(path)
        folder = path.rpartition("/")[0]
        if look is not None and look.kind == FILE:
            disk.sync(path)
        if look is not None or disk.look(folder) is not None:
            folders[folder] = None
    for folder in folders:
        disk.sync_folder(folder)
