"""Values as Nix source text, formatted as nixfmt does. No templates: what is a string stays one.

Characters that Nix cannot hold (NUL), that would hide or reorder text from a reader (controls, direction
overrides) or that are no text at all (lone surrogates) are refused with ``Unprintable``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.record import NamedTuple

_KEYWORDS = frozenset(
    ("assert", "else", "if", "in", "inherit", "let", "or", "rec", "then", "with", "null", "true", "false")
)
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_HIDDEN_RANGES = (
    (0x00, 0x08),
    (0x0B, 0x0C),
    (0x0E, 0x1F),
    (0x7F, 0x9F),
    (0x200B, 0x200F),
    (0x2028, 0x202E),
    (0x2060, 0x206F),
    (0xD800, 0xDFFF),
    (0xFEFF, 0xFEFF),
    (0xFFF9, 0xFFFB),
    (0xE0000, 0xE007F),
)


class UnprintableError(UsageError):
    """A string that must not stand in a configuration file."""


class Code(NamedTuple):
    """Nix text as it stands, and the module arguments that it uses."""

    text: str
    uses: tuple[str, ...] = ()


class Lines(NamedTuple):
    """A string of several lines, each ending with a newline, written between two single quotes."""

    lines: tuple[str | Code, ...]
    """Code goes in as it stands, for an interpolation that is meant."""


class Item(NamedTuple):
    """A list item with a comment above it."""

    value: Value
    comment: str = ""


class Binding(NamedTuple):
    """``path = value;`` with a comment above it. ``apart`` puts an empty line before it."""

    path: tuple[str, ...]
    value: Value
    comment: str = ""
    apart: bool = False


class Set(NamedTuple):
    """An attribute set."""

    bindings: tuple[Binding, ...]


class Call(NamedTuple):
    """A function and its last argument: ``lib.mkIf cond { … }``."""

    function: Code
    argument: Value


class Function(NamedTuple):
    """A module function: the arguments it names, and its body."""

    arguments: tuple[str, ...]
    body: Value


class Let(NamedTuple):
    """Names for a value: ``let … in``."""

    bindings: tuple[Binding, ...]
    body: Value


Value: TypeAlias = (
    "str | bool | int | Code | Lines | tuple[Item, ...] | list[str] | Set | Call | Function | Let"
)


def string(text: str) -> str:
    """A Nix string literal. Raises UnprintableError."""
    _refuse_hidden(text)
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    """``$`` is escaped only where it would open an interpolation; ``$$`` does not."""
    out = []
    for index, char in enumerate(text):
        if char == "$" and text[index + 1 : index + 2] == "{":
            out.append("\\$")
        else:
            out.append(_ESCAPES.get(char, char))
    return "".join(out)


def _refuse_hidden(text: str) -> None:
    for char in text:
        if _is_hidden(char):
            msg = f"the text {text!r} holds the character U+{ord(char):04X}, which no file should hide"
            raise UnprintableError(msg)


def _is_hidden(char: str) -> bool:
    code = ord(char)
    return any(first <= code <= last for first, last in _HIDDEN_RANGES)


def name(text: str) -> str:
    """One segment of an attribute path: plain where Nix allows it, else quoted."""
    return text if _is_identifier(text) else string(text)


def _is_identifier(text: str) -> bool:
    if not text.isascii() or not text or text in _KEYWORDS:
        return False
    first = text[0].isalpha() or text[0] == "_"
    return first and all(char.isalnum() or char in "_'-" for char in text)


def path(segments: tuple[str, ...]) -> str:
    """A dotted attribute path."""
    return ".".join(name(one) for one in segments)


def file_beside(file_name: str) -> Code:
    """A path literal for a file in the module's own directory. Raises UnprintableError on odd names."""
    if not file_name.isascii() or not all(char.isalnum() or char in "._+-" for char in file_name):
        msg = f"not a file name for a path in Nix: {file_name!r}"
        raise UnprintableError(msg)
    return Code(f"./{file_name}")


def comment(text: str, indent: str = "") -> str:
    """Comment lines, wrapped; nothing in the text can end them (newlines and controls become ``?``)."""
    return "".join(
        f"{indent}# {line}\n" if line else f"{indent}#\n" for line in _wrap(text, 90 - len(indent))
    )


def one_line(text: str) -> str:
    """Text from hardware for a comment: hidden characters, newlines and tabs become ``?``."""
    return "".join("?" if _is_hidden(char) or char in "\n\r\t" else char for char in text)


def _wrap(text: str, width: int) -> list[str]:
    lines = [""]
    for word in one_line(text).split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return lines


def uses(value: Value) -> frozenset[str]:
    """The module arguments that a value refers to, outside of functions that name them themselves."""
    if isinstance(value, Code):
        return frozenset(value.uses)
    if isinstance(value, Function):
        return uses(value.body) - frozenset(value.arguments)
    return frozenset().union(*(uses(one) for one in _children(value)))


def _children(value: Value) -> tuple[Value, ...]:
    match value:
        case Set():
            return tuple(one.value for one in value.bindings)
        case Call():
            return (value.function, value.argument)
        case Let():
            return (*(one.value for one in value.bindings), value.body)
        case Lines():
            return tuple(one for one in value.lines if isinstance(one, Code))
        case tuple() if not isinstance(value, Code | Function):
            return tuple(one.value for one in value)
        case _:
            return ()


