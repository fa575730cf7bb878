"""Kernel parameters that guides hand on and that do nothing, or the wrong thing, on today's kernels.

A row says from which kernel on it holds (``since``) and on what kind of host (``when``, a word of
the closed list below). The entries are in ``data/parameters.toml``; their sources are the trees of
Linux 6.1 and 6.12 as packaged by Debian, and named threads.
"""

from __future__ import annotations

from vfio_wizard.knowledge import tables
from vfio_wizard.knowledge.tables import Rows
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.version import KernelVersion
from vfio_wizard.model.words import StrEnum


class When(StrEnum):
    """What must be true of the host for a row to hold."""

    ALWAYS = "always"
    AMD = "the processor is AMD's"
    INTEL = "the processor is Intel's"
    INTEL_DEFAULT_ON = "this kernel switches VT-d on by itself, integrated graphics included"
    REMAPPING_ON = "interrupt remapping works here"
    NOT_SUSE = "only SUSE kernels know it"
    NOT_DRACUT = "only dracut reads it, and this initramfs is made by another program"
    NOT_PATCHED = "this kernel has not got the ACS override patch"


class Stale(NamedTuple):
    """One parameter, or one value of it, and why it should go."""

    name: str
    value: str | None
    """One item of the comma-joined value; ``""`` for the bare word, None for any value."""
    since: KernelVersion | None
    """The first kernel on which it is stale; None: it never had a meaning there."""
    when: When
    harmless: bool
    """It says only what the kernel does anyway."""
    why: str
    instead: str
    source: str


def stale(rows: Rows) -> tuple[Stale, ...]:
    """Entries of the table ``parameter`` as the grammar hands them over."""
    return tuple(
        Stale(name, value, since, When[when.upper().replace("-", "_")], harmless, why, instead or "", source)
        for name, value, since, when, harmless, why, instead, source in rows
    )


STALE: tuple[Stale, ...] = stale(tables.PARAMETER)

RELEVANT_NAMES = (
    "iommu",
    "vfio",
    "kvm",
    "pcie_acs",
    "pci_stub",
    "rd.driver",
    "modprobe.blacklist",
    "hugepages",
)
"""Parameters that matter for passthrough, by the beginning or a part of their name."""

UNSAFE: tuple[tuple[str, str, str, str], ...] = tuple(
    (name, value, why, source) for name, value, why, source in tables.UNSAFE
)
"""(parameter, value or beginning of it, what it gives up, source)."""


class StaleModule(NamedTuple):
    """A module that lists still name although newer kernels have not got it."""

    name: str
    since: KernelVersion
    why: str
    source: str


def stale_modules(rows: Rows) -> tuple[StaleModule, ...]:
    """Entries of the table ``module`` as the grammar hands them over."""
    return tuple(StaleModule(*row) for row in rows)


STALE_MODULES: tuple[StaleModule, ...] = stale_modules(tables.MODULE)
