"""The exact texts of what a change edits or must look at, for the floor that writes the changed ones."""

from __future__ import annotations

from collections.abc import Iterator

from vfio_wizard.knowledge.changes import (
    ENROLLED,
    LIMINE_HASH,
    LIMINE_PROGRAMS,
    LISTED,
    LOOKED_FOR,
    MODULES,
    TEXT_FOLDERS,
    TEXTS,
    ZFS_COMMAND,
    ZFS_TOLD,
)
from vfio_wizard.knowledge.libvirt import CPU_HOOK, HOOKS_FOLDER
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.originals import Originals
from vfio_wizard.model.unread import Gap, Unread, known
from vfio_wizard.system.host import TEXT_LIMIT, Command, Host


def read_originals(host: Host | None, facts: HostFacts) -> Originals:
    """What stands on a machine, byte for byte; a file that cannot be read so is only known to be there.

    A record holds texts without their bytes. They show what would change, and nothing is written there.
    """
    if host is None or host.kind == "capture":
        return _of_record(host, facts)
    texts: dict[str, str] = {}
    there = set(_presence(host))
    for path in _paths(host):
        content = host.data(path, TEXT_LIMIT + 1)
        if isinstance(content, Unread):
            if content.gap is not Gap.ABSENT and content.gap is not Gap.UNTOLD:
                there.add(path)
        elif len(content) > TEXT_LIMIT or b"\0" in content:
            there.add(path)
        else:
            texts[path] = content.decode("utf-8", "surrogateescape")
    return Originals(texts | _hashes(host) | _zfs(host, facts), there)


def _hashes(host: Host) -> dict[str, str]:
    """The hash of its configuration that a Limine program insists on; all 0 where it does not."""
    found: dict[str, str] = {}
    for path in LIMINE_PROGRAMS:
        content = host.data(path, TEXT_LIMIT)
        if isinstance(content, bytes) and LIMINE_HASH in content:
            digits = content.partition(LIMINE_HASH)[2][:_HASH_DIGITS]
            found[path + ENROLLED] = digits.decode("ascii", "replace")
    return found


_HASH_DIGITS = 128


def _zfs(host: Host, facts: HostFacts) -> dict[str, str]:
    """What ZFS keeps for ZFSBootMenu, asked only where that starts this system."""
    loader = facts.boot.loader
    if isinstance(loader, Unread) or loader.name != "zfsbootmenu":
        return {}
    told = host.run(Command(ZFS_COMMAND))
    return {} if isinstance(told, Unread) else {ZFS_TOLD: told}


def _of_record(host: Host | None, facts: HostFacts) -> Originals:
    texts = {path: f"{text}\n" for path, text in facts.files if text}
    there: set[str] = set()
    if host is not None:
        for path in _paths(host):
            seen = host.text(path)
            if isinstance(seen, str):
                texts[path] = f"{seen}\n" if seen else ""
            elif seen.gap is Gap.DENIED:
                there.add(path)
        there.update(_presence(host))
    if not isinstance(facts.boot.loader, Unread):
        there.update(path for path, _ in facts.boot.loader.evidence)
    return Originals(texts, there - texts.keys())


def _paths(host: Host) -> Iterator[str]:
    yield from TEXTS
    for folder, ending in TEXT_FOLDERS:
        for name in known(host.names(folder), ()):
            if name.endswith(ending):
                yield f"{folder}/{name}"
    for name in known(host.names(HOOKS_FOLDER), ()):
        if name.startswith(CPU_HOOK):
            yield f"{HOOKS_FOLDER}/{name}"


def _presence(host: Host) -> Iterator[str]:
    """Programs and generated files that are there, and names in folders where the kernels are."""
    for path in LOOKED_FOR:
        if not isinstance(host.stat(path), Unread):
            yield path
    for folder in LISTED:
        for name in known(host.names(folder), ()):
            yield f"{folder}/{name}"
    for name in known(host.names(MODULES), ()):
        if not isinstance(host.stat(f"{MODULES}/{name}/vmlinuz"), Unread):
            yield f"{MODULES}/{name}/vmlinuz"
