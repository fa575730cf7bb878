"""The initramfs: how each generator is told to load vfio-pci before udev loads graphics drivers."""

from __future__ import annotations

from collections.abc import Callable

from vfio_wizard.model.plan import Action, Artifact, Plan, Run, Stage
from vfio_wizard.render.outcome import HEAD, MARK, Rendered

_BECAUSE = "loads vfio-pci before any driver that would claim the card"


def initramfs_tools(plan: Plan) -> Rendered:
    """Debian, Ubuntu to 25.04, Proxmox: one name a line in the modules file."""
    block = "".join(f"{name}\n" for name in _names(plan))
    text = f"# {MARK}: begin\n{block}# {MARK}: end\n"
    update = ("update-initramfs", "-u", "-k", "all")
    return _one_file("/etc/initramfs-tools/modules", Action.APPEND, text, update, plan)


def dracut(plan: Plan) -> Rendered:
    """``force_drivers`` loads before udev (rd.driver.pre); ``add_drivers`` would only include."""
    text = f'{HEAD}force_drivers+=" {" ".join(_names(plan))} "\n'
    update = ("dracut", "--force", "--regenerate-all")
    return _one_file(f"/etc/dracut.conf.d/{MARK}.conf", Action.CREATE, text, update, plan)


def mkinitcpio(plan: Plan) -> Rendered:
    """A plain assignment in a drop-in would replace the list; vfio-pci goes before what is in it."""
    text = f'{HEAD}MODULES=({" ".join(_names(plan))} "${{MODULES[@]}}")\n'
    return _one_file(f"/etc/mkinitcpio.conf.d/{MARK}.conf", Action.CREATE, text, ("mkinitcpio", "-P"), plan)


def booster(plan: Plan) -> Rendered:
    """booster reads ``options`` of modprobe.d but no softdep, so the forced list has to do it."""
    text = f"modules_force_load: {','.join(_names(plan))}\n"
    note = "If /etc/booster.yaml has a modules_force_load line already, put the names into that line instead."
    update = ("/usr/lib/booster/regenerate_images",)
    return _one_file("/etc/booster.yaml", Action.APPEND, text, update, plan)._replace(notes=(note,))


def _names(plan: Plan) -> tuple[str, ...]:
    return tuple(one.name for one in plan.modules)


def _one_file(path: str, action: Action, text: str, update: tuple[str, ...], plan: Plan) -> Rendered:
    if not plan.modules:
        return Rendered(notes=("vfio-pci is compiled into this kernel: the initramfs needs nothing.",))
    return Rendered((Artifact(path, "0644", action, text, _BECAUSE),), (Run(update, Stage.IMAGE),))


GENERATORS: dict[str, Callable[[Plan], Rendered]] = {
    "initramfs-tools": initramfs_tools,
    "dracut": dracut,
    "mkinitcpio": mkinitcpio,
    "booster": booster,
}
