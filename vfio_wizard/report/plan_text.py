"""A plan as a person reads it: what leaves, what is refused, then step by step all that is made, and why."""

from __future__ import annotations

from collections.abc import Mapping

from vfio_wizard.model.plan import Action, Artifact, Plan, Stage
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
    lines += _steps(plan, rendered, files, width)
    lines += _said("TO KNOW, OR TO DO BY HAND", [("", note) for note in rendered.notes], width)
    lines += _said("THE WAY BACK, WITHOUT THIS PROGRAM", [("", one) for one in rendered.ways_back], width)
    return "\n".join(lines) + "\n"


_STAGES = {
    Stage.FILES: "files that nothing boots with yet",
    Stage.IMAGE: "the initramfs images are built, and looked into",
    Stage.LOADER: "where the kernel command line is stored",
    Stage.ENTRIES: "the boot loader's own files are made from it, and read again",
    Stage.AFTER: "what no boot depends on",
}


def _steps(plan: Plan, rendered: Rendered, files: Mapping[str, str], width: int) -> list[str]:
    """Each stage that has something to do: its files as differences, then its commands."""
    lines: list[str] = []
    number = 0
    for stage, words in _STAGES.items():
        artifacts = [one for one in rendered.artifacts if one.stage is stage]
        runs = [one for one in rendered.commands if one.stage is stage]
        if not artifacts and not runs:
            continue
        number += 1
        lines += ["", f"STEP {number}: {words}"]
        for one in artifacts:
            lines += [*_artifact(plan, one, files, width), ""]
        lines += [f"  $ {clean(run.shown)}" for run in runs] or []
        if not runs:
            lines.pop()
    return lines


_OVERRULE = "Nothing is planned while a refusal stands; --allow ID overrules one that you know better about."


def _said(heading: str, items: list[tuple[str, str]], width: int) -> list[str]:
    if not items:
        return []
    lines = ["", heading]
    for name, text in items:
        lines += wrap(clean(text), width, f"  {clean(name)}: " if name else "  ")
    return lines


def _artifact(plan: Plan, artifact: Artifact, files: Mapping[str, str], width: int) -> list[str]:
    verb = {Action.CREATE: "NEW FILE", Action.REPLACE: "CHANGE", Action.APPEND: "APPEND TO"}[artifact.action]
    changed = difference(artifact, files.get(artifact.path.lstrip("/")))
    return [
        f"{verb} {clean(artifact.path)} (mode {artifact.mode})",
        *wrap(clean(artifact.because), width, "  why: "),
        *changed,
        *(line for words in _reasons(plan, changed) for line in wrap(clean(words), width, "    because: ")),
    ]


def _reasons(plan: Plan, changed: list[str]) -> list[str]:
    """Why each word of the changed lines comes or goes."""
    added = " ".join(line[4:] for line in changed if line.startswith("  + "))
    gone = " ".join(line[4:] for line in changed if line.startswith("  - "))
    found = [f"{one.word}: {one.because}" for one in plan.missing() if one.word in added]
    found += [f"without {one.word}: {one.because}" for one in plan.remove if one.word in gone]
    found += [f"{one.name} {one.because}" for one in plan.modules if one.name in added and "_" in added]
    softdeps = [one for one in plan.softdeps if f"softdep {one.module} " in added]
    return found + [f"{one.module} {one.because}" for one in softdeps]


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
