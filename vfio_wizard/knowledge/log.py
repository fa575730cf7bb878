"""Lines of the kernel log that say what is wrong; the entries are in ``data/log.toml``."""

from __future__ import annotations

from vfio_wizard.knowledge import tables
from vfio_wizard.knowledge.tables import Rows
from vfio_wizard.model.record import NamedTuple


class LogLine(NamedTuple):
    """What a line holds (all of it, whatever the case), what it means, and what to do."""

    holds: tuple[str, ...]
    weight: str
    """``warning`` or ``note``."""
    who: str
    says: str
    do: str
    source: str


def log_lines(rows: Rows) -> tuple[LogLine, ...]:
    """Entries of the table ``log`` as the grammar hands them over."""
    return tuple(LogLine(*row) for row in rows)


LOG: tuple[LogLine, ...] = log_lines(tables.LOG)


def meaning(line: str, own: tuple[LogLine, ...] = ()) -> LogLine | None:
    """The entry that a line of the log fits, the user's own first."""
    text = line.lower()
    return next((one for one in (*own, *LOG) if all(part.lower() in text for part in one.holds)), None)
