"""``lspci -vmm`` (with ``-nn``, ``-k``): records of ``Key:<tab>value`` lines, one blank line between them."""

from __future__ import annotations

import re
from typing import Any

from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.pci import PciAddress, PciClass, PciFunction, PciId
from vfio_wizard.model.unread import Gap, Unread, untold
from vfio_wizard.probe.text.blank import blank_facts, blank_function, with_functions
from vfio_wizard.probe.text.class_words import class_by_words
from vfio_wizard.probe.text.iommu_listing import LSPCI, completeness, without_membership
from vfio_wizard.probe.text.lines import clean_lines, words

_SLOT = re.compile(r"^[^\w\n]*Slot:\s+[0-9a-f:]+\.[0-7]\s*$", re.ASCII | re.IGNORECASE | re.MULTILINE)
_CODE = re.compile(r"\[([0-9a-f]{4})\]$|^([0-9a-f]{4})$", re.ASCII | re.IGNORECASE)

Record = dict[str, str]


def read(text: str, label: str) -> HostFacts | None:
    """Records as facts; None when the text has no ``Slot:`` line."""
    if not _SLOT.search(text):
        return None
    records = _records(text)
    told = {key for record in records for key in record}
    functions = [one for record in records if (one := _function(record, told, label))]
    if not functions:
        return None
    facts = with_functions(blank_facts(LSPCI, label), tuple({one.address: one for one in functions}.values()))
    facts = facts._replace(source=facts.source._replace(complete=completeness(facts, label)))
    return without_membership(facts)


def _records(text: str) -> list[Record]:
    records: list[Record] = []
    for line in clean_lines(text):
        key, colon, value = line.text.partition(":")
        if not colon:
            continue
        if key == "Slot":
            records.append({"line": str(line.number)})
        if records:
            value = words(value)
            both = key == "Module" and key in records[-1]
            records[-1][key] = f"{records[-1][key]} {value}" if both else value
    return records


def _function(record: Record, told: set[str], label: str) -> PciFunction | None:
    try:
        address = PciAddress.parse(record.get("Slot", ""))
    except ValueError:
        return None
    origin = f"{label} line {record['line']}"
    fields: dict[str, Any] = {
        "id": _id(record, "Vendor", "Device", origin),
        "cls": _class(record, origin),
        "name": words(f"{_bare(record, 'Vendor')} {_bare(record, 'Device')}") or None,
    }
    if "SVendor" in record:
        fields["subsystem"] = _id(record, "SVendor", "SDevice", origin)
    if "Driver" in told:
        fields["driver"] = record.get("Driver") or None
    if "Module" in told:
        fields["modules"] = tuple(sorted(record.get("Module", "").replace("-", "_").split()))
    if record.get("IOMMUGroup", "").isascii() and record.get("IOMMUGroup", "").isdigit():
        fields["group"] = int(record["IOMMUGroup"])
    return blank_function(address, origin, **fields)


def _code(record: Record, key: str) -> str | None:
    found = _CODE.search(record.get(key, ""))
    return (found[1] or found[2]).lower() if found else None


def _bare(record: Record, key: str) -> str:
    return _CODE.sub("", record.get(key, ""))


def _id(record: Record, vendor: str, device: str, origin: str) -> PciId | Unread:
    pair = (_code(record, vendor), _code(record, device))
    if pair[0] is None or pair[1] is None:
        return untold(origin, "printed without ids")
    return PciId(pair[0], pair[1])


def _class(record: Record, origin: str) -> PciClass | Unread:
    code = _code(record, "Class")
    cls = PciClass(*bytes.fromhex(code)) if code else class_by_words(record.get("Class", ""))
    if cls is None:
        return Unread(origin, Gap.MALFORMED, "no class is named")
    interface = record.get("ProgIf", "")
    try:
        return cls._replace(prog_if=int(interface, 16))
    except ValueError:
        return cls
