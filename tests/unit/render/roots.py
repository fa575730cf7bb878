"""Roots of machines, one for each boot chain, with configuration as its distribution writes it.

The tools do what their documentation says, on the files of the root and on nothing else: shell files are
read by a shell, entries are written anew from where each tool takes its command line.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.builders import SysfsTree
from vfio_wizard.knowledge.bootchain import LOADER_INFO
from vfio_wizard.knowledge.changes import ZFS_COMMAND, ZFS_PROPERTY
from vfio_wizard.model.kargs import Kargs, split_words
from vfio_wizard.model.unread import Unread
from vfio_wizard.system.host import Command, RootHost

CARD, SOUND, KEPT = "0000:01:00.0", "0000:01:00.1", "0000:00:02.0"
TWIN, TWIN_SOUND = "0000:02:00.0", "0000:02:00.1"
MACHINE = "0123456789abcdef0123456789abcdef"
UUID = "root=UUID=4f1c2d6e-8d5b-4b58-9d0e-0d2f5a1c7e11"
RELEASE = "6.12.43-amd64"

Tool = Callable[["Root", tuple[str, ...]], None]


class TreeHost(RootHost):
    """A directory that answers the one command of ZFS."""

    zfs: str | None = None

    def run(self, command: Command) -> str | Unread:
        if command.argv == ZFS_COMMAND and self.zfs is not None:
            return self.zfs
        return super().run(command)


class Root:
    """A root directory, and the tools of its distribution."""

    def __init__(self, place: Path, release: str = RELEASE) -> None:
        self.place = place
        self.release = release
        self.tree = SysfsTree(place, release)
        self.tools: dict[str, Tool] = {}
        self.zfs: str | None = None
        self.runs: list[tuple[str, ...]] = []
        self._cards()

    def _cards(self) -> None:
        alias = "alias pci:v000010DEd*sv*sd*bc03sc*i* nouveau"
        sound = "alias pci:v*d*sv*sd*bc04sc03i00* snd_hda_intel"
        self.tree.aliases(alias, sound)
        self.put(f"lib/modules/{self.release}/modules.builtin", "")
        self.put(f"lib/modules/{self.release}/kernel/drivers/vfio/pci/vfio-pci.ko", "")
        self.tree.pci(KEPT, vendor=0x8086, device=0x4680, cls=0x030000, driver="i915", group=1, boot_vga=True)
        self.card(CARD, SOUND, 5)

    def card(self, card: str, sound: str, group: int, driver: str = "nouveau") -> Root:
        """A graphics card with its sound; the same model each time."""
        sub = (0x1458, 0x4052)
        self.tree.pci(
            card, vendor=0x10DE, device=0x2484, cls=0x030000, subsystem=sub, driver=driver, group=group
        )
        kept = "snd_hda_intel" if driver == "nouveau" else driver
        self.tree.pci(
            sound, vendor=0x10DE, device=0x228B, cls=0x040300, subsystem=sub, driver=kept, group=group
        )
        return self

    def put(self, path: str, text: str = "") -> Root:
        self.tree.file(path, text.encode("utf-8", "surrogateescape"))
        return self

    def text(self, path: str) -> str:
        return (self.place / path).read_bytes().decode("utf-8", "surrogateescape")

    def has(self, path: str) -> bool:
        return (self.place / path).exists()

    def running(self, line: str, loader: str | None = None) -> Root:
        """The machine runs with this line; ``loader`` is what it left in the EFI variable."""
        self.put("proc/cmdline", line + "\n").put("proc/sys/kernel/osrelease", self.release + "\n")
        self.tree.directory("sys/firmware")
        if loader is not None:
            self.tree.directory("sys/firmware/efi/efivars")
            self.tree.file(LOADER_INFO, b"\x06\x00\x00\x00" + (loader + "\0").encode("utf-16-le"))
        return self

    def os(self, identity: str, like: str = "") -> Root:
        return self.put("etc/os-release", f'ID={identity}\nID_LIKE="{like}"\nPRETTY_NAME="{identity}"\n')

    def tool(self, name: str, does: Tool | None = None, text: str = "#!/bin/sh\n") -> Root:
        place = "usr/bin" if name in _IN_BIN else "usr/sbin"
        self.put(f"{place}/{name}", text)
        self.tools[name] = does or (lambda _root, _argv: None)
        return self

    @property
    def host(self) -> RootHost:
        host = TreeHost(str(self.place))
        host.zfs = self.zfs
        return host

    def run(self, argv: tuple[str, ...]) -> None:
        """A command of a change, done to this root. A tool that the distribution lacks is an error."""
        self.runs.append(argv)
        self.tools[argv[0].rpartition("/")[2]](self, argv)

    def entries(self, folder: str) -> Iterator[str]:
        for path in sorted((self.place / folder).glob("*.conf")):
            yield f"{folder}/{path.name}"


_IN_BIN = frozenset(
    ("bootctl", "booster", "dracut", "generate-zbm", "grubby", "kernel-install", "kernelstub")
) | frozenset(
    ("limine-mkinitcpio", "mkinitcpio", "rpm-ostree", "sdboot-manage", "sdbootutil", "ukify", "zfs")
)


# --- what the tools do ----------------------------------------------------------------------------


def shell_value(root: Root, files: list[str], name: str) -> str:
    """What a shell has in a variable after it has read the files."""
    lines = ["declare -A KERNEL_CMDLINE"]
    lines += [f". '{root.place / path}'" for path in files if root.has(path)]
    script = "\n".join([*lines, f'printf %s "${{{name}}}"'])
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=True, timeout=20)
    return done.stdout.decode("utf-8", "surrogateescape")


def grub_menu(target: str, folder: bool) -> Tool:
    """grub-mkconfig: the normal entry with both variables, the recovery entry with one."""

    def run(root: Root, _argv: tuple[str, ...]) -> None:
        files = ["etc/default/grub"]
        if folder:
            found = sorted((root.place / "etc/default/grub.d").glob("*.cfg"))
            files += [f"etc/default/grub.d/{path.name}" for path in found]
        every = shell_value(root, files, "GRUB_CMDLINE_LINUX")
        normal = shell_value(root, files, "GRUB_CMDLINE_LINUX_DEFAULT")
        root.put(target, grub_cfg(root.release, f"{every} {normal}", every))

    return run


def grub_cfg(release: str, words: str, recovery: str = "") -> str:
    """A generated menu."""
    return (
        'set default="0"\n'
        f"menuentry 'Linux' --class os $menuentry_id_option 'simple' {{\n\tlinux\t/boot/vmlinuz-{release} "
        f"{UUID} ro {' '.join(words.split())}\n}}\n"
        "submenu 'Advanced options' $menuentry_id_option 'advanced' {\n"
        f"\tmenuentry 'Linux (recovery mode)' $menuentry_id_option 'recovery' {{\n"
        f"\t\tlinux\t/boot/vmlinuz-{release} {UUID} ro single {' '.join(recovery.split())}\n\t}}\n}}\n"
    )


def grubby(root: Root, argv: tuple[str, ...]) -> None:
    """All entries at once."""
    assert "--update-kernel=ALL" in argv
    for path in root.entries("boot/loader/entries"):
        add, gone = _grubby_words(argv)
        root.put(path, _with_options(root.text(path), add, gone))


def _grubby_words(argv: tuple[str, ...]) -> tuple[list[str], list[str]]:
    found = {word.partition("=")[0]: word.partition("=")[2].split() for word in argv[1:]}
    return found.get("--args", []), found.get("--remove-args", [])


def _with_options(text: str, add: list[str], gone: list[str]) -> str:
    def change(match: re.Match[str]) -> str:
        words = [one for one in match[2].split() if one not in gone and one not in add]
        return match[1] + " ".join([*words, *add])

    return re.sub(r"(?m)^(options\s+)(.*)$", change, text)


def kernel_install(esp: str) -> Tool:
    """90-loaderentry.install, and 60-ukify.install where the layout says so."""

    def run(root: Root, argv: tuple[str, ...]) -> None:
        assert argv[1] == "add"
        release, image = argv[2], argv[3]
        assert root.has(image.lstrip("/")), image
        for path in ("etc/kernel/cmdline", "usr/lib/kernel/cmdline", "proc/cmdline"):
            if root.has(path):
                words = root.text(path).split()
                break
        if root.has("etc/kernel/install.conf") and "layout=uki" in root.text("etc/kernel/install.conf"):
            root.put(f"{esp}/EFI/Linux/{MACHINE}-{release}.efi", f"unified: {' '.join(words)}")
            return
        words = [one for one in words if not one.startswith(("BOOT_IMAGE=", "initrd="))]
        root.put(f"{esp}/loader/entries/{MACHINE}-{release}.conf", bls(" ".join(words), release))

    return run


def bls(options: str, release: str = RELEASE, title: str = "Linux") -> str:
    """An entry as kernel-install writes it."""
    return (
        f"# Boot Loader Specification type#1 entry\ntitle      {title}\nversion    {release}\n"
        f"machine-id {MACHINE}\nsort-key   debian\noptions    {options}\n"
        f"linux      /{MACHINE}/{release}/linux\ninitrd     /{MACHINE}/{release}/initrd.img-{release}\n"
    )


def mkinitcpio_image(root: Root, _argv: tuple[str, ...]) -> None:
    """A unified image takes the first of its sources that exists."""
    folder = sorted((root.place / "etc/cmdline.d").glob("*.conf")) if root.has("etc/cmdline.d") else []
    for path in ("etc/kernel/cmdline", "usr/lib/kernel/cmdline"):
        if root.has(path):
            root.put("efi/EFI/Linux/arch-linux.efi", f"unified: {root.text(path)}")
            return
    texts = [path.read_text(encoding="utf-8") for path in folder]
    kept = [line for text in texts for line in text.splitlines() if not line.startswith("#")]
    root.put("efi/EFI/Linux/arch-linux.efi", f"unified: {' '.join(kept)}")


def dracut_image(root: Root, argv: tuple[str, ...]) -> None:
    """With uefi=yes the line is kernel_cmdline; the next boot runs with it."""
    if "--regenerate-all" not in argv:
        assert root.has(argv[2].lstrip("/"))
        return
    files = [
        f"etc/dracut.conf.d/{path.name}" for path in sorted((root.place / "etc/dracut.conf.d").glob("*.conf"))
    ]
    if shell_value(root, files, "uefi") == "yes":
        root.put("proc/cmdline", shell_value(root, files, "kernel_cmdline") + "\n")


def limine_tool(root: Root, _argv: tuple[str, ...]) -> None:
    """The layers of limine-entry-tool, then limine.conf anew."""
    files = ["etc/limine-entry-tool.conf"]
    files += [
        f"etc/limine-entry-tool.d/{path.name}"
        for path in sorted((root.place / "etc/limine-entry-tool.d").glob("*.conf"))
    ]
    line = shell_value(root, [*files, "etc/default/limine"], "KERNEL_CMDLINE[default]")
    text = re.sub(r"(?m)^(\s*cmdline: ).*$", lambda match: match[1] + line, root.text("boot/limine.conf"))
    root.put("boot/limine.conf", text)


def sdboot_manage(root: Root, argv: tuple[str, ...]) -> None:
    """Its entries anew; all others go, as by default."""
    assert argv == ("sdboot-manage", "gen")
    normal = shell_value(root, ["etc/sdboot-manage.conf"], "LINUX_OPTIONS")
    fallback = shell_value(root, ["etc/sdboot-manage.conf"], "LINUX_FALLBACK_OPTIONS")
    for path in list(root.entries("boot/loader/entries")):
        (root.place / path).unlink()
    for name, words in (("linux-cachyos", normal), ("linux-cachyos-fallback", fallback)):
        root.put(
            f"boot/loader/entries/{name}.conf",
            f"title\tCachyOS\nlinux\t/vmlinuz\noptions\t{UUID} rw {words}\n",
        )


def sdbootutil(root: Root, argv: tuple[str, ...]) -> None:
    """All entries take the line of the file."""
    assert argv[1:] in (("update-all-entries",), ("mkinitrd",))
    words = " ".join(root.text("etc/kernel/cmdline").split())
    for path in root.entries("boot/efi/loader/entries"):
        root.put(path, re.sub(r"(?m)^options\s.*$", f"options    {words}", root.text(path)))


def kernelstub(root: Root, argv: tuple[str, ...]) -> None:
    """The options of the user, and the entry of the current kernel from them."""
    path = "etc/kernelstub/configuration"
    told = json.loads(root.text(path))
    options = told["user"]["kernel_options"]
    change = {"-a": lambda: options.append(argv[2]), "-d": lambda: options.remove(argv[2])}
    change[argv[1]]()
    root.put(path, json.dumps(told, indent=2))
    entry = "boot/efi/loader/entries/Pop_OS-current.conf"
    root.put(entry, f"title Pop!_OS\nlinux /EFI/Pop_OS/vmlinuz.efi\noptions {UUID} ro {' '.join(options)}\n")


def rpm_ostree(root: Root, argv: tuple[str, ...]) -> None:
    """A new deployment with other arguments; the old one stays behind it."""
    if argv[1] != "kargs":
        return
    older = root.text("boot/loader/entries/ostree-2.conf")
    line = Kargs.parse(re.findall(r"(?m)^options (.*)$", older)[0])
    for word in argv[2:]:
        how, _, what = word.partition("=")
        line = line.append_if_missing(what) if how == "--append-if-missing" else line.delete_if_present(what)
    root.put("boot/loader/entries/ostree-1.conf", older.replace("version 2", "version 1"))
    root.put("boot/loader/entries/ostree-2.conf", re.sub(r"(?m)^options .*$", f"options {line}", older))


def zfs(root: Root, argv: tuple[str, ...]) -> None:
    """The property is set, and is local from then on."""
    assert argv[:2] == ("zfs", "set")
    value = argv[2].removeprefix(f"{ZFS_PROPERTY}=")
    root.zfs = f"zroot\t-\t-\n{argv[3]}\t{value}\tlocal"


def copy(root: Root, argv: tuple[str, ...]) -> None:
    """cp of one file."""
    root.put(argv[-1].lstrip("/"), root.text(argv[-2].lstrip("/")))


# --- the machines ---------------------------------------------------------------------------------

DEBIAN_GRUB = """\
# If you change this file, run 'update-grub' afterwards to update
# /boot/grub/grub.cfg.
# For full documentation of the options in this file, see:
#   info -f grub -n 'Simple configuration'

