"""Assignments of shell-like files (default/grub, mkinitcpio.conf, dracut.conf), read as a shell reads them.

Nothing is expanded: ``$VAR``, ``$(…)`` and backticks become holes. The value keeps the place of every
character, through quotes, escapes and lines that are continued.
"""

from __future__ import annotations

from collections.abc import Iterator

from vfio_wizard.lint.text import HOLE, Place, Text, joined, standing_at
from vfio_wizard.model.record import NamedTuple

_NAME = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")


class Assignment(NamedTuple):
    """``NAME=value`` or ``NAME+=value`` or ``NAME=(words)``."""

    name: Text
    appends: bool
    value: Text
    is_array: bool
    uses: tuple[str, ...]
    """Variables in the value."""
    rest: Text
    """What stands behind the value on its line, up to a comment: a command that the shell would run."""
    open_quote: Place | None
    """Where a quote begins that is never closed."""


class _Reader:
    """One pass over the text; ``at`` only grows."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self.source = text.value
        self.at = 0
        self.parts: list[Text] = []
        self.uses: list[str] = []
        self.open_quote: Place | None = None

    def assignment(self) -> Assignment | None:
        """The one that begins here; None where none does."""
        start = self.at
        while self.at < len(self.source) and self.source[self.at] in _NAME:
            self.at += 1
        name = self.text.cut(start, self.at)
        appends = self.source.startswith("+=", self.at)
        if not name.value or name.value[0].isdigit() or not (appends or self.source.startswith("=", self.at)):
            return None
        self.at += 2 if appends else 1
        self.parts, self.uses, self.open_quote = [self.text.cut(self.at, self.at)], [], None
        is_array = self.source.startswith("(", self.at)
        if is_array:
            self._array()
        else:
            self._word(" \t\n;&|<>")
        end = self.at
        while self.at < len(self.source) and self.source[self.at] not in "\n#;":
            self.at += 1
        rest = self.text.cut(end, self.at).stripped()
        value = joined(self.parts)
        return Assignment(name, appends, value, is_array, tuple(self.uses), rest, self.open_quote)

    def _array(self) -> None:
        opened = self.at
        self.at += 1
        while self.at < len(self.source) and self.source[self.at] != ")":
            char = self.source[self.at]
            if char == "#" and self.source[self.at - 1] in " \t\n(":
                self._skip_line()
            elif char in " \t\n":
                self._take(1)
            else:
                self._word(" \t\n)")
        if self.at >= len(self.source):
            self.open_quote = self.open_quote or self.text.at(opened)
        self.at += 1

    def _skip_line(self) -> None:
        while self.at < len(self.source) and self.source[self.at] != "\n":
            self.at += 1

    def _take(self, length: int) -> None:
        self.parts.append(self.text.cut(self.at, self.at + length))
        self.at += length

    def _word(self, ends: str) -> None:
        """Up to an unquoted character of ``ends``; a hash inside a word is no comment."""
        while self.at < len(self.source):
            char = self.source[self.at]
            if char in ends:
                return
            if char == "'":
                self._single()
            elif char == '"':
                self._double()
            elif char == "\\":
                self._escape(always=True)
            elif char in "$`":
                self._hole()
            else:
                self._run(ends + "'\"\\$`")

    def _run(self, stops: str) -> None:
        """All characters up to one that means something."""
        end = self.at + 1
        while end < len(self.source) and self.source[end] not in stops:
            end += 1
        self._take(end - self.at)

    def _single(self) -> None:
        opened = self.at
        end = self.source.find("'", self.at + 1)
        if end < 0:
            self._unclosed(opened)
            return
        self.at += 1
        self._take(end - self.at)
        self.at += 1

    def _double(self) -> None:
        opened = self.at
        self.at += 1
        while self.at < len(self.source):
            char = self.source[self.at]
            if char == '"':
                self.at += 1
                return
            if char == "\\":
                self._escape(always=False)
            elif char in "$`":
                self._hole()
            else:
                self._run('"\\$`')
        self._unclosed(opened)

    def _unclosed(self, opened: int) -> None:
        """Goes on behind the line of the quote, so that the rest of the file is still read."""
        self.open_quote = self.open_quote or self.text.at(opened)
        end = self.source.find("\n", opened)
        end = len(self.source) if end < 0 else end
        self.parts = [self.text.cut(opened + 1, end)]
        self.at = end

    def _escape(self, *, always: bool) -> None:
        following = self.source[self.at + 1 : self.at + 2]
        if following == "\n":
            self.at += 2
        elif always or (following and following in '"\\$`'):
            self.at += 1
            self._take(min(1, len(following)))
        else:
            self._take(1)

    def _hole(self) -> None:
        start = self.at
        if self.source[start] == "`":
            end = self.source.find("`", start + 1)
            self.at = len(self.source) if end < 0 else end + 1
        elif self.source.startswith("$(", start):
            self.at = _closing(self.source, start + 1, "(", ")")
        elif self.source.startswith("${", start):
            self.at = _closing(self.source, start + 1, "{", "}")
            self.uses.append(self.source[start + 2 : self.at - 1].split(":")[0].split("%")[0])
        else:
            self.at += 1
            while self.at < len(self.source) and self.source[self.at] in _NAME:
                self.at += 1
            self.uses.append(self.source[start + 1 : self.at])
        self.parts.append(standing_at(HOLE, self.text.at(start)))


def _closing(source: str, start: int, opens: str, closes: str) -> int:
    depth = 0
    for at in range(start, len(source)):
        if source[at] == opens:
            depth += 1
        elif source[at] == closes:
            depth -= 1
            if not depth:
                return at + 1
    return len(source)


def assignments(text: Text) -> Iterator[Assignment]:
    """Every assignment that begins a line (behind ``export``, too)."""
    reader = _Reader(text)
    source = text.value
    while reader.at < len(source):
        while reader.at < len(source) and source[reader.at] in " \t\n;":
            reader.at += 1
        if source.startswith("export ", reader.at):
            reader.at += len("export ")
        found = reader.assignment() if reader.at < len(source) else None
        if found is not None:
            yield found
        end = source.find("\n", reader.at)
        reader.at = len(source) if end < 0 else end + 1
