"""``inxi -Fa`` (also ``-Gxx`` and the like): devices with ids, drivers and addresses, and the machine.

Its lines are wrapped at any blank, so that each section is read as one line of ``key: value`` words.
It shows graphics, sound, network and drives only, and no groups.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.kargs import Kargs
from vfio_wizard.model.pci import PciAddress, PciClass, PciFunction, PciId
from vfio_wizard.probe.text.blank import blank_facts, blank_function, with_functions
from vfio_wizard.probe.text.lines import Line, clean_lines, words
from vfio_wizard.probe.text.machine_words import processor

KIND = "inxi"

_SECTION = r"(?a)[A-Z]\w{1,20}:(?: |$)"
# Plain strings, which ``re`` compiles when they are first needed.
_BUS = r"(?ai)\bbus[- ]ID: ((?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[01][0-9a-f]\.[0-7])"
_CHIP = r"(?ai)\bchip[- ]ID: ([0-9a-f]{4}:[0-9a-f]{4})"
_CLASS = r"(?ai)\bclass[- ]ID: ([0-9a-f]{4})\b"
_DRIVER = r"(?a)\bdriver: ([\w-]{1,64})"
_DEVICES = r"(?a)\b(?:Device|Card)-\d{1,2}: "
_NAME = r"(?a)(.{3,120}?) (?:vendor|driver|v|bus[- ]ID|pcie|alternate): "
_RELEASE = r"(?a)\bKernel: (\d+\.\d+\S{0,60})"
_ARCH = r"\barch: (x86_64|aarch64)\b"
_PARAMETERS = r"\bparameters: (.{4,1500}?)(?: (?:Console|Desktop|Display|DM|Distro|wm|info): |$)"
_BOARD = r"(?a)\bMobo: (.{2,60}?) model: (.{2,60}?) (?:v|serial|part-nu|uuid|UEFI|BIOS)\b.{0,20}?: "
_MODEL = r"(?a)\bmodel: (.{4,80}?) (?:bits|type|socket|family|arch)(?: \w+)?: "
_FAMILY = r"(?a)\bfamily: 0x([0-9A-Fa-f]+).{0,12}? model-id: 0x([0-9A-Fa-f]+).{0,12}? stepping: (?:0x)?(\w+)"


def read(text: str, label: str) -> HostFacts | None:
    """Devices, processor, board, kernel and its command line; None when no device has bus and chip id."""
    if re.search(_CHIP, text) is None:
        return None
    sections = _sections(text)
    functions = tuple(_functions(sections, label))
    if not functions:
        return None
    facts = with_functions(blank_facts(KIND, label), functions)
    facts = facts._replace(source=facts.source._replace(complete=False))
    return _machine(facts, sections, label)


def _sections(text: str) -> list[tuple[int, str]]:
    """(first line, all words) of each section."""
    found: list[tuple[Line, list[str]]] = []
    for line in clean_lines(text):
        if line.indent == 0 and re.match(_SECTION, line.text):
            found.append((line, []))
        if found:
            found[-1][1].append(line.text)
    return [(line.number, words(" ".join(parts))) for line, parts in found]


def _functions(sections: list[tuple[int, str]], label: str) -> Iterator[PciFunction]:
    for number, said in sections:
        for device in re.split(_DEVICES, said)[1:]:
            one = _function(device, f"{label} line {number}")
            if one is not None:
                yield one


def _function(said: str, origin: str) -> PciFunction | None:
    bus, chip = re.search(_BUS, said), re.search(_CHIP, said)
    if bus is None or chip is None or bus.start() > chip.start():
        return None
    fields: dict[str, Any] = {"id": PciId.parse(chip[1])}
    cls, driver, name = re.search(_CLASS, said), re.search(_DRIVER, said), re.match(_NAME, said)
    if cls:
        fields["cls"] = PciClass(*bytes.fromhex(cls[1]))
    if driver:
        fields["driver"] = None if driver[1] == "N" else driver[1]
    fields["name"] = name[1] if name else None
    return blank_function(PciAddress.parse(bus[1]), origin, **fields)


def _machine(facts: HostFacts, sections: list[tuple[int, str]], label: str) -> HostFacts:
    parts = {said.partition(":")[0]: (number, said) for number, said in sections}
    facts = _system(facts, *parts.get("System", (0, "")), label)
    board = re.search(_BOARD, f"{parts.get('Machine', (0, ''))[1]} serial: ")
    if board:
        firmware = facts.firmware
        told = firmware.board._replace(vendor=board[1], name=board[2])
        facts = facts._replace(firmware=firmware._replace(board=told))
    return facts._replace(cpu=facts.cpu._replace(**_processor(parts.get("CPU", (0, ""))[1])))


def _system(facts: HostFacts, number: int, said: str, label: str) -> HostFacts:
    told: dict[str, Any] = {}
    release, arch, line = (re.search(one, said) for one in (_RELEASE, _ARCH, _PARAMETERS))
    if release:
        told["release"] = release[1]
    if arch:
        told["architecture"] = arch[1]
    if line:
        told["cmdline"], told["cmdline_origin"] = Kargs.parse(line[1]), f"{label} line {number}"
    return facts._replace(kernel=facts.kernel._replace(**told))


def _processor(said: str) -> dict[str, Any]:
    model, family = re.search(_MODEL, said), re.search(_FAMILY, said)
    told = processor(model[1]) if model else {}
    if family:
        try:
            told["family"] = (int(family[1], 16), int(family[2], 16), int(family[3], 16))
        except ValueError:
            return told
    return told