GRUB_DEFAULT=0
GRUB_TIMEOUT=5
GRUB_DISTRIBUTOR=`( . /etc/os-release; echo ${NAME:-Debian} ) 2>/dev/null || echo Debian`
GRUB_CMDLINE_LINUX_DEFAULT="quiet"
GRUB_CMDLINE_LINUX=""

# If your computer has multiple operating systems installed, then you
# probably want to run os-prober.
#GRUB_DISABLE_OS_PROBER=false

# Uncomment to disable graphical terminal
#GRUB_TERMINAL=console
"""
ARCH_GRUB = """\
# GRUB boot loader configuration

GRUB_DEFAULT=0
GRUB_TIMEOUT=5
GRUB_DISTRIBUTOR="Arch"
GRUB_CMDLINE_LINUX_DEFAULT='loglevel=3 quiet'  # mine
GRUB_CMDLINE_LINUX=""

# Preload both GPT and MBR modules so that they are not missed
GRUB_PRELOAD_MODULES="part_gpt part_msdos"

# Uncomment to disable generation of recovery mode menu entries
GRUB_DISABLE_RECOVERY=true
"""
OPENSUSE_GRUB = """\
# Modified by YaST2. Last modification on Mo 6. Okt 09:13:12 CEST 2025
GRUB_DISTRIBUTOR=
GRUB_DEFAULT=saved
GRUB_HIDDEN_TIMEOUT=0
GRUB_TIMEOUT=8
GRUB_CMDLINE_LINUX_DEFAULT="splash=silent mitigations=auto quiet intel_iommu=off"
GRUB_CMDLINE_LINUX=""
GRUB_TERMINAL="gfxterm"
GRUB_DISABLE_RECOVERY="true"
"""
GENTOO_GRUB = """\
# Copyright 1999-2024 Gentoo Authors
GRUB_DISTRIBUTOR="Gentoo"
_mine="nowatchdog"
export GRUB_CMDLINE_LINUX_DEFAULT="$_mine"
GRUB_CMDLINE_LINUX_DEFAULT+=" quiet"
#GRUB_TERMINAL=console"""
FEDORA_GRUB = """\
GRUB_TIMEOUT=5
GRUB_DISTRIBUTOR="$(sed 's, release .*$,,g' /etc/system-release)"
GRUB_DEFAULT=saved
GRUB_DISABLE_SUBMENU=true
GRUB_TERMINAL_OUTPUT="console"
GRUB_CMDLINE_LINUX="rhgb quiet"
GRUB_DISABLE_RECOVERY="true"
GRUB_ENABLE_BLSCFG=true
"""
UBUNTU_CLOUD = """\
# Cloud Image specific Grub settings for Generic Cloud Images
GRUB_TIMEOUT=0
GRUB_CMDLINE_LINUX_DEFAULT="console=tty1 console=ttyS0"
"""
MKCONFIG = "#!/bin/sh\nif test -f ${sysconfdir}/default/grub ; then\n  . ${sysconfdir}/default/grub\nfi\n"
MKCONFIG_D = (
    MKCONFIG
    + 'for x in ${sysconfdir}/default/grub.d/*.cfg ; do\n  if [ -e "${x}" ]; then . "${x}"; fi\ndone\n'
)
MODULES = """\
# List of modules that you want to include in your initramfs.
# They will be loaded at boot time in the order below.
#
# Syntax:  module_name [args ...]
#
# You must run update-initramfs(8) to effect this change.
#
# Examples:
#
# raid1
# sd_mod"""
MKINITCPIO = """\
# vim:set ft=sh:
# MODULES
MODULES=()
BINARIES=()
FILES=()
HOOKS=(base udev autodetect microcode modconf kms keyboard keymap consolefont block filesystems fsck)
#COMPRESSION="zstd"
"""
SDBOOT_MANAGE = """\
# Config file for sdboot-manage

# kernel options to be appended to the "options" line
LINUX_OPTIONS="quiet nowatchdog"
#LINUX_FALLBACK_OPTIONS=""

DEFAULT_ENTRY="manual"
"""
BOOSTER = "universal: false\nmodules: hid_apple\nmodules_force_load: nvme # the disk\ncompression: zstd\n"


