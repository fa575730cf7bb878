"""The step Check: findings with blockers first, and one of them with its evidence and its fix."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from vfio_wizard.checks.registry import find
from vfio_wizard.model.finding import Evidence, Finding, Fix, Severity, Status, Who
from vfio_wizard.report.clean import clean
from vfio_wizard.report.pages.rows import Line, Row, Tone, said

_WORDS = {
    (Severity.BLOCKER, Status.FAIL): ("BLOCK", Tone.BAD),
    (Severity.WARNING, Status.FAIL): ("warn", Tone.WARN),
    (Severity.NOTE, Status.FAIL): ("note", Tone.NOTE),
}
_STATUS_WORDS = {
    Status.FAIL: ("fail", Tone.WARN),
    Status.UNKNOWN: ("?", Tone.NOTE),
    Status.PASS: ("ok", Tone.GOOD),
    Status.SKIP: ("-", Tone.FAINT),
}
_ORDER = (
    (Severity.BLOCKER, Status.FAIL),
    (Severity.BLOCKER, Status.UNKNOWN),
    (Severity.WARNING, Status.FAIL),
    (Severity.NOTE, Status.FAIL),
    (Severity.WARNING, Status.UNKNOWN),
    (Severity.NOTE, Status.UNKNOWN),
)
_FOLDS = (
    ("unknown", Status.UNKNOWN, "could not be measured"),
    ("pass", Status.PASS, "passed"),
    ("skip", Status.SKIP, "do not apply here"),
)
WHO = {
    Who.USER: "you, on this system",
    Who.FIRMWARE: "in the firmware setup, before Linux starts",
    Who.VENDOR: "another kernel or package",
    Who.NOBODY: "no cure by software",
}


def in_reading_order(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Blockers first, then what could not be known, then warnings and notes, then what passed."""

    def place(finding: Finding) -> int:
        key = (finding.severity, finding.outcome.status)
        return _ORDER.index(key) if key in _ORDER else len(_ORDER) + (finding.outcome.status is Status.SKIP)

    return tuple(sorted(findings, key=place))


def status_word(finding: Finding) -> tuple[str, Tone]:
    """The word that stands before a finding, and its tone, which says nothing more."""
    found = _WORDS.get((finding.severity, finding.outcome.status))
    return found or _STATUS_WORDS[finding.outcome.status]


def sentence(summary: str) -> str:
    """A summary as it stands alone: with a capital and a full stop."""
    text = clean(summary)
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", ")")) else ".")


def key_of(finding: Finding) -> str:
    """The same for the same question in the next look."""
    return f"{finding.id} {finding.outcome.subject or ''}".strip()


def rows(findings: tuple[Finding, ...], opened: frozenset[str]) -> tuple[Row, ...]:
    """What fails one by one; what passed, was not measured or does not apply in folds."""
    ordered = in_reading_order(findings)
    found = [_row(one, 0) for one in ordered if not _is_folded(one)]
    for key, status, words in _FOLDS:
        inside = [one for one in ordered if _is_folded(one) and one.outcome.status is status]
        if inside:
            is_open = key in opened
            found.append(Row(key, f"{len(inside)} {words}", *_STATUS_WORDS[status], opened=is_open))
            found += [_row(one, 1) for one in inside] if is_open else []
    return tuple(found)


def _is_folded(finding: Finding) -> bool:
    if finding.outcome.status is Status.UNKNOWN:
        return finding.severity is not Severity.BLOCKER
    return finding.outcome.status in (Status.PASS, Status.SKIP)


def _row(finding: Finding, depth: int) -> Row:
    word, tone = status_word(finding)
    subject = (finding.outcome.subject or "").removeprefix("0000:")
    text = f"{finding.id} {subject}".rstrip()
    summary = finding.outcome.summary
    return Row(key_of(finding), f"{text}: {summary}", word, tone, depth, explains=finding.id)


def detail(finding: Finding, width: int) -> list[Line]:
    """One finding in full: what was found, what to do, what was seen."""
    word, tone = status_word(finding)
    outcome = finding.outcome
    lines = said(f"{finding.id} {outcome.subject or ''}", width, tone, f"{word} ")
    lines += said(sentence(outcome.summary), width)
    lines += _fix(finding, width)
    if outcome.evidence:
        lines += [Line(""), Line("Seen", Tone.HEAD)]
    for one in outcome.evidence:
        lines += _seen(one, width)
    return lines


def fold_detail(key: str, findings: tuple[Finding, ...], width: int) -> list[Line]:
    """What a fold holds, by name."""
    status = next((one for name, one, _ in _FOLDS if name == key), Status.PASS)
    names = dict.fromkeys(one.id for one in findings if one.outcome.status is status and _is_folded(one))
    lines = said("Right or Enter opens this list; left closes it.", width, Tone.FAINT)
    return [*lines, Line(""), *said(", ".join(names), width)]


def _seen(one: Evidence, width: int) -> Iterator[Line]:
    yield from said(one.source, width, Tone.FAINT, "  ")
    yield from said(one.value, width, Tone.PLAIN, "    ")


def _fix(finding: Finding, width: int) -> list[Line]:
    fix = finding.outcome.fix
    if fix is None:
        return []
    head = "How to know" if finding.outcome.status is Status.UNKNOWN else "What to do"
    lines = [Line(""), Line(f"{head} ({WHO[fix.who]})", Tone.HEAD), *said(fix.text, width)]
    if fix.kernel_parameters:
        lines += said(" ".join(fix.kernel_parameters), width, Tone.ADDED, "kernel parameters: ")
    lines += [line for one in fix.commands for line in said(shlex.join(one), width, Tone.ADDED, "$ ", "    ")]
    check = find(finding.id)
    if check is not None and check.verify and finding.outcome.status is Status.FAIL:
        lines += said(check.verify, width, Tone.FAINT)
    return lines


def to_copy(finding: Finding) -> str:
    """What a person would copy: the commands, else the parameters, else nothing."""
    fix = finding.outcome.fix or Fix(Who.NOBODY, "")
    return "\n".join(shlex.join(one) for one in fix.commands) or " ".join(fix.kernel_parameters)
