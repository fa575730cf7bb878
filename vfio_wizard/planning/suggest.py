"""Which card a user most likely wants to give away, when nothing was said."""

from __future__ import annotations

from vfio_wizard.cards.units import DISCRETE, Gpu, candidates, cards, gpus
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.unread import Unread


def suggest(facts: HostFacts) -> PciAddress:
    """The one discrete card that is not the boot display, not known to share its group, and not the last.

    Raises UsageError that lists the cards where there is not exactly one such card: guessing between
    two would give away the wrong one half of the time.
    """
    found = gpus(facts)
    if isinstance(found, Unread):
        message = f"no PCI functions were read ({found.reason}), so no card can be chosen"
        raise UsageError(message)
    fit = [one for one in candidates(found) if _is_spare(one, cards(found))]
    if len(fit) == 1:
        return fit[0].address
    raise UsageError(_choose(candidates(found), fit))


def _is_spare(gpu: Gpu, every: tuple[Gpu, ...]) -> bool:
    return gpu.type == DISCRETE and not gpu.boot_vga and gpu.isolated is not False and len(every) > 1


def _choose(offered: tuple[Gpu, ...], fit: list[Gpu]) -> str:
    if not offered:
        return "there is no graphics card here that could be given to a guest"
    why = (
        "more than one card could be meant"
        if fit
        else "no card can be given away without a decision of yours"
    )
    return f"{why}; say which with --gpu: {', '.join(str(one.address) for one in offered)}"
