"""Which display controllers are no graphics cards: server chips, emulated ones, parts of a processor.

Ids are written as in pci.ids, whose names are the source unless a row says otherwise. Ranges are
inclusive and hold display functions only.
"""

from __future__ import annotations

from vfio_wizard.model.record import NamedTuple


class IdRange(NamedTuple):
    """Device ids of one vendor, first to last, and what they are."""

    vendor: str
    first: int
    last: int
    family: str
    source: str = "pci.ids"


ANY = (0x0000, 0xFFFF)

MANAGEMENT_CHIPS: tuple[IdRange, ...] = (
    IdRange("1a03", *ANY, "ASPEED AST server management graphics"),
    IdRange("102b", 0x0520, 0x0540, "Matrox G200 inside a server management controller (iDRAC, iLO, IMM)"),
    IdRange("19e5", 0x1711, 0x1711, "Huawei Hi171x iBMC graphics"),
    IdRange("18ca", 0x0020, 0x0027, "XGI Volari Z server graphics"),
    IdRange("19a2", *ANY, "ServerEngines Pilot management graphics"),
    IdRange("1002", 0x515E, 0x515E, "ES1000, ATI's server graphics"),
    IdRange("1002", 0x5969, 0x5969, "ES1000, ATI's server graphics"),
)

EMULATED: tuple[IdRange, ...] = (
    IdRange("1234", *ANY, "QEMU standard VGA"),
    IdRange("1af4", *ANY, "virtio GPU"),
    IdRange("1b36", 0x0100, 0x0100, "QXL"),
    IdRange("15ad", *ANY, "VMware SVGA"),
    IdRange("1013", 0x00B8, 0x00B8, "Cirrus GD5446, today only as an emulated card"),
    IdRange("80ee", *ANY, "VirtualBox graphics"),
    IdRange("1414", 0x5353, 0x5353, "Hyper-V synthetic video"),
    IdRange("1ab8", *ANY, "Parallels display"),
    IdRange("5853", *ANY, "Xen display"),
    IdRange("1ae0", *ANY, "Google Compute Engine display"),
    IdRange("1d0f", *ANY, "Amazon EC2 display"),
    IdRange("fb5d", 0x40FB, 0x40FB, "bhyve framebuffer"),
)

