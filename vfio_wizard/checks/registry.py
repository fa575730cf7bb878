"""All checks in the order in which they are read, and what their answers add up to."""

from __future__ import annotations

from collections.abc import Collection

from vfio_wizard.checks import (
    binding,
    boot,
    bootfiles,
    drift,
    gpus,
    guest,
    iommu,
    isolation,
    kernels,
    membership,
    messages,
    mirror,
    parameters,
    ports,
    processor,
    resets,
    screens,
    stack,
    windows,
)
from vfio_wizard.checks.check import Check, Situation, situation
from vfio_wizard.checks.outcome import unknown
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.finding import Finding, Outcome, Severity, Status, Verdict
from vfio_wizard.model.pci import PciAddress

CHECKS: tuple[Check, ...] = (
    processor.BARE_METAL,
    processor.VIRTUALIZATION,
    iommu.FIRMWARE,
    iommu.ENABLED,
    iommu.REMAPPING,
    windows.ADDRESS_WIDTH,
    processor.KVM,
    gpus.PRESENT,
    gpus.SPARE,
    isolation.ISOLATED,
    isolation.NEIGHBOURS,
    ports.ENABLED,
    isolation.OVERRIDE,
    iommu.RESERVED,
    membership.VOLUME_DOMAINS,
    gpus.TWINS,
    gpus.BOOT_DISPLAY,
    gpus.FRAMEBUFFER,
    screens.PANEL,
    screens.SCREENS,
    screens.OUTPUTS,
    screens.EXTERNAL,
    screens.IN_USE,
    gpus.HOST_DRIVER,
    resets.RESET,
    windows.ROM,
    windows.ROM_IMAGE,
    windows.BAR_SIZE,
    windows.ABOVE_FOUR_GIB,
    guest.GUEST_DRIVER,
    binding.AVAILABLE,
    binding.BOUND,
    membership.WHOLE,
    membership.VIABLE,
    bootfiles.OPTIONS,
    binding.UNSAFE_OPTIONS,
    parameters.STALE_PARAMETERS,
    parameters.STALE_LISTS,
    parameters.PENDING,
    drift.KERNELS,
    drift.IMAGES,
    drift.ADDRESSES,
    drift.PARAMETERS,
    bootfiles.STORED,
    bootfiles.FRESH,
    bootfiles.FILES_READ,
    bootfiles.COMPLETE,
    boot.LOADER,
    bootfiles.ONE_LOADER,
    boot.INITRAMFS,
    boot.SECURE_BOOT,
    messages.LOG_CLEAN,
    kernels.VERIFIED_KERNEL,
    stack.QEMU,
    stack.GUEST_FIRMWARE,
    guest.SWTPM,
    stack.LIBVIRT,
    stack.REACHABLE,
    guest.NETWORK,
    stack.GROUPS,
    guest.MEMLOCK,
    guest.HUGE_PAGES,
    guest.TOPOLOGY,
    mirror.DEVICE,
    mirror.SIZE,
    mirror.ACCESS,
    mirror.ALLOWED,
    messages.OWN_FILES,
)

READY, BLOCKED, UNMEASURED = 0, 1, 3
"""Exit codes of the public contract."""


def find(name: str) -> Check | None:
    """The check of an id or of one of its aliases."""
    return next((check for check in CHECKS if name == check.id or name in check.aliases), None)


def run_checks(
    facts: HostFacts,
    selection_addresses: tuple[PciAddress, ...] = (),
    only: Collection[str] = (),
    skip: Collection[str] = (),
) -> tuple[Finding, ...]:
    """Every finding in reading order. ``only`` and ``skip`` take ids or aliases; a check never raises."""
    case = situation(facts, selection_addresses)
    chosen = (check for check in CHECKS if _is_wanted(check, only, skip))
    return tuple(finding for check in chosen for finding in _findings(check, case))


def _is_wanted(check: Check, only: Collection[str], skip: Collection[str]) -> bool:
    names = (check.id, *check.aliases)
    return (not only or any(name in only for name in names)) and not any(name in skip for name in names)


def _findings(check: Check, case: Situation) -> tuple[Finding, ...]:
    return tuple(
        Finding(check.id, outcome.severity or check.severity, outcome) for outcome in _outcomes(check, case)
    )


def _outcomes(check: Check, case: Situation) -> tuple[Outcome, ...]:
    try:
        return tuple(check.run(case))
    except Exception as error:  # a fault in one check must not hide what the others saw
        summary = f"the check {check.id} failed in itself: {type(error).__name__}: {error}"
        return (unknown(summary, None, "please report this with a capture (vfio-wizard capture)."),)


def verdict(findings: tuple[Finding, ...]) -> Verdict:
    """Blocked when a blocker fails, unknown when one could not be judged, else ready."""
    blockers = {one.outcome.status for one in findings if one.severity is Severity.BLOCKER}
    if Status.FAIL in blockers:
        return Verdict.BLOCKED
    return Verdict.UNKNOWN if Status.UNKNOWN in blockers else Verdict.READY


def exit_code(findings: tuple[Finding, ...], strict: bool = False) -> int:
    """0 nothing blocks, 1 a blocker fails, 3 one is unknown; ``strict`` treats warnings as blockers."""
    counted = (Severity.BLOCKER, Severity.WARNING) if strict else (Severity.BLOCKER,)
    statuses = {one.outcome.status for one in findings if one.severity in counted}
    if Status.FAIL in statuses:
        return BLOCKED
    return UNMEASURED if Status.UNKNOWN in statuses else READY
