"""Copies of ROMs that QEMU can be given: for which card they are, and whether a UEFI image is inside.

The ROM of the card itself is never read, since that needs a write to the device.
"""

from __future__ import annotations

from collections.abc import Iterator

from vfio_wizard.model.facts import RomCopy
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.system.host import Host

FOLDERS = ("usr/share/vgabios", "usr/share/kvm", "var/lib/libvirt/vbios")
"""The first is open to guests by libvirt's AppArmor profile, the second is where Proxmox looks."""

_ENDINGS = (".rom", ".bin", ".dump", ".vbios")
_MOST_FILES = 32
_MOST_BYTES = 2 << 20
_MOST_IMAGES = 16
_MOST_STARTS = 512
_SIGNATURE = b"\x55\xaa"
_EFI_SIGNATURE = 0x0EF1
_X64 = 0x8664
_BIOS, _EFI = 0, 3


def read_roms(host: Host) -> tuple[RomCopy, ...] | Unread:
    """Every file that is a ROM; Unread where none is found and a place is closed or not told of."""
    found: list[RomCopy] = []
    gaps: list[Unread] = []
    for folder in FOLDERS:
        names = host.names(folder)
        if isinstance(names, Unread):
            gaps += [names] if names.gap is not Gap.ABSENT else []
            continue
        for name in [one for one in names if one.endswith(_ENDINGS)][:_MOST_FILES]:
            content = host.data(f"{folder}/{name}", _MOST_BYTES)
            if isinstance(content, Unread):
                gaps.append(content)
            else:
                found += parse_rom(f"{folder}/{name}", content)
    return gaps[0] if gaps and not found else tuple(found)


def parse_rom(path: str, content: bytes) -> Iterator[RomCopy]:
    """The chain of images that begins with the first sound one; what precedes it is a maker's header."""
    at = content.find(_SIGNATURE)
    for _ in range(_MOST_STARTS):
        if at < 0:
            return
        images = tuple(_images(content, at))
        if images:
            vendor, device, _ = images[0]
            yield RomCopy(path, vendor, device, tuple(kind for _, _, kind in images))
            return
        at = content.find(_SIGNATURE, at + 1)


def _images(content: bytes, at: int) -> Iterator[tuple[str, str, str]]:
    """Vendor, device and kind of each image (PCI Firmware Specification: PCI data structure)."""
    for _ in range(_MOST_IMAGES):
        data = at + _number(content, at + 0x18)
        if content[at : at + 2] != _SIGNATURE or content[data : data + 4] != b"PCIR":
            return
        vendor, device = (f"{_number(content, data + offset):04x}" for offset in (4, 6))
        yield vendor, device, _kind(content, at, data)
        length = _number(content, data + 0x10) * 512
        is_last = content[data + 0x15 : data + 0x16] >= b"\x80"
        if is_last or not length:
            return
        at += length


def _kind(content: bytes, at: int, data: int) -> str:
    code = content[data + 0x14 : data + 0x15]
    if code == bytes((_BIOS,)):
        return "bios"
    if code != bytes((_EFI,)) or _number(content, at + 4) != _EFI_SIGNATURE:
        return "other"
    return "uefi-x64" if _number(content, at + 0x0A) == _X64 else "uefi-other"


def _number(content: bytes, at: int) -> int:
    return int.from_bytes(content[at : at + 2], "little")
