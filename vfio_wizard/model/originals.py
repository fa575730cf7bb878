"""The exact texts of the files that a change edits or looks at, by path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


class Originals(dict[str, str]):
    """Texts by path relative to the root: as they stand, with CRLF and with or without a final newline.

    Bytes that are no UTF-8 are surrogates, so that the same bytes can be written again.
    """

    def __init__(self, texts: Mapping[str, str] | None = None, there: Iterable[str] = ()) -> None:
        """``there`` are paths that exist without their text: programs, folders, files that are closed."""
        super().__init__(texts or {})
        self.there = frozenset(there)


def is_there(originals: Mapping[str, str], path: str) -> bool:
    """Whether a path exists, be its text known or not."""
    return path in originals or (isinstance(originals, Originals) and path in originals.there)


def is_closed(originals: Mapping[str, str], path: str) -> bool:
    """A file that exists and could not be read: it must not be taken for a missing one."""
    return path not in originals and is_there(originals, path)
