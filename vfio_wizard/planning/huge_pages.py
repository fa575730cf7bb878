"""Huge pages for a guest: of which size, whether the memory is there, and when it can be set aside."""

from __future__ import annotations

from vfio_wizard.model.facts import HugePages, Memory
from vfio_wizard.model.pins import HugePagePlan, Reserve
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Gap, Unread, known
from vfio_wizard.model.version import KernelVersion
from vfio_wizard.planning.domain_memory import HOST_KEEPS_MIB

SMALL_KIB, LARGE_KIB = 2048, 1048576
POOLS = "sys/kernel/mm/hugepages"
_WORDS = {SMALL_KIB: "2M", LARGE_KIB: "1G"}
_PER_NODE = (5, 16)
"""The first kernel whose ``hugepages=`` takes ``node:count`` (linux 5.16: mm/hugetlb.c hugepages_setup)."""
_KEEPS_KIB = HOST_KEEPS_MIB << 10


class _Place(NamedTuple):
    """Where the pages must come from: the whole host, or one node of it."""

    node: int | None
    total_kib: int
    free_kib: int
    pools: tuple[HugePages, ...]

    def pool(self, size_kib: int) -> HugePages | None:
        """The pool of a size; None where the processor or the kernel has none of it."""
        return next((one for one in self.pools if one.size_kib == size_kib), None)

    @property
    def directory(self) -> str:
        """Where the kernel shows, and takes, the numbers of pages."""
        return POOLS if self.node is None else f"sys/devices/system/node/node{self.node}/hugepages"


class _Need(NamedTuple):
    """Pages of one size, as the pool stands."""

    pool: HugePages
    pages: int

    @property
    def missing(self) -> int:
        return max(self.pages - self.pool.free, 0)

    @property
    def in_all(self) -> int:
        """Pages that the pool must have in all: some of it may be another guest's."""
        return self.pool.total + self.missing

    @property
    def extra_kib(self) -> int:
        return self.missing * self.pool.size_kib


def plan_huge_pages(
    memory: Memory, guest_mib: int, node: int | None = None, kernel: KernelVersion | None = None
) -> HugePagePlan | Unread:
    """Pages for that much guest memory, from that NUMA node; unread where the host's memory is not told."""
    place = _place(memory, node)
    if isinstance(place, Unread):
        return place
    need = _need(place, guest_mib)
    if need is None:
        return Unread(place.directory, Gap.ABSENT, "the kernel has no pool of 2 MiB or 1 GiB pages")
    reserve = _reserve(place, need)
    possible = reserve in (Reserve.RUNTIME, Reserve.BOOT)
    return HugePagePlan(
        size_kib=need.pool.size_kib,
        pages=need.pages,
        node=place.node,
        reserve=reserve,
        parameters=_parameters(place, need, kernel, len(known(memory.nodes, ()))) if possible else (),
        commands=(_command(place, need),) if reserve is Reserve.RUNTIME else (),
        because=(_size_words(place, need, guest_mib), _when_words(place, need, reserve)),
    )


def _place(memory: Memory, node: int | None) -> _Place | Unread:
    for fact in (memory.huge_pages, memory.total_kib):
        if isinstance(fact, Unread):
            return fact
    if node is not None and memory.nodes != ():
        if isinstance(memory.nodes, Unread):
            return memory.nodes
        mine = next((one for one in memory.nodes if one.node == node), None)
        path = f"sys/devices/system/node/node{node}"
        return Unread(path, Gap.ABSENT) if mine is None else _Place(*mine)
    return _Place(
        None, known(memory.total_kib, 0), known(memory.available_kib, 0), known(memory.huge_pages, ())
    )


def _need(place: _Place, guest_mib: int) -> _Need | None:
    """1 GiB pages where they divide the memory and fit; but those of 2 MiB where they are there already."""
    small, large = place.pool(SMALL_KIB), place.pool(LARGE_KIB)
    needs = [
        _Need(pool, -(-(guest_mib << 10) // pool.size_kib))
        for pool in (large, small)
        if pool is not None and (pool is small or guest_mib % 1024 == 0)
    ]
    there = [need for need in needs if not need.missing]
    fitting = [need for need in needs if _reserve(place, need) is not Reserve.NEVER]
    return next(iter((*there, *fitting, *reversed(needs))), None)


def _reserve(place: _Place, need: _Need) -> Reserve:
    if not need.missing:
        return Reserve.THERE
    taken = sum(pool.size_kib * pool.total for pool in place.pools)
    if need.extra_kib > place.total_kib - taken - _KEEPS_KIB:
        return Reserve.NEVER
    if need.pool.size_kib == SMALL_KIB and need.extra_kib <= place.free_kib - _KEEPS_KIB // 2:
        return Reserve.RUNTIME
    return Reserve.BOOT


def _parameters(place: _Place, need: _Need, kernel: KernelVersion | None, nodes: int) -> tuple[str, ...]:
    """Kernels before 5.16 spread pages over all nodes, so that each must get as many."""
    size = _WORDS[need.pool.size_kib]
    default = (f"default_hugepagesz={size}",) if size == "1G" else ()  # libvirt looks for pages in mounts
    if place.node is None:
        count = f"{need.in_all}"
    elif kernel is not None and kernel < _PER_NODE:
        count = f"{need.in_all * max(nodes, 1)}"
    else:
        count = f"{place.node}:{need.in_all}"
    return (*default, f"hugepagesz={size}", f"hugepages={count}")


def _command(place: _Place, need: _Need) -> tuple[str, ...]:
    path = f"/{place.directory}/hugepages-{need.pool.size_kib}kB/nr_hugepages"
    return ("sh", "-c", f"echo {need.in_all} > {path}")


def _size_words(place: _Place, need: _Need, guest_mib: int) -> str:
    size = "1 GiB" if need.pool.size_kib == LARGE_KIB else "2 MiB"
    where = "" if place.node is None else f" of NUMA node {place.node}"
    words = f"{need.pages} pages of {size}{where} for {guest_mib} MiB"
    if need.pool.size_kib == LARGE_KIB or guest_mib % 1024 == 0:
        return words
    return f"{words}: it is no whole number of GiB"


def _when_words(place: _Place, need: _Need, reserve: Reserve) -> str:
    where = "the host" if place.node is None else f"node {place.node}"
    if reserve is Reserve.THERE:
        return "they are set aside and free"
    if reserve is Reserve.NEVER:
        have = f"{where} has {place.total_kib >> 10} MiB"
        return f"{have}, of which {HOST_KEEPS_MIB} MiB must stay: give the guest less memory"
    if reserve is Reserve.RUNTIME:
        return f"{where} has the memory free now; after days of use it may be in pieces, at boot it never is"
    if need.pool.size_kib == LARGE_KIB:
        return "1 GiB in one piece is found at boot only: a kernel parameter and a reboot"
    return f"{where} has not enough memory free now: a kernel parameter and a reboot"
