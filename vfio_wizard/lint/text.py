"""Text that remembers where each of its characters stands in the file, however it was put together."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from vfio_wizard.model.record import NamedTuple

HOLE = "\ufffc"
"""Stands for a part that the file does not tell: a shell variable, a value of another module."""


class Place(NamedTuple):
    """Line and column, both counted from 1 in characters."""

    line: int
    column: int


START = Place(1, 1)


class Mark(NamedTuple):
    """From this offset on, the text stands at this place of the file, one to one."""

    offset: int
    place: Place


class Text(NamedTuple):
    """A string and the places it came from."""

    value: str
    marks: tuple[Mark, ...]

    @property
    def place(self) -> Place:
        """Where it begins."""
        return self.at(0)

    def at(self, offset: int) -> Place:
        """The place of one character."""
        number = bisect_right(self.marks, offset, key=_offset) - 1
        if number < 0:
            return START
        start, place = self.marks[number]
        breaks = self.value.count("\n", start, offset)
        if not breaks:
            return Place(place.line, place.column + offset - start)
        return Place(place.line + breaks, offset - self.value.rfind("\n", start, offset))

    def cut(self, start: int, end: int, place: Place | None = None) -> Text:
        """A part of it, with its places; ``place`` where the caller knows that of its start."""
        first = bisect_right(self.marks, start, key=_offset)
        last = bisect_left(self.marks, end, lo=first, key=_offset)
        inner = (Mark(mark.offset - start, mark.place) for mark in self.marks[first:last])
        return Text(self.value[start:end], (Mark(0, place or self.at(start)), *inner))

    def lines(self) -> list[Text]:
        """Its lines, without their ends."""
        found: list[Text] = []
        start = 0
        walk = _Walk(self)
        for line in self.value.split("\n"):
            found.append(self.cut(start, start + len(line.removesuffix("\r")), walk.at(start)))
            start += len(line) + 1
        return found

    def words(self, *, quoted: bool = False) -> list[Text]:
        """What blanks separate; with ``quoted``, double quotes protect blanks, as for the kernel."""
        found: list[Text] = []
        start = -1
        inside = False
        walk = _Walk(self)
        for offset, char in enumerate(self.value):
            if char == '"' and quoted:
                inside = not inside
            if char.isspace() and not inside:
                if start >= 0:
                    found.append(self.cut(start, offset, walk.at(start)))
                start = -1
            elif start < 0:
                start = offset
        if start >= 0:
            found.append(self.cut(start, len(self.value), walk.at(start)))
        return found

    def parts(self, separator: str) -> list[Text]:
        """What one character separates, empty parts included."""
        found: list[Text] = []
        start = 0
        walk = _Walk(self)
        for part in self.value.split(separator):
            found.append(self.cut(start, start + len(part), walk.at(start)))
            start += len(part) + len(separator)
        return found

    def stripped(self, chars: str | None = None) -> Text:
        """Without blanks (or these characters) at both ends."""
        left = len(self.value) - len(self.value.lstrip(chars))
        return self.cut(left, max(left, len(self.value.rstrip(chars))))


class _Walk:
    """Places of ever greater offsets, so that a long text is gone through once and not once a word."""

    def __init__(self, text: Text) -> None:
        self._text = text
        self._next = 0
        self._offset = 0
        self._place = START

    def at(self, offset: int) -> Place:
        """The place of an offset that is not before the last one asked for."""
        marks, value = self._text.marks, self._text.value
        while self._next < len(marks) and marks[self._next].offset <= offset:
            self._offset, self._place = marks[self._next]
            self._next += 1
        breaks = value.count("\n", self._offset, offset)
        column = (
            offset - value.rfind("\n", self._offset, offset)
            if breaks
            else self._place.column + offset - self._offset
        )
        self._offset, self._place = offset, Place(self._place.line + breaks, column)
        return self._place


def _offset(mark: Mark) -> int:
    return mark.offset


def whole(value: str) -> Text:
    """The text of a file from its first character on."""
    return Text(value, (Mark(0, START),))


def standing_at(value: str, place: Place) -> Text:
    """A text that begins at a place."""
    return Text(value, (Mark(0, place),))


def joined(parts: list[Text]) -> Text:
    """Texts one behind the other; each keeps its places."""
    marks: list[Mark] = []
    length = 0
    for part in parts:
        marks += [Mark(mark.offset + length, mark.place) for mark in part.marks]
        length += len(part.value)
    return Text("".join(part.value for part in parts), tuple(marks))
