"""A plan as the public object ``vfio-wizard/plan/1``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vfio_wizard.model.plan import Artifact, Plan, Run

SCHEMA = "vfio-wizard/plan/1"


def plan_json(
    plan: Plan,
    artifacts: Sequence[Artifact],
    commands: Sequence[Run] = (),
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """The plan with its artifacts and commands; lists that are empty when the host matches already."""
    return {
        "schema": SCHEMA,
        "bind": {
            "by": plan.bind.by.value,
            "functions": [str(one) for one in plan.bind.functions],
            "ids": list(plan.bind.ids),
            "because": plan.bind.because,
        },
        "kernel_parameters": {
            "add": [one.word for one in plan.missing()],
            "remove": [one.word for one in plan.remove],
        },
        "artifacts": [_artifact(one) for one in artifacts],
        "commands": [list(one.argv) for one in commands],
        "refusals": [{"id": one.id, "text": one.text} for one in plan.refusals],
        "warnings": [{"id": one.id, "text": one.text} for one in plan.warnings],
        "notes": list(notes),
    }


def _artifact(one: Artifact) -> dict[str, str]:
    return {
        "path": one.path,
        "mode": one.mode,
        "action": one.action.value,
        "text": one.text,
        "because": one.because,
    }
