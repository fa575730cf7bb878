"""How vfio-pci is told which functions are its own: by id where that is proven safe, else by address."""

from __future__ import annotations

from vfio_wizard.model.pci import PciAddress, PciFunction, PciId
from vfio_wizard.model.plan import BindBy, Binding
from vfio_wizard.model.selection import Strategy


def choose(passed: tuple[PciFunction, ...], everything: tuple[PciFunction, ...], wish: Strategy) -> Binding:
    """The binding for the functions that leave the host.

    An id is safe when no function that stays has it; a subsystem id may tell two cards of one chip
    apart, since ``vfio-pci.ids`` takes ``vendor:device:subvendor:subdevice``.
    """
    addresses = tuple(one.address for one in passed)
    words = tuple(_word(one, _others(one, passed, everything)) for one in passed)
    taken = _taken_too(passed, everything)
    safe = all(words)
    if wish is Strategy.ID or (wish is Strategy.AUTO and safe):
        ids = tuple(dict.fromkeys(word or str(one.id) for word, one in zip(words, passed, strict=True)))
        return Binding(BindBy.ID, addresses, ids, "no function that stays on the host has one of these ids")
    if wish is Strategy.ADDRESS and safe:
        return Binding(BindBy.ADDRESS, addresses, (), "asked for")
    return Binding(BindBy.ADDRESS, addresses, (), _why_not_by_id(passed, taken))


def unsafe_ids(
    passed: tuple[PciFunction, ...], everything: tuple[PciFunction, ...]
) -> tuple[tuple[PciFunction, tuple[PciAddress, ...]], ...]:
    """Functions that no id separates from functions that stay, with the addresses of those."""
    return tuple(
        (one, tuple(other.address for other in _others(one, passed, everything)))
        for one in passed
        if _word(one, _others(one, passed, everything)) is None
    )


def _others(
    function: PciFunction, passed: tuple[PciFunction, ...], everything: tuple[PciFunction, ...]
) -> tuple[PciFunction, ...]:
    """Functions that stay and have the same vendor and device, or whose id is not known."""
    leaving = {one.address for one in passed}
    return tuple(
        one
        for one in everything
        if one.address not in leaving and isinstance(one.id, PciId) and one.id == function.id
    )


def _word(function: PciFunction, others: tuple[PciFunction, ...]) -> str | None:
    """The shortest id that means this function and none of the others, or None."""
    if not isinstance(function.id, PciId):
        return None
    if not others:
        return str(function.id)
    if not isinstance(function.subsystem, PciId):
        return None
    if any(not isinstance(one.subsystem, PciId) or one.subsystem == function.subsystem for one in others):
        return None
    return f"{function.id}:{function.subsystem}"


def _taken_too(
    passed: tuple[PciFunction, ...], everything: tuple[PciFunction, ...]
) -> tuple[PciAddress, ...]:
    found = {address for _, others in unsafe_ids(passed, everything) for address in others}
    return tuple(sorted(found))


def _why_not_by_id(passed: tuple[PciFunction, ...], taken: tuple[PciAddress, ...]) -> str:
    if taken:
        return "by id, vfio-pci would also take " + ", ".join(str(address) for address in taken)
    unknown = ", ".join(str(one.address) for one in passed if not isinstance(one.id, PciId))
    return f"the id of {unknown} is not known"
