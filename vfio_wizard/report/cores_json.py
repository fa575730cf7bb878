"""``vfio-wizard/cores/1``: the cores, the pins and the reasons as data."""

from __future__ import annotations

from typing import Any

from vfio_wizard.model.facts import Core, Cpu
from vfio_wizard.model.pins import HugePagePlan, PinPlan
from vfio_wizard.model.unread import Unread, known

SCHEMA = "vfio-wizard/cores/1"

Json = dict[str, Any]


def cores_json(cpu: Cpu, plan: PinPlan | Unread, pages: HugePagePlan | Unread | None) -> Json:
    """The whole document; what is not known is null, with the reason in ``gap``."""
    vcpus = {} if isinstance(plan, Unread) else {one: n for n, one in enumerate(plan.pins.vcpus)}
    return {
        "schema": SCHEMA,
        "cpus": None if isinstance(cpu.cores, Unread) else [_core(one, vcpus) for one in cpu.cores],
        "offline": _numbers(cpu.offline),
        "isolated": _numbers(cpu.isolated),
        "plan": None if isinstance(plan, Unread) else _plan(plan),
        "gap": plan.reason if isinstance(plan, Unread) else None,
        "huge_pages": None if pages is None or isinstance(pages, Unread) else _pages(pages),
    }


def _numbers(cpus: tuple[int, ...] | Unread) -> list[int] | None:
    return None if isinstance(cpus, Unread) else list(known(cpus, ()))


def _core(core: Core, vcpus: dict[int, int]) -> Json:
    return {
        "cpu": core.cpu,
        "package": core.package,
        "die": core.die,
        "siblings": list(core.siblings),
        "l3_cpus": None if core.l3 is None else list(core.l3),
        "l3_bytes": core.l3_bytes,
        "numa_node": core.numa_node,
        "kind": core.kind,
        "vcpu": vcpus.get(core.cpu),
    }


def _plan(plan: PinPlan) -> Json:
    pins = plan.pins
    return {
        "topology": pins.topology._asdict(),
        "vcpus": list(pins.vcpus),
        "emulator": list(pins.emulator),
        "iothreads": [list(one) for one in pins.iothreads],
        "host": list(plan.host),
        "numa_node": pins.numa_node,
        "cache_passthrough": pins.cache_passthrough,
        "topoext": pins.topoext,
        "because": list(pins.because),
        "losses": list(plan.losses),
    }


def _pages(pages: HugePagePlan) -> Json:
    return {
        "size_kib": pages.size_kib,
        "pages": pages.pages,
        "numa_node": pages.node,
        "reserve": pages.reserve.value,
        "kernel_parameters": list(pages.parameters),
        "commands": [list(one) for one in pages.commands],
        "because": list(pages.because),
    }
