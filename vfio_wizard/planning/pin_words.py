"""Why these CPUs, and what is given up for them, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from vfio_wizard.model.unread import Unread, known
from vfio_wizard.planning.cores import CpuHost, Island, WholeCore, cpus_of, equal_parts, islands, memory_node
from vfio_wizard.planning.cpus import cpu_list
from vfio_wizard.planning.shares import EFFICIENCY, HOST_CORES, Share, spare_cores


def because(host: CpuHost, share: Share) -> Iterator[str]:
    """Why the guest gets these, one reason a line."""
    yield _what(share)
    if share.threads_per_core > 1:
        yield "all threads of a core go together, and the guest is told which are one core"
    yield from _because_cache(host, share)
    yield from _because_node(host, share)
    yield from _because_kind(host, share)
    yield from _because_states(host, share)
    left = cpus_of(host.without(share.cores))
    words = " with CPU 0" if 0 in left else ""
    yield f"the host keeps {_count(len(host.cores) - len(share.cores), 'core')}{words}: {_cpus(left)}"


def _what(share: Share) -> str:
    cpus = _cpus(cpus_of(share.cores))
    size = _cache_words(share.rooms[0].island)
    if len(share.rooms) == 1:
        return f"{cpus}: {_count(len(share.cores), 'core')} {size}"
    part = "all" if share.whole else "as many"
    words = f"{_count(len(share.rooms), 'cache')}, {share.each} cores from each"
    return f"{cpus}: {words}; the guest sees a die for each, {part} cores of it near each other"


def _cache_words(island: Island) -> str:
    if island.first.l3 is None:
        return "of one die; no level-3 cache is told"
    return f"below one level-3 cache{f' of {island.cache >> 20} MiB' if island.cache >= 1 << 20 else ''}"


def _because_cache(host: CpuHost, share: Share) -> Iterator[str]:
    mine = share.rooms[0].island
    rivals = [one for one in islands(host.cores) if one.first.kind == mine.first.kind and one.cache]
    largest = max((one.cache for one in rivals), default=0)
    if len(share.rooms) > 1 or not mine.cache or len({one.cache for one in rivals}) < 2:
        return
    if mine.cache == largest:
        yield f"of the caches here it is the largest ({largest >> 20} MiB), which games like"
    else:
        yield f"the larger cache ({largest >> 20} MiB) has not as many cores free"


def _because_node(host: CpuHost, share: Share) -> Iterator[str]:
    node = share.rooms[0].island.first.node
    if len(host.nodes) < 2:
        return
    if node == host.card_node:
        yield f"NUMA node {node} is the card's"
    elif isinstance(host.card_node, int) and host.card_node >= 0:
        yield f"the card's NUMA node {host.card_node} has no CPU to spare, so they are of node {node}"
    elif isinstance(host.card_node, Unread):
        words = host.card_node.detail or "it was not read"
        yield f"the card's NUMA node is not known ({words}); these are all of node {node}"
    else:
        yield f"the firmware does not tell the card's NUMA node; these are all of node {node}"
    if memory_node(host, share.cores) is None:
        yield f"node {node} has no memory that is told, so the guest's may come from anywhere"


def _because_kind(host: CpuHost, share: Share) -> Iterator[str]:
    kind = share.rooms[0].island.first.kind
    slow = sum(core.kind == EFFICIENCY for core in host.cores)
    if kind == EFFICIENCY and slow < len(host.cores):
        yield "efficiency cores only: there are not enough performance cores, and a mixture stutters"
    elif slow:
        yield f"performance cores only: {_count(slow, 'efficiency core')} stay with the host"
    elif len({len(core.threads) for core in host.cores}) > 1:
        threads = _count(share.threads_per_core, "thread")
        yield f"only cores with {threads}, as the guest can be told one number for all"


def _because_states(host: CpuHost, share: Share) -> Iterator[str]:
    offline = known(host.cpu.offline, ())
    if offline:
        yield f"not counted, since switched off: {_cpus(offline)}"
    aside = tuple(core for core in host.cores if host.is_set_aside(core))
    if aside and set(share.cores) <= set(aside):
        yield f"isolated already, and so meant for a guest: {_cpus(cpus_of(aside))}"
    elif aside:
        yield f"isolated, but not enough or not near each other: {_cpus(cpus_of(aside))}"


def because_helpers(emulator: tuple[int, ...], iothreads: tuple[tuple[int, ...], ...]) -> Iterator[str]:
    """Where QEMU's own threads run."""
    if emulator:
        disk = f", disks on {_cpus(iothreads[0])}" if iothreads[0] != emulator else ""
        yield f"QEMU's own work is done on {_cpus(emulator)} of the host{disk}"


def losses(host: CpuHost, share: Share, vcpus: int | None) -> Iterator[str]:
    """What is less, or more, than was asked for or should be."""
    if vcpus is not None and share.vcpus < vcpus:
        yield f"{vcpus} CPUs were asked for, and the guest gets {share.vcpus}: {_why_fewer(host, share)}"
    elif vcpus is not None and share.vcpus > vcpus:
        yield f"{vcpus} CPUs were asked for, and the guest gets {share.vcpus}: cores are not split"
    if len(host.cores) - len(share.cores) < HOST_CORES:
        yield f"the host is left with one core, where it should have {HOST_CORES}"


def _why_fewer(host: CpuHost, share: Share) -> str:
    if len(share.cores) >= spare_cores(host, auto=False):
        return f"the host keeps {_count(len(host.cores) - len(share.cores), 'core')}"
    if len(host.nodes) > 1:
        return "no more fit on one NUMA node in equal parts"
    return "no more cores of one kind fit below one cache, or in equal parts below several"


def given_losses(chosen: tuple[WholeCore, ...], given: frozenset[int]) -> Iterator[str]:
    """What is wrong with CPUs that the user chose himself."""
    split = [core for core in chosen if not given.issuperset(core.threads)]
    if split:
        words = _cpus(tuple(cpu for core in split for cpu in core.threads if cpu not in given))
        yield f"the host keeps threads of the guest's cores, and each slows the other: {words}"
    if len({core.kind for core in chosen}) > 1:
        yield "performance and efficiency cores are mixed: the guest cannot tell them apart"
    if len({core.node for core in chosen}) > 1:
        yield "the CPUs are of several NUMA nodes: half of the guest's memory is far away"
    if not equal_parts(chosen, given) and len(islands(chosen)) > 1:
        yield "the CPUs are below several caches, which the guest cannot be told"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _cpus(cpus: tuple[int, ...]) -> str:
    """``CPU 3``, ``CPUs 3-5``."""
    return f"CPU{'' if len(set(cpus)) == 1 else 's'} {cpu_list(cpus)}"