def _initramfs_tools(root: Root) -> Root:
    root.put("etc/initramfs-tools/modules", MODULES).put("usr/sbin/mkinitramfs")
    root.put("usr/share/initramfs-tools/hook-functions").put("etc/kernel/postinst.d/initramfs-tools")
    return root.put("etc/initramfs-tools/initramfs.conf", "MODULES=most\n").tool("update-initramfs")


def _grub(root: Root, folder: bool, target: str = "boot/grub/grub.cfg", name: str = "grub-mkconfig") -> Root:
    root.tool(name, grub_menu(target, folder), MKCONFIG_D if folder else MKCONFIG)
    root.tools[name](root, ())
    words = re.findall(r"(?m)^\tlinux\t(\S+) (.*)$", root.text(target))[0]
    return root.running(f"BOOT_IMAGE={words[0]} {words[1]}")


def _kernel(root: Root) -> Root:
    return root.put(f"boot/vmlinuz-{root.release}").put(f"boot/initrd.img-{root.release}")


def debian_12_grub(place: Path) -> Root:
    root = _kernel(_initramfs_tools(Root(place).os("debian"))).put("etc/default/grub", DEBIAN_GRUB)
    root = _grub(root, folder=True)
    return root.tool("update-grub", grub_menu("boot/grub/grub.cfg", folder=True))


