from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.probe.boot_trees import MACHINE_ID, ROOT, Tree, generator_name, loader_name
from vfio_wizard.knowledge import bootchain
from vfio_wizard.model.facts import Distribution
from vfio_wizard.model.kargs import Kargs
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.probe import configured
from vfio_wizard.probe.boot import boot_files, misnamed_files, parse_os_release, read_boot
from vfio_wizard.probe.firmware import read_firmware
from vfio_wizard.probe.kernel import read_kernel
from vfio_wizard.probe.kernels import read_kernels
from vfio_wizard.probe.modprobe import read_modprobe
from vfio_wizard.probe.virt import read_virt
from vfio_wizard.system.capture import CaptureHost, capture_text, parse_capture
from vfio_wizard.system.host import Command, FileStat, Host, RootHost

GRUB_MENU = f"""\
set default="0"
if [ "${{next_entry}}" ] ; then
   set default="${{next_entry}}"
else
   set default="0"
fi
function gfxmode {{
\tset gfxpayload="${{1}}"
}}
menuentry 'Debian GNU/Linux' --class debian $menuentry_id_option 'gnulinux-simple-1111' {{
\tlinux\t/boot/vmlinuz-6.12.9-amd64 {ROOT} quiet vfio-pci.ids=1002:731f
\tinitrd\t/boot/initrd.img-6.12.9-amd64
}}
submenu 'Advanced options for Debian GNU/Linux' $menuentry_id_option 'gnulinux-advanced-1111' {{
\tmenuentry 'Debian, with Linux 6.12.9-amd64' --class debian $menuentry_id_option 'gnulinux-6.12.9' {{
\t\tlinux\t/boot/vmlinuz-6.12.9-amd64 {ROOT} quiet advanced
\t}}
\tmenuentry 'Debian, with Linux 6.12.9-amd64 (recovery mode)' $menuentry_id_option 'gnulinux-recovery' {{
\t\tlinux\t/boot/vmlinuz-6.12.9-amd64 {ROOT} single
\t}}
}}
"""
BLS_ENTRY = f"title Linux\nversion 6.12.9\nlinux /vmlinuz\ninitrd /initrd\noptions {ROOT} quiet entry=own\n"


