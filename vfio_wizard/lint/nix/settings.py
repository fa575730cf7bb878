"""From a Nix file to the options that it sets, with their values and the conditions around them."""

from __future__ import annotations

from collections.abc import Iterator

from vfio_wizard.lint.nix.evaluate import DEEPEST, Env, Evaluator
from vfio_wizard.lint.nix.library import place_of
from vfio_wizard.lint.nix.tree import Source
from vfio_wizard.lint.nix.values import (
    Attributes,
    Function,
    Guarded,
    Plain,
    Sequence,
    Several,
    String,
    Unknown,
    Value,
)
from vfio_wizard.lint.text import Place, Text, standing_at
from vfio_wizard.model.record import NamedTuple

ROOTS = frozenset(
    (
        "assertions",
        "boot",
        "environment",
        "hardware",
        "nesting",
        "networking",
        "nixpkgs",
        "powerManagement",
        "programs",
        "security",
        "services",
        "system",
        "systemd",
        "users",
        "virtualisation",
    )
)
"""Where the paths of options begin; what stands before (config, a flake's outputs) is left out."""

ANY = "*"
_MOST_SETTINGS = 5_000


class Setting(NamedTuple):
    """One option that is set; a value with alternatives comes as several settings."""

    path: tuple[str, ...]
    key: Text
    """The last name of the path, as it stands in the file."""
    value: Value
    guards: tuple[str, ...]

    @property
    def option(self) -> str:
        """The path with dots."""
        return ".".join(self.path)

    @property
    def place(self) -> Place:
        """Where its name stands."""
        return self.key.place


class Item(NamedTuple):
    """A string of a list, or what stands in its stead; ``certain`` when it is there in any case."""

    value: String | Unknown
    certain: bool
    guards: tuple[str, ...] = ()
    """Conditions inside the value, by their source text."""

    @property
    def is_for_some_versions(self) -> bool:
        """Whether its author asks for a version first (``lib.versionOlder``), and so knows what he does."""
        return any("ersion" in guard for guard in self.guards)


def settings(source: Source) -> tuple[Setting, ...]:
    """Every option that the file sets, in the order of the file."""
    evaluator = Evaluator(source)
    collector = _Collector(evaluator)
    collector.collect(evaluator.evaluate(source.root, Env(None, {})), (), (), 0)
    return tuple(sorted(collector.found, key=lambda one: one.place))


class _Collector:
    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.found: list[Setting] = []

    def collect(self, value: Value, path: tuple[Text, ...], guards: tuple[str, ...], depth: int) -> None:
        """Walks into sets, modules and lists of modules; everything else is the value of an option."""
        if depth > DEEPEST or len(self.found) >= _MOST_SETTINGS:
            return
        match value:
            case Attributes(bindings, _):
                for one in bindings:
                    self.collect(one.thunk.force(), path + one.path, guards, depth + 1)
            case Guarded(condition, inner):
                self.collect(inner, path, (*guards, condition), depth + 1)
            case Several(values):
                for inner in values:
                    self.collect(inner, path, guards, depth + 1)
            case Function():
                module = self.evaluator.call(value, Unknown("", Place(1, 1)))
                self.collect(module, path, guards, depth + 1)
            case _:
                self._leaf(value, path, guards, depth)

    def _leaf(self, value: Value, path: tuple[Text, ...], guards: tuple[str, ...], depth: int) -> None:
        option = _option(path)
        if option:
            self.found.append(Setting(option, path[-1], value, guards))
        if isinstance(value, Sequence):
            for item in value.items:
                if isinstance(item, Attributes | Function | Guarded | Several):
                    self.collect(item, (*path, standing_at(ANY, place_of(item))), guards, depth + 1)


def _option(path: tuple[Text, ...]) -> tuple[str, ...]:
    """The path from its root on; empty for what is no option of NixOS."""
    names = tuple(part.value for part in path)
    for number, name in enumerate(names):
        if name == "options":
            return ()
        if name in ROOTS:
            return names[number:]
    return ()


def items(value: Value, *, certain: bool = True, guards: tuple[str, ...] = ()) -> Iterator[Item]:
    """The strings of a list, its alternatives and merged parts included."""
    match value:
        case Sequence(inner, _):
            for one in inner:
                yield from items(one, certain=certain, guards=guards)
        case Several(values):
            for one in values:
                yield from items(one, certain=False, guards=guards)
        case Guarded(condition, inner):
            yield from items(inner, certain=False, guards=(*guards, condition))
        case String() | Unknown():
            yield Item(value, certain, guards)
        case _:
            return


def strings(value: Value) -> Iterator[Text]:
    """Every string that the value may be."""
    for one in items(value):
        if isinstance(one.value, String):
            yield one.value.text


def word(value: Value) -> str:
    """``true``, a number, or empty text for everything else."""
    return value.word if isinstance(value, Plain) else ""
