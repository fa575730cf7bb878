"""IOMMU groups, units, firmware tables, and whether interrupts are remapped.

Groups that the kernel shows are the only proof that an IOMMU works; everything else here explains
why there are none. Silence of a log proves nothing.
"""

from __future__ import annotations

from itertools import takewhile

from vfio_wizard.model.iommu import AcpiTables, Iommu, IommuGroup, IommuUnit, ReservedRegion
from vfio_wizard.model.unread import Gap, Unread, known, untold
from vfio_wizard.probe.numbers import from_decimal, from_hex
from vfio_wizard.probe.paths import address
from vfio_wizard.system.host import Host

GROUPS = "sys/kernel/iommu_groups"
UNITS = "sys/class/iommu"
TABLES = "sys/firmware/acpi/tables"
IRQS = "sys/kernel/irq"
INTERRUPTS = "proc/interrupts"

_UNIT_KINDS = (("intel-iommu", "intel", "ecap"), ("amd-iommu", "amd", "features"))
_REMAPPED_LINES = ("Enabled IRQ remapping in", "Interrupt remapping enabled")  # irq_remapping.c, amd/init.c
_DEFAULT_DOMAIN = "Default domain type: "  # drivers/iommu/iommu.c
_ALWAYS_IN_KERNEL = "uevent_seqnum"
"""Every kernel shows this file in sys/kernel (kernel/ksysfs.c)."""
_MOST_IRQS = 24
"""The interrupts of the I/O APIC have the lowest numbers; among so many there is one."""
_IO_APIC_IRQS = tuple(f"{number:{width}}:" for number in (0, 1, 8, 9) for width in (3, 4, 5))


def read_iommu(host: Host, log: tuple[str, ...] | Unread) -> Iommu:
    """All that a host tells of DMA remapping. ``log`` holds kernel log lines, where there are any."""
    groups = _groups(host)
    return Iommu(
        origin=GROUPS,
        groups=groups,
        units=_units(host),
        tables=_tables(host),
        interrupt_remapping=_interrupt_remapping(host, log),
        default_domain=_default_domain(log, groups),
    )


def _groups(host: Host) -> tuple[IommuGroup, ...] | Unread:
    names = host.names(GROUPS)
    if isinstance(names, Unread):
        return _no_groups(host, names)
    numbers = [from_decimal(name) for name in names]
    parsed: dict[str, tuple[ReservedRegion, ...] | None] = {}
    return tuple([_group(host, number, parsed) for number in sorted(n for n in numbers if n is not None)])


def _no_groups(host: Host, gap: Unread) -> Unread:
    """No such directory means no support in this kernel, unless somebody copied a part of sysfs only."""
    if gap.gap is not Gap.ABSENT:
        return gap
    if host.kind == "directory" and _ALWAYS_IN_KERNEL not in known(host.names("sys/kernel"), ()):
        return untold(GROUPS, "only a part of sys/kernel is there")
    return Unread(GROUPS, Gap.ABSENT, "this kernel has no IOMMU support")


def _group(host: Host, number: int, parsed: dict[str, tuple[ReservedRegion, ...] | None]) -> IommuGroup:
    """``parsed`` holds texts about reserved regions, which most groups have in common."""
    path = f"{GROUPS}/{number}"
    names = known(host.names(f"{path}/devices"), ())
    found = [(name, address(name)) for name in names]
    return IommuGroup(
        number=number,
        members=tuple(sorted(where for _, where in found if where is not None)),
        type=_type(host, f"{path}/type"),
        reserved=_reserved(host, f"{path}/reserved_regions", parsed),
        others=tuple([name for name, where in found if where is None]),
    )


def _type(host: Host, path: str) -> str | Unread:
    text = host.text(path)
    if isinstance(text, Unread):
        return text
    word = text.strip()
    is_word = word.isascii() and word.replace("-", "").isalnum() and len(word) < 32
    return word if is_word else Unread(path, Gap.MALFORMED, "not a domain type")


def _reserved(
    host: Host, path: str, parsed: dict[str, tuple[ReservedRegion, ...] | None]
) -> tuple[ReservedRegion, ...] | Unread:
    text = host.text(path)
    if isinstance(text, Unread):
        return text
    if text not in parsed:
        parsed[text] = _regions(text)
    return parsed[text] or _no_regions(text, path)


