"""The reader behind listings and lspci: line by line, each line for what it tells by itself.

A group is only taken from a line that names it or from a heading that holds; where neither is
certain (a torn line, a device list pasted behind the listing) the function stays and its group
stays unread. No number is ever made up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from vfio_wizard.model.pci import PciAddress, PciFunction
from vfio_wizard.model.unread import Gap, Unread, untold
from vfio_wizard.probe.text.attributes import Attributes, attribute, settled
from vfio_wizard.probe.text.blank import blank_function, filled_function
from vfio_wizard.probe.text.device_words import device_words
from vfio_wizard.probe.text.lines import Line, clean_lines

_ADDRESS = r"(?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[01][0-9a-f]\.[0-7](?!\w)"
_GROUP = re.compile(
    r"[^\w/]*(?:\d{1,5}[:.)]?\s+[^\w/]*)?"
    r"(?:iommu[\s_-]*gr(?:oup|uppe|oupe|upo)|group)"
    r"[\s_:#=*-]*(?!(?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[01][0-9a-f]\.[0-7])(?P<number>\d{1,6})(?![\w.])(?P<colon>\s*:)?",
    re.ASCII | re.IGNORECASE,
)
_DEVICE = re.compile(
    r"[^\w\[/]*(?:\d{1,5}[:.)]\s+[^\w\[/]*)?"
    r"(?P<before>(?:\[[^\]\[.]{1,12}\][\s:,-]*)*)"
    rf"(?:pci[\s:_]+)?(?P<address>{_ADDRESS}):?(?:\s+-+(?=\s)(?:\s+{_ADDRESS})?)?"
    r"(?P<after>(?:\s*\[(?:r|reset|\*)\])*)\s*(?P<words>.*)",
    re.ASCII | re.IGNORECASE,
)
# Plain strings, which ``re`` compiles when they are first needed: most texts need none of them.
_NUMBERED = rf"(?ai)\s*(\d{{1,4}}):?\s+(?=(?:\[[0-9a-f:]+\]\s*)?{_ADDRESS})"
_MEMBER_PATH = r"(?a)iommu_groups/(\d{1,6})/devices/([\w:.\-]+)"
_GROUP_PATH = r"(?a)iommu_groups/(\d{1,6})(?:/devices)?/?:?$"
_LINK_TO_GROUP = rf"(?ai)({_ADDRESS})/iommu_group\b.*iommu_groups/(\d{{1,6}})$"
_LINK_TO_DEVICE = r"(?a)([\w:.\-]{1,60}) -> \S*devices/"
_TREE_ROOT = r"(?a)\S*/iommu_groups/?$"
_PRE_ID = re.compile(r"\[([0-9a-f]{4}:[0-9a-f]{4})\]", re.ASCII | re.IGNORECASE)
_TELLS_ID = r"(?ai)\[(?:[0-9a-f]{4}:)?[0-9a-f]{4}\]"
_RESETS = ("[r]", "[reset]", "[*]")
_PROMPT = (
    r"(?a)```|[\w.-]+@[\w.-]+[^\s#$%]*\s?[#$%]|\[[^\]\s]+@[^\]]+\]\s?[#$%]|[$%] \S"
    r"|(?:# ?)?(?:sudo |lspci\b|ls -|find /|for \w+ in|cat /|dmesg\b|journalctl\b)"
)
_COMMANDS = ("sudo ", "lspci", "ls -", "find /", "for ", "cat /", "dmesg", "journalctl")
_OPEN_ID = r"(?ai)\[[0-9a-f]{0,4}:?[0-9a-f]{0,4}$"
_OPEN_NOTE = r"(?ai)\((?:rev|prog-if)(?: [0-9a-f]?)?$"
_TORN_ADDRESS = r"(?ai)\b[0-9a-f]{2,8}:[0-9a-f.:]*$"
_NO_WRAP = r"(?ai)USB:|Bus \d|\[\d+:\d+:\d+:\d+\]"

_WRAPS = 3
"""Lines that the words of one function may be wrapped over."""
_ALIGNED = 1
"""Columns that addresses below each other may be apart (line numbers in front shift them)."""
_HEADING_WORDS = 4
"""Words behind the number of a heading; a line with more is a sentence."""


class Heading:
    """A line that names a group, for the functions on it and below it."""

    def __init__(
        self, number: int, line: Line, *, colon: bool, inline: bool, ids_first: bool = False
    ) -> None:
        self.number = number
        self.indent = line.indent
        self.colon = colon
        self.inline = inline
        """Whether a function stands on the line itself."""
        self.ids_first = ids_first
        self.deepest = line.indent
        self.column = -9
        """Where the address of a function on the line itself stands."""
        self.last: PciAddress | None = None

    def covers(self, line: Line, entry: Entry) -> bool:
        """Whether a function line below this heading belongs to its group."""
        aligned = abs(entry.column - self.column) <= _ALIGNED
        if self.inline and not (aligned or (self.colon and self.ids_first and entry.told_id)):
            return False
        if line.indent > self.indent or entry.column > self.indent:
            return True
        if self.deepest > self.indent:  # members are indented here, and this line is not
            return False
        return self.last is None or entry.address > self.last

    def note(self, line: Line, entry: Entry) -> None:
        """Remember the member that was just read."""
        if self.inline and self.last is None:
            self.column = entry.column
        self.deepest = max(self.deepest, line.indent, entry.column)
        self.last = entry.address


class Entry:
    """One function while its lines are being read."""

    def __init__(
        self, address: PciAddress, line: Line, words: str, told_id: str | None, *, reset: bool
    ) -> None:
        self.address = address
        self.line = line
        self.words = words
        self.told_id = told_id
        self.reset = reset
        self.group: int | None = None
        self.heading: Heading | None = None
        self.told: Attributes = {}
        self.wraps = 0
        self.column = 0
        """Where the address begins, counted from the left margin."""

    @property
    def torn(self) -> bool:
        """Whether the ids are still missing, so that the next line may bring them."""
        return self.told_id is None and "id" not in self.told and _PRE_ID.search(self.words) is None


class DeviceLines:
    """Everything that a text of device lines told."""

    def __init__(self, text: str) -> None:
        self.entries: list[Entry] = []
        self.headings: list[Heading] = []
        self.others: list[tuple[int, str]] = []
        """(group, name) of members that are not PCI functions."""
        self._heading: Heading | None = None
        self._tree = False
        lines = tuple(clean_lines(text))
        self._bare_numbers = _numbers_are_groups(lines)
        for line in lines:
            self._take(line)
        self._distrust_torn_headings()

    @property
    def names_groups(self) -> bool:
        """Whether any function stands in a group by a heading, a path or its own line."""
        return any(entry.group is not None for entry in self.entries)

    def _take(self, line: Line) -> None:
        if not line.text:
            return
        for step in (self._end, self._path, self._attribute, self._group, self._device, self._wrap):
            if step(line):
                return

    def _end(self, line: Line) -> bool:
        """A prompt or a fence: another command's output begins."""
        text = line.text
        if text[0] not in "`[$%#" and "@" not in text and not text.startswith(_COMMANDS):
            return False
        if not re.match(_PROMPT, text):
            return False
        self._heading = None
        return True

    def _path(self, line: Line) -> bool:
        text = line.text
        if "iommu_group" in text:
            return self._group_path(line)
        if self._tree and text.isdigit():
            self._open(Heading(int(text), line, colon=True, inline=False))
            return True
        if " -> " not in text or self._heading is None:
            return False
        link = re.search(_LINK_TO_DEVICE, text)
        if link is None:
            return False
        self._member(self._heading.number, link[1], line)
        return True

    def _group_path(self, line: Line) -> bool:
        member = re.search(_MEMBER_PATH, line.text)
        if member:
            self._member(int(member[1]), member[2], line)
            return True
        link = re.search(_LINK_TO_GROUP, line.text)
        if link:
            self._member(int(link[2]), link[1], line)
            return True
        heading = re.search(_GROUP_PATH, line.text)
        if heading:
            self._open(Heading(int(heading[1]), line, colon=True, inline=False))
        self._tree = self._tree or re.match(_TREE_ROOT, line.text) is not None
        return heading is not None or self._tree

    def _member(self, group: int, name: str, line: Line) -> None:
        address = _address(name)
        if address is None:
            self.others.append((group, name))
            return
        rest = line.text.partition(name)[2] if "->" not in line.text else ""
        entry = Entry(address, line, rest.strip(" :-#"), None, reset=False)
        entry.group = group
        self.entries.append(entry)

    def _attribute(self, line: Line) -> bool:
        if not self.entries:
            return False
        entry = self.entries[-1]
        told = attribute(line.text, indented=line.indent > entry.line.indent)
        if told is None:
            return False
        for name, value in told.items():
            entry.told.setdefault(name, value)
        entry.wraps = _WRAPS
        return True

    def _group(self, line: Line) -> bool:
        found = _GROUP.match(line.text)
        if found is None:
            return self._bare_numbers and self._numbered(line)
        number, colon, rest = int(found["number"]), bool(found["colon"]), line.text[found.end() :]
        entry = _entry(rest, line)
        if entry is None:
            if len(rest.split()) > _HEADING_WORDS:
                return False
            if re.search(_TORN_ADDRESS, rest):
                self._heading = None
                return True
            self._open(Heading(number, line, colon=colon, inline=False))
            return True
        heading = Heading(number, line, colon=colon, inline=True, ids_first=entry.told_id is not None)
        self._open(heading)
        self._enter(entry, heading, line)
        return True

    def _numbered(self, line: Line) -> bool:
        """A bare group number before the function, where ``_numbers_are_groups``."""
        found = re.match(_NUMBERED, line.text)
        entry = _entry(line.text[found.end() :], line) if found else None
        if found is None or entry is None:
            return False
        heading = Heading(int(found[1]), line, colon=False, inline=True)
        self._open(heading)
        self._enter(entry, heading, line)
        return True

    def _open(self, heading: Heading) -> None:
        self._heading = heading
        self.headings.append(heading)

    def _device(self, line: Line) -> bool:
        entry = _entry(line.text, line)
        if entry is None:
            return False
        heading = self._heading
        if heading is not None and not heading.covers(line, entry):
            heading = self._heading = None
        self._enter(entry, heading, line)
        return True

    def _enter(self, entry: Entry, heading: Heading | None, line: Line) -> None:
        if heading is not None:
            entry.group, entry.heading = heading.number, heading
            heading.note(line, entry)
        self.entries.append(entry)

    def _wrap(self, line: Line) -> bool:
        """Words that a mail client or a narrow terminal put on the next line."""
        if not self.entries:
            return False
        entry = self.entries[-1]
        follows = line.number == entry.line.number + entry.wraps + 1
        if not follows or entry.wraps >= _WRAPS or re.match(_NO_WRAP, line.text):
            return False
        if not re.search(_OPEN_NOTE, entry.words) and not _may_bring_ids(entry, line):
            return False
        glue = "" if re.search(_OPEN_ID, entry.words) else " "
        entry.words += glue + line.text
        entry.wraps += 1
        return True

    def _distrust_torn_headings(self) -> None:
        """A heading that differs from its like has lost its end, and maybe digits of its number."""
        bare = [one for one in self.headings if not one.inline]
        with_colon = sum(1 for one in bare if one.colon)
        inline = len(self.headings) - len(bare)
        for entry in self.entries:
            heading = entry.heading
            if heading is None or heading.colon or heading.inline:
                continue
            if with_colon * 2 > len(bare) or inline >= len(bare):
                entry.group = None
                entry.told.setdefault("torn_heading", True)


