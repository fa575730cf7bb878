"""How a person changes the kernel command line, by boot chain; the entries are in ``data/ways.toml``."""

from __future__ import annotations

from vfio_wizard.knowledge import tables
from vfio_wizard.model.record import NamedTuple


class Way(NamedTuple):
    """Where the words stand and what puts them there; commands are texts with ``{word}``, or None."""

    chain: str
    family: str | None
    place: str
    add: str | None
    remove: str | None
    finish: str | None
    source: str


WAYS: tuple[Way, ...] = tuple(Way(*row) for row in tables.WAY)


def way(chain: str, families: tuple[str, ...]) -> Way | None:
    """The row of a boot chain, the distribution's own first; None for chains without one."""
    rows = [one for one in WAYS if one.chain == chain]
    own = (one for one in rows if one.family is not None and any(one.family in name for name in families))
    return next(own, next((one for one in rows if one.family is None), None))
