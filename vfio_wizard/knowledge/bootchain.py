"""The boot chain as tables: which loader and which initramfs generator are in use, and how to change them.

``LOADERS`` and ``GENERATORS`` say what to edit and how to come back. ``LOADER_PROOFS`` and
``GENERATOR_PROOFS`` say what proves that one is in use, in the order in which they are asked:
managers before the loaders that they drive, since the manager overwrites what is edited below it.
"""

from __future__ import annotations

from vfio_wizard.model.record import NamedTuple

EFI_VARIABLES = "sys/firmware/efi/efivars"
LOADER_GUID = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
LOADER_INFO = f"{EFI_VARIABLES}/LoaderInfo-{LOADER_GUID}"
"""Four attribute bytes, then UTF-16LE text."""

ESPS = ("efi", "boot", "boot/efi")
"""Where the EFI system partition or the extended boot partition is mounted, as systemd searches."""

PROGRAMS = frozenset(("grub", "systemd-boot", "limine", "refind", "direct"))
"""What can hand over to the kernel; ``direct`` is the firmware itself."""

UEFI_ONLY = frozenset(("systemd-boot", "refind", "direct"))

LOADER_INFO_PROGRAMS = (
    ("systemd-boot", "systemd-boot"),
    ("grub", "grub"),
    ("limine", "limine"),
    ("refind", "refind"),
)
"""How LoaderInfo begins, and the program that says so (sd-boot, GRUB's module bli, Limine's bli.c)."""

NO_LOADER_INFO = ("linux efi stub", "systemd-stub")
"""Texts that the kernel's own stub leaves when no loader had left one: they name no loader.
Linux drivers/firmware/efi/libstub (efi_bli_set_variables), systemd before 250 (stub.c)."""

WAY_BACK = "~vfio-wizard-without-passthrough"
"""The name of the entry or image that stays without the change.

The tilde sorts it behind every other name, in systemd-boot (strverscmp_improved) as in GRUB (vercmp), so that
it never becomes the default entry of a menu that names none.
"""


class Sign(NamedTuple):
    """One thing to look for. ``kind`` says how ``where`` and ``what`` are read.

    ``path``: one of the paths is there. ``absent``: none is. ``glob``: one of the folders holds a
    name like ``what`` (one asterisk). ``line``: one of the files has a line that ``what`` (a regular
    expression) matches; the last part of such a path may hold one asterisk. ``no-line``: none has.
    ``word``: the running command line has a word that begins so. ``word-with``: one of the words that
    begin like ``where`` contains ``what``. ``no-word``: none begins so, or the line is not known.
    ``info``: LoaderInfo begins so. ``os``: the distribution or a relative of it has this id.
    ``entries``: boot loader entries of that naming (``versioned`` or ``other``) are there.
    """

    kind: str
    where: tuple[str, ...] = ()
    what: str = ""
    holds: str = ""
    """What every line that matches has in it: without it in a file, no expression is compiled."""


class Proof(NamedTuple):
    """A set of signs that together prove one row."""

    name: str
    signs: tuple[Sign, ...]


def _path(*where: str) -> Sign:
    return Sign("path", where)


def _tool(*names: str) -> Sign:
    return Sign("path", tuple(f"usr/{place}/{name}" for name in names for place in ("bin", "sbin")))


def _no_tool(*names: str) -> Sign:
    return Sign("absent", _tool(*names).where)


def _esp(*tails: str) -> tuple[str, ...]:
    return tuple(f"{esp}/{tail}" for tail in tails for esp in ESPS)


def _word(start: str) -> Sign:
    return Sign("word", (), start)


def _info(start: str) -> Sign:
    return Sign("info", (LOADER_INFO,), start)


GRUB_CFG = ("boot/grub/grub.cfg", "boot/grub2/grub.cfg")
_BLSCFG = r"\s*(export\s+)?GRUB_ENABLE_BLSCFG=[\"']?(true|y|yes)\b"
_VERSIONED = Sign("entries", (), "versioned")
_OTHER = Sign("entries", (), "other")
LIMINE_CONF = (
    "boot/limine.conf",
    "boot/limine/limine.conf",
    "limine.conf",
    "limine/limine.conf",
    *_esp("EFI/limine/limine.conf", "EFI/BOOT/limine.conf"),
    "efi/limine.conf",
    "boot/efi/limine.conf",
)


