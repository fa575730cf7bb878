"""A card that belongs to the host while the guest does not run."""

from __future__ import annotations

from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.record import NamedTuple


class CpusMeanwhile(NamedTuple):
    """CPUs of the host while the guest runs, and all of them, as kernel lists."""

    host: str
    every: str


class CpuHook(NamedTuple):
    """A hook of this program that is in its place: whose CPUs it keeps free."""

    guest: str
    cpus: CpusMeanwhile


class Hook(NamedTuple):
    """What libvirt's hook does at the start and the end of a guest."""

    guest: str
    functions: tuple[PciAddress, ...]
    """The display function first; they leave in the other order."""
    display: bool
    """Stop the display manager and take the consoles from the card: for the card that shows the desktop."""
    wait: int = 20
    """Seconds to wait for processes that have the card open."""
    limit: int = 10
    """Seconds for one word to the kernel; an unbinding that hangs is left behind then."""
    cpus: CpusMeanwhile | None = None
