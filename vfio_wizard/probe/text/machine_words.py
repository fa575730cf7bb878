"""What single lines and tables tell about a machine beside its devices.

``uname -a``, ``dmidecode``, ``lshw -short`` (which has neither addresses nor ids of devices) and the
error of QEMU and libvirt that names a group. Serial numbers, UUIDs and host names are never taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.unread import Unread
from vfio_wizard.probe.text.blank import blank_facts, blank_function, with_functions
from vfio_wizard.probe.text.iommu_listing import without_membership
from vfio_wizard.probe.text.lines import Line, clean_lines, words

KIND = "machine-words"

# Plain strings, which ``re`` compiles when they are first needed.
_UNAME = (
    r"(?a)(?:.{0,80}[$#%>] )?Linux \S{1,64} (\d+\.\d+\S{0,60}) (#\d+.{4,80}?) "
    r"(x86_64|aarch64|i686|ppc64le|riscv64)\b"
)
_NOT_VIABLE = r"(?ai)([0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]): group (\d{1,6}) is not viable"
_LSHW_HEAD = r"H/W path +Device +Class +Description"
_LSHW_ROW = r"(?:(?P<path>/\S*) +(?:\S+ +)?| +)(?P<cls>system|bus|processor|memory) +(?P<words>\S.*)$"

_SIGNS = ("Linux ", "is not viable", "H/W path", "DMI type", "Base Board Information")

_EMPTY_WORDS = frozenset(
    ("", "to be filled by o.e.m.", "default string", "not specified", "system product name", "o.e.m.", "none")
)
"""What makers leave in tables that they never filled in."""

_DMI = {
    ("BIOS Information", "Vendor"): "bios_vendor",
    ("BIOS Information", "Version"): "bios_version",
    ("BIOS Information", "Release Date"): "bios_date",
    ("System Information", "Manufacturer"): "system_vendor",
    ("System Information", "Product Name"): "product",
    ("Base Board Information", "Manufacturer"): "vendor",
    ("Base Board Information", "Product Name"): "name",
}


def may_be(text: str) -> bool:
    """A quick look; most texts have none of these."""
    return any(sign in text for sign in _SIGNS)


def read(text: str, label: str) -> HostFacts | None:
    """What is told, as facts; None when nothing is."""
    lines = tuple(clean_lines(text))
    blank = blank_facts(KIND, label)
    facts = blank
    for step in _STEPS:
        facts = step(facts, lines, label)
    return None if facts == blank else facts


def _uname(facts: HostFacts, lines: Iterable[Line], _label: str) -> HostFacts:
    for line in lines:
        found = re.match(_UNAME, line.text) if "Linux " in line.text else None
        if found:
            kernel = facts.kernel._replace(release=found[1], version=found[2], architecture=found[3])
            return facts._replace(kernel=kernel)
    return facts


def _dmidecode(facts: HostFacts, lines: Iterable[Line], _label: str) -> HostFacts:
    section, told = "", dict[str, str]()
    for line in lines:
        key, colon, value = line.text.partition(":")
        if not colon or line.text.startswith("Handle "):
            section = line.text if not line.indent else section
            continue
        name = _DMI.get((section, key))
        if name and name not in told and value.strip().lower() not in _EMPTY_WORDS:
            told[name] = words(value)
    if not told:
        return facts
    firmware = facts.firmware
    return facts._replace(firmware=firmware._replace(board=firmware.board._replace(**told)))


def _lshw(facts: HostFacts, lines: Iterable[Line], _label: str) -> HostFacts:
    """The processor and the names of system and board; devices have no address here."""
    rows = iter(lines)
    if not any(re.match(_LSHW_HEAD, line.text) for line in rows):
        return facts
    board: dict[str, str] = {}
    for line in rows:
        found = re.match(_LSHW_ROW, " " * line.indent + line.text)
        if found is None:
            continue
        path, cls, said = found["path"], found["cls"], words(found["words"])
        if cls == "system" and path is None:
            board["product"] = said.split(" (")[0]
        elif cls == "bus" and path == "/0":
            board["name"] = said.split(" (")[0]
        elif cls == "processor" and isinstance(facts.cpu.model, Unread):
            facts = facts._replace(cpu=facts.cpu._replace(**processor(said)))
    board = {name: said for name, said in board.items() if said.lower() not in _EMPTY_WORDS}
    firmware = facts.firmware
    return facts._replace(firmware=firmware._replace(board=firmware.board._replace(**board)))


def processor(said: str) -> dict[str, Any]:
    """Model and vendor out of a processor's name; no vendor where the name has none."""
    vendors = {"intel": ("Intel",), "amd": ("AMD", "Ryzen", "EPYC")}
    told: dict[str, Any] = {"model": said}
    for vendor, marks in vendors.items():
        if any(mark in said for mark in marks):
            told["vendor"] = vendor
    return told


def _not_viable(facts: HostFacts, lines: Iterable[Line], label: str) -> HostFacts:
    """QEMU's refusal names the group of a function, but not who else is in it."""
    found = {}
    for line in lines:
        refusal = re.search(_NOT_VIABLE, line.text) if "viable" in line.text else None
        if refusal:
            address = PciAddress.parse(refusal[1])
            origin = f"{label} line {line.number}"
            found[address] = blank_function(address, origin, group=int(refusal[2]))
    return without_membership(with_functions(facts, tuple(found.values()))) if found else facts


_STEPS: tuple[Callable[[HostFacts, Iterable[Line], str], HostFacts], ...] = (
    _uname,
    _dmidecode,
    _lshw,
    _not_viable,
)
