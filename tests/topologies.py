"""Processors as the kernel numbers them, for tests of everything about CPUs.

Numbering, caches and nodes are those that the named machines show in sysfs; each is written down by its rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from vfio_wizard.model.facts import Core, Cpu
from vfio_wizard.model.unread import untold

MIB = 1 << 20
_UNTOLD = untold("proc/cpuinfo", "the test does not tell")


class Die(NamedTuple):
    """Cores below one cache: the threads of each, and what they share."""

    cores: Sequence[tuple[int, ...]]
    l3_bytes: int | None = 32 * MIB
    package: int = 0
    node: int | None = 0
    kind: str | None = None
    die: int | None = 0
    cache: tuple[int, ...] | None = None
    """CPUs below the cache where they are more than these cores (hybrid, sub-NUMA clusters)."""


def make_cpu(*dies: Die, **told: Any) -> Cpu:
    """A processor of such dies; ``told`` are further fields of ``Cpu``."""
    cores = sorted(core for die in dies for core in _cores(die))
    fields: dict[str, Any] = dict.fromkeys(Cpu._fields, _UNTOLD)
    return Cpu(
        **(fields | {"origin": "proc/cpuinfo", "cores": tuple(cores), "isolated": (), "offline": ()} | told)
    )


def _cores(die: Die) -> list[Core]:
    mine = tuple(sorted(cpu for threads in die.cores for cpu in threads))
    l3 = None if die.l3_bytes is None else (die.cache or mine)
    return [
        Core(cpu, die.package, die.die, number, threads, l3, die.l3_bytes, die.node, die.kind)
        for number, threads in enumerate(die.cores)
        for cpu in threads
    ]


def far(cores: range, total: int) -> list[tuple[int, ...]]:
    """Siblings that are ``total`` apart: AMD, Intel desktops, servers."""
    return [(core, core + total) for core in cores]


def near(cores: range) -> list[tuple[int, ...]]:
    """Siblings that are neighbours: hybrid Intel processors."""
    return [(2 * core, 2 * core + 1) for core in cores]


def single(cpus: range) -> list[tuple[int, ...]]:
    """Cores with one thread."""
    return [(cpu,) for cpu in cpus]


AMD: dict[str, Any] = {"vendor": "amd", "flags": frozenset({"svm", "topoext", "pdpe1gb"})}
INTEL: dict[str, Any] = {"vendor": "intel", "flags": frozenset({"vmx", "pdpe1gb"})}

RYZEN_5600X = make_cpu(Die(far(range(6), 6)), **AMD)
RYZEN_5950X = make_cpu(Die(far(range(8), 16)), Die(far(range(8, 16), 16)), **AMD)
RYZEN_7950X3D = make_cpu(Die(far(range(8), 16), 96 * MIB), Die(far(range(8, 16), 16)), **AMD)
THREADRIPPER_1950X = make_cpu(
    *(
        Die(far(range(first, first + 4), 16), 8 * MIB, node=first // 8, die=first // 8)
        for first in range(0, 16, 4)
    ),
    **AMD,
)
THREADRIPPER_3970X = make_cpu(
    *(Die(far(range(first, first + 4), 32), 16 * MIB) for first in range(0, 32, 4)), **AMD
)
CORE_I9_13900K = make_cpu(
    Die(near(range(8)), 36 * MIB, kind="performance", cache=tuple(range(32))),
    Die(single(range(16, 32)), 36 * MIB, kind="efficiency", cache=tuple(range(32))),
    **INTEL,
)
CORE_I5_1235U = make_cpu(
    Die(near(range(2)), 12 * MIB, kind="performance", cache=tuple(range(12))),
    Die(single(range(4, 12)), 12 * MIB, kind="efficiency", cache=tuple(range(12))),
    **INTEL,
)
CORE_I7_8700 = make_cpu(Die(far(range(6), 6), 12 * MIB), **INTEL)
DUAL_XEON_E5_2680_V4 = make_cpu(
    Die(far(range(14), 28), 35 * MIB), Die(far(range(14, 28), 28), 35 * MIB, package=1, node=1), **INTEL
)
EVEN = [(cpu, cpu + 20) for cpu in range(0, 20, 2)]
ODD = [(cpu, cpu + 20) for cpu in range(1, 20, 2)]
DUAL_XEON_INTERLEAVED = make_cpu(Die(EVEN, 25 * MIB), Die(ODD, 25 * MIB, package=1, node=1), **INTEL)
_PACKAGES = tuple((*range(first, first + 20), *range(first + 40, first + 60)) for first in (0, 20))
DUAL_XEON_6248_SNC = make_cpu(
    *(
        Die(
            far(range(first, first + 10), 40),
            27 * MIB,
            package=first // 20,
            node=first // 10,
            cache=_PACKAGES[first // 20],
        )
        for first in range(0, 40, 10)
    ),
    **INTEL,
)
LAPTOP_4C8T = make_cpu(Die(far(range(4), 4), 8 * MIB), **INTEL)
TWO_CORES = make_cpu(Die(single(range(2)), None), **INTEL)
ONE_CORE = make_cpu(Die([(0, 1)], None), **INTEL)
NOSMT_5950X = make_cpu(
    Die(single(range(8))), Die(single(range(8, 16))), **(AMD | {"offline": tuple(range(16, 32))})
)
HALF_OFFLINE_8700 = make_cpu(
    Die([(0, 6), (1,), (2, 8), (3, 9)], 12 * MIB), **(INTEL | {"offline": (4, 5, 7, 10, 11)})
)
ISOLATED_5950X = RYZEN_5950X._replace(isolated=(4, 5, 6, 7, 20, 21, 22, 23))
EPYC_64_CORES = make_cpu(
    *(Die(far(range(first, first + 8), 64), 32 * MIB, node=first // 16) for first in range(0, 64, 8)), **AMD
)

MACHINES: dict[str, Cpu] = {
    "ryzen-5600x": RYZEN_5600X,
    "ryzen-5950x": RYZEN_5950X,
    "ryzen-7950x3d": RYZEN_7950X3D,
    "threadripper-1950x": THREADRIPPER_1950X,
    "threadripper-3970x": THREADRIPPER_3970X,
    "i9-13900k": CORE_I9_13900K,
    "i5-1235u": CORE_I5_1235U,
    "i7-8700": CORE_I7_8700,
    "dual-xeon-e5-2680-v4": DUAL_XEON_E5_2680_V4,
    "dual-xeon-interleaved": DUAL_XEON_INTERLEAVED,
    "dual-xeon-6248-snc": DUAL_XEON_6248_SNC,
    "laptop-4c8t": LAPTOP_4C8T,
    "two-cores": TWO_CORES,
    "one-core": ONE_CORE,
    "5950x-nosmt": NOSMT_5950X,
    "8700-half-offline": HALF_OFFLINE_8700,
    "5950x-isolated": ISOLATED_5950X,
    "epyc-64-cores": EPYC_64_CORES,
}
