"""Which ids belong to one card, and whose ids are drives or bridges: for texts that name ids only.

Ids and names are those of pci.ids unless a row says otherwise; the pairs of AMD and NVIDIA were also
compared with recorded machines. A host that can be looked at always knows better than this.
"""

from __future__ import annotations

from vfio_wizard.knowledge.cards import IdRange
from vfio_wizard.model.record import NamedTuple


class Companions(NamedTuple):
    """Display ids from first to last, and the other functions that their cards have."""

    display: IdRange
    others: tuple[str, ...]
    """``vendor:device`` of audio, then of USB and UCSI where the chip has them (not on every board)."""


def _amd(first: int, last: int, chip: str, audio: str) -> Companions:
    return Companions(IdRange("1002", first, last, chip), (f"1002:{audio}",))


def _nvidia(first: int, last: int, chip: str, *others: str) -> Companions:
    return Companions(IdRange("10de", first, last, chip), tuple(f"10de:{one}" for one in others))


COMPANIONS: tuple[Companions, ...] = (
    _amd(0x67A0, 0x67BE, "Hawaii", "aac8"),
    _amd(0x67C0, 0x67DF, "Polaris 10", "aaf0"),
    _amd(0x67E0, 0x67FF, "Polaris 11", "aae0"),
    _amd(0x6860, 0x687F, "Vega 10", "aaf8"),
    _amd(0x66A0, 0x66AF, "Vega 20", "ab20"),
    _amd(0x6980, 0x699F, "Polaris 12", "aae0"),
    _amd(0x7310, 0x731F, "Navi 10", "ab38"),
    _amd(0x7340, 0x734F, "Navi 14", "ab38"),
    _amd(0x73A0, 0x73BF, "Navi 21", "ab28"),
    _amd(0x73C0, 0x73DF, "Navi 22", "ab28"),
    _amd(0x73E0, 0x73FF, "Navi 23", "ab28"),
    _amd(0x7420, 0x743F, "Navi 24", "ab28"),
    _amd(0x7440, 0x744F, "Navi 31", "ab30"),
    _amd(0x7470, 0x747E, "Navi 32", "ab30"),
    _amd(0x7480, 0x749F, "Navi 33", "ab30"),
    _amd(0x7550, 0x755F, "Navi 48", "ab40"),
    _amd(0x7590, 0x759F, "Navi 44", "ab40"),
    _nvidia(0x1180, 0x1197, "GK104", "0e0a"),
    _nvidia(0x11C0, 0x11CB, "GK106", "0e0b"),
    _nvidia(0x1280, 0x128C, "GK208", "0e0f"),
    _nvidia(0x1380, 0x1382, "GM107", "0fbc"),
    _nvidia(0x13C0, 0x13C3, "GM204", "0fbb"),
    _nvidia(0x1401, 0x1407, "GM206", "0fba"),
    _nvidia(0x17C2, 0x17C8, "GM200", "0fb0"),
    _nvidia(0x1B00, 0x1B07, "GP102", "10ef"),
    _nvidia(0x1B80, 0x1B87, "GP104", "10f0"),
    _nvidia(0x1C00, 0x1C09, "GP106", "10f1"),
    _nvidia(0x1C81, 0x1C83, "GP107", "0fb9"),
    _nvidia(0x1D01, 0x1D02, "GP108", "0fb8"),
    _nvidia(0x1E00, 0x1E2E, "TU102", "10f7", "1ad6", "1ad7"),
    _nvidia(0x1E81, 0x1E89, "TU104", "10f8", "1ad8", "1ad9"),
    _nvidia(0x1F02, 0x1F0B, "TU106", "10f9", "1ada", "1adb"),
    _nvidia(0x2182, 0x2189, "TU116", "1aeb", "1aec", "1aed"),
    _nvidia(0x1F81, 0x1F83, "TU117", "10fa"),
    _nvidia(0x2203, 0x2216, "GA102", "1aef"),
    _nvidia(0x2482, 0x248A, "GA104", "228b"),
    _nvidia(0x24B0, 0x24B1, "GA104", "228b"),
    _nvidia(0x2501, 0x2509, "GA106", "228e"),
    _nvidia(0x2681, 0x2685, "AD102", "22ba"),
    _nvidia(0x2702, 0x2705, "AD103", "22bb"),
    _nvidia(0x2782, 0x2788, "AD104", "22bc"),
    _nvidia(0x2803, 0x2805, "AD106", "22bd"),
    _nvidia(0x2882, 0x2882, "AD107", "22be"),
)
"""Desktop chips: laptops often leave the audio function out."""

DRIVE_VENDORS: tuple[tuple[str, str], ...] = (
    ("025e", "Solidigm"),
    ("126f", "Silicon Motion"),
    ("1344", "Micron"),
    ("144d", "Samsung"),
    ("15b7", "SanDisk"),
    ("1987", "Phison"),
    ("1bb1", "Seagate"),
    ("1c5c", "SK hynix"),
    ("1cc1", "ADATA"),
    ("1cc4", "Unionmemory"),
    ("1d79", "Transcend"),
    ("1d97", "Longsys"),
    ("1dbe", "INNOGRIT"),
    ("1e0f", "KIOXIA"),
    ("1e4b", "MAXIO"),
    ("2646", "Kingston"),
    ("c0a9", "Micron/Crucial"),
)
"""Vendors of PCI ids under which consumer drives are sold, and hardly anything else."""

BRIDGES: tuple[tuple[str, str], ...] = tuple(
    (f"8086:{device}", "Thunderbolt bridge")
    for device in (
        "1136",
        "1567",
        "1569",
        "156b",
        "156d",
        "1576",
        "1578",
        "157e",
        "15c0",
        "15d3",
        "15da",
        "15e7",
        "15ea",
        "15ef",
        "0b26",
    )
)
"""PCI bridges that guides and people list: vfio-pci cannot bind a bridge header (vfio.rst)."""


def companions(vendor: str, device: str) -> Companions | None:
    """What else sits on the card of a display id, or None where no row tells."""
    number = int(device, 16)
    for row in COMPANIONS:
        if row.display.vendor == vendor and row.display.first <= number <= row.display.last:
            return row
    return None
