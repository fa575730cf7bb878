"""A review as a person reads it: place, what stands there, why it is wrong, what is right."""

from __future__ import annotations

from vfio_wizard.lint.mistake import Mistake, NotJudged, Severity
from vfio_wizard.lint.review import Review
from vfio_wizard.lint.rules import RULES
from vfio_wizard.lint.situation import Situation
from vfio_wizard.model.unread import Unread
from vfio_wizard.report.clean import clean
from vfio_wizard.report.wrap import wrap

_COLOURS = {Severity.ERROR: "31", Severity.WARNING: "33", Severity.NOTE: "36"}
_GAPS_SHOWN = 5
_NAMES = frozenset(("vfio", "modprobe", "dracut", "mkinitcpio", "udev", "libvirt"))
"""Words that stay small at the beginning of a sentence."""


def lint_text(found: Review, situation: Situation, *, width: int = 80, colour: bool = False) -> str:
    """The whole report."""
    lines: list[str] = []
    for one in found.mistakes:
        lines += [*_mistake(one, width, colour=colour), ""]
    if found.gaps:
        lines += [*_gaps(found.gaps, width), ""]
    lines += wrap(clean(_summary(found, situation)), width)
    return "\n".join(lines) + "\n"


def _mistake(one: Mistake, width: int, *, colour: bool) -> list[str]:
    word = f"\x1b[{_COLOURS[one.severity]}m{one.severity}\x1b[0m" if colour else one.severity.value
    where = clean(f"{one.file}:{one.place.line}:{one.place.column}")
    lines = [f"{where}: {word}: {one.rule}"]
    lines += wrap(clean(one.seen), width, "    ") if one.seen else []
    lines += wrap(clean(_sentence(one.why)), width, "  why  ")
    if one.right:
        lines += wrap(clean(one.right), width, "  do   ")
    return lines


def _sentence(text: str) -> str:
    first = text.split(" ", 1)[0]
    begun = text[:1].upper() + text[1:] if first.isalpha() and first not in _NAMES else text
    return begun + ("" if text.endswith(".") else ".")


def _gaps(gaps: tuple[NotJudged, ...], width: int) -> list[str]:
    lines = [f"NOT JUDGED ({len(gaps)})"]
    for one in gaps[:_GAPS_SHOWN]:
        where = f"{one.file}:{one.place.line}:{one.place.column}"
        lines += wrap(clean(f"{where}: {one.what}: {one.why}"), width, "  ", "      ")
    if len(gaps) > _GAPS_SHOWN:
        lines.append(f"  and {len(gaps) - _GAPS_SHOWN} more; --json has them all")
    return lines


def _summary(found: Review, situation: Situation) -> str:
    counts = [_count(found.count(severity), severity.value) for severity in Severity]
    files = ", ".join(f"{one.name} ({one.kind})" for one in found.files)
    told = ", ".join(one for one in counts if one) or "nothing wrong"
    return f"{files}: {told}. {_judged_for(situation)}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}" if number else ""


def _judged_for(situation: Situation) -> str:
    parts = []
    if situation.facts is not None:
        parts.append(situation.facts.source.label)
        if isinstance(situation.facts.pci, Unread):
            parts.append("whose devices are not known")
    if situation.kernel is not None:
        parts.append(f"Linux {situation.kernel[0]}.{situation.kernel[1]}")
    if situation.release is not None:
        parts.append(f"NixOS {situation.release}")
    if not parts:
        return "Judged for any host and the newest kernel; --host, --kernel and --nixos-release narrow it."
    return f"Judged for {', '.join(parts)}."


def rules_text(width: int = 80) -> str:
    """All rules, one each with its severity."""
    lines: list[str] = []
    for one in RULES.values():
        lines += [f"{one.id}  ({one.severity})", *wrap(one.title, width, "    ")]
    return "\n".join(lines) + "\n"


def rules_markdown() -> str:
    """The table of docs/lint.md."""
    rows = [f"| `{one.id}` | {one.severity} | {one.title} | {one.source} |" for one in RULES.values()]
    return "\n".join(("| rule | severity | what it finds | source |", "|---|---|---|---|", *rows)) + "\n"
