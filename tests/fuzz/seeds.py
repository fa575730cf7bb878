"""What the parsers usually read: a few sound inputs for each, small enough to be changed often."""

from __future__ import annotations

import json
import lzma
from pathlib import Path
from typing import Any

from tests.rom_builder import BIOS, GOP, NVGI, WHOLE, Image, rom
from vfio_wizard.model.domain import Card, Evdev, Handed, Pins, Topology
from vfio_wizard.model.pci import PciAddress

ROOT = Path(__file__).parents[2]

TEXT_WORDS = (
    b"01:00.0",
    b"0000:01:00.1",
    b"10000:e1:00.0",
    b"[1002:731f]",
    b"[0300]",
    b"IOMMU Group 5",
    b"Kernel driver in use: ",
    b"vfio-pci",
    b"VGA compatible controller",
    b"DMAR: ",
    b"AMD-Vi: ",
    b"rev",
    b"(prog-if",
    b"Capabilities: ",
    b"P: /devices/pci0000:00",
    b"E: DRIVER=",
    b"Subsystem: ",
    b"0-3,8",
    b"options ",
    b"blacklist ",
    b"softdep ",
)
BOOT_WORDS = (
    b"root=UUID=x",
    b"GRUB_CMDLINE_LINUX=",
    b"GRUB_CMDLINE_LINUX_DEFAULT=",
    b"+=",
    b"options ",
    b"linux ",
    b"title ",
    b"quiet",
    b"amd_iommu=on",
    b"iommu=pt",
    b"vfio-pci.ids=",
    b"--",
    b"cmdline: ",
    b"protocol: linux",
    b"/Entry\n",
    b"export ",
    b"if ",
    b"fi\n",
    b"<<EOF\n",
    b"EOF\n",
    b"$(cat x)",
    b"\\\n",
)
XML_WORDS = (
    b"<domain ",
    b"</domain>",
    b"<hostdev ",
    b"<address ",
    b"<!--",
    b"-->",
    b"<![CDATA[",
    b"<?xml ",
    b"<!DOCTYPE ",
    b"<!ENTITY x '&x;'>",
    b"&x;",
    b"&#0;",
    b"&#x110000;",
    b"xmlns:",
    b"<features>",
    b"<cputune>",
    b"<shmem ",
    b"='",
)

