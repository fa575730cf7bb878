"""The step Devices: cards as units, IOMMU groups below them, and what the user would lose."""

from __future__ import annotations

from collections.abc import Iterator

from vfio_wizard.cards.kinds import kind
from vfio_wizard.cards.units import Gpu, cards, gpus
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.finding import Finding, Status
from vfio_wizard.model.iommu import IommuGroup
from vfio_wizard.model.pci import PciAddress, PciFunction
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.selection import Selection
from vfio_wizard.model.unread import Unread, known
from vfio_wizard.planning.standing import Standing
from vfio_wizard.report.clean import clean
from vfio_wizard.report.groups_text import gpu_text
from vfio_wizard.report.pages.findings import in_reading_order, sentence, status_word
from vfio_wizard.report.pages.rows import Line, Row, Tone, listed, said

Names = dict[PciAddress, str]

GROUPS = "groups"
"""The key of the row that opens the groups."""

_TYPE = {
    "integrated": "integrated",
    "bmc": "management chip",
    "virtual": "emulated",
    "vf": "virtual function",
}


class Shelf(NamedTuple):
    """A machine laid out for choosing: made once per look, so that a keystroke costs little."""

    facts: HostFacts
    names: Names
    findings: tuple[Finding, ...]
    cards: tuple[Gpu, ...]
    functions: dict[PciAddress, PciFunction]
    groups: tuple[IommuGroup, ...]
    standing: Standing
    """Why a plan for a card would be refused as things are."""
    never: Standing
    """What cannot be given at all."""

    @property
    def has_card(self) -> bool:
        """There is a card that could be given."""
        return any(one.address not in self.never for one in self.cards)


def shelf(
    facts: HostFacts, names: Names, findings: tuple[Finding, ...], standing: Standing, never: Standing
) -> Shelf:
    """Lay out the facts of one look."""
    groups = known(facts.iommu.groups, ())
    return Shelf(
        facts,
        names,
        findings,
        cards(known(gpus(facts), ())),
        {one.address: one for one in known(facts.pci, ())},
        tuple(sorted(groups, key=lambda one: one.number)),
        standing,
        never,
    )


def rows(has: Shelf, selection: Selection, opened: frozenset[str]) -> tuple[Row, ...]:
    """Cards first; then the other devices by IOMMU group, as a tree."""
    heading = Row("", "GRAPHICS CARDS", is_heading=True)
    found = [heading, *(_card_row(has, one, selection) for one in has.cards)]
    if not has.cards:
        found.append(Row("none", _no_cards(has), "-", why_not="there is nothing to choose"))
    is_open = GROUPS in opened
    found.append(Row(GROUPS, _groups_words(has), opened=is_open, explains="group.isolated"))
    if is_open:
        found += [row for group in has.groups for row in _group_rows(has, group, selection, opened)]
        found += _loose_rows(has, selection)
    return tuple(found)


def _no_cards(has: Shelf) -> str:
    if isinstance(has.facts.pci, Unread):
        return f"not known: PCI functions could not be read ({has.facts.pci.reason})"
    return "no display controller was seen here"


def _groups_words(has: Shelf) -> str:
    if isinstance(has.facts.iommu.groups, Unread):
        return f"IOMMU groups: not known ({has.facts.iommu.groups.reason})"
    if not has.groups:
        return "IOMMU groups: none, no IOMMU is active (see step Check)"
    return f"All {len(has.groups)} IOMMU groups, to give other devices along"


def _card_row(has: Shelf, card: Gpu, selection: Selection) -> Row:
    chosen = is_chosen(card, selection)
    why_not = _why_never(has, card.address)
    box = "[x]" if chosen else ("[-]" if why_not else "[ ]")
    tone = Tone.FAINT if why_not else (Tone.GOOD if chosen else Tone.PLAIN)
    text = f"{_short(card.address)} {_name(has, card.address)}"
    return Row(str(card.address), text, box, tone, 1, _card_tail(has, card), why_not, "group.isolated")


def _card_tail(has: Shelf, card: Gpu) -> str:
    """What tells cards apart, also two of one model: the screens that hang on them."""
    words = [_TYPE[card.type]] if card.type in _TYPE else []
    words += ["boot display"] if card.boot_vga else []
    words += [f"screen on {one}" for one in screens_of(has.facts, card)[:1]]
    words += ["shared group"] if card.isolated is False else []
    words += ["group unknown"] if card.isolated is None else []
    words += ["has a twin"] if card.twins else []
    return ", ".join(words) or "alone in its group"


