"""What follows the address on a line of lspci or of a listing: class, ids, revision and name.

The forms that are read (``lspci -nn``, plain ``lspci``, ``-n``, ``-mm``, and columns of scripts):

- ``VGA compatible controller [0300]: NVIDIA Corporation GP106 [GeForce GTX 1060] [10de:1c02] (rev a1)``
- ``VGA compatible controller: NVIDIA Corporation GP106 [GeForce GTX 1060] (rev a1)``
- ``0300: 10de:1c02 (rev a1)``
- ``"VGA compatible controller [0300]" "NVIDIA Corporation [10de]" "GP106 [1c02]" -ra1``
- ``VGA compatible controller                GP106 [GeForce GTX 1060]``
"""

from __future__ import annotations

import re

from vfio_wizard.model.pci import PciClass, PciId
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Gap, Unread, untold
from vfio_wizard.probe.text.class_words import class_by_stub, class_by_words, leading_class
from vfio_wizard.probe.text.lines import words

_ID = re.compile(r"\[([0-9a-f]{4}:[0-9a-f]{4})\]", re.ASCII | re.IGNORECASE)
_CODE = re.compile(r"\[([0-9a-f]{4})\]:?", re.ASCII | re.IGNORECASE)
_NUMERIC = re.compile(r"(?:class )?([0-9a-f]{4}): ([0-9a-f]{4}:[0-9a-f]{4})\b", re.ASCII | re.IGNORECASE)
_NOTES = re.compile(r"\s*\((rev|prog-if) ([0-9a-f]{2})(?: \[[^\]]*\])?\)?", re.ASCII | re.IGNORECASE)
_QUOTED = re.compile(r'"([^"]*)"|-([rp])([0-9a-f]{2})\b', re.IGNORECASE)
_TAIL = re.compile(
    r"\[[0-9a-f]{0,4}:?[0-9a-f]{0,4}(?:(?:\.\.\.|…)\]?)?$|\s\((?:rev|prog-if)[^)]*$", re.ASCII | re.IGNORECASE
)
_WIDE = re.compile(r"\s{2,}")

_CUT = "the line is cut off"


class DeviceWords(NamedTuple):
    """What a line tells of one function. ``torn`` says that a wrapped line may still bring the ids."""

    cls: PciClass | Unread
    id: PciId | Unread
    revision: int | Unread
    name: str | None
    torn: bool


def device_words(text: str, origin: str, told_id: str | None = None) -> DeviceWords:
    """Read the words behind an address. ``told_id`` are ids that stood before the address."""
    if text.startswith('"'):
        return _machine_readable(text, origin)
    numeric = _NUMERIC.match(text)
    if numeric:
        cls = _class_of(numeric[1], origin)
        return DeviceWords(cls, PciId.parse(numeric[2]), _notes(text, origin)[0], None, torn=False)
    found = told_id or _first_id(text)
    revision, prog_if = _notes(text, origin)
    bare = _NOTES.sub("", text)
    cls, rest = _split_class(bare, origin)
    if isinstance(cls, PciClass) and prog_if is not None:
        cls = cls._replace(prog_if=prog_if)
    cut = found is None and _looks_cut(bare)
    ids = PciId.parse(found) if found else _no_id(origin, cut=cut)
    return DeviceWords(cls, ids, revision, _name(rest), torn=found is None)


def _first_id(text: str) -> str | None:
    match = _ID.search(text)
    return match[1] if match else None


def _looks_cut(bare: str) -> bool:
    """``lspci -nn`` ends in the ids: a class code without ids, or an open bracket, is half a line."""
    return _CODE.search(bare) is not None or bare.rfind("[") > bare.rfind("]")


def _no_id(origin: str, *, cut: bool) -> Unread:
    return Unread(origin, Gap.MALFORMED, _CUT) if cut else untold(origin, "printed without ids")


def _split_class(bare: str, origin: str) -> tuple[PciClass | Unread, str]:
    """The class, and what stands behind it."""
    text = bare.lstrip(" :")
    told = _ID.match(text)
    text = text[told.end() :].lstrip() if told else text
    code = _CODE.search(text)
    if code and _is_class_code(code, text):
        return _class_of(code[1], origin), text[code.end() :]
    head, colon, rest = text.partition(":")
    named = class_by_words(head)
    if colon and named:
        return named, rest
    leading = leading_class(text)
    if leading:
        return leading[0], text[leading[1] :].lstrip(" :")
    return _stub(text, origin), text


def _is_class_code(code: re.Match[str], text: str) -> bool:
    """Four digits in brackets right behind the class words; further on they belong to a name."""
    before = text[: code.start()]
    return ":" not in before and (code[0].endswith(":") or class_by_words(before) is not None)


def _stub(text: str, origin: str) -> PciClass | Unread:
    stub = class_by_stub(text.partition("[")[0])
    return stub or Unread(origin, Gap.MALFORMED, "no class is named on the line")


def _class_of(code: str, origin: str) -> PciClass | Unread:
    try:
        return PciClass(int(code[:2], 16), int(code[2:4], 16))
    except ValueError:
        return Unread(origin, Gap.MALFORMED, f"not a class code: {code}")


def _notes(text: str, origin: str) -> tuple[int | Unread, int | None]:
    """Revision and programming interface from the notes in parentheses.

    lspci prints the revision only where it is not zero, so silence says nothing on a line that may be cut.
    """
    revision: int | Unread = untold(origin)
    prog_if = None
    for kind, value in _NOTES.findall(text):
        if kind.lower() == "rev":
            revision = int(value, 16)
        else:
            prog_if = int(value, 16)
    return revision, prog_if


def _name(text: str) -> str | None:
    bare = _TAIL.sub("", _ID.sub("", text).strip(" :-,`*"))
    return words(_WIDE.sub(" ", bare)) or None


def _machine_readable(text: str, origin: str) -> DeviceWords:
    """``lspci -mm``: class, vendor and device in quotes, each with its number behind when asked for."""
    fields = [found[0] for found in _QUOTED.findall(text) if not found[1]]
    marks = {found[1]: found[2] for found in _QUOTED.findall(text) if found[1]}
    kind, vendor, device = (*fields, "", "", "")[:3]
    cls = _quoted_class(kind, origin)
    if isinstance(cls, PciClass) and "p" in marks:
        cls = cls._replace(prog_if=int(marks["p"], 16))
    ids = _quoted_id(vendor, device, origin)
    revision: int | Unread = int(marks["r"], 16) if "r" in marks else untold(origin)
    name = words(f"{_CODE.sub('', vendor)} {_CODE.sub('', device)}") or None
    return DeviceWords(cls, ids, revision, name, torn=len(fields) < 3)


def _quoted_class(text: str, origin: str) -> PciClass | Unread:
    code = _CODE.search(text)
    if code:
        return _class_of(code[1], origin)
    named = class_by_words(text)
    return named or Unread(origin, Gap.MALFORMED, "no class is named on the line")


def _quoted_id(vendor: str, device: str, origin: str) -> PciId | Unread:
    pair = (_CODE.findall(vendor), _CODE.findall(device))
    if all(pair):
        return PciId(pair[0][-1].lower(), pair[1][-1].lower())
    return untold(origin, "printed without ids")
