"""From functions to graphics cards: what leaves the host together, and what stands in the way.

The rules are those of the public contract (``groups/1``). Everything here is a pure function of
facts; what cannot be told from them is None.
"""

from __future__ import annotations

from vfio_wizard.knowledge import cards as known_cards
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.pci import PciAddress, PciClass, PciFunction, PciId
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Unread

DISCRETE = "discrete"
INTEGRATED = "integrated"
BMC = "bmc"
VIRTUAL = "virtual"
VF = "vf"

AMD_PROCESSOR_VENDOR = "1022"

_TYPE_BY_ID = (
    (BMC, known_cards.MANAGEMENT_CHIPS),
    (VIRTUAL, known_cards.EMULATED),
    (INTEGRATED, known_cards.INTEGRATED),
)


class Gpu(NamedTuple):
    """A display controller and all that must leave the host with it.

    ``address`` is the display function; ``functions`` the whole card, that function included.
    ``isolated`` is None where the groups are not known.
    """

    address: PciAddress
    functions: tuple[PciAddress, ...]
    group: int | None
    groups: tuple[int, ...]
    isolated: bool | None
    shares_with: tuple[PciAddress, ...]
    twins: tuple[PciAddress, ...]
    boot_vga: bool | None
    type: str | None
    external: bool | None
    """Behind an external port, as the kernel marks it."""


class Machine(NamedTuple):
    """Facts indexed once, for the questions below."""

    by_address: dict[PciAddress, PciFunction]
    by_slot: dict[tuple[int, int, int], tuple[PciFunction, ...]]
    by_group: dict[int, tuple[PciFunction, ...]]


def index(functions: tuple[PciFunction, ...]) -> Machine:
    """Look-up tables over the functions of a machine."""
    slots: dict[tuple[int, int, int], list[PciFunction]] = {}
    groups: dict[int, list[PciFunction]] = {}
    for one in functions:
        slots.setdefault(one.address.slot, []).append(one)
        if isinstance(one.group, int):
            groups.setdefault(one.group, []).append(one)
    return Machine(
        {one.address: one for one in functions},
        {slot: tuple(sorted(found, key=_by_address)) for slot, found in slots.items()},
        {number: tuple(sorted(found, key=_by_address)) for number, found in groups.items()},
    )


def gpus(facts: HostFacts) -> tuple[Gpu, ...] | Unread:
    """Every display controller with its card, by address. Unread when no functions were read."""
    if isinstance(facts.pci, Unread):
        return facts.pci
    machine = index(facts.pci)
    displays = sorted((one for one in facts.pci if one.is_display), key=_by_address)
    return tuple(_gpu(one, machine) for one in displays)


def cards(found: tuple[Gpu, ...]) -> tuple[Gpu, ...]:
    """One entry per card: a second display function of the same card is folded into the first."""
    seen: set[tuple[PciAddress, ...]] = set()
    kept = []
    for one in found:
        if one.functions not in seen:
            seen.add(one.functions)
            kept.append(one)
    return tuple(kept)


def candidates(found: tuple[Gpu, ...]) -> tuple[Gpu, ...]:
    """The cards that could be given to a guest: no management chips and no emulated ones."""
    return tuple(one for one in cards(found) if one.type not in (BMC, VIRTUAL))


def gpu_of(found: tuple[Gpu, ...], address: PciAddress) -> Gpu | None:
    """The card that a function belongs to; a display function names its own entry."""
    exact = next((one for one in found if one.address == address), None)
    return exact or next((one for one in found if address in one.functions), None)


def _by_address(function: PciFunction) -> PciAddress:
    return function.address


def _gpu(display: PciFunction, machine: Machine) -> Gpu:
    kind = _type(display, machine)
    own = _functions(display, kind, machine)
    members = tuple(machine.by_address[address] for address in own)
    return Gpu(
        address=display.address,
        functions=own,
        group=display.group if isinstance(display.group, int) else None,
        groups=tuple(sorted({one.group for one in members if isinstance(one.group, int)})),
        isolated=_isolated(members, machine),
        shares_with=_shares_with(members, machine),
        twins=_twins(members, machine),
        boot_vga=_boot_vga(members),
        type=kind,
        external=None if isinstance(display.removable, Unread) else display.removable,
    )


def _type(display: PciFunction, machine: Machine) -> str | None:
    if _is_virtual_function(display, machine):
        return VF
    if isinstance(display.id, Unread):
        return _type_by_words(display, machine)
    for word, table in _TYPE_BY_ID:
        if known_cards.family(table, *display.id):
            return word
    if _sits_in_processor(display, machine):
        return INTEGRATED
    return DISCRETE if display.id.vendor in dict(known_cards.DISCRETE_VENDORS) else None


def _type_by_words(display: PciFunction, machine: Machine) -> str | None:
    if _sits_in_processor(display, machine):
        return INTEGRATED
    return DISCRETE if _vendor(display) in dict(known_cards.DISCRETE_VENDORS) else None


def _sits_in_processor(display: PciFunction, machine: Machine) -> bool:
    """A root complex endpoint, or an AMD display whose slot also holds functions of the processor."""
    if display.parent is None:
        return True
    if isinstance(display.parent, Unread) and display.address.bus == 0:
        return True
    mates = machine.by_slot[display.address.slot]
    return _vendor(display) == "1002" and any(_vendor(one) == AMD_PROCESSOR_VENDOR for one in mates)


