"""modprobe.d: who waits for vfio-pci, and the override for a binding by address."""

from __future__ import annotations

from vfio_wizard.model.plan import Action, Artifact, BindBy, Plan
from vfio_wizard.model.selection import Mirror
from vfio_wizard.render.outcome import HEAD, MARK, Rendered

PATH = f"/etc/modprobe.d/{MARK}.conf"


def render(plan: Plan) -> Rendered:
    """One file of our own; nothing where it would be empty."""
    lines = (*_override(plan), *_softdeps(plan), *_kvmfr(plan))
    if not lines:
        return Rendered()
    text = HEAD + "".join(f"{line}\n" for line in lines)
    because = "vfio-pci comes before any driver that would claim the card"
    return Rendered((Artifact(PATH, "0644", Action.CREATE, text, because),))


def _softdeps(plan: Plan) -> tuple[str, ...]:
    return tuple(f"softdep {one.module} pre: vfio-pci" for one in plan.softdeps)


def _override(plan: Plan) -> tuple[str, ...]:
    """``install`` writes driver_override before vfio-pci loads; every image builder copies modprobe.d.

    ``$CMDLINE_OPTS`` holds the options of the call (kmod, modprobe.d(5)).
    """
    if plan.bind.by is not BindBy.ADDRESS:
        return ()
    addresses = " ".join(str(one) for one in plan.bind.functions)
    return (
        f"# By address: {plan.bind.because}.",
        f"install vfio-pci for device in {addresses}; do "
        "echo vfio-pci > /sys/bus/pci/devices/$device/driver_override; done; "
        "modprobe --ignore-install vfio-pci $CMDLINE_OPTS",
    )


def _kvmfr(plan: Plan) -> tuple[str, ...]:
    memory = plan.looking_glass
    if memory is None or memory.mode is not Mirror.KVMFR or not memory.asked:
        return ()
    return (f"options kvmfr static_size_mb={memory.size_mib}",)