def debian_bios_grub(tree: Tree) -> Tree:
    tree.os("debian").running(f"BOOT_IMAGE=/boot/vmlinuz-6.12.9-amd64 {ROOT} quiet")
    tree.put("boot/grub/grub.cfg", GRUB_MENU).put("etc/default/grub", 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\n')
    tree.put("usr/sbin/update-initramfs", "#!/bin/sh\n").put("usr/sbin/mkinitramfs").tools("grub-mkconfig")
    return tree.put("usr/share/initramfs-tools/hook-functions").put("etc/kernel/postinst.d/initramfs-tools")


def debian_systemd_boot_dracut(tree: Tree) -> Tree:
    tree.os("debian").running(f"{ROOT} quiet initrd=\\{MACHINE_ID}\\6.12.9-amd64\\initrd.img-6.12.9-amd64")
    tree.uefi("systemd-boot 257.8-1").tools("kernel-install", "dracut")
    tree.put(f"boot/efi/loader/entries/{MACHINE_ID}-6.12.9-amd64.conf", BLS_ENTRY)
    return tree.put("etc/kernel/postinst.d/dracut").put("etc/kernel/cmdline", ROOT)


def ubuntu_dracut_grub_bli(tree: Tree) -> Tree:
    tree.os("ubuntu", "debian").running(f"BOOT_IMAGE=/vmlinuz-6.17 {ROOT} quiet splash").uefi(
        "GRUB 2.14-1ubuntu2"
    )
    tree.put("boot/grub/grub.cfg", GRUB_MENU.replace("quiet", "quiet splash $vt_handoff"))
    tree.put("etc/default/grub").tools("dracut", "grub-mkconfig").put("etc/kernel/postinst.d/dracut")
    tree.put("etc/kernel/postinst.d/initramfs-tools").put("usr/sbin/mkinitramfs")
    tree.put("usr/share/initramfs-tools/hook-functions")
    return tree.put(
        "usr/sbin/update-initramfs", "#!/bin/sh\n# keeps scripts of old working\nexec dracut --force\n"
    )


def fedora_bls(tree: Tree) -> Tree:
    tree.os("fedora").running(f"BOOT_IMAGE=(hd0,gpt2)/vmlinuz-6.12.9 {ROOT}", "6.12.9-200.fc43.x86_64").uefi()
    tree.put("etc/default/grub", "GRUB_ENABLE_BLSCFG=true\n").put("boot/grub2/grub.cfg", "blscfg\n")
    tree.put(f"boot/loader/entries/{MACHINE_ID}-6.12.9-200.fc43.x86_64.conf", BLS_ENTRY)
    tree.put(
        f"boot/loader/entries/{MACHINE_ID}-0-rescue.conf",
        BLS_ENTRY.replace("own", "rescue").replace("6.12.9", f"0-rescue-{MACHINE_ID}"),
    )
    return tree.tools("grubby", "dracut", "kernel-install").put("usr/lib/kernel/install.d/50-dracut.install")


def arch_manual_entries(tree: Tree) -> Tree:
    tree.os("arch").running(f"initrd=\\initramfs-linux.img {ROOT} rw", "6.17.1-arch1-1").uefi(
        "systemd-boot 258-1"
    )
    tree.put("boot/loader/loader.conf", "default arch.conf\ntimeout 3\n").put(
        "boot/loader/entries/arch.conf", BLS_ENTRY
    )
    fallback = BLS_ENTRY.replace("entry=own", "entry=fallback")
    tree.put("boot/loader/entries/arch-fallback.conf", fallback)
    tree.tools("mkinitcpio", "kernel-install").put("etc/mkinitcpio.conf")
    preset = 'PRESETS=(default)\n#default_uki="/efi/EFI/Linux/arch-linux.efi"\n'
    return tree.put("etc/mkinitcpio.d/linux.preset", preset)


def arch_unified_image(tree: Tree) -> Tree:
    tree.os("arch").running(f"{ROOT} rw", "6.17.1-arch1-1").uefi("systemd-boot 258-1").tools("mkinitcpio")
    tree.put("etc/mkinitcpio.d/linux.preset", 'default_uki="/efi/EFI/Linux/arch-linux.efi"\n')
    return tree.put("efi/EFI/Linux/arch-linux.efi").put(
        "etc/kernel/cmdline", f"# the root\n{ROOT} entry=own\n"
    )


def gentoo_unified_image(tree: Tree) -> Tree:
    tree.os("gentoo").running(f"{ROOT} rw").uefi("systemd-boot 258-1").tools("dracut")
    tree.put("etc/dracut.conf.d/uefi.conf", 'uefi="yes"\nkernel_cmdline="root=UUID=1111 rw"\n')
    return tree.put("efi/EFI/Linux/linux-6.17.1-gentoo.efi").put("efi/loader/loader.conf")


def proxmox_systemd_boot(tree: Tree) -> Tree:
    tree.os("debian").running(
        "initrd=\\EFI\\proxmox\\6.8.12-pve\\initrd.img-6.8.12-pve root=ZFS=rpool/ROOT/pve-1"
    )
    tree.uefi("systemd-boot 252.38-1").put("etc/kernel/proxmox-boot-uuids", "ABCD-1234\n").put(
        "etc/default/grub"
    )
    tree.put("usr/sbin/proxmox-boot-tool").put("usr/sbin/mkinitramfs").put("usr/sbin/update-initramfs")
    tree.put("usr/share/initramfs-tools/hook-functions").put("etc/kernel/postinst.d/initramfs-tools")
    return tree.put("etc/kernel/cmdline", "root=ZFS=rpool/ROOT/pve-1 boot=zfs entry=own\n")


def pop_os(tree: Tree) -> Tree:
    tree.os("pop", "ubuntu debian").running(f"initrd=\\EFI\\Pop_OS-1\\initrd.img {ROOT} quiet").uefi(
        "systemd-boot 249"
    )
    options = '{"default": {"kernel_options": ["quiet"]}, "user": {"kernel_options": ["quiet", "entry=own"]}}'
    tree.put("etc/kernelstub/configuration", options).tools("kernelstub").put("etc/default/grub")
    tree.put("usr/sbin/mkinitramfs").put("usr/sbin/update-initramfs").put(
        "etc/kernel/postinst.d/initramfs-tools"
    )
    return tree.put("usr/share/initramfs-tools/hook-functions")


LIMINE = """\
timeout: 5
default_entry: 2
/+CachyOS
  comment: a folder
  //linux-cachyos
    protocol: linux
    path: boot():/vmlinuz
    cmdline: root=UUID=1111 rw entry=own
  //Snapshots
"""


def cachyos_limine(tree: Tree) -> Tree:
    tree.os("cachyos", "arch").running("root=UUID=1111 rw", "6.17.1-2-cachyos").uefi("Limine 9.6.3")
    tree.put("etc/default/limine", "ESP_PATH=/boot\n").put("boot/limine.conf", LIMINE)
    return tree.tools("limine-mkinitcpio", "mkinitcpio").put(
        "etc/mkinitcpio.d/linux-cachyos.preset", "ALL=1\n"
    )


def cachyos_systemd_boot(tree: Tree) -> Tree:
    tree.os("cachyos", "arch").running(f"initrd=\\initramfs-linux-cachyos.img {ROOT}").uefi(
        "systemd-boot 257"
    )
    tree.put("etc/sdboot-manage.conf", 'LINUX_OPTIONS="quiet"\n').tools("mkinitcpio")
    tree.put("boot/loader/entries/linux-cachyos.conf", BLS_ENTRY)
    return tree.put("etc/mkinitcpio.d/linux-cachyos.preset", "ALL=1\n")


def opensuse_systemd_boot(tree: Tree) -> Tree:
    tree.os("opensuse-tumbleweed", "opensuse suse").running(f"initrd=\\initrd {ROOT}").uefi(
        "systemd-boot 257"
    )
    tree.tools("sdbootutil", "dracut", "kernel-install").put(
        "etc/sysconfig/bootloader", 'LOADER_TYPE="systemd-boot"\n'
    )
    tree.put("boot/efi/loader/entries/system-opensuse-tumbleweed-6.12.9-amd64-1.conf", BLS_ENTRY)
    return tree.put("etc/kernel/cmdline", ROOT).put("etc/dracut.conf.d/own.conf")


def silverblue(tree: Tree) -> Tree:
    tree.os("fedora").running(f"BOOT_IMAGE=(hd0,gpt2)/ostree/vmlinuz ostree=/ostree/boot.1/0 {ROOT}").uefi()
    tree.put("run/ostree-booted").tools("rpm-ostree", "bootc", "dracut").put(
        "etc/default/grub", "GRUB_TIMEOUT=1\n"
    )
    older = BLS_ENTRY.replace("own", "older").replace("version 6.12.9", "version 1")
    tree.put("boot/loader/entries/ostree-1.conf", older)
    return tree.put("boot/loader/entries/ostree-2.conf", BLS_ENTRY.replace("version 6.12.9", "version 2"))


def bootc_image(tree: Tree) -> Tree:
    tree.os("centos", "rhel fedora").running(
        f"BOOT_IMAGE=(hd0,gpt3)/vmlinuz ostree=/ostree/boot.0 {ROOT}"
    ).uefi()
    tree.put("run/ostree-booted").tools("bootc", "dracut")
    return tree.put("boot/loader/entries/ostree-1.conf", BLS_ENTRY)


def nixos_systemd_boot(tree: Tree) -> Tree:
    tree.os("nixos").running("initrd=\\EFI\\nixos\\1-initrd.efi init=/nix/store/x/init loglevel=4").uefi(
        "systemd-boot 257"
    )
    tree.put("etc/NIXOS").put("boot/loader/entries/nixos-generation-7.conf", BLS_ENTRY)
    tree.put("run/current-system/kernel-params", "loglevel=4 only=tested")
    return tree.put("nix/var/nix/profiles/system/kernel-params", "loglevel=4 entry=own")


def refind(tree: Tree) -> Tree:
    tree.os("arch").running(f"{ROOT} initrd=boot\\initramfs-linux.img").uefi("Linux EFI stub 7.2.0")
    tree.put(
        "boot/refind_linux.conf", f'"Boot normally"  "{ROOT} quiet entry=own"\n"Single" "{ROOT} single"\n'
    )
    return tree.tools("mkinitcpio", "booster").put("etc/mkinitcpio.d/linux.preset", "ALL=1\n")


def zfsbootmenu(tree: Tree) -> Tree:
    tree.os("void").running("root=zfs:zroot/ROOT/void spl_hostid=0x00bab10c loglevel=4").uefi()
    return tree.put("etc/zfsbootmenu/config.yaml", "Global: {}\n").tools("generate-zbm", "dracut")


def limine_by_hand(tree: Tree) -> Tree:
    tree.os("alpine").running("root=UUID=1111 rw").uefi("Limine 8.0.1").tools("booster").put(
        "etc/booster.yaml"
    )
    return tree.put(
        "boot/limine/limine.conf", "/Linux\n protocol: linux\n cmdline: root=UUID=1111 entry=own\n"
    )


def firmware_entry(tree: Tree) -> Tree:
    return (
        tree.os("gentoo")
        .running(f"{ROOT} initrd=\\EFI\\gentoo\\initramfs.img")
        .uefi("Linux EFI stub 7.2.0")
        .tools("dracut")
    )


MACHINES = {
    debian_bios_grub: ("grub-mkconfig", "initramfs-tools"),
    debian_systemd_boot_dracut: ("systemd-boot-kernel-install", "dracut"),
    ubuntu_dracut_grub_bli: ("grub-mkconfig", "dracut"),
    fedora_bls: ("grub-bls", "dracut"),
    arch_manual_entries: ("systemd-boot-manual-entries", "mkinitcpio"),
    arch_unified_image: ("uki-mkinitcpio", "mkinitcpio"),
    gentoo_unified_image: ("uki-dracut", "dracut"),
    proxmox_systemd_boot: ("proxmox-boot-tool", "initramfs-tools"),
    pop_os: ("kernelstub", "initramfs-tools"),
    cachyos_limine: ("limine-entry-tool", "mkinitcpio"),
    cachyos_systemd_boot: ("sdboot-manage", "mkinitcpio"),
    opensuse_systemd_boot: ("sdbootutil", "dracut"),
    silverblue: ("rpm-ostree", "ostree-prebuilt"),
    bootc_image: ("bootc", "ostree-prebuilt"),
    nixos_systemd_boot: ("nixos", "nixos"),
    refind: ("refind", "mkinitcpio"),
    zfsbootmenu: ("zfsbootmenu", "dracut"),
    limine_by_hand: ("limine", "booster"),
    firmware_entry: ("efistub-nvram", "dracut"),
}


@pytest.mark.parametrize(
    ("machine", "expected"), MACHINES.items(), ids=lambda value: getattr(value, "__name__", "")
)
def test_loader_and_generator_of_each_distribution(
    machine: object, expected: tuple[str, str], tmp_path: Path
) -> None:
    assert callable(machine)
    boot = machine(Tree(tmp_path)).boot()
    assert (loader_name(boot), generator_name(boot)) == expected


def test_every_row_of_the_tables_has_a_machine_here() -> None:
    loaders = {name for name, _ in MACHINES.values()}
    assert {row.name for row in bootchain.LOADERS} - loaders == {"uki-addon"}
    assert {row.name for row in bootchain.GENERATORS} == {name for _, name in MACHINES.values()}


@pytest.mark.parametrize("machine", MACHINES, ids=lambda value: value.__name__)
def test_the_disk_of_a_machine_without_sys_and_proc_still_tells_what_is_on_it(
    machine: object, tmp_path: Path
) -> None:
    assert callable(machine)
    machine(Tree(tmp_path))
    for folder in ("sys", "proc", "run"):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder).rename(tmp_path / f"{folder}-away")
        (tmp_path / folder).mkdir()
    boot = Tree(tmp_path).boot()
    told = loader_name(boot)
    if machine in (
        silverblue,
        bootc_image,
        zfsbootmenu,
        firmware_entry,
    ):  # only the running system shows these
        assert told != MACHINES[machine][0]
    elif machine is arch_manual_entries or machine is debian_systemd_boot_dracut:
        assert told.startswith("systemd-boot")
    else:
        assert told == MACHINES[machine][0]
    assert isinstance(boot.loader_info, Unread)
    assert boot.loader_info.gap is Gap.UNTOLD


