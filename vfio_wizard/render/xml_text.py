"""XML as text: where each element stands, and changes that leave every other byte as it is.

A tree would lose what people put between the elements: comments, blank lines, quotes, the order of
attributes. Here a change is a piece of text in the place of another. Document types are refused, since
entities in them could name other files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from vfio_wizard.model.errors import WizardError

DEEPEST = 100
Attributes = tuple[tuple[str, str], ...]


class XmlError(WizardError):
    """Why and where the text is not read as XML."""


class Element:
    """One element; the numbers are offsets into the text as UTF-8."""

    def __init__(self, name: str, attributes: dict[str, str], start: int, parent: Element | None) -> None:
        self.name, self.attributes, self.start, self.parent = name, attributes, start, parent
        self.head_end = start
        """Behind the start tag."""
        self.tail = start
        """Where the end tag begins; for ``<name/>`` the same as ``head_end``."""
        self.end = start
        self.is_empty = False
        """Written as ``<name/>``."""
        self.children: list[Element] = []
        self.words = ""
        """Its own text, without blanks at the ends."""

    def all(self, path: str) -> list[Element]:
        """Every element at a path of names such as ``devices/hostdev``."""
        found = [self]
        for name in path.split("/"):
            found = [child for one in found for child in one.children if child.name == name]
        return found

    def first(self, path: str) -> Element | None:
        """The first element at a path; None where there is none."""
        return next(iter(self.all(path)), None)

    def get(self, path: str, attribute: str) -> str | None:
        """An attribute of the first element at a path."""
        found = self.first(path)
        return None if found is None else found.attributes.get(attribute)

    def walk(self) -> Iterator[Element]:
        """Itself and everything below."""
        yield self
        for child in self.children:
            yield from child.walk()


class Document:
    """A text and its root element."""

    def __init__(self, text: str) -> None:
        """Raises XmlError for what is not well-formed, too deep, or declares a document type."""
        try:
            self.data = text.encode()
        except UnicodeEncodeError:
            message = "not XML: the file holds bytes that are no UTF-8"
            raise XmlError(message) from None
        self.newline = b"\r\n" if b"\r\n" in self.data else b"\n"
        self.root = _parse(self.data)

    # -- each gives the whole text after one change -------------------------------------------

    def replaced(self, start: int, end: int, text: str | bytes) -> str:
        """Other text in the place of a range."""
        piece = text.encode() if isinstance(text, str) else text
        return (self.data[:start] + piece + self.data[end:]).decode()

    def without(self, element: Element) -> str:
        """The element gone, with its line where it has lines of its own."""
        start, end = element.start, element.end
        line = self.data.rfind(b"\n", 0, start) + 1
        after = self.data.find(b"\n", end)
        alone = not self.data[line:start].strip() and after >= 0 and not self.data[end:after].strip()
        return self.replaced(line, after + 1, b"") if alone and line else self.replaced(start, end, b"")

    def with_attribute(self, element: Element, name: str, value: str | None) -> str:
        """One attribute set in its own quotes, or added behind the others, or (None) removed."""
        place = self._attribute(element, name)
        if place is None:
            if value is None:
                return self.data.decode()
            at = element.head_end - (2 if element.is_empty else 1)
            while self.data[at - 1 : at].isspace():
                at -= 1
            return self.replaced(at, at, f" {name}={quoted(value)}")
        start, opening, end = place
        if value is None:
            while self.data[start - 1 : start].isspace():
                start -= 1
            return self.replaced(start, end, b"")
        mark = self.data[opening : opening + 1].decode()
        return self.replaced(opening, end, f"{mark}{escaped(value, mark)}{mark}")

    def with_words(self, element: Element, words: str) -> str:
        """Other text in an element that holds nothing but text."""
        if element.is_empty:
            return self.replaced(
                element.start, element.end, f"{self._opened(element)}{escaped(words)}</{element.name}>"
            )
        return self.replaced(element.head_end, element.tail, escaped(words))

    def with_child(self, parent: Element, lines: Iterable[str], after: tuple[str, ...] = ()) -> str:
        """A new child, in the indentation of its neighbours: behind the last of the named, else the last."""
        if parent.is_empty:
            return self._filled(parent, list(lines))
        neighbours = [child for child in parent.children if child.name in after] or parent.children
        if not neighbours:
            return self._only_child(parent, list(lines))
        neighbour = neighbours[-1]
        at = self._line_end(neighbour, parent)
        return self.replaced(at, at, self._piece(list(lines), self._indentation(neighbour)))

    # -- parts --------------------------------------------------------------------------------

    def _piece(self, lines: list[str], indentation: bytes | None) -> bytes:
        """Lines to stand behind something; without an indentation everything is on one line already."""
        if indentation is None:
            return "".join(line.strip() for line in lines).encode()
        return b"".join(self.newline + indentation + line.encode() for line in lines)

    def _indentation(self, element: Element) -> bytes | None:
        """The blanks before an element that begins its line; None where it does not."""
        line = self.data.rfind(b"\n", 0, element.start) + 1
        before = self.data[line : element.start]
        return before if line and not before.strip() else None

    def _line_end(self, element: Element, parent: Element) -> int:
        """Behind the element, and behind a comment that stands on the same line."""
        if self._indentation(element) is None:
            return element.end
        stop = self.data.find(b"\n", element.end)
        rest = self.data[element.end : stop].strip() if stop >= 0 else b"no"
        is_comment = rest.startswith(b"<!--") and rest.endswith(b"-->") and rest.count(b"<!--") == 1
        if stop >= 0 and stop <= parent.tail and is_comment:
            return stop - 1 if self.data[stop - 1 : stop] == b"\r" else stop
        return element.end

    def _filled(self, parent: Element, lines: list[str]) -> str:
        """``<name/>`` with something in it."""
        outer = self._indentation(parent)
        if outer is None:
            inner, closing = self._piece(lines, None), b""
        else:
            inner, closing = self._piece(lines, outer + b"  "), self.newline + outer
        text = self._opened(parent).encode() + inner + closing + f"</{parent.name}>".encode()
        return self.replaced(parent.start, parent.end, text)

    def _only_child(self, parent: Element, lines: list[str]) -> str:
        """Into an element that holds at most blanks and comments; those stay."""
        outer = self._indentation(parent)
        if outer is None and parent.parent is not None:
            return self.replaced(parent.tail, parent.tail, self._piece(lines, None))
        outer = outer or b""
        inside = self.data[parent.head_end : parent.tail]
        keep = len(inside.rstrip(b" \t\r\n"))
        at = parent.head_end + keep
        return self.replaced(at, parent.tail, self._piece(lines, outer + b"  ") + self.newline + outer)

    def _opened(self, element: Element) -> str:
        """The start tag of ``<name …/>`` as one that is open."""
        return self.data[element.start : element.head_end - 2].decode().rstrip() + ">"

    def _attribute(self, element: Element, name: str) -> tuple[int, int, int] | None:
        """Where an attribute begins, where its quotes open, and what is behind them."""
        at = element.start + 1 + len(element.name.encode())
        while at < element.head_end:
            while self.data[at : at + 1].isspace():
                at += 1
            equals = self.data.find(b"=", at, element.head_end)
            if equals < 0:
                return None
            opening = equals + 1
            while self.data[opening : opening + 1].isspace():
                opening += 1
            end = self.data.index(self.data[opening : opening + 1], opening + 1) + 1
            if self.data[at:equals].strip() == name.encode():
                return at, opening, end
            at = end
        return None


def escaped(text: str, mark: str = "") -> str:
    """For the text of an element, or with ``mark`` for an attribute in such quotes."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if mark:
        text = text.replace("\n", "&#10;").replace("\r", "&#13;").replace("\t", "&#9;")
        text = text.replace(mark, "&apos;" if mark == "'" else "&quot;")
    return text.replace("\r", "&#13;")