def _numbers_are_groups(lines: Iterable[Line]) -> bool:
    """Whether bare numbers before the addresses are groups (``13 01:00.0 …``) and not line numbers.

    Line numbers never repeat; a group of two functions repeats its number on the next line.
    Every function must have one, and no line may speak of groups in words.
    """
    last: tuple[str, str] | None = None
    repeats = False
    numbers = set()
    for line in lines:
        if _GROUP.match(line.text) or _DEVICE.match(line.text):
            return False
        found = re.match(_NUMBERED, line.text)
        this = (found[1], line.text[found.end() :]) if found else None
        if this and last and this[0] == last[0] and this[1] != last[1]:
            repeats = True
        if this:
            numbers.add(this[0])
        last = this
    return repeats and len(numbers) > 1


def _may_bring_ids(entry: Entry, line: Line) -> bool:
    """Whether ids are due (``-nn`` shows in the class code or a bracket) and not there yet."""
    due = "[" in entry.words or re.search(_TELLS_ID, line.text) is not None
    return entry.torn and due


def _address(text: str) -> PciAddress | None:
    try:
        return PciAddress.parse(text)
    except ValueError:
        return None


def _entry(text: str, line: Line) -> Entry | None:
    """The function that a line, or the rest of one, begins with."""
    found = _DEVICE.match(text)
    if found is None:
        return None
    marks = found["before"] + found["after"]
    told = _PRE_ID.search(found["before"])
    entry = Entry(
        PciAddress.parse(found["address"]),
        line,
        found["words"],
        told[1] if told else None,
        reset=any(mark in marks.lower() for mark in _RESETS),
    )
    entry.column = line.indent + len(line.text) - len(text) + found.start("address")
    return entry


