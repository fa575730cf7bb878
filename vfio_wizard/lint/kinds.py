"""What kind of configuration a text is, from what stands in it and what it is called."""

from __future__ import annotations

from enum import StrEnum

from vfio_wizard.lint.modprobe import COMMANDS


class Kind(StrEnum):
    """A form that is reviewed, in the words of the report."""

    NIX = "Nix"
    MODPROBE = "modprobe.d"
    GRUB = "default/grub"
    MKINITCPIO = "mkinitcpio.conf"
    DRACUT = "dracut.conf"
    MODULES = "list of modules"
    DOMAIN = "libvirt XML"
    QEMU_CONF = "qemu.conf"
    ENTRY = "boot entry"
    REFIND = "refind_linux.conf"
    CMDLINE = "kernel command line"


_ENTRY_WORDS = frozenset(("title", "linux", "initrd", "efi", "kernel_path", "module_path", "protocol"))
_STARTS: tuple[tuple[Kind, tuple[str, ...]], ...] = (
    (Kind.GRUB, ("GRUB_",)),
    (Kind.MKINITCPIO, ("MODULES=", "MODULES+=", "HOOKS=", "HOOKS+=")),
    (Kind.DRACUT, ("add_drivers", "force_drivers", "add_dracutmodules", "omit_drivers", "hostonly")),
    (Kind.QEMU_CONF, ("cgroup_device_acl",)),
)
"""How a line of a kind begins."""
_MODULE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_FLAGS = frozenset(("quiet", "splash", "ro", "rw", "nomodeset", "rhgb"))


def kind_of(name: str, text: str) -> Kind | None:
    """The kind, content before name; None for what is none of them."""
    if name.endswith(".nix"):
        return Kind.NIX
    lines = [line.strip() for line in text.removeprefix("\ufeff").splitlines()]
    lines = [line for line in lines if line and not line.startswith(("#", ";"))]
    if not lines:
        return _by_name(name)
    if lines[0].startswith("<"):
        return Kind.DOMAIN
    return _by_lines(lines) or _by_name(name) or _by_words(text, lines)


def _by_lines(lines: list[str]) -> Kind | None:
    begins = [line.removeprefix("export ").lstrip() for line in lines]
    for kind, starts in _STARTS:
        if any(line.startswith(starts) and "=" in line for line in begins):
            return kind
    if lines[0].startswith('"') and lines[0].count('"') >= 4:
        return Kind.REFIND
    first = [line.replace(":", " ").split()[0] for line in lines if line.replace(":", "")]
    if len([word for word in first if word in _ENTRY_WORDS]) > 1:
        return Kind.ENTRY
    commands = any(line.split()[0] in COMMANDS and len(line.split()) > 1 for line in lines)
    return Kind.MODPROBE if commands and "{" not in lines[0] else None


def _by_name(name: str) -> Kind | None:
    path = name.replace("\\", "/")
    base = path.rsplit("/", 1)[-1]
    if "modprobe.d/" in path:
        return Kind.MODPROBE
    if "modules-load.d/" in path or path.endswith(("etc/modules", "initramfs-tools/modules")):
        return Kind.MODULES
    if "dracut.conf" in path:
        return Kind.DRACUT
    if "loader/entries/" in path:
        return Kind.ENTRY
    return {
        "qemu.conf": Kind.QEMU_CONF,
        "cmdline": Kind.CMDLINE,
        "kernel-params": Kind.CMDLINE,
        "refind_linux.conf": Kind.REFIND,
        "mkinitcpio.conf": Kind.MKINITCPIO,
    }.get(base)


def _by_words(text: str, lines: list[str]) -> Kind | None:
    if lines[0].startswith(("{", "let", "with ", "(", "rec ")) and (";" in text or ":" in lines[0]):
        return Kind.NIX
    if all(set(line.split()[0]) <= _MODULE and _is_module_line(line) for line in lines):
        return Kind.MODULES
    words = text.split()
    told = [word for word in words if word in _FLAGS or ("=" in word and not word.startswith("="))]
    return Kind.CMDLINE if told and len(told) * 2 >= len(words) and "{" not in text else None


def _is_module_line(line: str) -> bool:
    """A name, maybe with options behind it: ``vfio_pci ids=1002:731f``."""
    words = line.split()
    return words[0] not in _FLAGS and all("=" in word for word in words[1:])
