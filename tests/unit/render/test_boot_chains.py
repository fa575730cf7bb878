"""Boot chains in the cases that went wrong for somebody: told, refused, or done in the one right place."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.render import roots
from tests.unit.render.roots import CARD, TWIN, TWIN_SOUND, UUID
from tests.unit.render.test_chains import IDS, carry_out, drivers_of, look, planned
from vfio_wizard.knowledge.bootchain import WAY_BACK
from vfio_wizard.knowledge.changes import ENROLLED, SWITCH
from vfio_wizard.model.originals import Originals
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.selection import Selection
from vfio_wizard.planning.plan import make_plan
from vfio_wizard.probe.originals import read_originals
from vfio_wizard.render.outcome import Rendered
from vfio_wizard.render.registry import for_host


def paths(found: Rendered) -> list[str]:
    return [one.path for one in found.artifacts]


def boot_files(found: Rendered) -> list[str]:
    early = (
        "/etc/modprobe.d",
        "/etc/dracut.conf.d/vfio",
        "/etc/initramfs-tools",
        "/etc/mkinitcpio",
        "/etc/booster",
    )
    return [path for path in paths(found) if not path.startswith(early)]


def by_hand(found: Rendered) -> list[str]:
    return [one for one in found.notes if one.startswith("By hand")]


# --- GRUB -------------------------------------------------------------------------------------------


def test_the_text_of_grub_mkconfig_tells_whether_drop_ins_count(tmp_path: Path) -> None:
    root = roots.debian_12_grub(tmp_path).put("usr/sbin/grub-mkconfig", roots.MKCONFIG)
    assert boot_files(planned(root)[1]) == ["/etc/default/grub"]


def test_a_file_that_is_read_later_and_drops_ours_is_told(tmp_path: Path) -> None:
    root = roots.debian_12_grub(tmp_path)
    root.put("etc/default/grub.d/zz-last.cfg", 'GRUB_CMDLINE_LINUX_DEFAULT="console=ttyS0"\n')
    assert any("zz-last.cfg is read after" in note and IDS in note for note in planned(root)[1].notes)


def test_a_grub_file_that_is_not_understood_is_left_to_a_person(tmp_path: Path) -> None:
    root = roots.arch_grub(tmp_path)
    root.put("etc/default/grub", 'if [ -e /x ]; then\n  GRUB_CMDLINE_LINUX_DEFAULT="quiet"\nfi\n')
    found = planned(root)[1]
    assert boot_files(found) == []
    assert any("inside of a condition" in note and IDS in note for note in by_hand(found))
    assert not any(run.argv[0] == "grub-mkconfig" for run in found.commands)


def test_words_go_out_of_the_file_in_which_they_stand(tmp_path: Path) -> None:
    root = roots.ubuntu_26_grub_dracut(tmp_path)
    root.put(
        "etc/default/grub.d/50-cloudimg-settings.cfg", 'GRUB_CMDLINE_LINUX_DEFAULT="iommu=off console=tty1"\n'
    )
    root.put(
        "etc/default/grub", roots.DEBIAN_GRUB.replace('LINUX=""', 'LINUX="intel_iommu=off net.ifnames=0"')
    )
    root.run(("update-grub",))
    found = planned(root)[1]
    assert boot_files(found) == [
        "/etc/default/grub",
        "/etc/default/grub.d/50-cloudimg-settings.cfg",
        "/etc/default/grub.d/vfio-wizard.cfg",
    ]
    carry_out(root, found)
    assert 'GRUB_CMDLINE_LINUX="net.ifnames=0"' in root.text("etc/default/grub")
    assert "iommu=off" not in root.text("boot/grub/grub.cfg")


def test_a_word_that_stands_in_no_file_is_told(tmp_path: Path) -> None:
    root = roots.debian_12_grub(tmp_path)
    root.put("boot/grub/grub.cfg", roots.grub_cfg(root.release, "quiet intel_iommu=off"))
    assert any("Take intel_iommu=off off the kernel command line" in one for one in planned(root)[1].notes)


def test_old_ids_of_a_guide_move_into_the_one_parameter(tmp_path: Path) -> None:
    root = roots.opensuse_grub(tmp_path)
    root.put("etc/default/grub", 'GRUB_CMDLINE_LINUX_DEFAULT="quiet vfio-pci.ids=1b73:1100"\n')
    root.run(("grub2-mkconfig", "-o", "/boot/grub2/grub.cfg"))
    carry_out(root, planned(root)[1])
    line = 'GRUB_CMDLINE_LINUX_DEFAULT="quiet vfio-pci.ids=1b73:1100,10de:2484,10de:228b"\n'
    assert root.text("etc/default/grub") == line


def test_ids_that_would_take_the_twin_go(tmp_path: Path) -> None:
    root = roots.arch_grub(tmp_path).card(TWIN, TWIN_SOUND, 6)
    root.put("etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT='vfio-pci.ids=10de:2484,1b73:1100 quiet'\n")
    root.run(("grub-mkconfig", "-o", "/boot/grub/grub.cfg"))
    carry_out(root, planned(root)[1])
    line = f"GRUB_CMDLINE_LINUX_DEFAULT='quiet {SWITCH} vfio-pci.ids=1b73:1100'\n"
    assert root.text("etc/default/grub") == line


def test_recovery_entries_are_clean_and_named(tmp_path: Path) -> None:
    root = roots.debian_12_grub(tmp_path)
    found = planned(root)[1]
    carry_out(root, found)
    recovery = next(line for line in root.text("boot/grub/grub.cfg").splitlines() if " single" in line)
    assert "vfio" not in recovery
    assert "recovery mode" in found.ways_back[0]
    assert "vfio-pci.ids=" in found.ways_back[1]


def test_no_recovery_entry_is_promised_where_there_is_none(tmp_path: Path) -> None:
    found = planned(roots.arch_grub(tmp_path))[1]
    assert len(found.ways_back) == 1
    assert "no recovery entry" in found.ways_back[0]


def test_grub_whose_menu_lags_behind_is_only_run(tmp_path: Path) -> None:
    root = roots.arch_grub(tmp_path)
    root.put("etc/default/grub", f"GRUB_CMDLINE_LINUX_DEFAULT='quiet {IDS}'\n")
    found = planned(root)[1]
    assert boot_files(found) == []
    assert ("grub-mkconfig", "-o", "/boot/grub/grub.cfg") in [run.argv for run in found.commands]


# --- the whole line in a file -----------------------------------------------------------------------


@pytest.mark.parametrize("text", ["quiet\n", "# root=UUID=1\n", "", "rootwait quiet\n"])
def test_a_line_without_its_root_is_refused(text: str, tmp_path: Path) -> None:
    root = roots.debian_13_systemd_boot(tmp_path).put("etc/kernel/cmdline", text)
    found = planned(root)[1]
    assert boot_files(found) == []
    assert not any(run.argv[0] == "kernel-install" for run in found.commands)
    assert IDS in by_hand(found)[0]


def test_a_file_is_never_made_from_a_part_of_a_line(tmp_path: Path) -> None:
    root = roots.debian_13_without_the_file(tmp_path)
    for path in root.entries("boot/efi/loader/entries"):
        root.put(path, roots.bls("quiet"))
    found = planned(root.running("quiet", "systemd-boot 257"))[1]
    assert boot_files(found) == []
    assert by_hand(found)


def test_a_file_that_is_missing_is_made_from_the_whole_line(tmp_path: Path) -> None:
    root = roots.debian_13_without_the_file(tmp_path)
    carry_out(root, planned(root)[1])
    assert root.text("etc/kernel/cmdline").split()[:3] == [UUID, "ro", "quiet"]


def test_the_vendors_line_is_the_base_of_ours(tmp_path: Path) -> None:
    root = roots.arch_unified(tmp_path)
    (tmp_path / "etc/kernel/cmdline").unlink()
    root.put("usr/lib/kernel/cmdline", f"{UUID} rw vendor\n").running(f"{UUID} rw vendor", "systemd-boot 258")
    carry_out(root, planned(root)[1])
    assert root.text("etc/kernel/cmdline") == f"{UUID} rw vendor {IDS}\n"


def test_a_closed_file_is_not_replaced(tmp_path: Path) -> None:
    root = roots.debian_13_systemd_boot(tmp_path)
    plan, _ = planned(root)
    texts = read_originals(root.host, look(root))
    text = dict(texts)
    del text["etc/kernel/cmdline"]
    found = for_host(plan, Originals(text, (*texts.there, "etc/kernel/cmdline")), tool_version="1")
    assert boot_files(found) == []
    assert "could not be read" in by_hand(found)[0]


def test_a_preset_with_a_line_of_its_own_is_left_to_a_person(tmp_path: Path) -> None:
    root = roots.arch_unified(tmp_path)
    root.put(
        "etc/mkinitcpio.d/linux.preset",
        'default_uki="/efi/EFI/Linux/arch-linux.efi"\ndefault_options="--cmdline /etc/x"\n',
    )
    found = planned(root)[1]
    assert boot_files(found) == []
    assert "preset" in by_hand(found)[0]


def test_dracut_s_own_line_is_only_set_as_a_whole(tmp_path: Path) -> None:
    """kernel_cmdline, once set, is all that the image gets."""
    root = roots.gentoo_unified(tmp_path).put("etc/dracut.conf.d/uefi.conf", 'uefi="yes"\n')
    carry_out(root, planned(root)[1])
    text = root.text("etc/dracut.conf.d/zz-vfio-wizard-cmdline.conf")
    assert text.splitlines()[1] == f'kernel_cmdline="{UUID} rw {IDS}"'


def test_proxmox_with_grub_gets_no_file_that_only_systemd_boot_reads(tmp_path: Path) -> None:
    root = roots.proxmox_grub(tmp_path)
    (tmp_path / "boot/grub/grub.cfg").unlink()
    assert boot_files(planned(root)[1]) == ["/etc/default/grub.d/vfio-wizard.cfg"]


def test_proxmox_of_which_the_loader_is_not_known_is_left_to_a_person(tmp_path: Path) -> None:
    root = roots.proxmox_zfs(tmp_path)
    plan, _ = planned(root)
    plan = plan._replace(machine=plan.machine._replace(line_from=None))
    found = for_host(plan, read_originals(root.host, look(root)), tool_version="1")
    assert boot_files(found) == []
    assert "proxmox-boot-tool status" in by_hand(found)[0]


# --- a second entry -----------------------------------------------------------------------------------


def test_the_second_entry_is_what_boots_now(tmp_path: Path) -> None:
    root = roots.debian_13_systemd_boot(tmp_path)
    before = root.text(f"boot/efi/loader/entries/{roots.MACHINE}-{root.release}.conf")
    carry_out(root, planned(root)[1])
    text = root.text(f"boot/efi/loader/entries/{WAY_BACK}.conf")
    kept = [line for line in before.splitlines() if not line.startswith(("title", "sort-key"))]
    assert [line for line in text.splitlines() if not line.startswith("title")] == kept


def test_the_second_entry_outlives_a_second_plan(tmp_path: Path) -> None:
    root = roots.arch_entries(tmp_path)
    carry_out(root, planned(root)[1])
    text = root.text(f"boot/loader/entries/{WAY_BACK}.conf")
    drivers_of(root, "vfio-pci")
    root.tree.pci("0000:03:00.0", vendor=0x1B73, device=0x1100, cls=0x0C0330, driver="xhci_hcd", group=9)
    more = Selection((PciAddress.parse(CARD),), also=(PciAddress.parse("0000:03:00.0"),))
    facts = look(root)
    carry_out(root, for_host(make_plan(facts, more), read_originals(root.host, facts), tool_version="1"))
    assert root.text(f"boot/loader/entries/{WAY_BACK}.conf") == text


def test_a_second_entry_made_late_is_clean_all_the_same(tmp_path: Path) -> None:
    root = roots.arch_entries(tmp_path)
    entry = root.text("boot/loader/entries/arch.conf")
    root.put("boot/loader/entries/arch.conf", entry + " vfio-pci.ids=1b73:1100")
    carry_out(root, planned(root)[1])
    assert "vfio-pci" not in root.text(f"boot/loader/entries/{WAY_BACK}.conf")


def test_an_entry_whose_options_are_a_variable_is_not_copied(tmp_path: Path) -> None:
    """RHEL 8 keeps them in grubenv, where grubby changes them for all entries at once."""
    root = roots.fedora_grub(tmp_path)
    for path in root.entries("boot/loader/entries"):
        root.put(path, "title RHEL\nlinux /v\noptions $kernelopts\n")
    root.put("boot/grub2/grubenv", f"kernelopts={UUID} ro quiet\n")
    found = planned(root)[1]
    assert WAY_BACK not in " ".join(paths(found))
    assert any("kernelopts" in one for one in found.notes)


def test_entries_of_other_systems_stay(tmp_path: Path) -> None:
    root = roots.arch_entries(tmp_path)
    before = root.text("boot/loader/entries/windows.conf")
    carry_out(root, planned(root)[1])
    assert root.text("boot/loader/entries/windows.conf") == before


def test_a_unified_image_is_copied_before_it_is_built_anew(tmp_path: Path) -> None:
    root = roots.fedora_unified(tmp_path)
    carry_out(root, planned(root)[1])
    assert root.text(f"boot/efi/EFI/Linux/{WAY_BACK}.efi") == "unified: old"
    assert IDS in root.text(f"boot/efi/EFI/Linux/{roots.MACHINE}-{root.release}.efi")


# --- Limine, rEFInd, ZFS, ostree ----------------------------------------------------------------------


def test_limine_with_an_enrolled_hash_is_not_edited(tmp_path: Path) -> None:
    root = roots.alpine_limine_booster(tmp_path)
    plan, _ = planned(root)
    texts = read_originals(root.host, look(root))
    texts[f"boot/EFI/limine/BOOTX64.EFI{ENROLLED}"] = "ab" * 64
    found = for_host(plan, texts, tool_version="1")
    assert boot_files(found) == []
    assert "hash" in by_hand(found)[0]


def test_of_two_limine_files_none_is_guessed(tmp_path: Path) -> None:
    root = roots.alpine_limine_booster(tmp_path).put("boot/limine.conf", roots.LIMINE)
    assert "several" in by_hand(planned(root)[1])[0]


def test_limine_s_last_file_that_sets_the_line_is_edited_itself(tmp_path: Path) -> None:
    root = roots.omarchy_limine(tmp_path)
    carry_out(root, planned(root)[1])
    line = f'KERNEL_CMDLINE[default]="{UUID} rw quiet {IDS}"'
    assert root.text("etc/default/limine").splitlines()[1] == line


def test_a_refind_file_without_quotes_is_left_alone(tmp_path: Path) -> None:
    root = roots.arch_refind(tmp_path).put("boot/refind_linux.conf", "Boot root=1\n")
    assert "two quoted texts" in by_hand(planned(root)[1])[0]


@pytest.mark.parametrize(
    ("told", "new", "back"),
    [
        ("zroot/ROOT/void\tquiet\tlocal", "quiet", ("zfs", "set", "org.zfsbootmenu:commandline=quiet")),
        (
            "zroot/ROOT/void\tquiet\tinherited from zroot",
            "%{parent}",
            ("zfs", "inherit", "org.zfsbootmenu:commandline"),
        ),
        ("zroot/ROOT/void\t-\t-", "", ("zfs", "inherit", "org.zfsbootmenu:commandline")),
    ],
)
def test_the_property_of_zfs_keeps_what_it_had(
    told: str, new: str, back: tuple[str, ...], tmp_path: Path
) -> None:
    root = roots.void_zfsbootmenu(tmp_path)
    root.zfs = told
    run = planned(root)[1].commands[-1]
    value = f"{new} {IDS}".strip()
    assert run.argv == ("zfs", "set", f"org.zfsbootmenu:commandline={value}", "zroot/ROOT/void")
    assert run.undo == ((*back, "zroot/ROOT/void"),)


def test_an_unknown_property_is_left_to_a_person(tmp_path: Path) -> None:
    root = roots.void_zfsbootmenu(tmp_path)
    root.zfs = None
    found = planned(root)[1]
    assert not any(run.argv[0] == "zfs" for run in found.commands)
    assert "not known" in by_hand(found)[0]


def test_ostree_takes_back_what_it_gave(tmp_path: Path) -> None:
    root = roots.silverblue(tmp_path).card(TWIN, TWIN_SOUND, 6)
    found = planned(root)[1]
    track, kargs = found.commands
    assert track.argv[-1] == "--track=/etc/modprobe.d/vfio-wizard.conf"
    before = root.text("boot/loader/entries/ostree-2.conf")
    carry_out(root, found)
    for run in (kargs, track):
        for argv in run.undo:
            root.run(argv)
    words = set(before.split())
    assert set(root.text("boot/loader/entries/ostree-2.conf").split()) == words


# --- what changed since -------------------------------------------------------------------------------


def test_a_lost_parameter_is_planned_anew_though_the_card_is_bound(tmp_path: Path) -> None:
    root = roots.debian_12_grub(tmp_path).card(TWIN, TWIN_SOUND, 6)
    carry_out(root, planned(root)[1])
    drivers_of(root, "vfio-pci")
    assert planned(root)[0].settled
    root.put("etc/default/grub.d/vfio-wizard.cfg", "").run(("update-grub",))
    plan, found = planned(root)
    assert not plan.settled
    assert boot_files(found) == ["/etc/default/grub.d/vfio-wizard.cfg"]


def test_an_install_line_of_the_user_needs_no_word_of_ours(tmp_path: Path) -> None:
    root = roots.debian_12_grub(tmp_path).card(TWIN, TWIN_SOUND, 6)
    line = (
        "for d in 0000:01:00.0 0000:01:00.1; do echo vfio-pci > /sys/bus/pci/devices/$d/driver_override; done"
    )
    root.put("etc/modprobe.d/own.conf", f"install vfio-pci {line}; modprobe -i vfio-pci\n")
    drivers_of(root, "vfio-pci")
    plan, found = planned(root)
    assert plan.settled
    assert found == Rendered()


def test_every_way_of_the_editor_names_the_word_that_counts(tmp_path: Path) -> None:
    by_id = planned(roots.debian_12_grub(tmp_path / "a"))[1].ways_back
    address = planned(roots.debian_12_grub(tmp_path / "b").card(TWIN, TWIN_SOUND, 6))[1].ways_back
    assert any("vfio-pci.ids=" in one for one in by_id)
    assert any(SWITCH in one for one in address)
