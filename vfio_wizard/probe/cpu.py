"""The processor: what the running kernel left usable, and where its threads and caches sit."""

from __future__ import annotations

from vfio_wizard.model.facts import Core, Cpu
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Gap, Unread, known, untold
from vfio_wizard.probe.numbers import cpu_list, from_decimal, read_cpu_list, read_number
from vfio_wizard.system.host import Host

INFO = "proc/cpuinfo"
CPUS = "sys/devices/system/cpu"
NODES = "sys/devices/system/node"

_FIRST_BLOCK = 8192
"""Bytes that hold the first processor of proc/cpuinfo; the kernel makes the text while it is read."""
_VENDORS = {"AuthenticAMD": "amd", "HygonGenuine": "amd", "GenuineIntel": "intel"}
_HYBRID = (("performance", "sys/devices/cpu_core/cpus"), ("efficiency", "sys/devices/cpu_atom/cpus"))
_SIZE_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


class _Shared(NamedTuple):
    """What several threads have in common, by thread."""

    node: dict[int, int]
    kind: dict[int, str]


def read_cpu(host: Host, topology: bool = True) -> Cpu:
    """The processor; ``topology=False`` spares the several hundred reads that only pinning needs."""
    info = _first_block(host)
    cores = _cores(host) if topology else untold(f"{CPUS}/cpu*/topology", "not asked for")
    isolated = read_cpu_list(host, f"{CPUS}/isolated")
    if isinstance(info, Unread):
        return Cpu(INFO, info, info, info, info, cores, isolated, info, _offline(host, cores))
    return Cpu(
        origin=INFO,
        vendor=_vendor(info),
        model=_line(info, "model name"),
        family=_family(info),
        flags=_flags(info),
        cores=cores,
        isolated=isolated,
        address_bits=_address_bits(info),
        offline=_offline(host, cores),
    )


def _first_block(host: Host) -> dict[str, str] | Unread:
    text = host.head(INFO, _FIRST_BLOCK)
    if isinstance(text, Unread):
        return text
    pairs = [line.partition(":") for line in text.split("\n\n")[0].split("\n")]
    found = {key.strip(): value.strip() for key, colon, value in pairs if colon}
    return found or Unread(INFO, Gap.MALFORMED, "holds no line of the form name : value")


def _line(info: dict[str, str], key: str) -> str | Unread:
    value = info.get(key, "")
    return value or Unread(INFO, Gap.ABSENT, f"no {key}")


def _vendor(info: dict[str, str]) -> str | Unread:
    word = _line(info, "vendor_id")
    return word if isinstance(word, Unread) else _VENDORS.get(word, word.lower())


def _family(info: dict[str, str]) -> tuple[int, int, int] | Unread:
    words = [info.get(key, "") for key in ("cpu family", "model", "stepping")]
    family, model, stepping = map(from_decimal, words)
    if family is None or model is None or stepping is None:
        return Unread(INFO, Gap.MALFORMED if any(words) else Gap.ABSENT, "no family, model and stepping")
    return family, model, stepping


def _flags(info: dict[str, str]) -> frozenset[str] | Unread:
    words = info.get("flags", info.get("Features"))
    return Unread(INFO, Gap.ABSENT, "no flags") if words is None else frozenset(words.split())


def _address_bits(info: dict[str, str]) -> tuple[int, int] | Unread:
    words = _line(info, "address sizes")
    if isinstance(words, Unread):
        return words
    bits = [number for word in words.split() if (number := from_decimal(word)) is not None]
    return (
        (bits[0], bits[1]) if len(bits) == 2 else Unread(INFO, Gap.MALFORMED, "address sizes not understood")
    )


def _cores(host: Host) -> tuple[Core, ...] | Unread:
    online = read_cpu_list(host, f"{CPUS}/online")
    if isinstance(online, Unread):
        return online
    shared = _Shared(node=_nodes(host), kind=_kinds(host))
    found: dict[int, Core] = {}
    caches: dict[int, tuple[tuple[int, ...], int | None]] = {}
    for cpu in online:
        core = found.get(cpu) or _core(host, cpu, shared, caches)
        if isinstance(core, Unread):
            return core
        for sibling in core.siblings:  # threads of one core differ in their number only
            found.setdefault(sibling, core._replace(cpu=sibling))
    wanted = set(online)
    return tuple([found[cpu] for cpu in sorted(found) if cpu in wanted])


def _offline(host: Host, cores: tuple[Core, ...] | Unread) -> tuple[int, ...] | Unread:
    """Present and not online. The kernel's own list ``offline`` also holds what could be plugged in."""
    if isinstance(cores, Unread):
        return cores
    present = read_cpu_list(host, f"{CPUS}/present")
    if isinstance(present, Unread):
        return present
    online = {one.cpu for one in cores}
    return tuple([cpu for cpu in present if cpu not in online])


def _core(
    host: Host, cpu: int, shared: _Shared, caches: dict[int, tuple[tuple[int, ...], int | None]]
) -> Core | Unread:
    path = f"{CPUS}/cpu{cpu}/topology"
    siblings = read_cpu_list(host, f"{path}/core_cpus_list")
    if isinstance(siblings, Unread):
        siblings = read_cpu_list(host, f"{path}/thread_siblings_list")  # the name before 5.4
    package = read_number(host, f"{path}/physical_package_id")
    core = read_number(host, f"{path}/core_id")
    if isinstance(siblings, Unread):
        return siblings
    if isinstance(package, Unread):
        return package
    if isinstance(core, Unread):
        return core
    l3 = _l3(host, cpu, caches)
    return Core(
        cpu=cpu,
        package=package,
        die=known(read_number(host, f"{path}/die_id"), None),
        core=core,
        siblings=siblings if cpu in siblings else (cpu,),
        l3=None if l3 is None else l3[0],
        l3_bytes=None if l3 is None else l3[1],
        numa_node=shared.node.get(cpu),
        kind=shared.kind.get(cpu),
    )


def _l3(
    host: Host, cpu: int, caches: dict[int, tuple[tuple[int, ...], int | None]]
) -> tuple[tuple[int, ...], int | None] | None:
    """The level-3 cache of a thread, found by its level: index numbers differ between processors."""
    if cpu in caches:
        return caches[cpu]
    path = f"{CPUS}/cpu{cpu}/cache"
    for name in reversed(known(host.names(path), ())):
        if name.startswith("index") and read_number(host, f"{path}/{name}/level") == 3:
            sharing = read_cpu_list(host, f"{path}/{name}/shared_cpu_list")
            if isinstance(sharing, Unread):
                return None
            cache = (sharing, _size(known(host.text(f"{path}/{name}/size"), "")))
            caches.update(dict.fromkeys(sharing, cache))
            return cache
    return None


def _size(text: str) -> int | None:
    """``32768K`` in bytes."""
    number = from_decimal(text[:-1])
    unit = _SIZE_UNITS.get(text[-1:])
    return None if number is None or unit is None else number * unit


def _nodes(host: Host) -> dict[int, int]:
    names = known(host.names(NODES), ())
    numbers = [number for name in names if (number := from_decimal(name.removeprefix("node"))) is not None]
    return {
        cpu: node for node in numbers for cpu in known(read_cpu_list(host, f"{NODES}/node{node}/cpulist"), ())
    }


def _kinds(host: Host) -> dict[int, str]:
    """Hybrid Intel processors show their two kinds of core as two performance-counter units."""
    texts = [(kind, known(host.text(path), "")) for kind, path in _HYBRID]
    if not all(text for _, text in texts):
        return {}
    return {cpu: kind for kind, text in texts for cpu in cpu_list(text) or ()}