_LSPCI = """00:00.0 Host bridge [0600]: Advanced Micro Devices, Inc. [AMD] Matisse Root Complex [1022:1480]
00:03.1 PCI bridge [0604]: Advanced Micro Devices, Inc. [AMD] GPP Bridge [1022:1483]
0a:00.0 VGA compatible controller [0300]: NVIDIA Corporation GA104 [GeForce RTX 3070] [10de:2484] (rev a1)
\tSubsystem: ASUSTeK Computer Inc. Device [1043:8811]
\tKernel driver in use: nvidia
\tKernel modules: nvidiafb, nouveau, nvidia
0a:00.1 Audio device [0403]: NVIDIA Corporation GA104 High Definition Audio Controller [10de:228b] (rev a1)
\tKernel driver in use: snd_hda_intel
"""
_VERBOSE = """0a:00.0 VGA compatible controller: NVIDIA Corporation GA104 (rev a1) (prog-if 00 [VGA])
\tSubsystem: ASUSTeK Computer Inc. Device 8811
\tControl: I/O+ Mem+ BusMaster+ SpecCycle- MemWINV- VGASnoop- ParErr- Stepping- SERR- FastB2B- DisINTx+
\tInterrupt: pin A routed to IRQ 88
\tIOMMU group: 15
\tRegion 0: Memory at f6000000 (32-bit, non-prefetchable) [size=16M]
\tRegion 1: Memory at d0000000 (64-bit, prefetchable) [size=256M]
\tExpansion ROM at 000c0000 [disabled] [size=128K]
\tCapabilities: [78] Express (v2) Legacy Endpoint, MSI 00
\t\tLnkCap:\tPort #0, Speed 16GT/s, Width x16, ASPM L0s L1
\tCapabilities: [bb0 v1] Physical Resizable BAR
\t\tBAR 1: current size: 256MB, supported: 64MB 128MB 256MB
\tKernel driver in use: vfio-pci
00: de 10 84 24 07 04 10 00 a1 00 00 03 00 00 80 00
"""
_LISTING = """IOMMU Group 0:
\t00:01.0 Host bridge [0600]: Advanced Micro Devices, Inc. [AMD] Device [1022:1482]
IOMMU Group 15:
\t0a:00.0 VGA compatible controller [0300]: NVIDIA Corporation GA104 [10de:2484] (rev a1)
\t0a:00.1 Audio device [0403]: NVIDIA Corporation GA104 Audio [10de:228b] (rev a1)
"""
_UDEV = """P: /devices/pci0000:00/0000:00:03.1/0000:0a:00.0
E: DEVPATH=/devices/pci0000:00/0000:00:03.1/0000:0a:00.0
E: DRIVER=vfio-pci
E: PCI_CLASS=30000
E: PCI_ID=10DE:2484
E: PCI_SUBSYS_ID=1043:8811
E: PCI_SLOT_NAME=0000:0a:00.0
E: SUBSYSTEM=pci

"""
_LOG = """[    0.000000] Linux version 6.12.9-amd64 (debian-kernel@lists.debian.org)
[    0.000000] Command line: BOOT_IMAGE=/vmlinuz root=UUID=1234 ro quiet intel_iommu=on
[    0.021000] DMAR: IOMMU enabled
[    0.300000] DMAR-IR: Enabled IRQ remapping in x2apic mode
[    0.500000] pci 0000:0a:00.0: Adding to iommu group 15
[    1.100000] vfio_pci: add [10de:2484[ffffffff:ffffffff]] class 0x000000/00000000
"""
_INXI = """System:
  Host: x Kernel: 6.12.9 arch: x86_64 bits: 64
Graphics:
  Device-1: NVIDIA GA104 [GeForce RTX 3070] vendor: ASUSTeK driver: nvidia v: 550.120 bus-ID: 0a:00.0
    chip-ID: 10de:2484 class-ID: 0300
CPU:
  Info: 8-core model: AMD Ryzen 7 3700X bits: 64 type: MT MCP
"""
_CMDLINE = (
    "BOOT_IMAGE=/vmlinuz-6.12 root=UUID=1234-5678 ro quiet amd_iommu=on iommu=pt vfio-pci.ids=10de:2484 -- x"
)
_MODPROBE = """# vfio
options vfio-pci ids=10de:2484,10de:228b disable_vga=1
softdep nvidia pre: vfio-pci
blacklist nouveau
install snd_hda_intel /sbin/modprobe --ignore-install snd_hda_intel \\
  $CMDLINE_OPTS
alias pci:v000010DE* vfio-pci
"""


def texts() -> list[bytes]:
    """Everything that people paste."""
    parts = (_LSPCI, _VERBOSE, _LISTING, _UDEV, _LOG, _INXI, _CMDLINE, _MODPROBE)
    return [one.encode() for one in (*parts, _LSPCI + _LOG + _CMDLINE, json.dumps(_report()))]


def _report() -> dict[str, Any]:
    gpu = {
        "index": 30,
        "attached_to": 12,
        "class_list": ["graphics_card", "pci"],
        "bus_type": {"hex": "0004", "name": "PCI", "value": 4},
        "slot": {"bus": 10, "number": 0},
        "base_class": {"hex": "0003", "name": "Display controller", "value": 3},
        "sub_class": {"hex": "0000", "name": "VGA compatible controller", "value": 0},
        "vendor": {"hex": "10de", "name": "nVidia Corporation", "value": 4318},
        "device": {"hex": "2484", "name": "GA104", "value": 9348},
        "sysfs_id": "/devices/pci0000:00/0000:00:03.1/0000:0a:00.0",
        "sysfs_bus_id": "0000:0a:00.0",
        "sysfs_iommu_group_id": 15,
        "driver": "nvidia",
        "driver_modules": ["nvidia"],
    }
    cpu = {"vendor_name": "AuthenticAMD", "family": 23, "model": 113, "stepping": 0, "features": ["svm"]}
    return {
        "version": 1,
        "system": "x86_64-linux",
        "virtualisation": "none",
        "hardware": {"graphics_card": [gpu], "cpu": [cpu], "bridge": [], "monitor": [{"index": 1}]},
        "smbios": {"bios": {"vendor": "AMI", "version": "1.0", "date": "01/01/2024"}},
    }


def facter() -> list[bytes]:
    """A report of nixos-facter."""
    return [json.dumps(_report()).encode(), json.dumps(_report(), indent=2).encode()]