WITH_STORED_LINE = [
    debian_systemd_boot_dracut,
    fedora_bls,
    arch_manual_entries,
    arch_unified_image,
    proxmox_systemd_boot,
    pop_os,
    cachyos_limine,
    cachyos_systemd_boot,
    opensuse_systemd_boot,
    silverblue,
    nixos_systemd_boot,
    refind,
    limine_by_hand,
]


@pytest.mark.parametrize("machine", WITH_STORED_LINE, ids=lambda value: value.__name__)
def test_the_stored_command_line_is_the_one_of_the_default_entry(machine: object, tmp_path: Path) -> None:
    assert callable(machine)
    boot = machine(Tree(tmp_path)).boot()
    assert isinstance(boot.configured, Kargs), boot.configured
    assert boot.configured.value("entry") == "own"
    assert (tmp_path / boot.configured_origin).is_file()


def test_a_generated_grub_menu_gives_the_words_of_its_first_entry(tmp_path: Path) -> None:
    boot = debian_bios_grub(Tree(tmp_path)).boot()
    assert boot.configured == Kargs.parse(f"{ROOT} quiet vfio-pci.ids=1002:731f")
    assert boot.configured_origin == "boot/grub/grub.cfg"


def test_ubuntus_vt_handoff_variable_is_left_out(tmp_path: Path) -> None:
    boot = ubuntu_dracut_grub_bli(Tree(tmp_path)).boot()
    assert boot.configured == Kargs.parse(f"{ROOT} quiet splash vfio-pci.ids=1002:731f")


