"""What a review says: mistakes with their places, and what it could not judge."""

from __future__ import annotations

from enum import StrEnum

from vfio_wizard.lint.text import Place, Text
from vfio_wizard.model.record import NamedTuple


class Severity(StrEnum):
    """An error keeps the card from the guest, the host from starting, or the file from being read."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Mistake(NamedTuple):
    """One finding of a review."""

    rule: str
    severity: Severity
    file: str
    place: Place
    seen: str
    why: str
    right: str | None
    """What to do or to write; None where nothing is to be written instead."""
    replacement: str | None
    """The text that takes the place of ``seen``, where that is unambiguous; empty: delete it."""
    source: str


class NotJudged(NamedTuple):
    """A part that the file does not tell, or that this program does not evaluate."""

    file: str
    place: Place
    what: str
    why: str


class Notes:
    """Collects what the rules say about one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.mistakes: list[Mistake] = []
        self.gaps: list[NotJudged] = []

    def add(
        self,
        rule: str,
        seen: Text | tuple[Place, str],
        why: str,
        right: str | None = None,
        *,
        replacement: str | None = None,
        source: str = "",
        severity: Severity | None = None,
    ) -> None:
        """One mistake; ``severity`` where it differs from the rule's own."""
        from vfio_wizard.lint.rules import RULES  # noqa: PLC0415 - the table needs Severity of this module

        row = RULES[rule]
        place, shown = (seen.place, seen.value) if isinstance(seen, Text) else seen
        self.mistakes.append(
            Mistake(
                rule,
                severity or row.severity,
                self.file,
                place,
                short(shown),
                why,
                right,
                replacement,
                source or row.source,
            )
        )

    def gap(self, place: Place, what: str, why: str) -> None:
        """One part that was not judged."""
        self.gaps.append(NotJudged(self.file, place, short(what), short(why)))


_LONGEST = 160


def short(text: str) -> str:
    """One line of a bearable length, holes shown as dots."""
    flat = " ".join(text.replace("\ufffc", "…").split())
    return flat if len(flat) <= _LONGEST else flat[: _LONGEST - 1] + "…"
