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


class SpicePackage(NamedTuple):
    """What brings QEMU's SPICE, by the os-release id of a family; empty where there is none to be had."""

    id: str
    package: str
    source: str


SPICE_PACKAGES: tuple[SpicePackage, ...] = (
    SpicePackage("rhel", "", "Red Hat bug 2030592: not in release 9 and later"),
    SpicePackage("debian", "qemu-system-modules-spice", "Debian 13 package index"),
    SpicePackage("arch", "qemu-desktop", "Arch package index"),
)
NO_SPICE_SINCE = 9
"""Of Red Hat's releases and of those made from them."""


def spice_package(distribution: str, like: tuple[str, ...]) -> SpicePackage | None:
    """The row of a distribution or of the one that it descends from."""
    names = (distribution, *like)
    found = [row for name in names for row in SPICE_PACKAGES if row.id == name]
    return found[0] if found else None


LIBVIRT_GROUPS = ("libvirt", "libvirtd")
"""The group that may manage the system daemon: Debian, Fedora and Arch say libvirt, NixOS libvirtd."""


def stack(distribution: str, like: tuple[str, ...]) -> Stack | None:
    """The row of a distribution or of the one that it descends from."""
    for name in (distribution, *like):
        for row in STACKS:
            if row.id == name or (row.id == "suse" and "suse" in name):
                return row
    return None
