"""Two widgets that draw only the lines that are seen: a list to choose from, and a text to read.

A machine with 4096 functions costs a keystroke no more than one with 40.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from vfio_wizard.report.pages.rows import Line, Row, Tone, laid_out, move, place_of, word_width

_TONES = {f"tone--{one.value}" for one in Tone}
_REVERSE = Style(reverse=True)
_BOLD = Style(bold=True)

Lines = Callable[[int], list[Line]]


class Drawn(ScrollView, can_focus=True):
    """What both have in common: tones."""

    COMPONENT_CLASSES: ClassVar[set[str]] = _TONES

    @property
    def room(self) -> int:
        """Columns beside the scroll bar."""
        return self.scrollable_content_region.width

    def style_of(self, tone: Tone) -> Style:
        """The colours that the theme has for a tone."""
        return self.get_component_rich_style(f"tone--{tone.value}")


class Rows(Drawn):
    """Rows with a cursor. Whatever is chosen, the pane that holds it decides what it means."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home,g", "move(-1000000)", show=False),
        Binding("end,G", "move(1000000)", show=False),
        Binding("enter,space", "choose", show=False),
        Binding("right", "open(True)", show=False),
        Binding("left", "open(False)", show=False),
    ]

    class Moved(Message):
        """The cursor stands on another row, or the rows are others."""

    class Chosen(Message):
        """Enter or Space on the row under the cursor."""

        def __init__(self, row: Row) -> None:
            """The row."""
            super().__init__()
            self.row = row

    class Opened(Message):
        """A row was opened, or closed."""

        def __init__(self, row: Row, opened: bool) -> None:
            """The row, and what is wanted."""
            super().__init__()
            self.row = row
            self.opened = opened

    class Past(Message):
        """Down on the last row: the cursor wants to leave."""

    def __init__(self, id: str) -> None:  # noqa: A002 - the name that Textual has for it
        super().__init__(id=id)
        self.rows: tuple[Row, ...] = ()
        self.place = 0
        self._words = 0

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        return self.rows[self.place] if self.place < len(self.rows) else None

    def show(self, rows: tuple[Row, ...], first: str | None = None) -> None:
        """Other rows; the cursor stays on the same key where that is still there. It begins on ``first``."""
        key = self.row.key if self.row else first
        self.rows = rows
        self._words = word_width(rows)
        self.place = place_of(rows, key)
        self.virtual_size = Size(self.room, len(rows))
        self._see()
        self.refresh()
        self.post_message(self.Moved())

    def go_to(self, key: str) -> None:
        """Put the cursor on a row by its key."""
        self.place = place_of(self.rows, key)
        self._see()
        self.refresh()
        self.post_message(self.Moved())

    def on_resize(self) -> None:
        """Another width."""
        self.virtual_size = Size(self.room, len(self.rows))
        self._see()

    def action_move(self, by: int) -> None:
        """Up or down."""
        before = self.place
        self.place = move(self.rows, before, by) if self.rows else 0
        if self.place == before and by == 1:
            self.post_message(self.Past())
            return
        self._see()
        self.refresh()
        self.post_message(self.Moved())

    def action_page(self, by: int) -> None:
        """A screenful."""
        self.action_move(by * max(self.size.height - 1, 2))

    def action_choose(self) -> None:
        """What Enter means, the pane knows."""
        row = self.row
        if row is None or row.is_heading:
            return
        if row.opened is not None:
            self.post_message(self.Opened(row, not row.opened))
        else:
            self.post_message(self.Chosen(row))

    def action_open(self, wanted: bool) -> None:
        """Right opens; left closes, or goes to the row that holds this one."""
        row = self.row
        if row is None:
            return
        if row.opened is not None and row.opened is not wanted:
            self.post_message(self.Opened(row, wanted))
        elif not wanted:
            self._to_holder(row)

    def _to_holder(self, row: Row) -> None:
        for place in range(self.place - 1, -1, -1):
            above = self.rows[place]
            if above.opened is not None and above.depth < max(row.depth, 1):
                self.go_to(above.key)
                return

    def on_click(self, event: events.Click) -> None:
        """The mouse as a bonus: first click moves there, the second chooses."""
        place = int(self.scroll_offset.y) + event.y
        if place < len(self.rows) and not self.rows[place].is_heading:
            again = place == self.place
            self.place = place
            self.refresh()
            self.post_message(self.Moved())
            if again:
                self.action_choose()

    def _see(self) -> None:
        if self.place <= 1:  # with the heading above it
            self.scroll_to(y=0, animate=False, force=True)
            return
        self.scroll_to_region(Region(0, self.place, 1, 1), animate=False, force=True)

    def render_line(self, y: int) -> Strip:
        """One row as it stands on the screen."""
        place = int(self.scroll_offset.y) + y
        width = self.room
        base = self.rich_style
        if place >= len(self.rows):
            return Strip.blank(width, base)
        return Strip(self._segments(self.rows[place], place == self.place, width)).adjust_cell_length(
            width, base
        )

    def _segments(self, row: Row, here: bool, width: int) -> list[Segment]:
        head, body = laid_out(row, width - 2, self._words)
        tone = self.style_of(Tone.HEAD if row.is_heading else row.tone)
        quiet = row.tone is Tone.FAINT or row.is_heading
        text = tone if quiet else self.style_of(Tone.PLAIN)
        if here:
            extra = _REVERSE if self.has_focus else _BOLD
            tone, text = tone + extra, text + extra
            body = f"{body:<{max(width - 2 - len(head), 0)}}"
        return [Segment("> " if here else "  ", text), Segment(head, tone), Segment(body, text)]

    def on_focus(self) -> None:
        """The cursor shows where the keys go."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor shows that they go elsewhere."""
        self.refresh()


class Page(Drawn):
    """A text in lines, made for the width that there is."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", show=False),
        Binding("down,j", "scroll_down", show=False),
        Binding("pageup", "page_up", show=False),
        Binding("pagedown,space", "page_down", show=False),
        Binding("home", "scroll_home", show=False),
        Binding("end", "scroll_end", show=False),
    ]

    def __init__(self, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self.lines: list[Line] = []
        self._make: Lines = lambda _width: []
        self._width = 0

    def show(self, make: Lines, keep: bool = False, end: bool = False) -> None:
        """Another text, from its top; ``keep`` stays where the reader is, ``end`` follows it."""
        self._make = make
        self._lay()
        if end:
            self.scroll_end(animate=False)
        elif not keep:
            self.scroll_to(y=0, animate=False)

    def on_resize(self) -> None:
        """Another width means other lines."""
        if self.room != self._width:
            self._lay()

    def _lay(self) -> None:
        self._width = self.room
        self.lines = self._make(max(self._width, 20))
        self.virtual_size = Size(self._width, len(self.lines))
        self.refresh()

    @property
    def text(self) -> str:
        """All that is on it."""
        return "\n".join(line.text for line in self.lines)

    def render_line(self, y: int) -> Strip:
        """One line as it stands on the screen."""
        place = int(self.scroll_offset.y) + y
        base = self.rich_style
        if place >= len(self.lines):
            return Strip.blank(self.room, base)
        line = self.lines[place]
        return Strip([Segment(line.text, self.style_of(line.tone))]).adjust_cell_length(self.room, base)
