"""XML with the place of every element. Document types and entities are refused, not expanded."""

from __future__ import annotations

from typing import Any

from vfio_wizard.lint.text import Place
from vfio_wizard.model.record import NamedTuple

DEEPEST = 100
_SYNTAX = "lint.domain.syntax"
_DOCTYPE = "lint.domain.doctype"


class Element(NamedTuple):
    """One element; ``text`` is what stands before its first child."""

    name: str
    attributes: dict[str, str]
    place: Place
    children: list[Element]
    text: list[str]

    def first(self, path: str) -> Element | None:
        """The first element at a path of names such as ``features/kvm``; None where there is none."""
        return next(iter(self.all(path)), None)

    def all(self, path: str) -> list[Element]:
        """Every element at a path of names."""
        found = [self]
        for name in path.split("/"):
            found = [child for one in found for child in one.children if child.name == name]
        return found

    @property
    def words(self) -> str:
        """Its text without blanks at the ends."""
        return "".join(self.text).strip()

    def shown(self) -> str:
        """The start tag, as one would write it."""
        attributes = "".join(f" {name}='{value}'" for name, value in self.attributes.items())
        return f"<{self.name}{attributes}>"


class Refused(Exception):  # noqa: N818 - a finding, no fault of the program
    """Why and where the text is not read."""

    def __init__(self, rule: str, place: Place, seen: str, why: str) -> None:
        super().__init__(why)
        self.rule, self.place, self.seen, self.why = rule, place, seen, why


def parse_xml(text: str) -> Element:
    """The root element. Raises Refused for what is not well-formed, too deep, or declares a document type."""
    from xml.parsers import expat  # noqa: PLC0415 - only domains need it

    # The file may say that it is UTF-16; it was decoded already.
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    top = Element("", {}, Place(1, 1), [], [])
    stack = [top]

    def place() -> Place:
        return Place(parser.CurrentLineNumber, parser.CurrentColumnNumber + 1)

    def begin(name: str, attributes: dict[str, str]) -> None:
        if len(stack) > DEEPEST:
            why = "nested deeper than any domain"
            raise Refused(_SYNTAX, place(), f"<{name}>", why)
        one = Element(name, dict(attributes), place(), [], [])
        stack[-1].children.append(one)
        stack.append(one)

    def end(_name: str) -> None:
        stack.pop()

    def text_handler(data: str) -> None:
        stack[-1].text.append(data)

    def doctype(name: str, *_rest: Any) -> None:
        why = "a domain has no document type; entities in it could name other files or grow without bound"
        raise Refused(_DOCTYPE, place(), f"<!DOCTYPE {name}", why)

    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text_handler
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(text.encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        at = Place(error.lineno, error.offset + 1)
        raise Refused(_SYNTAX, at, _line(text, at.line), expat.ErrorString(error.code)) from None
    return top.children[0]


def _line(text: str, number: int) -> str:
    lines = text.splitlines()
    return lines[number - 1].strip() if 0 < number <= len(lines) else ""
