"""One page about a machine: verdict, what to do, cards, group map, findings and plan.

It stands alone: no script, no font, no picture from elsewhere, and everything that was read is escaped.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from html import escape

from vfio_wizard.cards.units import Gpu, cards, gpus
from vfio_wizard.checks.registry import find, verdict
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.finding import Finding, Fix, Severity, Status
from vfio_wizard.model.iommu import IommuGroup
from vfio_wizard.model.pci import PciAddress, PciFunction
from vfio_wizard.model.plan import Artifact, Plan
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Unread, known
from vfio_wizard.render.outcome import Rendered
from vfio_wizard.report.check_text import machine_words, verdict_sentence
from vfio_wizard.report.clean import clean
from vfio_wizard.report.html_style import STYLE
from vfio_wizard.report.pages.devices import kind_of
from vfio_wizard.report.pages.findings import WHO, in_reading_order, sentence, status_word
from vfio_wizard.report.plan_text import difference

Names = Mapping[PciAddress, str]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_SHOWN = (Status.FAIL, Status.UNKNOWN)


class Planned(NamedTuple):
    """A plan with its files, and what stands on the host now (by path without the first slash)."""

    plan: Plan
    rendered: Rendered
    before: Mapping[str, str]


class _Pen:
    """Writes text so that a browser only ever reads it."""

    def __init__(self, hide: Callable[[str], str]) -> None:
        self._hide = hide

    def text(self, text: object) -> str:
        """Without secrets, without controls, escaped."""
        return escape(clean(self._hide(str(text))), quote=True)


def page(
    facts: HostFacts,
    names: Names,
    findings: tuple[Finding, ...],
    planned: Planned | None = None,
    *,
    tool_version: str,
    hide: Callable[[str], str] = str,
) -> str:
    """The whole document. ``hide`` takes out of a text what is nobody's business."""
    pen = _Pen(hide)
    parts = [
        *_head(pen, findings),
        *_summary(pen, facts, findings),
        *_to_do(pen, findings),
        *_cards(pen, facts, names),
        *_groups(pen, facts, names),
        *_findings(pen, findings),
        *(_plan(pen, planned) if planned is not None else ()),
        f"<footer>Made by vfio-wizard {pen.text(tool_version)}. Serial numbers, UUIDs, MAC addresses and "
        "names of people were taken out.</footer>",
        "</main></body></html>",
    ]
    return "\n".join(parts) + "\n"


def _head(pen: _Pen, findings: tuple[Finding, ...]) -> Iterator[str]:
    word = verdict(findings).value.upper()
    yield "<!doctype html>"
    yield '<html lang="en"><head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="generator" content="vfio-wizard">'
    yield f"<title>GPU passthrough: {pen.text(word)}</title>"
    yield f"<style>{STYLE}</style></head><body><main>"


def _summary(pen: _Pen, facts: HostFacts, findings: tuple[Finding, ...]) -> Iterator[str]:
    decided = verdict(findings)
    yield f'<h1><span class="word {decided.value}">{decided.value.upper()}</span> '
    yield f"{pen.text(verdict_sentence(decided, findings))}</h1>"
    board = [one for one in (facts.firmware.board.vendor, facts.firmware.board.name) if isinstance(one, str)]
    machine = machine_words(facts._replace(source=facts.source._replace(label="a machine", live=False)))
    yield f"<p>{pen.text(' '.join(board) + ': ' if board else '')}{pen.text(machine)}</p>"
    counts = {status: sum(1 for one in findings if one.outcome.status is status) for status in Status}
    words = ", ".join(f"{count} {status.value}" for status, count in counts.items() if count)
    yield f"<p>{pen.text(words)}</p>"


def _to_do(pen: _Pen, findings: tuple[Finding, ...]) -> Iterator[str]:
    """The fixes of what blocks, each once, in the order of the checks."""
    fixes: dict[Fix, str] = {}
    for one in findings:
        blocks = one.severity is Severity.BLOCKER and one.outcome.status is Status.FAIL
        if blocks and one.outcome.fix is not None:
            fixes.setdefault(one.outcome.fix, one.id)
    if not fixes:
        return
    yield "<h2>Do first</h2><ol>"
    for fix, name in fixes.items():
        yield f"<li>{pen.text(fix.text)} <small>({pen.text(WHO[fix.who])}; {pen.text(name)})</small>"
        yield from _to_copy(pen, fix)
        yield "</li>"
    yield "</ol>"


