"""CPUs of the host for a guest: whole cores, below one cache, near the card, and never all of them.

``pin`` chooses; ``pin_given`` takes what the user chose and says what the guest then sees. Nothing is ever
guessed: where the host does not tell how its CPUs hang together, the answer is the gap.
"""

from __future__ import annotations

from vfio_wizard.model.domain import Pins, Topology
from vfio_wizard.model.facts import Cpu, HostFacts, NodeMemory
from vfio_wizard.model.pins import PinPlan
from vfio_wizard.model.selection import Selection
from vfio_wizard.model.unread import Unread, untold
from vfio_wizard.planning.cores import CpuHost, WholeCore, cpus_of, equal_parts, memory_node, whole_cores
from vfio_wizard.planning.cpus import check_chosen, cpu_list
from vfio_wizard.planning.pin_words import because, because_helpers, given_losses, losses
from vfio_wizard.planning.shares import EFFICIENCY, Share, one_island, rooms_of, spare_cores, wanted_share

_QEMU_THREADS = 4
"""CPUs for QEMU's own threads at most; they wait more than they work."""
_NO_NODES = untold("sys/devices/system/node", "not asked for")


def pins_for(facts: HostFacts, selection: Selection) -> PinPlan | Unread:
    """The CPUs that the answers name, else those that suit the card. Raises UsageError as ``pin_given``."""
    wish, memory = selection.cpus, facts.memory.nodes
    if wish is not None and wish.cpus:
        return pin_given(facts.cpu, wish.cpus, memory)
    return pin(facts.cpu, _card_node(facts, selection), selection.domain.vcpus, memory)


def _card_node(facts: HostFacts, selection: Selection) -> int | None | Unread:
    if not selection.gpus:
        return untold("sys/bus/pci/devices", "no card was named")
    function = facts.function(selection.gpus[0])
    return None if function is None else function.numa_node


def pin(
    cpu: Cpu,
    card_node: int | None | Unread,
    vcpus: int | None = None,
    memory: tuple[NodeMemory, ...] | Unread = _NO_NODES,
) -> PinPlan | Unread:
    """CPUs for a guest with a card on that NUMA node; ``vcpus`` is how many are wanted, None leaves it open.

    The guest may get more or fewer than wanted: cores are not split, and parts of islands are equal.
    """
    cores = whole_cores(cpu)
    if isinstance(cores, Unread):
        return cores
    host = CpuHost(cpu, cores, card_node, memory)
    if len(cores) == 1:
        return _one_core(host)
    share = _share(host, vcpus)
    return PinPlan(_pins(host, share), cpus_of(host.without(share.cores)), tuple(losses(host, share, vcpus)))


def pin_given(
    cpu: Cpu, given: tuple[int, ...], memory: tuple[NodeMemory, ...] | Unread = _NO_NODES
) -> PinPlan | Unread:
    """Pins on exactly these CPUs. Raises UsageError for one that the host has not, or for all of them."""
    cores = whole_cores(cpu)
    if isinstance(cores, Unread):
        return cores
    host = CpuHost(cpu, cores, None, memory)
    rest = check_chosen(given, cpus_of(cores))
    mine = frozenset(given)
    chosen = tuple(core for core in cores if mine.intersection(core.threads))
    return PinPlan(_given_pins(host, chosen, mine), rest, tuple(given_losses(chosen, mine)))


# -- choosing -------------------------------------------------------------------------------------


def _share(host: CpuHost, vcpus: int | None) -> Share:
    aside = rooms_of(host, tuple(core for core in host.cores if host.is_set_aside(core)))
    every = rooms_of(host, host.cores)
    if vcpus is None:
        return (
            one_island(aside, len(host.cores) - 1)
            if aside
            else one_island(every, spare_cores(host, auto=True))
        )
    wanted = max(vcpus, 1)
    if aside and (share := wanted_share(aside, wanted, len(host.cores) - 1)).vcpus >= wanted:
        return share
    return wanted_share(every, wanted, spare_cores(host, auto=False))


def _one_core(host: CpuHost) -> PinPlan:
    words = "the host has one core, which it shares with the guest: both will stall each other"
    topology = Topology(1, 1, 1, len(host.home.threads))
    pins = Pins(topology, topoext=_topoext(host, topology), because=("nothing is pinned on a single core",))
    return PinPlan(pins, host.home.threads, (words,))


# -- pins -----------------------------------------------------------------------------------------


def _pins(host: CpuHost, share: Share) -> Pins:
    topology = _topology_of(share.parts)
    emulator, iothreads = _helpers(host, share.cores)
    return Pins(
        topology=topology,
        vcpus=tuple(cpu for core in share.cores for cpu in core.threads),
        emulator=emulator,
        iothreads=iothreads,
        numa_node=memory_node(host, share.cores),
        cache_passthrough=len(share.rooms) == 1 or share.whole,
        topoext=_topoext(host, topology),
        because=(*because(host, share), *because_helpers(emulator, iothreads)),
    )


def _given_pins(host: CpuHost, chosen: tuple[WholeCore, ...], given: frozenset[int]) -> Pins:
    parts = equal_parts(chosen, given)
    topology = _topology_of(parts) if parts else Topology(1, 1, len(given), 1)
    order = [cpu for part in parts for core in part for cpu in core.threads] or sorted(given)
    emulator, iothreads = _helpers(host, chosen)
    words = f"CPUs {cpu_list(tuple(given))} were asked for"
    return Pins(
        topology=topology,
        vcpus=tuple(order),
        emulator=emulator,
        iothreads=iothreads,
        numa_node=memory_node(host, chosen),
        cache_passthrough=len(parts) == 1,
        topoext=_topoext(host, topology),
        because=(words, *because_helpers(emulator, iothreads)),
    )


def _topology_of(parts: tuple[tuple[WholeCore, ...], ...]) -> Topology:
    return Topology(1, len(parts), len(parts[0]), len(parts[0][0].threads))


def _helpers(
    host: CpuHost, guest: tuple[WholeCore, ...]
) -> tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]:
    """CPUs for QEMU's own threads, and for one I/O thread: cores that the host keeps, near the guest.

    Not isolated ones: nothing balances several threads over those.
    """
    usable = [core for core in host.without(guest) if not host.isolated & set(core.threads)]
    if not usable or not guest:
        return (), ()
    usable.sort(key=lambda core: _distance(host, core, guest[-1]))
    count = 1
    while count < len(usable) // 2 and len(cpus_of(tuple(usable[: count + 1]))) <= _QEMU_THREADS:
        count += 1
    own, rest = tuple(usable[:count]), usable[count:]
    return cpus_of(own), ((rest or usable)[0].threads,)


def _distance(host: CpuHost, core: WholeCore, guest: WholeCore) -> tuple[bool, bool, bool, bool, int]:
    """Same node, then efficiency cores, then any but the first core, then the same cache."""
    return (
        core.node != guest.node,
        core.kind != EFFICIENCY,
        core == host.home,
        core.l3 != guest.l3,
        core.threads[0],
    )


def _topoext(host: CpuHost, topology: Topology) -> bool:
    flags = host.cpu.flags
    amd = host.cpu.vendor == "amd" if isinstance(flags, Unread) else "topoext" in flags
    return topology.threads > 1 and amd
