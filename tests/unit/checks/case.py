"""One row of the tables of machines."""

from __future__ import annotations

from typing import NamedTuple

from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.pci import PciAddress


class Case(NamedTuple):
    """A situation, the check that must speak about it, and a part of what it must say."""

    name: str
    id: str
    facts: HostFacts
    says: str
    fix: str = ""
    selection: tuple[PciAddress, ...] = ()
    subject: str | None = None
