"""A plan as the public object ``vfio-wizard/plan/1``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from vfio_wizard.model.plan import Artifact, Plan, Run, Stage

SCHEMA = "vfio-wizard/plan/1"


def plan_json(
    plan: Plan,
    artifacts: Sequence[Artifact],
    commands: Sequence[Run] = (),
    notes: Sequence[str] = (),
    ways_back: Sequence[str] = (),
) -> dict[str, Any]:
    """The plan with its artifacts and commands; lists that are empty when the host matches already.

    ``docs/schema/plan-1.json`` is its schema.
    """
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
        "steps": [step for stage in Stage for step in _step(stage, artifacts, commands)],
        "ways_back": list(ways_back),
        "refusals": [{"id": one.id, "text": one.text} for one in plan.refusals],
        "warnings": [{"id": one.id, "text": one.text} for one in plan.warnings],
        "notes": list(notes),
    }


def _step(stage: Stage, artifacts: Sequence[Artifact], commands: Sequence[Run]) -> Iterator[dict[str, Any]]:
    """What one stage does: its files first, then its commands, with what undo puts back or runs."""
    paths = [one.path for one in artifacts if one.stage is stage]
    runs = [one for one in commands if one.stage is stage]
    if paths or runs:
        yield {
            "stage": stage.name.lower(),
            "files": paths,
            "commands": [
                {"argv": list(one.argv), "makes": list(one.makes), "undo": [list(argv) for argv in one.undo]}
                for one in runs
            ],
        }


def _artifact(one: Artifact) -> dict[str, str]:
    return {
        "path": one.path,
        "mode": one.mode,
        "action": one.action.value,
        "text": one.text,
        "because": one.because,
    }
