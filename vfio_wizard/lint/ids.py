"""Lists of ``vendor:device`` for vfio-pci, judged alone and against a host."""

from __future__ import annotations

from vfio_wizard.cards.units import Gpu, candidates, gpus
from vfio_wizard.knowledge.cards import INTEGRATED, family
from vfio_wizard.knowledge.companions import BRIDGES, COMPANIONS, DRIVE_VENDORS, companions
from vfio_wizard.lint.mistake import Notes, Severity
from vfio_wizard.lint.situation import Situation
from vfio_wizard.lint.text import HOLE, Text
from vfio_wizard.model.pci import PciAddress, PciFunction, PciId
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Unread

_PREFIXES = ("vfio-pci.ids=", "vfio_pci.ids=", "ids=")


class Listed(NamedTuple):
    """One id of a list, and where it stands."""

    id: PciId
    text: Text


def read_ids(value: Text, notes: Notes, situation: Situation) -> tuple[Listed, ...]:
    """The ids of one comma-joined value; whatever is none becomes a mistake."""
    found: list[Listed] = []
    for part in value.stripped('"').parts(","):
        if HOLE in part.value:
            _judge_prefix(part, notes)
            continue
        if part.value and (one := _read_one(part, notes, situation)) is not None:
            found.append(one)
    return tuple(found)


def _judge_prefix(part: Text, notes: Notes) -> Text | None:
    """The part behind a parameter's name that stands where an id should; None without such a name."""
    for prefix in _PREFIXES:
        if part.value.startswith(prefix):
            rest = part.cut(len(prefix), len(part.value))
            notes.add(
                "lint.ids.prefix-twice",
                part,
                f"the value of vfio-pci.ids begins with {prefix} once more, so its first id is none"
                " and vfio-pci"
                " skips it",
                "the ids alone, behind one vfio-pci.ids=",
                replacement=None if HOLE in rest.value else rest.value,
            )
            return rest
    return None


def _read_one(part: Text, notes: Notes, situation: Situation) -> Listed | None:
    rest = _judge_prefix(part, notes)
    if rest is not None:
        return _read_one(rest, Notes(notes.file), situation)
    fields = part.value.split(":")
    try:
        PciAddress.parse(part.value)
    except ValueError:
        pass
    else:
        _address(part, notes, situation)
        return None
    try:
        number = PciId.parse(":".join(fields[:2]))
    except ValueError:
        number = None
    if number is None or len(fields) > 6 or not all(_is_hex(one) for one in fields[2:]):
        notes.add(
            "lint.ids.malformed",
            part,
            "this is no vendor:device, so vfio-pci skips it",
            "two times four hex digits, as in 1002:731f (lspci -nn shows them in square brackets)",
        )
        return None
    return Listed(number, part)


def _is_hex(text: str) -> bool:
    return text == "ffffffff" or (0 < len(text) <= 8 and not set(text.lower()) - set("0123456789abcdef"))


def _address(part: Text, notes: Notes, situation: Situation) -> None:
    seen = situation.at(PciAddress.parse(part.value))
    known = str(seen.id) if seen is not None and isinstance(seen.id, PciId) else None
    notes.add(
        "lint.ids.address",
        part,
        "this says where a card sits; the list takes what it is, and vfio-pci skips this entry",
        f"the id of that function: {known or f'lspci -nn -s {part.value} shows it in square brackets'}",
        replacement=known,
    )


# --- all ids of a file or of several ------------------------------------------------------------


def judge_ids(listed: tuple[Listed, ...], notes: Notes, situation: Situation) -> None:
    """What the ids of one list mean together, on the host where there is one."""
    _repeated(listed, notes)
    for one in listed:
        if situation.functions:
            _on_host(one, notes, situation)
        else:
            _alone(one, notes)
    if situation.functions:
        _cards_on_host(listed, notes, situation)
    else:
        _half_cards(listed, notes)


def _repeated(listed: tuple[Listed, ...], notes: Notes) -> None:
    seen: set[str] = set()
    for one in listed:
        if one.text.value in seen:
            notes.add("lint.ids.repeated", one.text, "it stands in this list already", "once is enough")
        seen.add(one.text.value)


def _alone(one: Listed, notes: Notes) -> None:
    if (what := dict(BRIDGES).get(str(one.id))) is not None:
        _bridge(one, what, notes)
    vendor = dict(DRIVE_VENDORS).get(one.id.vendor)
    if vendor is not None:
        notes.add(
            "lint.ids.drive",
            one.text,
            f"an id of {vendor}: an id takes every drive of that model, also one that the host boots from",
            "bind one drive by its address (driver_override), unless the host has no other of this model",
        )


def _bridge(one: Listed, what: str, notes: Notes) -> None:
    notes.add(
        "lint.ids.bridge",
        one.text,
        f"the id of a {what}: vfio-pci cannot bind bridges, and they may stay with the host",
        "leave it out",
        replacement="",
    )


def _half_cards(listed: tuple[Listed, ...], notes: Notes) -> None:
    ids = {str(one.id) for one in listed}
    for one in listed:
        row = companions(*one.id)
        if row is not None:
            missing = [other for other in row.others if other not in ids]
            if row.others[0] in missing:
                _missing(one, tuple(missing[:1]), row.display.family, notes)
    if len(listed) == 1 and companions(*listed[0].id) is None:
        _single(listed[0], notes)


