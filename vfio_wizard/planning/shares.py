"""Which cores a guest gets: of one island where that is enough, else as many of each of several."""

from __future__ import annotations

from vfio_wizard.model.record import NamedTuple
from vfio_wizard.planning.cores import CpuHost, Island, WholeCore, cpus_of, islands

HOST_CORES = 2
"""What the host keeps where the machine has it; Looking Glass' documentation asks for 2 cores, 4 threads."""

EFFICIENCY = "efficiency"
_KINDS = {"performance": 0, None: 1, EFFICIENCY: 2}


class Room(NamedTuple):
    """An island, and those of its cores that the guest may have."""

    island: Island
    free: tuple[WholeCore, ...]


class Share(NamedTuple):
    """As many cores from each island as from every other."""

    rooms: tuple[Room, ...]
    each: int

    @property
    def parts(self) -> tuple[tuple[WholeCore, ...], ...]:
        """The cores by island; the last of each, so that what the host keeps is near CPU 0."""
        return tuple(room.free[len(room.free) - self.each :] for room in self.rooms)

    @property
    def cores(self) -> tuple[WholeCore, ...]:
        """All of them, in the order in which the guest counts them."""
        return tuple(core for part in self.parts for core in part)

    @property
    def threads_per_core(self) -> int:
        """The same in all of them."""
        return self.rooms[0].island.threads_per_core

    @property
    def vcpus(self) -> int:
        """Logical CPUs."""
        return len(self.rooms) * self.each * self.threads_per_core

    @property
    def whole(self) -> bool:
        """No island keeps a core behind."""
        return all(len(room.island.cores) == self.each for room in self.rooms)


def spare_cores(host: CpuHost, *, auto: bool) -> int:
    """Cores that may leave the host; where nobody said how many, it keeps a quarter."""
    there = len(host.cores)
    keeps = max(HOST_CORES, -(-there // 4) if auto else 0)
    return max(there - keeps, 1)


def rooms_of(host: CpuHost, cores: tuple[WholeCore, ...]) -> tuple[Room, ...]:
    """Islands with free cores: those of the card's node where there are any."""
    allowed = frozenset(cores) - {host.home}
    rooms = [
        Room(island, tuple(core for core in island.cores if core in allowed))
        for island in islands(host.cores)
    ]
    free = tuple(room for room in rooms if room.free)
    near = tuple(room for room in free if room.island.first.node == host.card_node)
    return near or free


def one_island(rooms: tuple[Room, ...], spare: int) -> Share:
    """All that the best island has, up to ``spare`` cores. Every room has a free core."""
    best = min(rooms, key=_rank)
    return Share((best,), min(len(best.free), spare))


def wanted_share(rooms: tuple[Room, ...], vcpus: int, spare: int) -> Share:
    """At least ``vcpus`` logical CPUs where any family of islands has them, else the most that one has."""
    ranked = [_largest(family, vcpus, spare) for family in _families(rooms)]
    enough = next((share for share in ranked if share.vcpus >= vcpus), None)
    if enough is not None:
        return enough
    fast = [share for share in ranked if share.rooms[0].island.first.kind != EFFICIENCY]
    return max(fast or ranked, key=lambda share: share.vcpus)


def _rank(room: Room) -> tuple[int, int, int, int, int]:
    """Fast cores, then SMT, then a large cache, then most cores, then the order of the host."""
    first = room.island.first
    kind = _KINDS.get(first.kind, 1)
    return kind, -room.island.threads_per_core, -room.island.cache, -len(room.free), first.threads[0]


def _families(rooms: tuple[Room, ...]) -> list[tuple[Room, ...]]:
    """Islands that a guest may be spread over: of one package, node and kind, with as many threads a core."""
    found: dict[tuple[object, ...], list[Room]] = {}
    for room in sorted(rooms, key=_rank):
        first = room.island.first
        found.setdefault((first.package, first.node, first.kind, len(first.threads)), []).append(room)
    return [tuple(family) for family in found.values()]


def _largest(family: tuple[Room, ...], vcpus: int, spare: int) -> Share:
    """As asked, or the next smaller number of cores that islands can give in equal parts."""
    cores = min(-(-vcpus // family[0].island.threads_per_core), spare)
    while cores > 1:
        share = _from_one(family, cores) or _from_several(family, cores)
        if share is not None:
            return share
        cores -= 1
    return Share((family[0],), 1)


def _from_one(family: tuple[Room, ...], cores: int) -> Share | None:
    able = next((room for room in family if len(room.free) >= cores), None)
    return None if able is None else Share((able,), cores)


def _from_several(family: tuple[Room, ...], cores: int) -> Share | None:
    """Whole islands before parts of islands, few islands before many."""
    counts = [count for count in range(2, len(family) + 1) if cores % count == 0]
    shares = [share for count in counts if (share := _equal(family, count, cores // count)) is not None]
    return min(shares, key=lambda share: (not share.whole, len(share.rooms)), default=None)


def _equal(family: tuple[Room, ...], count: int, each: int) -> Share | None:
    able = [room for room in family if len(room.free) >= each]
    if len(able) < count:
        return None
    able.sort(key=lambda room: (len(room.island.cores) != each, _rank(room)))
    return Share(tuple(sorted(able[:count], key=lambda room: cpus_of(room.free))), each)
