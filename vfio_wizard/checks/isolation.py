"""Who shares an IOMMU group with a card, what the host would lose, and whether the groups are honest."""

from __future__ import annotations

from vfio_wizard.cards.kinds import kind
from vfio_wizard.cards.units import INTEGRATED, Gpu
from vfio_wizard.checks.check import Check, Situation, weight
from vfio_wizard.checks.gpus import for_each_candidate, id_text, members
from vfio_wizard.checks.host import (
    config,
    cpu_vendor,
    firmware_words,
    has_item,
    holds_groups,
    log_lines,
    words_on_line,
)
from vfio_wizard.checks.outcome import Seen, by_user, failed, first_gap, passed, skipped, unknown
from vfio_wizard.checks.ways import change_line
from vfio_wizard.model.finding import Outcome, Severity
from vfio_wizard.model.pci import PciAddress, PciFunction
from vfio_wizard.model.unread import Unread, known

_GROUPS = ("sh", "-c", "ls /sys/kernel/iommu_groups/*/devices")
_ACTIVE = "PCIe ACS overrides enabled"
_REFUSED = "Unknown kernel command line parameters"


def _isolated(case: Situation, gpu: Gpu) -> Outcome:
    if gpu.isolated is None or (gpu.isolated and case.facts.source.complete is False):
        return _isolation_unknown(case, gpu)
    numbers = ", ".join(str(number) for number in gpu.groups)
    if gpu.isolated:
        where = f"group {numbers}" if len(gpu.groups) == 1 else f"groups {numbers}"
        own = tuple(_in_group(one) for one in members(case, gpu))
        return passed(f"alone in {where}, bridges aside", *own, subject=gpu.address)
    classes = tuple(case.functions[one].cls for one in gpu.shares_with)
    if all(isinstance(one, Unread) for one in classes):
        how = "bridges (0600, 0604) do no harm, anything else does."
        names = ", ".join(str(one) for one in gpu.shares_with)
        summary = f"what {names} in its group is, is not told"
        return unknown(
            summary, first_gap(*classes), how, _GROUPS, subject=gpu.address, severity=weight(case, gpu)
        )
    others = ", ".join(f"{one} ({_word(case, one)})" for one in gpu.shares_with)
    return failed(
        f"shares group {numbers} with {others}",
        by_user(
            "The whole group goes to one guest, so give these along, or get them out: another slot for "
            f"the card, a newer firmware, or in the firmware setup {firmware_words(case.facts, 'acs')}."
        ),
        *(_in_group(case.functions[one]) for one in gpu.shares_with),
        subject=gpu.address,
        severity=weight(case, gpu),
    )


def _is_left_out(case: Situation, gpu: Gpu) -> bool:
    """Integrated graphics that this kernel keeps out of VT-d unless it is told intel_iommu=on."""
    facts = case.facts
    return (
        gpu.type == INTEGRATED
        and cpu_vendor(facts) == "intel"
        and case.functions[gpu.address].group is None
        and holds_groups(facts) is True
        and config(facts, "INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF") == "y"
        and not isinstance(facts.kernel.cmdline, Unread)
        and not has_item(words_on_line(facts), "intel_iommu", "on")
    )


def _left_out(case: Situation, gpu: Gpu) -> Outcome:
    text = (
        "Only if you want to pass on the integrated graphics: add intel_iommu=on to the kernel command line."
    )
    return failed(
        "this kernel leaves integrated graphics out of the IOMMU unless told otherwise",
        change_line(case.facts, text, ("intel_iommu=on",)),
        ("CONFIG_INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF", "y"),
        (case.functions[gpu.address].where("iommu_group"), "no group"),
        subject=gpu.address,
        severity=weight(case, gpu),
    )