def test_the_text_of_loader_info_is_read_and_not_its_presence(tmp_path: Path) -> None:
    boot = ubuntu_dracut_grub_bli(Tree(tmp_path)).boot()
    assert boot.loader_info == "GRUB 2.14-1ubuntu2"
    assert loader_name(boot) == "grub-mkconfig"


def test_systemd_boot_runs_although_grub_files_are_left_over(tmp_path: Path) -> None:
    tree = debian_systemd_boot_dracut(Tree(tmp_path))
    tree.put("etc/default/grub").put("boot/grub/grub.cfg", GRUB_MENU).tools("grub-mkconfig")
    boot = tree.boot()
    assert loader_name(boot) == "systemd-boot-kernel-install"
    assert [other.name for other in boot.others] == ["grub-mkconfig"]


def test_grub_runs_although_entries_of_systemd_boot_are_left_over(tmp_path: Path) -> None:
    tree = debian_bios_grub(Tree(tmp_path)).uefi("systemd-boot 252").tools("kernel-install")
    tree.put("sys/firmware/efi/efivars/x").put(
        f"boot/efi/loader/entries/{MACHINE_ID}-6.12.9-amd64.conf", BLS_ENTRY
    )
    (tmp_path / bootchain.LOADER_INFO).unlink()
    assert loader_name(tree.boot()) == "grub-mkconfig"


