"""What a change of the boot chain reads, and what its commands may write: paths relative to the root."""

from __future__ import annotations

from vfio_wizard.knowledge.bootchain import ESPS, GRUB_CFG, LIMINE_CONF

SWITCH = "vfio-wizard.bind=1"
"""Without this word on the command line, what binds by address does nothing.

A boot entry without it, or one from which it was deleted in the menu, leaves the cards to the host, as one
without ``vfio-pci.ids=`` does. The kernel passes over words with a dot for a module that never comes
(init/main.c, unknown_bootoption).
"""

ZFS_PROPERTY = "org.zfsbootmenu:commandline"
ZFS_COMMAND = ("zfs", "get", "-H", "-t", "filesystem", "-o", "name,value,source", ZFS_PROPERTY)
ZFS_TOLD = "zfs get"
"""Among the originals: what the command above printed."""

ENROLLED = "#enrolled"
"""Behind the path of Limine's EFI program: the hash of its configuration that it insists on."""
LIMINE_PROGRAMS = tuple(
    f"{esp}/EFI/{folder}/{name}"
    for esp in ESPS
    for folder, name in (
        ("limine", "BOOTX64.EFI"),
        ("limine", "limine_x64.efi"),
        ("BOOT", "BOOTX64.EFI"),
        ("limine", "limine.efi"),
    )
)
LIMINE_HASH = b"++CONFIG_B2SUM_SIGNATURE++"
"""In Limine's program; 128 digits follow, all 0 where no hash is enrolled."""

TEXTS: tuple[str, ...] = (
    "boot/refind_linux.conf",
    "etc/booster.yaml",
    "etc/default/grub",
    "etc/default/limine",
    "etc/dracut.conf",
    "etc/initramfs-tools/modules",
    "etc/kernel/cmdline",
    "etc/kernel/entry-token",
    "etc/kernel/install.conf",
    "etc/kernel/proxmox-boot-uuids",
    "etc/kernel/uki.conf",
    "etc/kernelstub/configuration",
    "etc/limine-entry-tool.conf",
    "etc/machine-id",
    "etc/mkinitcpio.conf",
    "etc/sdboot-manage.conf",
    "etc/sysconfig/bootloader",
    "usr/bin/grub-mkconfig",
    "usr/bin/grub2-mkconfig",
    "usr/lib/dracut/dracut-version.sh",
    "usr/lib/kernel/cmdline",
    "usr/lib/kernel/install.conf",
    "usr/sbin/grub-mkconfig",
    "usr/sbin/grub2-mkconfig",
    *LIMINE_CONF,
)
"""Files that dialects edit, or that tell them how the programs here behave."""

TEXT_FOLDERS: tuple[tuple[str, str], ...] = (
    ("etc/cmdline.d", ".conf"),
    ("etc/default/grub.d", ".cfg"),
    ("etc/dracut.conf.d", ".conf"),
    ("etc/kernel/cmdline.d", ".conf"),
    ("etc/limine-entry-tool.d", ".conf"),
    ("etc/mkinitcpio.conf.d", ".conf"),
    ("etc/mkinitcpio.d", ".preset"),
    ("etc/modprobe.d", ".conf"),
    ("etc/tmpfiles.d", ".conf"),
    ("etc/udev/rules.d", ".rules"),
    ("usr/lib/dracut/dracut.conf.d", ".conf"),
    *((f"{esp}/loader/entries", ".conf") for esp in ESPS),
)

LOOKED_FOR: tuple[str, ...] = (
    *GRUB_CFG,
    *(
        f"usr/{place}/{name}"
        for name in (
            "bootctl",
            "dracut",
            "grubby",
            "kernel-install",
            "limine-mkinitcpio",
            "limine-update",
            "mkinitcpio",
            "ukify",
            "update-grub",
            "update-initramfs",
        )
        for place in ("bin", "sbin")
    ),
    "etc/mkinitcpio.conf.d",
)
"""Programs and generated files of which only the presence matters."""

MODULES = "usr/lib/modules"

LISTED: tuple[str, ...] = ("boot", MODULES, *(f"{esp}/EFI/Linux" for esp in ESPS))
"""Folders where the names of kernels and unified images stand."""

_ENTRIES = tuple(f"{esp}/loader/entries/*" for esp in ESPS)
_UNIFIED = tuple(f"{esp}/EFI/Linux/*" for esp in ESPS)
_BESIDE_ENTRIES = tuple(
    f"{esp}/*/*/{name}"
    for esp in ESPS
    for name in ("linux", "initrd*", "initramfs*", "vmlinuz*", "microcode*")
)
"""``token/release/linux`` and the initrds beside it."""
_IMAGES = (
    "boot/initrd.img-*",
    "boot/initramfs-*",
    "boot/initrd-*",
    "boot/booster-*",
    "usr/lib/modules/*/initrd",
    "usr/lib/modules/*/initramfs.img",
    "var/lib/initramfs-tools/*",
)
_GRUB = (
    "boot/grub/grub.cfg",
    "boot/grub/grub.cfg.new",
    "boot/grub2/grub.cfg",
    "boot/grub2/grub.cfg.new",
    "boot/grub/grubenv",
    "boot/grub2/grubenv",
)
_KERNEL_INSTALL = (
    *_ENTRIES,
    *_UNIFIED,
    *_BESIDE_ENTRIES,
    "boot/loader/entries.srel",
    "efi/loader/entries.srel",
)
_GROUP_FILES = tuple(
    f"etc/{name}{ending}" for name in ("group", "gshadow") for ending in ("", "+", "-", ".lock")
)
"""With what shadow's programs leave beside them: the last version, and the next one while it is written."""
_LIMINE = (*LIMINE_CONF, *(f"{path}.old" for path in LIMINE_CONF))

MAKES: dict[str, tuple[str, ...]] = {
    "booster": _IMAGES,
    "dracut": (*_IMAGES, *_KERNEL_INSTALL),
    "grub-mkconfig": _GRUB,
    "grub2-mkconfig": _GRUB,
    "grubby": (*_ENTRIES, *_GRUB, "etc/default/grub", "etc/kernel/cmdline"),
    "kernel-install": (*_KERNEL_INSTALL, *_IMAGES),
    "kernelstub": ("etc/kernelstub/configuration", *_ENTRIES, *_BESIDE_ENTRIES),
    "limine-mkinitcpio": (*_LIMINE, *_IMAGES, *_UNIFIED, *_BESIDE_ENTRIES),
    "limine-update": (*_LIMINE, *_IMAGES, *_UNIFIED, *_BESIDE_ENTRIES),
    "mkinitcpio": (*_IMAGES, *_UNIFIED),
    "regenerate_images": _IMAGES,
    "sdboot-manage": (*_ENTRIES, *(f"{esp}/loader/loader.conf" for esp in ESPS)),
    "sdbootutil": (*_ENTRIES, *_BESIDE_ENTRIES, *_IMAGES),
    "update-grub": _GRUB,
    "update-initramfs": (*_IMAGES, *_KERNEL_INSTALL),
    "usermod": _GROUP_FILES,
}
"""By the name of the program: every path that it may write, with ``*`` within a name.

They are kept before the program runs and put back by undo. A program without a row writes no file that is
to be kept: ``rpm-ostree`` makes a new deployment, ``proxmox-boot-tool`` writes to partitions that are not
mounted. Such a program has a command that takes it back.
"""


def makes(argv: tuple[str, ...]) -> tuple[str, ...]:
    """What a command may write."""
    return MAKES.get(argv[0].rpartition("/")[2], ())
