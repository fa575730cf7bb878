"""Facts of which nothing is known yet; every text reader starts from these and fills in what it is told."""

from __future__ import annotations

from typing import Any

from vfio_wizard.model.facts import (
    Board,
    Boot,
    Cpu,
    Display,
    Firmware,
    HostFacts,
    Kernel,
    Memory,
    Source,
    Virt,
)
from vfio_wizard.model.iommu import AcpiTables, Iommu, IommuGroup
from vfio_wizard.model.pci import PciAddress, PciFunction
from vfio_wizard.model.unread import Unread, untold


def blank_facts(kind: str, label: str) -> HostFacts:
    """A machine seen through a text that has said nothing yet: every fact is untold."""
    no = untold(label)
    source = Source(live=False, kind=kind, label=label, complete=no)
    return HostFacts(
        source=source,
        pci=no,
        iommu=Iommu(label, no, no, AcpiTables(no, no), no, no),
        cpu=Cpu(label, no, no, no, no, no, no, no),
        firmware=Firmware(label, no, no, no, Board(*(no,) * len(Board._fields))),
        kernel=Kernel(*(no,) * 9),
        kernels=no,
        boot=Boot(no, (), no, no, no, no, label),
        display=Display(no, no),
        memory=Memory(no, no, no),
        virt=Virt(*(no,) * len(Virt._fields)),
        network=no,
        disks=no,
        modprobe=no,
        files_gap=untold(label, "only what was pasted; other files may be there"),
    )


def blank_function(address: PciAddress, origin: str, **told: Any) -> PciFunction:
    """A function of which only the address is known, and what ``told`` names."""
    no = untold(origin)
    fields: dict[str, Any] = dict.fromkeys(PciFunction._fields, no)
    fields.update(address=address, origin=origin, name=None)
    fields.update(told)
    return PciFunction(**fields)


def with_functions(facts: HostFacts, functions: tuple[PciFunction, ...]) -> HostFacts:
    """The same facts with these functions, sorted, and the groups that they tell."""
    ordered = tuple(sorted(functions, key=_address))
    groups = told_groups(ordered, facts.iommu.origin)
    return facts._replace(pci=ordered, iommu=facts.iommu._replace(groups=groups))


def told_groups(functions: tuple[PciFunction, ...], origin: str) -> tuple[IommuGroup, ...] | Unread:
    """Groups as the functions name them; unread when none of them names one."""
    members: dict[int, list[PciAddress]] = {}
    for one in functions:
        if isinstance(one.group, int):
            members.setdefault(one.group, []).append(one.address)
    if not members:
        return untold(origin, "this text names no IOMMU group")
    no = untold(origin)
    return tuple(IommuGroup(number, tuple(members[number]), no, no) for number in sorted(members))


def with_others(facts: HostFacts, others: list[tuple[int, str]]) -> HostFacts:
    """The same facts with members that are no PCI functions, given as (group, name)."""
    if not others:
        return facts
    told = facts.iommu.groups
    groups = {} if isinstance(told, Unread) else {one.number: one for one in told}
    no = untold(facts.source.label)
    for number, name in others:
        group = groups.get(number) or IommuGroup(number, (), no, no)
        groups[number] = group._replace(others=(*group.others, name))
    ordered = tuple(groups[number] for number in sorted(groups))
    return facts._replace(iommu=facts.iommu._replace(groups=ordered))


def filled_function(first: PciFunction, second: PciFunction) -> PciFunction:
    """One function out of two readings: the first that tells a field counts, the second fills gaps."""
    told: dict[str, Any] = {
        name: other if isinstance(one, Unread) and not isinstance(other, Unread) else one
        for name, one, other in zip(PciFunction._fields, first, second, strict=True)
    }
    told["name"] = first.name or second.name
    return PciFunction(**told)


def _address(function: PciFunction) -> PciAddress:
    return function.address