def is_chosen(card: Gpu, selection: Selection) -> bool:
    """Any function of a card names it."""
    return bool(set(card.functions) & set(selection.gpus))


def _why_never(has: Shelf, address: PciAddress) -> str:
    return " ".join(one.text for one in has.never.get(address, ()))


def _group_rows(has: Shelf, group: IommuGroup, selection: Selection, opened: frozenset[str]) -> Iterator[Row]:
    key = f"group {group.number}"
    members = [has.functions[one] for one in sorted(group.members) if one in has.functions]
    yield Row(
        key, _group_words(has, group, members), depth=1, opened=key in opened, explains="group.isolated"
    )
    if key in opened:
        yield from (_function_row(has, one, selection, 2) for one in members)
        yield from (Row(f"{key} {one}", f"{one} (not a PCI function)", "", depth=2) for one in group.others)


def _loose_rows(has: Shelf, selection: Selection) -> Iterator[Row]:
    """Functions in no group at all: shown, so that a machine without an IOMMU can be read too."""
    grouped = {address for group in has.groups for address in group.members}
    for address in sorted(has.functions):
        if address not in grouped:
            yield _function_row(has, has.functions[address], selection, 1)


def _group_words(has: Shelf, group: IommuGroup, members: list[PciFunction]) -> str:
    graphics = [_short(one.address) for one in has.cards if one.address in group.members]
    others = [kind_of(one) for one in members if not one.is_bridge and not _is_on_card(has, one)]
    counted = ", ".join(_counted(others))
    what = [f"card {', '.join(graphics)}"] if graphics else []
    what += [counted] if counted else []
    return f"group {group.number}: {' with '.join(what) or 'bridges only'}"


def _counted(words: list[str]) -> list[str]:
    numbers = {word: words.count(word) for word in dict.fromkeys(words)}
    return [word if count == 1 else f"{count} {word}" for word, count in numbers.items()]


def _is_on_card(has: Shelf, function: PciFunction) -> bool:
    return any(function.address in card.functions for card in has.cards)


def _function_row(has: Shelf, function: PciFunction, selection: Selection, depth: int) -> Row:
    address = function.address
    card = card_of(has, address)
    if card is not None and is_chosen(card, selection):
        box, why_not, tone = "[x]", "", Tone.GOOD
    else:
        why_not = _why_never(has, address)
        given = address in selection.also
        box = "[x]" if given else ("[-]" if why_not else "[ ]")
        tone = Tone.GOOD if given else (Tone.FAINT if why_not else Tone.PLAIN)
    text = f"{_short(address)} {kind_of(function):<8} {_name(has, address)}"
    return Row(f"device {address}", text, box, tone, depth, _driver(function), why_not, "group.isolated")


def card_of(has: Shelf, address: PciAddress) -> Gpu | None:
    """The card that a function is part of."""
    return next((one for one in has.cards if address in one.functions), None)


def kind_of(function: PciFunction) -> str:
    """``gpu``, ``usb`` …, or a question mark."""
    return "?" if isinstance(function.cls, Unread) else kind(function.cls)


def _driver(function: PciFunction) -> str:
    if isinstance(function.driver, Unread):
        return "driver unknown"
    return function.driver or "no driver"


def address_of(key: str) -> PciAddress | None:
    """The function that a row stands for; None for a group or a heading."""
    try:
        return PciAddress.parse(key.removeprefix("device "))
    except ValueError:
        return None


def toggled(has: Shelf, selection: Selection, key: str) -> Selection:
    """The selection after the row was chosen, or given back; the same where the row cannot be chosen."""
    address = address_of(key)
    if address is None or has.never.get(address):
        return selection
    card = card_of(has, address)
    if card is None:
        return selection._replace(also=_flipped(selection.also, {address}, address))
    return selection._replace(gpus=_flipped(selection.gpus, set(card.functions), card.address))


def _flipped(
    before: tuple[PciAddress, ...], named: set[PciAddress], address: PciAddress
) -> tuple[PciAddress, ...]:
    kept = tuple(one for one in before if one not in named)
    return kept if kept != before else tuple(sorted((*before, address)))


def detail(has: Shelf, key: str, selection: Selection, width: int) -> list[Line]:
    """What is known of the row: the card with what would be lost, the group, or the function."""
    address = address_of(key)
    if address is None:
        return _group_detail(has, key, width)
    card = card_of(has, address)
    if card is None:
        return _function_detail(has, address, width)
    lines = said(_now(has, card, selection), width, Tone.HEAD)
    against = (one.text for one in has.standing.get(card.address, ()))
    lines += listed("It is refused as things are", against, width, Tone.BAD)
    if card.twins and not has.never.get(card.address):
        lines += listed("Which of the two is it?", [_WHICH], width)
    if not has.never.get(card.address):
        lines += listed("What you would lose", losses(has, card), width, Tone.WARN)
    lines += [Line(""), *(Line(one) for one in gpu_text(card, has.facts, has.names, width).split("\n"))]
    return [*lines, *_about(has, card, width)]


