"""Step 3: the cards as units, the groups as a tree, and what giving one away would cost."""

from __future__ import annotations

from vfio_wizard.report.pages import devices
from vfio_wizard.report.pages.rows import Line, Row
from vfio_wizard.tui.messages import Chosen
from vfio_wizard.tui.panes.pane import Pane
from vfio_wizard.tui.state import State


class DevicesPane(Pane):
    """Cards with a box each; the groups below them."""

    step = "devices"
    empty = "Looking at the machine ..."

    def rows(self, state: State) -> tuple[Row, ...]:
        """Cards, and the tree of groups."""
        return devices.rows(state.survey.shelf, state.selection, state.opened) if state.survey else ()

    def first(self, rows: tuple[Row, ...]) -> str | None:
        """The first card that can be given."""
        return next((row.key for row in rows if not row.is_heading and not row.why_not), None)

    def lines(self, row: Row, width: int) -> list[Line]:
        """The card, the group or the function."""
        if self.state.survey is None:
            return []
        return devices.detail(self.state.survey.shelf, row.key, self.state.selection, width)

    def choose(self, row: Row) -> None:
        """Give it, or take it back."""
        if self.state.survey is None:
            return
        wanted = devices.toggled(self.state.survey.shelf, self.state.selection, row.key)
        if wanted != self.state.selection:
            self.post_message(Chosen(wanted, devices=True))
