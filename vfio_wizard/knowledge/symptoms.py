"""What people see, and the check or command that explains it; the entries are in ``data/symptoms.toml``."""

from __future__ import annotations

import re

from vfio_wizard.knowledge import tables
from vfio_wizard.model.record import NamedTuple

_ID = re.compile(r"`((?:lint\.)?[a-z]+\.[a-z-]+)`")


class Symptom(NamedTuple):
    """A sign in the words of those who see it."""

    area: str
    sees: str
    told: str
    """Check ids and commands in backquotes, with words between them."""
    do: str | None
    """What to do where no check can look."""
    source: str
    """Of ``do``; what is told by checks alone has theirs."""

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids that explain it, in their order."""
        return tuple(dict.fromkeys(_ID.findall(self.told)))


SYMPTOMS: tuple[Symptom, ...] = tuple(Symptom(*row) for row in tables.SYMPTOM)