def _to_copy(pen: _Pen, fix: Fix) -> Iterator[str]:
    if fix.kernel_parameters:
        yield f"<pre>kernel parameters: {pen.text(' '.join(fix.kernel_parameters))}</pre>"
    for command in fix.commands:
        yield f"<pre>{pen.text(shlex.join(command))}</pre>"


def _cards(pen: _Pen, facts: HostFacts, names: Names) -> Iterator[str]:
    found = gpus(facts)
    yield "<h2>Graphics cards</h2>"
    if isinstance(found, Unread):
        yield f"<p>Not known: {pen.text(found.reason)}</p>"
        return
    if not found:
        yield "<p>None was seen.</p>"
        return
    yield "<table><thead><tr><th>address<th>card<th>group<th>isolated<th>remarks</tr></thead><tbody>"
    for one in cards(found):
        yield _card(pen, one, facts, names)
    yield "</tbody></table>"


_ISOLATED = {True: "yes", False: "no", None: "not known"}


def _card(pen: _Pen, one: Gpu, facts: HostFacts, names: Names) -> str:
    cells = (
        ", ".join(str(address) for address in one.functions),
        _name(facts.function(one.address), names),
        ", ".join(str(number) for number in one.groups) or "-",
        _ISOLATED[one.isolated],
        ", ".join(_remarks(one)) or "-",
    )
    return "<tr>" + "".join(f"<td>{pen.text(cell)}" for cell in cells) + "</tr>"


def _remarks(one: Gpu) -> Iterator[str]:
    yield one.type or "type not known"
    if one.boot_vga:
        yield "boot display"
    if one.twins:
        yield f"same id as {', '.join(str(address) for address in one.twins)}"
    if one.shares_with:
        yield f"shares its group with {', '.join(str(address) for address in one.shares_with)}"


def _name(function: PciFunction | None, names: Names) -> str:
    if function is None:
        return ""
    return names.get(function.address) or function.name or ""


def _groups(pen: _Pen, facts: HostFacts, names: Names) -> Iterator[str]:
    """The map: one box per group; those with a graphics card stand out, by a word too."""
    groups = facts.iommu.groups
    yield "<h2>IOMMU groups</h2>"
    if isinstance(groups, Unread) or not groups:
        why = groups.reason if isinstance(groups, Unread) else "none, since no IOMMU is active"
        yield f"<p>{pen.text(why)}</p>"
        return
    functions = {one.address: one for one in known(facts.pci, ())}
    ordered = sorted(groups, key=lambda one: one.number)
    plain = [one for one in ordered if _is_bridges_only(one, functions)]
    yield '<div class="map">'
    for group in ordered:
        if group not in plain:
            yield from _group(pen, group, facts, names)
    yield "</div>"
    if plain:
        yield f'<details><summary>{len(plain)} groups with bridges only</summary><div class="map">'
        for group in plain:
            yield from _group(pen, group, facts, names)
        yield "</div></details>"


def _is_bridges_only(group: IommuGroup, functions: Mapping[PciAddress, PciFunction]) -> bool:
    members = [functions[one] for one in group.members if one in functions]
    return bool(members) and not group.others and all(one.is_bridge for one in members)


def _group(pen: _Pen, group: IommuGroup, facts: HostFacts, names: Names) -> Iterator[str]:
    has_card = any(set(one.functions) & set(group.members) for one in cards(known(gpus(facts), ())))
    yield f'<section class="group{" card" if has_card else ""}"><h3>group {group.number}'
    yield f"{' - graphics card' if has_card else ''}</h3><ul>"
    for address in sorted(group.members):
        yield _member(pen, address, facts.function(address), names)
    yield from (f"<li>{pen.text(other)}</li>" for other in group.others)
    yield "</ul></section>"