class LoaderRow(NamedTuple):
    """One way in which kernels get their command line, and how to change it there."""

    name: str
    distros: str
    drives: frozenset[str]
    """Programs that may hand over to the kernel under this row; empty: any."""
    edit: str
    regenerate: tuple[tuple[str, ...], ...]
    """Commands that do the same, of which the first that is installed is taken; empty: none is needed."""
    verify: str
    undo: str
    fallback: str
    """What still boots without the change."""
    traps: tuple[str, ...]
    configured: tuple[str, ...]
    """Where the stored command line is read, best first (names in probe/configured.py)."""
    mark: str
    """CONFIRMED in a primary source, REPORTED in a secondary one, or UNSOURCED."""
    source: tuple[str, ...]


LOADERS: tuple[LoaderRow, ...] = (
    LoaderRow(
        name="nixos",
        distros="NixOS",
        drives=frozenset(),
        edit="boot.kernelParams in the system's Nix configuration",
        regenerate=(("nixos-rebuild", "boot"),),
        verify="kernel-params of the new system profile, then /proc/cmdline",
        undo="boot the previous generation, or take the option out and rebuild",
        fallback="an older generation in the boot menu",
        traps=("files of the boot loader are overwritten by the next rebuild",),
        configured=("nixos",),
        mark="CONFIRMED",
        source=("NixOS/nixpkgs:nixos/modules/system/boot/kernel.nix",),
    ),
    LoaderRow(
        name="rpm-ostree",
        distros="Fedora Silverblue and Kinoite, Bazzite",
        drives=frozenset(),
        edit="the kernel arguments of the next deployment",
        regenerate=(("rpm-ostree", "kargs", "--append-if-missing={word}"),),
        verify="rpm-ostree kargs, which shows the pending deployment",
        undo="rpm-ostree kargs --delete-if-present={word}, or roll back",
        fallback="the previous deployment in the boot menu",
        traps=("only the next deployment has the change",),
        configured=("bls",),
        mark="CONFIRMED",
        source=("coreos/rpm-ostree:man/rpm-ostree.xml",),
    ),
    LoaderRow(
        name="bootc",
        distros="systems that are container images",
        drives=frozenset(),
        edit="a file in usr/lib/bootc/kargs.d of the image that is built",
        regenerate=(),
        verify="/proc/cmdline after switching to the new image",
        undo="switch back to the image before",
        fallback="bootc rollback",
        traps=("the image is changed where it is built, not on the machine",),
        configured=("bls",),
        mark="CONFIRMED",
        source=("bootc-dev/bootc:docs/src/building/kernel-arguments.md",),
    ),
    LoaderRow(
        name="proxmox-boot-tool",
        distros="Proxmox VE",
        drives=frozenset(("grub", "systemd-boot")),
        edit="etc/kernel/cmdline where systemd-boot starts, etc/default/grub where GRUB does",
        regenerate=(("proxmox-boot-tool", "refresh"),),
        verify="proxmox-boot-tool status, then /proc/cmdline",
        undo="put the file back and refresh",
        fallback="another kernel, pinned for one boot with proxmox-boot-tool kernel pin --next-boot",
        traps=(
            "its EFI system partitions are not mounted",
            "with Secure Boot it uses GRUB even on ZFS",
        ),
        configured=("proxmox",),
        mark="CONFIRMED",
        source=("proxmox/pve-docs:system-booting.adoc",),
    ),
    LoaderRow(
        name="kernelstub",
        distros="Pop!_OS",
        drives=frozenset(("systemd-boot",)),
        edit="etc/kernelstub/configuration, through kernelstub",
        regenerate=(("kernelstub", "-a", "{word}"),),
        verify="kernelstub -p, then the loader entry",
        undo="kernelstub -d {word}",
        fallback="the entry of the previous kernel",
        traps=("-o replaces all options of the user",),
        configured=("bls", "kernelstub"),
        mark="CONFIRMED",
        source=("pop-os/kernelstub:README.md", "pop-os/kernelstub:kernelstub/config.py"),
    ),
    LoaderRow(
        name="limine-entry-tool",
        distros="CachyOS, Omarchy and others with Limine",
        drives=frozenset(("limine",)),
        edit='etc/limine-entry-tool.d/<own>.conf with KERNEL_CMDLINE[default]+=" …"; '
        "etc/default/limine overrides it",
        regenerate=(("limine-mkinitcpio",), ("limine-update",)),
        verify="the cmdline lines of limine.conf, which must still hold root=",
        undo="delete the drop-in and regenerate",
        fallback="a snapshot entry or the fallback entry",
        traps=(
            "the text after += needs a blank in front",
            "root= was lost in real cases",
            "in a chroot the command line of the running system may be taken",
        ),
        configured=("limine.conf",),
        mark="REPORTED",
        source=("CachyOS/wiki#115", "omacom/omarchy#9826", "omacom/omarchy#11881"),
    ),
    LoaderRow(
        name="sdboot-manage",
        distros="CachyOS with systemd-boot",
        drives=frozenset(("systemd-boot",)),
        edit="LINUX_OPTIONS in etc/sdboot-manage.conf",
        regenerate=(("sdboot-manage", "gen"),),
        verify="the options lines in loader/entries",
        undo="put the file back and generate",
        fallback="the fallback entry or the one of the LTS kernel",
        traps=(),
        configured=("bls",),
        mark="CONFIRMED",
        source=("CachyOS/wiki:boot_manager_configuration", "CachyOS/systemd-boot-manager:README.md"),
    ),
    LoaderRow(
        name="sdbootutil",
        distros="openSUSE with systemd-boot or grub2-bls",
        drives=frozenset(("systemd-boot", "grub")),
        edit="etc/kernel/cmdline, or a file in etc/kernel/cmdline.d",
        regenerate=(("sdbootutil", "update-all-entries"),),
        verify="sdbootutil list, and the options of each entry",
        undo="put the file back and update all entries, or go back to a snapper snapshot",
        fallback="the entry of an older snapshot",
        traps=("without the file it takes usr/lib/kernel/cmdline, then the running command line",),
        configured=("bls", "etc/kernel/cmdline"),
        mark="CONFIRMED",
        source=("openSUSE/sdbootutil:sdbootutil",),
    ),
    LoaderRow(
        name="zfsbootmenu",
        distros="ZFS roots",
        drives=frozenset(),
        edit="the ZFS property org.zfsbootmenu:commandline of the boot environment or its parent",
        regenerate=(),
        verify="zfs get org.zfsbootmenu:commandline",
        undo="zfs set the old value, or zfs inherit",
        fallback="another boot environment; the line can be edited in the menu",
        traps=("%{parent} brings in what is inherited; without it those options go",),
        configured=(),
        mark="CONFIRMED",
        source=(
            "zbm-dev/zfsbootmenu:docs/index.rst",
            "zbm-dev/zfsbootmenu:docs/man/dist/man7/zfsbootmenu.7",
        ),
    ),
    LoaderRow(
        name="uki-mkinitcpio",
        distros="Arch with unified kernel images",
        drives=frozenset(("systemd-boot", "refind", "limine", "direct")),
        edit="the first that exists of etc/kernel/cmdline, usr/lib/kernel/cmdline, etc/cmdline.d/*.conf",
        regenerate=(("mkinitcpio", "-P"),),
        verify="the .cmdline section of the image",
        undo="put the file back or delete the drop-in, and build again",
        fallback="a second image that was built before the change",
        traps=(
            "with Secure Boot the menu cannot override a line inside the image",
            "without any of the files the running command line goes in",
        ),
        configured=("etc/kernel/cmdline", "usr/lib/kernel/cmdline", "etc/cmdline.d"),
        mark="CONFIRMED",
        source=("archlinux/mkinitcpio v41:man/mkinitcpio.8.adoc", "systemd 252:sd-stub(7)"),
    ),
    LoaderRow(
        name="uki-dracut",
        distros="systems with unified kernel images by dracut (uefi=yes)",
        drives=frozenset(("systemd-boot", "refind", "limine", "direct")),
        edit="kernel_cmdline in etc/dracut.conf.d/<own>.conf",
        regenerate=(("dracut", "--force", "--regenerate-all"),),
        verify="the .cmdline section of the image",
        undo="delete the file and build again",
        fallback="a second image that was built before the change",
        traps=(
            "setting kernel_cmdline where nothing set it drops what dracut finds out by itself",
            "with Secure Boot the menu cannot override a line inside the image",
        ),
        configured=(),
        mark="CONFIRMED",
        source=("Debian dracut-core 059:usr/bin/dracut", "dracut-ng/dracut-ng:dracut.sh"),
    ),
    LoaderRow(
        name="uki-addon",
        distros="any with a systemd-stub that takes PE addons",
        drives=frozenset(("systemd-boot", "refind", "limine", "direct")),
        edit="an addon of one's own that holds only a .cmdline section",
        regenerate=(("ukify", "build"),),
        verify="/proc/cmdline after the reboot",
        undo="delete the addon",
        fallback="delete the addon from a live system",
        traps=("several addons are appended in the order of their file names",),
        configured=(),
        mark="CONFIRMED",
        source=("uapi-group/specifications:specs/unified_kernel_image.md",),
    ),
    LoaderRow(
        name="grub-bls",
        distros="Fedora, RHEL, CentOS Stream and relatives",
        drives=frozenset(("grub",)),
        edit="the entries through grubby, with GRUB_CMDLINE_LINUX and etc/kernel/cmdline kept in step",
        regenerate=(("grubby", "--update-kernel=ALL", "--args={word}"),),
        verify="grubby --info=ALL",
        undo="grubby --update-kernel=ALL --remove-args={word}",
        fallback="an older kernel's entry that was left out, or the rescue entry",
        traps=(
            "grub2-mkconfig leaves the entries alone unless --update-bls-cmdline is given (2023-07)",
            "a kernel installed before the reboot can lose the change",
            "early RHEL 8 keeps the options in kernelopts of grubenv",
        ),
        configured=("bls",),
        mark="REPORTED",
        source=("rhboot/grub2#126", "rhboot/grubby#55", "openstack-k8s-operators/edpm-ansible#650"),
    ),
    LoaderRow(
        name="systemd-boot-kernel-install",
        distros="Fedora with systemd-boot, Debian with systemd-boot, EndeavourOS, Gentoo",
        drives=frozenset(("systemd-boot",)),
        edit="etc/kernel/cmdline: the whole line, root= included",
        regenerate=(("kernel-install", "add", "{release}", "{image}"),),
        verify="the options line of each entry",
        undo="put the saved etc/kernel/cmdline back and install each kernel again",
        fallback="the entry of another kernel, or the editor in the menu",
        traps=(
            "without the file the running command line is taken, so what was typed once stays",
            "a line without root= makes the next kernel unbootable",
        ),
        configured=("bls", "etc/kernel/cmdline", "usr/lib/kernel/cmdline"),
        mark="CONFIRMED",
        source=(
            "systemd 252:90-loaderentry.install",
            "systemd 252:kernel-install(8)",
            "systemd/systemd#18456",
        ),
    ),
    LoaderRow(
        name="grub-mkconfig",
        distros="Debian, Ubuntu, Mint, Arch, openSUSE with grub2, Proxmox on GRUB",
        drives=frozenset(("grub",)),
        edit="etc/default/grub.d/<own>.cfg where grub-mkconfig reads that folder, "
        "else GRUB_CMDLINE_LINUX_DEFAULT in etc/default/grub",
        regenerate=(
            ("update-grub",),
            ("grub-mkconfig", "-o", "/boot/grub/grub.cfg"),
            ("grub2-mkconfig", "-o", "/boot/grub2/grub.cfg"),
        ),
        verify="the linux lines of grub.cfg",
        undo="delete the drop-in and regenerate",
        fallback="the recovery entry, which takes GRUB_CMDLINE_LINUX only",
        traps=(
            "drop-ins are shell: append to the variable instead of setting it",
            "normal entries get GRUB_CMDLINE_LINUX and GRUB_CMDLINE_LINUX_DEFAULT, one after the other",
        ),
        configured=("grub.cfg",),
        mark="CONFIRMED",
        source=("Debian grub-common 2.06:grub-mkconfig", "Debian grub-common 2.06:etc/grub.d/10_linux"),
    ),
    LoaderRow(
        name="limine",
        distros="Limine set up by hand",
        drives=frozenset(("limine",)),
        edit="cmdline of an entry in limine.conf",
        regenerate=(),
        verify="the limine.conf that is really used",
        undo="put the file back",
        fallback="a copy of the entry without the change",
        traps=(
            "the first limine.conf that is found wins, and a stale copy hides the others",
            "an enrolled hash of the configuration refuses every edit",
            "from 10.3 the folder of the EFI binary is searched first (reported)",
        ),
        configured=("limine.conf",),
        mark="CONFIRMED",
        source=("limine-bootloader/limine:CONFIG.md (8.x)", "openSUSE limine.changes 10.3.0"),
    ),
    LoaderRow(
        name="refind",
        distros="any",
        drives=frozenset(("refind",)),
        edit="the options in the first line of boot/refind_linux.conf",
        regenerate=(),
        verify="/proc/cmdline after the reboot",
        undo="put the file back",
        fallback="the other lines of the file, which are in the submenu",
        traps=("where rEFInd starts GRUB or a unified image, this file is not used (unsourced)",),
        configured=("refind_linux.conf",),
        mark="REPORTED",
        source=("CachyOS/wiki:boot_manager_configuration",),
    ),
    LoaderRow(
        name="systemd-boot-manual-entries",
        distros="Arch by hand",
        drives=frozenset(("systemd-boot",)),
        edit="the options line of each chosen entry in loader/entries",
        regenerate=(),
        verify="bootctl list",
        undo="put the entry back",
        fallback="a copy of the untouched entry under another name",
        traps=("several options lines are joined (unsourced)",),
        configured=("bls",),
        mark="REPORTED",
        source=("systemd 252:systemd-boot(7)",),
    ),
    LoaderRow(
        name="efistub-nvram",
        distros="set up by hand",
        drives=frozenset(("direct",)),
        edit="a new boot entry of the firmware, made with efibootmgr",
        regenerate=(),
        verify="efibootmgr -v",
        undo="delete the new entry",
        fallback="the old entry, kept in its place",
        traps=("never change the only entry: make a second one and try it with BootNext",),
        configured=(),
        mark="UNSOURCED",
        source=("none read",),
    ),
)
"""In the order in which they are looked for; ``uki-addon`` is a means and never the answer."""

