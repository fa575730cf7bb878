"""``vfio-wizard/rom/1``: a ROM and the verdict as data."""

from __future__ import annotations

from typing import Any

from vfio_wizard.cards.dump import Refused
from vfio_wizard.model.pci import PciId
from vfio_wizard.model.rom import Rom, RomImage
from vfio_wizard.planning.rom import RomVerdict

SCHEMA = "vfio-wizard/rom/1"

Json = dict[str, Any]


def rom_json(rom: Rom, verdict: RomVerdict, card: PciId | None) -> Json:
    """The whole document; ``card`` is what it was compared with, or null."""
    return {
        "schema": SCHEMA,
        "card": None if card is None else str(card),
        "size": rom.size,
        "start": rom.start,
        "images": [_image(one) for one in rom.images],
        "verdict": "usable" if verdict.usable else "not-usable",
        "faults": list(verdict.faults),
        "doubts": list(verdict.doubts),
        "remedy": verdict.remedy,
    }


def refused_json(refused: Refused) -> Json:
    """The document where the card's own ROM must not be read now."""
    return {
        "schema": SCHEMA,
        "card": None,
        "size": None,
        "start": None,
        "images": [],
        "verdict": "refused",
        "faults": [refused.why],
        "doubts": [],
        "remedy": refused.instead,
    }


def _image(image: RomImage) -> Json:
    efi = image.efi
    return {
        "start": image.start,
        "length": image.length,
        "held": image.held,
        "code": image.code,
        "ids": [str(one) for one in image.ids],
        "class": str(image.cls),
        "revision": image.revision,
        "last": image.is_last,
        "checksum": image.sums_to_zero,
        "efi": None
        if efi is None
        else {"machine": efi.machine, "subsystem": efi.subsystem, "compressed": efi.compressed},
    }
