"""The step Look: the verdict, the machine, its cards in a line each, and what to expect."""

from __future__ import annotations

from vfio_wizard.cards.units import Gpu
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.finding import Finding, Severity, Status, Verdict
from vfio_wizard.model.unread import Unread
from vfio_wizard.report.check_text import machine_words, verdict_sentence
from vfio_wizard.report.clean import clean
from vfio_wizard.report.pages.devices import Shelf, screens_of
from vfio_wizard.report.pages.findings import in_reading_order, sentence, status_word
from vfio_wizard.report.pages.rows import Line, Tone, fit, said

_SHOWN = 4


def verdict_line(verdict: Verdict, findings: tuple[Finding, ...]) -> str:
    """The verdict as a word and a sentence."""
    return f"{verdict.value.upper()}: {verdict_sentence(verdict, findings)}"


def page(has: Shelf, width: int) -> list[Line]:
    """The whole first page; the verdict stands above it, as on every step."""
    facts = has.facts
    lines = said(_board(facts) + machine_words(facts), width, Tone.FAINT)
    lines += [Line(""), Line("The graphics cards", Tone.HEAD)]
    lines += [line for one in has.cards for line in _card(has, one, width)]
    if not has.cards:
        lines += said(_without(facts), width, first="  ")
    return [*lines, *_against(has.findings, width), *_gaps(has, width)]


def _board(facts: HostFacts) -> str:
    words = [one for one in (facts.firmware.board.vendor, facts.firmware.board.name) if isinstance(one, str)]
    return f"{' '.join(words)}: " if words else ""


def _without(facts: HostFacts) -> str:
    if isinstance(facts.pci, Unread):
        return f"Not known: the PCI devices could not be read ({facts.pci.reason})."
    return "None. There is nothing that could be given to a guest."


def _card(has: Shelf, card: Gpu, width: int) -> list[Line]:
    name = clean(has.names.get(card.address) or "unknown card")
    lines = [Line(fit(f"  {str(card.address).removeprefix('0000:')}  {name}", width))]
    return [*lines, *said(_can(has, card) + _on_it(has, card), width, first=" " * 11)]


def _can(has: Shelf, card: Gpu) -> str:
    if has.never.get(card.address):
        return "stays: it is of no use to a guest"
    ids = {one.id for one in has.standing.get(card.address, ())}
    if not ids:
        return "can be given to a guest"
    return _REFUSED.get(min(ids), "not as things are") if len(ids) == 1 else "not as things are"


_REFUSED = {
    "display.only": "the only display of this machine",
    "group.shared": "not as things are: shares its group with other devices",
    "gpu.has-virtual-functions": "carries virtual functions; one of those can be given",
}


def _on_it(has: Shelf, card: Gpu) -> str:
    screens = screens_of(has.facts, card)
    words = ["boot display"] if card.boot_vga else []
    words += [f"screen on {' and '.join(screens)}"] if screens else []
    return f" ({', '.join(words)})" if words else ""


def _against(findings: tuple[Finding, ...], width: int) -> list[Line]:
    """What blocks, else what hurts: the first few, as sentences."""
    failing = [
        one
        for one in in_reading_order(findings)
        if (one.outcome.status is Status.FAIL and one.severity is not Severity.NOTE)
        or (one.outcome.status is Status.UNKNOWN and one.severity is Severity.BLOCKER)
    ]
    if not failing:
        return [Line(""), *said("Nothing stands in the way, and nothing will hurt that can be known.", width)]
    lines = [Line(""), Line("What was found", Tone.HEAD)]
    for one in failing[:_SHOWN]:
        word, tone = status_word(one)
        about = f"{one.id} {(one.outcome.subject or '').removeprefix('0000:')}".rstrip()
        lines += said(f"{sentence(one.outcome.summary)} [{about}]", width, tone, f"  {word:<6}")
    if len(failing) > _SHOWN:
        lines += said(f"and {len(failing) - _SHOWN} more on the next step", width, Tone.FAINT, " " * 8)
    return lines


def _gaps(has: Shelf, width: int) -> list[Line]:
    """Where being an ordinary user hides something, it is said once, and without alarm."""
    denied = sum(1 for one in has.findings if one.outcome.status is Status.UNKNOWN)
    if not denied:
        return []
    text = f"{denied} questions could not be answered from here; step Check says what would answer each."
    return [Line(""), *said(text, width, Tone.FAINT)]
