"""A desktop with a card to give away, as a file tree that a change can be made on."""

from __future__ import annotations

import io
from pathlib import Path

from tests.builders import SysfsTree
from tests.lab.cpio import Archive

CARD, SOUND = "0000:01:00.0", "0000:01:00.1"
RELEASES = ("6.1.0-40-amd64", "6.1.0-41-amd64")
RUNNING = RELEASES[-1]
UUID = "root=UUID=5f3c1f8e-0d5c-4a4e-9a0c-3f1c5a1c9e11"
LINE = f"{UUID} ro quiet"


def desktop(
    root: Path, *, line: str = LINE, booted: str = "BOOT_IMAGE=/boot/vmlinuz-6.1.0-41-amd64 "
) -> SysfsTree:
    """Intel board, a Radeon with sound in a group of its own, an integrated GPU for the host."""
    tree = SysfsTree(root, RUNNING)
    tree.file("proc/cmdline", f"{booted}{line}\n").file("proc/sys/kernel/osrelease", f"{RUNNING}\n")
    tree.file("proc/sys/kernel/random/boot_id", "11111111-2222-3333-4444-555555555555\n")
    tree.file("proc/cpuinfo", "processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: vmx ept\n")
    tree.file("sys/firmware/acpi/tables/DMAR", b"DMAR").directory("sys/class/iommu/dmar0")
    tree.pci("0000:00:02.0", device=0x3E92, cls=0x030000, driver="i915", group=0, boot_vga=True)
    tree.pci("0000:00:01.0", device=0x1901, cls=0x060400, driver="pcieport", group=1)
    tree.pci(
        CARD,
        vendor=0x1002,
        device=0x5159,
        cls=0x030000,
        driver="radeon",
        group=5,
        boot_vga=False,
        parent="0000:00:01.0",
        reset="bus",
    )
    tree.pci(
        SOUND,
        vendor=0x1002,
        device=0xAA38,
        cls=0x040300,
        driver="snd_hda_intel",
        group=5,
        parent="0000:00:01.0",
    )
    for release in RELEASES:
        _kernel(tree, release)
    tree.file("etc/passwd", "root:x:0:0::/root:/bin/sh\n").file("etc/group", "root:x:0:\nlibvirt:x:110:\n")
    tree.file("etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    return tree


def _kernel(tree: SysfsTree, release: str) -> None:
    here = f"lib/modules/{release}"
    tree.release = release
    tree.aliases(
        "alias pci:v00001002d00005159sv*sd*bc*sc*i* radeon",
        "alias pci:v00001002d0000AA38sv*sd*bc*sc*i* snd_hda_intel",
        "alias pci:v00008086d00003E92sv*sd*bc*sc*i* i915",
    )
    names = {
        "radeon": "drivers/gpu/drm/radeon",
        "i915": "drivers/gpu/drm/i915",
        "snd-hda-intel": "sound/pci/hda",
        "vfio-pci": "drivers/vfio/pci",
        "vfio": "drivers/vfio",
        "vfio_iommu_type1": "drivers/vfio",
    }
    lines = [f"kernel/{folder}/{name}.ko:" for name, folder in names.items()]
    lines = [
        f"{line} kernel/drivers/vfio/vfio.ko" if line.startswith("kernel/drivers/vfio/pci") else line
        for line in lines
    ]
    tree.file(f"{here}/modules.dep", "\n".join(lines) + "\n")
    for name, folder in names.items():
        tree.file(f"{here}/kernel/{folder}/{name}.ko", name)
    tree.file(f"{here}/modules.builtin", "kernel/fs/ext4/ext4.ko\n").file(f"{here}/modules.softdep", "")
    tree.file(f"{here}/modules.order", "")
    tree.file(f"boot/vmlinuz-{release}", f"kernel {release}")
    tree.file(f"boot/config-{release}", "CONFIG_VFIO=m\nCONFIG_VFIO_PCI=m\nCONFIG_INTEL_IOMMU=y\n")
    tree.release = RUNNING


def archive(files: dict[str, str]) -> bytes:
    """An initramfs with these files."""
    out = io.BytesIO()
    packed = Archive(out)
    folders = {"/".join(path.split("/")[:depth]) for path in files for depth in range(1, path.count("/") + 1)}
    for folder in sorted(folders):
        packed.directory(folder)
    for path, text in sorted(files.items()):
        packed.file(path, text.encode(errors="surrogateescape"))
    packed.close()
    return out.getvalue()
