"""Several texts about one machine become one: field by field the first that tells.

The order is: fuller listings before shorter ones, forms that tell groups before those that do not.
Texts of two states of a machine may lie in one folder. Two rules keep them from being mixed:

- A text whose functions contradict the fuller one (another id at the same address: the cards were
  moved) describes another state and is left out altogether.
- A text that only disagrees about groups (numbers change from boot to boot) lends everything but its
  groups: group numbers always come from one text, or from texts that agree.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    ModprobeConfig,
    Source,
    Virt,
)
from vfio_wizard.model.iommu import AcpiTables, Iommu
from vfio_wizard.model.pci import PciAddress, PciFunction, PciId
from vfio_wizard.model.unread import Unread, untold
from vfio_wizard.probe.text.blank import filled_function, told_groups

_RECORDS = (Board, Cpu, Display, Firmware, Kernel, Memory, Virt, Iommu, AcpiTables)
_OWN_WAY = frozenset(("source", "pci", "boot", "files", "origin", "cmdline_origin"))


def merge(parts: Sequence[HostFacts]) -> HostFacts:
    """One machine out of its texts; a single text comes back as it is."""
    ordered = sorted(parts, key=_weight)
    merged = ordered[0]
    for part in ordered[1:]:
        if not _contradict(merged, part):
            merged = _add(merged, part)
    return merged


def _weight(facts: HostFacts) -> tuple[bool, bool, int]:
    """Sorting key: group tellers first, then the fullest. Python's sort keeps the given order of equals."""
    no_groups = isinstance(facts.iommu.groups, Unread)
    return (isinstance(facts.pci, Unread), no_groups, -len(_functions(facts)))


def _functions(facts: HostFacts) -> tuple[PciFunction, ...]:
    return () if isinstance(facts.pci, Unread) else facts.pci


def _by_address(facts: HostFacts) -> dict[PciAddress, PciFunction]:
    return {one.address: one for one in _functions(facts)}


def _contradict(first: HostFacts, second: HostFacts) -> bool:
    """Whether some address holds two different models."""
    known = _by_address(first)
    for one in _functions(second):
        other = known.get(one.address)
        if other and isinstance(one.id, PciId) and isinstance(other.id, PciId) and one.id != other.id:
            return True
    return False


def _regrouped(first: HostFacts, second: HostFacts) -> bool:
    """Whether some function stands in two different groups."""
    known = _by_address(first)
    return any(
        other is not None
        and not isinstance(one.group, Unread)
        and not isinstance(other.group, Unread)
        and one.group != other.group
        for one in _functions(second)
        for other in (known.get(one.address),)
    )


def _add(first: HostFacts, second: HostFacts) -> HostFacts:
    if _regrouped(first, second):
        second = _without_groups(second)
    told = {name: _told(name, getattr(first, name), getattr(second, name)) for name in HostFacts._fields}
    pci = _joined(first, second)
    told["pci"] = pci
    told["boot"] = _boot(first.boot, second.boot)
    told["kernel"] = _kernel(first.kernel, second.kernel)
    told["modprobe"] = _modprobe(first.modprobe, second.modprobe)
    told["source"] = _source(first.source, second.source)
    told["files"] = tuple(sorted((dict(second.files) | dict(first.files)).items()))
    merged = HostFacts(**told)
    return merged._replace(iommu=_iommu(merged, first, second))


def _without_groups(facts: HostFacts) -> HostFacts:
    no = untold(facts.source.label, "groups of another boot")
    pci = tuple(one._replace(group=no) for one in _functions(facts))
    return facts._replace(pci=pci, iommu=facts.iommu._replace(groups=no))


def _told(name: str, first: Any, second: Any) -> Any:
    if name in _OWN_WAY:
        return first
    if isinstance(first, _RECORDS):
        return _filled(first, second)
    return second if isinstance(first, Unread) else first


