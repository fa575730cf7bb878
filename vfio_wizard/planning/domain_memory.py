"""How much memory and how many CPUs a guest gets, and what the host keeps."""

from __future__ import annotations

from collections.abc import Iterator

from vfio_wizard.model.domain import DomainSpec, Memory, Pins, Topology
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.plan import Refusal
from vfio_wizard.model.selection import Selection
from vfio_wizard.model.unread import Unread

HOST_KEEPS_MIB = 2048
"""Below this the host swaps or kills programs: VFIO pins all of the guest's memory."""
_USUAL_MIB = 8192
_MOST_UNASKED_MIB = 16384
_HOST_KEEPS_CPUS = 4
"""Two cores with two threads each (LookingGlass:doc/install_libvirt.rst)."""
USUAL_CPUS = 4
"""Where nothing tells how many there are: Windows 11 asks for two, and does little with them."""
ONE_CPU = Topology(1, 1, 1, 1)
REFUSALS = ("cpu.all", "memory.too-much")
"""Ids of what is refused for guests alone, and may be overruled."""


def memory(facts: HostFacts, selection: Selection) -> Memory:
    """What was asked for, else all hugepages set aside, else half of the host's up to 16 GiB."""
    pages, asked = selection.huge_pages, selection.domain.memory_mib
    if pages is None:
        return Memory(asked or _half(facts))
    pool = pages.size_kib * pages.pages >> 10
    mib = asked or pool
    if (mib << 10) % pages.size_kib:
        msg = f"memory of {mib} MiB is no whole number of hugepages of {pages.size_kib} KiB"
        raise UsageError(msg)
    if mib > pool:
        msg = f"memory of {mib} MiB does not fit into the {pages.pages} hugepages ({pool} MiB) of the answers"
        raise UsageError(msg)
    return Memory(mib, pages.size_kib)


def _half(facts: HostFacts) -> int:
    total = facts.memory.total_kib
    if isinstance(total, Unread):
        return _USUAL_MIB
    gib = max(total >> 21, 1)
    return min(gib << 10, _MOST_UNASKED_MIB)


def needed_mib(spec: DomainSpec) -> int:
    """The guest's memory, and the picture that it shares with the host."""
    return spec.memory.mib + (spec.mirroring.size_mib if spec.mirroring else 0)


def unpinned(facts: HostFacts, selection: Selection) -> Pins:
    """Cores without threads, on whatever CPUs the host has free; for hosts whose cores are not known."""
    cores = facts.cpu.cores
    there = 0 if isinstance(cores, Unread) else len(cores)
    wanted = selection.domain.vcpus or (len(selection.cpus.cpus) if selection.cpus else 0)
    count = wanted or (max(there - _HOST_KEEPS_CPUS, there // 2, 1) if there else USUAL_CPUS)
    why = "the host's cores are not known" if not there else "no CPUs were chosen"
    return Pins(Topology(1, 1, count, 1), iothreads=((),), cache_passthrough=False, because=(why,))


def refusals(facts: HostFacts, spec: DomainSpec) -> Iterator[Refusal]:
    """What the host has not got, or could not do without."""
    cores, total = facts.cpu.cores, facts.memory.total_kib
    count = spec.cpus.topology.cpus
    there = 0 if isinstance(cores, Unread) else len(cores)
    if count > there > 0 or count == there > 1:  # a host of one CPU has no other to keep
        yield Refusal(
            "cpu.all",
            f"{count} CPUs for the guest, and the host has {there}: QEMU itself and the host need at "
            "least one core that the guest leaves alone.",
        )
    if isinstance(total, Unread):
        return
    left = (total >> 10) - needed_mib(spec)
    if left < HOST_KEEPS_MIB:
        yield Refusal(
            "memory.too-much",
            f"{needed_mib(spec)} MiB for the guest would leave the host {max(left, 0)} of {total >> 10} MiB. "
            f"All of it is taken at the start and cannot be swapped; the host needs {HOST_KEEPS_MIB}.",
        )
