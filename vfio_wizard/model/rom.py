"""A PCI expansion ROM, from its bytes: the chain of images and what is wrong with it.

Layout: PCI Firmware Specification 3.x, sections 5.1 (header, PCI data structure) and 5.1.3 (checksum);
UEFI specification, section 14.4.2 (EFI images). Every offset is checked: a file may hold anything.
"""

from __future__ import annotations

from enum import IntEnum

from vfio_wizard.model.pci import PciClass, PciId
from vfio_wizard.model.record import NamedTuple

LARGEST = 16 << 20
"""The largest window that a ROM may have (PCI Local Bus 3.0, 6.2.5.2)."""

BLOCK = 512
_SIGNATURE = b"\x55\xaa"
_DATA = b"PCIR"
_EFI_SIGNATURE = 0x0EF1
_MOST_IMAGES = 32
_MOST_STARTS = 512
_MOST_IDS = 256
_DATA_POINTER = 0x18
_DATA_LENGTH = 0x18
_WRAPPERS = ((b"NVGI", "NVIDIA's flash tools"),)


class Code(IntEnum):
    """What runs an image."""

    BIOS = 0
    OPEN_FIRMWARE = 1
    PA_RISC = 2
    EFI = 3


class Efi(NamedTuple):
    """The header of an image for UEFI."""

    machine: int
    """As in PE files: 0x8664 for x64, 0x014c for 32 bits, 0xaa64 for ARM."""
    subsystem: int
    """10 application, 11 boot service driver, 12 runtime driver."""
    compressed: bool

    @property
    def is_x64(self) -> bool:
        """What OVMF can run."""
        return self.machine == 0x8664


class RomImage(NamedTuple):
    """One image of the chain. Offsets and lengths are in bytes."""

    start: int
    length: int
    """As the PCI data structure says; the file may hold less."""
    held: int
    """How much of it the file holds."""
    code: int
    ids: tuple[PciId, ...]
    """The one of its PCI data structure, then those of its device list."""
    cls: PciClass
    revision: int
    is_last: bool
    efi: Efi | None
    """None for other code, and for code that calls itself EFI without the signature."""
    sums_to_zero: bool | None
    """The checksum; only of code for BIOS, and None where the file is cut before its end."""

    @property
    def is_whole(self) -> bool:
        """All of it is in the file."""
        return self.held == self.length

    @property
    def is_uefi_x64(self) -> bool:
        """A driver that guest firmware under UEFI can run."""
        return self.efi is not None and self.efi.is_x64


class Rom(NamedTuple):
    """What a file holds. ``images`` is empty when it is no ROM."""

    size: int
    start: int
    """Where the first image begins; what precedes it is no part of the ROM."""
    wrapper: str | None
    """Who writes such a header, where it is known."""
    images: tuple[RomImage, ...]
    is_ended: bool
    """The last image says so itself, and is all there."""
    problems: tuple[str, ...]
    """What is wrong with its structure, one clause each."""

    @property
    def end(self) -> int:
        """Behind the last byte of the last image, as far as the file goes."""
        return self.images[-1].start + self.images[-1].held if self.images else self.start


def parse_rom(content: bytes, wanted: PciId | None = None) -> Rom:
    """The chain that begins with the first sound image; with ``wanted``, with the first one of that card."""
    start = _first(content, wanted)
    if start is None:
        return Rom(len(content), 0, _wrapper(content), (), is_ended=False, problems=(_no_image(content),))
    images, problem = _chain(content, start)
    problems = (problem,) if problem else ()
    wrapper = _wrapper(content) if start else None
    is_ended = images[-1].is_last and images[-1].is_whole
    return Rom(len(content), start, wrapper, images, is_ended, problems)


def _first(content: bytes, wanted: PciId | None) -> int | None:
    """Where the ROM begins: makers put headers before it, which may hold the two bytes by chance."""
    first = None
    at = content.find(_SIGNATURE)
    for _ in range(_MOST_STARTS):
        if at < 0:
            break
        image = _image(content, at)
        if isinstance(image, RomImage):
            if wanted is None or wanted in image.ids:
                return at
            first = at if first is None else first
            at = content.find(_SIGNATURE, at + max(image.length, 2))
        else:
            at = content.find(_SIGNATURE, at + 2)
    return first