def _filled(first: Any, second: Any) -> Any:
    """A record with its gaps filled from another of the same kind; it keeps the origin of what it told."""
    if _silent(first):
        return second
    told = {name: _told(name, *pair) for name, *pair in zip(first._fields, first, second, strict=True)}
    if "cmdline_origin" in told and isinstance(first.cmdline, Unread):
        told["cmdline_origin"] = second.cmdline_origin
    return type(first)(**told)


def _boot(first: Boot, second: Boot) -> Boot:
    """Two stored command lines that differ: nothing tells which of them boots."""
    merged: Boot = _filled(first, second)
    if isinstance(first.configured, Unread):
        return merged._replace(configured_origin=second.configured_origin)
    if isinstance(second.configured, Unread) or second.configured == first.configured:
        return merged._replace(configured_origin=first.configured_origin)
    where = f"{first.configured_origin}, {second.configured_origin}"
    no = untold(where, "several stored command lines, and none is named as the one that boots")
    return merged._replace(configured=no, configured_origin=where)


def _kernel(first: Kernel, second: Kernel) -> Kernel:
    """Lines of several logs add up; they are all of it when one of the logs was."""
    merged: Kernel = _filled(first, second)
    if isinstance(first.log, Unread) or isinstance(second.log, Unread):
        return merged._replace(log_gap=second.log_gap if isinstance(first.log, Unread) else first.log_gap)
    gap = None if first.log_gap is None else second.log_gap
    return merged._replace(log=tuple(dict.fromkeys((*first.log, *second.log))), log_gap=gap)


def _modprobe(first: ModprobeConfig | Unread, second: ModprobeConfig | Unread) -> ModprobeConfig | Unread:
    """Files add up in the order in which they were given, as those of modprobe.d do."""
    if isinstance(first, Unread) or isinstance(second, Unread):
        return second if isinstance(first, Unread) else first
    return ModprobeConfig((*first.lines, *second.lines), second.gap if first.gap is None else first.gap)


def _silent(record: Any) -> bool:
    """Whether nothing in a record is known."""
    return all(
        _silent(fact) if isinstance(fact, _RECORDS) else isinstance(fact, Unread)
        for name, fact in zip(record._fields, record, strict=True)
        if name not in ("origin", "cmdline_origin", "configured_origin", "log_gap")
    )


def _joined(first: HostFacts, second: HostFacts) -> tuple[PciFunction, ...] | Unread:
    if isinstance(first.pci, Unread) or isinstance(second.pci, Unread):
        return second.pci if isinstance(first.pci, Unread) else first.pci
    functions = _by_address(second)
    for address, one in _by_address(first).items():
        functions[address] = filled_function(one, functions[address]) if address in functions else one
    return tuple(functions[address] for address in sorted(functions))


def _iommu(merged: HostFacts, first: HostFacts, second: HostFacts) -> Iommu:
    """Groups again from the joined functions; what only one text tells of a group is kept."""
    if isinstance(merged.iommu.groups, Unread):
        return merged.iommu
    groups = told_groups(_functions(merged), merged.iommu.origin)
    if isinstance(groups, Unread):
        return merged.iommu
    kept = {
        one.number: one
        for facts in (second, first)
        if not isinstance(facts.iommu.groups, Unread)
        for one in facts.iommu.groups
    }
    full = tuple(
        kept[one.number]._replace(members=one.members) if one.number in kept else one for one in groups
    )
    lonely = tuple(one for number, one in kept.items() if number not in {group.number for group in groups})
    return merged.iommu._replace(groups=tuple(sorted((*full, *lonely), key=lambda one: one.number)))


def _source(first: Source, second: Source) -> Source:
    kinds = dict.fromkeys([*first.kind.split("+"), *second.kind.split("+")])
    whole = True if True in (first.complete, second.complete) else first.complete
    labels = ", ".join(dict.fromkeys([*first.label.split(", "), second.label]))
    return Source(live=False, kind="+".join(kinds), label=labels, complete=whole)
