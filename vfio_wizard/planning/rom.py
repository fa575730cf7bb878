"""Is this file a ROM for that card, and which function of a card has its own?"""

from __future__ import annotations

from collections.abc import Iterator

from vfio_wizard.cards.units import Gpu, gpus
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.pci import PciAddress, PciId
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.rom import Code, Rom, RomImage
from vfio_wizard.model.unread import Unread

_DISPLAY = 0x03
_SHADOW = 128 << 10
"""What lies at 0xc0000 to 0xdffff, where firmware puts its copy of the boot display's ROM."""


class RomVerdict(NamedTuple):
    """Whether QEMU can be given the file, and why."""

    usable: bool
    faults: tuple[str, ...]
    """Each of them makes it unusable."""
    doubts: tuple[str, ...]
    remedy: str | None


# -- a file ---------------------------------------------------------------------------------------


def judge(rom: Rom, card: PciId | None = None) -> RomVerdict:
    """Judge by itself; with the ids of a card, for that card."""
    faults = tuple(_faults(rom, card))
    return RomVerdict(
        not faults, faults, tuple(_doubts(rom)) if rom.images else (), _remedy(rom, card, faults)
    )


def _faults(rom: Rom, card: PciId | None) -> Iterator[str]:
    if not rom.images:
        yield from rom.problems
        return
    if rom.start:
        whose = f" of {rom.wrapper}" if rom.wrapper else ""
        yield f"{rom.start} bytes of header{whose} precede the ROM, and firmware looks for 55 aa at byte 0"
    if not rom.images[0].is_whole:
        yield "its first image is cut"
    if card is not None and not any(card in image.ids for image in rom.images):
        yield f"it is for {_ids(rom)}, and the card is {card}: firmware runs no image of another card"
    if card is None and all(image.cls.base != _DISPLAY for image in rom.images):
        yield f"it is of no graphics card: its class is {rom.images[0].cls}"
    if not _uefi(rom) and _first_bios(rom) is None:
        yield "no image in it is for a BIOS or for UEFI on x64"
    elif not _uefi(rom) and _is_broken(_first_bios(rom)):
        yield "its checksum is wrong, and there is no UEFI image: SeaBIOS refuses it"


def _doubts(rom: Rom) -> Iterator[str]:
    yield from rom.problems
    if not _uefi(rom):
        yield "no UEFI image (GOP) for x64: under OVMF the screen stays black until the guest's driver runs"
    elif _is_broken(_first_bios(rom)):
        yield "the checksum of its BIOS image is wrong: harmless with UEFI, but somebody changed it"
    if _looks_shadowed(rom):
        yield (
            "it looks like the copy that firmware makes for the boot display, changed by having run: "
            "dump it while another card is the boot display"
        )
    first = rom.images[0].ids[0]
    if any(image.ids[0] != first for image in rom.images):
        yield "its images are of different devices"


def _looks_shadowed(rom: Rom) -> bool:
    """The BIOS image alone, small enough for the legacy window, and either changed or promising more."""
    only = rom.images[0]
    if len(rom.images) != 1 or only.code != Code.BIOS or rom.start or rom.size > _SHADOW:
        return False
    return not only.is_last or only.sums_to_zero is False


def _remedy(rom: Rom, card: PciId | None, faults: tuple[str, ...]) -> str | None:
    if not faults:
        return None
    if rom.start and rom.images and len(faults) == 1:
        return "write it without the header: vfio-wizard rom FILE --strip -o NEW"
    which = f" {card}" if card else ""
    return (
        f"dump the ROM of your own card{which} while another one is the boot display "
        "(vfio-wizard rom --dump), or leave the ROM out: most cards need none"
    )


def _uefi(rom: Rom) -> bool:
    return any(image.is_uefi_x64 and image.is_whole for image in rom.images)


def _first_bios(rom: Rom) -> RomImage | None:
    return next((image for image in rom.images if image.code == Code.BIOS), None)


def _is_broken(image: RomImage | None) -> bool:
    return image is not None and image.sums_to_zero is False


def _ids(rom: Rom) -> str:
    found = dict.fromkeys(number for image in rom.images for number in image.ids)
    words = [str(one) for one in found]
    return ", ".join(words[:4]) + (f" and {len(words) - 4} more" if len(words) > 4 else "")


# -- the card's own -------------------------------------------------------------------------------


def display_function(facts: HostFacts, address: PciAddress) -> PciAddress:
    """The function of a card that has the ROM, whichever function of it was named."""
    found = gpus(facts)
    cards: tuple[Gpu, ...] = () if isinstance(found, Unread) else found
    return next((one.address for one in cards if address in one.functions), address)
