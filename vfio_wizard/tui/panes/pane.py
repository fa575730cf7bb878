"""What the panes have in common: a list above (or left), and the text about its row below (or right)."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Container

from vfio_wizard.report.pages.rows import Line, Row, said
from vfio_wizard.tui.drawn import Page, Rows
from vfio_wizard.tui.messages import Folded
from vfio_wizard.tui.state import State


class Pane(Container):
    """One step. Subclasses say which rows, which text, and what choosing means."""

    step: ClassVar[str] = ""
    empty: ClassVar[str] = ""
    """Said where there are no rows."""

    def __init__(self, state: State) -> None:
        """``state`` is shown as soon as the pane is there."""
        super().__init__(id=self.step, classes="pane")
        self.state = state
        self._shown: str | None = None
        self.is_ready = False
        """The rows and the page are there."""

    def compose(self) -> ComposeResult:
        """A list and a text."""
        yield Rows(id="rows")
        yield Page(id="page")

    def on_mount(self) -> None:
        """Show what is known already."""
        self.is_ready = True
        self.show(self.state)
        if self.display:
            self.focus_first()

    def show(self, state: State) -> None:
        """Another state; the cursor stays on its row."""
        self.state = state
        if self.is_ready:
            rows = self.rows(state)
            self.chooser.show(rows, self.first(rows))

    @property
    def chooser(self) -> Rows:
        """The rows."""
        return self.query_one("#rows", Rows)

    @property
    def page(self) -> Page:
        """The text."""
        return self.query_one("#page", Page)

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        return self.chooser.row

    def rows(self, state: State) -> tuple[Row, ...]:
        """The rows for a state."""
        raise NotImplementedError

    def first(self, _rows: tuple[Row, ...]) -> str | None:
        """Where the cursor begins; None for the first row."""
        return None

    def lines(self, row: Row, width: int) -> list[Line]:
        """The text about a row."""
        raise NotImplementedError

    def choose(self, _row: Row) -> None:
        """Enter or Space on a row that can be chosen."""

    def focus_first(self) -> None:
        """Where the keys go when the step is entered."""
        if self.is_ready:
            self.chooser.focus()

    def to_copy(self) -> str:
        """What ``c`` copies; empty for nothing."""
        return ""

    def explains(self) -> str:
        """The id for ``?``; empty for the step's own help."""
        return self.row.explains if self.row else ""

    def on_rows_moved(self, event: Rows.Moved) -> None:
        """The text follows the cursor."""
        event.stop()
        row = self.row
        if row is None:
            self.page.show(lambda width: said(self.empty, width))
            return
        self.page.show(lambda width: self.lines(row, width), keep=row.key == self._shown)
        self._shown = row.key

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """What cannot be chosen says why."""
        event.stop()
        if event.row.why_not:
            self.notify(event.row.why_not, title="Not possible", severity="warning", markup=False)
        else:
            self.choose(event.row)

    def on_rows_opened(self, event: Rows.Opened) -> None:
        """Told to the application, which holds the state."""
        event.stop()
        self.post_message(Folded(event.row.key, event.opened))
