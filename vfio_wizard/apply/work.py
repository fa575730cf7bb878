"""What is to be done, spelled out to the byte, and what is written down about it."""

from __future__ import annotations

from typing import Any

from vfio_wizard.model.plan import Run, Stage
from vfio_wizard.model.record import NamedTuple

Json = dict[str, Any]

STORE = "var/lib/vfio-wizard"
"""Where all that is needed to take a change back is kept."""
TRANSACTIONS = f"{STORE}/transactions"
LOCK = f"{STORE}/lock"
STATE = f"{STORE}/state.json"

TEMPORARY = ".vfio-wizard-new"
"""Behind a dot and the name: no program that reads a folder of drop-ins takes such a file."""


class Change(NamedTuple):
    """One file with its whole new content."""

    path: str
    content: bytes
    mode: int
    """Of a file that is not there yet."""
    stage: Stage
    before: str
    """The state that the plan was made for (kept.state_of)."""


class Work(NamedTuple):
    """The files and commands of one change."""

    changes: tuple[Change, ...]
    runs: tuple[Run, ...]
    about: Json
    """For the first line of the journal: the plan, the answers, which boot and kernels it was made on."""
    kernels: tuple[str, ...] = ()
    """The installed kernels."""

    @property
    def patterns(self) -> tuple[str, ...]:
        """All that its commands may write."""
        return tuple(dict.fromkeys(one for run in self.runs for one in run.makes))


def temporary(path: str) -> str:
    """Where a new content waits, in the same folder, for its rename."""
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}.{name}{TEMPORARY}"


def folder_of(path: str) -> str:
    """The folder that a path stands in; ``""`` is the root."""
    return path.rpartition("/")[0]
