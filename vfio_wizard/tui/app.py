"""The application: seven steps, one state, workers for all that takes time. ``make_app`` makes it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable
from importlib import import_module
from pkgutil import get_data
from typing import TYPE_CHECKING, Any, ClassVar

from textual import work
from textual.app import App, ComposeResult, SuspendNotSupported, SystemCommand
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.filter import LineFilter
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Footer, Static
from textual.worker import get_current_worker

from vfio_wizard.model.errors import WizardError
from vfio_wizard.report.clean import clean
from vfio_wizard.report.pages.steps import STEPS, TOPIC, hint, step_of, trail
from vfio_wizard.tui import messages as told
from vfio_wizard.tui import themes
from vfio_wizard.tui.plain import Plain, is_plain
from vfio_wizard.tui.state import Job, State
from vfio_wizard.tui.survey import Brain, Done, Memory, Order, Progress

if TYPE_CHECKING:
    from vfio_wizard.model.selection import Selection
    from vfio_wizard.report.pages.ways import Way
    from vfio_wizard.tui.panes.pane import Pane

SETTLES = 0.5
"""Seconds without a further change before the machine is looked at again."""
_TICK = 0.25
_KEPT_LINES = 400
"""So much of a log stays in view; the journal has all of it."""

_PANES = {
    "look": "look:LookPane",
    "check": "check:CheckPane",
    "devices": "devices:DevicesPane",
    "options": "options:OptionsPane",
    "review": "review:ReviewPane",
    "do": "ways:DoPane",
    "after": "ways:AfterPane",
}


class Next(Static, can_focus=True):
    """The line that says what comes next; Enter on it goes there, and so does a click."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "app.next(1)", show=False),
        Binding("up", "app.back_to_list", show=False),
    ]

    def on_click(self) -> None:
        """The mouse as a bonus."""
        self.app.post_message(told.Onward())


def _styles() -> str:
    """``app.tcss`` from the package, which may be inside a zip archive, where Textual finds no file."""
    return (get_data("vfio_wizard.tui", "app.tcss") or b"").decode()


