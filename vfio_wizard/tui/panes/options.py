"""Step 4: what can be wished for, each question with an answer already."""

from __future__ import annotations

from vfio_wizard.model.errors import WizardError
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.planning import options
from vfio_wizard.planning.option import Option
from vfio_wizard.report.pages import wishes
from vfio_wizard.report.pages.rows import Line, Row
from vfio_wizard.tui.dialogs import AskDialog, ChooseDialog
from vfio_wizard.tui.messages import Chosen
from vfio_wizard.tui.panes.pane import Pane
from vfio_wizard.tui.state import State


class OptionsPane(Pane):
    """Questions, and the one under the cursor with its choices."""

    step = "options"
    empty = "Looking at the machine ..."

    def rows(self, state: State) -> tuple[Row, ...]:
        """One row per question."""
        return wishes.rows(state.survey.shelf.facts, state.selection) if state.survey else ()

    def lines(self, row: Row, width: int) -> list[Line]:
        """What the question means, and its choices."""
        facts = self._facts
        if facts is None:
            return []
        return wishes.detail(options.find(row.key), facts, self.state.selection, width)

    def choose(self, row: Row) -> None:
        """Choose among the answers, or write one."""
        facts = self._facts
        if facts is None:
            return
        option = options.find(row.key)
        choices = option.choices(facts, self.state.selection)
        value = option.get(self.state.selection)
        if choices:
            answers = wishes.choice_rows(choices, value, free=option.free)
            self.app.push_screen(ChooseDialog(option.title, option.help, answers, value), self._answered)
        else:
            self._ask(option)

    def _ask(self, option: Option) -> None:
        value = option.get(self.state.selection)
        ask = AskDialog(option.title, option.help, value, self._problem)
        self.app.push_screen(ask, self._answered)

    @property
    def _facts(self) -> HostFacts | None:
        return self.state.survey.shelf.facts if self.state.survey else None

    def _problem(self, value: str) -> str:
        """Why an answer cannot be; empty where it can."""
        try:
            self._with(value)
        except WizardError as error:
            return str(error)
        return ""

    def _with(self, value: str) -> Chosen | None:
        if self.row is None or self._facts is None:
            return None
        option = options.find(self.row.key)
        return Chosen(options.answer(option, self._facts, self.state.selection, value))

    def _answered(self, value: str | None) -> None:
        if value == wishes.WRITE and self.row is not None:
            self._ask(options.find(self.row.key))
            return
        chosen = None if value is None else self._with(value)
        if chosen is not None:
            self.post_message(chosen)
