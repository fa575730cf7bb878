"""A guest as the public object ``vfio-wizard/domain/1``."""

from __future__ import annotations

from typing import Any

from vfio_wizard.model.domain import DomainPlan
from vfio_wizard.model.version import Release
from vfio_wizard.planning.domain_checklist import Checklist, Step

SCHEMA = "vfio-wizard/domain/1"


def domain_json(plan: DomainPlan, xml: str, steps: Checklist) -> dict[str, Any]:
    """The domain with its sizes, pins, refusals, warnings and checklist; no XML where it is refused."""
    spec = plan.spec
    return {
        "schema": SCHEMA,
        "name": spec.name,
        "guest": spec.system.value,
        "libvirt": _dotted(spec.versions.libvirt),
        "qemu": _dotted(spec.versions.qemu),
        "memory_mib": spec.memory.mib,
        "cpus": {
            "count": spec.cpus.topology.cpus,
            "pins": list(spec.cpus.vcpus),
            "emulator": list(spec.cpus.emulator),
            "because": list(spec.cpus.because),
        },
        "functions": [
            {"address": str(one.host), "guest_function": one.function}
            for card in (*spec.cards, *spec.others)
            for one in card.functions
        ],
        "looking_glass": _looking_glass(plan),
        "xml": None if plan.refusals else xml,
        "refusals": [{"id": one.id, "text": one.text} for one in plan.refusals],
        "warnings": [{"id": one.id, "text": one.text} for one in plan.warnings],
        "checklist": {name: [_step(one) for one in part] for name, part in steps._asdict().items()},
    }


def _dotted(version: Release | None) -> str | None:
    return None if version is None else ".".join(str(part) for part in version)


def _looking_glass(plan: DomainPlan) -> dict[str, Any] | None:
    memory = plan.spec.mirroring
    if memory is None:
        return None
    return {"mode": memory.mode.value, "size_mib": memory.size_mib, "release": memory.part.value}


def _step(step: Step) -> dict[str, Any]:
    return {"text": step.text, "command": None if step.command is None else list(step.command)}