def read_functions(text: str, label: str) -> tuple[DeviceLines, tuple[PciFunction, ...]]:
    """The lines, and the functions that they tell, one per address."""
    lines = DeviceLines(text)
    entries = _fullest(_segments(lines.entries))
    silence = _Silence(entries)
    joined: dict[PciAddress, PciFunction] = {}
    for entry in entries:
        one = _function(entry, label, silence)
        joined[one.address] = filled_function(joined[one.address], one) if one.address in joined else one
    return lines, _with_parents(tuple(joined.values()), entries)


class _Silence:
    """What it means that a function has no such line: nothing, unless others have one."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        told = {name for entry in entries for name in entry.told}
        self.driver = "driver" in told
        self.modules = "modules" in told
        self.reset = any(entry.reset for entry in entries)


def _segments(entries: list[Entry]) -> list[list[Entry]]:
    """Split where an address comes again: there a second listing may begin."""
    segments: list[list[Entry]] = []
    seen: set[PciAddress] = set()
    for entry in entries:
        if not segments or entry.address in seen:
            segments.append([])
            seen = set()
        seen.add(entry.address)
        segments[-1].append(entry)
    return segments


def _fullest(segments: list[list[Entry]]) -> list[Entry]:
    """All segments that agree with the largest one, in the order of the text."""
    if not segments:
        return []
    largest = max(segments, key=len)
    groups = {entry.address: entry.group for entry in largest if entry.group is not None}
    kept: list[Entry] = []
    for segment in segments:
        if segment is largest or _agrees(segment, groups):
            kept.extend(segment)
    return kept


def _agrees(segment: list[Entry], groups: dict[PciAddress, int]) -> bool:
    """No function of the segment stands in another group than in the largest listing."""
    shared = [(entry.group, groups[entry.address]) for entry in segment if entry.address in groups]
    return all(group in (None, other) for group, other in shared)


def _function(entry: Entry, label: str, silence: _Silence) -> PciFunction:
    origin = f"{label} line {entry.line.number}"
    told = settled(dict(entry.told))
    told.pop("secondary", None)
    torn_heading = told.pop("torn_heading", False)
    spoken = device_words(entry.words, origin, entry.told_id)
    fields: Attributes = {
        "id": spoken.id,
        "cls": spoken.cls,
        "revision": spoken.revision,
        "name": spoken.name,
    }
    if silence.driver:
        fields["driver"] = None
    if silence.modules:
        fields["modules"] = ()
    if silence.reset and not entry.reset:
        fields["reset_methods"] = ()
    if entry.group is not None:
        fields["group"] = entry.group
    elif torn_heading:
        fields["group"] = Unread(origin, Gap.MALFORMED, "the heading above is cut off")
    else:
        fields["group"] = untold(origin, "no group is named for it")
    fields.update(told)
    return blank_function(entry.address, origin, **fields)


def _with_parents(functions: tuple[PciFunction, ...], entries: list[Entry]) -> tuple[PciFunction, ...]:
    """Bridges that tell their secondary bus are the parents of what sits on it."""
    above = {
        (entry.address.domain, bus): entry.address
        for entry in entries
        if (bus := settled(dict(entry.told)).get("secondary"))
    }
    if not above:
        return functions
    return tuple(_below(one, above) for one in functions)


def _below(function: PciFunction, above: dict[tuple[int, int], PciAddress]) -> PciFunction:
    parent = above.get((function.address.domain, function.address.bus))
    return function if parent is None else function._replace(parent=parent)
