"""Trees of files in the shape of sysfs and procfs, for tests that need a machine.

``SysfsTree(tmp_path).pci("0000:01:00.0", vendor=0x1002, device=0x731F, cls=0x030000, driver="amdgpu",
group=5, parent="0000:00:01.0")`` makes what the kernel would make: the directory below ``sys/devices``,
the link in ``sys/bus/pci/devices``, ``uevent``, the driver and its link, the IOMMU group and its links.
Every method gives the tree back, so that calls can be chained; ``tree.host()`` opens it.
"""

from __future__ import annotations

import os
from pathlib import Path

from vfio_wizard.system.host import RootHost

PCI = "sys/bus/pci/devices"
RELEASE = "6.12.9-test"
_SIX_BARS_AND_ROM = 7


def resource_line(start: int = 0, size: int = 0, flags: int = 0) -> str:
    """One line of a ``resource`` file."""
    end = start + size - 1 if size else 0
    return f"0x{start:016x} 0x{end:016x} 0x{flags:016x}"


def resource_text(bars: dict[int, tuple[int, int, int]]) -> str:
    """A ``resource`` file from BAR number (6 is the ROM) to start, size and flags."""
    lines = [resource_line(*bars.get(number, (0, 0, 0))) for number in range(_SIX_BARS_AND_ROM)]
    return "\n".join(lines) + "\n"


def modalias(vendor: int, device: int, subsystem: tuple[int, int], cls: int) -> str:
    """The text by which modules are found."""
    kind = f"bc{cls >> 16:02X}sc{cls >> 8 & 0xFF:02X}i{cls & 0xFF:02X}"
    return f"pci:v{vendor:08X}d{device:08X}sv{subsystem[0]:08X}sd{subsystem[1]:08X}{kind}"