_WHICH = (
    "There is another card of this model. The screens that are plugged in tell them apart, and the address "
    "is the slot. By its address exactly this one goes to the guest; the plan does that by itself."
)


def _now(has: Shelf, card: Gpu, selection: Selection) -> str:
    why_not = _why_never(has, card.address)
    if why_not:
        return f"Cannot be given: {why_not}"
    if is_chosen(card, selection):
        return "Goes to the guest. Space takes it back."
    return "Stays with this machine. Space gives it to the guest."


def losses(has: Shelf, card: Gpu) -> list[str]:
    """What goes away from the host with this card, in plain words."""
    found = []
    screens = screens_of(has.facts, card)
    if screens:
        found.append(f"The picture on {' and '.join(screens)}: plug that screen into a card that stays.")
    if card.boot_vga:
        found.append("The boot messages: the firmware shows them on this card, and they stop early.")
    if len(has.cards) == 1:
        found.append("Every picture of this machine: it has no other graphics. Only ssh remains.")
    return found


def screens_of(facts: HostFacts, card: Gpu) -> list[str]:
    """Outputs of the card with a screen plugged in, as the kernel names them: ``DP-1``."""
    connectors = known(facts.display.connectors, ())
    return [
        clean(one.name).partition("-")[2] or clean(one.name)
        for one in connectors
        if one.function in card.functions and one.status == "connected"
    ]


def _about(has: Shelf, card: Gpu, width: int) -> Iterator[Line]:
    """What the checks say about this card, but for what passed: the same words as on the step Check."""
    subjects = {str(one) for one in card.functions}
    for one in in_reading_order(has.findings):
        if one.outcome.subject in subjects and one.outcome.status in (Status.FAIL, Status.UNKNOWN):
            word, tone = status_word(one)
            yield Line("")
            yield from said(one.id, width, tone, f"{word} ")
            yield from said(sentence(one.outcome.summary), width, first="  ")
            if one.outcome.fix is not None:
                yield from said(one.outcome.fix.text, width, Tone.FAINT, "  do: ")


def _group_detail(has: Shelf, key: str, width: int) -> list[Line]:
    if key == GROUPS or not key.startswith("group "):
        return said(_WHAT_GROUPS_ARE, width)
    number = int(key.removeprefix("group "))
    group = next((one for one in has.groups if one.number == number), None)
    if group is None:
        return []
    lines = said(f"IOMMU group {number}: {len(group.members)} functions", width, Tone.HEAD)
    for address in sorted(group.members):
        function = has.functions.get(address)
        what = f"{kind_of(function)}, {_driver(function)}, " if function else ""
        lines += said(f"{address}  {what}{_name(has, address)}", width, first="  ")
    lines += [Line(""), *said(_WHOLE, width, Tone.FAINT)]
    return lines


_WHAT_GROUPS_ARE = (
    "A group is what the IOMMU can keep apart from the rest. It goes to one guest as a whole; bridges in it "
    "do no harm and stay. Right or Enter opens, left closes; Space on a device gives it along with the card."
)
_WHOLE = "All of a group goes to one guest; only bridges stay. Right opens it, to give devices along."


def _function_detail(has: Shelf, address: PciAddress, width: int) -> list[Line]:
    function = has.functions.get(address)
    if function is None:
        return said(f"{address} is not there any more.", width)
    why_not = _why_never(has, address)
    lines = said(f"Cannot be given: {why_not}", width, Tone.WARN) if why_not else said(_ALONG, width)
    lines += [Line(""), *said(f"{address} {_name(has, address)}", width, Tone.HEAD)]
    lines += said(f"{kind_of(function)}, {_driver(function)}, group {_group_of(function)}", width)
    return lines


def _group_of(function: PciFunction) -> str:
    return "unknown" if not isinstance(function.group, int) else str(function.group)


_ALONG = "Space gives this device along with the card, or takes it back."


def _short(address: PciAddress) -> str:
    return str(address).removeprefix("0000:")


def _name(has: Shelf, address: PciAddress) -> str:
    function = has.functions.get(address)
    return clean(has.names.get(address) or (function.name if function else "") or "")
