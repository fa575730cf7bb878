"""What a check is, and the situation that it looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from vfio_wizard.cards.units import DISCRETE, VF, Gpu, candidates, cards, gpus
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.finding import Outcome, Severity
from vfio_wizard.model.pci import PciAddress, PciFunction
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Unread


class Situation(NamedTuple):
    """One machine and what the user wants of it, prepared once for all checks."""

    facts: HostFacts
    cards: tuple[Gpu, ...] | Unread
    """Every graphics card, management chips and emulated ones included."""
    candidates: tuple[Gpu, ...] | Unread
    """Those that could be given to a guest."""
    viable: frozenset[PciAddress]
    """The wanted ones among them that the IOMMU separates from everything else."""
    selection: tuple[PciAddress, ...]
    functions: dict[PciAddress, PciFunction]

    def is_selected(self, gpu: Gpu) -> bool:
        """Whether any function of the card was named by the user."""
        return any(address in self.selection for address in gpu.functions)


class Check(NamedTuple):
    """One question to a machine, with the prose that explains it everywhere.

    ``claim`` is what *pass* asserts, ``fails_when`` what *fail* has seen, ``why`` what it costs.
    """

    id: str
    title: str
    severity: Severity
    claim: str
    fails_when: str
    why: str
    run: Callable[[Situation], Iterator[Outcome]]
    references: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    verify: str = ""
    """How to see that the fix worked: a sentence that begins with ``Afterwards``, or nothing."""


def situation(facts: HostFacts, selection: tuple[PciAddress, ...] = ()) -> Situation:
    """Prepare a machine for the checks."""
    found = gpus(facts)
    offered = found if isinstance(found, Unread) else candidates(found)
    functions = () if isinstance(facts.pci, Unread) else facts.pci
    return Situation(
        facts=facts,
        cards=found if isinstance(found, Unread) else cards(found),
        candidates=offered,
        viable=frozenset() if isinstance(offered, Unread) else _viable(facts, offered, selection),
        selection=selection,
        functions={one.address: one for one in functions},
    )


def reserved_directly(facts: HostFacts, gpu: Gpu) -> tuple[str, ...]:
    """The *direct* regions in the groups of a card, as the kernel would print them."""
    if isinstance(facts.iommu.groups, Unread):
        return ()
    return tuple(
        f"group {group.number}: {region.start:#018x} {region.end:#018x} {region.kind}"
        for group in facts.iommu.groups
        if group.number in gpu.groups and not isinstance(group.reserved, Unread)
        for region in group.reserved
        if region.kind == "direct"
    )


def _viable(
    facts: HostFacts, offered: tuple[Gpu, ...], selection: tuple[PciAddress, ...]
) -> frozenset[PciAddress]:
    wanted = wanted_among(offered, selection)
    return frozenset(one.address for one in wanted if one.isolated and not reserved_directly(facts, one))


def wanted_among(offered: tuple[Gpu, ...], selection: tuple[PciAddress, ...]) -> tuple[Gpu, ...]:
    """The selected cards; without a selection the graphics cards proper; without those, all.

    An integrated GPU that happens to be alone in its group must not make a machine ready whose
    graphics card is not.
    """
    if selection:
        return tuple(one for one in offered if any(address in selection for address in one.functions))
    return tuple(one for one in offered if one.type in (DISCRETE, VF)) or offered


def weight(case: Situation, gpu: Gpu) -> Severity | None:
    """How much a card that is not fit weighs: less than a blocker where another card serves."""
    if isinstance(case.candidates, Unread):
        return None
    if gpu not in wanted_among(case.candidates, case.selection):
        return Severity.NOTE
    if not case.selection and case.viable and gpu.address not in case.viable:
        return Severity.WARNING
    return None