class SysfsTree:
    """A root directory that is filled with what a kernel shows."""

    def __init__(self, root: Path, release: str = RELEASE) -> None:
        """``release`` is where ``aliases`` puts its modules."""
        self.root = root
        self.release = release
        for directory in (PCI, "sys/devices", "sys/kernel/iommu_groups", "proc"):
            self.directory(directory)

    def host(self) -> RootHost:
        """The tree as a host of kind ``directory``."""
        return RootHost(str(self.root))

    def directory(self, path: str) -> SysfsTree:
        """Make a directory and those above it."""
        (self.root / path).mkdir(parents=True, exist_ok=True)
        return self

    def file(self, path: str, content: str | bytes) -> SysfsTree:
        """Write one file, as it is."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
        return self

    def files(self, directory: str, **content: str | int) -> SysfsTree:
        """Write several one-line files in a directory."""
        for name, value in content.items():
            self.file(f"{directory}/{name}", f"{value}\n")
        return self

    def link(self, path: str, target: str) -> SysfsTree:
        """Make a relative link; ``target`` is relative to the root and need not exist."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.symlink_to(os.path.relpath(self.root / target, place.parent))
        return self

    def remove(self, path: str) -> SysfsTree:
        """Take away one file or link."""
        (self.root / path).unlink()
        return self

    def device(self, address: str) -> str:
        """The directory of a function that was added, relative to the root."""
        place = self.root / PCI / address
        return os.path.relpath(place.resolve(), self.root.resolve())

    def pci(
        self,
        address: str,
        *,
        vendor: int = 0x8086,
        device: int = 0x1234,
        cls: int = 0x060000,
        subsystem: tuple[int, int] = (0, 0),
        driver: str | None = None,
        group: int | None = None,
        parent: str | None = None,
        boot_vga: bool | None = None,
        reset: str | None = None,
        bars: dict[int, tuple[int, int, int]] | None = None,
        root_bus: str | None = None,
        uevent: bool = True,
        **attributes: str | int,
    ) -> SysfsTree:
        """Add a function; ``attributes`` are further files (``power_state="D0"``)."""
        above = self.device(parent) if parent else f"sys/devices/{root_bus or 'pci' + address[:-5]}"
        here = f"{above}/{address}"
        self.link(f"{PCI}/{address}", here)
        ids = {"vendor": f"0x{vendor:04x}", "device": f"0x{device:04x}", "class": f"0x{cls:06x}"}
        sub = {"subsystem_vendor": f"0x{subsystem[0]:04x}", "subsystem_device": f"0x{subsystem[1]:04x}"}
        alias = modalias(vendor, device, subsystem, cls)
        self.files(here, **ids, **sub, modalias=alias, revision="0x01", driver_override="(null)")
        self.files(here, numa_node=-1, power_state="D0")
        self.file(f"{here}/resource", resource_text(bars or {}))
        if uevent:
            bound = [f"DRIVER={driver}"] if driver else []
            lines = [*bound, f"PCI_CLASS={cls:04X}", f"PCI_ID={vendor:04X}:{device:04X}"]
            lines += [f"PCI_SUBSYS_ID={subsystem[0]:04X}:{subsystem[1]:04X}"]
            lines += [f"PCI_SLOT_NAME={address}", f"MODALIAS={alias}"]
            self.file(f"{here}/uevent", "\n".join(lines) + "\n")
        if driver is not None:
            self.directory(f"sys/bus/pci/drivers/{driver}")
            self.link(f"{here}/driver", f"sys/bus/pci/drivers/{driver}")
        if group is not None:
            self.group(group).link(f"{here}/iommu_group", f"sys/kernel/iommu_groups/{group}")
            self.link(f"sys/kernel/iommu_groups/{group}/devices/{address}", here)
        if boot_vga is not None:
            self.files(here, boot_vga=int(boot_vga))
        if reset is not None:
            self.files(here, reset_method=reset)
        return self.files(here, **attributes)

    def group(self, number: int, kind: str = "DMA-FQ", reserved: str = "") -> SysfsTree:
        """Add an IOMMU group, or change the type and reserved regions of one."""
        here = f"sys/kernel/iommu_groups/{number}"
        if (self.root / here).is_dir() and kind == "DMA-FQ" and not reserved:
            return self
        self.directory(f"{here}/devices")
        return self.file(f"{here}/type", kind + "\n").file(f"{here}/reserved_regions", reserved)

    def aliases(self, *lines: str, builtin: tuple[str, ...] = ()) -> SysfsTree:
        """Write ``modules.alias`` from lines, and ``modules.builtin.modinfo`` from NUL-ended entries."""
        here = f"lib/modules/{self.release}"
        self.file(f"{here}/modules.alias", "\n".join(lines) + "\n")
        return self.file(f"{here}/modules.builtin.modinfo", "\0".join(builtin) + "\0")

    def drm(self, card: str, address: str, **connectors: str) -> SysfsTree:
        """Add a DRM card with connectors (``DP_1="connected"``)."""
        here = f"{self.device(address)}/drm/{card}"
        self.directory(here).link(f"sys/class/drm/{card}", here)
        for name, status in connectors.items():
            output = f"{card}-{name.replace('_', '-')}"
            self.link(f"sys/class/drm/{output}", f"{here}/{output}")
            enabled = "enabled" if status == "connected" else "disabled"
            self.files(f"{here}/{output}", status=status, enabled=enabled)
        return self

    def net(self, name: str, below: str | None, between: str = "") -> SysfsTree:
        """Add a network interface below a function (or below none), ``between`` as ``usb1/1-1/1-1:1.0``."""
        above = self.device(below) if below else "sys/devices/virtual"
        here = "/".join(part for part in (above, between, "net", name) if part)
        return self.directory(here).link(f"sys/class/net/{name}", here)

    def disk(self, name: str, number: str, path: str) -> SysfsTree:
        """Add a block device: its name, its ``major:minor`` and its directory below the root."""
        self.directory(path).link(f"sys/class/block/{name}", path)
        return self.files(path, dev=number).link(f"sys/dev/block/{number}", path)

    def slave(self, upper: str, lower: str) -> SysfsTree:
        """Put one block device below another (LUKS, LVM, md)."""
        above = os.path.relpath((self.root / "sys/class/block" / upper).resolve(), self.root.resolve())
        below = os.path.relpath((self.root / "sys/class/block" / lower).resolve(), self.root.resolve())
        return self.link(f"{above}/slaves/{lower}", below)

    def cpu(self, number: int, **topology: str | int) -> SysfsTree:
        """Add the topology of one logical processor."""
        return self.files(f"sys/devices/system/cpu/cpu{number}/topology", **topology)
