"""What the switches in firmware setup are called. Words only from sources; nothing is guessed.

The entries are in ``data/firmware.toml``. Where a board is not in the table, the general words are given
and the search is left to its manual.
"""

from __future__ import annotations

from vfio_wizard.knowledge import tables
from vfio_wizard.knowledge.tables import Rows
from vfio_wizard.model.record import NamedTuple

ANY = "any"
_SHORT = 3
"""A maker's name of so few letters must be the whole first word (HP is not HPE)."""


class Switch(NamedTuple):
    """How a maker spells one switch: ``purpose`` is cpu, iommu, above-4g, rebar, csm or acs."""

    purpose: str
    cpu_vendor: str
    """``amd``, ``intel`` or ``any``."""
    maker: str
    """The beginning of the DMI vendor in small letters; empty for any maker."""
    product: str
    """A part of the DMI names in small letters; empty for any product."""
    words: str
    source: str


def switches(rows: Rows) -> tuple[Switch, ...]:
    """Entries of the table ``switch`` as the grammar hands them over."""
    return tuple(
        Switch(purpose, cpu_vendor, (maker or "").lower(), (product or "").lower(), words, source)
        for purpose, cpu_vendor, maker, product, words, source in rows
    )


SWITCHES: tuple[Switch, ...] = switches(tables.SWITCH)


def switch(
    purpose: str, cpu_vendor: str, maker: str, product: str = "", own: tuple[Switch, ...] = ()
) -> Switch | None:
    """The best row for a board: the user's own, then the nearest; None where not even a general one is."""
    fitting = [
        one
        for one in (*own, *SWITCHES)
        if one.purpose == purpose
        and one.cpu_vendor in (cpu_vendor, ANY)
        and _is_maker(one.maker, maker)
        and one.product in product.lower()
    ]
    return max(fitting, key=lambda one: (bool(one.product), bool(one.maker)), default=None)


def _is_maker(wanted: str, maker: str) -> bool:
    """Blanks and dashes do not count: Super Micro, Supermicro."""
    if len(wanted) <= _SHORT:
        return not wanted or maker.lower().split(" ")[0].rstrip(".,") == wanted
    return _plain(maker).startswith(_plain(wanted))


def _plain(text: str) -> str:
    return text.lower().replace(" ", "").replace("-", "")
