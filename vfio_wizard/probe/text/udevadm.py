"""``udevadm info --export-db``: PCI functions with ids, class, driver, names and their place in the tree.

The database has no IOMMU groups; those stay unread.
"""

from __future__ import annotations

import re

from vfio_wizard.model.facts import HostFacts, NetworkLink
from vfio_wizard.model.pci import PciAddress, PciClass, PciFunction, PciId
from vfio_wizard.model.unread import Gap, Unread, untold
from vfio_wizard.probe.text.blank import blank_facts, blank_function, with_functions
from vfio_wizard.probe.text.lines import Line, clean_lines, words

KIND = "udevadm"

_RECORD = re.compile(r"^[ >]*P: /devices/", re.MULTILINE)
_CLASS = re.compile(r"[0-9a-fA-F]{1,6}", re.ASCII)

Record = dict[str, str]
"""One device: its properties, the path as ``P``, the line it begins on as ``line``."""


def read(text: str, label: str) -> HostFacts | None:
    """An export as facts; None when the text is none."""
    if not _RECORD.search(text):
        return None
    records = _records(text)
    functions = [one for record in records if (one := _function(record, label))]
    if not functions:
        return None
    facts = with_functions(blank_facts(KIND, label), tuple({one.address: one for one in functions}.values()))
    return facts._replace(network=_network(records, label))


def _records(text: str) -> list[Record]:
    records: list[Record] = []
    for line in clean_lines(text):
        if line.text.startswith("P: "):
            records.append({"P": line.text[3:], "line": str(line.number)})
        elif line.text.startswith("E: ") and records:
            _property(records[-1], line)
    return records


def _property(record: Record, line: Line) -> None:
    key, equals, value = line.text[3:].partition("=")
    if equals:
        record.setdefault(key, value)


def _function(record: Record, label: str) -> PciFunction | None:
    if record.get("SUBSYSTEM") != "pci":
        return None
    steps = record["P"].split("/")
    address = _address(record.get("PCI_SLOT_NAME", "")) or _address(steps[-1])
    if address is None:
        return None
    origin = f"{label} line {record['line']}"
    return blank_function(
        address,
        origin,
        id=_id(record.get("PCI_ID"), origin),
        cls=_class(record.get("PCI_CLASS"), origin),
        subsystem=_subsystem(record.get("PCI_SUBSYS_ID"), origin),
        driver=words(record["DRIVER"]) if "DRIVER" in record else None,
        parent=_address(steps[-2]) if len(steps) > 1 else untold(origin),
        modalias=words(record["MODALIAS"]) if "MODALIAS" in record else untold(origin),
        name=_name(record),
    )


def _id(text: str | None, origin: str) -> PciId | Unread:
    try:
        return PciId.parse(text or "")
    except ValueError:
        return Unread(origin, Gap.MALFORMED, "no PCI_ID")


def _subsystem(text: str | None, origin: str) -> PciId | Unread | None:
    """The kernel writes 0000:0000 for functions without one."""
    told = _id(text, origin)
    if isinstance(told, Unread):
        return untold(origin)
    return None if str(told) == "0000:0000" else told


def _class(text: str | None, origin: str) -> PciClass | Unread:
    """PCI_CLASS is the whole class in hex without leading zeros: 30000 is 030000."""
    if text is None or not _CLASS.fullmatch(text):
        return Unread(origin, Gap.MALFORMED, "no PCI_CLASS")
    return PciClass(*bytes.fromhex(text.rjust(6, "0")))


def _name(record: Record) -> str | None:
    vendor, model = record.get("ID_VENDOR_FROM_DATABASE"), record.get("ID_MODEL_FROM_DATABASE")
    return words(f"{vendor} {model}") if vendor and model else None


def _network(records: list[Record], label: str) -> tuple[NetworkLink, ...] | Unread:
    links = {
        name: NetworkLink(
            name, _nearest(record["P"]), untold(label), words(record.get("DEVTYPE", "ethernet"))
        )
        for record in records
        if record.get("SUBSYSTEM") == "net" and (name := words(record.get("INTERFACE", "")))
    }
    return tuple(links[name] for name in sorted(links)) if links else untold(label)


def _nearest(path: str) -> PciAddress | None:
    """The last PCI function on a device path."""
    found = [address for step in path.split("/") if (address := _address(step))]
    return found[-1] if found else None


def _address(text: str) -> PciAddress | None:
    try:
        return PciAddress.parse(text)
    except ValueError:
        return None