def _member(pen: _Pen, address: PciAddress, function: PciFunction | None, names: Names) -> str:
    what = kind_of(function) if function else "?"
    ids = "" if function is None or isinstance(function.id, Unread) else f"[{function.id}]"
    bridge = ' class="bridge"' if function is not None and function.is_bridge else ""
    driver = function.driver if function is not None and isinstance(function.driver, str) else ""
    words = f"{what} {_name(function, names)} {ids} {driver}".strip()
    return f"<li{bridge}><code>{pen.text(address)}</code> {pen.text(words)}</li>"


def _findings(pen: _Pen, findings: tuple[Finding, ...]) -> Iterator[str]:
    ordered = in_reading_order(findings)
    yield "<h2>Findings</h2>"
    for one in ordered:
        if one.outcome.status in _SHOWN:
            yield from _finding(pen, one)
    rest = [one for one in ordered if one.outcome.status not in _SHOWN]
    yield f"<details><summary>{len(rest)} passed or do not apply</summary><ul>"
    for one in rest:
        text = f"{one.outcome.status.value} {one.id} {one.outcome.subject or ''}: {one.outcome.summary}"
        yield f"<li>{pen.text(text)}</li>"
    yield "</ul></details>"


def _finding(pen: _Pen, one: Finding) -> Iterator[str]:
    word, tone = status_word(one)
    is_open = " open" if one.severity is Severity.BLOCKER else ""
    outcome = one.outcome
    subject = pen.text(outcome.subject or "")
    yield f'<details{is_open}><summary><span class="word {tone.value}">{pen.text(word)}</span> '
    yield f"<b>{pen.text(one.id)}</b> {subject} {pen.text(sentence(outcome.summary))}</summary>"
    if outcome.fix is not None:
        yield f"<p>{pen.text(outcome.fix.text)} <small>({pen.text(WHO[outcome.fix.who])})</small></p>"
        yield from _to_copy(pen, outcome.fix)
    check = find(one.id)
    if check is not None:
        yield f"<p><small>{pen.text(check.why)}</small></p>"
    if outcome.evidence:
        yield "<dl>"
        for seen in outcome.evidence:
            yield f"<dt>{pen.text(seen.source)}<dd><code>{pen.text(seen.value)}</code>"
        yield "</dl>"
    yield "</details>"


def _plan(pen: _Pen, planned: Planned) -> Iterator[str]:
    plan, rendered = planned.plan, planned.rendered
    yield "<h2>Plan</h2><ul>"
    for one in plan.functions:
        yield f"<li><code>{pen.text(one.address)}</code> {pen.text(one.kind)} {pen.text(one.name or '')}</li>"
    yield f"</ul><p>Bound by {plan.bind.by.value}: {pen.text(plan.bind.because)}</p>"
    for refusal in plan.refusals:
        yield f'<p><span class="word bad">REFUSED</span> {pen.text(refusal.text)}'
        yield f" <small>({pen.text(refusal.id)})</small></p>"
    for advice in plan.warnings:
        yield f'<p><span class="word warn">mind</span> {pen.text(advice.text)}</p>'
    if plan.settled:
        yield "<p>This machine has all of it already.</p>"
    for artifact in rendered.artifacts:
        yield from _file(pen, artifact, planned.before)
    if rendered.commands:
        commands = "\n".join(pen.text(one.shown) for one in rendered.commands)
        yield f"<h3>Then run</h3><pre>{commands}</pre>"
    yield from (f'<p><span class="word warn">by hand</span> {pen.text(note)}</p>' for note in rendered.notes)
    for way in rendered.ways_back:
        yield f'<p><span class="word good">way back</span> {pen.text(way)}</p>'


def _file(pen: _Pen, artifact: Artifact, before: Mapping[str, str]) -> Iterator[str]:
    yield f"<h3>{pen.text(artifact.path)}</h3><p><small>{pen.text(artifact.because)}</small></p>"
    lines = difference(artifact, before.get(artifact.path.lstrip("/")))
    yield '<pre class="diff">' + "\n".join(_changed(pen, line) for line in lines) + "</pre>"


def _changed(pen: _Pen, line: str) -> str:
    tag = {"+": "ins", "-": "del"}.get(line.lstrip()[:1])
    text = pen.text(line.removeprefix("  "))
    return f"<{tag}>{text}</{tag}>" if tag else text
