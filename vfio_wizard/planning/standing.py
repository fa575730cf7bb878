"""What stands against giving a device away, asked before it is chosen: the words of the plan itself."""

from __future__ import annotations

from collections.abc import Iterator

from vfio_wizard.cards.units import BMC, VIRTUAL, Gpu, candidates, cards, gpus
from vfio_wizard.model.errors import WizardError
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.plan import Refusal
from vfio_wizard.model.selection import Selection
from vfio_wizard.model.unread import Unread, known
from vfio_wizard.planning.plan import make_plan
from vfio_wizard.planning.refuse import Leaving, impossible, needed_by_host

Standing = dict[PciAddress, tuple[Refusal, ...]]

_MOST = 32
"""A server may have hundreds of virtual functions that are displays; the first ones are judged ahead."""


def standing(facts: HostFacts, chosen: tuple[PciAddress, ...] = ()) -> Standing:
    """For each card that could be given away, why a plan for it would be refused as the host is now."""
    found = candidates(known(gpus(facts), ()))
    first = [*(one for one in found if one.address in chosen), *found]
    return {one.address: _refused(facts, one) for one in first[:_MOST]}


def _refused(facts: HostFacts, gpu: Gpu) -> tuple[Refusal, ...]:
    try:
        return make_plan(facts, Selection((gpu.address,))).refusals
    except WizardError:
        return ()  # the plan itself will say it when it is made


def never(facts: HostFacts) -> Standing:
    """Functions that cannot be given at all, each with the reason: what no option overrules in the wizard."""
    if isinstance(facts.pci, Unread):
        return {}
    every = cards(known(gpus(facts), ()))
    unfit = tuple(one for one in every if one.type in (BMC, VIRTUAL))
    all_of_it = Leaving(facts, unfit, every, facts.pci, ())
    found: dict[PciAddress, tuple[Refusal, ...]] = {}
    for address, refusal in _reasons(all_of_it):
        found[address] = (*found.get(address, ()), refusal)
    return found


def _reasons(leaving: Leaving) -> Iterator[tuple[PciAddress, Refusal]]:
    yield from impossible(leaving)
    yield from needed_by_host(leaving)


def with_user(selection: Selection, facts: HostFacts) -> Selection:
    """The one who chooses is named in the answers: the change is made as root, who is somebody else."""
    user = facts.virt.user
    if selection.users or not facts.source.live or isinstance(user, Unread) or user.is_root:
        return selection
    return selection._replace(users=(user.name,))


def still_here(facts: HostFacts, selection: Selection) -> tuple[Selection, tuple[PciAddress, ...]]:
    """The selection without what the host has no longer, and what that was."""
    there = {one.address for one in known(facts.pci, ())}
    gone = tuple(one for one in (*selection.gpus, *selection.also) if one not in there)
    kept = selection._replace(
        gpus=tuple(one for one in selection.gpus if one in there),
        also=tuple(one for one in selection.also if one in there),
    )
    return kept, gone
