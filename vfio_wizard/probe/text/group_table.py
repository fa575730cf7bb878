"""Tables of PCI functions with an ``iommugroup`` column: Proxmox VE's ``pvesh get /nodes/…/hardware/pci``.

Both of its forms are read: the drawn table, and JSON (``--output-format json``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.pci import PciAddress, PciClass, PciFunction, PciId
from vfio_wizard.model.unread import Gap, Unread, untold
from vfio_wizard.probe.text.blank import blank_facts, blank_function, with_functions
from vfio_wizard.probe.text.iommu_listing import KIND
from vfio_wizard.probe.text.lines import words

_COLUMN = "iommugroup"

Row = dict[str, str]


def read(text: str, label: str) -> HostFacts | None:
    """A table as facts; None when the text has no such column."""
    if _COLUMN not in text:
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
        cells = [words(cell) for cell in line.replace("│", "|").strip().strip("|").split("|")]
        if _COLUMN in cells:
            names = cells
        elif names and len(cells) == len(names):
            yield f"line {number}", dict(zip(names, cells, strict=True))


def _function(row: Row, origin: str) -> PciFunction | None:
    try:
        address = PciAddress.parse(row.get("id", ""))
    except ValueError:
        return None
    name = words(f"{row.get('vendor_name', '')} {row.get('device_name', '')}")
    return blank_function(
        address,
        origin,
        id=_id(row.get("vendor"), row.get("device"), origin),
        cls=_class(row.get("class"), origin),
        subsystem=_id(row.get("subsystem_vendor"), row.get("subsystem_device"), origin),
        group=_group(row.get(_COLUMN, ""), origin),
        name=name or None,
    )


def _id(vendor: str | None, device: str | None, origin: str) -> PciId | Unread:
    try:
        return PciId.parse(f"{vendor}:{device}")
    except ValueError:
        return untold(origin)


def _class(text: str | None, origin: str) -> PciClass | Unread:
    digits = (text or "").removeprefix("0x")
    try:
        return PciClass(*bytes.fromhex(digits.rjust(6, "0")))
    except (ValueError, TypeError):
        return Unread(origin, Gap.MALFORMED, "no class code")


def _group(text: str, origin: str) -> int | None | Unread:
    """A number; -1 is Proxmox's word for "in no group"."""
    if text == "-1":
        return None
    return int(text) if text.isascii() and text.isdigit() else untold(origin, "no group is named for it")