def test_the_kernels_own_stub_names_no_loader(tmp_path: Path) -> None:
    boot = debian_bios_grub(Tree(tmp_path)).uefi("Linux EFI stub 7.2.0").boot()
    assert boot.loader_info == "Linux EFI stub 7.2.0"
    assert loader_name(boot) == "grub-mkconfig"


def test_a_kernel_started_by_qemu_itself_is_not_said_to_be_grubs(tmp_path: Path) -> None:
    tree = debian_bios_grub(Tree(tmp_path)).running(f"{ROOT} console=ttyS0")
    boot = tree.boot()
    assert isinstance(boot.loader, Unread)
    assert [other.name for other in boot.others] == ["grub-mkconfig"]
    assert isinstance(boot.configured, Unread)


def test_a_loader_without_a_row_is_named_in_the_reason(tmp_path: Path) -> None:
    tree = debian_bios_grub(Tree(tmp_path)).uefi("Stable Loader 1.0")
    loader = tree.boot().loader
    assert isinstance(loader, Unread)
    assert "Stable Loader 1.0" in loader.detail


def test_proxmox_on_grub_without_its_boot_tool_configured_is_plain_grub(tmp_path: Path) -> None:
    tree = debian_bios_grub(Tree(tmp_path)).put("usr/sbin/proxmox-boot-tool").put("usr/bin/pveversion")
    boot = tree.boot()
    assert loader_name(boot) == "grub-mkconfig"
    assert [other.name for other in boot.others] == ["proxmox-boot-tool"]


def test_proxmox_boot_tool_on_grub_takes_the_command_line_from_grub(tmp_path: Path) -> None:
    tree = debian_bios_grub(Tree(tmp_path)).put("etc/kernel/proxmox-boot-uuids", "ABCD-1234")
    boot = tree.put("etc/kernel/cmdline", "root=ZFS=unused").boot()
    assert loader_name(boot) == "proxmox-boot-tool"
    assert boot.configured_origin == "boot/grub/grub.cfg"


def test_bootc_and_rpm_ostree_as_mere_programs_prove_nothing(tmp_path: Path) -> None:
    assert loader_name(fedora_bls(Tree(tmp_path)).tools("bootc", "rpm-ostree").boot()) == "grub-bls"


def test_an_installed_dracut_that_nothing_calls_is_not_the_generator(tmp_path: Path) -> None:
    tree = debian_bios_grub(Tree(tmp_path)).tools("dracut")
    assert generator_name(tree.boot()) == "initramfs-tools"


