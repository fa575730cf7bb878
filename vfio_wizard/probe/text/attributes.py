"""The lines that lspci prints below a function: subsystem, driver, modules, group, topology, hex dump."""

from __future__ import annotations

import re
from typing import Any

from vfio_wizard.model.pci import PciClass, PciId
from vfio_wizard.probe.text.lines import words
from vfio_wizard.probe.text.lspci_verbose import gathered, hex_row, part

Attributes = dict[str, Any]
"""What was told below one function, by the names of ``PciFunction`` (and ``secondary``, a bus number)."""

_ID = r"(?ai)\[([0-9a-f]{4}:[0-9a-f]{4})\]"
_BARE_ID = r"(?ai)^([0-9a-f]{4}:[0-9a-f]{4})\b"
_FLAG_GROUP = r"(?a)\bIOMMU group (\d{1,6})\b"
_NUMBER = r"(?a)\d{1,6}"
_SECONDARY = r"(?ai)secondary=([0-9a-f]{2})\b"
_HEX_ROW = r"(?ai)([0-9a-f]{2,3}): ((?:[0-9a-f]{2} ?){16})$"
_NAME = r"(?a)[\w-]{1,64}"

_SILENT = frozenset(
    (
        *("BIST", "BridgeCtl", "Capabilities", "Control", "DeviceName", "Expansion", "Interrupt", "Latency"),
        *("Region", "Status", "I/O", "Memory", "Prefetchable", "Physical", "Secondary", "Address"),
    )
)


def attribute(text: str, indented: bool) -> Attributes | None:
    """What an attribute line tells, maybe nothing; None when the line is no attribute."""
    key, colon, value = text.partition(":")
    value = value.strip()
    reader = _READERS.get(key.lower())
    if colon and reader and (indented or key.lower() != "iommu group"):
        return reader(value)
    row = re.match(_HEX_ROW, text)
    if row:
        offset, content = int(row[1], 16), bytes.fromhex(row[2])
        return _hex_row(offset, content) | hex_row(offset, content)
    more = part(key, text) if indented else None
    if more is not None:
        return more
    if text.split(" ", 1)[0].rstrip(":") in _SILENT and (colon or indented):
        return {}
    return None


def _subsystem(value: str) -> Attributes:
    found = re.findall(_ID, value) or re.findall(_BARE_ID, value)
    return {"subsystem": PciId.parse(found[-1])} if found else {}


def _driver(value: str) -> Attributes:
    name = re.match(_NAME, value)
    return {"driver": name[0]} if name else {}


def _bare_driver(value: str) -> Attributes:
    """The shorter words of scripts: one name and nothing else, or a word for none."""
    if value.strip("-() ").lower() in ("", "none", "n/a"):
        return {"driver": None}
    return {"driver": value} if re.fullmatch(_NAME, value) else {}


def _modules(value: str) -> Attributes:
    names = (word.strip().replace("-", "_") for word in words(value).split(","))
    return {"modules": tuple(sorted({name for name in names if re.fullmatch(_NAME, name)}))}


def _group(value: str) -> Attributes:
    return {"group": int(value)} if re.fullmatch(_NUMBER, value) else {}


def _numa(value: str) -> Attributes:
    return {"numa_node": int(value)} if re.fullmatch(_NUMBER, value) else {}


def _flags(value: str) -> Attributes:
    found = re.search(_FLAG_GROUP, value)
    return {"group": int(found[1])} if found else {}


def _bus(value: str) -> Attributes:
    found = re.search(_SECONDARY, value)
    return {"secondary": int(found[1], 16)} if found else {}


_READERS = {
    "subsystem": _subsystem,
    "kernel driver in use": _driver,
    "driver in use": _bare_driver,
    "kernel driver": _bare_driver,
    "driver": _bare_driver,
    "kernel modules": _modules,
    "iommu group": _group,
    "numa node": _numa,
    "flags": _flags,
    "bus": _bus,
}


def _hex_row(offset: int, row: bytes) -> Attributes:
    """The rows of the configuration space that name the function (PCI Local Bus Specification, 6.1)."""
    if offset == 0x00:
        return {
            "id": PciId(f"{row[1]:02x}{row[0]:02x}", f"{row[3]:02x}{row[2]:02x}"),
            "revision": row[8],
            "cls": PciClass(row[11], row[10], row[9]),
            "header": row[14] & 0x7F,
        }
    if offset == 0x10:
        return {"bus_row": row[9]}
    if offset == 0x20:
        return {"subsystem_row": PciId(f"{row[13]:02x}{row[12]:02x}", f"{row[15]:02x}{row[14]:02x}")}
    return {}


def settled(told: Attributes) -> Attributes:
    """The same with the hex rows read as the header type says: subsystem ids or a secondary bus."""
    header = told.pop("header", None)
    bus, subsystem = told.pop("bus_row", None), told.pop("subsystem_row", None)
    if header == 0 and subsystem is not None:
        told.setdefault("subsystem", subsystem if str(subsystem) != "0000:0000" else None)
    if header == 1 and bus is not None:
        told.setdefault("secondary", bus)
    return gathered(told)