def ubuntu_26_grub_dracut(place: Path) -> Root:
    root = _kernel(Root(place).os("ubuntu", "debian")).put("etc/default/grub", DEBIAN_GRUB)
    root.put("etc/default/grub.d/50-cloudimg-settings.cfg", UBUNTU_CLOUD).tool("dracut", dracut_image)
    root.put("etc/kernel/postinst.d/dracut")
    root = _grub(root, folder=True)
    return root.tool("update-grub", grub_menu("boot/grub/grub.cfg", folder=True))


def arch_grub(place: Path) -> Root:
    root = Root(place, "6.17.1-arch1-1").os("arch").put("etc/default/grub", ARCH_GRUB)
    root.put("boot/vmlinuz-linux").put("boot/initramfs-linux.img")
    root.put("lib/modules/6.17.1-arch1-1/pkgbase", "linux\n")
    return _grub(_mkinitcpio(root), folder=False)


def _mkinitcpio(
    root: Root, preset: str = 'PRESETS=(default)\ndefault_image="/boot/initramfs-linux.img"\n'
) -> Root:
    root.put("etc/mkinitcpio.conf", MKINITCPIO).put("etc/mkinitcpio.d/linux.preset", preset)
    root.tree.directory("etc/mkinitcpio.conf.d")
    return root.tool("mkinitcpio")


