"""What was decided about the processors and the memory that a guest gets, with the reasons."""

from __future__ import annotations

from enum import StrEnum

from vfio_wizard.model.domain import Pins
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.selection import HugePageWish


class PinPlan(NamedTuple):
    """The pins, what the host keeps while the guest runs, and what is given up for it."""

    pins: Pins
    host: tuple[int, ...]
    """The host's CPUs while the guest runs; all of them where nothing is pinned."""
    losses: tuple[str, ...] = ()
    """What is less than it should be, one sentence each: fewer CPUs than asked for, a host with one core."""

    @property
    def pinned(self) -> bool:
        """Whether the guest has CPUs of its own."""
        return bool(self.pins.vcpus)


class Reserve(StrEnum):
    """When huge pages can be set aside."""

    THERE = "there"
    """They are free already."""
    RUNTIME = "runtime"
    """Now, as long as memory is not in pieces; without a reboot."""
    BOOT = "boot"
    """By a kernel parameter, at the next boot."""
    NEVER = "never"
    """The host has not the memory."""


class HugePagePlan(NamedTuple):
    """Pages for all of a guest's memory."""

    size_kib: int
    pages: int
    node: int | None
    """The NUMA node that they must be of; None where any will do."""
    reserve: Reserve
    parameters: tuple[str, ...]
    """Kernel parameters that reserve them at boot."""
    commands: tuple[tuple[str, ...], ...]
    """What reserves them now; empty unless that can work."""
    because: tuple[str, ...]

    @property
    def wish(self) -> HugePageWish:
        """The same as an answer."""
        return HugePageWish(self.size_kib, self.pages)
