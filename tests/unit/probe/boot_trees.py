"""Small roots of machines, one for each way in which a kernel gets started."""

from __future__ import annotations

from pathlib import Path

from vfio_wizard.knowledge.bootchain import LOADER_INFO
from vfio_wizard.model.facts import Boot
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.probe.boot import read_boot
from vfio_wizard.probe.firmware import read_firmware
from vfio_wizard.probe.kernel import read_kernel
from vfio_wizard.system.host import Host, RootHost

MACHINE_ID = "0123456789abcdef0123456789abcdef"
ROOT = "root=UUID=1111 ro"


def efi_variable(text: str) -> bytes:
    """As efivarfs shows it: attributes, UTF-16LE, NUL."""
    return b"\x06\x00\x00\x00" + (text + "\0").encode("utf-16-le")


class ClosedHost(RootHost):
    """A host on which some paths are closed to this user; root itself may open every file of a tree."""

    closed: tuple[str, ...] = ()

    def names(self, path: str) -> tuple[str, ...] | Unread:
        return Unread(path, Gap.DENIED) if path.startswith(self.closed) else super().names(path)

    def text(self, path: str, limit: int = 1 << 20) -> str | Unread:
        return Unread(path, Gap.DENIED) if path.startswith(self.closed) else super().text(path, limit)


class Tree:
    """A root directory that is written file by file, and read as a host."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, path: str, content: str | bytes = "") -> Tree:
        where = self.root / path
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_bytes(content if isinstance(content, bytes) else content.encode())
        return self

    def tools(self, *names: str) -> Tree:
        for name in names:
            self.put(f"usr/bin/{name}", "#!/bin/sh\n")
        return self

    def folder(self, path: str) -> Tree:
        (self.root / path).mkdir(parents=True, exist_ok=True)
        return self

    def running(self, cmdline: str, release: str = "6.12.9-amd64") -> Tree:
        self.put("proc/cmdline", cmdline + "\n").put("proc/sys/kernel/osrelease", release + "\n")
        return self.folder(f"lib/modules/{release}").folder("sys/firmware")

    def uefi(self, loader_info: str | None = None) -> Tree:
        self.folder("sys/firmware/efi/efivars")
        return self if loader_info is None else self.put(LOADER_INFO, efi_variable(loader_info))

    def os(self, identity: str, like: str = "") -> Tree:
        return self.put("etc/os-release", f'ID={identity}\nID_LIKE="{like}"\nNAME="{identity}"\n')

    @property
    def host(self) -> RootHost:
        return RootHost(str(self.root))

    def closed(self, *paths: str) -> RootHost:
        host = ClosedHost(str(self.root))
        host.closed = paths
        return host

    def boot(self, host: Host | None = None) -> Boot:
        host = host or self.host
        return read_boot(host, read_kernel(host), read_firmware(host))


def loader_name(boot: Boot) -> str:
    """The loader's name, or why there is none."""
    return getattr(boot.loader, "name", "") or f"unread: {boot.loader}"


def generator_name(boot: Boot) -> str:
    """The generator's name, or why there is none."""
    return getattr(boot.initramfs, "name", "") or f"unread: {boot.initramfs}"