def opensuse_grub(place: Path) -> Root:
    root = Root(place, "6.17.1-1-default").os("opensuse-tumbleweed", "opensuse suse")
    root.put("etc/default/grub", OPENSUSE_GRUB).put("boot/vmlinuz-6.17.1-1-default")
    root.put("boot/initrd-6.17.1-1-default").tool("dracut", dracut_image).put("etc/dracut.conf.d/10-own.conf")
    return _grub(root, folder=False, target="boot/grub2/grub.cfg", name="grub2-mkconfig")


def gentoo_grub(place: Path) -> Root:
    root = Root(place, "6.17.1-gentoo").os("gentoo").put("etc/default/grub", GENTOO_GRUB)
    root.put("boot/vmlinuz-6.17.1-gentoo").put("boot/initramfs-6.17.1-gentoo.img").tool(
        "dracut", dracut_image
    )
    return _grub(root, folder=False)


def void_grub(place: Path) -> Root:
    root = Root(place, "6.16.9_1").os("void").put("etc/default/grub", DEBIAN_GRUB.replace("\n", "\r\n"))
    root.put("boot/vmlinuz-6.16.9_1").put("boot/initramfs-6.16.9_1.img").tool("dracut", dracut_image)
    root = _grub(root, folder=False)
    return root.tool("update-grub", grub_menu("boot/grub/grub.cfg", folder=False))


