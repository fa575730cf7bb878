"""Step 5: all that would be done, before anything is."""

from __future__ import annotations

from vfio_wizard.report.pages import review
from vfio_wizard.report.pages.rows import Line, Row
from vfio_wizard.tui.dialogs import ChooseDialog
from vfio_wizard.tui.messages import Chosen, Confirmed
from vfio_wizard.tui.panes.pane import Pane
from vfio_wizard.tui.state import State


class ReviewPane(Pane):
    """Risks, files and commands, and the one under the cursor in full."""

    step = "review"

    @property
    def _why_empty(self) -> str:
        if self.state.problem:
            return self.state.problem
        return "Making the plan ..." if self.state.has_choice else "Choose a card on step 3 first."

    def show(self, state: State) -> None:
        """Another state; why there is nothing to review is part of it."""
        self.state = state
        self.empty = self._why_empty  # type: ignore[misc]
        super().show(state)

    def rows(self, state: State) -> tuple[Row, ...]:
        """What a person should read, in order."""
        if state.proposal is None or state.survey is None:
            return ()
        return review.rows(state.proposal, state.survey.shelf, state.confirmed)

    def lines(self, row: Row, width: int) -> list[Line]:
        """The file, the command or the risk in full."""
        return review.detail(self.state.proposal, row, width) if self.state.proposal else []

    def choose(self, row: Row) -> None:
        """Confirm, overrule, or read the text."""
        if row.key == review.CONFIRM and self.state.proposal is not None:
            self.post_message(Confirmed("" if self.state.confirmed else self.state.proposal.mark))
        elif row.key.startswith("refusal "):
            self._ask(row)
        else:
            self.page.focus()

    def _ask(self, row: Row) -> None:
        name = row.key.split(" ")[1]
        dialog = ChooseDialog("Overrule this refusal?", row.text, review.overruling_rows(name), "no")

        def answered(value: str | None) -> None:
            if value == "yes":
                allow = (*self.state.selection.allow, name)
                self.post_message(Chosen(self.state.selection._replace(allow=allow)))

        self.app.push_screen(dialog, answered)

    def to_copy(self) -> str:
        """The command, or the text of the file."""
        made = self.state.proposal
        if made is None or self.row is None:
            return ""
        return review.to_copy(made, self.row.key)
