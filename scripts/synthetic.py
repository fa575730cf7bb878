"""Makes a synthetic machine: a tree with the sysfs, procfs and /etc of a host with N PCI functions.

    python -m scripts.synthetic --functions 51 DIRECTORY

It is made for measurements and for tests of size, and is nobody's machine: a Ryzen desktop of 51
functions in 30 IOMMU groups with two discrete cards, laid out as the kernel lays it out (nested bridges,
links, 64-byte configuration headers as an ordinary user sees them, a module alias file of real size).
More functions than 51 are virtual functions of network adapters on buses of their own, as on a server;
255 and 4096 are the usual sizes.
"""

from __future__ import annotations

import argparse
import os
import struct
from pathlib import Path
from typing import NamedTuple

RELEASE = "6.12.48+deb13-amd64"
DESKTOP_SIZE = 51
ALIAS_LINES = 20_000
CPUS = 16
GUEST_CARD = "0000:0b:00.0"
"""A card in a group of its own."""


class Function(NamedTuple):
    """One PCI function: where it sits, what it is, who drives it; only the IOMMU itself has no group."""

    address: str
    ids: str
    pci_class: str
    driver: str | None
    group: int | None
    parents: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()


def _root(device: str) -> str:
    return f"0000:00:{device}"


_GPU = (_root("03.1"),)
_CHIPSET = (_root("01.3"), "0000:02:00.2")
_INTERNAL = (_root("07.1"),)
_SATA = (_root("08.1"),)
_SECOND = (*_CHIPSET, "0000:03:08.0")

_FABRIC = tuple(
    Function(
        _root(f"18.{number}"), f"1022:{0x1440 + number:04x}", "060000", "k10temp" if number == 3 else None, 12
    )
    for number in range(8)
)
_DUMMIES = tuple(
    Function(_root(f"{slot}.0"), "1022:1482", "060000", None, group)
    for slot, group in (("01", 0), ("02", 3), ("03", 4), ("04", 6), ("05", 7), ("07", 8), ("08", 10))
)
_BEHIND_CHIPSET = tuple(
    Function(f"0000:03:{slot}.0", "1022:43c7", "060400", "pcieport", 14, _CHIPSET)
    for slot in ("00", "01", "04", "08", "09")
)

DESKTOP = (
    Function(_root("00.0"), "1022:1480", "060000", None, 35),
    Function(_root("00.2"), "1022:1481", "080600", None, None),
    *_DUMMIES,
    Function(_root("01.1"), "1022:1483", "060400", "pcieport", 1),
    Function(_root("01.3"), "1022:1483", "060400", "pcieport", 2),
    Function(_root("03.1"), "1022:1483", "060400", "pcieport", 5),
    Function(_root("03.2"), "1022:1483", "060400", "pcieport", 34),
    Function(_root("03.3"), "1022:1483", "060400", "pcieport", 33),
    Function(_root("07.1"), "1022:1484", "060400", "pcieport", 9),
    Function(_root("08.1"), "1022:1484", "060400", "pcieport", 11),
    Function(_root("14.0"), "1022:790b", "0c0500", "piix4_smbus", 13, (), ("i2c_piix4", "sp5100_tco")),
    Function(_root("14.3"), "1022:790e", "060100", None, 13),
    *_FABRIC,
    Function("0000:01:00.0", "144d:a808", "010802", "nvme", 15, (_root("01.1"),), ("nvme",)),
    Function("0000:02:00.0", "1022:43d5", "0c0330", "xhci_hcd", 14, (_root("01.3"),), ("xhci_pci",)),
    Function("0000:02:00.1", "1022:43c8", "010601", "ahci", 14, (_root("01.3"),), ("ahci",)),
    Function("0000:02:00.2", "1022:43c6", "060400", "pcieport", 14, (_root("01.3"),)),
    *_BEHIND_CHIPSET,
    Function("0000:04:00.0", "8086:1539", "020000", "igb", 14, (*_CHIPSET, "0000:03:00.0"), ("igb",)),
    Function("0000:05:00.0", "8086:2723", "028000", "iwlwifi", 14, (*_CHIPSET, "0000:03:01.0"), ("iwlwifi",)),
    Function("0000:06:00.0", "1002:699f", "030000", "amdgpu", 14, _SECOND, ("amdgpu",)),
    Function("0000:06:00.1", "1002:aae0", "040300", "snd_hda_intel", 14, _SECOND, ("snd_hda_intel",)),
    Function("0000:0b:00.0", "10de:2204", "030000", "nvidia", 16, _GPU, ("nvidia", "nouveau")),
    Function("0000:0b:00.1", "10de:1aef", "040300", "snd_hda_intel", 16, _GPU, ("snd_hda_intel",)),
    Function("0000:0c:00.0", "15b7:5006", "010802", "nvme", 17, (_root("03.2"),), ("nvme",)),
    Function("0000:0d:00.0", "1022:148a", "130000", None, 18, _INTERNAL),
    Function("0000:0e:00.0", "1022:1485", "130000", None, 19, _SATA),
    Function("0000:0e:00.1", "1022:1486", "108000", "ccp", 20, _SATA, ("ccp",)),
    Function("0000:0e:00.3", "1022:149c", "0c0330", "xhci_hcd", 21, _SATA, ("xhci_pci",)),
    Function("0000:0e:00.4", "1022:1487", "040300", "snd_hda_intel", 22, _SATA, ("snd_hda_intel",)),
    *(
        Function(
            f"0000:0f:0{number}.0", "1b21:0612", "010601", "ahci", 23 + number, (_root("03.3"),), ("ahci",)
        )
        for number in range(4)
    ),
)