INTEGRATED: tuple[IdRange, ...] = (
    IdRange("1002", 0x1114, 0x1114, "Krackan Point", "drivers/gpu/drm/amd, public id lists"),
    IdRange("1002", 0x1304, 0x131D, "Kaveri"),
    IdRange("1002", 0x13C0, 0x13C0, "Granite Ridge"),
    IdRange("1002", 0x13FE, 0x13FE, "Cyan Skillfish"),
    IdRange("1002", 0x1435, 0x1435, "Van Gogh"),
    IdRange("1002", 0x143F, 0x143F, "Cyan Skillfish"),
    IdRange("1002", 0x1506, 0x1506, "Mendocino"),
    IdRange("1002", 0x150E, 0x150E, "Strix Point"),
    IdRange("1002", 0x1586, 0x1586, "Strix Halo"),
    IdRange("1002", 0x15BF, 0x15BF, "Phoenix"),
    IdRange("1002", 0x15C8, 0x15C8, "Phoenix 2"),
    IdRange("1002", 0x15D8, 0x15D8, "Picasso, Raven 2"),
    IdRange("1002", 0x15DD, 0x15DD, "Raven Ridge"),
    IdRange("1002", 0x15E7, 0x15E7, "Barcelo"),
    IdRange("1002", 0x1636, 0x1636, "Renoir"),
    IdRange("1002", 0x1638, 0x1638, "Cezanne"),
    IdRange("1002", 0x163F, 0x163F, "Van Gogh"),
    IdRange("1002", 0x164C, 0x164F, "Lucienne, Rembrandt, Raphael, Phoenix"),
    IdRange("1002", 0x1681, 0x1681, "Rembrandt"),
    IdRange("1002", 0x1900, 0x1902, "Hawk Point"),
    IdRange("1002", 0x4136, 0x4137, "RS100, RS200"),
    IdRange("1002", 0x4336, 0x4337, "RS100, RS200"),
    IdRange("1002", 0x4437, 0x4437, "RS250"),
    IdRange("1002", 0x5834, 0x5835, "RS300"),
    IdRange("1002", 0x5854, 0x5854, "RS480"),
    IdRange("1002", 0x5874, 0x5874, "RS480"),
    IdRange("1002", 0x5954, 0x5955, "RS480"),
    IdRange("1002", 0x5974, 0x5975, "RS482"),
    IdRange("1002", 0x5A41, 0x5A42, "RS400"),
    IdRange("1002", 0x5A61, 0x5A62, "RC410"),
    IdRange("1002", 0x7834, 0x7835, "RS350"),
    IdRange("1002", 0x791E, 0x791F, "RS690"),
    IdRange("1002", 0x793F, 0x793F, "RS690M"),
    IdRange("1002", 0x7941, 0x7942, "RS600"),
    IdRange("1002", 0x796C, 0x796F, "RS740"),
    IdRange("1002", 0x9610, 0x9616, "RS780"),
    IdRange("1002", 0x9640, 0x964F, "Sumo"),
    IdRange("1002", 0x9710, 0x9715, "RS880"),
    IdRange("1002", 0x9802, 0x980A, "Wrestler"),
    IdRange("1002", 0x9830, 0x983F, "Kabini, Temash"),
    IdRange("1002", 0x9850, 0x985F, "Mullins, Beema"),
    IdRange("1002", 0x9870, 0x987F, "Carrizo, Bristol Ridge"),
    IdRange("1002", 0x98E4, 0x98E4, "Stoney Ridge"),
    IdRange("1002", 0x9900, 0x99A4, "Trinity, Richland"),
    IdRange("10de", 0x0240, 0x0247, "C51, nForce 4xx"),
    IdRange("10de", 0x03D0, 0x03D6, "C61, nForce 4xx"),
    IdRange("10de", 0x0531, 0x0533, "C67, nForce 6xxM"),
    IdRange("10de", 0x053A, 0x053E, "C68, nForce 630a"),
    IdRange("10de", 0x07E0, 0x07E5, "MCP73, nForce 6xxi"),
    IdRange("10de", 0x0840, 0x085F, "MCP77/MCP78, nForce 7xxa"),
    IdRange("10de", 0x0860, 0x087F, "MCP79, ION"),
    IdRange("10de", 0x08A0, 0x08A5, "MCP89"),
    IdRange("1106", *ANY, "VIA chipset graphics"),
    IdRange("1039", 0x6300, 0x6351, "SiS chipset graphics"),
    IdRange("1d17", *ANY, "Zhaoxin chipset graphics"),
    IdRange("0014", *ANY, "Loongson chipset graphics"),
    IdRange("1db7", *ANY, "Phytium display engine"),
)

DISCRETE_VENDORS: tuple[tuple[str, str], ...] = (
    ("1002", "AMD"),
    ("10de", "NVIDIA"),
    ("8086", "Intel"),
    ("102b", "Matrox"),
    ("1ed5", "Moore Threads"),
    ("6766", "Glenfly"),
    ("0731", "Jingjia"),
    ("5333", "S3"),
    ("121a", "3Dfx"),
)
"""Vendors whose display functions behind a bridge are cards, unless a table above says otherwise."""

VENDOR_WORDS: tuple[tuple[str, str], ...] = (
    ("Advanced Micro Devices, Inc. [AMD/ATI]", "1002"),
    ("Advanced Micro Devices, Inc. [AMD]", "1022"),
    ("NVIDIA Corporation", "10de"),
    ("Intel Corporation", "8086"),
)
"""How the PCI id database spells the vendors that decide what belongs to a card."""

ARC_SWITCH_AUDIO: tuple[IdRange, ...] = (
    IdRange("8086", 0x4F90, 0x4F92, "DG2 audio, behind the card's own switch"),
    IdRange("8086", 0xE2F7, 0xE2F7, "Battlemage audio, behind the card's own switch", "public id lists"),
    IdRange("8086", 0x490D, 0x490D, "DG1 audio"),
)


def family(table: tuple[IdRange, ...], vendor: str, device: str) -> str | None:
    """The family that a table names for an id, or None."""
    number = int(device, 16)
    for row in table:
        if row.vendor == vendor and row.first <= number <= row.last:
            return row.family
    return None
