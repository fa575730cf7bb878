"""Step 1: what was found, what blocks first, with its evidence and its fix beside it."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from vfio_wizard.model.finding import Finding, Severity, Status
from vfio_wizard.report.clean import clean
from vfio_wizard.tui.survey import Survey

_WORD = {
    (Severity.BLOCKER, Status.FAIL): ("BLOCK", "bold red"),
    (Severity.WARNING, Status.FAIL): ("warn", "yellow"),
    (Severity.NOTE, Status.FAIL): ("note", "cyan"),
}
_STATUS_WORD = {
    Status.UNKNOWN: ("?", "magenta"),
    Status.PASS: ("ok", "green"),
    Status.SKIP: ("-", "dim"),
}
_ORDER = (
    (Severity.BLOCKER, Status.FAIL),
    (Severity.BLOCKER, Status.UNKNOWN),
    (Severity.WARNING, Status.FAIL),
    (Severity.NOTE, Status.FAIL),
    (Severity.WARNING, Status.UNKNOWN),
    (Severity.NOTE, Status.UNKNOWN),
)


def in_reading_order(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Blockers first, then what could not be known, then warnings and notes, then what passed."""

    def place(finding: Finding) -> int:
        key = (finding.severity, finding.outcome.status)
        return _ORDER.index(key) if key in _ORDER else len(_ORDER) + (finding.outcome.status is Status.SKIP)

    return tuple(sorted(findings, key=place))


def status_word(finding: Finding) -> tuple[str, str]:
    """The word that stands before a finding, and its colour, which says nothing more."""
    found = _WORD.get((finding.severity, finding.outcome.status))
    return found or _STATUS_WORD.get(finding.outcome.status, ("?", "magenta"))


def sentence(summary: str) -> str:
    """A summary as it stands alone: with a capital and a full stop."""
    text = clean(summary)
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", ")")) else ".")


class CheckPane(Widget):
    """Findings on the left, the one under the cursor on the right."""

    def __init__(self) -> None:
        super().__init__(id="check", classes="pane")
        self._findings: tuple[Finding, ...] = ()

    def compose(self) -> ComposeResult:
        """A list and a text."""
        with Horizontal():
            yield OptionList(id="findings", classes="list", markup=False)
            with VerticalScroll(classes="detail", can_focus=True):
                yield Static("Looking at the machine ...", id="finding", markup=False)

    def show(self, survey: Survey) -> None:
        """Fill the list, keeping the cursor on the finding where it stood."""
        options = self.query_one("#findings", OptionList)
        before = self.current
        self._findings = in_reading_order(survey.findings)
        options.clear_options()
        options.add_options([Option(_line(one)) for one in self._findings])
        keys = [(one.id, one.outcome.subject) for one in self._findings]
        wanted = (before.id, before.outcome.subject) if before else None
        if keys:
            options.highlighted = keys.index(wanted) if wanted in keys else 0

    @property
    def current(self) -> Finding | None:
        """The finding under the cursor."""
        place = self.query_one("#findings", OptionList).highlighted
        return self._findings[place] if place is not None and place < len(self._findings) else None

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show the finding under the cursor."""
        event.stop()
        if self.current:
            self.query_one("#finding", Static).update(_detail(self.current))


def _line(finding: Finding) -> Text:
    word, colour = status_word(finding)
    line = Text()
    line.append(f"{word:<5} ", style=colour)
    line.append(clean(finding.id))
    if finding.outcome.subject:
        line.append(f" {clean(finding.outcome.subject).removeprefix('0000:')}", style="dim")
    return line


def _detail(finding: Finding) -> Text:
    word, colour = status_word(finding)
    outcome = finding.outcome
    text = Text()
    text.append(f"{word} ", style=colour)
    text.append(clean(finding.id), style="bold")
    if outcome.subject:
        text.append(f"  {clean(outcome.subject)}")
    text.append(f"\n\n{sentence(outcome.summary)}\n")
    _append_fix(text, finding)
    if outcome.evidence:
        text.append("\n\nSeen", style="bold")
    for one in outcome.evidence:
        text.append(f"\n{clean(one.source)}\n  {clean(one.value)}", style="dim")
    return text


def _append_fix(text: Text, finding: Finding) -> None:
    fix = finding.outcome.fix
    if fix is None:
        return
    text.append("\nWhat to do", style="bold")
    text.append(f" ({fix.who.value})\n{clean(fix.text)}")
    for parameter in fix.kernel_parameters:
        text.append(f"\n  kernel parameter  {clean(parameter)}")
    for command in fix.commands:
        text.append(f"\n  $ {clean(' '.join(command))}")
