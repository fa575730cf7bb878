"""Kernel parameters as each boot chain takes them: drop-ins where they exist, else commands.

Words of a plan hold no quotes and no blanks, so that they mean the same in shell, TOML and plain lines.
"""

from __future__ import annotations

from collections.abc import Callable

from vfio_wizard.model.kargs import Kargs
from vfio_wizard.model.plan import Action, Artifact, Plan, Run, Stage
from vfio_wizard.render.outcome import HEAD, MARK, Rendered

_BECAUSE = "gives the kernel the parameters of the plan"
_WITH_GRUB_D = frozenset(
    ("debian", "ubuntu", "linuxmint", "pop", "proxmox", "raspbian", "zorin", "elementary")
)


def _stored(path: str, action: Action, text: str) -> Artifact:
    return Artifact(path, "0644", action, text, _BECAUSE, Stage.LOADER)


def grub(plan: Plan) -> Rendered:
    """Into the DEFAULT variable, which recovery entries do not use: they stay a way back."""
    words = _words(plan)
    if not words:
        return _removals(plan)
    line = f'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT {words}"\n'
    if plan.machine.distribution in _WITH_GRUB_D:
        file = Artifact(
            f"/etc/default/grub.d/{MARK}.cfg", "0644", Action.CREATE, HEAD + line, _BECAUSE, Stage.LOADER
        )
        update: tuple[str, ...] = ("update-grub",)
    else:
        file = Artifact(
            "/etc/default/grub", "0644", Action.APPEND, f"# {MARK}\n{line}", _BECAUSE, Stage.LOADER
        )
        update = ("grub-mkconfig", "-o", "/boot/grub/grub.cfg")
    return Rendered((file,), (Run(update, Stage.ENTRIES),)).joined(_removals(plan))


def grub_bls(plan: Plan) -> Rendered:
    """Fedora and RHEL keep the line in boot entries; grub2-mkconfig leaves those alone."""
    command = ["grubby", "--update-kernel=ALL"]
    if _words(plan):
        command.append(f"--args={_words(plan)}")
    if plan.remove:
        command.append("--remove-args=" + " ".join(one.word for one in plan.remove))
    return Rendered(commands=(Run(tuple(command), Stage.ENTRIES),) if len(command) > 2 else ())


def kernel_cmdline(*update: str) -> Callable[[Plan], Rendered]:
    """A chain that keeps the whole line in /etc/kernel/cmdline, and the command that applies it."""

    def render(plan: Plan) -> Rendered:
        line = plan.changed_line()
        if line is None or not _names_a_root(line):
            return _by_hand("the line in /etc/kernel/cmdline")(plan)
        text = f"{line}\n"
        file = _stored("/etc/kernel/cmdline", Action.REPLACE, text)
        return Rendered((file,), (Run(update, Stage.ENTRIES),) if update else ())

    return render


_ROOTS = ("root=", "rd.luks", "zfs=", "boot=zfs", "cryptdevice=", "systemd.gpt_auto", "rootfstype=")


def _names_a_root(line: Kargs) -> bool:
    """A whole line names the root file system; a file made from a part of it would not boot."""
    return any(word.startswith(_ROOTS) for word in line.kernel_words)


def kernel_install(plan: Plan) -> Rendered:
    """The running kernel's entry is written anew; others take the line at their next update."""
    found = kernel_cmdline()(plan)
    release = plan.machine.kernel
    if not found.artifacts or release is None:
        return found
    debian = plan.machine.distribution in _WITH_GRUB_D
    image = f"/boot/vmlinuz-{release}" if debian else f"/usr/lib/modules/{release}/vmlinuz"
    note = "Other installed kernels keep their old entries, as a way back, until they are updated."
    return found._replace(
        commands=(Run(("kernel-install", "add", release, image), Stage.ENTRIES),), notes=(note,)
    )


def kernelstub(plan: Plan) -> Rendered:
    """Pop!_OS: one call for each parameter."""
    added = tuple(Run(("kernelstub", "-a", one.word), Stage.ENTRIES) for one in plan.missing())
    gone = tuple(Run(("kernelstub", "-d", one.word), Stage.ENTRIES) for one in plan.remove)
    return Rendered(commands=(*added, *gone))