def _is_virtual_function(display: PciFunction, machine: Machine) -> bool:
    if isinstance(display.physical_function, PciAddress):
        return True
    if display.physical_function is None:
        return False
    return _looks_virtual(display, machine)


def _looks_virtual(display: PciFunction, machine: Machine) -> bool:
    """Without physfn: a copy of the display function that heads its slot, or its point-to-point bus.

    A PCIe link has room for device 0 only; the same id in a further slot of that bus is SR-IOV.
    """
    address = display.address
    heads = {PciAddress(*address.slot, 0)}
    if address.bus:
        heads.add(PciAddress(address.domain, address.bus, 0, 0))
    heads.discard(address)
    for head in heads:
        other = machine.by_address.get(head)
        if other and other.is_display and isinstance(other.id, PciId) and other.id == display.id:
            return True
    return False


def _functions(display: PciFunction, kind: str | None, machine: Machine) -> tuple[PciAddress, ...]:
    mates = machine.by_slot[display.address.slot]
    if kind in (BMC, VIRTUAL, VF):
        return (display.address,)
    if kind == INTEGRATED:
        own = [one for one in mates if one == display or _belongs_to_integrated(one, display, machine)]
    else:
        own = [one for one in mates if not _is_foreign_virtual(one)]
        own += _behind_own_switch(display, machine)
    return tuple(sorted({one.address for one in own}))


def _belongs_to_integrated(mate: PciFunction, display: PciFunction, machine: Machine) -> bool:
    """A second display function, or the HDMI audio that carries the graphics vendor's own id."""
    if not isinstance(mate.cls, PciClass):
        return False
    if mate.cls.is_display:
        return not _is_virtual_function(mate, machine)
    vendor = _vendor(mate)
    # Without ids (lspci without -nn) the HDMI audio of an APU is the function right behind the display.
    if vendor is None or _vendor(display) is None:
        return mate.cls.is_audio and mate.address.function == display.address.function + 1
    return mate.cls.is_audio and vendor == _vendor(display) and vendor != "8086"


def _is_foreign_virtual(mate: PciFunction) -> bool:
    return isinstance(mate.physical_function, PciAddress)


def _behind_own_switch(display: PciFunction, machine: Machine) -> list[PciFunction]:
    """Audio functions below the same switch of the card (Intel Arc has its HDMI audio there)."""
    if _vendor(display) != "8086":
        return []
    upstream = _own_upstream_port(display, machine)
    return [
        one
        for one in machine.by_address.values()
        if _is_arc_audio(one) and _is_below_or_next(one, display, upstream, machine)
    ]


def _is_below_or_next(
    audio: PciFunction, display: PciFunction, upstream: PciAddress | None, machine: Machine
) -> bool:
    if upstream is not None:
        return upstream in _ancestors(audio, machine)
    if not isinstance(display.parent, Unread):
        return False
    # A listing does not tell parents: firmware numbers the two legs of the switch one after the other.
    return (audio.address.domain, audio.address.bus) == (display.address.domain, display.address.bus + 1)


def _is_arc_audio(function: PciFunction) -> bool:
    if isinstance(function.id, Unread) or not isinstance(function.cls, PciClass):
        return False
    if not function.cls.is_audio:
        return False
    return known_cards.family(known_cards.ARC_SWITCH_AUDIO, *function.id) is not None


def _own_upstream_port(display: PciFunction, machine: Machine) -> PciAddress | None:
    """The upstream port of the card's own switch: grandparent of the display, of the same vendor."""
    above = _ancestors(display, machine)
    if len(above) < 3:  # downstream port, upstream port, root port
        return None
    port = machine.by_address.get(above[1])
    return above[1] if port is not None and _vendor(port) == _vendor(display) else None


def _ancestors(function: PciFunction, machine: Machine) -> tuple[PciAddress, ...]:
    """Bridges above, nearest first; bounded, since a record may hold a loop."""
    found: list[PciAddress] = []
    above = function.parent
    while isinstance(above, PciAddress) and above not in found:
        found.append(above)
        bridge = machine.by_address.get(above)
        above = bridge.parent if bridge else None
    return tuple(found)


def _vendor(function: PciFunction) -> str | None:
    """By id, else by the vendor's words: plain lspci prints names without numbers."""
    if not isinstance(function.id, Unread):
        return function.id.vendor
    name = function.name or ""
    return next((vendor for words, vendor in known_cards.VENDOR_WORDS if name.startswith(words)), None)


def _isolated(members: tuple[PciFunction, ...], machine: Machine) -> bool | None:
    if _shares_with(members, machine):
        return False
    if any(not isinstance(one.group, int) for one in members):
        return None
    return True


def _shares_with(members: tuple[PciFunction, ...], machine: Machine) -> tuple[PciAddress, ...]:
    own = {one.address for one in members}
    numbers = {one.group for one in members if isinstance(one.group, int)}
    return tuple(
        sorted(
            one.address
            for number in numbers
            for one in machine.by_group[number]
            if one.address not in own and not one.is_bridge
        )
    )


def _twins(members: tuple[PciFunction, ...], machine: Machine) -> tuple[PciAddress, ...]:
    own = {one.address for one in members}
    ids = {one.id for one in members if isinstance(one.id, PciId)}
    return tuple(
        sorted(
            one.address
            for one in machine.by_address.values()
            if one.address not in own and isinstance(one.id, PciId) and one.id in ids
        )
    )


def _boot_vga(members: tuple[PciFunction, ...]) -> bool | None:
    told = [one.boot_vga for one in members if isinstance(one.boot_vga, bool)]
    return any(told) if told else None