def _virtual_functions(count: int) -> tuple[Function, ...]:
    """Network virtual functions, 256 on a bus, each in a group of its own; a new domain after 200 buses."""
    return tuple(
        Function(
            f"{number // 51_200:04x}:{0x20 + number // 256 % 200:02x}:{number // 8 % 32:02x}.{number % 8}",
            "8086:10ed",
            "020000",
            "ixgbevf",
            100 + number,
            (),
            ("ixgbevf",),
        )
        for number in range(count)
    )


def machine(functions: int) -> tuple[Function, ...]:
    """The functions of a machine of that size; below the desktop's size, the first of the desktop's."""
    return (*DESKTOP, *_virtual_functions(functions - len(DESKTOP)))[:functions]


def make(root: Path, functions: int = DESKTOP_SIZE) -> Path:
    """Write the tree below an empty or new directory, and give it back."""
    found = machine(functions)
    for function in found:
        _pci_function(root, function)
    _module_aliases(root, found)
    _processor(root)
    _files(root)
    return root


def _put(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def _link(path: Path, target: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(os.path.relpath(target, path.parent))


def _pci_function(root: Path, function: Function) -> None:
    domain = function.address.partition(":")[0]
    device = root.joinpath("sys/devices", f"pci{domain}:00", *function.parents, function.address)
    for name, content in _attributes(function).items():
        _put(device / name, content)
    _link(root / "sys/bus/pci/devices" / function.address, device)
    _link(device / "subsystem", root / "sys/bus/pci")
    if function.driver:
        driver = root / "sys/bus/pci/drivers" / function.driver
        _link(device / "driver", driver)
        _link(driver / function.address, device)
    if function.group is not None:
        group = root / "sys/kernel/iommu_groups" / str(function.group)
        _link(device / "iommu_group", group)
        _link(group / "devices" / function.address, device)
        _put(group / "type", "DMA-FQ\n")
        _put(group / "reserved_regions", "0x00000000fee00000 0x00000000feefffff msi\n")


def _modalias(function: Function) -> str:
    vendor, device = function.ids.upper().split(":")
    kind = function.pci_class.upper()
    return f"pci:v0000{vendor}d0000{device}sv00001043sd000087C0bc{kind[:2]}sc{kind[2:4]}i{kind[4:]}"


def _uevent(function: Function) -> str:
    """What the kernel tells of every function, with a driver or without (pci_uevent in pci-driver.c)."""
    driver = f"DRIVER={function.driver}\n" if function.driver else ""
    return (
        f"{driver}PCI_CLASS={int(function.pci_class, 16):04X}\nPCI_ID={function.ids.upper()}\n"
        f"PCI_SUBSYS_ID=1043:87C0\nPCI_SLOT_NAME={function.address}\nMODALIAS={_modalias(function)}\n"
    )


def _attributes(function: Function) -> dict[str, str | bytes]:
    vendor, device = function.ids.split(":")
    endpoint = not function.pci_class.startswith("06")
    display = function.pci_class.startswith("03")
    attributes: dict[str, str | bytes] = {
        "vendor": f"0x{vendor}\n",
        "device": f"0x{device}\n",
        "subsystem_vendor": "0x1043\n",
        "subsystem_device": "0x87c0\n",
        "class": f"0x{function.pci_class}\n",
        "revision": "0x01\n",
        "modalias": _modalias(function) + "\n",
        "numa_node": "-1\n",
        "power_state": "D0\n",
        "enable": "1\n",
        "irq": "24\n",
        "resource": _resource(display),
        "config": _config_header(function),
        "driver_override": "(null)\n",
        "uevent": _uevent(function),
    }
    if endpoint:
        attributes |= {
            "reset_method": "flr bus\n" if not display else "bus\n",
            "current_link_speed": "8.0 GT/s PCIe\n",
            "current_link_width": "8\n",
            "max_link_speed": "16.0 GT/s PCIe\n",
            "max_link_width": "16\n",
        }
    if display:
        attributes |= {"boot_vga": "1\n" if function.driver == "amdgpu" else "0\n", "rom": b"\x55\xaa"}
    return attributes


def _resource(display: bool) -> str:
    empty = "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
    first = "0x00000000fc000000 0x00000000fcffffff 0x0000000000040200\n"
    second = "0x0000007c00000000 0x0000007c0fffffff 0x000000000014220c\n"
    return first + (second if display else empty) + empty * 11


def _config_header(function: Function) -> bytes:
    """The first 64 bytes of the configuration space, all that an ordinary user may read."""
    vendor, device = (int(part, 16) for part in function.ids.split(":"))
    kind = int(function.pci_class, 16)
    bridge = function.pci_class.startswith("0604")
    several = 0x80 if not function.address.endswith(".0") else 0
    start = struct.pack(
        "<HHHHIBBBB", vendor, device, 0x0006, 0x0010, kind << 8 | 1, 16, 0, bridge | several, 0
    )
    header = bytearray(start.ljust(64, b"\0"))
    if not bridge:
        struct.pack_into("<HH", header, 0x2C, 0x1043, 0x87C0)
    return bytes(header)


def _module_aliases(root: Path, functions: tuple[Function, ...]) -> None:
    """A modules.alias of the length that distributions ship, so that searching it costs what it costs."""
    modules = root / "lib/modules" / RELEASE
    lines = {
        f"alias {_modalias(function).partition('sv')[0]}sv*sd*bc*sc*i* {module}"
        for function in functions
        for module in function.modules
    }
    lines |= {
        f"alias pci:v0000{at * 7 % 65_536:04X}d0000{at * 31 % 65_536:04X}sv*sd*bc*sc*i* module_{at // 12}"
        for at in range(ALIAS_LINES)
    }
    _put(modules / "modules.alias", "\n".join(sorted(lines)) + "\n")
    _put(
        modules / "modules.builtin",
        "kernel/drivers/pci/pcie/pcieportdrv.ko\nkernel/drivers/iommu/amd/amd_iommu.ko\n",
    )
    for name in ("vfio-pci", "vfio_iommu_type1", "vfio"):
        _put(modules / "kernel/drivers/vfio" / f"{name}.ko.xz", "")
    _put(modules / "modules.dep", "kernel/drivers/vfio/pci/vfio-pci.ko.xz:\n")


def _processor(root: Path) -> None:
    flags = (
        "fpu vme de pse tsc msr pae mce cx8 apic sep svm ht lm constant_tsc aperfmperf x2apic avx2 npt avic"
    )
    blocks = [
        f"processor\t: {cpu}\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 33\n"
        f"model name\t: AMD Ryzen 7 5800X 8-Core Processor\nstepping\t: 2\nphysical id\t: 0\n"
        f"core id\t\t: {cpu % 8}\nflags\t\t: {flags}\naddress sizes\t: 48 bits physical, 48 bits virtual\n"
        for cpu in range(CPUS)
    ]
    _put(root / "proc/cpuinfo", "\n".join(blocks))
    for cpu in range(CPUS):
        _one_cpu(root / f"sys/devices/system/cpu/cpu{cpu}", cpu)
    _put(root / "sys/devices/system/cpu/online", f"0-{CPUS - 1}\n")
    _put(root / "sys/devices/system/cpu/isolated", "\n")


def _one_cpu(directory: Path, cpu: int) -> None:
    core = cpu % 8
    _put(directory / "topology/physical_package_id", "0\n")
    _put(directory / "topology/die_id", "0\n")
    _put(directory / "topology/core_id", f"{core}\n")
    for name in ("core_cpus_list", "thread_siblings_list"):
        _put(directory / "topology" / name, f"{core},{core + 8}\n")
    _put(directory / "cache/index3/level", "3\n")
    _put(directory / "cache/index3/type", "Unified\n")
    _put(directory / "cache/index3/size", "32768K\n")
    _put(directory / "cache/index3/shared_cpu_list", f"0-{CPUS - 1}\n")


_FILES: dict[str, str | bytes] = {
    "proc/cmdline": f"BOOT_IMAGE=/boot/vmlinuz-{RELEASE} root=/dev/nvme0n1p2 ro quiet iommu=pt\n",
    "proc/version": f"Linux version {RELEASE} (debian-kernel) #1 SMP PREEMPT_DYNAMIC Debian\n",
    "proc/sys/kernel/osrelease": f"{RELEASE}\n",
    "proc/meminfo": "MemTotal:       32768000 kB\nMemFree:        20000000 kB\nMemAvailable:   28000000 kB\n",
    "proc/modules": (
        "vfio_pci 16384 0 - Live 0x0\nkvm_amd 200704 0 - Live 0x0\nkvm 1142784 1 kvm_amd, Live 0x0\n"
    ),
    "proc/mounts": "/dev/nvme0n1p2 / ext4 rw 0 0\n/dev/nvme0n1p1 /boot/efi vfat rw 0 0\n",
    "proc/iomem": "00000000-00000000 : PCI Bus 0000:00\n",
    "etc/os-release": 'ID=debian\nNAME="Debian GNU/Linux"\nVERSION_ID="13"\nVERSION_CODENAME=trixie\n',
    "etc/default/grub": 'GRUB_CMDLINE_LINUX_DEFAULT="quiet iommu=pt"\nGRUB_CMDLINE_LINUX=""\n',
    "etc/initramfs-tools/initramfs.conf": "MODULES=most\n",
    "etc/modprobe.d/vfio.conf": "options vfio-pci disable_idle_d3=1\n",
    "boot/grub/grub.cfg": (
        f"menuentry 'Debian' {{\n linux /boot/vmlinuz-{RELEASE} root=/dev/nvme0n1p2 ro quiet\n}}\n"
    ),
    f"boot/config-{RELEASE}": (
        "CONFIG_VFIO=m\nCONFIG_VFIO_PCI=m\nCONFIG_AMD_IOMMU=y\nCONFIG_INTEL_IOMMU=y\nCONFIG_IRQ_REMAP=y\n"
    ),
    f"boot/vmlinuz-{RELEASE}": b"",
    f"boot/initrd.img-{RELEASE}": b"",
    "sys/firmware/acpi/tables/IVRS": b"IVRS",
    "sys/firmware/efi/fw_platform_size": "64\n",
    "sys/class/iommu/ivhd0/amd-iommu/cap": "40a28\n",
    "sys/class/dmi/id/board_vendor": "ASUSTeK COMPUTER INC.\n",
    "sys/class/dmi/id/board_name": "SYNTHETIC B550\n",
    "sys/class/dmi/id/bios_version": "2803\n",
    "sys/class/dmi/id/bios_date": "04/28/2022\n",
    "sys/class/dmi/id/chassis_type": "3\n",
    "sys/module/kvm_amd/parameters/nested": "1\n",
    "sys/module/kvm/parameters/ignore_msrs": "N\n",
    "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts": "N\n",
}


def _files(root: Path) -> None:
    for path, content in _FILES.items():
        _put(root / path, content)


def main() -> None:
    """Make one machine in a directory."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--functions", type=int, default=DESKTOP_SIZE, metavar="N")
    arguments = parser.parse_args()
    make(arguments.directory, arguments.functions)


if __name__ == "__main__":
    main()