LOADER_PROOFS: tuple[Proof, ...] = (
    Proof("nixos", (_path("etc/NIXOS"),)),
    Proof("nixos", (Sign("os", (), "nixos"),)),
    Proof("rpm-ostree", (_path("run/ostree-booted"), _tool("rpm-ostree"))),
    Proof("rpm-ostree", (_word("ostree="), _tool("rpm-ostree"))),
    Proof("bootc", (_path("run/ostree-booted"), _tool("bootc"))),
    Proof("bootc", (_word("ostree="), _tool("bootc"))),
    Proof("proxmox-boot-tool", (_path("etc/kernel/proxmox-boot-uuids"),)),
    Proof("proxmox-boot-tool", (_tool("proxmox-boot-tool"), _info("systemd-boot"))),
    Proof("proxmox-boot-tool", (_tool("proxmox-boot-tool"), _word("initrd=\\EFI\\proxmox"))),
    Proof("kernelstub", (_tool("kernelstub"),)),
    Proof("kernelstub", (_path("etc/kernelstub/configuration"),)),
    Proof("limine-entry-tool", (_path("etc/default/limine"),)),
    Proof("limine-entry-tool", (_tool("limine-mkinitcpio", "limine-update"),)),
    Proof("sdboot-manage", (_path("etc/sdboot-manage.conf"),)),
    Proof("sdbootutil", (_tool("sdbootutil"), _info("systemd-boot"))),
    Proof(
        "sdbootutil",
        (
            _tool("sdbootutil"),
            Sign(
                "line",
                ("etc/sysconfig/bootloader",),
                r"LOADER_TYPE=[\"']?(systemd-boot|grub2-bls)\b",
                "LOADER_TYPE=",
            ),
        ),
    ),
    Proof("sdbootutil", (_tool("sdbootutil"), _VERSIONED, Sign("absent", GRUB_CFG))),
    Proof("zfsbootmenu", (_word("zbm."),)),
    Proof(
        "zfsbootmenu",
        (
            Sign("word-with", ("root=",), "zfs"),
            Sign("no-word", (), "BOOT_IMAGE="),
            Sign("no-word", (), "initrd="),
            _path(
                "etc/zfsbootmenu",
                "usr/bin/generate-zbm",
                *_esp("EFI/zbm", "EFI/ZBM", "EFI/zfsbootmenu"),
            ),
        ),
    ),
    Proof(
        "uki-mkinitcpio",
        (
            Sign("line", ("etc/mkinitcpio.d/*.preset",), r"\s*\w+_uki=[\"']?[^\"'\s]", "_uki="),
            Sign("no-word", (), "initrd="),
        ),
    ),
    Proof(
        "uki-dracut",
        (
            Sign("line", ("etc/dracut.conf", "etc/dracut.conf.d/*.conf"), r"\s*uefi=[\"']?yes\b", "uefi="),
            _tool("dracut"),
            Sign("no-word", (), "initrd="),
            Sign("no-word", (), "BOOT_IMAGE="),
        ),
    ),
    Proof("grub-bls", (Sign("line", ("etc/default/grub",), _BLSCFG, "GRUB_ENABLE_BLSCFG="),)),
    Proof("grub-bls", (Sign("glob", ("boot/loader/entries",), "*.conf"), _tool("grubby"))),
    Proof("systemd-boot-kernel-install", (_info("systemd-boot"), _VERSIONED)),
    Proof(
        "systemd-boot-kernel-install", (_info("systemd-boot"), _path("etc/kernel/postinst.d/zz-systemd-boot"))
    ),
    Proof(
        "systemd-boot-kernel-install",
        (_info("systemd-boot"), Sign("glob", ("usr/share/libalpm/hooks",), "*kernel-install*")),
    ),
    Proof(
        "systemd-boot-kernel-install",
        (_info("systemd-boot"), Sign("line", ("etc/kernel/install.conf",), r"layout=(bls|uki)\b", "layout=")),
    ),
    Proof("systemd-boot-kernel-install", (_info("systemd-boot"), Sign("os", (), "fedora"))),
    Proof("systemd-boot-kernel-install", (_tool("kernel-install"), _VERSIONED)),
    Proof(
        "grub-mkconfig",
        (_path(*GRUB_CFG), Sign("no-line", ("etc/default/grub",), _BLSCFG, "GRUB_ENABLE_BLSCFG=")),
    ),
    Proof("grub-mkconfig", (_info("grub"), _tool("grub-mkconfig", "grub2-mkconfig", "update-grub"))),
    Proof("grub-mkconfig", (_word("BOOT_IMAGE="), _tool("grub-mkconfig", "grub2-mkconfig", "update-grub"))),
    Proof("limine", (_path(*LIMINE_CONF),)),
    Proof("refind", (_path("boot/refind_linux.conf"),)),
    Proof("refind", (_info("refind"),)),
    Proof("systemd-boot-manual-entries", (_info("systemd-boot"), _OTHER)),
    Proof("systemd-boot-manual-entries", (_path(*_esp("loader/loader.conf")), _OTHER)),
    Proof("efistub-nvram", (_word("initrd=\\"), Sign("path", ("sys/firmware/efi",)))),
)

