"""The card as a whole and its group as a whole: what was left behind, and what still blocks."""

from __future__ import annotations

from collections.abc import Iterator

from vfio_wizard.cards.units import Gpu
from vfio_wizard.checks.check import Check, Situation
from vfio_wizard.checks.gpus import for_each_candidate, is_vfio, members
from vfio_wizard.checks.outcome import by_user, failed, first_gap, passed, skipped, unknown
from vfio_wizard.model.finding import Outcome, Severity
from vfio_wizard.model.pci import PciFunction
from vfio_wizard.model.unread import Unread

_LIST = ("lspci", "-nnk")
_HARMLESS = ("pci-stub", "pcieport")
"""Drivers that do not stand in the way of VFIO, besides its own (driver_managed_dma)."""


def is_free(driver: str | None | Unread) -> bool:
    """On vfio-pci, on a driver that does not block, or on none."""
    if isinstance(driver, Unread):
        return False
    return driver is None or is_vfio(driver) or driver in _HARMLESS


def _is_on_vfio(function: PciFunction) -> bool:
    return isinstance(function.driver, str) and is_vfio(function.driver)


def _seen(function: PciFunction) -> tuple[str, str]:
    return (function.where("driver"), function.driver if isinstance(function.driver, str) else "none")


def _whole(case: Situation, gpu: Gpu) -> Outcome:
    own = members(case, gpu)
    gap = first_gap(*(one.driver for one in own))
    taken = tuple(one for one in own if _is_on_vfio(one))
    left = tuple(one for one in own if not isinstance(one.driver, Unread) and not is_free(one.driver))
    if taken and left:
        names = ", ".join(f"{one.address} with {one.driver}" for one in left)
        return failed(
            f"part of the card is on vfio-pci, the rest was left behind: {names}",
            by_user(
                "All functions of a card go together: add the id or the address of each to what vfio-pci "
                "takes. vfio-wizard plans it that way.",
                ("vfio-wizard", "plan", "--gpu", str(gpu.address)),
            ),
            *(_seen(one) for one in own),
            subject=gpu.address,
        )
    if gap is not None:
        how = "every function of the card needs the same kind of driver."
        return unknown("its drivers are not told", gap, how, _LIST, subject=gpu.address)
    words = "all of it is on vfio-pci, or free" if taken else "no part of it is on vfio-pci"
    return passed(words, *(_seen(one) for one in own), subject=gpu.address)


def _viable(case: Situation) -> Iterator[Outcome]:
    if isinstance(case.candidates, Unread):
        yield unknown("the graphics cards are not known", case.candidates, "list them by hand.", _LIST)
        return
    found = tuple(outcome for gpu in case.candidates if (outcome := _viable_group(case, gpu)) is not None)
    yield from found or (skipped("no card is on vfio-pci yet"),)


def _viable_group(case: Situation, gpu: Gpu) -> Outcome | None:
    """None for a card of which nothing is on vfio-pci: its group need not be free yet."""
    own = members(case, gpu)
    if not any(_is_on_vfio(one) for one in own):
        gap = first_gap(*(one.driver for one in own))
        how = "see Kernel driver in use."
        return (
            unknown("its drivers are not told", gap, how, _LIST, subject=gpu.address)
            if gap is not None
            else None
        )
    others = tuple(case.functions[one] for one in gpu.shares_with)
    holding = tuple(one for one in others if not isinstance(one.driver, Unread) and not is_free(one.driver))
    if holding:
        names = ", ".join(f"{one.address} by {one.driver}" for one in holding)
        return failed(
            f"its group is not viable: the host still holds {names}",
            by_user("Give these to vfio-pci too, or get them out of the group (see group.isolated)."),
            *(_seen(one) for one in holding),
            subject=gpu.address,
        )
    gap = first_gap(*(one.driver for one in others), *(one.group for one in own))
    if gap is not None or gpu.isolated is None or case.facts.source.complete is not True:
        how = "no member of the group but bridges may have a driver of the host."
        summary = "whether all of its group is free is not known"
        return unknown(summary, first_gap(gap, case.facts.source.complete), how, _LIST, subject=gpu.address)
    return passed("nothing in its group is held by the host", *(map(_seen, own)), subject=gpu.address)


def _volume_domains(case: Situation) -> Iterator[Outcome]:
    pci = case.facts.pci
    if isinstance(pci, Unread):
        yield unknown("no functions were read", pci, "see the addresses.", ("lspci", "-D"))
        return
    hidden = tuple(one for one in pci if one.address.domain > 0xFFFF)
    if hidden:
        names = ", ".join(str(one.address) for one in hidden[:4]) + (" and more" if hidden[4:] else "")
        chosen = any(one.address in case.selection for one in hidden)
        yield failed(
            f"Intel VMD keeps devices in a domain of its own: {names}",
            by_user(
                "These cannot be given away one by one: the whole VMD controller would have to go. If you "
                "want to pass one on, switch VMD off in the firmware setup (first make sure that the "
                "system still finds its disk)."
            ),
            *((one.origin, "PCI domain above ffff") for one in hidden[:4]),
            severity=Severity.WARNING if chosen else None,
        )
    elif case.facts.source.complete is not True:
        gap = first_gap(case.facts.source.complete)
        how = "no address may begin with 10000."
        yield unknown("this source may not show every device", gap, how, ("lspci", "-D"))
    else:
        yield passed(
            "no device sits behind Intel VMD", ("sys/bus/pci/devices", "all domains have four digits")
        )


WHOLE = Check(
    id="gpu.whole",
    title="No function left behind",
    severity=Severity.WARNING,
    claim="Either all functions of a card are on vfio-pci (or free), or none is.",
    fails_when="One function is on vfio-pci while another, such as the HDMI audio, is on a host driver.",
    why=(
        "The functions of a card share one group and one reset. With the audio or USB function on the host "
        "the guest does not start, or the card does not reset."
    ),
    run=lambda case: for_each_candidate(case, _whole),
    references=("linux: Documentation/driver-api/vfio.rst", "HikariKnight/quickpassthrough#22"),
    verify="Afterwards lspci -nnk shows vfio-pci as the driver in use for every function of the card.",
)

VIABLE = Check(
    id="group.viable",
    title="The group is free",
    severity=Severity.WARNING,
    claim="No other device in the groups of a card on vfio-pci is held by a driver of the host.",
    fails_when="One is: QEMU then says that the group is not viable.",
    why=(
        "VFIO opens a group only when every member is on vfio-pci, on pci-stub or on no driver. Bridges on "
        "pcieport do not count."
    ),
    run=_viable,
    references=("linux 6.12: drivers/pci/pci-driver.c driver_managed_dma, drivers/iommu/iommu.c",),
    verify="Afterwards lspci -nnk shows no host driver for any member of the group.",
)

VOLUME_DOMAINS = Check(
    id="host.no-vmd",
    title="No hidden PCI domains",
    severity=Severity.NOTE,
    claim="No device sits behind an Intel VMD controller.",
    fails_when="Addresses with a domain of five digits show that firmware hides disks behind VMD.",
    why="What is behind VMD shares its group and cannot be passed through alone; usually that is NVMe disks.",
    run=_volume_domains,
    references=("linux: drivers/pci/controller/vmd.c",),
    verify="Afterwards lspci -D shows no address that begins with 10000.",
)
