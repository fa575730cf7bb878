"""A plan as a person reads it: what leaves, what is refused, every file as a difference, every command."""

from __future__ import annotations

from collections.abc import Mapping

from vfio_wizard.model.plan import Action, Artifact, Plan
from vfio_wizard.render.outcome import Rendered
from vfio_wizard.report.clean import clean
from vfio_wizard.report.wrap import wrap

WIDTH = 80


def plan_text(plan: Plan, rendered: Rendered, files: Mapping[str, str], width: int = WIDTH) -> str:
    """The whole plan. ``files`` holds what stands on the host now, by path without the first slash."""
    lines = ["LEAVES THE HOST"]
    lines += [
        f"  {one.address}  {one.id or '????:????'}  {one.kind:<8} {clean(one.name or '')}"[:width]
        for one in plan.functions
    ]
    lines += wrap(f"bound by {plan.bind.by.value}: {clean(plan.bind.because)}", width, "  ")
    lines += _said("REFUSED", [(one.id, one.text) for one in plan.refusals], width)
    if plan.refusals:
        return "\n".join([*lines, "", *wrap(_OVERRULE, width)]) + "\n"
    lines += _said("MIND", [(one.id, one.text) for one in plan.warnings], width)
    if plan.settled:
        return "\n".join([*lines, "", "NOTHING TO DO: this host already matches."]) + "\n"
    for one in rendered.artifacts:
        lines += ["", *_artifact(one, files, width)]
    lines += _commands(rendered)
    lines += _said("BY HAND", [("", note) for note in rendered.notes], width)
    return "\n".join(lines) + "\n"


_OVERRULE = "Nothing is planned while a refusal stands; --allow ID overrules one that you know better about."


def _said(heading: str, items: list[tuple[str, str]], width: int) -> list[str]:
    if not items:
        return []
    lines = ["", heading]
    for name, text in items:
        lines += wrap(clean(text), width, f"  {clean(name)}: " if name else "  ")
    return lines


def _artifact(artifact: Artifact, files: Mapping[str, str], width: int) -> list[str]:
    verb = {Action.CREATE: "NEW FILE", Action.REPLACE: "CHANGE", Action.APPEND: "APPEND TO"}[artifact.action]
    head = [
        f"{verb} {clean(artifact.path)} (mode {artifact.mode})",
        *wrap(clean(artifact.because), width, "  why: "),
    ]
    return head + difference(artifact, files.get(artifact.path.lstrip("/")))


def difference(artifact: Artifact, before: str | None) -> list[str]:
    """The change line by line; a file that is not there yet, or was not read, is all new lines."""
    added = artifact.text.splitlines()
    old = (before or "").splitlines()
    new = [*old, *added] if artifact.action is Action.APPEND else added
    if before is None or not old:
        return [f"  + {clean(line)}" for line in added]
    import difflib  # noqa: PLC0415 - only where something stands already

    changes = list(difflib.unified_diff(old, new, n=1, lineterm=""))[2:]
    return [f"  {line[:1]} {clean(line[1:])}".rstrip() for line in changes if not line.startswith("@@")]


def _commands(rendered: Rendered) -> list[str]:
    if not rendered.commands:
        return []
    return ["", "THEN RUN", *(f"  $ {clean(one.shown)}" for one in rendered.commands)]
