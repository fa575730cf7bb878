"""From which kernel on something is so, and up to which all was verified.

The entries, with their sources, are in ``data/milestones.toml``.
"""

from __future__ import annotations

from vfio_wizard.knowledge import tables
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.version import KernelVersion


class Milestone(NamedTuple):
    """One change of the kernel that a check depends on."""

    name: str
    since: KernelVersion
    mark: str
    """``confirmed`` or ``reported``."""
    what: str
    source: str


class Verified(NamedTuple):
    """A kernel series on which what is said here was verified, and how."""

    kernel: KernelVersion
    how: str
    source: str


VERIFIED: tuple[Verified, ...] = tuple(Verified(*row) for row in tables.VERIFIED)
MILESTONES: tuple[Milestone, ...] = tuple(Milestone(*row) for row in tables.MILESTONE)
_BY_NAME = {one.name: one for one in MILESTONES}


def since(name: str) -> KernelVersion:
    """The first kernel with a change. Raises KeyError for a name that is not in the table."""
    return _BY_NAME[name].since


def about(name: str) -> str:
    """``6.11``, or ``about 6.11`` where only a secondary source names the release."""
    one = _BY_NAME[name]
    words = f"{one.since[0]}.{one.since[1]}"
    return words if one.mark == "confirmed" else f"about {words}"
