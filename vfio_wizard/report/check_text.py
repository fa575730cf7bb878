"""Findings as a person reads them: the verdict, what blocks, what to do first, then the rest.

Status is always a word; colour repeats it where the reader asked for colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vfio_wizard.checks.registry import find, verdict
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.finding import Evidence, Finding, Fix, Severity, Status, Verdict, Who
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.unread import Gap, Unread, known
from vfio_wizard.report.clean import clean
from vfio_wizard.report.wrap import wrap

WIDTH = 80

_HEAD = {
    Verdict.READY: "READY",
    Verdict.BLOCKED: "BLOCKED",
    Verdict.UNKNOWN: "UNKNOWN",
}
_COLOURS = {
    "READY": "32",
    "BLOCKED": "31",
    "UNKNOWN": "33",
    "fail": "31",
    "unknown": "33",
    "pass": "32",
    "skip": "2",
}
_BY = {
    Who.FIRMWARE: "in the firmware",
    Who.VENDOR: "another kernel or package",
    Who.NOBODY: "no cure by software",
}
_EVIDENCE_SHOWN = 3
_ASK_THE_MACHINE = (
    "This source does not tell the rest. Run vfio-wizard --check on the machine itself, or take a capture "
    "there (vfio-wizard capture -o FILE) and look at it with --host FILE; --verbose shows each command."
)


def check_text(
    facts: HostFacts,
    findings: tuple[Finding, ...],
    names: Mapping[PciAddress, str] | None = None,
    *,
    width: int = WIDTH,
    colour: bool = False,
    verbose: bool = False,
    narrowed: bool = False,
) -> str:
    """The report. ``names`` gives words for addresses; ``verbose`` shows everything in full.

    ``narrowed``: not all checks were asked, so that nothing can be said of the machine as a whole.
    """
    page = _Page(width, colour, {str(address): words for address, words in (names or {}).items()})
    lines = [*_heading(facts, findings, page, narrowed), ""]
    lines += _blockers(findings, page)
    lines += _steps(facts, findings, page)
    lines += _warnings(findings, page)
    lines += [] if verbose else _notes(findings, page)
    lines += _everything(findings, page) if verbose else _folded(findings, page)
    while lines and not lines[-1]:
        lines.pop()
    return "\n".join(lines) + "\n"


class _Page:
    """How wide, in colour or not, and what the addresses are called; a name is said once."""

    def __init__(self, width: int, colour: bool, names: dict[str, str]) -> None:
        self.width = width
        self.colour = colour
        self.names = names

    def paint(self, word: str) -> str:
        """A status word, coloured if wanted; the word itself stays."""
        return f"\x1b[{_COLOURS[word]}m{word}\x1b[0m" if self.colour and word in _COLOURS else word

    def wrapped(self, text: str, first: str = "", rest: str | None = None) -> list[str]:
        """Cleaned text within the width."""
        return wrap(clean(text), self.width, first, rest)

    def titled(self, status: str, finding: Finding) -> list[str]:
        """``fail  group.isolated 0000:0b:00.0 (name)``, with the status word painted."""
        plain = self.wrapped(self.title(finding), f"{status:<8}")
        return [plain[0].replace(status, self.paint(status), 1), *plain[1:]]

    def title(self, finding: Finding) -> str:
        """Id and subject, with its name where it is met for the first time."""
        subject = finding.outcome.subject
        if subject is None:
            return finding.id
        name = self.names.pop(subject, None)
        return f"{finding.id} {subject} ({name})" if name else f"{finding.id} {subject}"


def _heading(facts: HostFacts, findings: tuple[Finding, ...], page: _Page, narrowed: bool) -> list[str]:
    decided = verdict(findings)
    if narrowed and decided is Verdict.READY:
        return [*page.wrapped(_of_a_part(findings)), *page.wrapped(machine_words(facts))]
    word = _HEAD[decided]
    lines = page.wrapped(verdict_sentence(decided, findings), f"{word}: ")
    return [lines[0].replace(word, page.paint(word), 1), *lines[1:], *page.wrapped(machine_words(facts))]


def _of_a_part(findings: tuple[Finding, ...]) -> str:
    """Nobody is ready by a few checks."""
    warnings = sum(1 for _ in _of(findings, Severity.WARNING, Status.FAIL))
    below = f"; {warnings} warning{'s' if warnings > 1 else ''} below" if warnings else ""
    return f"Nothing blocks in the checks that were asked for{below}. The others were left out."


def verdict_sentence(decided: Verdict, findings: tuple[Finding, ...]) -> str:
    """What the verdict means here, in one sentence."""
    if decided is Verdict.BLOCKED:
        count = sum(1 for _ in _of(findings, Severity.BLOCKER, Status.FAIL))
        return (
            "one thing stands" * (count == 1)
            + f"{count} things stand" * (count != 1)
            + " in the way of GPU passthrough."
        )
    if decided is Verdict.UNKNOWN:
        count = sum(1 for _ in _of(findings, Severity.BLOCKER, Status.UNKNOWN))
        what = "one thing that matters" if count == 1 else f"{count} things that matter"
        return f"nothing is known to block, but {what} could not be measured."
    warnings = sum(1 for _ in _of(findings, Severity.WARNING, Status.FAIL))
    if not warnings:
        return "nothing blocks GPU passthrough."
    return f"nothing blocks GPU passthrough; {warnings} warning{'s' if warnings > 1 else ''} below."


def machine_words(facts: HostFacts) -> str:
    """Which machine this is: kernel, processor, firmware, boot loader, initramfs generator."""
    boot = facts.boot
    words = (
        "this machine" if facts.source.live else facts.source.label,
        None if isinstance(facts.kernel.release, Unread) else f"Linux {facts.kernel.release}",
        known(facts.cpu.model, None) or known(facts.cpu.vendor, None),
        known(facts.firmware.type, None),
        None if isinstance(boot.loader, Unread) else boot.loader.name,
        None if isinstance(boot.initramfs, Unread) else boot.initramfs.name,
    )
    return ", ".join(word for word in words if word)


def _of(findings: tuple[Finding, ...], severity: Severity, *statuses: Status) -> Iterable[Finding]:
    return (one for one in findings if one.severity is severity and one.outcome.status in statuses)


def _blockers(findings: tuple[Finding, ...], page: _Page) -> list[str]:
    """What fails in full; only where nothing does, what could not be measured."""
    found = tuple(_of(findings, Severity.BLOCKER, Status.FAIL))
    if not found:
        return _unmeasured(findings, page)
    lines = ["BLOCKERS"]
    for finding in found:
        lines += page.titled("fail", finding)
        lines += page.wrapped(_capital(finding.outcome.summary), " " * 8)
        lines += _seen(finding.outcome.evidence, page)
    return [*lines, ""]


def _unmeasured(findings: tuple[Finding, ...], page: _Page) -> list[str]:
    """Unknown blockers, with what was seen where a source spoke at all; the same words only once."""
    lines: list[str] = []
    last = ""
    for finding in _of(findings, Severity.BLOCKER, Status.UNKNOWN):
        lines += page.titled("unknown", finding)
        if finding.outcome.summary != last:
            lines += page.wrapped(_capital(finding.outcome.summary), " " * 8)
            lines += [] if _is_untold(finding) else _seen(finding.outcome.evidence, page)
        last = finding.outcome.summary
    return ["NOT MEASURED", *lines, ""] if lines else []


def _is_untold(finding: Finding) -> bool:
    """Unknown only because the source does not speak of it: nothing was seen that could be shown."""
    evidence = finding.outcome.evidence
    return _is(finding, Status.UNKNOWN) and bool(evidence) and evidence[0].value.startswith(Gap.UNTOLD.value)


def _seen(evidence: tuple[Evidence, ...], page: _Page, limit: int = _EVIDENCE_SHOWN) -> list[str]:
    lines: list[str] = []
    for one in evidence[:limit]:
        lines += page.wrapped(f"{one.source}: {one.value}", " " * 8 + "seen: ")
    if len(evidence) > limit:
        lines.append(" " * 8 + f"and {len(evidence) - limit} more")
    return lines


def _steps(facts: HostFacts, findings: tuple[Finding, ...], page: _Page) -> list[str]:
    """The fixes of what blocks, in the order of the checks, each once."""
    fails = tuple(_of(findings, Severity.BLOCKER, Status.FAIL))
    wanted = fails or tuple(_of(findings, Severity.BLOCKER, Status.UNKNOWN))
    steps: dict[Fix, str] = {}
    for finding in wanted:
        if finding.outcome.fix is not None and (facts.source.live or not _is_untold(finding)):
            steps.setdefault(finding.outcome.fix, finding.id)
    lines = ["DO FIRST" if fails else "TO KNOW MORE"]
    before = ""
    for number, (fix, name) in enumerate(steps.items(), 1):
        lines += _step(number, _without(fix, before), name, page, bool(fails))
        before = fix.text
    if len(steps) < len(wanted) and not fails and not facts.source.live:
        lines += page.wrapped(_ASK_THE_MACHINE, f"{len(steps) + 1}. ")
    return [*lines, ""] if len(lines) > 1 else []


def _without(fix: Fix, before: str) -> Fix:
    """The fix without the step that was printed just before it, with which it may begin."""
    rest = fix.text.removeprefix(before).removeprefix(" Then: ") if before else fix.text
    return fix._replace(text=_capital(rest)) if rest else fix


def _step(number: int, fix: Fix, name: str, page: _Page, is_cure: bool) -> list[str]:
    where = f" ({_BY[fix.who]})" if fix.who in _BY else ""
    lines = [*page.wrapped(f"{fix.text} [{name}]{where}", f"{number}. "), *_to_copy(fix, page, 3)]
    return [*lines, *_proof(name, page, 3)] if is_cure else lines


def _proof(name: str, page: _Page, indent: int) -> list[str]:
    """How to see that the fix worked."""
    check = find(name)
    return page.wrapped(check.verify, " " * indent) if check is not None and check.verify else []


def _to_copy(fix: Fix, page: _Page, indent: int) -> list[str]:
    lines = []
    if fix.kernel_parameters:
        lines += page.wrapped(" ".join(fix.kernel_parameters), " " * indent + "kernel parameters to add: ")
    for command in fix.commands:
        lines += page.wrapped(_shell(command), " " * indent + "$ ", " " * (indent + 4))
    return lines


def _shell(command: tuple[str, ...]) -> str:
    return " ".join(_quoted(word) for word in command)


def _quoted(word: str) -> str:
    plain = word and all(char.isalnum() or char in "-_./:=,+@%$" for char in word)
    return word if plain else "'" + word.replace("'", "'\\''") + "'"


def _warnings(findings: tuple[Finding, ...], page: _Page) -> list[str]:
    """Failing warnings; a fix that stands just above is not said again."""
    lines: list[str] = []
    last = ""
    for finding in _of(findings, Severity.WARNING, Status.FAIL):
        lines += page.titled("fail", finding)
        lines += page.wrapped(_capital(finding.outcome.summary), " " * 8)
        fix = finding.outcome.fix
        if fix is not None and fix.text != last:
            lines += page.wrapped(fix.text, " " * 8 + "do: ")
            last = fix.text
    return ["WARNINGS", *lines, ""] if lines else []


def _notes(findings: tuple[Finding, ...], page: _Page) -> list[str]:
    """Failing notes in one or two lines each; those of several cards together."""
    groups: dict[str, list[Finding]] = {}
    for finding in _of(findings, Severity.NOTE, Status.FAIL):
        groups.setdefault(finding.id, []).append(finding)
    lines: list[str] = []
    for name, found in groups.items():
        words = ", ".join(str(one.outcome.subject) for one in found)
        if len(found) == 1:
            words = f"{found[0].outcome.subject or ''} {found[0].outcome.summary}".strip()
        lines += page.wrapped(f"{name}: {words}", "note    ")
    return ["NOTES", *lines, ""] if lines else []


_LISTED = 6
"""So many ids are listed; more are counted by area."""


def _folded(findings: tuple[Finding, ...], page: _Page) -> list[str]:
    lines = []
    listed = not any(True for _ in _of(findings, Severity.BLOCKER, Status.FAIL))
    unknown = tuple(
        one
        for one in findings
        if _is(one, Status.UNKNOWN) and not (listed and one.severity is Severity.BLOCKER)
    )
    blockers = _ids(one for one in unknown if one.severity is Severity.BLOCKER)
    lesser = _ids(one for one in unknown if one.severity is not Severity.BLOCKER)
    shown = (
        ("unknown", len(blockers) + len(lesser), [*blockers, *_counted(lesser)]),
        ("pass", 0, _counted(_ids(one for one in findings if _is(one, Status.PASS)))),
        ("skip", 0, _counted(_ids(one for one in findings if _is(one, Status.SKIP)))),
    )
    for word, count, names in shown:
        if names:
            number = count or len(_ids(one for one in findings if one.outcome.status.value == word))
            lines += page.wrapped(", ".join(names), f"{word:<7} {number:>2}: ")
    lines += page.wrapped("--verbose shows all of it; vfio-wizard explain ID says more about one.")
    return lines


def _counted(names: list[str]) -> list[str]:
    """A few ids as they are; many by area: ``boot 9, gpu 14``."""
    if len(names) <= _LISTED:
        return names
    areas: dict[str, int] = {}
    for name in names:
        area = name.partition(".")[0]
        areas[area] = areas.get(area, 0) + 1
    return [f"{area} {count}" for area, count in areas.items()]


def _is(finding: Finding, status: Status) -> bool:
    return finding.outcome.status is status


def _ids(findings: Iterable[Finding]) -> list[str]:
    counts: dict[str, int] = {}
    for one in findings:
        counts[one.id] = counts.get(one.id, 0) + 1
    return [name if count == 1 else f"{name} x{count}" for name, count in counts.items()]


def _everything(findings: tuple[Finding, ...], page: _Page) -> list[str]:
    """Every finding in reading order, with all evidence and every fix."""
    lines = ["ALL FINDINGS"]
    for finding in findings:
        outcome = finding.outcome
        lines += page.titled(outcome.status.value, finding)
        lines += page.wrapped(_capital(outcome.summary), " " * 8)
        lines += _seen(outcome.evidence, page, len(outcome.evidence))
        if outcome.fix is not None:
            label = "to know: " if outcome.status is Status.UNKNOWN else "do: "
            text = outcome.fix.text.removeprefix("To know: ")
            lines += page.wrapped(text, " " * 8 + label)
            lines += _to_copy(outcome.fix, page, 8)
            lines += _proof(finding.id, page, 8) if outcome.status is Status.FAIL else []
    return lines


_NAMES = ("libvirt", "vfio", "pcie", "swtpm", "grub", "systemd", "kvmfr")


def _capital(text: str) -> str:
    """The sentence with a capital letter, unless it begins with a name that has none."""
    return text if text.startswith(_NAMES) else text[:1].upper() + text[1:]
