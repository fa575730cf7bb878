"""What a path below sys/devices tells: the PCI functions that a device hangs on."""

from __future__ import annotations

from vfio_wizard.model.pci import PciAddress

_MOST = 1 << 16
_addresses: dict[str, PciAddress] = {}
"""What was parsed: a function is named in its folder, in its group's and as a parent."""


def address(text: str) -> PciAddress | None:
    """A PCI address in sysfs spelling, or None where the text is something else."""
    known = _addresses.get(text)
    if known is not None:
        return known
    if text.count(":") != 2 or text[-2:-1] != ".":  # cheap, and true for all but a few names
        return None
    try:
        parsed = PciAddress.parse(text)
    except ValueError:
        return None
    if len(_addresses) < _MOST:
        _addresses[text] = parsed
    return parsed


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
