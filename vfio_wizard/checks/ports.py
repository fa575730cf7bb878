"""Access control of the ports above a card: could the group be smaller without a patched kernel?"""

from __future__ import annotations

from vfio_wizard.cards.units import Gpu
from vfio_wizard.checks.check import Check, Situation
from vfio_wizard.checks.gpus import for_each_candidate
from vfio_wizard.checks.host import firmware_words, holds_groups, words_on_line
from vfio_wizard.checks.outcome import Seen, failed, first_gap, passed, skipped, unknown
from vfio_wizard.checks.ways import change_line
from vfio_wizard.knowledge.milestones import about, since
from vfio_wizard.model.finding import Fix, Outcome, Severity
from vfio_wizard.model.pci import Acs, PciAddress, PciFunction
from vfio_wizard.model.unread import Unread
from vfio_wizard.model.version import kernel_version

_NEEDED = 0b11101
"""Source validation, request and completion redirect, upstream forwarding (REQ_ACS_FLAGS)."""
_BITS = 7


def missing(acs: Acs) -> int:
    """Needed bits that the port could switch on and has off; what it cannot control counts as on."""
    return _NEEDED & acs.capable & ~acs.on


def config_acs(ports: tuple[tuple[PciAddress, int], ...]) -> str:
    """The kernel parameter that switches bits on: seven characters, the rightmost is bit 0, x stays."""
    parts = [f"{_pattern(bits)}@{address}" for address, bits in ports]
    return f"pci=config_acs={';'.join(parts)}"


def _pattern(bits: int) -> str:
    return "".join("1" if bits >> bit & 1 else "x" for bit in reversed(range(_BITS)))


def _above(case: Situation, gpu: Gpu) -> tuple[PciFunction, ...] | Unread:
    """The ports from the card up to the root bus; unread where one of them is not told."""
    found: list[PciFunction] = []
    parent = case.functions[gpu.address].parent
    while isinstance(parent, PciAddress):
        port = case.functions.get(parent)
        if port is None or port in found:
            break
        found.append(port)
        parent = port.parent
    return parent if isinstance(parent, Unread) else tuple(found)


def _enabled(case: Situation, gpu: Gpu) -> Outcome:
    if gpu.isolated and case.facts.source.complete is True:
        seen = (case.functions[gpu.address].where("iommu_group"), "alone")
        return passed("its group needs no further separation", seen, subject=gpu.address)
    if holds_groups(case.facts) is False:
        return skipped("groups appear when the IOMMU is on: see iommu.enabled", subject=gpu.address)
    ports = _above(case, gpu)
    if isinstance(ports, Unread):
        return _unknown(case, gpu, ports)
    off = tuple((one, bits) for one in ports if isinstance(one.acs, Acs) and (bits := missing(one.acs)))
    if off:
        return _off(case, gpu, off)
    gap = first_gap(*(one.acs for one in ports))
    if gap is not None or gpu.isolated is not False:
        return _unknown(case, gpu, gap)
    seen_ports: tuple[Seen, ...] = tuple((one.where("config"), _acs_words(one)) for one in ports)
    none = (case.functions[gpu.address].origin, "on the root bus")
    return passed(
        "no port above it has access control that is switched off",
        *(seen_ports or (none,)),
        subject=gpu.address,
    )


def _acs_words(port: PciFunction) -> str:
    return "all of its access control is on" if isinstance(port.acs, Acs) else "no access control services"


def _off(case: Situation, gpu: Gpu, off: tuple[tuple[PciFunction, int], ...]) -> Outcome:
    names = ", ".join(str(one.address) for one, _ in off)
    seen = tuple(
        (one.where("config"), f"ACS can be switched on and is off: bits {bits:#x}") for one, bits in off
    )
    return failed(
        f"ports above it have access control that is switched off: {names}",
        _fix(case, config_acs(tuple((one.address, bits) for one, bits in off))),
        *seen,
        subject=gpu.address,
        severity=None if gpu.shares_with else Severity.NOTE,
    )


def _fix(case: Situation, parameter: str) -> Fix:
    facts = case.facts
    release = facts.kernel.release
    version = None if isinstance(release, Unread) else kernel_version(release)
    setup = f"In the firmware setup enable {firmware_words(facts, 'acs')}."
    if version is not None and version >= since("config-acs"):
        text = f"{setup} Or let the kernel do it: add {parameter} to the kernel command line and reboot."
        return change_line(facts, text, (parameter,))
    given = any("config_acs" in value for value in words_on_line(facts).values("pci"))
    ignored = " The pci=config_acs= on the command line is ignored by this kernel." if given else ""
    text = f"{setup} Kernels from {about('config-acs')} on can do it themselves with {parameter}.{ignored}"
    return change_line(facts, text)


def _unknown(case: Situation, gpu: Gpu, gap: Unread | None) -> Outcome:
    parent = case.functions[gpu.address].parent
    where = str(parent) if isinstance(parent, PciAddress) else "PORT"
    return unknown(
        "the access control of the ports above it was not read",
        gap,
        "a + in ACSCap with a - in ACSCtl is a switch that is off.",
        ("sudo", "lspci", "-vvv", "-s", where),
        subject=gpu.address,
    )


ENABLED = Check(
    id="acs.enabled",
    title="Access control in use",
    severity=Severity.WARNING,
    claim="No port above a card that shares its group has access control (ACS) that is switched off.",
    fails_when="A port could separate devices and does not, since firmware left ACS off.",
    why=(
        "Groups merge below ports without working ACS. Where a port has it, firmware or the kernel "
        "(pci=config_acs=) can switch it on: an honest way to smaller groups. The override patch skips such "
        "ports and cannot help there."
    ),
    run=lambda case: for_each_candidate(case, _enabled),
    references=("linux 6.12: drivers/pci/pci.c, kernel-parameters.txt config_acs",),
    verify="Afterwards vfio-wizard groups shows the card in a group of its own.",
)
