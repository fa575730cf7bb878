"""Host memory and pools of huge pages."""

from __future__ import annotations

from vfio_wizard.model.facts import HugePages, Memory
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.probe.numbers import from_decimal, read_number
from vfio_wizard.system.host import Host

INFO = "proc/meminfo"
POOLS = "sys/kernel/mm/hugepages"


def read_memory(host: Host) -> Memory:
    """Total and available memory, and each pool of huge pages."""
    lines = host.lines(INFO, ("MemTotal:", "MemAvailable:"))
    return Memory(
        total_kib=_kib(lines, "MemTotal"),
        available_kib=_kib(lines, "MemAvailable"),
        huge_pages=_pools(host),
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


def _pools(host: Host) -> tuple[HugePages, ...] | Unread:
    names = host.names(POOLS)
    if isinstance(names, Unread):
        return names
    sizes = sorted(size for name in names if (size := _page_kib(name)) is not None)
    pools = [_pool(host, size) for size in sizes]
    return tuple([pool for pool in pools if pool is not None])


def _page_kib(name: str) -> int | None:
    """The page size in a directory name like ``hugepages-2048kB``."""
    return from_decimal(name.removeprefix("hugepages-").removesuffix("kB"))


def _pool(host: Host, size: int) -> HugePages | None:
    path = f"{POOLS}/hugepages-{size}kB"
    total, free = read_number(host, f"{path}/nr_hugepages"), read_number(host, f"{path}/free_hugepages")
    return None if isinstance(total, Unread) or isinstance(free, Unread) else HugePages(size, total, free)
