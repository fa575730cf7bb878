"""Step 2: what was found, what blocks first, with its evidence and its fix."""

from __future__ import annotations

from vfio_wizard.model.finding import Finding
from vfio_wizard.report.pages import findings
from vfio_wizard.report.pages.rows import Line, Row
from vfio_wizard.tui.panes.pane import Pane
from vfio_wizard.tui.state import State


class CheckPane(Pane):
    """Findings, and the one under the cursor."""

    step = "check"
    empty = "Looking at the machine ..."

    def rows(self, state: State) -> tuple[Row, ...]:
        """What fails one by one, the rest folded."""
        return findings.rows(state.survey.findings, state.opened) if state.survey else ()

    def lines(self, row: Row, width: int) -> list[Line]:
        """The finding in full."""
        finding = self.current
        if finding is not None:
            return findings.detail(finding, width)
        found = self.state.survey.findings if self.state.survey else ()
        return findings.fold_detail(row.key, found, width)

    def choose(self, _row: Row) -> None:
        """Enter goes to the text, which may be longer than its room."""
        self.page.focus()

    def to_copy(self) -> str:
        """The commands of the finding."""
        return findings.to_copy(self.current) if self.current else ""

    @property
    def current(self) -> Finding | None:
        """The finding under the cursor."""
        if self.state.survey is None or self.row is None:
            return None
        return next((one for one in self.state.survey.findings if findings.key_of(one) == self.row.key), None)