def test_a_left_over_hook_of_a_removed_dracut_is_not_the_generator(tmp_path: Path) -> None:
    tree = debian_bios_grub(Tree(tmp_path)).put("etc/kernel/postinst.d/dracut")
    assert generator_name(tree.boot()) == "initramfs-tools"


def test_initramfs_tools_hooks_of_other_packages_are_no_generator(tmp_path: Path) -> None:
    tree = (
        Tree(tmp_path)
        .os("debian")
        .folder("usr/share/initramfs-tools/hooks")
        .folder("usr/sbin")
        .folder("usr/bin")
    )
    found = tree.running(ROOT).boot().initramfs
    assert isinstance(found, Unread)
    assert found.gap is Gap.ABSENT


def test_mkinitcpio_masked_for_dracut_on_arch(tmp_path: Path) -> None:
    tree = arch_manual_entries(Tree(tmp_path)).tools("dracut")
    assert generator_name(tree.boot()) == "mkinitcpio"
    tree.put("etc/pacman.d/hooks/90-mkinitcpio-install.hook").put("etc/pacman.d/hooks/90-dracut-install.hook")
    assert generator_name(tree.boot()) == "dracut"


def test_booster_beside_mkinitcpio_counts_when_its_image_was_booted(tmp_path: Path) -> None:
    tree = arch_manual_entries(Tree(tmp_path)).tools("booster")
    assert generator_name(tree.boot()) == "mkinitcpio"
    tree.running(f"initrd=\\booster-linux.img {ROOT}")
    assert generator_name(tree.boot()) == "booster"


def test_grub_started_by_systemd_style_entries_of_an_unknown_distribution(tmp_path: Path) -> None:
    boot = Tree(tmp_path).running(f"BOOT_IMAGE=/vmlinuz {ROOT}").boot()
    assert isinstance(boot.loader, Unread)


def test_an_empty_root_tells_nothing(tmp_path: Path) -> None:
    boot = Tree(tmp_path).boot()
    for fact in (boot.loader, boot.initramfs, boot.distribution, boot.configured, boot.loader_info):
        assert isinstance(fact, Unread)
        assert fact.gap is Gap.UNTOLD, fact


def test_entries_closed_to_this_user_are_denied_and_not_absent(tmp_path: Path) -> None:
    tree = arch_manual_entries(Tree(tmp_path))
    loader = tree.boot(tree.closed("boot/loader")).loader
    assert isinstance(loader, Unread)
    assert loader.gap is Gap.DENIED


def test_a_grub_menu_closed_to_this_user_is_denied(tmp_path: Path) -> None:
    tree = debian_bios_grub(Tree(tmp_path))
    boot = tree.boot(tree.closed("boot/grub/grub.cfg"))
    assert loader_name(boot) == "grub-mkconfig"
    assert isinstance(boot.configured, Unread)
    assert boot.configured.gap is Gap.DENIED


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        ("saved_entry=gnulinux-advanced-1111>gnulinux-recovery\n", "single"),
        ("saved_entry=1>0\n", "quiet advanced"),
        ("saved_entry=Debian GNU/Linux\n", "quiet vfio-pci.ids=1002:731f"),
        ("saved_entry=long-gone\n", "quiet vfio-pci.ids=1002:731f"),
        ("", "quiet vfio-pci.ids=1002:731f"),
        ("saved_entry=0\nnext_entry=1>1\n", "single"),
    ],
)
def test_a_saved_grub_entry_is_followed_into_submenus(stored: str, words: str, tmp_path: Path) -> None:
    menu = GRUB_MENU.replace('   set default="0"', '   set default="${saved_entry}"')
    tree = debian_bios_grub(Tree(tmp_path)).put("boot/grub/grub.cfg", menu)
    tree.put("boot/grub/grubenv", "# GRUB Environment Block\n" + stored + "#" * 100)
    assert tree.boot().configured == Kargs.parse(f"{ROOT} {words}")


def test_an_unknown_grub_variable_leaves_the_line_malformed(tmp_path: Path) -> None:
    tree = debian_bios_grub(Tree(tmp_path)).put("boot/grub/grub.cfg", GRUB_MENU.replace("quiet", "$mystery"))
    line = tree.boot().configured
    assert isinstance(line, Unread)
    assert line.gap is Gap.MALFORMED


