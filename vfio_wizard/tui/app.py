"""The application: three steps, one survey, one choice. ``make_app`` is the one factory."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import ContentSwitcher, Footer, Input, Static
from textual.worker import get_current_worker

from vfio_wizard.model.errors import WizardError
from vfio_wizard.model.finding import Verdict
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.report.clean import clean
from vfio_wizard.tui.messages import Changed, Chosen, Failed, Looked, Proposed
from vfio_wizard.tui.panes.check import CheckPane
from vfio_wizard.tui.panes.devices import DevicesPane
from vfio_wizard.tui.panes.review import ReviewPane
from vfio_wizard.tui.survey import Brain, Survey

SETTLES = 0.5
"""Seconds without a further change before the machine is looked at again."""

_STEPS = (("check", "1 Check"), ("devices", "2 Devices"), ("review", "3 Review"))

_VERDICT = {
    Verdict.READY: "nothing blocks",
    Verdict.BLOCKED: "something blocks: see the findings marked BLOCK",
    Verdict.UNKNOWN: "nothing is known to block, but not all could be measured",
}


class WizardApp(App[int]):
    """Look, choose, review, save. Nothing is written before the user says where."""

    CSS_PATH = "app.tcss"
    TITLE = "vfio-wizard"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "step('check')", "Check", show=False),
        Binding("2", "step('devices')", "Devices", show=False),
        Binding("3", "step('review')", "Review", show=False),
        Binding("n", "next(1)", "Next"),
        Binding("b", "next(-1)", "Back"),
        Binding("r", "look", "Re-check"),
        Binding("s", "save", "Save"),
        Binding("question_mark", "explain", "Explain"),
        Binding("q", "quit", "Quit"),
    ]

    def __init__(self, brain: Brain, chosen: tuple[PciAddress, ...] = ()) -> None:
        """``brain`` answers all questions; ``chosen`` are cards named on the command line."""
        super().__init__()
        self._brain = brain
        self._chosen = chosen
        self._survey: Survey | None = None
        self._soon: Timer | None = None

    def compose(self) -> ComposeResult:
        """Banner, steps, the pane of the step, keys."""
        if self._brain.look_only:
            yield Static(f"LOOK ONLY: a record ({clean(self._brain.label)})", id="banner", markup=False)
        yield Static(id="steps", markup=False)
        yield Static("Looking ...", id="status", markup=False)
        with ContentSwitcher(initial="check"):
            yield CheckPane()
            yield DevicesPane()
            yield ReviewPane()
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Begin with a look."""
        self._show_steps("check")
        self.query_one("#findings").focus()
        self.action_look()
        self._watch()

    def action_look(self) -> None:
        """Look at the machine, in the background."""
        self.query_one("#status", Static).update("Looking ...")
        self._look(self._chosen)

    @work(thread=True, exclusive=True, group="look")
    def _look(self, chosen: tuple[PciAddress, ...]) -> None:
        worker = get_current_worker()
        try:
            survey = self._brain.look(chosen)
        except WizardError as error:
            self.post_message(Failed(str(error)))
            return
        if not worker.is_cancelled:
            self.post_message(Looked(survey))

    @work(thread=True, group="watch")
    def _watch(self) -> None:
        """Look again when a device comes, goes or changes its driver."""
        worker = get_current_worker()
        for happened in self._brain.changes(lambda: worker.is_cancelled):
            self.post_message(Changed(happened))

    def on_changed(self, event: Changed) -> None:
        """Say what happened; one look serves a burst of changes."""
        self.query_one("#status", Static).update(Text(clean(event.happened)))
        if self._soon is not None:
            self._soon.stop()
        self._soon = self.set_timer(SETTLES, self.action_look)

    def on_looked(self, event: Looked) -> None:
        """Show what was seen and propose again."""
        self._survey = event.survey
        self.query_one("#status", Static).update(Text(_VERDICT[event.survey.verdict]))
        self.query_one(CheckPane).show(event.survey)
        self.query_one(DevicesPane).show(event.survey, self._chosen)
        self._propose_if_chosen()

    def on_failed(self, event: Failed) -> None:
        """Say what went wrong; the last good look stays on the screen."""
        self.query_one("#status", Static).update(Text(clean(event.reason)))
        if self._survey is not None:
            self.query_one(ReviewPane).show(None, event.reason)

    def on_chosen(self, event: Chosen) -> None:
        """Another choice: look again, since some findings are about chosen cards only."""
        self._chosen = event.cards
        self.action_look()

    def _propose_if_chosen(self) -> None:
        if self._survey is not None and self._chosen:
            self._propose(self._survey, self._chosen)
        else:
            self.query_one(ReviewPane).show(None)

    @work(thread=True, exclusive=True, group="propose")
    def _propose(self, survey: Survey, chosen: tuple[PciAddress, ...]) -> None:
        try:
            proposal = self._brain.propose(survey, chosen, ())
        except WizardError as error:
            self.post_message(Failed(str(error)))
            return
        self.post_message(Proposed(proposal))

    def on_proposed(self, event: Proposed) -> None:
        """Show the file on the last step."""
        self.query_one(ReviewPane).show(event.proposal)

    def action_step(self, step: str) -> None:
        """Go to a step by its name."""
        self.query_one(ContentSwitcher).current = step
        self._show_steps(step)
        self.query_one(f"#{ {'check': 'findings', 'devices': 'cards', 'review': 'file'}[step] }").focus()

    def action_next(self, by: int) -> None:
        """One step on, or back."""
        names = [name for name, _ in _STEPS]
        here = names.index(self.query_one(ContentSwitcher).current or "check")
        self.action_step(names[min(max(here + by, 0), len(names) - 1)])

    def _show_steps(self, step: str) -> None:
        line = Text()
        for name, title in _STEPS:
            here = name == step
            line.append(f"[{title}]" if here else f" {title} ", style="reverse bold" if here else "")
            line.append(" > " if name != _STEPS[-1][0] else "")
        self.query_one("#steps", Static).update(line)

    def action_explain(self) -> None:
        """The same text as the command explain, for the finding under the cursor."""
        finding = self.query_one(CheckPane).current
        if finding is not None:
            self.push_screen(ExplainScreen(self._brain.explain(finding.id)))

    def action_save(self) -> None:
        """Ask where to write the file."""
        proposal = self.query_one(ReviewPane).proposal
        if proposal is None or proposal.refusals:
            self.notify(
                "There is nothing to save yet: choose a card on step 2, and read step 3.", severity="warning"
            )
            return
        self.push_screen(SaveScreen(proposal.file_name, self._save))

    def _save(self, path: str) -> str:
        proposal = self.query_one(ReviewPane).proposal
        return self._brain.save(path, proposal.text) if proposal else ""


