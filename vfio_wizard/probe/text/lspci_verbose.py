"""What ``lspci -vv`` and ``-xxxx`` tell of one function: windows, link, ROM, access control.

Each line gives a part under a key of its own; ``gathered`` makes the facts out of the parts. Only what is
printed counts: as an ordinary user lspci says ``<access denied>`` for the capabilities.
"""

from __future__ import annotations

import re
from typing import Any

from vfio_wizard.model.pci import Acs, Bar, PcieLink, ResizableBar
from vfio_wizard.probe.acs import parse_acs

Parts = dict[str, Any]

# Plain strings, which ``re`` compiles when they are first needed.
_REGION = (
    r"(?ai)Region (\d): (Memory|I/O ports) at ([0-9a-f]{1,16})"
    r"(?: \(([^)]{1,60})\))?.{0,60}?\[size=(\d{1,6})([KMGT]?)\]"
)
_LINK = r"(?a)Speed ([\d.]{1,5})GT/s.{0,24}?, Width x(\d{1,2})\b"
_SIZES = r"(?a)BAR (\d): current size: \w+, supported: ([\dKMGTB ]+)$"
_SIZE = r"(?a)(\d{1,6})([KMGT]?)B"

_PLAIN: tuple[tuple[str, str, Parts], ...] = (
    ("Expansion ROM at ", "", {"rom": True}),
    ("Capabilities: [", "Virtual Resizable BAR", {"virtual sizes": True}),
    ("Capabilities: [", "", {}),
)
"""How a line begins, what else it holds, and what it tells."""

_UNITS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
_IO, _MEMORY, _PREFETCH, _WIDE = 0x100, 0x200, 0x2000, 0x100000
"""include/linux/ioport.h IORESOURCE_*"""
_ACS_BITS = ("SrcValid", "TransBlk", "ReqRedir", "CmpltRedir", "UpstreamFwd", "EgressCtrl", "DirectTrans")

_CONVENTIONAL, _WHOLE = 256, 4096
_EXPRESS = 0x10
_SPEEDS = {1: 2.5, 2: 5.0, 3: 8.0, 4: 16.0, 5: 32.0, 6: 64.0}
"""PCI Express Base Specification, Link Capabilities: Max Link Speed."""


def part(key: str, text: str) -> Parts | None:
    """What one line tells, maybe nothing; None when it is no line of this kind. ``key`` ends at its colon."""
    if key.startswith("Region "):
        return _region(text)
    if key in ("LnkCap", "LnkSta"):
        found = re.search(_LINK, text)
        return {key: (float(found[1]), int(found[2]))} if found else {}
    if key in ("ACSCap", "ACSCtl"):
        return {key: sum(1 << bit for bit, name in enumerate(_ACS_BITS) if f"{name}+" in text)}
    if key.startswith("BAR "):
        return _sizes(text)
    return next((dict(told) for start, mark, told in _PLAIN if text.startswith(start) and mark in text), None)


def _region(text: str) -> Parts:
    found = re.match(_REGION, text)
    if found is None:
        return {"unplaced": True}  # <unassigned>, <ignored>: the windows are not known as a whole
    number, words = int(found[1]), found[4] or ""
    flags = _IO if found[2].startswith("I") else _MEMORY
    if flags == _MEMORY:
        flags |= 0 if "non-prefetchable" in words else _PREFETCH
        flags |= _WIDE if "64-bit" in words else 0
    return {f"region {number}": Bar(number, int(found[3], 16), int(found[5]) << _UNITS[found[6]], flags)}


def _sizes(text: str) -> Parts:
    found = re.match(_SIZES, text)
    if found is None:
        return {}
    sizes = tuple(int(one[1]) << _UNITS[one[2]] for one in re.finditer(_SIZE, found[2]))
    return {f"sizes {found[1]}": ResizableBar(int(found[1]), sizes)}


def hex_row(offset: int, row: bytes) -> Parts:
    """One row of a dump of the configuration space, to be put together with the others."""
    return {f"row {offset:03x}": row}


def gathered(told: Parts) -> Parts:
    """The same with the parts of this module replaced by the facts that they add up to."""
    parts = {key: told.pop(key) for key in tuple(told) if _is_part(key)}
    bars = tuple(parts[key] for key in sorted(parts) if key.startswith("region "))
    if bars and "unplaced" not in parts:
        told.setdefault("bars", bars)
    sizes = tuple(parts[key] for key in sorted(parts) if key.startswith("sizes "))
    if sizes and "virtual sizes" not in parts:  # two capabilities print alike: whose sizes is not certain
        told.setdefault("resizable_bars", sizes)
    if "ACSCap" in parts and "ACSCtl" in parts:
        told.setdefault("acs", Acs(parts["ACSCap"], parts["ACSCtl"]))
    told |= {key: value for key, value in _from_dump(parts).items() if key not in told}
    link = _link(parts.get("LnkSta"), parts.get("LnkCap"))
    if link is not None:
        told.setdefault("link", link)
    return told


def _is_part(key: str) -> bool:
    return key in ("LnkCap", "LnkSta", "ACSCap", "ACSCtl", "unplaced", "virtual sizes") or key.startswith(
        ("region ", "sizes ", "row ")
    )


def _link(now: tuple[float, int] | None, best: tuple[float, int] | None) -> PcieLink | None:
    """In the kernel's words; a width of 0 says that nothing is connected."""
    if now is None or best is None or not now[1] or not best[1]:
        return None
    return PcieLink(f"{now[0]:.1f} GT/s PCIe", now[1], f"{best[0]:.1f} GT/s PCIe", best[1])


def _from_dump(parts: Parts) -> Parts:
    """Link and access control out of the bytes, as far as all of them are there (root only)."""
    content = b""
    while (row := parts.get(f"row {len(content):03x}")) is not None:
        content += row
    if len(content) < _CONVENTIONAL:
        return {}
    told: Parts = {"acs": parse_acs(content)} if len(content) == _WHOLE else {}
    place = _express(content)
    if place is not None:
        best, now = (int.from_bytes(content[place + at : place + at + 2], "little") for at in (0x0C, 0x12))
        words = _link(_decoded(now), _decoded(best))
        if words is not None:
            told["link"] = words
    return told


def _express(content: bytes) -> int | None:
    """Where the PCI Express capability begins: a list that starts at 0x34, where the status says so."""
    place, seen = content[0x34] & 0xFC if content[0x06] & 0x10 else 0, set[int]()
    while 0x40 <= place <= _CONVENTIONAL - 0x14 and place not in seen:
        seen.add(place)
        if content[place] == _EXPRESS:
            return place
        place = content[place + 1] & 0xFC
    return None


def _decoded(register: int) -> tuple[float, int] | None:
    speed = _SPEEDS.get(register & 0xF)
    return None if speed is None else (speed, register >> 4 & 0x3F)
