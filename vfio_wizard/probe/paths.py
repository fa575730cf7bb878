"""What a path below sys/devices tells: the PCI functions that a device hangs on."""

from __future__ import annotations

from vfio_wizard.model.pci import PciAddress


def address(text: str) -> PciAddress | None:
    """A PCI address in sysfs spelling, or None where the text is something else."""
    if text.count(":") != 2 or text[-2:-1] != ".":  # cheap, and true for all but a few names
        return None
    try:
        return PciAddress.parse(text)
    except ValueError:
        return None


def functions_of(path: str) -> tuple[PciAddress, ...]:
    """The PCI functions in a resolved device path, from the root bus down."""
    found = [address(part) for part in path.split("/")]
    return tuple([one for one in found if one is not None])


def nearest_function(path: str) -> PciAddress | None:
    """The function that a device hangs on directly (``…/0000:00:14.0/usb1/…/net/eth1``), or None."""
    return next(iter(reversed(functions_of(path))), None)


def base_name(path: str) -> str:
    """The last part of a path."""
    return path.rpartition("/")[2]
