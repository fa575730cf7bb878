"""The user's own knowledge files, parsed with the grammar of the package's own; bad ones become problems."""

from __future__ import annotations

from vfio_wizard.knowledge.firmware import Switch, switches
from vfio_wizard.knowledge.log import LogLine, log_lines
from vfio_wizard.knowledge.parameters import Stale, StaleModule, stale, stale_modules
from vfio_wizard.knowledge.resets import ResetFamily, families
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Unread

Problem = tuple[str, str]
"""(path, what is wrong in it)"""


class Own(NamedTuple):
    """What the user adds to each table; ``entries`` counts them, ``problems`` are left out of it."""

    resets: tuple[ResetFamily, ...] = ()
    switches: tuple[Switch, ...] = ()
    parameters: tuple[Stale, ...] = ()
    modules: tuple[StaleModule, ...] = ()
    log: tuple[LogLine, ...] = ()
    entries: int = 0
    problems: tuple[Problem, ...] = ()


NOTHING = Own()


_parsed: dict[tuple[tuple[str, str | Unread], ...], Own] = {}
"""The last files and what is in them: five checks ask for the same."""


def read_own(files: tuple[tuple[str, str | Unread], ...]) -> Own:
    """All files in the order of their names; without files nothing is imported."""
    if not files:
        return NOTHING
    if files not in _parsed:
        _parsed.clear()
        _parsed[files] = _read(files)
    return _parsed[files]


def _read(files: tuple[tuple[str, str | Unread], ...]) -> Own:
    from vfio_wizard.knowledge.grammar import USERS_OWN, Rows, parse  # noqa: PLC0415 - few users have files

    rows: dict[str, Rows] = dict.fromkeys(USERS_OWN, ())
    problems: list[Problem] = []
    for path, text in files:
        if isinstance(text, Unread):
            continue  # the check of these files says so
        parsed = parse(text, USERS_OWN)
        problems += [(path, problem) for problem in parsed.problems]
        for table, found in parsed.rows.items():
            rows[table] += found
    return Own(
        families(rows["reset"]),
        switches(rows["switch"]),
        stale(rows["parameter"]),
        stale_modules(rows["module"]),
        log_lines(rows["log"]),
        sum(map(len, rows.values())),
        tuple(problems),
    )
