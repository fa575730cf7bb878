"""What the literal parts of a Nix expression come to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vfio_wizard.lint.text import Place, Text
from vfio_wizard.model.record import NamedTuple

if TYPE_CHECKING:
    from tree_sitter import Node

    from vfio_wizard.lint.nix.evaluate import Env, Thunk


class Unknown(NamedTuple):
    """Something that this file does not tell, by its source text."""

    source: str
    place: Place


class String(NamedTuple):
    """A string; parts that are not known are holes."""

    text: Text


class Plain(NamedTuple):
    """A number, true, false or null."""

    word: str
    place: Place


class Sequence(NamedTuple):
    """A list."""

    items: tuple[Value, ...]
    place: Place


class Binding(NamedTuple):
    """``a.b = …`` in an attribute set."""

    path: tuple[Text, ...]
    thunk: Thunk


class Attributes(NamedTuple):
    """An attribute set whose values are evaluated when they are asked for."""

    bindings: tuple[Binding, ...]
    place: Place


class Function(NamedTuple):
    """A lambda and what it can see."""

    node: Node
    env: Env


class Several(NamedTuple):
    """Alternatives (``if``), or parts that the module system merges."""

    values: tuple[Value, ...]


class Guarded(NamedTuple):
    """A value that holds only under a condition, by its source text."""

    condition: str
    value: Value


Value = Unknown | String | Plain | Sequence | Attributes | Function | Several | Guarded
