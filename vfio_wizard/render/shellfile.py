"""Files of shell assignments (etc/default/grub and its like), edited without touching anything else.

What is understood: assignments outside of conditions, with all quotes of the shell, also ``+=`` and
``export``. Where a variable is set in any other way, the edit is refused. Every edit is checked: the value
that a shell would compute from the new text must be the old words, less those removed, plus those added.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from vfio_wizard.model.kargs import split_words
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.render.edit import Change, EditError, appended

_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*(?:\[\w+\])?)(\+?=)")
_OPENING = ("if", "for", "while", "until", "case", "select", "{")
_CLOSING = ("fi", "done", "esac", "}")
_BETWEEN = ("then", "else", "elif", "do", "!")
_ENDS = " \t\n;&|<>()"


class Segment(NamedTuple):
    """A part of a value: ``'``, ``"`` or empty for an unquoted one, and where its inside stands."""

    quote: str
    start: int
    end: int


class Assignment(NamedTuple):
    """One assignment; ``why_not`` says why it must not be edited."""

    name: str
    adds: bool
    start: int
    end: int
    segments: tuple[Segment, ...]
    why_not: str = ""


def edited(text: str, name: str, change: Change) -> str:
    """The text with the words of a variable changed. Raises EditError."""
    before = words_of(text, name)
    for word in change.remove:
        text = _without(text, name, word)
    left = words_of(text, name)
    added = tuple(word for word in change.add if word not in left)
    if added:
        text = _with(text, name, added)
    wanted = (*(one for one in before if one not in change.remove), *added)
    if words_of(text, name) != wanted:
        message = f"{name} is written in a way that cannot be edited safely"
        raise EditError(message)
    return text


def words_of(text: str, name: str) -> tuple[str, ...]:
    """The words of a variable when the file has been read; what only a shell knows stays as written.

    Raises EditError where it is not certain.
    """
    return split_words(value_of(text, name) or "")


def value_of(text: str, name: str) -> str | None:
    """The value of a variable; None when the file does not set it. Raises EditError."""
    values: dict[str, str] = {}
    for one in assignments(text):
        if one.why_not:
            if one.name == name:
                raise EditError(one.why_not)
            values[one.name] = f"${{{one.name}}}"
            continue
        value = "".join(_expanded(text, part, values) for part in one.segments)
        before = values.get(one.name, f"${{{one.name}}}") if one.adds else ""
        values[one.name] = before + value
    return values.get(name)


def assignments(text: str) -> tuple[Assignment, ...]:
    """All assignments of a file, in order. Raises EditError for a file that is not understood."""
    return tuple(_Reader(text).statements())


def is_set(text: str, name: str) -> bool:
    """Whether a file sets a variable, in whatever way."""
    return any(one.name == name for one in assignments(text))


# --- reading ----------------------------------------------------------------------------------------


