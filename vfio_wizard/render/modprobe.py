"""modprobe.d: who waits for vfio-pci, and the override for a binding by address."""

from __future__ import annotations

from vfio_wizard.knowledge.changes import SWITCH
from vfio_wizard.model.plan import Action, Artifact, Plan
from vfio_wizard.model.selection import Mirror
from vfio_wizard.render.outcome import HEAD, MARK, Rendered
from vfio_wizard.render.scene import Scene, replaced

FILE = f"etc/modprobe.d/{MARK}.conf"
_BECAUSE = "vfio-pci comes before any driver that would claim the card"


def render(scene: Scene) -> Rendered:
    """One file of our own; nothing where it would be empty."""
    text = text_of(scene.plan)
    if text is None:
        return Rendered()
    if scene.exported:
        return Rendered((Artifact(f"/{FILE}", "0644", Action.CREATE, text, _BECAUSE),))
    return replaced(scene, FILE, text, _BECAUSE)


def text_of(plan: Plan) -> str | None:
    """What the file holds; None where it holds nothing."""
    lines = (*_override(plan), *_softdeps(plan), *_kvmfr(plan))
    return HEAD + "".join(f"{line}\n" for line in lines) if lines else None


def _softdeps(plan: Plan) -> tuple[str, ...]:
    return tuple(f"softdep {one.module} pre: vfio-pci" for one in plan.softdeps)


def _override(plan: Plan) -> tuple[str, ...]:
    """``install`` writes driver_override before vfio-pci loads; every image builder copies modprobe.d.

    Only with our word on the command line, so that a boot entry without it leaves the card to the host; and
    only for a function that still has the id it had, since addresses move when cards are added. The shell
    of an initramfs has no more than its built-in commands. ``$CMDLINE_OPTS`` holds the options of the call
    (kmod, modprobe.d(5)).
    """
    if not plan.by_address:
        return ()
    found = {one.address: one.id for one in plan.functions}
    pairs = " ".join(f"{one}/{_id_words(found.get(one))}" for one in plan.bind.functions)
    return (
        f"# By address: {plan.bind.because}.",
        f"# Without {SWITCH} on the kernel command line the cards stay with the host.",
        "install vfio-pci read -r words < /proc/cmdline; "
        f'case " $words " in *" {SWITCH} "*) for one in {pairs}; do '
        "device=/sys/bus/pci/devices/${one%/*}; "
        "read -r vendor < $device/vendor; read -r chip < $device/device; "
        'case "$vendor:$chip" in ${one#*/}) echo vfio-pci > $device/driver_override;; esac; done;; esac; '
        "modprobe --ignore-install vfio-pci $CMDLINE_OPTS",
    )


def _id_words(what: object) -> str:
    """``0x1002:0x67df`` as sysfs has it; any id where it is not known."""
    vendor, _, device = str(what).partition(":") if what is not None else ("", "", "")
    return f"0x{vendor}:0x{device}" if device else "*"


def _kvmfr(plan: Plan) -> tuple[str, ...]:
    memory = plan.looking_glass
    if memory is None or memory.mode is not Mirror.KVMFR or not memory.asked:
        return ()
    return (f"options kvmfr static_size_mb={memory.size_mib}",)
