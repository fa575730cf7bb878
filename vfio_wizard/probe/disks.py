"""Which PCI functions the host's file systems and swap depend on.

A function that carries the root file system must stay with the host. Device mapper and md are
followed to the disks below; where a file system has no device of its own (ZFS, overlay, network),
the answer is a gap and never "none".
"""

from __future__ import annotations

from vfio_wizard.model.facts import DiskUse
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.unread import Unread, known, untold
from vfio_wizard.probe.paths import base_name, functions_of, nearest_function
from vfio_wizard.system.host import Host

MOUNTS = "proc/self/mountinfo"
SWAPS = "proc/swaps"
BLOCK = "sys/class/block"
SUBSYSTEMS = "sys/class/nvme-subsystem"

NEEDED = ("/", "/boot", "/boot/efi", "/efi", "/home", "/nix", "/nix/store", "/usr", "/var")
"""Mount points that the host cannot run without."""

_IN_MEMORY = ("tmpfs", "ramfs", "rootfs")
_DEEPEST = 8


def read_disks(host: Host) -> tuple[DiskUse, ...] | Unread:
    """The file systems that matter and swap, each with the functions it depends on, by mount point."""
    lines = host.lines(MOUNTS, (), tuple([f" {mount} " for mount in NEEDED]))
    if isinstance(lines, Unread):
        return lines
    mounts = {use.mount: use for line in lines if (use := _mounted(host, line)) is not None}
    return (*[mounts[mount] for mount in sorted(mounts)], *_swaps(host))


def _mounted(host: Host, line: str) -> DiskUse | None:
    """One line: id, parent, major:minor, root, mount point, options, …, -, type, source, options."""
    before, dash, after = line.partition(" - ")
    fields, tail = before.split(), after.split()
    if not dash or len(fields) < 5 or len(tail) < 2 or fields[4] not in NEEDED:
        return None
    number, kind, source = fields[2], tail[0], tail[1]
    if kind in _IN_MEMORY:
        return DiskUse(fields[4], kind, ())
    if not number.startswith("0:"):
        return DiskUse(fields[4], source, _below(host, host.link(f"sys/dev/block/{number}")))
    return DiskUse(fields[4], source, _by_source(host, kind, source))


def _swaps(host: Host) -> list[DiskUse]:
    """Swap on devices; a swap file depends on what its file system depends on."""
    lines = known(host.lines(SWAPS, ("/dev/",)), ())
    devices = [line.split()[0] for line in lines]
    return [DiskUse("swap", device, _device(host, device)) for device in devices]


def _by_source(host: Host, kind: str, source: str) -> tuple[PciAddress, ...] | Unread:
    """For file systems without a device number of their own (btrfs, bcachefs): by the device's name."""
    devices = source.split(":")
    if not all(device.startswith("/dev/") for device in devices):
        return untold(MOUNTS, f"{kind} does not tell its disks here")
    names = [_block_name(host, device) for device in devices]
    others = _btrfs_companions(host, names) if kind == "btrfs" else ()
    return _union([_below(host, host.link(f"{BLOCK}/{name}")) for name in sorted({*names, *others})])


def _device(host: Host, device: str) -> tuple[PciAddress, ...] | Unread:
    return _below(host, host.link(f"{BLOCK}/{_block_name(host, device)}"))


def _block_name(host: Host, device: str) -> str:
    """``/dev/mapper/root`` is a link to ``dm-0``; a plain node is named like its device."""
    target = host.link(device.lstrip("/"))
    if not isinstance(target, Unread):
        return base_name(target)
    mapped = device.removeprefix("/dev/mapper/")
    if mapped != device:
        for name in known(host.names(BLOCK), ()):
            if name.startswith("dm-") and host.text(f"{BLOCK}/{name}/dm/name") == mapped:
                return name
    return device.removeprefix("/dev/").replace("/", "!")


def _btrfs_companions(host: Host, names: list[str]) -> tuple[str, ...]:
    """The other disks of a btrfs over several; a file system is a directory of its devices' names."""
    for one in known(host.names("sys/fs/btrfs"), ()):
        devices = known(host.names(f"sys/fs/btrfs/{one}/devices"), ())
        if any(name in devices for name in names):
            return devices
    return ()


def _below(host: Host, device: str | Unread, depth: int = 0) -> tuple[PciAddress, ...] | Unread:
    """The functions under a block device's path, through device mapper, md and NVMe multipath."""
    if isinstance(device, Unread):
        return device
    found = nearest_function(device)
    if found is not None:
        return (found,)
    slaves = _slaves(host, device)
    if slaves and depth < _DEEPEST:
        return _union([_below(host, host.link(path), depth + 1) for path in slaves])
    if "nvme-subsystem/" in device:
        return _nvme_controllers(host, device)
    if "/virtual/block/" in device and not base_name(device).startswith(("zram", "ram")):
        return untold(device, "a virtual disk that does not tell what it stands on")
    return ()


def _slaves(host: Host, device: str) -> list[str]:
    """What a device stands on; a partition (``md0/md0p1``) on what its whole device does."""
    for path in (device, device.rpartition("/")[0]):
        names = known(host.names(f"{path}/slaves"), ())
        if names:
            return [f"{path}/slaves/{name}" for name in names]
    return []


def _nvme_controllers(host: Host, device: str) -> tuple[PciAddress, ...] | Unread:
    """With multipath the disk hangs on a subsystem, which links to its controllers."""
    subsystem = device.partition("nvme-subsystem/")[2].partition("/")[0]
    path = f"{SUBSYSTEMS}/{subsystem}"
    names = [name for name in known(host.names(path), ()) if _is_controller(name)]
    links = [host.link(f"{path}/{name}") for name in names]
    functions = {one for link in links if isinstance(link, str) for one in functions_of(link)[-1:]}
    return tuple(sorted(functions)) if functions else untold(path, "no controller is linked here")


def _is_controller(name: str) -> bool:
    """``nvme0`` is a controller, ``nvme0n1`` a disk, ``nvme-subsys0`` neither."""
    return name.startswith("nvme") and name[4:].isdigit()


def _union(parts: list[tuple[PciAddress, ...] | Unread]) -> tuple[PciAddress, ...] | Unread:
    """All functions together; one unknown part makes the whole unknown."""
    for part in parts:
        if isinstance(part, Unread):
            return part
    return tuple(sorted({one for part in parts if not isinstance(part, Unread) for one in part}))