def _no_regions(text: str, path: str) -> tuple[ReservedRegion, ...] | Unread:
    return Unread(path, Gap.MALFORMED, "not lines of start, end and type") if text.strip() else ()


def _regions(text: str) -> tuple[ReservedRegion, ...] | None:
    """None where a line has another form."""
    regions = [_region(line) for line in text.split("\n") if line.strip()]
    found = tuple([region for region in regions if region is not None])
    return found if len(found) == len(regions) else None


def _region(line: str) -> ReservedRegion | None:
    fields = line.split()
    if len(fields) != 3 or not fields[2].isprintable():
        return None
    start, end = from_hex(fields[0], 16), from_hex(fields[1], 16)
    return None if start is None or end is None else ReservedRegion(start, end, fields[2])


def _units(host: Host) -> tuple[IommuUnit, ...] | Unread:
    names = host.names(UNITS)
    return names if isinstance(names, Unread) else tuple([_unit(host, name) for name in names])


def _unit(host: Host, name: str) -> IommuUnit:
    """The vendor is told by the sub-directory, not by the name (ABI/testing/sysfs-class-iommu)."""
    path = f"{UNITS}/{name}"
    inside = known(host.names(path), ())
    devices = host.names(f"{path}/devices")
    for directory, vendor, extended in _UNIT_KINDS:
        if directory in inside:
            here = f"{path}/{directory}"
            return IommuUnit(
                name, vendor, _hex(host, f"{here}/cap"), _hex(host, f"{here}/{extended}"), devices
            )
    kind = "".join(takewhile(str.isalpha, name)) or name  # smmu3.0x…, virtio_iommu.…
    gap = untold(path, "no capabilities are shown for this kind of unit")
    return IommuUnit(name, kind, gap, gap, devices)


def _hex(host: Host, path: str) -> str | Unread:
    text = host.text(path)
    if isinstance(text, Unread):
        return text
    word = text.strip()
    is_hex = from_hex(word.partition(":")[0], 16) is not None and len(word) <= 64 and word.isprintable()
    return word if is_hex else Unread(path, Gap.MALFORMED, "not a hex number")


def _tables(host: Host) -> AcpiTables:
    """By the names alone: only root may read the tables, and being there is the answer."""
    names = host.names(TABLES)
    if isinstance(names, Unread):
        return AcpiTables(names, names)
    return AcpiTables(dmar="DMAR" in names, ivrs=any(name.startswith("IVRS") for name in names))


def _interrupt_remapping(host: Host, log: tuple[str, ...] | Unread) -> bool | Unread:
    if any(word in line for line in known(log, ()) for word in _REMAPPED_LINES):
        return True
    chips = _chips(host)
    if any("IR-" in chip for chip in chips):
        return True
    if any("IO-APIC" in chip for chip in chips):
        return False
    return untold(IRQS, "neither the kernel log nor the names of interrupt chips tell")


def _chips(host: Host) -> list[str]:
    """Names of interrupt chips, lowest interrupts first, up to the first that settles the question.

    An I/O APIC behind a remapping unit is called IR-IO-APIC (arch/x86/kernel/apic/io_apic.c).
    """
    numbers = sorted(n for n in map(from_decimal, known(host.names(IRQS), ())) if n is not None)
    seen: list[str] = []
    for number in numbers[:_MOST_IRQS]:
        chip = known(host.text(f"{IRQS}/{number}/chip_name"), "")
        seen.append(chip)
        if "IO-APIC" in chip:
            return seen
    return [*seen, *known(host.lines(INTERRUPTS, _IO_APIC_IRQS), ())]


def _default_domain(log: tuple[str, ...] | Unread, groups: tuple[IommuGroup, ...] | Unread) -> str | Unread:
    for line in known(log, ()):
        _, found, rest = line.partition(_DEFAULT_DOMAIN)
        if found and rest.split():
            return rest.split()[0].strip(",").lower()
    return _unanimous(groups)


def _unanimous(groups: tuple[IommuGroup, ...] | Unread) -> str | Unread:
    """What the groups show where all agree; untrusted devices are translated in passthrough mode too."""
    kinds = {group.type for group in known(groups, ()) if isinstance(group.type, str)}
    own = kinds - {"unmanaged", "blocked"}  # given to VFIO
    if own and own <= {"DMA", "DMA-FQ"}:
        return "translated"
    if own == {"identity"}:
        return "passthrough"
    return untold(f"{GROUPS}/*/type", "the kernel log is silent and the groups differ")
