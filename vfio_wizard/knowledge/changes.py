"""What a change of the boot chain reads, and what its commands may write: paths relative to the root."""

from __future__ import annotations

from vfio_wizard.knowledge.bootchain import ESPS, GRUB_CFG, LIMINE_CONF

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

LISTED: tuple[str, ...] = ("boot", "usr/lib/modules", *(f"{esp}/EFI/Linux" for esp in ESPS))
"""Folders where the names of kernels and unified images stand."""

_ENTRIES = tuple(f"{esp}/loader/entries/*" for esp in ESPS)
_UNIFIED = tuple(f"{esp}/EFI/Linux/*" for esp in ESPS)
_BESIDE_ENTRIES = tuple(f"{esp}/*/*/*" for esp in ESPS)
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
    "proxmox-boot-tool": _IMAGES,
    "regenerate_images": _IMAGES,
    "sdboot-manage": (*_ENTRIES, *(f"{esp}/loader/loader.conf" for esp in ESPS)),
    "sdbootutil": (*_ENTRIES, *_BESIDE_ENTRIES),
    "update-grub": _GRUB,
    "update-initramfs": (*_IMAGES, *_KERNEL_INSTALL),
}
"""By the name of the program: every path that it may write, with ``*`` within a name.

They are kept before the program runs and put back by undo. A program without a row writes no file that is
to be kept (``rpm-ostree`` makes a new deployment, ``usermod`` has a command that takes it back).
"""


def makes(argv: tuple[str, ...]) -> tuple[str, ...]:
    """What a command may write."""
    return MAKES.get(argv[0].rpartition("/")[2], ())
