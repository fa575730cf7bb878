"""Which kernel modules claim the functions of a graphics card, where the host's own alias table is not known.

A host that was read completely tells this itself (``modules.alias``); these rows serve listings and
reports. Sources: the id tables of the drivers named, Linux 6.12.
"""

from __future__ import annotations

from vfio_wizard.model.record import NamedTuple


class DisplayDriver(NamedTuple):
    """Modules for display functions of one vendor, for device ids from ``first`` to ``last``."""

    vendor: str
    first: int
    last: int
    modules: tuple[str, ...]
    source: str


DISPLAY: tuple[DisplayDriver, ...] = (
    DisplayDriver("1002", 0x6600, 0x666F, ("amdgpu", "radeon"), "Oland, Hainan, Bonaire: both drivers"),
    DisplayDriver("1002", 0x6780, 0x67BF, ("amdgpu", "radeon"), "Tahiti, Hawaii: both drivers"),
    DisplayDriver("1002", 0x6800, 0x683F, ("amdgpu", "radeon"), "Pitcairn, Verde: both drivers"),
    DisplayDriver("1002", 0x1300, 0x131F, ("amdgpu", "radeon"), "Kaveri: both drivers"),
    DisplayDriver("1002", 0x9830, 0x985F, ("amdgpu", "radeon"), "Kabini, Mullins: both drivers"),
    DisplayDriver("1002", 0x6860, 0x687F, ("amdgpu",), "Vega 10"),
    DisplayDriver("1002", 0x9870, 0x98E4, ("amdgpu",), "Carrizo, Stoney"),
    DisplayDriver("1002", 0x3000, 0x5FFF, ("radeon",), "R100 to R500"),
    DisplayDriver("1002", 0x6700, 0x677F, ("radeon",), "Northern Islands"),
    DisplayDriver("1002", 0x6840, 0x685F, ("radeon",), "Northern Islands"),
    DisplayDriver("1002", 0x6880, 0x68FF, ("radeon",), "Evergreen"),
    DisplayDriver("1002", 0x9400, 0x9829, ("radeon",), "R600, R700, Fusion"),
    DisplayDriver("1002", 0x9900, 0x99AF, ("radeon",), "Trinity, Richland"),
    DisplayDriver("1002", 0x0000, 0xFFFF, ("amdgpu",), "all that is newer"),
    DisplayDriver("10de", 0x0000, 0xFFFF, ("nouveau", "nvidia"), "nouveau_drm.c; NVIDIA's own module"),
    DisplayDriver("8086", 0x5690, 0x56CF, ("i915", "xe"), "Arc A: i915, and xe when told so"),
    DisplayDriver("8086", 0xE200, 0xE2FF, ("xe",), "Arc B"),
    DisplayDriver("8086", 0x0000, 0xFFFF, ("i915",), "integrated graphics"),
    DisplayDriver("1a03", 0x0000, 0xFFFF, ("ast",), "ASPEED"),
)

BY_CLASS: dict[tuple[int, int], tuple[str, ...]] = {
    (0x01, 0x06): ("ahci",),
    (0x01, 0x08): ("nvme",),
    (0x04, 0x03): ("snd_hda_intel",),
    (0x0C, 0x03): ("xhci_pci",),
    (0x0C, 0x80): ("i2c_nvidia_gpu",),
}

DRIVER_MODULE: dict[str, str] = {
    "nvidia-gpu": "i2c_nvidia_gpu",
    "xhci_hcd": "xhci_pci",
}
"""Drivers whose name is not that of their module."""


def claimants(vendor: str, device: str, base: int, sub: int) -> tuple[str, ...]:
    """Modules that would claim a function of this id and class; empty where no row tells."""
    if base == 0x03:
        number = int(device, 16)
        return next((r.modules for r in DISPLAY if r.vendor == vendor and r.first <= number <= r.last), ())
    return BY_CLASS.get((base, sub), ())