class ExplainScreen(ModalScreen[None]):
    """A text to read, closed by Escape."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark", "dismiss", "Close")]

    def __init__(self, text: str) -> None:
        """``text`` as the command line prints it."""
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        """The text, scrollable."""
        with VerticalScroll(classes="dialog", can_focus=True):
            yield Static(Text(self._text), markup=False)


class SaveScreen(ModalScreen[None]):
    """Where to write, and then what was written."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Close")]

    def __init__(self, file_name: str, save: Callable[[str], str]) -> None:
        """``save`` takes the path and gives a sentence, or raises WizardError."""
        super().__init__()
        self._file_name = file_name
        self._save = save

    def compose(self) -> ComposeResult:
        """One input."""
        with Vertical(classes="dialog"):
            yield Static("Write the file as (Enter writes, Escape leaves):", markup=False)
            yield Input(value=self._file_name, id="path")
            yield Static("", classes="message", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Write, and say so; on an error the path can be mended."""
        message = self.query_one(".message", Static)
        try:
            message.update(Text(clean(self._save(event.value)) + "  (Escape closes)"))
        except WizardError as error:
            message.update(Text(clean(str(error))))


def make_app(brain: Brain, chosen: tuple[PciAddress, ...] = ()) -> WizardApp:
    """The wizard over a brain; the command line and the tests use this and nothing else."""
    return WizardApp(brain, chosen)
