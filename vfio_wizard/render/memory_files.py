"""Looking Glass on hosts that are not NixOS: the shared memory file, or kvmfr's device node."""

from __future__ import annotations

from vfio_wizard.model.plan import Action, Artifact, Plan, Run, SharedMemory, Stage
from vfio_wizard.model.selection import Mirror
from vfio_wizard.render.outcome import HEAD, MARK, Rendered

_BECAUSE = "Looking Glass: only the user and QEMU may see the guest's screen"


def render(plan: Plan) -> Rendered:
    """Files for the mode that is wanted; nothing when Looking Glass is off."""
    memory = plan.looking_glass
    if memory is None:
        return Rendered()
    return _kvmfr(memory) if memory.mode is Mirror.KVMFR else _shm(memory)


def _shm(memory: SharedMemory) -> Rendered:
    text = f"{HEAD}f /dev/shm/looking-glass 0660 {memory.owner or 'root'} kvm -\n"
    path = f"/etc/tmpfiles.d/{MARK}.conf"
    return Rendered(
        (Artifact(path, "0644", Action.CREATE, text, _BECAUSE),),
        (Run(("systemd-tmpfiles", "--create", path), Stage.AFTER, makes=("dev/shm/looking-glass",)),),
    )


def _kvmfr(memory: SharedMemory) -> Rendered:
    """A number below 73-seat-late.rules, which hands out what uaccess asks for."""
    owner = f'OWNER="{memory.owner}", ' if memory.owner else ""
    rule = f'{HEAD}SUBSYSTEM=="kvmfr", {owner}GROUP="kvm", MODE="0660", TAG+="uaccess"\n'
    note = (
        "libvirt must be told of /dev/kvmfr0: add it to cgroup_device_acl in /etc/libvirt/qemu.conf, with "
        "the nodes that the comment there lists, since the list replaces the default."
    )
    return Rendered(
        (
            Artifact("/etc/udev/rules.d/70-kvmfr.rules", "0644", Action.CREATE, rule, _BECAUSE),
            Artifact("/etc/modules-load.d/kvmfr.conf", "0644", Action.CREATE, f"{HEAD}kvmfr\n", _BECAUSE),
        ),
        notes=(note,),
    )
