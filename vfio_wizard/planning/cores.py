"""Logical CPUs as cores, and cores as islands: what shares a level-3 cache, a node and a kind."""

from __future__ import annotations

from vfio_wizard.model.facts import Core, Cpu, NodeMemory
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Gap, Unread, known

TOPOLOGY = "sys/devices/system/cpu"


class WholeCore(NamedTuple):
    """A core with all of its threads that are switched on, ascending."""

    threads: tuple[int, ...]
    package: int
    die: int | None
    l3: tuple[int, ...] | None
    l3_bytes: int | None
    node: int | None
    kind: str | None


class Island(NamedTuple):
    """Cores that are alike and near each other: one cache, one node, one kind, one number of threads."""

    cores: tuple[WholeCore, ...]

    @property
    def first(self) -> WholeCore:
        """Speaks for all in everything but its threads."""
        return self.cores[0]

    @property
    def threads_per_core(self) -> int:
        """1 without SMT."""
        return len(self.first.threads)

    @property
    def cache(self) -> int:
        """Bytes of the level-3 cache; 0 where it is not told."""
        return self.first.l3_bytes or 0

    @property
    def cpus(self) -> tuple[int, ...]:
        """All of its logical CPUs, ascending."""
        return tuple(sorted(cpu for core in self.cores for cpu in core.threads))


class CpuHost(NamedTuple):
    """The cores of a machine, and what else decides about them."""

    cpu: Cpu
    cores: tuple[WholeCore, ...]
    card_node: int | None | Unread
    memory: tuple[NodeMemory, ...] | Unread

    @property
    def home(self) -> WholeCore:
        """The core that the kernel boots on; much of the kernel's own work stays there."""
        return self.cores[0]

    @property
    def isolated(self) -> frozenset[int]:
        """CPUs that ``isolcpus=`` names."""
        return frozenset(known(self.cpu.isolated, ()))

    @property
    def nodes(self) -> frozenset[int]:
        """NUMA nodes that have CPUs."""
        return frozenset(core.node for core in self.cores if core.node is not None)

    def is_set_aside(self, core: WholeCore) -> bool:
        """``isolcpus=`` names all of its threads: somebody meant it for a guest."""
        return self.isolated.issuperset(core.threads)

    def without(self, guest: tuple[WholeCore, ...]) -> tuple[WholeCore, ...]:
        """The cores that are left when some leave."""
        leaving = frozenset(guest)
        return tuple(core for core in self.cores if core not in leaving)


def whole_cores(cpu: Cpu) -> tuple[WholeCore, ...] | Unread:
    """All cores by their first thread; unread where nothing, or something contradictory, is told."""
    if isinstance(cpu.cores, Unread):
        return cpu.cores
    by_number = {one.cpu: one for one in cpu.cores}
    if not by_number:
        return Unread(TOPOLOGY, Gap.ABSENT, "no CPU is told")
    found: dict[tuple[int, ...], WholeCore] = {}
    for one in by_number.values():
        threads = _threads(one, by_number)
        if any(_threads(by_number[cpu], by_number) != threads for cpu in threads):
            words = f"CPU {one.cpu} and its siblings do not agree on what is one core"
            return Unread(f"{TOPOLOGY}/cpu{one.cpu}/topology", Gap.MALFORMED, words)
        found.setdefault(threads, _whole(one, threads))
    return tuple(found[threads] for threads in sorted(found))


def _threads(one: Core, online: dict[int, Core]) -> tuple[int, ...]:
    return tuple(sorted({one.cpu, *(cpu for cpu in one.siblings if cpu in online)}))


def _whole(one: Core, threads: tuple[int, ...]) -> WholeCore:
    return WholeCore(threads, one.package, one.die, one.l3, one.l3_bytes, one.numa_node, one.kind)


def islands(cores: tuple[WholeCore, ...]) -> tuple[Island, ...]:
    """The cores by what they share, in the order of their first CPUs."""
    found: dict[tuple[object, ...], list[WholeCore]] = {}
    for core in cores:
        found.setdefault(_shared(core), []).append(core)
    return tuple(Island(tuple(members)) for members in found.values())


def _shared(core: WholeCore) -> tuple[object, ...]:
    """Without a level-3 cache the die stands for it: no CPU has a cache in common with another die."""
    near = core.l3 if core.l3 is not None else ("die", core.die)
    return (core.package, near, core.node, core.kind, len(core.threads))


def cpus_of(cores: tuple[WholeCore, ...]) -> tuple[int, ...]:
    """All logical CPUs of some cores, ascending."""
    return tuple(sorted(cpu for core in cores for cpu in core.threads))


def equal_parts(chosen: tuple[WholeCore, ...], given: frozenset[int]) -> tuple[tuple[WholeCore, ...], ...]:
    """The cores by island where none is split and all islands give as many; else nothing."""
    if any(not given.issuperset(core.threads) for core in chosen):
        return ()
    parts = tuple(island.cores for island in islands(chosen))
    shapes = {(len(part), len(part[0].threads)) for part in parts}
    return parts if len(shapes) == 1 else ()


def memory_node(host: CpuHost, cores: tuple[WholeCore, ...]) -> int | None:
    """The node of the cores where it has memory; None where all memory is alike, or nothing tells."""
    nodes = {core.node for core in cores}
    if len(nodes) != 1 or isinstance(host.memory, Unread):
        return None
    return next((one.node for one in host.memory if one.node in nodes and one.total_kib), None)
