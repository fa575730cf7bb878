"""IOMMU groups and cards as a person reads them, within 80 columns."""

from __future__ import annotations

from vfio_wizard.cards.kinds import kind
from vfio_wizard.cards.units import Gpu, gpus, index
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.iommu import IommuGroup
from vfio_wizard.model.pci import PciAddress, PciFunction
from vfio_wizard.model.unread import Unread
from vfio_wizard.report.clean import clean

WIDTH = 80
_NARROW = 64
"""Below this many columns a line has no room for ids and names."""

Names = dict[PciAddress, str]

_ISOLATION = {True: "isolated", False: "NOT isolated", None: "isolation unknown"}
_TYPE = {
    "discrete": "discrete card",
    "integrated": "integrated",
    "bmc": "server management chip",
    "virtual": "emulated",
    "vf": "virtual function",
    None: "type unknown",
}


def groups_text(facts: HostFacts, names: Names, width: int = WIDTH) -> str:
    """Cards first, since they are what people come for; then every group with its members."""
    if isinstance(facts.pci, Unread):
        return f"PCI functions could not be read: {clean(facts.pci.reason)}\n"
    lines = ["GRAPHICS", *_gpu_lines(facts, names, width), "", "IOMMU GROUPS"]
    lines += _group_lines(facts, names, width)
    return "\n".join(lines) + "\n"


def gpu_text(gpu: Gpu, facts: HostFacts, names: Names, width: int = WIDTH) -> str:
    """One card: what it is, what belongs to it, what stands in its way."""
    machine = index(facts.pci if not isinstance(facts.pci, Unread) else ())
    return "\n".join(_one_gpu(gpu, machine.by_address, names, width))


def _gpu_lines(facts: HostFacts, names: Names, width: int) -> list[str]:
    found = gpus(facts)
    if isinstance(found, Unread) or not found:
        return ["  no display controller was seen"]
    machine = index(facts.pci if not isinstance(facts.pci, Unread) else ())
    lines: list[str] = []
    for gpu in found:
        lines += _one_gpu(gpu, machine.by_address, names, width)
    return lines


def _one_gpu(gpu: Gpu, functions: dict[PciAddress, PciFunction], names: Names, width: int) -> list[str]:
    words = [_TYPE[gpu.type], _group_words(gpu), _ISOLATION[gpu.isolated]]
    if gpu.boot_vga:
        words.append("boot display")
    if gpu.external:
        words.append("external")
    lines = [
        _fit(f"  {gpu.address}  {_name(functions[gpu.address], names)}", width),
        f"    {', '.join(words)}",
    ]
    lines += [_member(functions[one], names, width, "    ") for one in gpu.functions]
    lines += _listing("shares its group with", gpu.shares_with, functions, names, width)
    lines += _listing("same id elsewhere (bind by address)", gpu.twins, functions, names, width)
    return lines


def _group_words(gpu: Gpu) -> str:
    if not gpu.groups:
        return "group unknown" if gpu.isolated is None else "no group"
    return ("group " if len(gpu.groups) == 1 else "groups ") + "+".join(str(one) for one in gpu.groups)


def _listing(
    heading: str,
    addresses: tuple[PciAddress, ...],
    functions: dict[PciAddress, PciFunction],
    names: Names,
    width: int,
) -> list[str]:
    if not addresses:
        return []
    return [f"    {heading}:", *(_member(functions[one], names, width, "      ") for one in addresses)]


def _group_lines(facts: HostFacts, names: Names, width: int) -> list[str]:
    groups = facts.iommu.groups
    if isinstance(groups, Unread):
        return [f"  not known ({clean(groups.reason)})"]
    if not groups:
        return [
            "  none: no IOMMU is active, so nothing can be given to a guest yet",
            "  (vfio-wizard --check says why)",
        ]
    machine = index(facts.pci if not isinstance(facts.pci, Unread) else ())
    lines: list[str] = []
    for group in sorted(groups, key=lambda one: one.number):
        lines.append(_group_heading(group))
        lines += [
            _member(machine.by_address[one], names, width, "    ")
            for one in group.members
            if one in machine.by_address
        ]
        lines += [f"    {clean(one)}  (not a PCI function)" for one in group.others]
    return lines


def _group_heading(group: IommuGroup) -> str:
    domain = "" if isinstance(group.type, Unread) else f"  {clean(group.type)}"
    reserved = () if isinstance(group.reserved, Unread) else group.reserved
    direct = "  DIRECT region" if any(one.kind == "direct" for one in reserved) else ""
    return f"  group {group.number}{domain}{direct}"


def _member(function: PciFunction, names: Names, width: int, indent: str) -> str:
    ids = "????:????" if isinstance(function.id, Unread) else str(function.id)
    word = "?" if isinstance(function.cls, Unread) else kind(function.cls)
    driver = _driver(function)
    if width < _NARROW:
        return _fit(f"{indent}{function.address} {word} ({driver})", width)
    return _fit(f"{indent}{function.address}  {ids}  {word:<11} {driver:<14} {_name(function, names)}", width)


def _driver(function: PciFunction) -> str:
    if isinstance(function.driver, Unread):
        return "?"
    return clean(function.driver) if function.driver else "-"


def _name(function: PciFunction, names: Names) -> str:
    return clean(names.get(function.address) or function.name or "")


def _fit(line: str, width: int) -> str:
    """Cut to the width, with dots: a name is decoration, everything that matters stands before it."""
    line = line.rstrip()
    return line if len(line) <= width else line[: width - 3].rstrip() + "..."
