"""Step 1: what this machine is, in one page."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from vfio_wizard.report.pages.rows import Line, Tone, said
from vfio_wizard.report.pages.steps import short_help
from vfio_wizard.tui.drawn import Page
from vfio_wizard.tui.state import State


class LookPane(Container):
    """A text to read; Enter goes on. It is the first paint, and imports little."""

    step = "look"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "app.next(1)", show=False)]

    def __init__(self, state: State) -> None:
        """Before the first look there is little to say."""
        super().__init__(id=self.step, classes="pane")
        self.state = state
        self.is_ready = False

    def compose(self) -> ComposeResult:
        """One text."""
        yield Page(id="page")

    def on_mount(self) -> None:
        """Show what is known already."""
        self.is_ready = True
        self.show(self.state)
        if self.display:
            self.focus_first()

    def show(self, state: State) -> None:
        """Another state."""
        self.state = state
        if self.is_ready:
            self.query_one(Page).show(self._lines, keep=True)

    def _lines(self, width: int) -> list[Line]:
        survey = self.state.survey
        if survey is None:
            return [*said(self.state.problem or _FIRST, width), Line(""), *short_help("look", width)]
        from vfio_wizard.report.pages.look import page  # noqa: PLC0415 - not needed for the first paint

        gone = [f"{one} was chosen before and is not there any more." for one in survey.gone]
        lines = [line for text in gone for line in said(text, width, Tone.WARN)]
        return [*lines, *page(survey.shelf, width)]

    def focus_first(self) -> None:
        """The keys scroll the page."""
        if self.is_ready:
            self.query_one(Page).focus()

    def to_copy(self) -> str:
        """Nothing to copy here."""
        return ""

    def explains(self) -> str:
        """The step's own help."""
        return ""


_FIRST = "Looking at the machine: its devices, its firmware, its kernel, and how it boots."