def captures() -> list[bytes]:
    """A recorded machine, and small ones."""
    whole = (ROOT / "fixtures" / "lab-6.12-no-card" / "host.json").read_bytes()
    small = {
        "schema": "vfio-wizard/capture/1",
        "files": {"proc/cmdline": _CMDLINE, "sys/bus/pci/devices/0000:0a:00.0/vendor": "0x10de"},
        "links": {"sys/bus/pci/devices/0000:0a:00.0/driver": "sys/bus/pci/drivers/nvidia"},
    }
    return [json.dumps(small).encode(), json.dumps({"schema": small["schema"]}).encode(), whole]


def small() -> list[bytes]:
    """Lines and lists of all kinds."""
    release = 'ID=debian\nID_LIKE="x y"\nVERSION_ID="13"\nPRETTY_NAME="Debian"\nVERSION_CODENAME=trixie\n'
    groups = "root:x:0:\nlibvirt:x:120:somebody,other\nkvm:x:106:\n"
    stub = json.dumps({"user": {"kernel_options": ["quiet", "iommu=pt"], "esp_path": "/boot/efi"}})
    efi = b"\x07\0\0\0" + "systemd-boot 257.4".encode("utf-16-le") + b"\0\0"
    acs = bytes(0x100) + b"\x0d\0\x01\x00\x1d\0\x1d\0" + bytes(0x100)
    plain = (release, groups, stub, _CMDLINE, _MODPROBE, "0-3,8", "0000:0a:00.0", "10de:2484", "6.12.9-amd64")
    return [*(one.encode() for one in plain), efi, acs, b"libvirt.so.0.11003.0"]


def roms() -> list[bytes]:
    """Sound ROMs and those with a maker's header."""
    listed = rom(Image(more_devices=(1, 2, 3)), Image(code=3, machine=0x014C))
    return [WHOLE, NVGI + WHOLE, rom(BIOS), rom(GOP), listed, rom(Image(last=False), Image(code=0xE0))]


def images() -> list[bytes]:
    """Images of each packing, and a unified kernel image."""
    from tests.unit.system.archive.images import File, archive, link, module, packed  # noqa: PLC0415

    plain = archive(
        File("etc/modprobe.d/vfio.conf", b"options vfio-pci ids=10de:2484\n"),
        module("vfio-pci"),
        link("lib", "usr/lib"),
        File("conf/modules", b"vfio-pci\n"),
    )
    found = [plain, plain + packed("zstd", plain), packed("gzip", plain), packed("lz4", plain)]
    return [
        *found,
        packed("xz", plain),
        lzma.compress(plain),
        b"MZ" + bytes(58) + b"\x40\0\0\0PE\0\0" + bytes(200),
    ]


def answers() -> list[bytes]:
    """All answers, and a few."""
    from vfio_wizard.model.selection import CpuWish, HugePageWish, Selection  # noqa: PLC0415
    from vfio_wizard.planning.answers import print_answers  # noqa: PLC0415

    gpu = PciAddress(0, 10, 0, 0)
    full = Selection(
        (gpu,), huge_pages=HugePageWish(2048, 4096), cpus=CpuWish((2, 3, 8)), users=("somebody",)
    )
    return [print_answers(full).encode(), b'gpus = ["0000:0a:00.0"]\n', b'[cpus]\nguest = "2-5,8"\n']


def knowledge() -> list[bytes]:
    """The user's own rows."""
    from tests.facts_builder import OWN_TEXT  # noqa: PLC0415

    return [OWN_TEXT.encode(), b'[[parameter]]\nname = "x"\nwhy = "y"\nsource = "z"\n']


def handed() -> list[bytes]:
    """A plan file, and the record of a change."""
    plan = {
        "schema": "vfio-wizard/plan/1",
        "bind": {"by": "id", "functions": ["0000:0a:00.0"]},
        "kernel_parameters": {"add": ["iommu=pt"], "remove": []},
        "artifacts": [{"path": "/etc/x", "mode": "0644", "action": "create", "text": "x", "because": "y"}],
        "commands": [["update-initramfs", "-u", "-k", "all"]],
        "refusals": [],
        "warnings": [],
        "notes": [],
        "answers": 'gpus = ["0000:0a:00.0"]\n',
        "before": {"/etc/x": ""},
    }
    applied = {
        "schema": "vfio-wizard/state/1",
        "transaction": 1,
        "boot_id": "x",
        "functions": [],
        "words": {"add": [], "remove": []},
        "kernels": [],
        "images": [],
        "prediction": {},
    }
    return [json.dumps(plan).encode(), json.dumps(applied).encode()]