def test_kernelopts_of_grubenv_are_filled_in(tmp_path: Path) -> None:
    tree = fedora_bls(Tree(tmp_path)).put("boot/grub2/grubenv", f"kernelopts={ROOT} entry=kept\n")
    entry = BLS_ENTRY.replace(f"{ROOT} quiet entry=own", "$kernelopts $tuned_params")
    tree.put(f"boot/loader/entries/{MACHINE_ID}-6.12.9-200.fc43.x86_64.conf", entry)
    assert tree.boot().configured == Kargs.parse(f"{ROOT} entry=kept")


def test_several_options_lines_of_an_entry_are_joined() -> None:
    entry = configured.parse_entry(
        "efi/loader/entries/a.conf", "linux /a\r\noptions one\r\noptions\ttwo three\r\n"
    )
    assert entry is not None
    assert entry.options == "one two three"


def test_windows_is_no_linux_entry() -> None:
    assert configured.parse_entry("efi/loader/entries/w.conf", "title Windows\nefi /EFI/w.efi\n") is None


def test_the_efi_variable_goes_before_loader_conf(tmp_path: Path) -> None:
    tree = arch_manual_entries(Tree(tmp_path))
    variable = bootchain.LOADER_INFO.replace("LoaderInfo", "LoaderEntryDefault")
    tree.put(variable, b"\7\0\0\0" + "arch-fallback.conf\0".encode("utf-16-le"))
    line = tree.boot().configured
    assert isinstance(line, Kargs)
    assert line.value("entry") == "fallback"


@pytest.mark.parametrize(
    "junk", [b"", b"\0\xff" * 700, b"menuentry '", b"}" * 5000, b"\r\n" * 9, b"x" * (3 << 20)]
)
def test_junk_in_every_boot_file_leaves_no_traceback(junk: bytes, tmp_path: Path) -> None:
    for number, machine in enumerate(MACHINES):
        root = tmp_path / str(number)
        tree = machine(Tree(root))
        for path in [path for path in root.rglob("*") if path.is_file()]:
            path.write_bytes(junk)
        boot = tree.boot()
        assert boot.configured_origin
        boot_files(tree.host)


def test_boot_files_keep_settings_and_drop_the_manual_of_qemu_conf(tmp_path: Path) -> None:
    tree = debian_bios_grub(Tree(tmp_path)).put(
        "etc/libvirt/qemu.conf", '# long manual\n#user = "x"\nuser = "root"\n'
    )
    tree.put("etc/modprobe.d/vfio.conf", "options vfio-pci ids=1002:731f\n").put(
        "etc/modprobe.d/vfio.conf.bak", "no"
    )
    files = dict(boot_files(tree.host))
    assert files["etc/libvirt/qemu.conf"] == 'user = "root"'
    assert files["etc/modprobe.d/vfio.conf"] == "options vfio-pci ids=1002:731f"
    assert list(files) == sorted(files)
    assert "etc/modprobe.d/vfio.conf.bak" not in files


def test_os_release_with_quotes_escapes_and_crlf() -> None:
    text = '# c\r\nID=\'Fedora\'\r\nID_LIKE="rhel centos"\r\nPRETTY_NAME="A \\"b\\" \\$c"\r\nVERSION_ID=43'
    found = parse_os_release("etc/os-release", text)
    assert found == Distribution("fedora", ("rhel", "centos"), "43", 'A "b" $c', None)


@given(st.text())
def test_any_os_release_is_a_distribution_or_malformed(text: str) -> None:
    found = parse_os_release("etc/os-release", text)
    assert isinstance(found, Distribution) or found.gap is Gap.MALFORMED


@given(st.lists(st.text()), st.dictionaries(st.text(), st.text()))
def test_any_grub_menu_is_a_line_or_malformed(lines: list[str], environment: dict[str, str]) -> None:
    found = configured.parse_grub("boot/grub/grub.cfg", tuple(lines), environment)
    assert isinstance(found, Kargs) or found.gap is Gap.MALFORMED


_WORD = st.text(st.characters(codec="ascii", categories=("L", "N"), include_characters="=,.:-_"), min_size=1)


@given(st.lists(_WORD))
def test_the_words_of_a_grub_entry_come_back_as_they_were_written(words: list[str]) -> None:
    lines = ("menuentry 'x' {", "\tlinux\t/vmlinuz " + " ".join(words), "}")
    expected = Kargs(tuple(words))
    found = configured.parse_grub("boot/grub/grub.cfg", lines, {})
    assert found == expected if words else isinstance(found, Unread)


