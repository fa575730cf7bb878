"""Texts to read, questions to answer: each is closed by Escape, and nothing has happened then."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from vfio_wizard.report.clean import clean
from vfio_wizard.report.pages.rows import Line, Row, Tone, said
from vfio_wizard.tui.drawn import Page, Rows


class TextDialog(ModalScreen[None]):
    """A text to read. ``?`` again shows the second text."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss", "Close"),
        Binding("question_mark", "again", "Keys"),
    ]

    def __init__(self, text: str, again: str = "") -> None:
        """``text`` as the command line prints it."""
        super().__init__()
        self.text = text
        self._again = again

    def compose(self) -> ComposeResult:
        """The text, scrollable."""
        with Vertical(classes="dialog tall"):
            yield Page(id="text")
            yield Static(self._foot(), classes="foot", markup=False)

    def _foot(self) -> str:
        return "Escape closes." + (" ? again: this step and all keys." if self._again else "")

    def on_mount(self) -> None:
        """Begin at the top."""
        page = self.query_one("#text", Page)
        page.show(self._lines)
        page.focus()

    def _lines(self, width: int) -> list[Line]:
        return [Line(clean(one)[:width]) for one in self.text.splitlines()]

    def action_again(self) -> None:
        """The second text; a third time closes."""
        if not self._again:
            self.dismiss()
            return
        self.text, self._again = self._again, ""
        self.query_one("#text", Page).show(self._lines)
        self.query_one(".foot", Static).update(self._foot())


class AskDialog(ModalScreen[str | None]):
    """A line to write. What cannot be is told at once, and can be mended."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Close")]

    def __init__(self, title: str, about: str, value: str, problem: Callable[[str], str]) -> None:
        """``problem`` says why an answer cannot be; empty where it can."""
        super().__init__()
        self._title = title
        self._about = about
        self._value = value
        self._problem = problem

    def compose(self) -> ComposeResult:
        """One input."""
        with Vertical(classes="dialog"):
            yield Static(self._title, classes="title", markup=False)
            yield Static(self._about, classes="about", markup=False)
            yield Input(value=self._value, placeholder="(empty)", id="answer", compact=True)
            yield Static("", classes="message", markup=False)
            yield Static("Enter takes it, Escape leaves it as it was.", classes="foot", markup=False)

    def on_mount(self) -> None:
        """Whatever is typed from now on is the answer."""
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take it, or say what is wrong."""
        wrong = self._problem(event.value)
        if wrong:
            self.query_one(".message", Static).update(clean(wrong))
        else:
            self.dismiss(event.value)

    def action_leave(self) -> None:
        """Nothing changes."""
        self.dismiss(None)


class ChooseDialog(ModalScreen[str | None]):
    """One of several answers; those that cannot be had say why."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Close")]

    def __init__(self, title: str, about: str, rows: tuple[Row, ...], value: str) -> None:
        """``value`` is the key of the present answer."""
        super().__init__()
        self._title = title
        self._about = about
        self._rows = rows
        self._value = value

    def compose(self) -> ComposeResult:
        """A list, and a line about what the cursor stands on."""
        with Vertical(classes="dialog"):
            yield Static(self._title, classes="title", markup=False)
            yield Static(clean(self._about), classes="about", markup=False)
            choices = Rows(id="choices")
            choices.styles.height = min(len(self._rows), 10)
            yield choices
            yield Page(classes="reason")
            yield Static("Enter chooses, Escape leaves it as it was.", classes="foot", markup=False)

    def on_mount(self) -> None:
        """Begin on the present answer."""
        choices = self.query_one(Rows)
        choices.show(self._rows)
        choices.go_to(self._value)
        choices.focus()

    def on_rows_moved(self, event: Rows.Moved) -> None:
        """Why the answer under the cursor cannot be had."""
        event.stop()
        row = self.query_one(Rows).row
        why_not = row.why_not if row else ""
        self.query_one(".reason", Page).show(
            lambda width: said(f"Not here: {why_not}", width, Tone.WARN) if why_not else []
        )

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Take it, unless it cannot be had."""
        event.stop()
        if not event.row.why_not:
            self.dismiss(event.row.key)

    def on_rows_past(self, event: Rows.Past) -> None:
        """The list ends here."""
        event.stop()

    def action_leave(self) -> None:
        """Nothing changes."""
        self.dismiss(None)