def _wrapper(content: bytes) -> str | None:
    return next((name for magic, name in _WRAPPERS if content.startswith(magic)), None)


def _no_image(content: bytes) -> str:
    if not content:
        return "the file is empty"
    if not content.strip(b"\xff") or not content.strip(b"\0"):
        return "every byte is the same: the ROM could not be read when it was dumped"
    if _SIGNATURE not in content:
        return "no image begins in it: the bytes 55 aa are not there"
    return "no image begins in it: 55 aa is there, and no PCI data structure behind it"


def _chain(content: bytes, start: int) -> tuple[tuple[RomImage, ...], str | None]:
    """The images from ``start`` on, and why there are no more where one should follow."""
    found: list[RomImage] = []
    at = start
    while len(found) < _MOST_IMAGES:
        image = _image(content, at)
        if isinstance(image, str):
            return tuple(found), f"after image {len(found) - 1} another one should follow: {image}"
        found.append(image)
        if not image.is_whole:
            return tuple(
                found
            ), f"image {len(found) - 1} is cut: {image.held} of {image.length} bytes are there"
        if image.is_last:
            return tuple(found), None
        at += image.length
    return tuple(found), f"more than {_MOST_IMAGES} images"


def _image(content: bytes, at: int) -> RomImage | str:
    """The image at an offset, or what is missing there."""
    if content[at : at + 2] != _SIGNATURE:
        return "the file ends" if at >= len(content) else f"no 55 aa at {at:#x}"
    data = at + _word(content, at + _DATA_POINTER)
    if content[data : data + 4] != _DATA or data + _DATA_LENGTH > len(content):
        return f"no PCI data structure for the image at {at:#x}"
    length = _word(content, data + 0x10) * BLOCK
    if not length or data + _DATA_LENGTH > at + length:
        return f"the image at {at:#x} has a length of {length} bytes"
    code = content[data + 0x14]
    return RomImage(
        start=at,
        length=length,
        held=min(length, len(content) - at),
        code=code,
        ids=_ids(content, data, at + length),
        cls=PciClass(content[data + 0x0F], content[data + 0x0E], content[data + 0x0D]),
        revision=_word(content, data + 0x12),
        is_last=content[data + 0x15] >= 0x80,
        efi=_efi(content, at) if code == Code.EFI else None,
        sums_to_zero=_sum(content, at, length) if code == Code.BIOS else None,
    )


def _ids(content: bytes, data: int, end: int) -> tuple[PciId, ...]:
    """From revision 3 of the structure on, a list of further devices may follow."""
    vendor, device = _word(content, data + 4), _word(content, data + 6)
    found = [_id(vendor, device)]
    pointer = _word(content, data + 8)
    if content[data + 0x0C] < 3 or not pointer:
        return tuple(found)
    place = data + pointer
    for _ in range(_MOST_IDS):
        more = _word(content, place)
        if not more or place + 2 > min(end, len(content)):
            break
        found.append(_id(vendor, more))
        place += 2
    return tuple(dict.fromkeys(found))


def _id(vendor: int, device: int) -> PciId:
    return PciId(f"{vendor:04x}", f"{device:04x}")


def _efi(content: bytes, at: int) -> Efi | None:
    if int.from_bytes(content[at + 4 : at + 8], "little") != _EFI_SIGNATURE:
        return None
    return Efi(_word(content, at + 0x0A), _word(content, at + 8), _word(content, at + 0x0C) == 1)


def _sum(content: bytes, at: int, length: int) -> bool | None:
    """Over the part that runs at start; byte 2 tells its length, which may be less than the image's."""
    runs = content[at + 2] * BLOCK or length
    part = content[at : at + runs]
    return None if len(part) < runs else sum(part) % 256 == 0


def _word(content: bytes, at: int) -> int:
    return int.from_bytes(content[at : at + 2], "little")
