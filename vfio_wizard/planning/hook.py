"""From a plan to the hook of a card that the host keeps until the guest starts."""

from __future__ import annotations

from vfio_wizard.knowledge.libvirt import HOOKS_SINCE
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.facts import Virt
from vfio_wizard.model.hook import CpuHook, CpusMeanwhile, Hook
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.plan import Advice, BindBy, Binding, Parameter, Passed, Plan, Refusal
from vfio_wizard.model.selection import HookWish, Pinning
from vfio_wizard.model.unread import known
from vfio_wizard.model.version import release

ONLY_AT_BOOT = ("bind.id-shared",)
"""Refusals that speak of binding at boot, by id."""

_ONLY_DISPLAY = "display.only"
_LONGEST_WAIT = 600


def kept_by_host(plan: Plan, wish: HookWish, at_boot: tuple[Parameter, ...]) -> Plan:
    """The plan without all that would bind the card at boot; ``at_boot`` are its parameters for that."""
    advice = Advice(
        "hooks.card",
        "The host keeps the card until the guest starts; libvirt's hook moves it then: vfio-wizard hooks "
        "--install",
    )
    return plan._replace(
        bind=Binding(BindBy.ID, (), (), "the host keeps the card until the guest starts"),
        parameters=tuple(one for one in plan.parameters if one not in at_boot),
        remove=tuple(one for one in plan.remove if one not in at_boot),
        softdeps=(),
        modules=(),
        host_settings=None,
        bound=True,
        refusals=refusals(plan, wish),
        warnings=(*plan.warnings, advice),
        hook=plan_hook(plan, wish, plan.guest),
    )


def with_cpu_hook(plan: Plan, virt: Virt) -> Plan:
    """The plan with libvirt's hook for the guest's CPUs, where that is a file: NixOS has it in its module."""
    cpus = plan.cpus
    if cpus is None or cpus.how is not Pinning.HOOK or plan.machine.distribution == "nixos":
        return plan
    if _runs_one_script(virt):
        return plan._replace(warnings=(*plan.warnings, _ONE_SCRIPT))
    there = CpuHook(plan.guest, CpusMeanwhile(cpus.host, cpus.every))
    return plan._replace(cpus=cpus._replace(hook_wanted=there not in known(virt.cpu_hooks, ())))


_ONE_SCRIPT = Advice(
    "cpu.one-hook",
    "This libvirt runs one script for all guests, so that none is put there for the CPUs: call what "
    "`vfio-wizard cores --hook GUEST` prints from /etc/libvirt/hooks/qemu.",
)


def _runs_one_script(virt: Virt) -> bool:
    version = release(virt.libvirt) if isinstance(virt.libvirt, str) else None
    return version is not None and version < HOOKS_SINCE


def plan_hook(plan: Plan, wish: HookWish, guest: str) -> Hook:
    """What the hook has to do. Raises UsageError for a time that no start would wait."""
    if not 0 <= wish.wait <= _LONGEST_WAIT:
        message = f"hooks.wait: {wish.wait} s; from 0 to {_LONGEST_WAIT} can be waited for"
        raise UsageError(message)
    cpus = plan.cpus
    meanwhile = None
    if cpus is not None and cpus.how is Pinning.HOOK:
        meanwhile = CpusMeanwhile(cpus.host, cpus.every)
    return Hook(guest, functions(plan.functions), wish.display_manager, wish.wait, cpus=meanwhile)


def functions(passed: tuple[Passed, ...]) -> tuple[PciAddress, ...]:
    """Display functions first: the others of a card hang on their power (quirk_gpu_hda in the kernel)."""
    return tuple(
        one.address for one in sorted(passed, key=lambda one: (one.card != one.address, one.address))
    )


def refusals(plan: Plan, wish: HookWish) -> tuple[Refusal, ...]:
    """Those of the plan that hold for a card which comes back as well."""
    kept = []
    for one in plan.refusals:
        if one.id == _ONLY_DISPLAY and not wish.display_manager:
            kept.append(
                Refusal(
                    one.id,
                    f"{one.text} While the guest runs there is no desktop: say so with "
                    "--display-manager (hooks.display_manager), which stops it and brings it back",
                )
            )
        elif one.id not in (*ONLY_AT_BOOT, _ONLY_DISPLAY):
            kept.append(one)
    return tuple(kept)
