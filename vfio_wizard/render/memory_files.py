"""Looking Glass on hosts that are not NixOS: the shared memory or kvmfr's device node, and the client."""

from __future__ import annotations

from vfio_wizard.knowledge.libvirt import CGROUP_DEVICES
from vfio_wizard.model.plan import Action, Artifact, Guards, Run, SharedMemory, Stage
from vfio_wizard.model.selection import GuestPart, Mirror
from vfio_wizard.render.outcome import HEAD, MARK, Rendered
from vfio_wizard.render.scene import Scene

CLIENT_FILE = "/etc/looking-glass-client.ini"
CLIENT = "looking-glass-client"

_BECAUSE = "Looking Glass: only the user and QEMU may see the guest's screen"
_QEMU_CONF = "/etc/libvirt/qemu.conf"
_APPARMOR = "/etc/apparmor.d/local/abstractions/libvirt-qemu"
_KVMFR = "/dev/kvmfr0"


def render(scene: Scene) -> Rendered:
    """Files for the mode that is wanted; nothing when Looking Glass is off."""
    memory = scene.plan.looking_glass
    if memory is None:
        return Rendered()
    made = _kvmfr(memory) if memory.mode is Mirror.KVMFR else _shm(memory)
    return made.joined(Rendered((client(memory),)))


def _shm(memory: SharedMemory) -> Rendered:
    text = f"{HEAD}f {memory.device} 0660 {memory.owner or 'root'} kvm -\n"
    path = f"/etc/tmpfiles.d/{MARK}.conf"
    note = (
        f"{memory.device} keeps its size until it is deleted: after a change of the size, delete it while no "
        f"guest runs, and make it anew with systemd-tmpfiles --create {path}."
    )
    return Rendered(
        (Artifact(path, "0644", Action.CREATE, text, _BECAUSE),),
        (Run(("systemd-tmpfiles", "--create", path), Stage.AFTER, makes=("dev/shm/looking-glass",)),),
        (note,),
    )


# -- kvmfr -----------------------------------------------------------------------------------------


def _kvmfr(memory: SharedMemory) -> Rendered:
    """A number below 73-seat-late.rules, which hands out what uaccess asks for."""
    owner = f'OWNER="{memory.owner}", ' if memory.owner else ""
    rule = f'{HEAD}SUBSYSTEM=="kvmfr", {owner}GROUP="kvm", MODE="0660", TAG+="uaccess"\n'
    note = (
        f"kvmfr must be loaded before the guest starts, or QEMU makes {_KVMFR} an ordinary file: ls -l shows "
        "a c in front when it is right; delete the file otherwise. The module comes with Looking Glass' "
        "sources (dkms install), and with Secure Boot on it must be signed with a key of yours."
    )
    return Rendered(
        (
            Artifact("/etc/udev/rules.d/70-kvmfr.rules", "0644", Action.CREATE, rule, _BECAUSE),
            Artifact("/etc/modules-load.d/kvmfr.conf", "0644", Action.CREATE, f"{HEAD}kvmfr\n", _BECAUSE),
        ),
        notes=(note,),
    ).joined(_permission(memory.guards))


def _permission(guards: Guards | None) -> Rendered:
    """libvirt keeps QEMU from device nodes that it does not know: by cgroup, and by AppArmor or SELinux."""
    if guards is None:
        return Rendered(
            notes=(f"{_acl_words(())} AppArmor, where it is in use, wants {_rule()} in {_APPARMOR}.",)
        )
    return _cgroup(guards).joined(_apparmor(guards)).joined(_selinux(guards))


def _cgroup(guards: Guards) -> Rendered:
    if guards.devices is not None and _KVMFR in guards.devices:
        return Rendered()
    if guards.devices is not None:  # somebody's own list stands there, and a second one would not count
        return Rendered(notes=(_acl_words(guards.devices),))
    text = f"\n# Added by vfio-wizard: libvirt's own list, and the device of Looking Glass.\n{acl(())}\n"
    why = "libvirt lets QEMU open only the devices of this list; it replaces the default, which is repeated"
    note = "libvirt reads qemu.conf when it starts: restart libvirtd (or virtqemud) while no guest runs."
    return Rendered((Artifact(_QEMU_CONF, "0600", Action.APPEND, text, why),), notes=(note,))


def acl(others: tuple[str, ...]) -> str:
    """cgroup_device_acl with libvirt's own devices, those of others, and kvmfr's."""
    devices = dict.fromkeys((*CGROUP_DEVICES, *others, _KVMFR))
    return f"cgroup_device_acl = [{', '.join(_quoted(one) for one in devices)}]"


def _quoted(text: str) -> str:
    return f'"{text}"'


def _acl_words(others: tuple[str, ...]) -> str:
    return (
        f"libvirt must be told of {_KVMFR}. In {_QEMU_CONF}, instead of the list that may stand there (it "
        f"replaces the default): {acl(others)}, then restart libvirtd while no guest runs."
    )


def _rule() -> str:
    return f"the line {_KVMFR} rw,"


def _apparmor(guards: Guards) -> Rendered:
    if not guards.apparmor or guards.apparmor_rule:
        return Rendered()
    why = "AppArmor lets QEMU open only what its profile names"
    if guards.apparmor_file:
        return Rendered(
            (Artifact(_APPARMOR, "0644", Action.APPEND, f"\n# Looking Glass\n{_KVMFR} rw,\n", why),)
        )
    return Rendered((Artifact(_APPARMOR, "0644", Action.CREATE, f"{HEAD}{_KVMFR} rw,\n", why),))


def _selinux(guards: Guards) -> Rendered:
    if not guards.selinux:
        return Rendered()
    return Rendered(
        notes=(
            f"SELinux has no rule for {_KVMFR}. If the guest does not start, ausearch -m avc -c qemu shows "
            "what was denied; audit2allow makes a module that allows just this. Leave SELinux on.",
        )
    )


# -- client ----------------------------------------------------------------------------------------


def client(memory: SharedMemory) -> Artifact:
    """The client's settings for all users; what a user sets in his own file counts more.

    The release after B7 has other names for the same (LookingGlass:doc/options.rst).
    """
    device = ("lgmp", "shmDevice") if memory.part is GuestPart.IDD else ("app", "shmFile")
    width, height = memory.picture
    sections = (
        (device[0], ((device[1], memory.device),)),
        ("win", (("size", f"{width}x{height}"),)),
        ("spice", (("enable", "yes"), ("host", "127.0.0.1"), ("port", "5900"))),
    )
    head = "; Written by vfio-wizard. Delete this file to take it back.\n"
    text = "\n".join(
        f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in rows) for name, rows in sections
    )
    return Artifact(CLIENT_FILE, "0644", Action.CREATE, head + text, f"{CLIENT} finds the guest's picture")
