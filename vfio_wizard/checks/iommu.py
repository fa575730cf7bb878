"""The IOMMU: offered by the firmware, used by the kernel, and good enough for VFIO.

The cases follow one table: firmware table there or not, groups there or not, and what on the command
line, in the kernel's configuration or in the hardware explains the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from vfio_wizard.cards.units import Gpu
from vfio_wizard.checks.check import Check, Situation, reserved_directly, weight
from vfio_wizard.checks.host import (
    config,
    firmware_words,
    has_item,
    holds_groups,
    iommu_vendor,
    is_guest,
    is_x86,
    log_lines,
    words_on_line,
)
from vfio_wizard.checks.outcome import Seen, by_firmware, by_user, failed, first_gap, passed, skipped, unknown
from vfio_wizard.checks.ways import change_line
from vfio_wizard.knowledge.milestones import about, since
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.finding import Fix, Outcome, Severity, Who
from vfio_wizard.model.iommu import IommuGroup
from vfio_wizard.model.pci import PciId
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.model.version import kernel_version

_TABLES = "sys/firmware/acpi/tables"
_STONEY = PciId("1002", "98e4")
_INTEL_ON = ("INTEL_IOMMU_DEFAULT_ON", "INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF")
_LOOK_AT_LOG = ("sudo", "sh", "-c", "dmesg | grep -iE 'dmar|amd-vi|ivrs|iommu'")


def _firmware(case: Situation) -> Iterator[Outcome]:
    facts = case.facts
    tables = facts.iommu.tables
    if is_x86(facts) is False:
        yield skipped("no x86 machine: its firmware describes the IOMMU in other ways (IORT, device tree)")
    elif tables.dmar is True:
        yield passed("the firmware offers VT-d", (f"{_TABLES}/DMAR", "present"))
    elif tables.ivrs is True:
        yield passed("the firmware offers AMD-Vi", (f"{_TABLES}/IVRS", "present"))
    elif (gap := first_gap(tables.dmar, tables.ivrs)) is not None:
        yield _table_unread(facts, gap)
    else:
        yield _no_table(facts)


def _table_unread(facts: HostFacts, gap: Unread) -> Outcome:
    if _groups_prove_table(facts):
        seen = (facts.iommu.origin, "groups with devices")
        return passed("the IOMMU is in use, which on this processor takes a table of the firmware", seen)
    return unknown(
        "whether the firmware offers an IOMMU is not known",
        gap,
        "a file DMAR or IVRS must be among the ACPI tables.",
        ("ls", f"/{_TABLES}"),
    )


def _groups_prove_table(facts: HostFacts) -> bool | None:
    """On bare x86 the kernel finds an IOMMU through DMAR or IVRS only; guests may have virtio-iommu."""
    return is_x86(facts) is True and facts.kernel.hypervisor is None and holds_groups(facts)


def _no_table(facts: HostFacts) -> Outcome:
    seen = (_TABLES, "neither DMAR nor IVRS")
    if holds_groups(facts):
        return skipped("neither DMAR nor IVRS, yet there are groups: an IOMMU of another kind", seen)
    if is_x86(facts) is None:
        return unknown("not known whether this is an x86 machine", first_gap(facts.cpu.vendor), "uname -m.")
    if isinstance(facts.pci, Unread):
        return unknown("not known whether the machine has PCI at all", facts.pci, "lspci must list devices.")
    if not facts.pci:
        return skipped("no PCI on this machine", seen)
    if is_guest(facts):
        fix = by_user(
            "This is a guest: the hypervisor must offer a virtual IOMMU "
            "(QEMU: -device intel-iommu,intremap=on or -device amd-iommu,intremap=on)."
        )
        return failed("this guest has no virtual IOMMU", fix, seen)
    return failed("the firmware offers no IOMMU", by_firmware(_switch_on(facts)), seen)


def _switch_on(facts: HostFacts) -> str:
    words = firmware_words(facts, "iommu")
    return (
        f"In the firmware setup enable {words}. Hardware virtualisation is often a second switch and must "
        "be on too. If there is none, the board or processor has no IOMMU; a firmware update may bring it."
    )


class _Cause(NamedTuple):
    """One reason why no group holds a device, and what to do about it."""

    summary: str
    fix: Fix
    seen: Seen


def _enabled(case: Situation) -> Iterator[Outcome]:
    facts = case.facts
    groups = facts.iommu.groups
    if isinstance(groups, Unread):
        yield _groups_unread(facts, groups)
    elif holds_groups(facts):
        held = sum(len(group.members) for group in groups)
        yield passed(f"{len(groups)} IOMMU groups hold {held} devices", (facts.iommu.origin, _count(groups)))
    else:
        yield _no_groups(facts)


def _count(groups: tuple[IommuGroup, ...]) -> str:
    return f"{len(groups)} group" if len(groups) == 1 else f"{len(groups)} groups"


def _groups_unread(facts: HostFacts, gap: Unread) -> Outcome:
    if gap.gap is Gap.ABSENT and facts.source.kind in ("live", "capture"):
        fix = Fix(
            Who.VENDOR, "Boot a kernel with IOMMU support (CONFIG_IOMMU_SUPPORT); distributions have it."
        )
        return failed("this kernel has no IOMMU support at all", fix, (gap.path, "absent"))
    return unknown(
        "the IOMMU groups were not read",
        gap,
        "the directory must hold one entry per group.",
        ("ls", "/sys/kernel/iommu_groups"),
    )


def _no_groups(facts: HostFacts) -> Outcome:
    origin = facts.iommu.origin
    seen = (origin, "empty" if origin.startswith("sys/") else "no IOMMU groups")
    causes = [cause for explain in _EXPLANATIONS if (cause := explain(facts)) is not None]
    if not causes:
        return failed(
            "no IOMMU group holds a device, and nothing seen explains it", _look_closer(facts), seen
        )
    first = causes[0]
    parameters = tuple(word for cause in causes for word in cause.fix.kernel_parameters)
    fix = Fix(
        first.fix.who, " Then: ".join(cause.fix.text for cause in causes), parameters, first.fix.commands
    )
    return failed(
        f"no IOMMU group holds a device: {first.summary}", fix, seen, *(cause.seen for cause in causes)
    )


def _look_closer(facts: HostFacts) -> Fix:
    log = "the kernel log says what the driver stumbled over, and a firmware update often cures it."
    if is_x86(facts) is False or first_gap(*facts.iommu.tables) is None:
        return by_user(log[0].upper() + log[1:], _LOOK_AT_LOG)
    words = ""
    if iommu_vendor(facts) in ("intel", "") and not has_item(words_on_line(facts), "intel_iommu", "on"):
        words = "add intel_iommu=on to the kernel command line (Intel); if that does not help, "
    text = f"If /{_TABLES} holds neither DMAR nor IVRS: {_switch_on(facts)} If it holds one: {words}{log}"
    return by_user(text, ("ls", f"/{_TABLES}"), _LOOK_AT_LOG)


def _no_firmware_table(facts: HostFacts) -> _Cause | None:
    if not is_x86(facts) or facts.iommu.tables.dmar is not False or facts.iommu.tables.ivrs is not False:
        return None
    outcome = _no_table(facts)
    if outcome.fix is None:
        return None
    return _Cause(outcome.summary, outcome.fix, (_TABLES, "neither DMAR nor IVRS"))


def _switched_off_on_line(facts: HostFacts) -> _Cause | None:
    line = words_on_line(facts)
    vendor = iommu_vendor(facts)
    names = [name for name, of in (("intel_iommu", "intel"), ("amd_iommu", "amd")) if vendor in (of, "")]
    found = [f"{name}=off" for name in ("iommu", *names) if has_item(line, name, "off")]
    if not found:
        return None
    words = " and ".join(found)
    fix = change_line(facts, f"Take {words} off the kernel command line and reboot.", remove=tuple(found))
    return _Cause(f"{words} is on the command line", fix, (facts.kernel.cmdline_origin, words))


def _driver_not_built(facts: HostFacts) -> _Cause | None:
    option = {"intel": "INTEL_IOMMU", "amd": "AMD_IOMMU"}.get(iommu_vendor(facts))
    if option is None or config(facts, option) != "n":
        return None
    fix = Fix(Who.VENDOR, f"Boot a kernel with CONFIG_{option}=y; the usual distribution kernels have it.")
    return _Cause("this kernel is built without the IOMMU driver", fix, (f"CONFIG_{option}", "n"))


def _intel_default_off(facts: HostFacts) -> _Cause | None:
    if not _may_default_to_off(facts):
        return None
    text = "Add intel_iommu=on to the kernel command line and reboot."
    fix = change_line(facts, text, ("intel_iommu=on",))
    if all(config(facts, one) == "n" for one in _INTEL_ON):
        seen = (f"CONFIG_{_INTEL_ON[0]}", "n")
        return _Cause("this kernel leaves VT-d off unless told intel_iommu=on", fix, seen)
    if _no_firmware_table(facts) is not None:
        return None  # the firmware switch comes first, and may be all that is missing
    seen = (facts.kernel.cmdline_origin, "no intel_iommu=on")
    return _Cause("intel_iommu=on is not given, and this kernel's default is not known", fix, seen)


def _may_default_to_off(facts: HostFacts) -> bool:
    """VT-d is neither asked for nor refused on the line, and no configuration is known to switch it on."""
    line = words_on_line(facts)
    if iommu_vendor(facts) != "intel" or isinstance(facts.kernel.cmdline, Unread):
        return False
    if has_item(line, "intel_iommu", "on") or has_item(line, "intel_iommu", "off"):
        return False
    return config(facts, "INTEL_IOMMU") != "n" and all(config(facts, one) != "y" for one in _INTEL_ON)


def _stoney_ridge(facts: HostFacts) -> _Cause | None:
    if isinstance(facts.pci, Unread) or has_item(words_on_line(facts), "amd_iommu", "force_enable"):
        return None
    chip = next((one for one in facts.pci if one.id == _STONEY), None)
    if chip is None:
        return None
    fix = by_user(
        "Linux keeps AMD-Vi off beside this graphics chip. amd_iommu=force_enable overrides that, at the "
        "risk of display faults.",
        parameters=("amd_iommu=force_enable",),
    )
    return _Cause("Stoney Ridge graphics switch AMD-Vi off", fix, (chip.where("device"), str(chip.id)))


def _driver_complained(facts: HostFacts) -> _Cause | None:
    lines = log_lines(
        facts, "[firmware bug]", "amd-vi: disabl", "dmar: disabl", "ivrs: checksum", "ivrs invalid"
    )
    if not lines:
        return None
    fix = by_firmware("The kernel refuses what the firmware handed over; update the firmware.")
    return _Cause("the IOMMU driver gave up", fix, ("kernel log", lines[0]))


_EXPLANATIONS: tuple[Callable[[HostFacts], _Cause | None], ...] = (
    _no_firmware_table,
    _switched_off_on_line,
    _driver_not_built,
    _intel_default_off,
    _stoney_ridge,
    _driver_complained,
)


def _remapping(case: Situation) -> Iterator[Outcome]:
    facts = case.facts
    remapped = facts.iommu.interrupt_remapping
    if remapped is True:
        yield passed("interrupts of devices are remapped", (facts.iommu.origin, "interrupt remapping on"))
    elif holds_groups(facts) is False:
        yield skipped("comes with the IOMMU: see iommu.enabled")
    elif isinstance(remapped, Unread):
        yield unknown(
            "whether interrupts are remapped is not known",
            remapped,
            "interrupts named IR-… in /proc/interrupts, or a kernel log line that interrupt or IRQ "
            "remapping is enabled, prove it.",
            ("grep", "-m1", "IR-", "/proc/interrupts"),
            _LOOK_AT_LOG,
        )
    else:
        yield failed("interrupts are not remapped: VFIO refuses devices", _remap(facts), _remap_seen(facts))


def _remap(facts: HostFacts) -> Fix:
    override = (
        "The override vfio_iommu_type1.allow_unsafe_interrupts=1 lets a hostile guest forge interrupts "
        "into the host: only for guests that you trust."
    )
    if has_item(words_on_line(facts), "intremap", "off"):
        text = f"Take intremap=off off the kernel command line. {override}"
        return change_line(facts, text, remove=("intremap=off",))
    return by_firmware(
        f"Look for interrupt remapping or x2APIC in the firmware setup, and update the firmware. {override}"
    )


def _remap_seen(facts: HostFacts) -> Seen:
    if has_item(words_on_line(facts), "intremap", "off"):
        return (facts.kernel.cmdline_origin, "intremap=off")
    lines = log_lines(facts, "remapping")
    return ("kernel log", lines[0]) if lines else (facts.iommu.origin, "interrupt remapping off")


def _reserved(case: Situation) -> Iterator[Outcome]:
    if isinstance(case.candidates, Unread):
        yield unknown("no functions were read", case.candidates, "lspci must list devices.", ("lspci", "-nn"))
        return
    for gpu in case.candidates:
        yield _reserved_of(case, gpu)


def _reserved_of(case: Situation, gpu: Gpu) -> Outcome:
    facts = case.facts
    regions = reserved_directly(facts, gpu)
    if regions:
        return failed(
            f"the firmware keeps memory of {gpu.address} mapped 1:1, which current kernels refuse",
            _reserved_fix(facts),
            *(
                (f"{facts.iommu.origin}/{line.split(':')[0].removeprefix('group ')}/reserved_regions", line)
                for line in regions
            ),
            subject=gpu.address,
            severity=weight(case, gpu),
        )
    groups = _groups_of(facts, gpu)
    if isinstance(groups, Unread) or not groups:
        return _reserved_unknown(case, gpu, first_gap(groups))
    gap = first_gap(*(group.reserved for group in groups))
    if gap is not None:
        return _reserved_unknown(case, gpu, gap)
    where = ", ".join(str(group.number) for group in groups)
    return passed(
        "no 1:1 regions in its groups",
        (f"{facts.iommu.origin}/{where}/reserved_regions", "no direct region"),
        subject=gpu.address,
    )


def _reserved_fix(facts: HostFacts) -> Fix:
    vendor = iommu_vendor(facts)
    version = kernel_version(facts.kernel.release) if isinstance(facts.kernel.release, str) else None
    text = "Update the firmware, or switch off the firmware feature that uses the card before boot."
    if vendor == "amd" and version is not None and version < since("direct-regions-refused"):
        newer = about("direct-regions-refused")
        text += f" This kernel may still accept the card; kernels from {newer} on refuse it."
    return Fix(Who.FIRMWARE, text)


def _reserved_unknown(case: Situation, gpu: Gpu, gap: Unread | None) -> Outcome:
    if holds_groups(case.facts) is False:
        return skipped("comes with the IOMMU: see iommu.enabled", subject=gpu.address)
    number = gpu.groups[0] if gpu.groups else "N"
    return unknown(
        "the reserved regions of its group were not read",
        gap,
        "no line of the group's reserved_regions may end in direct.",
        ("cat", f"/sys/kernel/iommu_groups/{number}/reserved_regions"),
        subject=gpu.address,
        severity=weight(case, gpu),
    )


def _groups_of(facts: HostFacts, gpu: Gpu) -> tuple[IommuGroup, ...] | Unread:
    if isinstance(facts.iommu.groups, Unread):
        return facts.iommu.groups
    return tuple(group for group in facts.iommu.groups if group.number in gpu.groups)


FIRMWARE = Check(
    id="iommu.firmware",
    title="IOMMU offered by the firmware",
    severity=Severity.BLOCKER,
    claim="The firmware hands over an ACPI table DMAR (Intel) or IVRS (AMD).",
    fails_when="There is neither although the machine is a PC: switched off, not supported, or a guest.",
    why=(
        "Linux learns of the IOMMU from this table. Without it no kernel parameter helps: the switch in the "
        "firmware setup comes first."
    ),
    run=_firmware,
    references=("linux 6.12: drivers/iommu/intel/dmar.c, drivers/iommu/amd/init.c",),
    verify="Afterwards ls /sys/firmware/acpi/tables shows DMAR or IVRS.",
)

ENABLED = Check(
    id="iommu.enabled",
    title="IOMMU in use",
    severity=Severity.BLOCKER,
    claim="At least one IOMMU group holds a device.",
    fails_when="No group holds a device; the fix depends on the firmware table, command line and kernel.",
    why=(
        "VFIO hands whole IOMMU groups to guests, so without groups nothing can be passed through. Words on "
        "the command line prove nothing: many kernels switch the IOMMU on without them, and a firmware "
        "switch can undo them."
    ),
    run=_enabled,
    references=("linux 6.12: Documentation/ABI/testing/sysfs-kernel-iommu_groups",),
    verify="Afterwards ls /sys/kernel/iommu_groups shows numbers.",
)

REMAPPING = Check(
    id="iommu.interrupt-remapping",
    title="Interrupt remapping",
    severity=Severity.BLOCKER,
    claim="The IOMMU checks the interrupts of devices as well as their memory accesses.",
    fails_when="The kernel says that remapping is off.",
    why=(
        "VFIO refuses a device whose interrupts nothing checks, because its guest could forge interrupts "
        "into the host."
    ),
    run=_remapping,
    references=("linux 6.12: drivers/vfio/vfio_iommu_type1.c, drivers/iommu/irq_remapping.c",),
    verify="Afterwards grep -m1 IR- /proc/interrupts prints a line.",
)

RESERVED = Check(
    id="iommu.reserved-regions",
    title="No memory tied to the firmware",
    severity=Severity.BLOCKER,
    claim="No group of the card has a reserved region of type direct.",
    fails_when="The firmware demands a 1:1 mapping for a member of the group.",
    why=(
        "Kernels from about 6.6 on refuse to give such a device to a guest (EINVAL when the guest starts); "
        "with AMD a machine that worked on an older kernel can stop working after the update."
    ),
    run=_reserved,
    references=("linux 6.12: drivers/iommu/iommu.c; commit a48ce36e2786",),
    verify="Afterwards no line of the group's reserved_regions ends in direct.",
)
