"""The IOMMU group listing that every forum asks for, in the shapes that people paste.

No two scripts print it alike, so it is read line by line (``device_lines``):

- a group and a function on one line: ``IOMMU Group 1 01:00.0 VGA …``
- a heading with functions below it: ``IOMMU Group 1:``, then indented lines
- group and first function on one line, further functions below (Unraid, scripts with ``-r``)
- paths: ``/sys/kernel/iommu_groups/1/devices/0000:01:00.0``, also as ``ls -l``, ``ls -R``, ``tree``

Where one text holds two listings that contradict each other, the fuller one counts.
"""

from __future__ import annotations

from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.pci import PciFunction
from vfio_wizard.model.unread import Unread, untold
from vfio_wizard.probe.text.blank import blank_facts, with_functions, with_others
from vfio_wizard.probe.text.device_lines import read_functions

KIND = "iommu-listing"
LSPCI = "lspci"


def read(text: str, label: str) -> HostFacts | None:
    """A listing, or lspci output (``-nn``, ``-nnk``, ``-v``, ``-x``, plain), as facts.

    Functions keep the line they stand on as their origin. lspci tells groups only with ``-v``
    (pciutils 3.6 and later). None when the text has no line of this kind.
    """
    lines, functions = read_functions(text, label)
    if not any(_tells_something(one) for one in functions) and not lines.others:
        return None
    kind = KIND if lines.names_groups or lines.others else LSPCI
    facts = with_functions(blank_facts(kind, label), functions)
    facts = with_others(facts, lines.others)
    facts = facts._replace(source=facts.source._replace(complete=completeness(facts, label)))
    return without_membership(facts) if kind == LSPCI else facts


def without_membership(facts: HostFacts) -> HostFacts:
    """What remains of groups in an excerpt that function for function names them: nothing but a remark.

    Without the root bus (``lspci -vv -s 01:00``) it is not shown who else is in a group, and a
    group that seems to hold the card alone would pass for isolated. A listing by groups shows its
    members even where it is shortened, so this is not for those.
    """
    if isinstance(facts.pci, Unread) or isinstance(facts.iommu.groups, Unread) or _shows_root_bus(facts):
        return facts
    no = untold(facts.source.label, "an excerpt does not show all members of the groups")
    functions = tuple(_without_group(one) for one in facts.pci)
    return facts._replace(pci=functions, iommu=facts.iommu._replace(groups=no))


def _without_group(function: PciFunction) -> PciFunction:
    if not isinstance(function.group, int):
        return function
    detail = f"in group {function.group}; an excerpt does not show who else is in it"
    return function._replace(group=untold(function.origin, detail))


def _shows_root_bus(facts: HostFacts) -> bool:
    """Every machine with PCI has functions on bus 00 of some domain; a record without them left some out."""
    return not isinstance(facts.pci, Unread) and any(one.address.bus == 0 for one in facts.pci)


def _tells_something(function: PciFunction) -> bool:
    """An address alone may stand in any prose."""
    return not all(isinstance(fact, Unread) for fact in (function.id, function.cls, function.group))


def completeness(facts: HostFacts, label: str) -> bool | Unread:
    """False where something is evidently missing; no listing can prove that nothing is."""
    if not _shows_root_bus(facts):
        return False
    groups = facts.iommu.groups
    if not isinstance(groups, Unread) and len(groups) <= groups[-1].number:
        return False
    return untold(label, "a listing does not say whether it is whole")