def fedora_grub(place: Path) -> Root:
    release = "6.16.9-200.fc42.x86_64"
    root = Root(place, release).os("fedora").put("etc/default/grub", FEDORA_GRUB)
    root.put("boot/grub2/grub.cfg", "blscfg\n").put("etc/kernel/cmdline", f"{UUID} ro rhgb quiet\n")
    root.put(f"boot/loader/entries/{MACHINE}-{release}.conf", bls(f"{UUID} ro rhgb quiet", release, "Fedora"))
    root.put(f"boot/vmlinuz-{release}").put(f"boot/initramfs-{release}.img").tool("grubby", grubby)
    root.tool("dracut", dracut_image).tool("kernel-install").put("usr/lib/kernel/install.d/50-dracut.install")
    return root.running(f"BOOT_IMAGE=(hd0,gpt2)/vmlinuz-{release} {UUID} ro rhgb quiet", "GRUB 2.12")


def debian_13_systemd_boot(place: Path) -> Root:
    line = f"{UUID} ro quiet"
    root = _kernel(Root(place).os("debian")).tool("kernel-install", kernel_install("boot/efi"))
    root.put(f"boot/efi/loader/entries/{MACHINE}-{RELEASE}.conf", bls(f"{line} systemd.machine_id={MACHINE}"))
    root.tool("dracut", dracut_image).put("etc/kernel/postinst.d/dracut").put(
        "etc/kernel/cmdline", f"{line}\n"
    )
    root.put("boot/efi/loader/loader.conf", "timeout 3\n").put("etc/kernel/postinst.d/zz-systemd-boot")
    return root.running(f"{line} initrd=\\{MACHINE}\\{RELEASE}\\initrd", "systemd-boot 257.8-1~deb13u2")


def debian_13_without_the_file(place: Path) -> Root:
    root = debian_13_systemd_boot(place)
    (place / "etc/kernel/cmdline").unlink()
    return root


def fedora_unified(place: Path) -> Root:
    release = "6.16.9-200.fc42.x86_64"
    root = Root(place, release).os("fedora").put("etc/kernel/cmdline", f"{UUID} ro\nquiet\n")
    root.put("etc/kernel/install.conf", "layout=uki\nuki_generator=ukify\n").tool("ukify")
    root.put("etc/kernel/uki.conf", "[UKI]\nSecureBootSigningTool=sbsign\n")
    root.put(f"usr/lib/modules/{release}/vmlinuz").put(
        f"boot/efi/EFI/Linux/{MACHINE}-{release}.efi", "unified: old"
    )
    root.tool("kernel-install", kernel_install("boot/efi")).tool("dracut", dracut_image).tool("cp", copy)
    return root.running(f"{UUID} ro quiet", "systemd-boot 257")


def arch_entries(place: Path) -> Root:
    root = _mkinitcpio(Root(place, "6.17.1-arch1-1").os("arch")).put("boot/initramfs-linux.img")
    root.put("lib/modules/6.17.1-arch1-1/pkgbase", "linux\n").put("boot/vmlinuz-linux")
    lines = ("title   Arch Linux", "linux   /vmlinuz-linux", "initrd  /initramfs-linux.img")
    entry = "\r\n".join((*lines, f"options {UUID} rw quiet"))
    root.put("boot/loader/entries/arch.conf", entry).put("boot/loader/loader.conf", "default arch.conf\n")
    root.put("boot/loader/entries/windows.conf", "title Windows\nefi /EFI/Microsoft/Boot/bootmgfw.efi\n")
    return root.running(f"initrd=\\initramfs-linux.img {UUID} rw quiet", "systemd-boot 258.1-1-arch")


def arch_unified(place: Path) -> Root:
    root = _arch_unified(place).put(
        "etc/kernel/cmdline", f"# the root\n{UUID} rw\nquiet intel_iommu=off -- single\n"
    )
    return root.running(f"{UUID} rw quiet intel_iommu=off -- single", "systemd-boot 258.1-1-arch")


def arch_unified_folder(place: Path) -> Root:
    root = _arch_unified(place).put("etc/cmdline.d/root.conf", f"{UUID} rw\n")
    root.put("etc/cmdline.d/quiet.conf", "quiet amd_iommu=off")
    return root.running(f"{UUID} rw quiet amd_iommu=off", "systemd-boot 258.1-1-arch")