LOADER_TRACES: tuple[Proof, ...] = (
    Proof("proxmox-boot-tool", (_tool("proxmox-boot-tool"),)),
    Proof("kernelstub", (_path("etc/kernelstub/configuration"),)),
    Proof("limine-entry-tool", (_path("etc/default/limine"),)),
    Proof("sdboot-manage", (_path("etc/sdboot-manage.conf"),)),
    Proof("sdbootutil", (_tool("sdbootutil"),)),
    Proof("zfsbootmenu", (_path("etc/zfsbootmenu"),)),
    Proof("grub-mkconfig", (_path("etc/default/grub", *GRUB_CFG),)),
    Proof("limine", (_path(*LIMINE_CONF[:2]),)),
    Proof("refind", (_path("boot/refind_linux.conf"),)),
    Proof("systemd-boot-manual-entries", (_path(*_esp("loader/loader.conf")),)),
)
"""What shows that a loader was installed here once; it need not be the one that starts the system."""


class GeneratorRow(NamedTuple):
    """One initramfs generator, and how to get vfio-pci into its images before the GPU drivers."""

    name: str
    distros: str
    edit: str
    wants: str
    regenerate: tuple[tuple[str, ...], ...]
    inspect: tuple[str, ...]
    """The command that lists an image; empty: there is none."""
    traps: tuple[str, ...]
    mark: str
    source: tuple[str, ...]


