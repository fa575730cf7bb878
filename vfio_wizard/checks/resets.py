"""Will the card come back for a second start of the guest?"""

from __future__ import annotations

from vfio_wizard.cards.units import Gpu
from vfio_wizard.checks.check import Check, Situation
from vfio_wizard.checks.gpus import for_each_candidate
from vfio_wizard.checks.outcome import Seen, by_user, failed, passed, unknown
from vfio_wizard.checks.ways import is_nixos
from vfio_wizard.knowledge.own import read_own
from vfio_wizard.knowledge.resets import AMD, DEVICE_SPECIFIC, Affected, ResetFamily, reset_family
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.finding import Fix, Outcome, Severity, Who
from vfio_wizard.model.pci import PciFunction, PciId
from vfio_wizard.model.unread import Gap, Unread

_ALL_FUNCTIONS = "Give all functions of the card to the same guest and bind them at boot."
_TRY = "Start the guest twice without rebooting the host: only that tells."


def _reset(case: Situation, gpu: Gpu) -> Outcome:
    function = case.functions[gpu.address]
    methods = function.reset_methods
    if not isinstance(methods, Unread) and DEVICE_SPECIFIC in methods:
        return passed("a reset made for this card is in place", _methods_seen(function), subject=gpu.address)
    if isinstance(function.id, PciId) and function.id.vendor == AMD:
        family = reset_family(*function.id, read_own(case.facts.own).resets)
        return _amd(case.facts, function, gpu, family)
    if isinstance(methods, Unread):
        return _methods_unread(function, methods, gpu)
    if not methods:
        fix = Fix(Who.USER, f"{_ALL_FUNCTIONS} The reset of the whole bus is then what remains. {_TRY}")
        summary = "the kernel offers no reset of this function by itself"
        return failed(summary, fix, _methods_seen(function), subject=gpu.address, severity=Severity.NOTE)
    if isinstance(function.id, Unread):
        return unknown(
            "which model it is, is not told",
            function.id,
            "see its id.",
            ("lspci", "-nn"),
            subject=gpu.address,
        )
    return passed(
        f"the kernel can reset it ({' '.join(methods)})", _methods_seen(function), subject=gpu.address
    )


def _methods_unread(function: PciFunction, gap: Unread, gpu: Gpu) -> Outcome:
    if gap.gap is Gap.ABSENT:
        gap = Unread(gap.path, gap.gap, "the file exists from kernel 5.15 on")
    return unknown(
        "its reset methods were not read",
        gap,
        "flr or bus is good.",
        ("cat", f"/sys/bus/pci/devices/{function.address}/reset_method"),
        subject=gpu.address,
    )


def _methods_seen(function: PciFunction) -> Seen:
    methods = function.reset_methods
    words = "not told" if isinstance(methods, Unread) else " ".join(methods) or "none"
    return (function.where("reset_method"), words)


def _amd(facts: HostFacts, function: PciFunction, gpu: Gpu, family: ResetFamily | None) -> Outcome:
    if family is None or family.affected in (Affected.BOARD, Affected.UNTOLD):
        return _amd_open(function, family, gpu)
    seen = (_methods_seen(function), (function.where("device"), f"{function.id} {family.family}"))
    return failed(
        f"{family.family} ({family.generation}) is {family.affected.value}",
        _remedy(facts, family, gpu),
        *seen,
        subject=gpu.address,
    )


def _amd_open(function: PciFunction, family: ResetFamily | None, gpu: Gpu) -> Outcome:
    if family is None:
        summary = "whether this AMD GPU resets well is not in the table"
    elif family.affected is Affected.BOARD:
        summary = f"{family.family} ({family.generation}) {family.affected.value}"
    else:
        summary = f"{family.family} ({family.generation}): {family.affected.value}"
    gap = function.reset_methods if isinstance(function.reset_methods, Unread) else None
    outcome = unknown(summary, gap, f"{_TRY} {_ALL_FUNCTIONS}", subject=gpu.address)
    return (
        outcome
        if gap is not None
        else outcome._replace(evidence=passed("", _methods_seen(function)).evidence)
    )


def _remedy(facts: HostFacts, family: ResetFamily, gpu: Gpu) -> Fix:
    if family.vendor_reset and is_nixos(facts):
        return by_user(
            "On NixOS: boot.extraModulePackages = [ config.boot.kernelPackages.vendor-reset ]; and "
            'boot.kernelModules = [ "vendor-reset" ]; then write device_specific into its reset_method and '
            f"read that back: on newer kernels the module has been reported to load without effect. "
            f"{_ALL_FUNCTIONS}",
            ("cat", f"/sys/bus/pci/devices/{gpu.address}/reset_method"),
        )
    if family.vendor_reset:
        return by_user(
            "Install the module vendor-reset and load it before the card's first reset; from kernel 5.15 on "
            "also write device_specific into its reset_method, then read that back: on newer kernels the "
            f"module has been reported to load without effect. {_ALL_FUNCTIONS}",
            ("cat", f"/sys/bus/pci/devices/{gpu.address}/reset_method"),
        )
    return Fix(
        Who.NOBODY,
        f"No module cures it. {_ALL_FUNCTIONS} Shut the guest down cleanly; some report that suspending the "
        f"host between two runs brings the card back. {_TRY}",
    )


RESET = Check(
    id="gpu.reset",
    title="Comes back after a reset",
    severity=Severity.WARNING,
    claim="The kernel has a way to reset the card, and its family is not known to fail at it.",
    fails_when="No function reset is offered, or the family is known or reported to fail.",
    why=(
        "A card that does not reset works for the first start of the guest and then needs a reboot of the "
        "host. No AMD GPU has a reset of its own in the kernel; vendor-reset adds one for some."
    ),
    run=lambda case: for_each_candidate(case, _reset),
    references=("linux 6.12: drivers/pci/quirks.c", "gnif/vendor-reset: src/device-db.h"),
    verify="The guest starts a second time without a reboot of the host.",
)