def _missing(one: Listed, missing: tuple[str, ...], chip: str, notes: Notes) -> None:
    notes.add(
        "lint.ids.half-card",
        one.text,
        f"{chip}: its audio function ({', '.join(missing)}) is not listed; a host driver on it keeps"
        " the whole"
        " group from the guest",
        f"{','.join((one.text.value, *missing))}, if lspci shows that function on this card",
        replacement=",".join((one.text.value, *missing)),
        severity=Severity.WARNING,
    )


def _single(one: Listed, notes: Notes) -> None:
    if one.id.vendor not in ("1002", "10de") or family(INTEGRATED, *one.id) is not None:
        return
    is_part = any(str(one.id) in row.others for row in COMPANIONS)
    what = "a card's audio function alone" if is_part else "one function only"
    notes.add(
        "lint.ids.half-card",
        one.text,
        f"{what}: most cards have display and audio, and all functions of a card leave the host together",
        "the ids of all functions in the card's slot (lspci -nn); right as it is where the rest is"
        " bound otherwise",
    )


def _on_host(one: Listed, notes: Notes, situation: Situation) -> None:
    found = situation.with_id(one.id)
    if not found:
        if situation.is_complete:
            notes.add(
                "lint.ids.absent",
                one.text,
                "no device of this host has this id, so it does nothing here",
                "leave it out, or compare with lspci -nn",
            )
        return
    if any(function.is_bridge for function in found):
        _bridge(one, f"bridge ({found[0].address})", notes)
    used = _needed(found, situation)
    if used:
        notes.add(
            "lint.ids.host-needs",
            one.text,
            f"{used}: with this id, vfio-pci takes it from the host",
            "leave it out",
            replacement="",
        )
    elif any(str(function.cls).startswith("01") for function in found) and len(found) > 1:
        _drives(one, found, notes)


def _needed(found: tuple[PciFunction, ...], situation: Situation) -> str:
    """The file system of the host that rests on one of these functions, in words; else empty."""
    facts = situation.facts
    if facts is None or isinstance(facts.disks, Unread):
        return ""
    addresses = {function.address for function in found}
    for disk in facts.disks:
        if not isinstance(disk.functions, Unread) and (hit := addresses & set(disk.functions)):
            return f"{disk.mount} of this host is on {min(hit)}"
    return ""


def _drives(one: Listed, found: tuple[PciFunction, ...], notes: Notes) -> None:
    places = ", ".join(str(function.address) for function in found)
    notes.add(
        "lint.ids.drive",
        one.text,
        f"this host has several drives of this model ({places}), and the id takes all of them",
        "bind the one that you mean by its address (driver_override)",
        severity=Severity.WARNING,
    )


def _cards_on_host(listed: tuple[Listed, ...], notes: Notes, situation: Situation) -> None:
    facts = situation.facts
    every = gpus(facts) if facts is not None else ()
    if isinstance(every, Unread):
        return
    ids = {one.id for one in listed}
    cards = candidates(every)
    taken = tuple(card for card in cards if _id_at(card.address, situation) in ids)
    for one in listed:
        _card_of(one, ids, cards, notes, situation)
    if taken and situation.is_complete and len(taken) == len(cards) == len(every):
        first = next(one for one in listed if one.id == _id_at(taken[0].address, situation))
        notes.add(
            "lint.ids.only-display",
            first.text,
            f"nothing is left for the host's own screen: {', '.join(str(card.address) for card in taken)}"
            " is all that it has",
            "give the card away only when a guest starts (a hook), or keep another one for the host",
        )


def _id_at(address: PciAddress, situation: Situation) -> PciId | None:
    seen = situation.at(address)
    return seen.id if seen is not None and isinstance(seen.id, PciId) else None


def _card_of(
    one: Listed, ids: set[PciId], cards: tuple[Gpu, ...], notes: Notes, situation: Situation
) -> None:
    holders = [card for card in cards if one.id in {_id_at(address, situation) for address in card.functions}]
    displays = [card for card in cards if _id_at(card.address, situation) == one.id]
    if len(displays) > 1:
        _twins(one, displays, notes)
    for card in holders[:1]:
        own = [_id_at(address, situation) for address in card.functions]
        missing = [str(number) for number in own if number is not None and number not in ids]
        # Said once a card: at its first id that is listed.
        if missing and one.id == next(number for number in own if number in ids):
            notes.add(
                "lint.ids.half-card",
                one.text,
                f"functions of the same card are not listed: {', '.join(missing)}; a host driver on"
                " one of them"
                " keeps the whole card from the guest",
                ",".join((one.text.value, *missing)),
                replacement=",".join((one.text.value, *missing)),
                severity=Severity.WARNING,
            )


def _twins(one: Listed, displays: list[Gpu], notes: Notes) -> None:
    boot = next((card for card in displays if card.boot_vga), None)
    places = ", ".join(str(card.address) for card in displays)
    notes.add(
        "lint.ids.twins",
        one.text,
        f"{len(displays)} cards of this host have this id ({places}), and it takes all of them"
        + (f", {boot.address} with the host's screen too" if boot else ""),
        "bind the card by its address (driver_override)",
        severity=Severity.ERROR if boot else None,
    )
