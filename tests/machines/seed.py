"""The machine of the story: a Ryzen desktop with an RX 5600 XT for the guest and an RX 550 for the host.

    python -m tests.machines.seed fixtures/rx5600xt-rx550-nixos/host.json

Nobody's recording: the two cards and the addresses of the guest's are told by the story, everything
around them is what a B450 board with a Ryzen 7 3700X shows on NixOS 26.05, written down for this purpose.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.builders import SysfsTree
from vfio_wizard.cli.capture import ask
from vfio_wizard.system.host import RootHost
from vfio_wizard.system.record import capture, document_text

RELEASE = "6.18.21"
NOTE = "made for the purpose after the story of an RX 5600 XT and an RX 550 on NixOS; not a recording"
SYSTEM = "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-nixos-system-desk-26.05"

WRITTEN = 1_790_000_000
"""Seconds since 1970: an autumn day in 2026."""

MIB = 1 << 20
MEMORY = 0x140204
"""IORESOURCE_MEM of a 64-bit BAR, as the kernel prints it; with 0x2000 prefetchable."""


class Row(NamedTuple):
    """One function: where, what, whose, and what a person calls it."""

    address: str
    ids: str
    cls: int
    driver: str | None
    group: int | None
    parent: str | None
    name: str
    modules: tuple[str, ...] = ()


AMD = "Advanced Micro Devices, Inc. [AMD]"
ATI = "Advanced Micro Devices, Inc. [AMD/ATI]"
HOST_BRIDGE = 0x060000
PCI_BRIDGE = 0x060400
ROOT = "0000:00:"
CHIPSET = "0000:02:00.2"

_ROWS = (
    Row(f"{ROOT}00.0", "1022:1480", HOST_BRIDGE, None, None, None, f"{AMD} Starship/Matisse Root Complex"),
    Row(f"{ROOT}00.2", "1022:1481", 0x080600, None, None, None, f"{AMD} Starship/Matisse IOMMU"),
    *(
        Row(
            f"{ROOT}{slot}.0", "1022:1482", HOST_BRIDGE, None, group, None, f"{AMD} Matisse Dummy Host Bridge"
        )
        for slot, group in (("01", 0), ("02", 3), ("03", 4), ("04", 6), ("05", 7), ("07", 8), ("08", 10))
    ),
    Row(f"{ROOT}01.1", "1022:1483", PCI_BRIDGE, "pcieport", 1, None, f"{AMD} Matisse GPP Bridge"),
    Row(f"{ROOT}01.3", "1022:1483", PCI_BRIDGE, "pcieport", 2, None, f"{AMD} Matisse GPP Bridge"),
    Row(f"{ROOT}03.1", "1022:1483", PCI_BRIDGE, "pcieport", 5, None, f"{AMD} Matisse GPP Bridge"),
    Row(f"{ROOT}07.1", "1022:1484", PCI_BRIDGE, "pcieport", 9, None, f"{AMD} Matisse Internal GPP Bridge"),
    Row(f"{ROOT}08.1", "1022:1484", PCI_BRIDGE, "pcieport", 11, None, f"{AMD} Matisse Internal GPP Bridge"),
    Row(f"{ROOT}14.0", "1022:790b", 0x0C0500, "piix4_smbus", 12, None, f"{AMD} FCH SMBus", ("i2c_piix4",)),
    Row(f"{ROOT}14.3", "1022:790e", 0x060100, None, 12, None, f"{AMD} FCH LPC Bridge"),
    *(
        Row(
            f"{ROOT}18.{number}",
            f"1022:{0x1440 + number:04x}",
            HOST_BRIDGE,
            "k10temp" if number == 3 else None,
            13,
            None,
            f"{AMD} Matisse Data Fabric {number}",
            ("k10temp",) if number == 3 else (),
        )
        for number in range(8)
    ),
    Row("0000:01:00.0", "144d:a808", 0x010802, "nvme", 14, f"{ROOT}01.1", "Samsung SSD 970 EVO", ("nvme",)),
    Row(
        "0000:02:00.0",
        "1022:43d5",
        0x0C0330,
        "xhci_hcd",
        15,
        f"{ROOT}01.3",
        f"{AMD} 400 Series USB",
        ("xhci_pci",),
    ),
    Row(
        "0000:02:00.1", "1022:43c8", 0x010601, "ahci", 15, f"{ROOT}01.3", f"{AMD} 400 Series SATA", ("ahci",)
    ),
    Row(CHIPSET, "1022:43c6", PCI_BRIDGE, "pcieport", 15, f"{ROOT}01.3", f"{AMD} 400 Series Bridge"),
    *(
        Row(f"0000:20:{slot}.0", "1022:43c7", PCI_BRIDGE, "pcieport", 15, CHIPSET, f"{AMD} 400 Series Port")
        for slot in ("00", "01", "04")
    ),
    Row(
        "0000:22:00.0",
        "10ec:8168",
        0x020000,
        "r8169",
        15,
        "0000:20:01.0",
        "Realtek RTL8111/8168 Ethernet",
        ("r8169",),
    ),
    Row(
        "0000:28:00.0",
        "1002:699f",
        0x030000,
        "amdgpu",
        15,
        "0000:20:04.0",
        f"{ATI} Lexa PRO [Radeon RX 550/550X]",
        ("amdgpu",),
    ),
    Row(
        "0000:28:00.1",
        "1002:aae0",
        0x040300,
        "snd_hda_intel",
        15,
        "0000:20:04.0",
        f"{ATI} Baffin HDMI/DP Audio [Radeon RX 550]",
        ("snd_hda_intel",),
    ),
    Row(
        "0000:2d:00.0",
        "1002:1478",
        PCI_BRIDGE,
        "pcieport",
        16,
        f"{ROOT}03.1",
        f"{ATI} Navi 10 XL Upstream Port",
    ),
    Row(
        "0000:2e:00.0",
        "1002:1479",
        PCI_BRIDGE,
        "pcieport",
        17,
        "0000:2d:00.0",
        f"{ATI} Navi 10 XL Downstream Port",
    ),
    Row(
        "0000:2f:00.0",
        "1002:731f",
        0x030000,
        "amdgpu",
        18,
        "0000:2e:00.0",
        f"{ATI} Navi 10 [Radeon RX 5600 OEM/5600 XT / 5700/5700 XT]",
        ("amdgpu",),
    ),
    Row(
        "0000:2f:00.1",
        "1002:ab38",
        0x040300,
        "snd_hda_intel",
        19,
        "0000:2e:00.0",
        f"{ATI} Navi 10 HDMI Audio",
        ("snd_hda_intel",),
    ),
    Row("0000:30:00.0", "1022:148a", 0x130000, None, 20, f"{ROOT}07.1", f"{AMD} Matisse PCIe Dummy Function"),
    Row("0000:31:00.0", "1022:1485", 0x130000, None, 21, f"{ROOT}08.1", f"{AMD} Matisse Reserved SPP"),
    Row("0000:31:00.1", "1022:1486", 0x108000, "ccp", 22, f"{ROOT}08.1", f"{AMD} Matisse PSPCPP", ("ccp",)),
    Row(
        "0000:31:00.3",
        "1022:149c",
        0x0C0330,
        "xhci_hcd",
        23,
        f"{ROOT}08.1",
        f"{AMD} Matisse USB",
        ("xhci_pci",),
    ),
    Row(
        "0000:31:00.4",
        "1022:1487",
        0x040300,
        "snd_hda_intel",
        24,
        f"{ROOT}08.1",
        f"{AMD} Matisse HD Audio Controller",
        ("snd_hda_intel",),
    ),
)

BOOT_CARD = "0000:28:00.0"
RESETS = {
    "0000:28:00.0": "bus",
    "0000:2f:00.0": "bus",
    "0000:01:00.0": "flr bus",
    "0000:31:00.3": "pm",
}
CMDLINE = f"initrd=\\EFI\\nixos\\initrd.efi init={SYSTEM}/init loglevel=4 lsm=landlock,yama,bpf"
FILES = {
    "proc/cmdline": CMDLINE,
    "proc/version": f"Linux version {RELEASE} (nixbld@localhost) #1-NixOS SMP PREEMPT_DYNAMIC",
    "proc/sys/kernel/osrelease": RELEASE,
    "proc/sys/kernel/arch": "x86_64",
    "proc/meminfo": "MemTotal:       32787420 kB\nMemAvailable:   27120512 kB\nHugePages_Total:       0\n",
    "proc/modules": "amdgpu 12345678 2 - Live 0x0\nkvm_amd 204800 0 - Live 0x0\n",
    "proc/net/route": "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
    "enp34s0\t00000000\t00000000\t0003\t0\t0\t100\t00000000\t0\t0\t0\n",
    "proc/net/ipv6_route": "",
    "etc/NIXOS": "",
    "etc/os-release": 'ID=nixos\nNAME=NixOS\nPRETTY_NAME="NixOS 26.05 (Yarara)"\nVERSION_ID="26.05"\n'
    "VERSION_CODENAME=yarara\n",
    "etc/group": "root:x:0:\nkvm:x:302:\nlibvirtd:x:67:\n",
    "sys/firmware/acpi/tables/IVRS": "IVRS",
    "sys/firmware/acpi/tables/FACP": "FACP",
    "sys/kernel/security/lockdown": "[none] integrity confidentiality",
    "sys/kernel/uevent_seqnum": "4242",
    "sys/class/dmi/id/board_vendor": "Micro-Star International Co., Ltd.",
    "sys/class/dmi/id/board_name": "B450 TOMAHAWK MAX (MS-7C02)",
    "sys/class/dmi/id/sys_vendor": "Micro-Star International Co., Ltd.",
    "sys/class/dmi/id/product_name": "MS-7C02",
    "sys/class/dmi/id/bios_vendor": "American Megatrends International, LLC.",
    "sys/class/dmi/id/bios_version": "3.I0",
    "sys/class/dmi/id/bios_date": "10/14/2023",
    "sys/class/dmi/id/chassis_type": "3",
    "sys/kernel/irq/24/chip_name": "IR-PCI-MSI-0000:28:00.0",
    "sys/kernel/irq/1/chip_name": "IR-IO-APIC",
    "sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages": "0",
    "sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages": "0",
    f"lib/modules/{RELEASE}/modules.builtin": "kernel/drivers/pci/pcie/pcieportdrv.ko\n",
    f"lib/modules/{RELEASE}/kernel/drivers/vfio/pci/vfio-pci.ko.xz": "",
    "run/current-system/kernel-params": CMDLINE.partition("init=")[2].partition(" ")[2],
    "run/current-system/sw/bin/env": "",
    "usr/bin/env": "",
    "run/current-system/nixos-version": "26.05.20261101.0123456",
}
EFI_ATTRIBUTES = b"\x06\x00\x00\x00"
_LOADER_INFO = "LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
_SECURE_BOOT = "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
_FLAGS = "fpu vme de pse tsc msr pae mce cx8 apic sep svm ht lm constant_tsc topoext avx2 npt avic"
_CPUS = 16


def build(root: Path) -> SysfsTree:
    """Write the whole machine below a directory."""
    tree = SysfsTree(root, RELEASE)
    for row in _ROWS:
        _function(tree, row)
    for path, text in FILES.items():
        tree.file(path, text + "\n" if text and not text.endswith("\n") else text)
    _firmware(tree)
    _processor(tree)
    _modules(tree)
    _screens_and_disk(tree)
    return tree


def _function(tree: SysfsTree, row: Row) -> None:
    vendor, device = (int(part, 16) for part in row.ids.split(":"))
    display = row.cls >> 16 == 0x03
    card = row.address[:-1] in ("0000:28:00.", "0000:2f:00.")
    tree.pci(
        row.address,
        vendor=vendor,
        device=device,
        cls=row.cls,
        subsystem=(0x1462, 0x3811) if card else (0x1462, 0x7C02),
        driver=row.driver,
        group=row.group,
        parent=row.parent,
        boot_vga=row.address == BOOT_CARD if display else None,
        reset=RESETS.get(row.address),
        bars=_bars(row.address) if display else None,
    )
    if display:
        tree.file(f"{tree.device(row.address)}/rom", b"")


def _bars(address: str) -> dict[int, tuple[int, int, int]]:
    base = 0xE000000000 if address.startswith("0000:2f") else 0xF000000000
    return {0: (base, 256 * MIB, MEMORY | 0x2000), 2: (base + 256 * MIB, 2 * MIB, MEMORY | 0x2000)}


def _firmware(tree: SysfsTree) -> None:
    efivars = "sys/firmware/efi/efivars"
    tree.file(f"{efivars}/{_LOADER_INFO}", EFI_ATTRIBUTES + "systemd-boot 259.3\0".encode("utf-16-le"))
    tree.file(f"{efivars}/{_SECURE_BOOT}", EFI_ATTRIBUTES + b"\0")
    unit = "sys/devices/pci0000:00/0000:00:00.2/iommu/ivhd0"
    tree.files(f"{unit}/amd-iommu", cap="f40b6f0f", features="58f77ef22294ade")
    tree.link("sys/class/iommu/ivhd0", unit)
    for number in sorted({row.group for row in _ROWS if row.group is not None}):
        tree.group(number, reserved="0x00000000fee00000 0x00000000feefffff msi\n")


def _processor(tree: SysfsTree) -> None:
    block = (
        "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 23\nmodel\t\t: 113\n"
        "model name\t: AMD Ryzen 7 3700X 8-Core Processor\nstepping\t: 0\n"
        f"flags\t\t: {_FLAGS}\naddress sizes\t: 43 bits physical, 48 bits virtual\n"
    )
    tree.file("proc/cpuinfo", block)
    base = "sys/devices/system/cpu"
    tree.files(
        base, online=f"0-{_CPUS - 1}", possible=f"0-{_CPUS - 1}", present=f"0-{_CPUS - 1}", isolated=""
    )
    for number in range(_CPUS):
        core = number % 8
        complex_of_four = f"{core // 4 * 4}-{core // 4 * 4 + 3},{core // 4 * 4 + 8}-{core // 4 * 4 + 11}"
        tree.cpu(number, physical_package_id=0, die_id=0, core_id=core, core_cpus_list=f"{core},{core + 8}")
        tree.files(
            f"{base}/cpu{number}/cache/index3",
            level=3,
            type="Unified",
            size="16384K",
            shared_cpu_list=complex_of_four,
        )


def _modules(tree: SysfsTree) -> None:
    lines = [
        f"alias pci:v0000{row.ids[:4].upper()}d0000{row.ids[5:].upper()}sv*sd*bc*sc*i* {module}"
        for row in _ROWS
        for module in row.modules
    ]
    tree.aliases(*sorted(set(lines)))
    tree.link("run/current-system/kernel-modules/lib/modules", "lib/modules")


def _screens_and_disk(tree: SysfsTree) -> None:
    tree.drm("card0", "0000:28:00.0", DP_1="connected", HDMI_A_1="disconnected")
    tree.drm("card1", "0000:2f:00.0", DP_2="disconnected", HDMI_A_2="disconnected")
    tree.net("enp34s0", "0000:22:00.0")
    nvme = f"{tree.device('0000:01:00.0')}/nvme/nvme0/nvme0n1"
    tree.disk("nvme0n1", "259:0", nvme).disk("nvme0n1p1", "259:1", f"{nvme}/nvme0n1p1")
    tree.disk("nvme0n1p2", "259:2", f"{nvme}/nvme0n1p2")
    mounts = (
        "22 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw\n"
        "23 22 259:1 / /boot rw,relatime shared:2 - vfat /dev/nvme0n1p1 rw\n"
    )
    tree.file("proc/self/mountinfo", mounts).file("proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n")


def _age(root: Path) -> None:
    """One time for all files: a record made anew must be the same record."""
    for path in (root, *root.rglob("*")):
        os.utime(path, (WRITTEN, WRITTEN), follow_symlinks=False)


def capture_of(root: Path) -> str:
    """The text of the machine's capture, with the names that a PCI id database of its day gives."""
    build(root)
    _age(root)
    document = capture(RootHost(str(root)), ask, note=NOTE)
    document["stats"] = document.get("stats", {}) | {"dev/kvm": "char 0666 0 302 0 0"}
    names = json.dumps({row.address: row.name for row in _ROWS}, sort_keys=True, indent=1)
    document.setdefault("commands", {})["@pylspci names"] = names
    return document_text(document)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        Path(sys.argv[1]).write_text(capture_of(Path(directory)))