GENERATORS: tuple[GeneratorRow, ...] = (
    GeneratorRow(
        name="nixos",
        distros="NixOS",
        edit="the Nix configuration, or a module that it imports",
        wants="boot.initrd.kernelModules with vfio_pci, vfio and vfio_iommu_type1; "
        "ids through boot.kernelParams",
        regenerate=(("nixos-rebuild", "boot"),),
        inspect=(),
        traps=(
            "systemd runs stage 1 by default from 26.05, where hooks such as preDeviceCommands are refused",
            "virtualisation.libvirtd.qemu.ovmf is refused from 25.11",
            "boot.kernelPatches takes structuredExtraConfig from 25.11",
        ),
        mark="CONFIRMED",
        source=(
            "NixOS/nixpkgs:nixos/modules/system/boot/kernel.nix",
            "NixOS/nixpkgs:nixos/modules/virtualisation/libvirtd.nix",
        ),
    ),
    GeneratorRow(
        name="ostree-prebuilt",
        distros="Silverblue, Kinoite, Bazzite, Aurora, bootc images",
        edit="kernel arguments only",
        wants="vfio-pci.ids=… and rd.driver.pre=vfio-pci on the command line",
        regenerate=(),
        inspect=("rpm-ostree", "initramfs"),
        traps=(
            "the image is built on the server and does not hold this machine's etc/modprobe.d",
            "Bazzite forces the vfio modules by a drop-in of its own",
        ),
        mark="CONFIRMED",
        source=(
            "coreos/rpm-ostree:man/rpm-ostree.xml",
            "ublue-os/bazzite:system_files/desktop/shared/usr/lib/dracut/dracut.conf.d/80-vfio.conf",
        ),
    ),
    GeneratorRow(
        name="mkinitcpio",
        distros="Arch and relatives",
        edit="etc/mkinitcpio.conf.d/<own>.conf, or MODULES in etc/mkinitcpio.conf",
        wants="MODULES holds vfio_pci, vfio and vfio_iommu_type1 ahead of GPU drivers, "
        "and HOOKS holds modconf",
        regenerate=(("mkinitcpio", "-P"),),
        inspect=("lsinitcpio", "{image}"),
        traps=(
            "a drop-in replaces the list unless it says MODULES+=",
            "the hook kms, there by default, brings the GPU drivers into early boot",
            "vfio_virqfd is no module from Linux 6.2: an error is shown, and the image is made all the same",
            "with unified images the path is in <preset>_uki and the command line is inside",
        ),
        mark="CONFIRMED",
        source=(
            "archlinux/mkinitcpio v41:man/mkinitcpio.conf.5.adoc",
            "archlinux/mkinitcpio v41:install/modconf",
            "archlinux/mkinitcpio v41:install/kms",
            "HikariKnight/quickpassthrough#29",
        ),
    ),
    GeneratorRow(
        name="booster",
        distros="Arch (optional), Void",
        edit="etc/booster.yaml",
        wants="modules_force_load: vfio_pci,vfio,vfio_iommu_type1",
        regenerate=(("/usr/lib/booster/regenerate_images",),),
        inspect=("booster", "ls", "{image}"),
        traps=(
            "of modprobe.d only the options lines are taken over",
            "strip must be false where modules are signed",
        ),
        mark="CONFIRMED",
        source=("anatol/booster:docs/manpage.md", "anatol/booster:generator/kmod.go"),
    ),
    GeneratorRow(
        name="initramfs-tools",
        distros="Debian up to 13, Ubuntu up to 25.04, Proxmox, Mint, Pop!_OS",
        edit="etc/initramfs-tools/modules",
        wants="vfio, vfio_iommu_type1 and vfio_pci, each on its own line; options may follow the name",
        regenerate=(("update-initramfs", "-u", "-k", "all"),),
        inspect=("lsinitramfs", "{image}"),
        traps=(
            "softdep lines are needed as well, since udev in the image may load the GPU drivers",
            "modprobe.d is copied when the image is built: build again after each change",
            "etc/modules counts only after the real root is there",
        ),
        mark="CONFIRMED",
        source=(
            "Debian initramfs-tools-core 0.142:mkinitramfs, initramfs.conf(5), initramfs-tools(7)",
            "proxmox/pve-docs:qm-pci-passthrough.adoc",
        ),
    ),
    GeneratorRow(
        name="dracut",
        distros="Fedora, RHEL, openSUSE, EndeavourOS, Ubuntu from 25.10, Debian after 13",
        edit="etc/dracut.conf.d/<own>.conf",
        wants='force_drivers+=" vfio_pci vfio vfio_iommu_type1 ", with the blanks inside the quotes',
        regenerate=(("dracut", "--force", "--regenerate-all"),),
        inspect=("lsinitrd", "{image}"),
        traps=(
            "add_drivers only puts a module in; force_drivers also loads it before udev",
            "vfio_virqfd is no module from Linux 6.2, and naming it stops the image",
            "kernel_cmdline in dracut.conf is for the initrd alone",
            "without host-only mode etc/modprobe.d stays out of the image",
            "Debian and Ubuntu call the image initrd.img-<kernel>",
        ),
        mark="CONFIRMED",
        source=(
            "dracut-ng/dracut-ng:man/dracut.conf.5.adoc",
            "dracut-ng/dracut-ng:dracut.sh",
            "pavolelsig/passthrough_helper_fedora#2",
            "nextcloud/vm#2833",
            "dracut-ng/dracut-ng#1482",
        ),
    ),
)

