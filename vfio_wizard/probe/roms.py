"""Copies of ROMs that QEMU can be given: for which card they are, and whether a UEFI image is inside.

The ROM of the card itself is never read, since that needs a write to the device.
"""

from __future__ import annotations

from vfio_wizard.model.facts import RomCopy
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.system.host import Host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from vfio_wizard.model.rom import RomImage

FOLDERS = ("usr/share/vgabios", "usr/share/kvm", "var/lib/libvirt/vbios")
"""The first is open to guests by libvirt's AppArmor profile, the second is where Proxmox looks."""

_ENDINGS = (".rom", ".bin", ".dump", ".vbios")
_MOST_FILES = 32
_MOST_BYTES = 2 << 20


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
                found += copy_of(f"{folder}/{name}", content)
    return gaps[0] if gaps and not found else tuple(found)


def copy_of(path: str, content: bytes) -> Iterator[RomCopy]:
    """The chain of images in a file; nothing where it is no ROM."""
    from vfio_wizard.model.rom import parse_rom  # noqa: PLC0415 - few machines have copies of ROMs

    images = parse_rom(content).images
    if images:
        number = images[0].ids[0]
        yield RomCopy(path, number.vendor, number.device, tuple(map(_kind, images)))


def _kind(image: RomImage) -> str:
    from vfio_wizard.model.rom import Code  # noqa: PLC0415 - as above

    if image.code == Code.BIOS:
        return "bios"
    if image.efi is None:
        return "other"
    return "uefi-x64" if image.efi.is_x64 else "uefi-other"
