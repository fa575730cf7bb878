"""The ids that vfio-pci and pci-stub are given, and which functions they cover."""

from __future__ import annotations

from vfio_wizard.model.pci import PciClass, PciFunction, PciId
from vfio_wizard.model.record import NamedTuple

ANY = 0xFFFFFFFF


class DynamicId(NamedTuple):
    """``vendor:device[:subvendor[:subdevice[:class[:mask]]]]`` as vfio_pci.c reads it."""

    vendor: int
    device: int
    subvendor: int = ANY
    subdevice: int = ANY
    cls: int = 0
    mask: int = 0

    def covers(self, function: PciFunction) -> bool:
        """Whether the kernel's pci_match_one_device would say so."""
        if not isinstance(function.id, PciId):
            return False
        vendor, device = int(function.id.vendor, 16), int(function.id.device, 16)
        subsystem = function.subsystem if isinstance(function.subsystem, PciId) else PciId("0000", "0000")
        return (
            _fits(self.vendor, vendor)
            and _fits(self.device, device)
            and _fits(self.subvendor, int(subsystem.vendor, 16))
            and _fits(self.subdevice, int(subsystem.device, 16))
            and self._covers_class(function)
        )

    def _covers_class(self, function: PciFunction) -> bool:
        if not self.mask:
            return True
        return isinstance(function.cls, PciClass) and not (self.cls ^ int(str(function.cls), 16)) & self.mask


def _fits(wanted: int, there: int) -> bool:
    return wanted in (ANY, there)


def parse_ids(text: str) -> tuple[DynamicId, ...]:
    """The ids of a comma list; one that the kernel cannot read is left out, as it does (with a warning)."""
    found = (_one(part) for part in text.strip("\"'").split(",") if part)
    return tuple(one for one in found if one is not None)


def _one(text: str) -> DynamicId | None:
    """sscanf("%x:%x:…") reads as far as it can; fewer than two numbers are no id."""
    numbers: list[int] = []
    for part in text.split(":")[:6]:
        try:
            numbers.append(int(part, 16) & ANY)
        except ValueError:
            break
    return DynamicId(*numbers) if len(numbers) >= 2 else None


def ids_of(options: str) -> str | None:
    """The value of ``ids=`` among a module's options: the last one counts, the kernel does not join them."""
    values = [word.partition("=")[2] for word in options.split() if word.startswith("ids=")]
    return values[-1] if values else None
