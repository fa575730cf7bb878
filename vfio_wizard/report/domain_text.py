"""A guest's checklist and what to mind, as a person reads them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from vfio_wizard.model.domain import DomainPlan
from vfio_wizard.model.plan import Advice, Refusal
from vfio_wizard.planning.domain_checklist import Checklist, Step
from vfio_wizard.report.clean import clean
from vfio_wizard.report.wrap import wrap

_HEADINGS = ("BEFORE THE FIRST START, ON THE HOST", "IN THE GUEST", "TO SEE IT, ON THE HOST")


def minded(plan: DomainPlan, width: int) -> list[str]:
    """Refusals, then warnings."""
    return [*_said("REFUSED", plan.refusals, width), *_said("MIND", plan.warnings, width)]


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