class _Reader:
    """Walks over a file, statement by statement."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.is_conditional = False

    def statements(self) -> Iterator[Assignment]:
        while self._to_next():
            word = re.compile(r"[^\s;&|<>()\"'`$\\]*").match(self.text, self.at)
            first = word[0] if word else ""
            if first in _BETWEEN:
                self.at += len(first)
            elif first in _OPENING or re.compile(r"\w+\s*\(\)").match(self.text, self.at):
                self.depth += 0 if first == "{" and self._is_function() else 1
                self._skip_command()
            elif first in _CLOSING:
                self.depth = max(0, self.depth - 1)
                self.at += len(first)
            elif first in ("export", "declare", "readonly", "typeset", "local"):
                yield from self._declared(first)
            elif _ASSIGNMENT.match(self.text, self.at):
                yield from self._assigned()
            else:
                self._other(first)

    def _is_function(self) -> bool:
        return self.text[: self.at].rstrip().endswith("()")

    def _to_next(self) -> bool:
        """On to the next statement, over blanks and comments; what ``&&`` and ``||`` join is conditional."""
        self.is_conditional = False
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == "#":
                self._to_line_end()
            elif char in "&|":
                self.is_conditional = True
                self.at += 1
            elif char in " \t\n\r;)":
                self.is_conditional = self.is_conditional and char in " \t"
                self.at += 1
            elif char == "(":
                self._skip_group()
            else:
                return True
        return False

    def _to_line_end(self) -> None:
        end = self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end

    def _declared(self, first: str) -> Iterator[Assignment]:
        self.at += len(first)
        while self.at < len(self.text) and self.text[self.at] in " \t":
            self.at += 1
        if _ASSIGNMENT.match(self.text, self.at):
            yield from self._assigned("" if first == "export" else f"it is set by {first}")
        else:
            self._skip_command()

    def _assigned(self, why_not: str = "") -> Iterator[Assignment]:
        found: list[Assignment] = []
        while match := _ASSIGNMENT.match(self.text, self.at):
            start = self.at
            self.at = match.end()
            segments, odd = self._value()
            found.append(
                Assignment(
                    match[1], match[2] == "+=", start, self.at, segments, why_not or odd or self._where()
                )
            )
            while self.at < len(self.text) and self.text[self.at] in " \t":
                self.at += 1
        if self.at < len(self.text) and self.text[self.at] not in "\n;#\r":
            odd = "it is set for one command only, or together with one"
            found = [one._replace(why_not=odd) for one in found]
            self._skip_command()
        yield from found

    def _where(self) -> str:
        if self.depth:
            return "it is set inside of a condition, a loop or a function"
        return "it is set under a condition" if self.is_conditional else ""

    def _value(self) -> tuple[tuple[Segment, ...], str]:
        """The parts of a value, and what is odd about it."""
        segments: list[Segment] = []
        odd = ""
        while self._is_inside(_ENDS):
            char = self.text[self.at]
            start = self.at
            if char in "'\"":
                end = self._quote_end(char)
                segments.append(Segment(char, start + 1, end))
                self.at = end + 1
            else:
                self._skip_plain()
                segments.append(Segment("", start, self.at))
            inside = self.text[segments[-1].start : segments[-1].end]
            if "\n" in inside:
                odd = "its value goes over several lines"
            if char != "'" and re.search(r"\$[({'\"]|`", re.sub(r"\$\{\w+\}|\\.", "", inside)):
                odd = odd or "its value is computed by a command"
        if self.at < len(self.text) and self.text[self.at] == "(":
            odd = "it is a list"
            self._skip_group()
        return tuple(segments), odd

    def _is_inside(self, ends: str) -> bool:
        """Whether a word goes on here; the CR of a line that ends with CRLF belongs to no word."""
        here = self.text[self.at : self.at + 1]
        return bool(here) and here not in ends and not self.text.startswith("\r\n", self.at)

    def _skip_plain(self) -> None:
        while self._is_inside(_ENDS + "'\""):
            if self.text[self.at] == "\\":
                self.at += 1
            elif self.text[self.at] == "`":
                self.at = self._find("`", self.at + 1)
            elif self.text.startswith("$(", self.at):
                self.at += 1
                self._skip_group()
                continue
            elif self.text.startswith("${", self.at):
                self.at = self._find("}", self.at)
            self.at += 1
        self.at = min(self.at, len(self.text))

    def _find(self, what: str, start: int) -> int:
        found = self.text.find(what, start)
        if found < 0:
            message = f"a {what} that never comes"
            raise EditError(message)
        return found

    def _quote_end(self, quote: str, start: int = -1) -> int:
        """The closing quotation mark of a text that opens here, over commands with quotes of their own."""
        at = (self.at if start < 0 else start) + 1
        if quote == "'":
            return self._find("'", at)
        while at < len(self.text) and self.text[at] != '"':
            if self.text[at] == "\\":
                at += 1
            elif self.text.startswith("$(", at):
                at = self._group_end(at + 1)
            elif self.text[at] == "`":
                at = self._find("`", at + 1)
            at += 1
        if at >= len(self.text):
            message = "a quotation mark that is never closed"
            raise EditError(message)
        return at

    def _skip_group(self) -> None:
        """Over a parenthesis and what is in it."""
        self.at = self._group_end(self.at) + 1

    def _group_end(self, at: int) -> int:
        """The parenthesis that closes the one that opens here."""
        depth = 0
        while at < len(self.text):
            char = self.text[at]
            if char in "'\"":
                at = self._quote_end(char, at)
            elif char == "\\":
                at += 1
            elif char in "()":
                depth += 1 if char == "(" else -1
                if depth == 0:
                    return at
            at += 1
        message = "a parenthesis that is never closed"
        raise EditError(message)

    def _other(self, first: str) -> None:
        start = self.at
        self._skip_command()
        if first in ("return", "exit", "exec") and not self.depth:
            message = f"it is left early, by {first}"
            raise EditError(message)
        told = self.text[start : self.at]
        if first in ("eval", "unset", "read", "printf") or "<<" in told:
            message = f"it holds a command that may change any variable: {told.strip()[:40]}"
            raise EditError(message)
        if self.at == start:
            self.at += 1

    def _skip_command(self) -> None:
        """To the end of a simple command: a newline, a semicolon, or what joins commands."""
        while self.at < len(self.text) and self.text[self.at] not in "\n;&|":
            char = self.text[self.at]
            if char in "'\"":
                self.at = self._quote_end(char)
            elif char == "`":
                self.at = self._find("`", self.at + 1)
            elif char == "\\":
                self.at += 1
            elif char == "(":
                self._skip_group()
                continue
            elif char == "#" and self.text[self.at - 1] in " \t":
                self._to_line_end()
                continue
            self.at += 1


def _expanded(text: str, part: Segment, values: Mapping[str, str]) -> str:
    inside = text[part.start : part.end]
    if part.quote == "'":
        return inside

    def piece(match: re.Match[str]) -> str:
        if match[1]:
            kept = part.quote == '"' and match[1] not in '\\"$`'
            return match[0] if kept else match[1]
        name = match[2] or match[3]
        return values.get(name, f"${{{name}}}")

    return re.sub(r"\\(.)|\$(\w+)|\$\{(\w+)\}", piece, inside)


# --- writing ----------------------------------------------------------------------------------------


def quoted(word: str) -> str:
    """A word as it stands inside of double quotes."""
    return re.sub(r'([\\"$`])', r"\\\1", word)


def assignment(name: str, words: tuple[str, ...], *, onto: bool) -> str:
    """A line that sets a variable, or puts words behind what it holds."""
    old = f"${name} " if onto else ""
    return f'{name}="{old}{quoted(" ".join(words))}"\n'


def _without(text: str, name: str, word: str) -> str:
    for one in reversed([one for one in assignments(text) if one.name == name and not one.why_not]):
        for at, part in reversed(list(enumerate(one.segments))):
            inside = text[part.start : part.end]
            whole = (at == 0, at == len(one.segments) - 1)
            new = _inside_without(inside, quoted(word) if part.quote == '"' else word, whole)
            text = text[: part.start] + new + text[part.end :]
    return text


def _inside_without(inside: str, word: str, whole: tuple[bool, bool]) -> str:
    """A word out of the inside of quotes; one that another part continues is not a word."""
    start = r"(?:^|(?<=\s))" if whole[0] else r"(?<=\s)"
    end = r"(?=\s|$)" if whole[1] else r"(?=\s)"
    exact = re.escape(word)
    inside = re.sub(rf"[ \t]+{start}{exact}{end}", "", inside)
    return re.sub(rf"{start}{exact}{end}[ \t]*", "", inside)


def _with(text: str, name: str, added: tuple[str, ...]) -> str:
    there = [one for one in assignments(text) if one.name == name]
    if not there:
        return appended(text, assignment(name, added, onto=False))
    last = there[-1]
    if last.why_not:
        raise EditError(last.why_not)
    words = " ".join(added)
    if not last.segments:
        return f'{text[: last.end]}"{quoted(words)}"{text[last.end :]}'
    part = last.segments[-1]
    inside = text[part.start : part.end]
    gap = "" if len(last.segments) == 1 and (not inside or inside[-1] in " \t") else " "
    if part.quote == '"':
        return f"{text[: part.end]}{gap}{quoted(words)}{text[part.end :]}"
    if part.quote == "'" and "'" not in words:
        return f"{text[: part.end]}{gap}{words}{text[part.end :]}"
    if len(last.segments) == 1 and re.fullmatch(r"[\w.,:=/+@%-]+", inside):
        return f'{text[: part.start]}"{inside} {quoted(words)}"{text[part.end :]}'
    place = part.end + (1 if part.quote else 0)
    return f'{text[:place]}"{gap}{quoted(words)}"{text[place:]}'
