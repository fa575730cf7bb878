"""Steps 6 and 7: what can be done now, and what after the restart."""

from __future__ import annotations

import time

from vfio_wizard.report.pages import ways
from vfio_wizard.report.pages.rows import Line, Row
from vfio_wizard.tui.messages import Wanted
from vfio_wizard.tui.panes.pane import Pane
from vfio_wizard.tui.state import State


class WaysPane(Pane):
    """Ways, and the one under the cursor with its command; while one is gone, its progress."""

    empty = "Looking at the machine ..."

    def rows(self, state: State) -> tuple[Row, ...]:
        """One row per way."""
        return ways.rows(state.ways(self.step), dict(state.done))

    def lines(self, row: Row, width: int) -> list[Line]:
        """The way; or how far it is."""
        way = self._way(row.key)
        if way is None:
            return []
        job = self.state.job
        if job is not None and job.way.key == row.key:
            return job.page(time.monotonic(), width)
        return ways.detail(way, width)

    def show(self, state: State) -> None:
        """Another state; of a way that is gone, or was just now, the last words stay in view."""
        super().show(state)
        gone = state.job.way.key if state.job is not None else None
        if self.is_ready and self.row is not None and self.row.key == gone:
            self.call_after_refresh(self.page.scroll_end, animate=False)

    def choose(self, row: Row) -> None:
        """Go it."""
        way = self._way(row.key)
        if way is not None:
            self.post_message(Wanted(way))

    def to_copy(self) -> str:
        """The command of the same."""
        way = self._way(self.row.key) if self.row else None
        return way.command if way else ""

    def _way(self, key: str) -> ways.Way | None:
        return next((one for one in self.state.ways(self.step) if one.key == key), None)


class DoPane(WaysPane):
    """Step 6."""

    step = "do"


class AfterPane(WaysPane):
    """Step 7."""

    step = "after"
