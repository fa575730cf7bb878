"""Options of NixOS releases from the shared reference data, and whether a value fits an option's type."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.conftest import shared_directory
from vfio_wizard.knowledge.nixos import Release, release

FILE = shared_directory() / "nixos-options.json"


def read() -> dict[str, Any]:
    """All options by path."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))["options"]
    return found


def settings(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every attribute path of a configuration with its value, sets included; conditions opened."""
    value = opened(value)
    if path:
        yield path, value
    if isinstance(value, dict) and not ({"package", "dir", "script", "path", "function"} & set(value)):
        for key, inner in value.items():
            yield from settings(inner, (*path, key))


def opened(value: Any) -> Any:
    """The content of mkIf, mkForce and mkBefore."""
    while isinstance(value, dict) and len(value) == 1 and set(value) <= {"mkIf", "mkForce", "mkBefore"}:
        (value,) = value.values()
        if isinstance(value, dict) and "content" in value:
            value = value["content"]
    return value


def leaf_of(options: dict[str, Any], path: tuple[str, ...]) -> str | None:
    """The option that a path is or lies below: the longest name that matches, ``<name>`` meaning any."""
    for length in range(len(path), 0, -1):
        for name in options:
            parts = name.split(".")
            if len(parts) == length and all(
                want in ("*", have) or want.startswith("<") for want, have in zip(parts, path, strict=False)
            ):
                return name
    return None


def is_branch(options: dict[str, Any], path: tuple[str, ...]) -> bool:
    """Whether there are options below a path."""
    return any(_starts(name.split("."), path) for name in options)


def _starts(parts: list[str], path: tuple[str, ...]) -> bool:
    return len(parts) > len(path) and all(
        want in ("*", have) or want.startswith("<") for want, have in zip(parts, path, strict=False)
    )


def exists_in(row: dict[str, Any], wanted: Release) -> bool:
    """Whether a release has the option, estimates (``~``) taken at their word."""
    since, until = _limit(row.get("since")), _limit(row.get("until"))
    return (since is None or since <= wanted) and (until is None or wanted <= until)


def _limit(text: str | None) -> Release | None:
    if text is None:
        return None
    plain = text.rstrip("~")
    found = release(plain)
    if found is None:
        year, _, month = plain.partition(".")
        found = Release(int(year), int(month))
    return found


def fits(value: Any, kind: str) -> bool:
    """Whether a value evaluated with stand-ins fits a type as the manual words it."""
    if kind.startswith("one of "):
        return f'"{value}"' in kind
    if kind.startswith("list of string"):
        return _all(value, _is_word if "spaces" in kind else _is_string)
    if kind in ("list of package", "list of packages", "list of path", "list of unspecifieds"):
        return _all(value, lambda one: isinstance(one, dict))
    if kind == "list of attribute set":
        return _all(value, lambda one: isinstance(one, dict) and {"name", "patch"} <= set(one))
    return bool(_SIMPLE[kind](value))


def _all(value: Any, test: Any) -> bool:
    return isinstance(value, list) and all(test(one) for one in value)


def _is_string(value: Any) -> bool:
    return isinstance(value, str) and "\n" not in value


def _is_word(value: Any) -> bool:
    """A kernel parameter: since 21.11 no blank outside of double quotes."""
    return isinstance(value, str) and " " not in "".join(value.split('"')[::2])


_SIMPLE: dict[str, Any] = {
    "boolean": lambda value: isinstance(value, bool),
    'strings concatenated with "\\n"': lambda value: isinstance(value, str),
    "raw value": lambda value: isinstance(value, dict),
    "anything": lambda _: True,
    "attribute set of anything": lambda value: isinstance(value, dict),
    "attribute set of path": lambda value: isinstance(value, dict),
    "attribute set of submodule": lambda value: isinstance(value, dict),
    "submodule": lambda value: isinstance(value, dict),
}
