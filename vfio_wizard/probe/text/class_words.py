"""Class names in lspci's words, for texts that print the words without the code.

Source: the class list of the PCI id database (pciids/pciids, ``pci.ids``, lines ``C xx``).
"""

from __future__ import annotations

from vfio_wizard.model.pci import PciClass

_SUBCLASSES: dict[int, dict[int, str]] = {
    0x00: {
        0x00: "Non-VGA unclassified device",
        0x01: "VGA compatible unclassified device",
        0x05: "Image coprocessor",
    },
    0x01: {
        0x00: "SCSI storage controller",
        0x01: "IDE interface",
        0x02: "Floppy disk controller",
        0x03: "IPI bus controller",
        0x04: "RAID bus controller",
        0x05: "ATA controller",
        0x06: "SATA controller",
        0x07: "Serial Attached SCSI controller",
        0x08: "Non-Volatile memory controller",
        0x09: "Universal Flash Storage controller",
        0x80: "Mass storage controller",
    },
    0x02: {
        0x00: "Ethernet controller",
        0x01: "Token ring network controller",
        0x02: "FDDI network controller",
        0x03: "ATM network controller",
        0x04: "ISDN controller",
        0x05: "WorldFip controller",
        0x06: "PICMG controller",
        0x07: "Infiniband controller",
        0x08: "Fabric controller",
        0x80: "Network controller",
    },
    0x03: {
        0x00: "VGA compatible controller",
        0x01: "XGA compatible controller",
        0x02: "3D controller",
        0x80: "Display controller",
    },
    0x04: {
        0x00: "Multimedia video controller",
        0x01: "Multimedia audio controller",
        0x02: "Computer telephony device",
        0x03: "Audio device",
        0x80: "Multimedia controller",
    },
    0x05: {0x00: "RAM memory", 0x01: "FLASH memory", 0x02: "CXL", 0x80: "Memory controller"},
    0x06: {
        0x00: "Host bridge",
        0x01: "ISA bridge",
        0x02: "EISA bridge",
        0x03: "MicroChannel bridge",
        0x04: "PCI bridge",
        0x05: "PCMCIA bridge",
        0x06: "NuBus bridge",
        0x07: "CardBus bridge",
        0x08: "RACEway bridge",
        0x09: "Semi-transparent PCI-to-PCI bridge",
        0x0A: "InfiniBand to PCI host bridge",
        0x80: "Bridge",
    },
    0x07: {
        0x00: "Serial controller",
        0x01: "Parallel controller",
        0x02: "Multiport serial controller",
        0x03: "Modem",
        0x04: "GPIB controller",
        0x05: "Smard Card controller",
        0x80: "Communication controller",
    },
    0x08: {
        0x00: "PIC",
        0x01: "DMA controller",
        0x02: "Timer",
        0x03: "RTC",
        0x04: "PCI Hot-plug controller",
        0x05: "SD Host controller",
        0x06: "IOMMU",
        0x80: "System peripheral",
        0x99: "Timing Card",
    },
    0x09: {
        0x00: "Keyboard controller",
        0x01: "Digitizer Pen",
        0x02: "Mouse controller",
        0x03: "Scanner controller",
        0x04: "Gameport controller",
        0x80: "Input device controller",
    },
    0x0A: {0x00: "Generic Docking Station", 0x80: "Docking Station"},
    0x0B: {0x40: "Co-processor"},
    0x0C: {
        0x00: "FireWire (IEEE 1394)",
        0x01: "ACCESS Bus",
        0x02: "SSA",
        0x03: "USB controller",
        0x04: "Fibre Channel",
        0x05: "SMBus",
        0x06: "InfiniBand",
        0x07: "IPMI Interface",
        0x08: "SERCOS interface",
        0x09: "CANBUS",
        0x80: "Serial bus controller",
    },
    0x0D: {
        0x00: "IRDA controller",
        0x01: "Consumer IR controller",
        0x10: "RF controller",
        0x11: "Bluetooth",
        0x12: "Broadband",
        0x20: "802.1a controller",
        0x21: "802.1b controller",
        0x80: "Wireless controller",
    },
    0x0E: {0x00: "I2O"},
    0x0F: {
        0x01: "Satellite TV controller",
        0x02: "Satellite audio communication controller",
        0x03: "Satellite voice communication controller",
        0x04: "Satellite data communication controller",
    },
    0x10: {
        0x00: "Network and computing encryption device",
        0x10: "Entertainment encryption device",
        0x80: "Encryption controller",
    },
    0x11: {
        0x00: "DPIO module",
        0x01: "Performance counters",
        0x10: "Communication synchronizer",
        0x20: "Signal processing management",
        0x80: "Signal processing controller",
    },
    0x12: {0x00: "Processing accelerators", 0x01: "SNIA Smart Data Accelerator Interface (SDXI) controller"},
    0x13: {0x00: "Non-Essential Instrumentation"},
    0x40: {0x00: "Coprocessor"},
    0xFF: {0x00: "Unassigned class"},
}

# lspci falls back to the words of the base class where it does not know the subclass.
_BASES: dict[int, str] = {
    0x00: "Unclassified device",
    0x08: "Generic system peripheral",
    0x0B: "Processor",
    0x0F: "Satellite communications controller",
    0x11: "Signal processing controller",
    0x12: "Processing accelerators",
}

_BY_WORDS: dict[str, PciClass] = {}
for _base, _words in _BASES.items():
    _BY_WORDS[_words.lower()] = PciClass(_base, 0x80 if _base in (0x08, 0x11) else 0x00)
for _base, _table in _SUBCLASSES.items():
    for _sub, _words in _table.items():
        _BY_WORDS[_words.lower()] = PciClass(_base, _sub)

_SHORTEST_STUB = 3


def class_by_words(words: str) -> PciClass | None:
    """The class that these words name, exactly (letter case aside: older lists write USB Controller)."""
    return _BY_WORDS.get(" ".join(words.lower().split()))


def leading_class(text: str) -> tuple[PciClass, int] | None:
    """The longest class name that a text begins with, and how many characters it takes."""
    lower = text.lower()
    best: tuple[PciClass, int] | None = None
    for words, cls in _BY_WORDS.items():
        if lower.startswith(words) and (best is None or len(words) > best[1]):
            best = (cls, len(words))
    if best is None or lower[best[1] : best[1] + 1].isalnum():
        return None
    return best


def class_by_stub(stub: str) -> PciClass | None:
    """The class whose name a cut-off text begins to spell, where only one is possible.

    Base class 00 is left aside: it is for devices from before class codes, of the early nineties.
    """
    lower = stub.lower().strip()
    if len(lower) < _SHORTEST_STUB:
        return None
    possible = {cls for words, cls in _BY_WORDS.items() if cls.base and words.startswith(lower)}
    return possible.pop() if len(possible) == 1 else None
