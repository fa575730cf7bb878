"""A guest's checklist and what to mind, as a person reads them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from vfio_wizard.model.domain import DomainPlan, DomainSpec
from vfio_wizard.model.plan import Advice, Refusal
from vfio_wizard.planning.cpus import cpu_list
from vfio_wizard.planning.domain_checklist import Checklist, Step
from vfio_wizard.report.clean import clean
from vfio_wizard.report.wrap import wrap

_HEADINGS = ("BEFORE THE FIRST START, ON THE HOST", "IN THE GUEST", "TO SEE IT, ON THE HOST")


def minded(plan: DomainPlan, width: int) -> list[str]:
    """Refusals, then warnings."""
    return [*_said("REFUSED", plan.refusals, width), *_said("MIND", plan.warnings, width)]


def chosen(spec: DomainSpec, width: int) -> list[str]:
    """What the guest gets, with the reasons."""
    cpus = spec.cpus
    lines = ["GETS", f"  memory: {spec.memory.mib} MiB{_pages(spec)}"]
    where = f" on the host's {cpu_list(cpus.vcpus)}" if cpus.vcpus else ""
    why = f": {'; '.join(cpus.because)}" if cpus.because else ""
    lines += wrap(clean(f"{cpus.topology.cpus} CPUs{where}{why}"), width, "  processor: ", "    ")
    for card in (*spec.cards, *spec.others):
        lines += wrap(", ".join(str(one.host) for one in card.functions), width, "  device: ", "    ")
    if spec.mirroring is not None:
        memory = spec.mirroring
        lines.append(f"  Looking Glass: {memory.size_mib} MiB, {memory.mode.value}, {memory.part.value}")
    return lines


def _pages(spec: DomainSpec) -> str:
    size = spec.memory.huge_page_kib
    return "" if size is None else f" of hugepages of {size} KiB"


def _said(heading: str, items: Sequence[Refusal | Advice], width: int) -> list[str]:
    if not items:
        return []
    return [
        heading,
        *(line for one in items for line in wrap(clean(one.text), width, f"  {clean(one.id)}: ", "    ")),
    ]


def checklist_text(name: str, steps: Checklist, width: int) -> str:
    """All steps with a box to tick; commands on lines of their own, ready to be copied."""
    lines = [f"CHECKLIST FOR {clean(name)}"]
    for heading, part in zip(_HEADINGS, steps, strict=True):
        if part:
            lines += ["", heading, *(line for step in part for line in _step(step, width))]
    return "\n".join(lines) + "\n"


def _step(step: Step, width: int) -> list[str]:
    lines = wrap(clean(step.text), width, "  [ ] ") if step.text else []
    if step.command is not None:
        lines.append(f"      $ {clean(shlex.join(step.command))}")
    return lines
