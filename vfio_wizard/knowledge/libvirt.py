"""What libvirt and QEMU take from which version on, and what libvirt does of itself.

"libvirt docs" is docs/formatdomain of 9.0.0; NEWS is NEWS.rst up to 12.5.0; "schema 9.0" was tried with the
schema of that release. A row without ``qemu`` depends on libvirt alone.
"""

from __future__ import annotations

from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.version import Release

NAMESPACE = "http://libvirt.org/schemas/domain/qemu/1.0"


class Feature(NamedTuple):
    """Something that a domain may say from a version on."""

    name: str
    libvirt: Release
    qemu: Release | None
    source: str


FEATURES: tuple[Feature, ...] = (
    Feature("address-limit", (9, 3, 0), None, "libvirt-go-xml-module a8eaad5; schema 9.0"),
    Feature("iommufd-device", (12, 1, 0), (9, 0, 0), "libvirt-go-xml-module b9b2e05; capability in QEMU 9.0"),
    Feature("iommufd-domain", (12, 2, 0), (9, 0, 0), "NEWS 12.2.0; libvirt-go-xml-module 5203c36"),
    Feature("json-devices", (7, 9, 0), (6, 2, 0), "LookingGlass:doc/ivshmem_kvmfr.rst"),
    Feature("pipewire", (10, 0, 0), (8, 1, 0), "libvirt-go-xml-module 696734b; schema 9.0"),
    Feature("firmware-features", (7, 2, 0), None, "libvirt docs"),
    Feature("grab-toggle", (7, 6, 0), None, "libvirt docs"),
)
_BY_NAME = {one.name: one for one in FEATURES}


def takes(name: str, libvirt: Release, qemu: Release | None) -> bool:
    """Whether this libvirt with this QEMU takes a feature; a QEMU that is not known may be any it works with.

    Raises KeyError for a name that is not in the table.
    """
    row = _BY_NAME[name]
    return libvirt >= row.libvirt and (row.qemu is None or (qemu or oldest_qemu(libvirt)) >= row.qemu)


def since(name: str) -> str:
    """The first libvirt with a feature, as in ``9.3``."""
    return ".".join(str(part) for part in _BY_NAME[name].libvirt[:2])


_OLDEST_QEMU: tuple[tuple[Release, Release], ...] = (
    ((12, 4, 0), (7, 2, 0)),
    ((11, 2, 0), (6, 2, 0)),
    ((10, 6, 0), (5, 2, 0)),
    ((7, 7, 0), (4, 2, 0)),
)
"""(libvirt, the oldest QEMU that it works with): NEWS 12.4, 11.2, 10.6; the last is older than any user's."""


def oldest_qemu(libvirt: Release) -> Release:
    """The oldest QEMU that a libvirt works with."""
    return next((qemu for first, qemu in _OLDEST_QEMU if libvirt >= first), (0, 0, 0))


OLDEST_LIBVIRT: Release = (7, 9, 0)
"""Older ones lack what every domain here needs: firmware by features, and the JSON syntax of devices."""


class Enlightenment(NamedTuple):
    """One of Hyper-V's helps for Windows, which are what its scheduler and timers run on."""

    name: str
    libvirt: Release
    needs: tuple[str, ...] = ()
    """Others without which QEMU does not start it; libvirt checks that itself from 11.9 on."""
    asked: bool = False
    """Only where this host's libvirt lists it: kernels of its time may lack it."""
    intel: bool = False


ENLIGHTENMENTS: tuple[Enlightenment, ...] = (
    Enlightenment("relaxed", (1, 0, 0)),
    Enlightenment("vapic", (1, 1, 0)),
    Enlightenment("spinlocks", (1, 1, 0)),
    Enlightenment("vpindex", (1, 3, 3)),
    Enlightenment("runtime", (1, 3, 3)),
    Enlightenment("synic", (1, 3, 3), ("vpindex",)),
    Enlightenment("stimer", (1, 3, 3), ("vpindex", "synic")),
    Enlightenment("frequencies", (4, 7, 0)),
    Enlightenment("tlbflush", (4, 7, 0), ("vpindex",)),
    Enlightenment("ipi", (4, 10, 0), ("vpindex",)),
    Enlightenment("avic", (8, 10, 0), asked=True),
    Enlightenment("xmm_input", (10, 7, 0), asked=True),
)
"""In libvirt's order. Left out: vendor_id (hides nothing that drivers from 465 on mind), reset, evmcs and
emsr_bitmap (for guests in the guest), reenlightenment (for moving to another host)."""

EMULATED_BITS = 40
"""Physical address bits of a processor that QEMU emulates: no other number is taken (target/i386/cpu.h)."""
SPINLOCK_RETRIES = 8191
"""libvirt takes 4095 or more (libvirt docs)."""

HOOKS_SINCE: Release = (6, 5, 0)
"""From then on libvirt runs every script in qemu.d (libvirt docs, hooks); before, the one script qemu."""
HOOKS_FOLDER = "etc/libvirt/hooks/qemu.d"
CPU_HOOK = "40-vfio-wizard-cpus-"
"""What the names of hooks begin with that keep the host off a guest's CPUs; the guest's name follows."""

CGROUP_DEVICES: tuple[str, ...] = (
    "/dev/null",
    "/dev/full",
    "/dev/zero",
    "/dev/random",
    "/dev/urandom",
    "/dev/ptmx",
    "/dev/kvm",
)
"""libvirt's own list (qemu.conf of 9.0); setting cgroup_device_acl replaces it."""

SHMEM_RULE_SINCE: Release = (5, 10, 0)
"""From here on libvirt writes AppArmor's rule for <shmem> itself (LookingGlass:doc/install_libvirt.rst)."""

OS_IDS: dict[str, str] = {
    "windows11": "http://microsoft.com/win/11",
    "windows10": "http://microsoft.com/win/10",
    "linux": "http://libosinfo.org/linux/2022",
}
"""libosinfo's names, by which other programs show an icon and choose defaults."""
