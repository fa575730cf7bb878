"""Which AMD GPUs are known to come back badly from a reset, and which of them vendor-reset covers.

No AMD GPU is in the kernel's table of device-specific resets (drivers/pci/quirks.c, 6.12). NVIDIA and
Intel cards are judged by the methods that the kernel offers for them. The entries are in
``data/resets.toml``.
"""

from __future__ import annotations

from vfio_wizard.knowledge import tables
from vfio_wizard.knowledge.tables import Rows
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.words import StrEnum

AMD = "1002"
DEVICE_SPECIFIC = "device_specific"


class Affected(StrEnum):
    """How sure it is that a family fails to reset."""

    YES = "known not to reset, in the words of vendor-reset's author"
    REPORTED = "reported not to reset"
    BOARD = "resets on some boards and not on others"
    UNTOLD = "neither good nor bad reports were found"


class ResetFamily(NamedTuple):
    """One chip family and its device ids."""

    generation: str
    family: str
    affected: Affected
    vendor_reset: bool
    """Its ids are in the table of the module vendor-reset."""
    devices: str
    """Device ids of four digits, separated by blanks."""
    source: str
    vendor: str = AMD


def families(rows: Rows) -> tuple[ResetFamily, ...]:
    """Entries of the table ``reset`` as the grammar hands them over."""
    return tuple(
        ResetFamily(generation, family, Affected[affected.upper()], *rest)
        for generation, family, affected, *rest in rows
    )


FAMILIES: tuple[ResetFamily, ...] = families(tables.RESET)


def reset_family(vendor: str, device: str, own: tuple[ResetFamily, ...] = ()) -> ResetFamily | None:
    """The family of a GPU by its id, the user's own entries first; None for ids that are in no table."""
    for row in (*own, *FAMILIES):
        if row.vendor == vendor and device in row.devices:
            return row
    return None
