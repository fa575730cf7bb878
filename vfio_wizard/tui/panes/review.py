"""Step 3: what would be written, in full, before anything is."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Static, TextArea

from vfio_wizard.report.clean import clean
from vfio_wizard.tui.survey import Proposal


class ReviewPane(Widget):
    """Refusals and warnings above, the file below."""

    def __init__(self) -> None:
        super().__init__(id="review", classes="pane")
        self.proposal: Proposal | None = None

    def compose(self) -> ComposeResult:
        """A summary and the text of the file."""
        with Vertical():
            yield Static("Choose a card on step 2.", id="summary", classes="top", markup=False)
            yield TextArea("", id="file", classes="wide", read_only=True, soft_wrap=False)

    def show(self, proposal: Proposal | None, reason: str = "Choose a card on step 2.") -> None:
        """Show a proposal, or why there is none."""
        self.proposal = proposal
        self.query_one("#summary", Static).update(_summary(proposal) if proposal else Text(clean(reason)))
        self.query_one("#file", TextArea).text = proposal.text if proposal else ""


def _summary(proposal: Proposal) -> Text:
    text = Text()
    for one in proposal.refusals:
        text.append("REFUSED ", style="bold red")
        text.append(clean(one) + "\n")
    for one in proposal.warnings:
        text.append("mind    ", style="yellow")
        text.append(clean(one) + "\n")
    if not proposal.refusals:
        text.append("The same without the wizard: ", style="dim")
        text.append(clean(proposal.command))
    return text
