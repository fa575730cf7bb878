"""The change that is in force on a host, as its ``state.json`` tells it."""

from __future__ import annotations

from vfio_wizard.model.pci import PciAddress, PciClass, PciId
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Unread


class BoundFunction(NamedTuple):
    """A function that the change gave to vfio-pci: where it sat, and which model it was."""

    address: PciAddress
    id: PciId | None
    cls: PciClass | None


class ProvenImage(NamedTuple):
    """An image that was looked into when the change was made."""

    release: str
    path: str | None
    size: int
    mtime: int | None
    vfio: bool
    """vfio-pci was in it."""
    early: bool
    """And loaded by name, before devices ask for it or beside that."""

    @property
    def stamp(self) -> tuple[int, int | None]:
        """By which the very file is known again."""
        return self.size, self.mtime


class AppliedState(NamedTuple):
    """What a later look compares with."""

    transaction: int
    boot_id: str | None
    """Of the boot in which the change was made."""
    functions: tuple[BoundFunction, ...]
    add: tuple[str, ...]
    """Words that the kernel command line must hold."""
    remove: tuple[str, ...]
    kernels: tuple[str, ...]
    images: tuple[ProvenImage, ...]
    prediction: tuple[tuple[str, tuple[tuple[PciAddress, str | None], ...]], ...]
    """By release: which driver each function was predicted to get."""

    def predicted(self, release: str, address: PciAddress) -> str | None:
        """The driver that was predicted; None where nothing was said."""
        for one, drivers in self.prediction:
            if one == release:
                return next((driver for where, driver in drivers if where == address), None)
        return None


class SeenImage(NamedTuple):
    """The image of an installed kernel as it is now, as far as a change rests on it."""

    release: str
    path: str
    rebuilt: bool
    """It is not the very file that was looked into when the change was made."""
    vfio: bool | Unread
    early: bool | Unread


class InForce(NamedTuple):
    """A change of this program that is in force, and what became of the images since."""

    state: AppliedState
    images: tuple[SeenImage, ...]
