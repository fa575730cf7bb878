"""Host memory and pools of huge pages, of each NUMA node where there are several."""

from __future__ import annotations

from vfio_wizard.model.facts import HugePages, Memory, NodeMemory
from vfio_wizard.model.unread import Gap, Unread, known
from vfio_wizard.probe.numbers import from_decimal, read_number
from vfio_wizard.system.host import Host

INFO = "proc/meminfo"
POOLS = "sys/kernel/mm/hugepages"
NODES = "sys/devices/system/node"


def read_memory(host: Host) -> Memory:
    """Total and available memory, and each pool of huge pages."""
    lines = host.lines(INFO, ("MemTotal:", "MemAvailable:"))
    return Memory(
        total_kib=_kib(lines, "MemTotal"),
        available_kib=_kib(lines, "MemAvailable"),
        huge_pages=_pools(host, POOLS),
        nodes=_nodes(host),
    )


def _kib(lines: tuple[str, ...] | Unread, key: str) -> int | Unread:
    if isinstance(lines, Unread):
        return lines
    for line in lines:
        name, _, value = line.partition(":")
        if name == key:
            number = from_decimal(value.strip().removesuffix("kB").strip())
            return Unread(INFO, Gap.MALFORMED, f"{key} is no number of kB") if number is None else number
    return Unread(INFO, Gap.ABSENT, f"no {key}")


def _nodes(host: Host) -> tuple[NodeMemory, ...] | Unread:
    """A host with one node has nothing to tell apart, and is spared the reading."""
    names = host.names(NODES)
    if isinstance(names, Unread):
        return names
    numbers = sorted(number for name in names if (number := _node_number(name)) is not None)
    return tuple([_node(host, number) for number in numbers]) if len(numbers) > 1 else ()


def _node_number(name: str) -> int | None:
    return from_decimal(name.removeprefix("node")) if name.startswith("node") else None


def _node(host: Host, number: int) -> NodeMemory:
    """``Node 0 MemTotal: 32 kB`` and the pools; a node without these lines has no memory."""
    path = f"{NODES}/node{number}"
    start = f"Node {number} "
    lines = known(host.lines(f"{path}/meminfo", (f"{start}MemTotal:", f"{start}MemFree:")), ())
    bare = tuple([line.removeprefix(start) for line in lines])
    total, free = (known(_kib(bare, key), 0) for key in ("MemTotal", "MemFree"))
    return NodeMemory(number, total, free, known(_pools(host, f"{path}/hugepages"), ()))


def _pools(host: Host, path: str) -> tuple[HugePages, ...] | Unread:
    names = host.names(path)
    if isinstance(names, Unread):
        return names
    sizes = sorted(size for name in names if (size := _page_kib(name)) is not None)
    pools = [_pool(host, path, size) for size in sizes]
    return tuple([pool for pool in pools if pool is not None])


def _page_kib(name: str) -> int | None:
    """The page size in a directory name like ``hugepages-2048kB``."""
    return from_decimal(name.removeprefix("hugepages-").removesuffix("kB"))


def _pool(host: Host, above: str, size: int) -> HugePages | None:
    path = f"{above}/hugepages-{size}kB"
    total, free = read_number(host, f"{path}/nr_hugepages"), read_number(host, f"{path}/free_hugepages")
    return None if isinstance(total, Unread) or isinstance(free, Unread) else HugePages(size, total, free)
