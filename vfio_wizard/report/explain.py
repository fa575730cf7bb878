"""What a check looks at, why it matters and when it fails: text, JSON and the generated page."""

from __future__ import annotations

from typing import Any

from vfio_wizard.checks.check import Check
from vfio_wizard.checks.registry import CHECKS, find
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.finding import Severity
from vfio_wizard.report.wrap import wrap

CHECKS_SCHEMA = "vfio-wizard/checks/1"
WIDTH = 80

SEVERITIES = {
    Severity.BLOCKER: "passthrough does not work while it fails",
    Severity.WARNING: "it works, and something will hurt",
    Severity.NOTE: "good to know",
}


def check_of(name: str) -> Check:
    """The check of an id or alias. Raises UsageError that names the nearest ids."""
    found = find(name)
    if found is not None:
        return found
    import difflib  # noqa: PLC0415 - only for the reader who mistyped

    known = [one for check in CHECKS for one in (check.id, *check.aliases)]
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    hint = f"; did you mean {' or '.join(near)}?" if near else "; vfio-wizard checks lists them"
    msg = f"there is no check {name!r}{hint}"
    raise UsageError(msg)


def explain_text(name: str, width: int = WIDTH) -> str:
    """One check, for a person at a terminal."""
    check = check_of(name)
    lines = [f"{check.id}: {check.title} ({check.severity.value})", ""]
    lines += wrap(check.why, width)
    lines += ["", *wrap(check.claim, width, "pass: "), *wrap(check.fails_when, width, "fail: ")]
    lines += wrap(check.verify, width, "fixed: ") if check.verify else []
    lines += wrap(f"{check.severity.value}, that is: {SEVERITIES[check.severity]}.", width, "severity: ")
    if check.aliases:
        lines += wrap(", ".join(check.aliases), width, "also known as: ")
    lines += [line for source in check.references for line in wrap(source, width, "source: ")]
    lines += ["", f"vfio-wizard check --only {check.id} runs it alone."]
    return "\n".join(lines) + "\n"


def explain_json(name: str) -> dict[str, Any]:
    """One check, for a script: the same keys as in the list."""
    return {"schema": CHECKS_SCHEMA, "checks": [_one_json(check_of(name))]}


def checks_text(width: int = WIDTH) -> str:
    """All checks in reading order, one or two lines each."""
    wide = max(len(check.id) for check in CHECKS)
    lines: list[str] = []
    for check in CHECKS:
        lines += wrap(check.claim, width, f"{check.severity.value:<8}{check.id:<{wide}}  ")
    return "\n".join(lines) + "\n"


def checks_json() -> dict[str, Any]:
    """All checks in reading order."""
    return {"schema": CHECKS_SCHEMA, "checks": [_one_json(check) for check in CHECKS]}


def checks_markdown() -> str:
    """docs/checks.md, generated so that prose and program cannot drift apart."""
    lines = [
        "# Checks",
        "",
        "Generated from the checks themselves by `scripts/make_docs.py`; edit them, not this page.",
        "",
        "Every check answers *pass* (with proof), *fail* (with evidence and a fix), *unknown* (with the",
        "way to know) or *skip* (the question does not arise). The ids are part of the public contract.",
        "",
        "| id | severity | pass means |",
        "|---|---|---|",
        *(f"| [`{one.id}`](#{_anchor(one)}) | {one.severity.value} | {one.claim} |" for one in CHECKS),
        "",
    ]
    for check in CHECKS:
        lines += _section(check)
    return "\n".join(lines).rstrip("\n") + "\n"


def _anchor(check: Check) -> str:
    return check.id.replace(".", "")


def _section(check: Check) -> list[str]:
    lines = [f"## {check.id}", "", f"**{check.title}** ({check.severity.value})", "", check.why, ""]
    lines += [f"- pass: {check.claim}", f"- fail: {check.fails_when}"]
    if check.verify:
        lines.append(f"- fixed: {check.verify}")
    if check.aliases:
        lines.append(f"- also known as: {', '.join(check.aliases)}")
    lines += [f"- source: {source}" for source in check.references]
    return [*lines, ""]


def _one_json(check: Check) -> dict[str, Any]:
    return {
        "id": check.id,
        "title": check.title,
        "severity": check.severity.value,
        "claim": check.claim,
        "fails_when": check.fails_when,
        "why": check.why,
        "verify": check.verify or None,
        "references": list(check.references),
        "aliases": list(check.aliases),
    }
