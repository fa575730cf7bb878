"""IOMMU groups and units: what the kernel says may be separated from what."""

from __future__ import annotations

from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Unread


class ReservedRegion(NamedTuple):
    """Addresses that a device of the group cannot use for guest memory.

    ``kind`` in the kernel's words: direct, direct-relaxable, reserved, msi. A *direct* region
    keeps the group from VFIO on current kernels (ABI sysfs-kernel-iommu_groups).
    """

    start: int
    end: int
    kind: str


class IommuGroup(NamedTuple):
    """The smallest set of functions that can be given to a guest. Numbers change between boots."""

    number: int
    members: tuple[PciAddress, ...]
    type: str | Unread
    """DMA, DMA-FQ, identity, blocked, unmanaged (5.11 and later)."""
    reserved: tuple[ReservedRegion, ...] | Unread
    others: tuple[str, ...] = ()
    """Members that are not PCI devices, by name."""


class IommuUnit(NamedTuple):
    """One remapping unit of the machine (dmar0, ivhd0), from sys/class/iommu."""

    name: str
    vendor: str
    """``intel``, ``amd``, or the name of another kind (smmu, virtio)."""
    capabilities: str | Unread
    """The hex text of ``cap``."""
    extended: str | Unread
    """The hex text of Intel's ``ecap``, or of AMD's ``features``."""
    devices: tuple[str, ...] | Unread

    @property
    def reach(self) -> int | None:
        """Address bits that an Intel unit translates (MGAW: bits 21:16 of ``cap``, plus one), else None."""
        if self.vendor != "intel" or isinstance(self.capabilities, Unread):
            return None
        try:
            return (int(self.capabilities, 16) >> 16 & 0x3F) + 1
        except ValueError:
            return None


class AcpiTables(NamedTuple):
    """Which IOMMU tables the firmware hands over; a table that is there but unreadable is there."""

    dmar: bool | Unread
    ivrs: bool | Unread


class Iommu(NamedTuple):
    """All that is known of DMA remapping on a host."""

    origin: str
    groups: tuple[IommuGroup, ...] | Unread
    units: tuple[IommuUnit, ...] | Unread
    tables: AcpiTables
    interrupt_remapping: bool | Unread
    """Told by the kernel log, or by an MSI region that the unit translates; else unread."""
    default_domain: str | Unread
    """``translated`` or ``passthrough``, where the kernel log tells."""
