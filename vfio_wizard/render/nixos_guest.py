"""The NixOS module's part about guests: libvirt, users, tools, Looking Glass, the host's own graphics."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from vfio_wizard import __version__
from vfio_wizard.knowledge.libvirt import CGROUP_DEVICES
from vfio_wizard.model.selection import Pinning
from vfio_wizard.render.nix import Binding, Call, Code, Item, Lines, Set
from vfio_wizard.render.nixos_target import Part, Target, sentence


def parts(target: Target) -> Iterator[Part]:
    """All of it, in the order of the file."""
    for section in (_host_graphics, _libvirtd, _people, _tools, _looking_glass):
        yield from section(target)


def _libvirtd(target: Target) -> Iterator[Part]:
    bindings = [
        Binding(("enable",), True),
        Binding(("onBoot",), "ignore", "Guests start when asked, not because they ran at the last shutdown."),
        Binding(("onShutdown",), "shutdown", "A guest with a real card cannot be saved to disk."),
        *_qemu(target),
        *_hooks(target),
        *_card_hook(target),
    ]
    yield Part((Binding(("virtualisation", "libvirtd"), Set(tuple(bindings)), apart=True),))


def _qemu(target: Target) -> tuple[Binding, ...]:
    wish = target.plan.libvirt
    modern = target.has("virtualisation.libvirtd.qemu.runAsRoot")
    found = []
    if not wish.qemu_as_root:
        why = "A guest that breaks out of QEMU should not be root."
        found.append(Binding(("runAsRoot",) if modern else ("qemuRunAsRoot",), False, why))
    if wish.tpm and modern:
        found.append(Binding(("swtpm", "enable"), True, "Windows 11 asks for a TPM."))
    devices = _devices(target)
    if devices:
        why = "Each line replaces libvirt's default, so the defaults are repeated."
        name = ("verbatimConfig",) if modern else ("qemuVerbatimConfig",)
        found.append(Binding(name, Lines(_verbatim(devices)), why))
    if not modern or not found:
        return tuple(found)
    if len(found) == 1:
        only = found[0]
        return (only._replace(path=("qemu", *only.path)),)
    return (Binding(("qemu",), Set(tuple(found))),)


def _devices(target: Target) -> tuple[str, ...]:
    kvmfr = ("/dev/kvmfr0",) if target.has_kvmfr else ()
    return (*kvmfr, *target.plan.libvirt.devices)


def _verbatim(devices: tuple[str, ...]) -> tuple[str, ...]:
    """``namespaces = []`` is NixOS' own default for this text, and goes when the text is set."""
    nodes = [f'  "{node}",' for node in (*CGROUP_DEVICES, *devices)]
    nodes[-1] = nodes[-1].removesuffix(",")
    return ("namespaces = []", "cgroup_device_acl = [", *nodes, "]")


def _hooks(target: Target) -> tuple[Binding, ...]:
    cpus = target.plan.cpus
    if cpus is None or cpus.how is not Pinning.HOOK or not target.has("virtualisation.libvirtd.hooks.qemu"):
        return ()
    script = Call(Code('pkgs.writeShellScript "cpus-for-guest"', ("pkgs",)), Lines(_cpu_hook(target)))
    why = "While the guest runs, the host's own processes stay off its CPUs."
    return (Binding(("hooks", "qemu", "cpus-for-guest"), script, why),)


def _card_hook(target: Target) -> tuple[Binding, ...]:
    """The CPUs have a hook of their own here."""
    hook = target.plan.hook
    if hook is None or not target.has("virtualisation.libvirtd.hooks.qemu"):
        return ()
    from vfio_wizard.render.hooks import script  # noqa: PLC0415 - few modules have one

    lines = script(hook._replace(cpus=None), tool_version=__version__).splitlines()
    text = Call(Code('pkgs.writeShellScript "card-for-guest"', ("pkgs",)), Lines(tuple(lines)))
    why = "The card is the host's until the guest starts; one that a process holds stays."
    return (Binding(("hooks", "qemu", "card-for-guest"), text, why),)


