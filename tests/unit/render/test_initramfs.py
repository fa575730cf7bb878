"""Each initramfs generator in the cases where its usual drop-in would do nothing, or harm."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.unit.render import roots
from tests.unit.render.roots import MKINITCPIO, TWIN, TWIN_SOUND, Root
from tests.unit.render.test_chains import carry_out, planned
from vfio_wizard.model.originals import Originals
from vfio_wizard.model.plan import Artifact, Stage
from vfio_wizard.render.initramfs import booster
from vfio_wizard.render.modprobe import FILE
from vfio_wizard.render.outcome import Rendered
from vfio_wizard.render.scene import Scene

OWN_MKINITCPIO = "/etc/mkinitcpio.conf.d/vfio-wizard.conf"


def file_of(found: Rendered, path: str) -> Artifact:
    return next(one for one in found.artifacts if one.path == path)


def arrays(*texts: str) -> dict[str, list[str]]:
    """What bash has in the lists of mkinitcpio when it has read the files."""
    names = ("MODULES", "FILES", "BINARIES", "HOOKS")
    script = "\n".join([*texts, *(f'echo {name} "${{{name}[@]}}"' for name in names)])
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, timeout=20)
    return {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()}


def test_mkinitcpio_has_vfio_first_whatever_the_list_held(tmp_path: Path) -> None:
    main = MKINITCPIO.replace("MODULES=()", "MODULES=(btrfs amdgpu)")
    root = roots.arch_grub(tmp_path).put("etc/mkinitcpio.conf", main)
    found = arrays(main, file_of(planned(root)[1], OWN_MKINITCPIO).text)
    assert found["MODULES"] == ["vfio_pci", "vfio_iommu_type1", "btrfs", "amdgpu"]
    assert (found["FILES"], found["BINARIES"]) == ([], [])


def test_a_list_that_is_one_string_stays_several_modules(tmp_path: Path) -> None:
    main = MKINITCPIO.replace("MODULES=()", 'MODULES="btrfs amdgpu"')
    root = roots.arch_grub(tmp_path).put("etc/mkinitcpio.conf", main)
    found = arrays(main, file_of(planned(root)[1], OWN_MKINITCPIO).text)
    assert found["MODULES"] == ["vfio_pci", "vfio_iommu_type1", "btrfs", "amdgpu"]


def test_without_the_hook_modconf_the_file_is_named(tmp_path: Path) -> None:
    main = MKINITCPIO.replace(" modconf kms", "")
    root = roots.arch_grub(tmp_path).put("etc/mkinitcpio.conf", main)
    assert arrays(main, file_of(planned(root)[1], OWN_MKINITCPIO).text)["FILES"] == [f"/{FILE}"]


def test_by_address_there_is_a_shell_in_the_image(tmp_path: Path) -> None:
    main = MKINITCPIO.replace("base udev", "systemd")
    root = roots.arch_grub(tmp_path).put("etc/mkinitcpio.conf", main).card(TWIN, TWIN_SOUND, 6)
    assert arrays(main, file_of(planned(root)[1], OWN_MKINITCPIO).text)["BINARIES"] == ["sh"]


@pytest.mark.parametrize(
    "modules", ["MODULES=()", "MODULES=(btrfs)", "MODULES=(\n  btrfs\n)", "MODULES=( btrfs )"]
)
def test_a_preset_that_names_its_configuration_leaves_drop_ins_out(modules: str, tmp_path: Path) -> None:
    """Then the list itself is edited; its other lines stay as they are."""
    main = MKINITCPIO.replace("MODULES=()", modules)
    root = roots.arch_grub(tmp_path).put("etc/mkinitcpio.conf", main)
    root.put("etc/mkinitcpio.d/linux.preset", 'ALL_config="/etc/mkinitcpio.conf"\n')
    found = planned(root)[1]
    assert OWN_MKINITCPIO not in [one.path for one in found.artifacts]
    new = file_of(found, "/etc/mkinitcpio.conf").text
    assert arrays(new)["MODULES"] == ["vfio_pci", "vfio_iommu_type1", *arrays(main)["MODULES"]]
    assert [line for line in main.splitlines() if line not in new.splitlines()] in (
        [],
        [modules.splitlines()[0]],
    )
    carry_out(root, found)
    assert planned(root)[1].artifacts == ()


def test_a_preset_with_a_configuration_of_its_own_is_left_to_a_person(tmp_path: Path) -> None:
    root = roots.arch_grub(tmp_path).put("etc/mkinitcpio-mine.conf", "MODULES=()\n")
    root.put("etc/mkinitcpio.d/linux.preset", "default_config=/etc/mkinitcpio-mine.conf\n")
    found = planned(root)[1]
    assert not any("mkinitcpio" in one.path for one in found.artifacts)
    assert any("MODULES of /etc/mkinitcpio-mine.conf, before all: vfio_pci" in one for one in found.notes)


def test_dracut_builds_each_image_by_its_own_name(tmp_path: Path) -> None:
    root = roots.debian_13_systemd_boot(tmp_path)
    other = "6.1.0-56-amd64"
    root.put(f"lib/modules/{other}/modules.builtin").put(f"boot/vmlinuz-{other}").put(
        f"boot/initrd.img-{other}"
    )
    runs = [run.argv for run in planned(root)[1].commands]
    assert runs == [
        ("dracut", "--force", f"/boot/initrd.img-{other}", other),
        ("dracut", "--force", f"/boot/initrd.img-{root.release}", root.release),
        ("kernel-install", "add", other, f"/boot/vmlinuz-{other}"),
        ("kernel-install", "add", root.release, f"/boot/vmlinuz-{root.release}"),
    ]


def test_where_kernel_install_has_the_image_built_it_is_called_for_that(tmp_path: Path) -> None:
    """dracut by itself would leave an initrd on the EFI partition that nothing starts."""
    root = roots.fedora_unified(tmp_path)
    runs = [(run.argv[0], run.stage) for run in planned(root)[1].commands]
    assert runs == [("kernel-install", Stage.IMAGE), ("cp", Stage.FILES), ("kernel-install", Stage.ENTRIES)]


def test_dracut_takes_our_file_into_the_image_with_and_without_host_only(tmp_path: Path) -> None:
    text = file_of(planned(roots.gentoo_grub(tmp_path))[1], "/etc/dracut.conf.d/vfio-wizard.conf").text
    script = f'install_items=" x "\n{text}\necho "$install_items"'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, timeout=20)
    assert done.stdout.split() == ["x", f"/{FILE}"]


def test_the_images_come_before_the_command_line(tmp_path: Path) -> None:
    found = planned(roots.arch_unified(tmp_path))[1]
    stages = {one.path: one.stage for one in found.artifacts}
    assert stages[f"/{FILE}"] < Stage.IMAGE < stages["/etc/kernel/cmdline"]
    assert [(run.argv[0], run.stage) for run in found.commands] == [
        ("mkinitcpio", Stage.IMAGE),
        ("cp", Stage.FILES),
        ("mkinitcpio", Stage.ENTRIES),
    ]


def scene(root: Root, text: str | None, closed: bool = False) -> Scene:
    plan, _ = planned(root)
    texts = {} if text is None else {"etc/booster.yaml": text}
    return Scene(plan, Originals(texts, ("etc/booster.yaml",) if closed else ()))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (None, "modules_force_load: vfio_pci,vfio_iommu_type1\nmodules: -nouveau,-snd_hda_intel\n"),
        ("x: 1", "x: 1\nmodules_force_load: vfio_pci,vfio_iommu_type1\nmodules: -nouveau,-snd_hda_intel\n"),
        (
            "modules: -*,hid_apple # c\r\nmodules_force_load:  nvme\r\n",
            "modules: -*,hid_apple,-nouveau,-snd_hda_intel # c\r\n"
            "modules_force_load:  vfio_pci,vfio_iommu_type1,nvme\r\n",
        ),
        (
            "modules_force_load: vfio_pci,nvme\nmodules: -nouveau,-snd_hda_intel\n",
            "modules_force_load: vfio_iommu_type1,vfio_pci,nvme\nmodules: -nouveau,-snd_hda_intel\n",
        ),
    ],
)
def test_booster_s_lists_are_made_longer(text: str | None, wanted: str, tmp_path: Path) -> None:
    (file,) = booster(scene(roots.alpine_limine_booster(tmp_path), text)).artifacts
    assert file.text == wanted


@pytest.mark.parametrize(
    "text", ["modules_force_load: [nvme]\n", "modules_force_load:\n  - nvme\n", 'modules_force_load: "a"\n']
)
def test_a_booster_yaml_of_another_form_is_left_alone(text: str, tmp_path: Path) -> None:
    found = booster(scene(roots.alpine_limine_booster(tmp_path), text))
    assert (found.artifacts, found.commands) == ((), ())
    assert "By hand" in found.notes[0]
    assert "vfio_pci,vfio_iommu_type1" in found.notes[0]


def test_a_closed_booster_yaml_is_not_replaced(tmp_path: Path) -> None:
    found = booster(scene(roots.alpine_limine_booster(tmp_path), None, closed=True))
    assert found.artifacts == ()


def test_booster_by_address_binds_in_the_real_root(tmp_path: Path) -> None:
    """Its image knows no install line: vfio-pci and the drivers stay out of it."""
    root = roots.alpine_limine_booster(tmp_path).card(TWIN, TWIN_SOUND, 6)
    text = file_of(planned(root)[1], "/etc/booster.yaml").text
    assert "vfio_pci" not in text
    assert "modules: hid_apple,-nouveau,-snd_hda_intel" in text


def test_a_second_softdep_builds_the_images_anew(tmp_path: Path) -> None:
    """modprobe.d is copied into the image, so that its change is one of the image."""
    root = roots.debian_12_grub(tmp_path)
    carry_out(root, planned(root)[1])
    text = root.text(FILE).replace("softdep snd_hda_intel pre: vfio-pci\n", "")
    root.put(FILE, text)
    found = planned(root)[1]
    assert [one.path for one in found.artifacts] == [f"/{FILE}"]
    assert [run.argv[0] for run in found.commands] == ["update-initramfs"]