def _isolation_unknown(case: Situation, gpu: Gpu) -> Outcome:
    if _is_left_out(case, gpu):
        return _left_out(case, gpu)
    if holds_groups(case.facts) is False:
        summary = "groups appear when the IOMMU is on: see iommu.enabled"
    elif gpu.isolated:
        summary = "nothing else is in its group as far as this excerpt goes"
    else:
        summary = "its group is not known"
    gap = first_gap(
        case.facts.iommu.groups, *(one.group for one in members(case, gpu)), case.facts.source.complete
    )
    how = "nothing but the card and bridges may stand in its group."
    return unknown(summary, gap, how, _GROUPS, subject=gpu.address, severity=weight(case, gpu))


def _in_group(function: PciFunction) -> Seen:
    group = function.group
    words = f"group {group}" if isinstance(group, int) else "no group"
    return (function.where("iommu_group"), f"{id_text(function)} {words}")


def _word(case: Situation, address: PciAddress) -> str:
    function = case.functions[address]
    return "unknown kind" if isinstance(function.cls, Unread) else kind(function.cls)


def _neighbours(case: Situation, gpu: Gpu) -> Outcome:
    if not gpu.shares_with:
        return _no_neighbours(case, gpu)
    losses = tuple(loss for one in gpu.shares_with if (loss := _loss(case, one)) is not None)
    if losses:
        return failed(
            f"with its group the host would lose {', '.join(words for _, words in losses)}",
            by_user("Free the group first (see group.isolated): the host needs these."),
            *losses,
            subject=gpu.address,
        )
    gap = _unseen_use(case, gpu)
    if gap is not None:
        return unknown(
            "whether the host needs its neighbours is not known",
            gap,
            "see which of them hold disks or the network.",
            ("ip", "route"),
            ("lsblk",),
            subject=gpu.address,
        )
    seen = tuple(_in_group(case.functions[one]) for one in gpu.shares_with)
    return passed("its neighbours are nothing that the host is seen to need", *seen, subject=gpu.address)


def _no_neighbours(case: Situation, gpu: Gpu) -> Outcome:
    if gpu.isolated and case.facts.source.complete is not False:
        own = tuple(_in_group(one) for one in members(case, gpu))
        return passed("it has no neighbours", *own, subject=gpu.address)
    if holds_groups(case.facts) is False:
        return skipped("groups appear when the IOMMU is on: see iommu.enabled", subject=gpu.address)
    gap = first_gap(case.facts.iommu.groups, *(one.group for one in members(case, gpu)))
    return unknown("its group is not known", gap, "list the groups.", _GROUPS, subject=gpu.address)


def _loss(case: Situation, address: PciAddress) -> Seen | None:
    """What the host is seen to do with a function that would leave it."""
    function = case.functions[address]
    facts = case.facts
    if not isinstance(facts.network, Unread):
        link = next((one for one in facts.network if one.function == address), None)
        if link is not None and link.default_route is True:
            return (function.origin, f"the default route ({link.name})")
        if link is not None:
            return (function.origin, f"the network interface {link.name}")
    if not isinstance(facts.disks, Unread):
        mounts = sorted({use.mount for use in facts.disks if address in known(use.functions, ())})
        if mounts:
            return (function.origin, f"the disk of {', '.join(mounts)}")
    if function.is_display:
        return (function.origin, f"the display of {address}")
    if _word(case, address) == "usb":
        return (function.origin, f"the USB ports of {address}")
    return None


def _unseen_use(case: Situation, gpu: Gpu) -> Unread | None:
    """The first fact without which nobody can say that the neighbours are not in use."""
    facts = case.facts
    links = () if isinstance(facts.network, Unread) else facts.network
    uses = () if isinstance(facts.disks, Unread) else facts.disks
    return first_gap(
        *(case.functions[one].cls for one in gpu.shares_with),
        facts.network,
        facts.disks,
        *(one.default_route for one in links if one.function in gpu.shares_with),
        *(use.functions for use in uses),
    )


