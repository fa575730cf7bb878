"""``vfio-wizard/lint/1``: a review for scripts and editors."""

from __future__ import annotations

from typing import Any

from vfio_wizard import __version__
from vfio_wizard.lint.mistake import Mistake, NotJudged, Severity
from vfio_wizard.lint.review import Review
from vfio_wizard.lint.rules import RULES
from vfio_wizard.lint.situation import Situation

SCHEMA = "vfio-wizard/lint/1"


def lint_json(found: Review, situation: Situation) -> dict[str, Any]:
    """The whole document; every key is always there."""
    facts = situation.facts
    return {
        "schema": SCHEMA,
        "tool": {"name": "vfio-wizard", "version": __version__},
        "judged_for": {
            "host": None if facts is None else facts.source.label,
            "kernel": None if situation.kernel is None else f"{situation.kernel[0]}.{situation.kernel[1]}",
            "nixos_release": None if situation.release is None else str(situation.release),
        },
        "files": [{"path": one.name, "kind": one.kind.value} for one in found.files],
        "findings": [_mistake(one) for one in found.mistakes],
        "not_judged": [_gap(one) for one in found.gaps],
        "counts": {severity.value: found.count(severity) for severity in Severity},
    }


def _mistake(one: Mistake) -> dict[str, Any]:
    return {
        "id": one.rule,
        "severity": one.severity.value,
        "file": one.file,
        "line": one.place.line,
        "column": one.place.column,
        "seen": one.seen,
        "why": one.why,
        "right": one.right,
        "replacement": one.replacement,
        "source": one.source,
    }


def _gap(one: NotJudged) -> dict[str, Any]:
    return {
        "file": one.file,
        "line": one.place.line,
        "column": one.place.column,
        "what": one.what,
        "why": one.why,
    }


def rules_json() -> dict[str, Any]:
    """All rules."""
    rules = [
        {"id": one.id, "severity": one.severity.value, "title": one.title, "source": one.source}
        for one in RULES.values()
    ]
    return {"schema": "vfio-wizard/lint-rules/1", "rules": rules}