def rpm_ostree(plan: Plan) -> Rendered:
    """The image's initramfs does not hold /etc/modprobe.d, so vfio-pci is loaded by parameter too."""
    words = [*(one.word for one in plan.missing()), "rd.driver.pre=vfio-pci"]
    command = ["rpm-ostree", "kargs", *(f"--append-if-missing={word}" for word in words)]
    command += [f"--delete-if-present={one.word}" for one in plan.remove]
    track = ("rpm-ostree", "initramfs-etc", f"--track=/etc/modprobe.d/{MARK}.conf")
    return Rendered(commands=(Run(tuple(command), Stage.ENTRIES), Run(track, Stage.ENTRIES)))


def bootc(plan: Plan) -> Rendered:
    """Kernel arguments belong to the image: a file for its build."""
    quoted = ", ".join(f'"{one.word}"' for one in plan.missing())
    text = f"{HEAD}kargs = [{quoted}]\n"
    file = Artifact(
        f"/usr/lib/bootc/kargs.d/{MARK}.toml", "0644", Action.CREATE, text, _BECAUSE, Stage.LOADER
    )
    return Rendered((file,), notes=("This file goes into the build of the image, not onto this host.",))


def limine_entry_tool(plan: Plan) -> Rendered:
    """The leading blank is needed: += joins text, not words."""
    words = _words(plan)
    if not words:
        return _removals(plan)
    text = f'{HEAD}KERNEL_CMDLINE[default]+=" {words}"\n'
    file = Artifact(
        f"/etc/limine-entry-tool.d/{MARK}.conf", "0644", Action.CREATE, text, _BECAUSE, Stage.LOADER
    )
    update = "limine-mkinitcpio" if plan.machine.initramfs == "mkinitcpio" else "limine-update"
    return Rendered((file,), (Run((update,), Stage.ENTRIES),)).joined(_removals(plan))


def sdboot_manage(plan: Plan) -> Rendered:
    """CachyOS: the file is read by a shell."""
    words = _words(plan)
    if not words:
        return _removals(plan)
    text = f'# {MARK}\nLINUX_OPTIONS="$LINUX_OPTIONS {words}"\n'
    file = _stored("/etc/sdboot-manage.conf", Action.APPEND, text)
    return Rendered((file,), (Run(("sdboot-manage", "gen"), Stage.ENTRIES),)).joined(_removals(plan))


def plain(plan: Plan) -> Rendered:
    """The words alone, one a line, for a chain that this tool does not write."""
    text = "".join(f"{one.word}\n" for one in plan.missing())
    return Rendered((_stored("kernel-parameters.txt", Action.CREATE, text),))


def _by_hand(where: str) -> Callable[[Plan], Rendered]:
    def render(plan: Plan) -> Rendered:
        if not _words(plan):
            return _removals(plan)
        note = f"Add to {where}, keeping all that is there: {_words(plan)}"
        return Rendered(notes=(note,)).joined(_removals(plan))

    return render


def _words(plan: Plan) -> str:
    return " ".join(one.word for one in plan.missing())


def _removals(plan: Plan) -> Rendered:
    """A drop-in can only add; what must go stands in a file that is not ours."""
    return Rendered(
        notes=tuple(f"Take {one.word} off the kernel command line: {one.because}." for one in plan.remove)
    )


LOADERS: dict[str, Callable[[Plan], Rendered]] = {
    "grub-mkconfig": grub,
    "grub-bls": grub_bls,
    "systemd-boot-kernel-install": kernel_install,
    "systemd-boot-manual-entries": _by_hand("the options line of the boot entry"),
    "uki-mkinitcpio": kernel_cmdline("mkinitcpio", "-P"),
    "proxmox-boot-tool": kernel_cmdline("proxmox-boot-tool", "refresh"),
    "sdbootutil": kernel_cmdline("sdbootutil", "update-all-entries"),
    "sdboot-manage": sdboot_manage,
    "kernelstub": kernelstub,
    "rpm-ostree": rpm_ostree,
    "bootc": bootc,
    "limine-entry-tool": limine_entry_tool,
    "limine": _by_hand("cmdline of the entry in limine.conf"),
    "refind": _by_hand("the first line of /boot/refind_linux.conf"),
    "zfsbootmenu": _by_hand("the property org.zfsbootmenu:commandline of the boot environment"),
    "efistub-nvram": _by_hand("the boot entry in the firmware (efibootmgr)"),
}
"""By the names that the boot probe gives."""