_MKINITCPIO_HOOK = "90-mkinitcpio-install.hook"
_DRACUT_PACMAN = Sign("glob", ("usr/share/libalpm/hooks", "etc/pacman.d/hooks"), "*dracut*")
_INITRAMFS_TOOLS = (_path("usr/sbin/mkinitramfs"), _path("usr/share/initramfs-tools/hook-functions"))

GENERATOR_PROOFS: tuple[Proof, ...] = (
    Proof("nixos", (_path("etc/NIXOS"),)),
    Proof("nixos", (Sign("os", (), "nixos"),)),
    Proof("ostree-prebuilt", (_path("run/ostree-booted"),)),
    Proof("ostree-prebuilt", (_word("ostree="),)),
    Proof("booster", (_tool("booster"), Sign("word-with", ("initrd=",), "booster"))),
    Proof(
        "dracut", (_path(f"etc/pacman.d/hooks/{_MKINITCPIO_HOOK}"), _tool("dracut"), _DRACUT_PACMAN)
    ),  # a pacman hook of the same name in etc masks the packaged one
    Proof("mkinitcpio", (_tool("mkinitcpio"), Sign("glob", ("etc/mkinitcpio.d",), "*.preset"))),
    Proof("booster", (_tool("booster"), _no_tool("mkinitcpio"))),
    Proof(
        "dracut",
        (
            _path("etc/kernel/postinst.d/dracut"),
            _tool("dracut"),
            Sign("line", ("usr/sbin/update-initramfs",), r".*\bdracut\b", "dracut"),
        ),
    ),  # Debian's dracut ships an update-initramfs of its own (qualcomm-linux/qcom-deb-images#400)
    Proof("initramfs-tools", (_path("etc/kernel/postinst.d/initramfs-tools"), *_INITRAMFS_TOOLS)),
    Proof("dracut", (_path("etc/kernel/postinst.d/dracut"), _tool("dracut"))),
    Proof("initramfs-tools", (_path("usr/sbin/update-initramfs"), *_INITRAMFS_TOOLS, _no_tool("dracut"))),
    Proof("mkinitcpio", (_tool("mkinitcpio"), _no_tool("dracut", "booster"))),
    Proof("dracut", (_tool("dracut"), _DRACUT_PACMAN)),
    Proof(
        "dracut",
        (
            _tool("dracut"),
            Sign("line", ("etc/kernel/install.conf",), "initrd_generator=dracut", "initrd_generator="),
        ),
    ),
    Proof(
        "dracut",
        (_tool("dracut"), _path("usr/lib/kernel/install.d/50-dracut.install"), _no_tool("mkinitcpio")),
    ),
    Proof("dracut", (_tool("dracut"), _no_tool("mkinitramfs", "mkinitcpio", "booster"))),
)
"""A generator counts when kernel updates call it, or when it is the only one here."""


def loader(name: str) -> LoaderRow | None:
    """The row of a loader by its name, or None."""
    return next((row for row in LOADERS if row.name == name), None)


def generator(name: str) -> GeneratorRow | None:
    """The row of an initramfs generator by its name, or None."""
    return next((row for row in GENERATORS if row.name == name), None)