def journals() -> list[bytes]:
    """A change that was made, and one that was cut off."""
    run = {"argv": ["update-grub"], "stage": 4, "makes": ["boot/grub/grub.cfg"], "undo": []}
    look = {"kind": "file", "mode": "0644", "owner": 0, "group": 0, "size": 1, "mtime_ns": 1, "xattrs": {}}
    lines: list[dict[str, Any]] = [
        {"step": "begin", "schema": "vfio-wizard/journal/1"},
        {"step": "keep", "path": "etc/x", "sha256": "ab", "blob": "0", **look},
        {"step": "folder", "path": "etc/y"},
        {"step": "write", "path": "etc/x", "sha256": "ab", "stage": 1},
        {"step": "wrote", "path": "etc/x"},
        {"step": "run", **run},
        {"step": "ran", "code": 0, "made": {"boot/grub/grub.cfg": "ab"}},
        {"step": "gone", "path": "etc/z"},
        {"step": "applied", "state": {}},
        {"step": "undoing", "argv": ["true"]},
        {"step": "undone"},
    ]
    whole = "".join(json.dumps(line) + "\n" for line in lines).encode()
    return [whole, whole[:-20], whole[:400]]


def logs() -> list[bytes]:
    """Records of the kernel log, divided by NULs here."""
    records = (
        "6,1,0,-;DMAR: IOMMU enabled\n SUBSYSTEM=pci\n",
        "4,2,5,-;vfio_pci: add [10de:2484]\n",
        "30,3,9,c;x\n",
    )
    return ["\0".join(records).encode(), records[0].encode()]


def boot_files() -> list[bytes]:
    """Files that hold a kernel command line, of each loader."""
    grub = (
        '# comment\nGRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX_DEFAULT="quiet splash amd_iommu=on"\n'
        "GRUB_CMDLINE_LINUX='root=UUID=x'\n"
        'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT iommu=pt"\n'
        'export GRUB_CMDLINE_LINUX_DEFAULT+=" a\\\\b"\nif [ -e /x ]; then\n GRUB_CMDLINE_LINUX="y"\nfi\n'
    )
    entry = "title Arch\nsort-key arch\nlinux /vmlinuz\noptions root=UUID=x quiet rw\noptions a=b\n"
    refind = '"Boot default"  "root=UUID=x ro quiet initrd=\\boot\\initrd"\n"Boot single" "ro single"\n'
    limine = (
        "timeout: 5\n\n/Arch\n    protocol: linux\n    path: boot():/vmlinuz\n    cmdline: root=x quiet\n"
        "//snapshots\n///one\nprotocol: linux\ncmdline: root=UUID=x\n/Windows\n    protocol: efi\n"
    )
    return [one.encode() for one in (grub, entry, refind, limine, _CMDLINE, _CMDLINE + "\n# comment\n")]


def domains() -> list[bytes]:
    """Domains that this program prints, and a small one as people write it."""
    folder = ROOT / "tests" / "domain" / "golden"
    small = (
        "<?xml version='1.0'?>\n<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\n"
        "  <name>w</name>\n  <memory unit='GiB'>8</memory>\n  <vcpu>4</vcpu>\n"
        "  <os><type machine='q35'>hvm</type></os>\n"
        "  <devices>\n    <!-- mine -->\n    <memballoon model='virtio'/>\n  </devices>\n</domain>\n"
    )
    printed = sorted(folder.glob("*.xml"))[:4]
    return [small.encode(), *(one.read_bytes() for one in printed)]


def edits() -> tuple[Any, ...]:
    """One of each kind of edit."""
    from vfio_wizard.render import domain_edit as edit  # noqa: PLC0415

    card = Card((Handed(PciAddress(0, 10, 0, 0), 0), Handed(PciAddress(0, 10, 0, 1), 1)))
    pins = Pins(Topology(1, 1, 2, 2), (2, 8, 3, 9), (0, 6), ((1,),))
    return (
        edit.AddCard(card),
        edit.SetRom(PciAddress(0, 10, 0, 0), "/x.rom"),
        edit.SetSharedMemory(64),
        edit.SetPins(pins),
        edit.SetMemory(8192),
        edit.AddEvdev(Evdev("/dev/input/by-id/x-event-kbd", grabs=True)),
        edit.NoBalloon(),
        edit.Ensure("features/kvm/hidden", (("state", "on"),)),
    )