def _cpu_hook(target: Target) -> tuple[str | Code, ...]:
    cpus = target.plan.cpus
    if cpus is None:
        return ()
    return (
        f'[ "$1" = {shlex.quote(target.plan.guest)} ] || exit 0',
        'case "$2/$3" in',
        f"  prepare/begin) cpus={cpus.host} ;;",
        f"  release/end) cpus={cpus.every} ;;",
        "  *) exit 0 ;;",
        "esac",
        "for unit in init.scope system.slice user.slice; do",
        Code(
            '  ${pkgs.systemd}/bin/systemctl set-property --runtime -- $unit AllowedCPUs="$cpus"', ("pkgs",)
        ),
        "done",
    )


def _people(target: Target) -> Iterator[Part]:
    if target.plan.users:
        why = "May manage guests without a password, which is as good as root."
        members = list(target.plan.users)
        yield Part((Binding(("users", "groups", "libvirtd", "members"), members, why, apart=True),))


def _tools(target: Target) -> Iterator[Part]:
    wish = target.plan.libvirt
    bindings = []
    packages = []
    if wish.virt_manager and target.has("programs.virt-manager.enable"):
        bindings.append(Binding(("programs", "virt-manager", "enable"), True))
    elif wish.virt_manager:
        packages.append("virt-manager")
        bindings.append(
            Binding(("programs", "dconf", "enable"), True, "Where virt-manager keeps its settings.")
        )
    if wish.usb_redirection and target.has("virtualisation.spiceUSBRedirection.enable"):
        why = "Lets the user hand USB devices to a running guest."
        bindings.append(Binding(("virtualisation", "spiceUSBRedirection", "enable"), True, why))
    if target.plan.looking_glass:
        packages.append("looking-glass-client")
    if packages:
        items = tuple(Item(Code(f"pkgs.{one}", ("pkgs",))) for one in packages)
        bindings.append(Binding(("environment", "systemPackages"), items))
    if bindings:
        bindings[0] = bindings[0]._replace(apart=True)
    yield Part(tuple(bindings))


def _qemu_group(target: Target) -> str:
    return "root" if target.plan.libvirt.qemu_as_root else "qemu-libvirtd"


def _looking_glass(target: Target) -> Iterator[Part]:
    memory = target.plan.looking_glass
    if memory is None:
        return
    if target.has_kvmfr:
        yield _kvmfr(target)
        return
    rule = f"f /dev/shm/looking-glass 0660 {memory.owner or 'root'} {_qemu_group(target)} -"
    why = (
        f"Looking Glass: the guest's <shmem> of {memory.size_mib} MiB {memory.because}. "
        "Only the user and QEMU may see the screen."
    )
    yield Part((Binding(("systemd", "tmpfiles", "rules"), [rule], why, apart=True),))


def _kvmfr(target: Target) -> Part:
    """The rule file is numbered below 73-seat-late.rules, which hands out what uaccess asks for."""
    memory = target.plan.looking_glass
    owner = f'OWNER="{memory.owner}", ' if memory and memory.owner else ""
    rule = f'SUBSYSTEM=="kvmfr", {owner}GROUP="{_qemu_group(target)}", MODE="0660", TAG+="uaccess"'
    write = Call(Code('pkgs.writeTextDir "lib/udev/rules.d/70-kvmfr.rules"', ("pkgs",)), Lines((rule,)))
    return Part(
        (
            Binding(("boot", "kernelModules"), ["kvmfr"], apart=True),
            Binding(
                ("services", "udev", "packages"),
                (Item(write),),
                "Before 73-seat-late.rules, or uaccess comes too late.",
                apart=True,
            ),
        )
    )


def _host_graphics(target: Target) -> Iterator[Part]:
    settings = target.plan.host_settings
    if settings is None or not settings.without_nvidia:
        return
    bindings = [
        Binding(
            ("services", "xserver", "videoDrivers"),
            Call(Code("lib.mkForce", ("lib",)), ["modesetting"]),
            sentence(settings.because),
            apart=True,
        )
    ]
    if settings.hybrid:
        off = Call(Code("lib.mkForce", ("lib",)), False)
        bindings.append(
            Binding(
                ("hardware", "nvidia", "prime"),
                Set((Binding(("offload", "enable"), off), Binding(("sync", "enable"), off))),
            )
        )
    yield Part(tuple(bindings))
