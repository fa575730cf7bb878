"""What to install for a guest, by distribution: package names as the distributions spell them."""

from __future__ import annotations

from vfio_wizard.model.record import NamedTuple


class Stack(NamedTuple):
    """The packages of one family of distributions, by its os-release id."""

    id: str
    install: tuple[str, ...]
    """The command without the names."""
    qemu: str
    libvirt: str
    firmware: str
    source: str


STACKS: tuple[Stack, ...] = (
    Stack(
        "debian",
        ("sudo", "apt", "install"),
        "qemu-system-x86",
        "libvirt-daemon-system",
        "ovmf",
        "Debian 12 and 13 package index",
    ),
    Stack(
        "fedora",
        ("sudo", "dnf", "install"),
        "qemu-kvm",
        "libvirt",
        "edk2-ovmf",
        "Fedora package index",
    ),
    Stack("arch", ("sudo", "pacman", "-S"), "qemu-desktop", "libvirt", "edk2-ovmf", "Arch package index"),
    Stack("suse", ("sudo", "zypper", "install"), "qemu-kvm", "libvirt", "qemu-ovmf-x86_64", "openSUSE index"),
)

LIBVIRT_GROUPS = ("libvirt", "libvirtd")
"""The group that may manage the system daemon: Debian, Fedora and Arch say libvirt, NixOS libvirtd."""


def stack(distribution: str, like: tuple[str, ...]) -> Stack | None:
    """The row of a distribution or of the one that it descends from."""
    for name in (distribution, *like):
        for row in STACKS:
            if row.id == name or (row.id == "suse" and "suse" in name):
                return row
    return None
