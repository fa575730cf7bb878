"""What one dialect makes of a plan: files, commands, and words for what a file cannot say."""

from __future__ import annotations

from vfio_wizard.model.plan import Artifact, Run
from vfio_wizard.model.record import NamedTuple

MARK = "vfio-wizard"
HEAD = "# Written by vfio-wizard. Delete this file to take it back.\n"


class Rendered(NamedTuple):
    """Artifacts to write, commands to run after them, notes for a person."""

    artifacts: tuple[Artifact, ...] = ()
    commands: tuple[Run, ...] = ()
    notes: tuple[str, ...] = ()
    ways_back: tuple[str, ...] = ()
    """How to boot without the change when it went wrong, in words for a person in front of a boot menu."""

    def joined(self, other: Rendered) -> Rendered:
        """Both, each command and note once."""
        return Rendered(
            _last_of_each((*self.artifacts, *other.artifacts)),
            tuple(dict.fromkeys((*self.commands, *other.commands))),
            tuple(dict.fromkeys((*self.notes, *other.notes))),
            tuple(dict.fromkeys((*self.ways_back, *other.ways_back))),
        )


def _last_of_each(artifacts: tuple[Artifact, ...]) -> tuple[Artifact, ...]:
    """One artifact for each file: a later one was made from an earlier one of the same file."""
    return tuple({one.path: one for one in artifacts}.values())
