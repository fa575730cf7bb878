"""One word for what a function does, by its class code (PCI Code and ID Assignment)."""

from __future__ import annotations

from vfio_wizard.model.pci import PciClass

OTHER = "other"

_BY_SUBCLASS: dict[tuple[int, int], str] = {
    (0x01, 0x01): "ide",
    (0x01, 0x04): "raid",
    (0x01, 0x06): "sata",
    (0x01, 0x07): "sas",
    (0x01, 0x08): "nvme",
    (0x04, 0x01): "audio",
    (0x04, 0x03): "audio",
    (0x06, 0x00): "host-bridge",
    (0x06, 0x01): "isa-bridge",
    (0x06, 0x04): "bridge",
    (0x08, 0x05): "sd-host",
    (0x08, 0x06): "iommu",
    (0x0C, 0x00): "firewire",
    (0x0C, 0x03): "usb",
    (0x0C, 0x05): "smbus",
    (0x0C, 0x80): "usb-c",
    (0x0D, 0x80): "wireless",
}

_BY_BASE: dict[int, str] = {
    0x01: "storage",
    0x02: "network",
    0x03: "gpu",
    0x04: "multimedia",
    0x05: "memory",
    0x07: "communication",
    0x08: "system",
    0x0B: "processor",
    0x0D: "wireless",
    0x10: "encryption",
    0x11: "signal",
    0x12: "accelerator",
}


def kind(cls: PciClass) -> str:
    """``gpu``, ``audio``, ``usb`` …; ``other`` where the table has no word."""
    return _BY_SUBCLASS.get((cls.base, cls.sub)) or _BY_BASE.get(cls.base, OTHER)