def source(value: Value, indent: str = "") -> str:
    """A value as source text; following lines start with ``indent``."""
    return _PRINTERS[type(value)](value, indent)


def grouped(bindings: tuple[Binding, ...]) -> Set:
    """Bindings that share the head of their path three times or more become one nested set."""
    heads = [one.path[0] for one in bindings if len(one.path) > 1]
    shared = {head for head in heads if heads.count(head) >= _REPEATS}
    found: dict[str, list[Binding]] = {}
    for index, one in enumerate(bindings):
        inside = len(one.path) > 1 and one.path[0] in shared
        found.setdefault(one.path[0] if inside else f"{index}", []).append(one)
    return Set(tuple(_group(key, members) for key, members in found.items()))


_REPEATS = 3
"""From three on, reviewers (and statix) ask for one set instead of repeated heads."""


def _group(head: str, members: list[Binding]) -> Binding:
    if len(members) == 1:
        return members[0]
    inner = grouped(tuple(one._replace(path=one.path[1:]) for one in members))
    return Binding((head,), inner, apart=True)


def _set(value: Set, indent: str) -> str:
    if not value.bindings:
        return "{ }"
    inner = indent + "  "
    parts = [_binding(one, inner, first=index == 0) for index, one in enumerate(value.bindings)]
    return "{\n" + "".join(parts) + indent + "}"


def _binding(binding: Binding, indent: str, *, first: bool) -> str:
    gap = "\n" if binding.apart and not first else ""
    above = comment(binding.comment, indent) if binding.comment else ""
    left = f"{indent}{path(binding.path)} ="
    if isinstance(binding.value, Function | Let):
        return f"{gap}{above}{left}\n{indent}  {source(binding.value, indent + '  ')};\n"
    if isinstance(binding.value, Code) and "\n" in binding.value.text:
        return f"{gap}{above}{left}\n{_shifted(binding.value.text, indent + '  ')};\n"
    return f"{gap}{above}{left} {source(binding.value, indent)};\n"


def _shifted(text: str, indent: str) -> str:
    return "\n".join(indent + line for line in text.split("\n"))


def _function(value: Function, indent: str) -> str:
    return f"{parameters(value.arguments)}\n{indent}{source(value.body, indent)}"


def _let(value: Let, indent: str) -> str:
    inner = indent + "  "
    bindings = "".join(_binding(one, inner, first=index == 0) for index, one in enumerate(value.bindings))
    return f"let\n{bindings}{indent}in\n{indent}{source(value.body, indent)}"


def parameters(arguments: tuple[str, ...]) -> str:
    """The head of a module function, as nixfmt breaks it: three names and more get a line each."""
    if len(arguments) < 3:
        return "{ " + ", ".join((*arguments, "...")) + " }:"
    return "{\n" + "".join(f"  {one},\n" for one in arguments) + "  ...\n}:"


def _list(items: tuple[Item, ...], indent: str) -> str:
    if not items:
        return "[ ]"
    alone = _item(items[0].value, indent) if len(items) == 1 and not items[0].comment else "\n"
    if "\n" not in alone:
        return f"[ {alone} ]"
    inner = indent + "  "
    lines = [
        f"{comment(one.comment, inner) if one.comment else ''}{inner}{_item(one.value, inner)}\n"
        for one in items
    ]
    return "[\n" + "".join(lines) + indent + "]"


def _item(value: Value, indent: str) -> str:
    """A call needs parentheses inside a list."""
    text = source(value, indent)
    return f"({text})" if isinstance(value, Call | Function) else text


def _indented(lines: tuple[str | Code, ...], indent: str) -> str:
    inner = indent + "  "
    # Nix strips the spaces that all lines have in common; a line that is quoted keeps its own.
    written = [index for index, line in enumerate(lines) if line]
    guard = all(str(lines[index]).startswith(" ") for index in written)
    body = "".join(
        f"{inner}{_indented_line(line, quoted=guard and index == written[0])}\n" if line else "\n"
        for index, line in enumerate(lines)
    )
    return f"''\n{body}{indent}''"


def _indented_line(line: str | Code, *, quoted: bool) -> str:
    """A line between two single quotes. What could mean something there goes in as a plain string."""
    if isinstance(line, Code):
        return line.text
    _refuse_hidden(line)
    if "\n" in line or "\r" in line:
        msg = f"a line that holds a line break: {line!r}"
        raise UnprintableError(msg)
    if quoted or any(one in line for one in _SPECIAL) or not line.strip():
        return f"${{{string(line)}}}"
    return line


_SPECIAL = ("''", "${", "'$")


_PRINTERS: dict[type, Callable[[Any, str], str]] = {
    bool: lambda value, _: "true" if value else "false",
    int: lambda value, _: str(value),
    str: lambda value, _: string(value),
    Code: lambda value, _: value.text,
    Lines: lambda value, indent: _indented(value.lines, indent),
    Set: _set,
    Call: lambda value, indent: f"{value.function.text} {source(value.argument, indent)}",
    Function: _function,
    Let: _let,
    list: lambda value, indent: _list(tuple(Item(one) for one in value), indent),
    tuple: _list,
}
