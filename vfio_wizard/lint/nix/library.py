"""The functions of nixpkgs' lib that configuration uses on lists and strings."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vfio_wizard.lint.nix.evaluate import as_text, bounded
from vfio_wizard.lint.nix.values import Function, Guarded, Plain, Sequence, Several, String, Unknown, Value
from vfio_wizard.lint.text import HOLE, Place, Text, joined, standing_at
from vfio_wizard.model.record import NamedTuple

if TYPE_CHECKING:
    from vfio_wizard.lint.nix.evaluate import Evaluator

_MOST_CALLS = 500


class Known(NamedTuple):
    """A library function: how many arguments it takes, and what it gives."""

    arguments: int
    of: Callable[[Evaluator, list[Value]], Value]
    condition: int | None = None
    """Which argument is a condition; then ``of`` gets the last argument only, and its result is guarded."""


def _last(_: Evaluator, values: list[Value]) -> Value:
    return values[-1]


def _merged(_: Evaluator, values: list[Value]) -> Value:
    parts = values[0]
    return Several(parts.items) if isinstance(parts, Sequence) else parts


def _singleton(_: Evaluator, values: list[Value]) -> Value:
    return Sequence((values[0],), place_of(values[0]))


def _flat(_: Evaluator, values: list[Value]) -> Value:
    """concatLists and flatten: lists in a list, one level or all."""
    return Sequence(tuple(_leaves(values[0])), place_of(values[0]))


def _leaves(value: Value) -> list[Value]:
    if not isinstance(value, Sequence):
        return [value]
    return [leaf for item in value.items for leaf in _leaves(item)]


def _mapped(evaluator: Evaluator, values: list[Value]) -> Value:
    function, items = values[-2], values[-1]
    if not isinstance(items, Sequence):
        # What the function makes of any element is still worth a look.
        hole = String(standing_at(HOLE, place_of(items)))
        return Sequence((_called(evaluator, function, hole), Unknown("…", place_of(items))), place_of(items))
    return Sequence(
        tuple(_called(evaluator, function, item) for item in items.items[:_MOST_CALLS]), items.place
    )


def _called(evaluator: Evaluator, function: Value, item: Value) -> Value:
    return evaluator.call(function, item) if isinstance(function, Function) else Unknown("…", place_of(item))


def _concat_mapped(evaluator: Evaluator, values: list[Value]) -> Value:
    return _flat(evaluator, [_mapped(evaluator, values)])


def _joined_by(_: Evaluator, values: list[Value]) -> Value:
    separator, items = values
    place = place_of(items)
    if not isinstance(items, Sequence):
        return String(standing_at(HOLE, place))
    parts: list[Text] = []
    for number, item in enumerate(items.items):
        text = as_text(item, place)
        if number:
            parts.append(_at_end(as_text(separator, place), parts[-1]))
        parts.append(text)
    return String(bounded(joined(parts or [standing_at("", place)])))


def _at_end(separator: Text, before: Text) -> Text:
    """The separator stands, for a reader, where the part before it ends."""
    return standing_at(separator.value, before.at(len(before.value)))


def _map_joined(evaluator: Evaluator, values: list[Value]) -> Value:
    return _joined_by(evaluator, [values[0], _mapped(evaluator, values[1:])])


def _concat_strings(evaluator: Evaluator, values: list[Value]) -> Value:
    return _joined_by(evaluator, [String(standing_at("", place_of(values[0]))), values[0]])


def _text(_: Evaluator, values: list[Value]) -> Value:
    return String(as_text(values[0], place_of(values[0])))


def place_of(value: Value) -> Place:
    """Where a value begins."""
    match value:
        case String(text):
            return text.place
        case Plain(_, place) | Unknown(_, place) | Sequence(_, place):
            return place
        case Guarded(_, inner):
            return place_of(inner)
        case Several(values) if values:
            return place_of(values[0])
        case _:
            return getattr(value, "place", Place(1, 1))


LIBRARY: dict[str, Known] = {
    "mkForce": Known(1, _last),
    "mkBefore": Known(1, _last),
    "mkAfter": Known(1, _last),
    "mkDefault": Known(1, _last),
    "mkOverride": Known(2, _last),
    "mkOrder": Known(2, _last),
    "mkIf": Known(2, _last, 0),
    "mkMerge": Known(1, _merged),
    "optional": Known(2, _singleton, 0),
    "optionals": Known(2, _last, 0),
    "optionalString": Known(2, _last, 0),
    "optionalAttrs": Known(2, _last, 0),
    "singleton": Known(1, _singleton),
    "unique": Known(1, _last),
    "concatLists": Known(1, _flat),
    "flatten": Known(1, _flat),
    "map": Known(2, _mapped),
    "forEach": Known(2, lambda evaluator, values: _mapped(evaluator, [values[1], values[0]])),
    "concatMap": Known(2, _concat_mapped),
    "concatStringsSep": Known(2, _joined_by),
    "concatMapStringsSep": Known(3, _map_joined),
    "concatStrings": Known(1, _concat_strings),
    "concatLines": Known(
        1,
        lambda evaluator, values: _joined_by(evaluator, [String(standing_at("\n", Place(1, 1))), values[0]]),
    ),
    "toString": Known(1, _text),
}
"""By the last word of their names: lib.optionals, lib.lists.optionals, or optionals behind ``with lib``."""
