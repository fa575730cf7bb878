"""The two things a page is made of: rows that a cursor stands on, and lines that are read."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from vfio_wizard.model.record import NamedTuple
from vfio_wizard.report.clean import clean
from vfio_wizard.report.wrap import wrap


class Tone(StrEnum):
    """What a text is. A screen may colour it; the words beside it say the same without colour."""

    PLAIN = "plain"
    HEAD = "head"
    BAD = "bad"
    WARN = "warn"
    GOOD = "good"
    NOTE = "note"
    FAINT = "faint"
    ADDED = "added"
    REMOVED = "removed"


class Line(NamedTuple):
    """One line of a page, within its width."""

    text: str
    tone: Tone = Tone.PLAIN


class Row(NamedTuple):
    """One line that can be chosen. ``key`` is stable, so that the cursor finds it again after a look."""

    key: str
    text: str
    word: str = ""
    """What stands before it: a status, or a box."""
    tone: Tone = Tone.PLAIN
    depth: int = 0
    tail: str = ""
    """Stands at the right where there is room."""
    why_not: str = ""
    """The reason why it cannot be chosen; empty where it can."""
    explains: str = ""
    """The id for ``explain``."""
    opened: bool | None = None
    """Whether the rows below it are shown; None where nothing is below."""
    is_heading: bool = False


def said(
    text: str, width: int, tone: Tone = Tone.PLAIN, first: str = "", rest: str | None = None
) -> list[Line]:
    """Cleaned text within the width, all in one tone."""
    return [Line(one, tone) for one in wrap(clean(text), width, first, rest)]


def listed(heading: str, texts: Iterable[str], width: int, tone: Tone = Tone.PLAIN) -> list[Line]:
    """A heading with one point per text; nothing where there are no texts."""
    lines = [line for text in texts for line in said(text, width, tone, "- ")]
    return [Line(""), Line(heading, Tone.HEAD), *lines] if lines else []


class RowText(NamedTuple):
    """A row laid out: what stands before its text (with its word), and the text with its tail."""

    head: str
    body: str


def laid_out(row: Row, width: int, word_width: int = 0) -> RowText:
    """The row as it stands on a screen. Its tail stands at the right; the text gives way to it."""
    if row.is_heading:
        return RowText("", fit(clean(row.text), width))
    mark = "" if row.opened is None else ("- " if row.opened else "+ ")
    word = f"{row.word:<{word_width}} " if row.word or (word_width and row.opened is None) else ""
    head = fit(f"{'  ' * row.depth}{mark}{word}", width)
    room = width - len(head)
    tail = clean(row.tail)
    if not tail or room - len(tail) - 2 < _LEAST:
        return RowText(head, fit(clean(row.text), room))
    text = fit(clean(row.text), room - len(tail) - 2)
    return RowText(head, f"{text}{' ' * (room - len(text) - len(tail))}{tail}")


_LEAST = 20
"""Columns of text that a tail leaves."""


def row_text(row: Row, width: int, word_width: int = 0) -> str:
    """The same as one string."""
    return "".join(laid_out(row, width, word_width))


def word_width(rows: tuple[Row, ...]) -> int:
    """The column of words, as wide as its widest."""
    return max((len(one.word) for one in rows), default=0)


def fit(line: str, width: int) -> str:
    """Cut to the width, with dots."""
    return line if len(line) <= width else line[: max(width - 3, 0)].rstrip() + "..."


def move(rows: tuple[Row, ...], place: int, by: int) -> int:
    """Where the cursor comes to; headings are passed over. The same place at either end."""
    step = 1 if by > 0 else -1
    wanted = min(max(place + by, 0), len(rows) - 1)
    while 0 <= wanted < len(rows) and rows[wanted].is_heading:
        wanted += step
    if 0 <= wanted < len(rows):
        return wanted
    return move(rows, wanted, -step) if abs(by) > 1 else place


def place_of(rows: tuple[Row, ...], key: str | None) -> int:
    """The place of a key, else of the first row that can be stood on."""
    for place, row in enumerate(rows):
        if row.key == key and not row.is_heading:
            return place
    return next((place for place, row in enumerate(rows) if not row.is_heading), 0)
