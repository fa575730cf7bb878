"""How much shared memory Looking Glass needs for a picture.

Two generations of the guest part count differently; the larger answer serves both. Sources:
LookingGlass tag B7 doc/install_libvirt.rst; development documentation of 2026-08 (IDD).
"""

from __future__ import annotations

import re

from vfio_wizard.model.domain import Mirroring
from vfio_wizard.model.facts import HostFacts, Virt
from vfio_wizard.model.plan import Guards, SharedMemory
from vfio_wizard.model.selection import GuestPart, LookingGlass, Mirror
from vfio_wizard.model.unread import known

QEMU_CONF = "etc/libvirt/qemu.conf"
APPARMOR_RULES = "etc/apparmor.d/local/abstractions/libvirt-qemu"
_PROFILES = (APPARMOR_RULES, "etc/apparmor.d/abstractions/libvirt-qemu")
_ACL = re.compile(r"^[ \t]*cgroup_device_acl[ \t]*=[ \t]*\[([^\]]*)\]", re.MULTILINE)
_MIB = 1 << 20


def size_mib(width: int, height: int, *, hdr: bool, part: GuestPart = GuestPart.AUTO) -> int:
    """The power of two in MiB that holds the picture for a guest part, or for both where none is named."""
    sizes = {GuestPart.HOST: _b7(width, height, hdr=hdr), GuestPart.IDD: _idd(width, height)}
    return sizes.get(part) or max(sizes.values())


def _b7(width: int, height: int, *, hdr: bool) -> int:
    """Two frames of 4 (HDR: 8) bytes a pixel, and 10 MiB."""
    return _power_of_two(width * height * (8 if hdr else 4) * 2 / _MIB + 10)


def _idd(width: int, height: int) -> int:
    """Three frames with lines padded to 256 bytes, and 4 MiB; HDR needs no more."""
    line = -(-width * 4 // 256) * 256
    return _power_of_two(line * height * 3 / _MIB + 4)


def _power_of_two(mib: float) -> int:
    size = 1
    while size < mib:
        size *= 2
    return size


def shared_memory(
    wish: LookingGlass, owner: str | None, virt: Virt, guards: Guards | None = None
) -> SharedMemory | None:
    """The memory for a wish; None when Looking Glass is off."""
    if wish.mode is Mirror.OFF:
        return None
    depth = " HDR" if wish.hdr and wish.release is not GuestPart.IDD else ""
    because = f"holds pictures up to {wish.width}x{wish.height}{depth}"
    mode = Mirror.SHM if wish.mode is Mirror.AUTO else wish.mode
    return SharedMemory(
        mode,
        size_mib(wish.width, wish.height, hdr=wish.hdr, part=wish.release),
        because,
        owner,
        asked=wish.mode is not Mirror.AUTO,
        present=_is_there(mode, virt),
        picture=(wish.width, wish.height),
        part=wish.release,
        guards=guards,
    )


def guards(facts: HostFacts) -> Guards | None:
    """What keeps QEMU from kvmfr here; None where libvirt's settings were not read."""
    files = dict(facts.files)
    if QEMU_CONF not in files:
        return None
    acl = _ACL.search(files[QEMU_CONF])
    confined = known(facts.virt.confinement, ())
    rules = [line for path in _PROFILES for line in files.get(path, "").splitlines()]
    return Guards(
        devices=None if acl is None else tuple(re.findall(r'"([^"]*)"', acl[1])),
        apparmor="apparmor" in confined,
        apparmor_rule=any("/dev/kvmfr" in line and not line.lstrip().startswith("#") for line in rules),
        apparmor_file=APPARMOR_RULES in files,
        selinux="selinux" in confined,
    )


_NODES = {Mirror.SHM: ("file", "shm/looking-glass"), Mirror.KVMFR: ("char", "kvmfr")}


def _is_there(mode: Mirror, virt: Virt) -> bool:
    """A regular file at /dev/kvmfr0 is a guest that was started too early, and not the device."""
    kind, name = _NODES[mode]
    return any(one.kind == kind and name in one.path for one in known(virt.looking_glass, ()))


def mirroring(memory: SharedMemory, wish: LookingGlass) -> Mirroring | None:
    """The memory as a device of the guest: where it was asked for, or is there on the host already.

    Without a release named the devices are those of the host application, the only one released so far.
    """
    if not (memory.asked or memory.present):
        return None
    part = GuestPart.HOST if wish.release is GuestPart.AUTO else wish.release
    return Mirroring(memory.mode, memory.size_mib, part)