def _override(case: Situation, gpu: Gpu) -> Outcome:
    facts = case.facts
    active = log_lines(facts, _ACTIVE)
    given = words_on_line(facts).values("pcie_acs_override")
    if active or given:
        return _override_given(case, gpu, active, given)
    if isinstance(facts.kernel.cmdline, Unread):
        return unknown(
            "the command line was not read",
            facts.kernel.cmdline,
            "look for pcie_acs_override.",
            ("cat", "/proc/cmdline"),
            subject=gpu.address,
        )
    return passed(
        "no ACS override: the groups are those of the hardware",
        (facts.kernel.cmdline_origin, "no pcie_acs_override"),
        subject=gpu.address,
    )


def _override_given(case: Situation, gpu: Gpu, active: tuple[str, ...], given: tuple[str, ...]) -> Outcome:
    facts = case.facts
    on_line = (facts.kernel.cmdline_origin, f"pcie_acs_override={','.join(given)}" if given else "not given")
    if is_refused(case) and not active:
        line = log_lines(facts, _REFUSED)[0]
        return passed(
            "pcie_acs_override is given, but this kernel does not know it: the groups are honest",
            ("kernel log", line),
            subject=gpu.address,
        )
    if case.functions[gpu.address].parent is None:
        return passed(
            "on the root bus: no port above it that the override could touch", on_line, subject=gpu.address
        )
    if not active:
        return unknown(
            "pcie_acs_override is given, and whether this kernel has the patch is not known",
            first_gap(facts.kernel.log),
            f"a patched kernel logs '{_ACTIVE}'.",
            ("sudo", "sh", "-c", "dmesg | grep -i 'acs override'"),
            subject=gpu.address,
        )
    return failed(
        "an ACS override made its group: the isolation may not be real",
        by_user(
            "Use it only with guests that you trust: devices may still reach each other behind the "
            "IOMMU's back. Better is another slot, ACS in the firmware setup, or pci=config_acs= on "
            "kernels from about 6.11 where the ports have ACS."
        ),
        ("kernel log", active[0]),
        on_line,
        subject=gpu.address,
    )


def is_refused(case: Situation) -> bool:
    """Whether the kernel logged that it does not know pcie_acs_override."""
    return any("pcie_acs_override" in line for line in log_lines(case.facts, _REFUSED))


ISOLATED = Check(
    id="group.isolated",
    title="A group of its own",
    severity=Severity.BLOCKER,
    claim="Nothing but the card's own functions and bridges is in its IOMMU groups.",
    fails_when="Another device is in there; it is named.",
    why=(
        "A group is the smallest thing that can be given to a guest: every member must leave the host "
        "together. Bridges stay where they are and do no harm."
    ),
    run=lambda case: for_each_candidate(case, _isolated),
    references=(
        "linux: Documentation/driver-api/vfio.rst",
        "linux 6.12: drivers/iommu/iommu.c REQ_ACS_FLAGS",
    ),
    verify="Afterwards vfio-wizard groups shows the card alone.",
)

NEIGHBOURS = Check(
    id="group.neighbours",
    title="Nothing that the host needs in the group",
    severity=Severity.WARNING,
    claim="No neighbour in its groups carries a disk, the network, a display or USB ports of the host.",
    fails_when="One does: a network interface, a mounted file system, another display, USB ports.",
    why="Giving the group away takes these from the host at once.",
    run=lambda case: for_each_candidate(case, _neighbours),
    references=("linux: Documentation/driver-api/vfio.rst",),
    aliases=("gpu.neighbours",),
    verify="Afterwards vfio-wizard groups shows none of these in its group.",
)

OVERRIDE = Check(
    id="acs.override",
    title="Groups that are real",
    severity=Severity.WARNING,
    claim="No pcie_acs_override pretends an isolation that the hardware may not give.",
    fails_when="The kernel log says that the override is active.",
    why=(
        "The patch makes the kernel believe in isolation. A hostile or faulty guest may then read and write "
        "its neighbours' memory without the IOMMU seeing it."
    ),
    run=lambda case: for_each_candidate(case, _override),
    references=("CachyOS/kernel-patches: 6.17/0004-cachy.patch", "coreos/coreos-overlay#3393"),
    verify="After the reboot cat /proc/cmdline shows no pcie_acs_override.",
)