def _arch_unified(place: Path) -> Root:
    preset = 'PRESETS=(default)\ndefault_uki="/efi/EFI/Linux/arch-linux.efi"\n'
    root = _mkinitcpio(Root(place, "6.17.1-arch1-1").os("arch"), preset).tool("mkinitcpio", mkinitcpio_image)
    root.put("lib/modules/6.17.1-arch1-1/pkgbase", "linux\n").put("boot/vmlinuz-linux")
    return root.put("efi/EFI/Linux/arch-linux.efi", "unified: old").tool("cp", copy)


def gentoo_unified(place: Path) -> Root:
    root = Root(place, "6.17.1-gentoo").os("gentoo").tool("dracut", dracut_image).tool("cp", copy)
    root.put("etc/dracut.conf.d/uefi.conf", f'uefi="yes"\nkernel_cmdline="{UUID} rw"\n')
    root.put("efi/EFI/Linux/linux-6.17.1-gentoo.efi", "unified: old").put("efi/loader/loader.conf")
    return root.running(f"{UUID} rw", "systemd-boot 258")


def proxmox_zfs(place: Path) -> Root:
    release = "6.14.11-3-pve"
    line = "root=ZFS=rpool/ROOT/pve-1 boot=zfs"
    root = _initramfs_tools(Root(place, release).os("debian")).put("etc/kernel/cmdline", line)
    root.put("etc/kernel/proxmox-boot-uuids", "ABCD-1234\n").tool("proxmox-boot-tool")
    root.put(f"boot/vmlinuz-{release}").put(f"boot/initrd.img-{release}")
    return root.running(f"initrd=\\EFI\\proxmox\\{release}\\initrd.img {line}", "systemd-boot 252.38-1")


def proxmox_grub(place: Path) -> Root:
    root = debian_12_grub(place).put("etc/kernel/proxmox-boot-uuids", "ABCD-1234\n").tool("proxmox-boot-tool")
    root.tree.directory("sys/firmware/efi/efivars")
    return root


def pop_os(place: Path) -> Root:
    root = _kernel(_initramfs_tools(Root(place).os("pop", "ubuntu debian"))).tool("kernelstub", kernelstub)
    told = {"default": {"kernel_options": ["quiet"]}, "user": {"kernel_options": ["quiet", "splash"]}}
    root.put("etc/kernelstub/configuration", json.dumps(told, indent=2))
    root.put(
        "boot/efi/loader/entries/Pop_OS-current.conf",
        f"title Pop!_OS\nlinux /EFI/Pop_OS/vmlinuz.efi\noptions {UUID} ro quiet splash\n",
    )
    return root.running(f"initrd=\\EFI\\Pop_OS-1\\initrd.img {UUID} ro quiet splash", "systemd-boot 249.11")


LIMINE = f"""\
timeout: 5
default_entry: 2
interface_branding: CachyOS

/+CachyOS
  comment: a folder
  //linux-cachyos
    protocol: linux
    path: boot():/vmlinuz-linux-cachyos
    cmdline: {UUID} rw quiet
    module_path: boot():/initramfs-linux-cachyos.img
  //Snapshots
/Windows
  protocol: efi
  path: boot():/EFI/Microsoft/Boot/bootmgfw.efi
"""


def cachyos_limine(place: Path) -> Root:
    root = _mkinitcpio(Root(place, "6.17.1-2-cachyos").os("cachyos", "arch")).put("boot/limine.conf", LIMINE)
    root.put("boot/vmlinuz-linux-cachyos").tool("limine-mkinitcpio", limine_tool)
    root.put("etc/default/limine", f'ESP_PATH="/boot"\nKERNEL_CMDLINE[default]+="{UUID} rw quiet"\n')
    return root.running(f"{UUID} rw quiet", "Limine 9.6.3")


def cachyos_systemd_boot(place: Path) -> Root:
    root = _mkinitcpio(Root(place, "6.17.1-2-cachyos").os("cachyos", "arch"))
    conf = SDBOOT_MANAGE
    root.put("etc/sdboot-manage.conf", conf).put("boot/vmlinuz-linux-cachyos")
    root.tool("sdboot-manage", sdboot_manage).put("boot/loader/loader.conf", "default linux-cachyos.conf\n")
    root.put("boot/loader/entries/x.conf")
    sdboot_manage(root, ("sdboot-manage", "gen"))
    return root.running(
        f"initrd=\\initramfs-linux-cachyos.img {UUID} rw quiet nowatchdog", "systemd-boot 257"
    )


