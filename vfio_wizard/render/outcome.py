"""What one dialect makes of a plan: files, commands, and words for what a file cannot say."""

from __future__ import annotations

from typing import NamedTuple

from vfio_wizard.model.plan import Artifact

MARK = "vfio-wizard"
HEAD = "# Written by vfio-wizard. Delete this file to take it back.\n"


class Rendered(NamedTuple):
    """Artifacts to write, commands to run after them, notes for a person."""

    artifacts: tuple[Artifact, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = ()

    def joined(self, other: Rendered) -> Rendered:
        """Both, each command and note once."""
        return Rendered(
            (*self.artifacts, *other.artifacts),
            tuple(dict.fromkeys((*self.commands, *other.commands))),
            tuple(dict.fromkeys((*self.notes, *other.notes))),
        )