class WizardApp(App[int]):
    """Look, choose, review, do. Nothing is written before the review is confirmed."""

    CSS = _styles()
    TITLE = "vfio-wizard"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(str(number), f"step('{step.key}')", step.title, show=False)
            for number, step in enumerate(STEPS, 1)
        ),
        Binding("n", "next(1)", "Next"),
        Binding("b", "next(-1)", "Back"),
        Binding("r", "look", "Look again"),
        Binding("c", "copy", "Copy"),
        Binding("s", "save", "Save"),
        Binding("t", "theme", "Theme"),
        Binding("question_mark", "explain", "Explain"),
        Binding("escape", "stop", "Stop", show=False),
        Binding("q", "quit", "Quit"),
    ]

    def __init__(self, brain: Brain, selection: Selection | None = None) -> None:
        """``brain`` answers all questions; ``selection`` comes from the command line and wins over memory."""
        memory = brain.memory
        self.plain = is_plain(os.environ, sys.stdout.encoding)
        super().__init__()
        if self.no_color:  # grey is a colour too: with the terminal's own palette, none is left
            self._filters = [one for one in self._filters if type(one).__name__ != "Monochrome"]
            from textual.filter import NoColor  # noqa: PLC0415

            self._filters.append(NoColor())
        for one in themes.OWN:
            self.register_theme(one)
        environment = dict(os.environ) | ({"NO_COLOR": "1"} if self.no_color else {})
        self.theme = themes.fitting(environment, memory.theme)
        self._brain = brain
        self._given = selection
        self._step = ""
        self._soon: Timer | None = None
        self._looking_since: float | None = None
        self._leaves = False
        self._memory = memory
        self.state = State(brain.label, brain.look_only, mark=memory.confirmed)

    # -- the screen -------------------------------------------------------------------------------

    def get_line_filters(self) -> list[LineFilter]:
        """On a plain terminal nothing but ASCII leaves."""
        filters = list(super().get_line_filters())
        return [*filters, Plain()] if self.plain else filters

    def compose(self) -> ComposeResult:
        """Banner, steps, verdict, the pane of the step, what comes next, keys."""
        if self._brain.look_only:
            yield Static(f" LOOK ONLY: a record ({clean(self._brain.label)}) ", id="banner", markup=False)
        yield Static(id="steps")
        yield Static("Looking ...", id="status", markup=False)
        yield Container(id="stage")
        yield Next(id="next", markup=False)
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Open where the user was, and look."""
        self.action_step(self._memory.step)
        self._looking_since = time.monotonic()
        self._show_frame()
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        """What takes time waits for the first paint, which it would only delay."""
        self.set_interval(_TICK, self._tick)
        self.action_look()
        self._watch()

    @property
    def pane(self) -> Pane:
        """The pane of the present step."""
        found: Any = self.query_one(f"#{self._step}")
        return found  # type: ignore[no-any-return]

    def action_step(self, step: str) -> None:
        """Go to a step by its name."""
        step = step_of(step).key
        if step == self._step:
            return
        stage = self.query_one("#stage")
        for one in stage.children:
            one.display = one.id == step
        self._step = step
        if not stage.query(f"#{step}"):
            module, _, name = _PANES[step].partition(":")
            pane = getattr(import_module(f"vfio_wizard.tui.panes.{module}"), name)(self.state)
            stage.mount(pane)
        else:
            self.pane.show(self.state)
            self.pane.focus_first()
        self._show_frame()
        self._keep()

    def action_next(self, by: int) -> None:
        """One step on, or back."""
        names = [one.key for one in STEPS]
        place = names.index(self._step) + by
        if 0 <= place < len(names):
            self.action_step(names[place])

    def on_onward(self) -> None:
        """A click on the line that goes on."""
        self.action_next(1)

    def action_back_to_list(self) -> None:
        """From the line that goes on, up again."""
        self.pane.focus_first()

    def on_rows_past(self) -> None:
        """Down from the last row."""
        self.query_one(Next).focus()

    def _put(self, state: State) -> None:
        """The state is another; what is seen follows."""
        self.state = state
        self.pane.show(state)
        self._show_frame()

    def _show_frame(self) -> None:
        from rich.text import Text  # noqa: PLC0415 - Textual has it already

        line = Text(" ")
        for word, here in trail(self._step):
            line.append(word, style="reverse bold" if here else "")
        self.query_one("#steps", Static).update(line)
        self.query_one("#status", Static).update(self._status())
        self.query_one(Next).update(f"=> {hint(self._step, self.state.standing)}")

    def _status(self) -> str:
        if self._looking_since is not None:
            took = time.monotonic() - self._looking_since
            return "Looking ..." if took < 1 else f"Looking ... {took:.1f} s (Escape stops)"
        if self.state.problem:
            return clean(self.state.problem)
        survey = self.state.survey
        if survey is None:
            return ""
        from vfio_wizard.report.pages.look import verdict_line  # noqa: PLC0415

        return verdict_line(survey.verdict, survey.findings)

    def _tick(self) -> None:
        if self._looking_since is not None:
            self.query_one("#status", Static).update(self._status())
        if self.state.job is not None and self.state.job.seconds is None and self._step in ("do", "after"):
            self.pane.show(self.state)

    # -- looking ----------------------------------------------------------------------------------

    def action_look(self) -> None:
        """Look at the machine, in the background."""
        self._looking_since = self._looking_since or time.monotonic()
        self._show_frame()
        self._look(self.state.selection, self.state.survey is None)

    @work(thread=True, exclusive=True, group="look")
    def _look(self, selection: Selection, first: bool) -> None:
        worker = get_current_worker()
        try:
            if first:
                selection = self._given if self._given is not None else self._brain.recall()
            survey = self._brain.look(selection)
        except WizardError as error:
            if not worker.is_cancelled:
                self.post_message(told.Failed(str(error)))
            return
        if not worker.is_cancelled:
            self.post_message(told.Looked(survey))

    def on_looked(self, event: told.Looked) -> None:
        """Show what was seen and propose again."""
        self._looking_since = None
        survey = event.survey
        selection = survey.selection if self.state.survey is None else self.state.selection
        situation = self._brain.situation(selection)
        self._put(self.state._replace(survey=survey, selection=selection, problem="", situation=situation))
        self._propose_if_chosen()

    def on_failed(self, event: told.Failed) -> None:
        """Say what went wrong; the last good look stays on the screen."""
        self._looking_since = None
        self._put(self.state._replace(problem=event.reason, proposal=None))

    @work(thread=True, group="watch")
    def _watch(self) -> None:
        """Look again when a device comes, goes or changes its driver."""
        worker = get_current_worker()
        for happened in self._brain.changes(lambda: worker.is_cancelled):
            self.post_message(told.Changed(happened))

    def on_changed(self, event: told.Changed) -> None:
        """Say what happened; one look serves a burst of changes."""
        self.query_one("#status", Static).update(clean(event.happened))
        if self._soon is not None:
            self._soon.stop()
        self._soon = self.set_timer(SETTLES, self.action_look)

    # -- choosing ---------------------------------------------------------------------------------

    def on_chosen(self, event: told.Chosen) -> None:
        """Another answer. Other devices mean another look: some findings are about chosen cards only."""
        situation = self._brain.situation(event.selection)
        self._put(self.state._replace(selection=event.selection, situation=situation, proposal=None))
        self._keep()
        if event.devices:
            self.action_look()
        else:
            self._propose_if_chosen()

    def on_folded(self, event: told.Folded) -> None:
        """A row was opened or closed."""
        opened = self.state.opened | {event.key} if event.opened else self.state.opened - {event.key}
        self._put(self.state._replace(opened=opened))

    def on_confirmed(self, event: told.Confirmed) -> None:
        """The step Do it opens, or is locked again."""
        self._put(self.state._replace(mark=event.mark))
        self._keep()

    def _propose_if_chosen(self) -> None:
        if self.state.survey is not None and self.state.has_choice:
            self._propose(self.state)
        else:
            self._put(self.state._replace(proposal=None))

    @work(thread=True, exclusive=True, group="propose")
    def _propose(self, state: State) -> None:
        worker = get_current_worker()
        if state.survey is None:
            return
        try:
            made = self._brain.propose(state.survey, state.selection)
        except WizardError as error:
            if not worker.is_cancelled:
                self.post_message(told.Failed(str(error)))
            return
        if not worker.is_cancelled:
            self.post_message(told.Proposed(made))

    def on_proposed(self, event: told.Proposed) -> None:
        """What would be done is known, unless the answers are others by now."""
        if event.proposal.selection == self.state.selection:
            self._put(self.state._replace(proposal=event.proposal, problem=""))

    # -- doing ------------------------------------------------------------------------------------

    def on_wanted(self, event: told.Wanted) -> None:
        """Ask what must be asked, then go."""
        self._ask(event.way)

    def _ask(self, way: Way) -> None:
        if self.state.job is not None and self.state.job.seconds is None:
            self.notify("Something is being done already; Escape stops it safely.", severity="warning")
            return
        from vfio_wizard.report.pages.rows import Row  # noqa: PLC0415 - as below
        from vfio_wizard.tui.dialogs import AskDialog, ChooseDialog  # noqa: PLC0415 - not at the first paint

        def answered(value: str | None) -> None:
            if value is not None and value != "no":
                self._go(Order(way, value, self.state.selection, self.state.proposal))

        if way.asks:
            about = f"{way.about} Where to write it:"
            self.push_screen(AskDialog(way.title, about, way.asks, _no_name), answered)
        elif way.confirm:
            rows = (Row("no", "No, not now", "( )"), Row("yes", f"Yes: {way.command}", "( )"))
            about = f"Root's rights are needed for {way.root_for}." if way.root_for else way.about
            self.push_screen(ChooseDialog(way.confirm, about, rows, "no"), answered)
        else:
            answered("")

    def _go(self, order: Order) -> None:
        self.state = self.state._replace(job=Job(order.way, time.monotonic()))
        if order.way.root_for and not self._is_root:
            self._go_in_terminal(order)
        else:
            self._put(self.state)
            self._work_on(order)

    @property
    def _is_root(self) -> bool:
        return self.state.situation is not None and self.state.situation.is_root

    def _go_in_terminal(self, order: Order) -> None:
        try:
            with self.suspend():
                done = self._brain.in_terminal(order)
        except SuspendNotSupported:
            self.notify(f"This terminal cannot be lent. Run: {order.way.command}", severity="warning")
            self.state = self.state._replace(job=None)
            return
        self.post_message(told.Ended(order.way, done))

    @work(thread=True, exclusive=True, group="job")
    def _work_on(self, order: Order) -> None:
        worker = get_current_worker()

        def tell(progress: Progress) -> None:
            self.post_message(told.Went(progress))

        try:
            done = self._brain.act(order, tell, lambda: worker.is_cancelled)
        except WizardError as error:
            done = _failed(str(error))
        self.post_message(told.Ended(order.way, done))

    def on_went(self, event: told.Went) -> None:
        """A step further: the bar, and a line of the log."""
        from vfio_wizard.report.pages.rows import Line  # noqa: PLC0415

        job = self.state.job
        if job is None:
            return
        lines = (*job.lines, Line(clean(event.progress.text)))[-_KEPT_LINES:]
        self._put(self.state._replace(job=job._replace(progress=event.progress, lines=lines)))

    def on_ended(self, event: told.Ended) -> None:
        """Done, or not: what was said last stays in view."""
        job = self.state.job or Job(event.way, time.monotonic())
        job = job._replace(lines=(*job.lines, *event.done.lines), seconds=time.monotonic() - job.began)
        done = dict(self.state.done) | {event.way.key: event.done.ok}
        situation = self._brain.situation(self.state.selection)
        self._put(self.state._replace(job=job, done=tuple(done.items()), situation=situation))
        self._keep()
        if self._leaves:
            self.exit()
        elif event.done.look_again:
            self.action_look()

    def action_stop(self) -> None:
        """Stop what runs, at the next place where that is safe."""
        job = self.state.job
        if job is not None and job.seconds is None:
            self.workers.cancel_group(self, "job")
            self._put(self.state._replace(job=job._replace(stopping=True)))
        elif self._looking_since is not None:
            self.workers.cancel_group(self, "look")
            self._looking_since = None
            self._show_frame()

    async def action_quit(self) -> None:
        """Leave; what runs is stopped safely first, and awaited."""
        job = self.state.job
        if job is None or job.seconds is not None:
            self.exit()
            return
        self._leaves = True
        self.notify("Stopping what runs, then leaving.")
        self.action_stop()

    # -- texts ------------------------------------------------------------------------------------

    def action_explain(self) -> None:
        """The same text as the command explain, for what the cursor stands on; then the step's own."""
        from vfio_wizard.tui.dialogs import TextDialog  # noqa: PLC0415 - not at the first paint

        topic = self._brain.explain(TOPIC + self._step)
        name = self.pane.explains()
        text = self._brain.explain(name) if name else topic
        self.push_screen(TextDialog(text, topic if name else ""))

    def action_copy(self) -> None:
        """To the clipboard of the terminal, where it has one."""
        text = self.pane.to_copy()
        if not text:
            self.notify("Nothing to copy here.", severity="warning")
            return
        self.copy_to_clipboard(text)
        self.notify(f"Copied, if this terminal allows it:\n{clean(text.splitlines()[0])}", markup=False)

    def action_save(self) -> None:
        """Save the answers as a file."""
        way = next((one for one in self.state.ways("do") if one.key == "answers"), None)
        if way is not None:
            self._ask(way)

    def action_theme(self) -> None:
        """The next theme that this terminal can show."""
        place = themes.ORDER.index(self.theme) if self.theme in themes.ORDER else 0
        able = themes.has_many_colours(os.environ) and not self.no_color
        order = themes.ORDER if able else themes.ORDER[2:]
        self.theme = (
            order[(order.index(self.theme) + 1) % len(order)] if self.theme in order else order[place % 2]
        )
        self._keep()

    def get_system_commands(self, _screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The palette: every step and every key by name."""
        for number, step in enumerate(STEPS, 1):
            yield SystemCommand(
                f"{number} {step.title}", step.help[0][:70], _then(self.action_step, step.key)
            )
        yield SystemCommand("Look again", "Read the machine anew", self.action_look)
        yield SystemCommand("Explain", "What the cursor stands on", self.action_explain)
        yield SystemCommand("Copy", "The commands shown", self.action_copy)
        yield SystemCommand("Save the answers", "As a TOML file", self.action_save)
        yield SystemCommand("Theme", "Light, dark, 16 colours", self.action_theme)
        for way in self.state.ways("do") if self.state.situation else ():
            if not way.why_not:
                yield SystemCommand(way.title, way.about[:70], _then(self._ask, way))
        yield SystemCommand("Quit", "Your answers are kept", self.action_quit)

    # -- memory -----------------------------------------------------------------------------------

    def _keep(self) -> None:
        """Remember where the user is; nothing before the first look, so that nothing is forgotten by it."""
        if self.state.survey is None:
            return
        theme = self.theme if self.theme in themes.ORDER else ""
        self._keep_soon(Memory(self._step, self.state.selection, self.state.mark, theme))

    @work(thread=True, group="keep")
    def _keep_soon(self, memory: Memory) -> None:
        try:
            self._brain.keep(memory)
        except WizardError as error:
            self.call_from_thread(self.notify, clean(str(error)), severity="warning", markup=False)


def _failed(reason: str) -> Done:
    from vfio_wizard.report.pages.rows import Tone, said  # noqa: PLC0415

    return Done(False, tuple(said(reason, 76, Tone.BAD)))


def _no_name(value: str) -> str:
    return "" if value.strip() else "name a file"


def _then(action: Callable[..., Any], *words: Any) -> Callable[[], Any]:
    return lambda: action(*words)


def make_app(brain: Brain, selection: Selection | None = None) -> WizardApp:
    """The wizard over a brain; the command line and the tests use this and nothing else."""
    return WizardApp(brain, selection)
