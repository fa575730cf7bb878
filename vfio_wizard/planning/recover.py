"""What may be tried on a card that is stuck, in the order of harm: each step only when nothing holds the "
"card."""

from __future__ import annotations

from vfio_wizard.model.pci import Holder, PciAddress
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Unread

DEVICES = "sys/bus/pci/devices"
VFIO = "vfio-pci"


class Part(NamedTuple):
    """One function of the card, as it is now."""

    address: PciAddress
    there: bool
    """The host has it at all."""
    driver: str | None | Unread
    override: str | None
    power: str | None
    """D0 to D3cold; None where the kernel does not say."""
    resets: tuple[str, ...]
    answers: bool | None
    """Reads of its configuration come back; None where that could not be looked at."""
    holders: tuple[Holder, ...] | Unread


class Card(NamedTuple):
    """A card, and processes that hang in the kernel (state D), by number and name."""

    parts: tuple[Part, ...]
    hanging: tuple[tuple[int, str], ...] = ()


class Write(NamedTuple):
    """One word to the kernel."""

    path: str
    value: str


class Step(NamedTuple):
    """Something that may be tried; ``refused`` says why not now."""

    id: str
    title: str
    writes: tuple[Write, ...]
    refused: str | None = None


def steps(card: Card) -> tuple[Step, ...]:
    """All four, each with what it would write."""
    why = held(card)
    made = (_release(card), _reset(card), _rescan(card), _rebind(card))
    return made if why is None else tuple(one._replace(writes=(), refused=why) for one in made)


def held(card: Card) -> str | None:
    """Why nothing may be done to the card at all; None where nobody has it."""
    for part in card.parts:
        if isinstance(part.holders, Unread):
            return (
                f"who holds {part.address} could not be seen ({part.holders.detail or part.holders.reason})"
            )
        for one in part.holders:
            stuck = ", which hangs in the kernel" if any(one.pid == pid for pid, _ in card.hanging) else ""
            return f"{one.name} (process {one.pid}{stuck}) has /{one.node} open"
    return None


def _release(card: Card) -> Step:
    bound = [one for one in card.parts if one.driver == VFIO]
    host = next((one for one in card.parts if isinstance(one.driver, str) and one.driver != VFIO), None)
    refused = None
    if host is not None:
        refused = f"{host.address} is with the host's driver {host.driver}, which is not taken from it"
    elif not bound:
        refused = "no function is with vfio-pci"
    writes = tuple(Write(f"sys/bus/pci/drivers/{VFIO}/unbind", str(one.address)) for one in reversed(bound))
    return Step("release", "unbind it from vfio-pci", () if refused else writes, refused)


def _reset(card: Card) -> Step:
    """One reset of the bus reaches all functions; each that has a method of its own is told."""
    able = [one for one in card.parts if one.there and one.resets]
    refused = _driven(card) or (None if able else "no function has a way to be reset by the kernel")
    writes = tuple(Write(f"{DEVICES}/{one.address}/reset", "1") for one in able)
    return Step("reset", "reset it", () if refused else writes, refused)


def _rescan(card: Card) -> Step:
    """The kernel forgets the functions and looks at the bus anew; one that is gone comes back like that."""
    there = [one for one in card.parts if one.there]
    refused = _driven(card)
    removing = tuple(Write(f"{DEVICES}/{one.address}/remove", "1") for one in reversed(there))
    writes = (*removing, Write("sys/bus/pci/rescan", "1"))
    return Step("rescan", "remove it from the bus and look for it anew", () if refused else writes, refused)


def _rebind(card: Card) -> Step:
    free = [one for one in card.parts if one.there and one.driver is None]
    writes = tuple(
        write
        for one in free
        for write in (
            Write(f"{DEVICES}/{one.address}/driver_override", ""),
            Write("sys/bus/pci/drivers_probe", str(one.address)),
        )
    )
    refused = None if free else "every function has a driver, or is not there"
    return Step("rebind", "give it to the driver that wants it first", () if refused else writes, refused)


def _driven(card: Card) -> str | None:
    for one in card.parts:
        if isinstance(one.driver, Unread):
            return f"the driver of {one.address} could not be read"
        if one.driver is not None:
            return f"{one.address} is still with {one.driver}"
    return None
