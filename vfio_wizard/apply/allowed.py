"""What a change may ever touch: the paths, and the commands word by word. All else is refused.

The plan is made anew by whoever has the right to change the machine, so this is the second fence: a mistake
in a dialect, or in what was read from a file, ends here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from vfio_wizard.apply.locked import RefusedError
from vfio_wizard.apply.patterns import is_exactly
from vfio_wizard.apply.work import Work
from vfio_wizard.knowledge.bootchain import ESPS, LIMINE_CONF
from vfio_wizard.model.plan import Run

TARGETS: tuple[str, ...] = (
    "boot/refind_linux.conf",
    "etc/apparmor.d/local/abstractions/libvirt-qemu",
    "etc/booster.yaml",
    "etc/cmdline.d/*.conf",
    "etc/default/grub",
    "etc/default/grub.d/*.cfg",
    "etc/default/limine",
    "etc/dracut.conf.d/*.conf",
    "etc/initramfs-tools/modules",
    "etc/kernel/cmdline",
    "etc/kernel/cmdline.d/*.conf",
    "etc/kernel/install.d/99-vfio-wizard.install",
    "etc/kernel/postinst.d/zz-vfio-wizard",
    "etc/kernelstub/configuration",
    "etc/libvirt/hooks/qemu",
    "etc/libvirt/hooks/qemu.d/40-vfio-wizard-cpus-*",
    "etc/libvirt/hooks/qemu.d/50-vfio-wizard-*",
    "etc/libvirt/qemu.conf",
    "etc/limine-entry-tool.conf",
    "etc/limine-entry-tool.d/*.conf",
    "etc/looking-glass-client.ini",
    "etc/mkinitcpio.conf",
    "etc/mkinitcpio.conf.d/*.conf",
    "etc/modprobe.d/*.conf",
    "etc/modules-load.d/*.conf",
    "etc/nixos/*.nix",
    "etc/sdboot-manage.conf",
    "etc/systemd/system/vfio-wizard-verify.service",
    "etc/tmpfiles.d/*.conf",
    "etc/udev/rules.d/*.rules",
    *LIMINE_CONF,
    *(f"{esp}/loader/entries/*.conf" for esp in ESPS),
)
"""Relative to the root, with ``*`` within a name."""

_NAME = r"[a-z_][a-z0-9_.-]{0,31}\$?"
_WORD = r"[A-Za-z0-9_.,:=/@+%{}~*-]+"
_WORDS = rf"{_WORD}(?: {_WORD})*"
_RELEASE = r"[0-9][A-Za-z0-9_.+~-]*"
_ESP = "/(?:efi|boot|boot/efi)"
_UKI = rf"{_ESP}/EFI/Linux/[A-Za-z0-9_.+~-]+\.efi"

COMMANDS: tuple[tuple[str, ...], ...] = (
    ("update-initramfs", "-u", "-k", "all"),
    ("dracut", "--force", "--regenerate-all"),
    ("dracut", "--force", r"/boot/[A-Za-z0-9_.+~-]+", _RELEASE),
    ("mkinitcpio", "-P"),
    ("/usr/lib/booster/regenerate_images",),
    ("update-grub",),
    ("grub-mkconfig", "-o", "/boot/grub/grub.cfg"),
    ("grub2-mkconfig", "-o", "/boot/grub2/grub.cfg"),
    ("grubby", "--update-kernel=ALL", f"--args={_WORDS}"),
    ("grubby", "--update-kernel=ALL", f"--remove-args={_WORDS}"),
    ("grubby", "--update-kernel=ALL", f"--args={_WORDS}", f"--remove-args={_WORDS}"),
    ("kernel-install", "add", _RELEASE, rf"/(?:boot|usr/lib/modules/{_RELEASE})/vmlinuz[A-Za-z0-9_.+~-]*"),
    ("kernelstub", "-[ad]", _WORD),
    ("limine-mkinitcpio",),
    ("limine-update",),
    ("proxmox-boot-tool", "refresh"),
    ("rpm-ostree", "initramfs-etc", r"--(?:un)?track=/etc/modprobe\.d/vfio-wizard\.conf"),
    ("sdboot-manage", "gen"),
    ("sdbootutil", "mkinitrd"),
    ("sdbootutil", "mkinitrd"),
    ("sdbootutil", "update-all-entries"),
    ("cp", "--no-clobber", _UKI, _UKI),
    ("zfs", "set", rf"org\.zfsbootmenu:commandline=(?:{_WORDS})?", r"[A-Za-z0-9][A-Za-z0-9_./:-]*"),
    ("zfs", "inherit", r"org\.zfsbootmenu:commandline", r"[A-Za-z0-9][A-Za-z0-9_./:-]*"),
    ("usermod", "-aG", r"libvirtd?|kvm|input", _NAME),
    ("gpasswd", "-d", _NAME, r"libvirtd?|kvm|input"),
    ("systemd-tmpfiles", "--create", r"/etc/tmpfiles\.d/[a-z0-9_-]+\.conf"),
    ("systemctl", "enable", r"vfio-wizard-verify\.service"),
)
"""Each word as a regular expression that must match it whole."""

_OSTREE = re.compile(rf"--(?:append-if-missing|delete-if-present)={_WORD}", re.ASCII)


def check(work: Work, also: tuple[str, ...] = ()) -> None:
    """Raises RefusedError for a path or a command that no change of this program needs."""
    for change in work.changes:
        if change.path not in also and not is_target(change.path):
            message = f"/{change.path} is no file that this program changes; nothing was changed"
            raise RefusedError(message)
    for run in work.runs:
        for argv in (run.argv, *run.undo):
            if not is_command(argv):
                message = f"not a command that this program runs: {Run(argv, run.stage).shown}"
                raise RefusedError(message)


def is_target(path: str) -> bool:
    """Whether a path, relative and resolved, is one of those."""
    parts = path.split("/")
    return not {"", ".", ".."} & set(parts) and is_exactly(path, TARGETS)


def is_command(argv: tuple[str, ...]) -> bool:
    """Whether a command is one of those, in every word."""
    if argv[:2] == ("rpm-ostree", "kargs"):
        return len(argv) > 2 and all(_OSTREE.fullmatch(word) for word in argv[2:])
    return any(_fits(argv, form) for form in COMMANDS)


def _fits(argv: Iterable[str], form: tuple[str, ...]) -> bool:
    words = tuple(argv)
    return len(words) == len(form) and all(
        re.fullmatch(pattern, word, re.ASCII) for pattern, word in zip(form, words, strict=True)
    )
