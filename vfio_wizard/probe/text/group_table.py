"""Tables of PCI functions with a column for the group.

Proxmox VE prints them (``pvesh get /nodes/…/hardware/pci``, drawn or as JSON), and people write
them in Markdown. The group column goes by its name, the address is found by its form.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.pci import PciAddress, PciClass, PciFunction, PciId
from vfio_wizard.model.unread import Gap, Unread, untold
from vfio_wizard.probe.text.blank import blank_facts, blank_function, with_functions
from vfio_wizard.probe.text.class_words import class_by_words
from vfio_wizard.probe.text.iommu_listing import KIND
from vfio_wizard.probe.text.lines import words

_COLUMN = "iommugroup"
_COLUMNS = frozenset(("iommugroup", "group", "iommu"))
"""Names of the group column, without blanks and in lower case."""

Row = dict[str, str]


def read(text: str, label: str) -> HostFacts | None:
    """A table as facts; None when the text has no such column."""
    if not text.lstrip().startswith("[") and "|" not in text and "│" not in text:
        return None
    functions = [one for place, row in _rows(text) if (one := _function(row, f"{label} {place}"))]
    if not functions:
        return None
    unique = {one.address: one for one in reversed(functions)}
    return with_functions(blank_facts(KIND, label), tuple(unique.values()))


def _rows(text: str) -> Iterator[tuple[str, Row]]:
    if text.lstrip().startswith("["):
        yield from _json_rows(text)
    else:
        yield from _drawn_rows(text)


def _json_rows(text: str) -> Iterator[tuple[str, Row]]:
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError):
        return
    for index, one in enumerate(listed):
        if isinstance(one, dict):
            yield f"[{index}]", {key: words(str(value)) for key, value in one.items()}


def _drawn_rows(text: str) -> Iterator[tuple[str, Row]]:
    names: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        cells = [words(cell).strip("`* ") for cell in line.replace("│", "|").strip().strip("|").split("|")]
        head = [_COLUMN if _plain(cell) in _COLUMNS else cell.lower() for cell in cells]
        if _COLUMN in head:
            names = head
        elif names and len(cells) == len(names):
            yield f"line {number}", dict(zip(names, cells, strict=True))


def _plain(name: str) -> str:
    return "".join(name.lower().replace("_", "").replace("#", "").split())


def _function(row: Row, origin: str) -> PciFunction | None:
    address = next((found for cell in row.values() if (found := _address(cell))), None)
    if address is None or _COLUMN not in row:
        return None
    name = words(f"{row.get('vendor_name', '')} {row.get('device_name', row.get('name', ''))}")
    return blank_function(
        address,
        origin,
        id=_ids(row, origin),
        cls=_class(row.get("class"), origin),
        subsystem=_id(row.get("subsystem_vendor"), row.get("subsystem_device"), origin),
        group=_group(row[_COLUMN], origin),
        name=name or None,
    )


def _address(cell: str) -> PciAddress | None:
    try:
        return PciAddress.parse(cell)
    except ValueError:
        return None


def _ids(row: Row, origin: str) -> PciId | Unread:
    """From the columns of pvesh, or from any cell that holds just ids."""
    told = _id(row.get("vendor"), row.get("device"), origin)
    if isinstance(told, PciId):
        return told
    for cell in row.values():
        vendor, colon, device = cell.strip("[]").partition(":")
        found = _id(vendor, device, origin) if colon else told
        if isinstance(found, PciId):
            return found
    return told


def _id(vendor: str | None, device: str | None, origin: str) -> PciId | Unread:
    try:
        return PciId.parse(f"{vendor}:{device}")
    except ValueError:
        return untold(origin)


def _class(text: str | None, origin: str) -> PciClass | Unread:
    digits = (text or "").removeprefix("0x").strip("[]")
    named = class_by_words(text or "")
    if named:
        return named
    try:
        return PciClass(*bytes.fromhex(digits if len(digits) == 4 else digits.rjust(6, "0")))
    except (ValueError, TypeError):
        return Unread(origin, Gap.MALFORMED, "no class code")


def _group(text: str, origin: str) -> int | None | Unread:
    """A number; -1 is Proxmox's word for "in no group"."""
    if text == "-1":
        return None
    return int(text) if text.isascii() and text.isdigit() else untold(origin, "no group is named for it")