@given(st.text())
def test_any_limine_or_refind_or_kernelstub_text_is_a_line_or_malformed(text: str) -> None:
    for parse in (configured.parse_limine, configured.parse_refind, configured.parse_kernelstub):
        found = parse("boot/x", text)
        assert isinstance(found, Kargs) or found.gap is Gap.MALFORMED


def test_every_row_says_where_it_comes_from_and_how_to_come_back() -> None:
    for row in bootchain.GENERATORS:
        assert row.source
        assert row.mark == "CONFIRMED"
        assert row.edit
    for loader in bootchain.LOADERS:
        assert loader.source
        assert loader.mark in ("CONFIRMED", "REPORTED", "UNSOURCED")
        assert loader.edit
        assert loader.undo
        assert loader.verify
        assert loader.fallback
        assert loader.drives <= bootchain.PROGRAMS


def test_every_proof_names_a_row() -> None:
    assert {proof.name for proof in bootchain.LOADER_PROOFS + bootchain.LOADER_TRACES} <= {
        r.name for r in bootchain.LOADERS
    }
    assert {proof.name for proof in bootchain.GENERATOR_PROOFS} <= {row.name for row in bootchain.GENERATORS}
    assert bootchain.loader("no-such") is None
    row = bootchain.generator("dracut")
    assert row is not None
    assert row.inspect == ("lsinitrd", "{image}")


class Silent(RootHost):
    """This machine, on which nothing may be run; counts what is looked at."""

    looked = 0

    def run(self, command: Command) -> str | Unread:
        pytest.fail(f"a process was started: {command.argv}")

    def text(self, path: str, limit: int = 1 << 20) -> str | Unread:
        self.looked += 1
        return super().text(path, limit)

    def stat(self, path: str) -> FileStat | Unread:
        self.looked += 1
        return super().stat(path)

    def names(self, path: str) -> tuple[str, ...] | Unread:
        self.looked += 1
        return super().names(path)


@pytest.mark.live
def test_this_machine_is_read_without_a_process_and_with_few_looks() -> None:
    host = Silent("/")
    kernel = read_kernel(host)
    boot = read_boot(host, kernel, read_firmware(host))
    read_kernels(host, kernel)
    read_virt(host)
    read_modprobe(host)
    assert isinstance(kernel.cmdline, Kargs)
    assert isinstance(boot.distribution, Distribution)
    assert host.looked < 200


def all_facts(host: Host) -> tuple[object, ...]:
    kernel = read_kernel(host)
    firmware = read_firmware(host)
    told = (kernel, firmware, read_kernels(host, kernel), read_boot(host, kernel, firmware))
    return (*told, read_virt(host), read_modprobe(host), boot_files(host))


@pytest.mark.parametrize("machine", MACHINES, ids=lambda value: value.__name__)
def test_a_capture_tells_what_the_machine_told(machine: object, tmp_path: Path) -> None:
    assert callable(machine)
    tree = machine(Tree(tmp_path))
    told: list[tuple[object, ...]] = []
    text = capture_text(tree.host, lambda host: told.append(all_facts(host)))
    replayed = CaptureHost(parse_capture(text, "capture"), "capture")
    assert [all_facts(replayed)] == told
    boot = tree.boot(replayed)
    assert (loader_name(boot), generator_name(boot)) == MACHINES[machine]


@pytest.mark.parametrize(
    ("path", "is_told"),
    [
        ("etc/modprobe.d/vfio", True),
        ("etc/modprobe.d/vfio.config", True),
        ("etc/dracut.conf.d/vfio", True),
        ("etc/default/grub.d/vfio.conf", True),
        ("etc/modprobe.d/vfio.conf", False),
        ("etc/modprobe.d/vfio.conf.bak", False),
        ("etc/modprobe.d/vfio.conf.dpkg-old", False),
    ],
)
def test_files_whose_name_nobody_reads(tmp_path: Path, path: str, is_told: bool) -> None:
    tree = Tree(tmp_path).put(path, "# vfio is not this\noptions vfio-pci ids=1002:731f\n")
    expected = ((path, "options vfio-pci ids=1002:731f"),) if is_told else ()
    assert misnamed_files(tree.host) == expected


def test_a_comment_about_vfio_is_no_configuration(tmp_path: Path) -> None:
    assert misnamed_files(Tree(tmp_path).put("etc/modprobe.d/notes", "# vfio\n").host) == ()