def opensuse_systemd_boot(place: Path) -> Root:
    release = "6.17.1-1-default"
    line = f"{UUID} splash=silent quiet"
    root = (
        Root(place, release).os("opensuse-tumbleweed", "opensuse suse").put("etc/kernel/cmdline", f"{line}\n")
    )
    root.put(
        f"boot/efi/loader/entries/system-opensuse-tumbleweed-{release}-1.conf", bls(line, release, "openSUSE")
    )
    root.put("etc/sysconfig/bootloader", 'LOADER_TYPE="systemd-boot"\n').tool("sdbootutil", sdbootutil)
    root.tool("dracut", dracut_image).tool("kernel-install").put("etc/dracut.conf.d/10-own.conf")
    root.put(f"usr/lib/modules/{release}/vmlinuz")
    return root.running(f"initrd=\\initrd {line}", "systemd-boot 257.7")


def silverblue(place: Path) -> Root:
    line = f"ostree=/ostree/boot.1/fedora/abc/0 {UUID} rw quiet intel_iommu=off"
    root = Root(place, "6.16.9-200.fc42.x86_64").os("fedora").put("run/ostree-booted")
    root.tool("rpm-ostree", rpm_ostree).tool("dracut")
    entry = f"title Fedora Linux 42\nversion 2\nlinux /ostree/fedora/vmlinuz\noptions {line}\n"
    root.put("boot/loader/entries/ostree-2.conf", entry)
    return root.running(f"BOOT_IMAGE=(hd0,gpt2)/ostree/fedora/vmlinuz {line}", "GRUB 2.12")


def arch_refind(place: Path) -> Root:
    root = _mkinitcpio(Root(place, "6.17.1-arch1-1").os("arch")).put("boot/vmlinuz-linux")
    line = f'{UUID} rw quiet dyndbg=""module x +p""'
    root.put(
        "boot/refind_linux.conf",
        f'"Boot with standard options"  "{line}"\n"Boot to single-user mode"    "{UUID} rw single"',
    )
    return root.running(f"{UUID} rw quiet initrd=boot\\initramfs-linux.img", "rEFInd 0.14.2")


def alpine_limine_booster(place: Path) -> Root:
    root = Root(place, "6.12.49-0-lts").os("alpine").put("etc/booster.yaml", BOOSTER).tool("booster")
    root.put("usr/lib/booster/regenerate_images").put("boot/limine/limine.conf", LIMINE)
    root.tools["regenerate_images"] = lambda _root, _argv: None
    return root.running(f"{UUID} rw quiet", "Limine 9.6.3")


def omarchy_limine(place: Path) -> Root:
    root = cachyos_limine(place).os("arch")
    text = f'TARGET_OS_NAME="Omarchy"\nKERNEL_CMDLINE[default]="{UUID} rw quiet amd_iommu=off"\n'
    root.put("etc/default/limine", text).run(("limine-mkinitcpio",))
    return root.running(f"{UUID} rw quiet amd_iommu=off", "Limine 9.6.3")


def void_zfsbootmenu(place: Path) -> Root:
    root = (
        Root(place, "6.16.9_1")
        .os("void")
        .put("etc/zfsbootmenu/config.yaml", "Global:\n  ManageImages: true\n")
    )
    root.put("boot/vmlinuz-6.16.9_1").put("boot/initramfs-6.16.9_1.img").tool("dracut", dracut_image)
    root.tool("generate-zbm").tool("zfs", zfs)
    root.zfs = "zroot\tquiet loglevel=4\tlocal\nzroot/ROOT/void\tquiet loglevel=4\tinherited from zroot"
    return root.running("root=zfs:zroot/ROOT/void spl_hostid=0x00bab10c quiet loglevel=4", "Linux EFI stub")


ROOTS: tuple[Callable[[Path], Root], ...] = (
    debian_12_grub,
    ubuntu_26_grub_dracut,
    arch_grub,
    opensuse_grub,
    gentoo_grub,
    void_grub,
    fedora_grub,
    debian_13_systemd_boot,
    debian_13_without_the_file,
    fedora_unified,
    arch_entries,
    arch_unified,
    arch_unified_folder,
    gentoo_unified,
    proxmox_zfs,
    proxmox_grub,
    pop_os,
    cachyos_limine,
    omarchy_limine,
    cachyos_systemd_boot,
    opensuse_systemd_boot,
    silverblue,
    arch_refind,
    alpine_limine_booster,
    void_zfsbootmenu,
)


def words(line: str) -> tuple[str, ...]:
    """Words of a command line."""
    return split_words(line)