def quoted(value: str) -> str:
    """An attribute's value in the quotes that libvirt writes. Raises XmlError for what XML cannot hold."""
    if any(ord(char) < 0x20 and char not in "\t\n\r" for char in value):
        message = f"{value!r} holds a character that XML cannot"
        raise XmlError(message)
    return f"'{escaped(value, chr(39))}'"


def tag(name: str, attributes: Iterable[tuple[str, str | None]] = (), end: str = "/>") -> str:
    """A start tag; attributes that are None are left out."""
    shown = "".join(f" {key}={quoted(value)}" for key, value in attributes if value is not None)
    return f"<{name}{shown}{end}"


def _parse(data: bytes) -> Element:
    from xml.parsers import expat  # noqa: PLC0415 - only domains need it

    # The text may say that it was UTF-16; it was decoded already.
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    top = Element("", {}, 0, None)
    stack = [top]

    def begin(name: str, attributes: dict[str, str]) -> None:
        if len(stack) > DEEPEST:
            message = f"not a domain: line {parser.CurrentLineNumber} is nested deeper than any"
            raise XmlError(message)
        one = Element(name, dict(attributes), parser.CurrentByteIndex, stack[-1])
        one.head_end = _tag_end(data, one.start)
        one.is_empty = data[one.head_end - 2 : one.head_end] == b"/>"
        stack[-1].children.append(one)
        stack.append(one)

    def end(_name: str) -> None:
        one = stack.pop()
        one.words = one.words.strip()
        one.tail = one.head_end if one.is_empty else parser.CurrentByteIndex
        one.end = one.head_end if one.is_empty else data.index(b">", one.tail) + 1

    def words(text: str) -> None:
        stack[-1].words += text

    def doctype(*_given: Any) -> None:
        message = "a domain has no document type; remove the <!DOCTYPE"
        raise XmlError(message)

    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = words, doctype
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        message = f"not XML: line {error.lineno}, column {error.offset + 1}: {expat.ErrorString(error.code)}"
        raise XmlError(message) from None
    return top.children[0]


def _tag_end(data: bytes, start: int) -> int:
    """Behind the ``>`` of a start tag; one within quotes does not count."""
    at, mark = start, 0
    while True:
        at += 1
        byte = data[at]
        if mark:
            mark = 0 if byte == mark else mark
        elif byte in b"'\"":
            mark = byte
        elif byte == 0x3E:
            return at + 1
