"""What each generator's image loads, and in which order: real answers, and layouts built by hand.

The JSON files beside this hold what the reader told of images that the real generators built (see
scripts/images_check.py). mkinitcpio, booster and NixOS images are built here after those programs' sources.
"""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.system.archive.images import RELEASE, File, archive, link, module, packed, unified
from vfio_wizard.model.facts import InstalledKernel
from vfio_wizard.model.image import AFTER_UDEV, BEFORE_UDEV, BESIDE_UDEV, InitramfsImage
from vfio_wizard.model.unread import Gap, Unread, untold
from vfio_wizard.probe.images import read_configuration, read_image, read_images
from vfio_wizard.system.capture import SCHEMA, CaptureHost
from vfio_wizard.system.host import RootHost
from vfio_wizard.system.record import capture_document, leaks
from vfio_wizard.system.recording import RecordingHost

PATH = "boot/initrd.img"
ANSWERS = Path(__file__).parent / "images"
SYSTEMD = link("init", "usr/lib/systemd/systemd")
UDEV = File("usr/lib/systemd/systemd-udevd", b"\x7fELF")


def recorded(answer: str) -> InitramfsImage | Unread:
    return read_image(CaptureHost({"schema": SCHEMA, "commands": {f"@initramfs {PATH}": answer}}), PATH)


def real(name: str) -> InitramfsImage:
    image = recorded((ANSWERS / f"{name}.json").read_text())
    assert isinstance(image, InitramfsImage)
    return image


def place(folder: Path, content: bytes) -> RootHost:
    (folder / "boot").mkdir(exist_ok=True)
    (folder / PATH).write_bytes(content)
    return RootHost(str(folder))


def built(folder: Path, *files: File) -> InitramfsImage:
    image = read_image(place(folder, packed("zstd", archive(*files))), PATH)
    assert isinstance(image, InitramfsImage)
    assert image.gaps == ()
    return image


def loads(image: InitramfsImage) -> list[tuple[str, str, str]]:
    return [(one.module, one.options, one.when) for one in image.early]


def test_debian_12_loads_its_modules_once_udev_is_done() -> None:
    """Ids in conf/modules come too late where udev loads the GPU's driver: a softdep is needed too."""
    image = real("debian12-initramfs-tools-vfio")
    assert (image.made_by, image.has_udev, image.systemd) == ("initramfs-tools", True, False)
    assert image.compression == ("none", "zstd")
    assert image.kernels == ("6.1.0-56-amd64",)
    assert {"vfio_pci", "vfio_pci_core", "radeon"} <= image.modules
    assert loads(image) == [
        ("vfio", "", AFTER_UDEV),
        ("vfio_iommu_type1", "", AFTER_UDEV),
        ("vfio_pci", "ids=1002:5159,8086:293e", AFTER_UDEV),
        ("radeon", "", AFTER_UDEV),
        ("snd_hda_intel", "", AFTER_UDEV),
    ]
    assert image.early[2].origin == f"{PATH}:conf/modules:3"
    (options,) = image.modprobe.options("vfio-pci")
    assert options.origin == f"{PATH}:etc/modprobe.d/vfio.conf:2"
    assert [script.path for script in image.scripts] == ["scripts/init-top/vfio-override"]


def test_debian_12_as_installed_has_no_vfio_pci() -> None:
    image = real("debian12-initramfs-tools-stock")
    assert image.is_complete
    assert len(image.modules) == 747
    assert "vfio_pci" not in image.modules
    assert image.early == ()


def test_debian_13_with_dracut_leaves_etc_modprobe_d_out() -> None:
    """Seen in the lab: vfio-pci is loaded before udev, but without ids, and claims nothing."""
    image = real("debian13-dracut-forced")
    assert (image.made_by, image.systemd) == ("dracut", True)
    assert loads(image) == [(name, "", BEFORE_UDEV) for name in ("vfio_pci", "vfio", "vfio_iommu_type1")]
    assert image.modprobe.options("vfio_pci") == ()
    assert image.modprobe.blacklisted("radeonfb")


def test_unified_image_of_debian_13_brings_its_command_line() -> None:
    image = real("debian13-dracut-uki")
    assert image.cmdline == "root=/dev/vda1 vfio-pci.ids=1002:5159 quiet"
    assert image.made_by == "dracut"


def test_debian_13_with_initramfs_tools() -> None:
    """Modules that are packed already stand in an archive of their own that is not packed again."""
    image = real("debian13-initramfs-tools-vfio")
    assert image.compression == ("none", "xz")
    assert loads(image) == [("vfio", "", AFTER_UDEV), ("vfio_pci", "ids=1002:5159", AFTER_UDEV)]


def test_initramfs_tools_image_without_udev_loads_first(tmp_path: Path) -> None:
    image = built(tmp_path, File("scripts/functions", b"x"), File("conf/modules", b"vfio-pci ids=1:2\n"))
    assert (image.has_udev, loads(image)) == (False, [("vfio_pci", "ids=1:2", BEFORE_UDEV)])


def test_dracut_parameters_that_blacklist_and_load_later(tmp_path: Path) -> None:
    image = built(
        tmp_path,
        SYSTEMD,
        UDEV,
        File("usr/lib/dracut/build-parameter.txt", b"x"),
        File("etc/cmdline.d/90-a.conf", b"rd.driver.post=radeon\n"),
        File(
            "etc/cmdline.d/10-b.conf",
            b'rd.luks=0 rd.driver.pre=vfio-pci,vfio rd.driver.blacklist="nouveau"\n',
        ),
        File("usr/lib/modules-load.d/a.conf", b"# comment\nhidden\n"),
        link("etc/modules-load.d/a.conf", "/dev/null"),
        File("etc/modules-load.d/b.conf", b"kvm-amd\n"),
    )
    assert loads(image) == [
        ("vfio_pci", "", BEFORE_UDEV),
        ("vfio", "", BEFORE_UDEV),
        ("kvm_amd", "", BESIDE_UDEV),
        ("radeon", "", AFTER_UDEV),
    ]
    assert image.modprobe.blacklisted("nouveau")
    assert image.modprobe.blacklisted("radeon")


MKINITCPIO = (File("buildconfig", b"MODULES=(vfio_pci)\n"), File("VERSION", b"41"))


def test_mkinitcpio_loads_its_modules_before_the_udev_hook_triggers(tmp_path: Path) -> None:
    config = b'MODULES="vfio_pci vfio vfio_iommu_type1"\nEARLYHOOKS="udev"\nHOOKS="udev"\n'
    image = built(tmp_path, *MKINITCPIO, UDEV, File("init", b"#!/usr/bin/ash\n"), File("config", config))
    assert image.made_by == "mkinitcpio"
    assert loads(image) == [(name, "", BEFORE_UDEV) for name in ("vfio_pci", "vfio", "vfio_iommu_type1")]


def test_mkinitcpio_with_systemd_loads_beside_udev(tmp_path: Path) -> None:
    modules = File("etc/modules-load.d/MODULES.conf", b"vfio_pci\nvfio\n")
    image = built(tmp_path, *MKINITCPIO, SYSTEMD, UDEV, modules, File("config", b'MODULES="vfio_pci vfio"\n'))
    assert loads(image) == [("vfio_pci", "", BESIDE_UDEV), ("vfio", "", BESIDE_UDEV)]


def test_mkinitcpio_keeps_packed_modules_in_the_first_archive(tmp_path: Path) -> None:
    early = archive(File("early_cpio", b"1\n"), module("vfio_pci", ending=".ko.zst"))
    host = place(tmp_path, early + packed("zstd", archive(*MKINITCPIO, module("radeon"))))
    image = read_image(host, PATH)
    assert isinstance(image, InitramfsImage)
    assert image.modules == {"vfio_pci", "radeon"}


def test_booster_takes_options_and_forced_modules_only(tmp_path: Path) -> None:
    text = f"""moduledependencies:
    vfio_pci:
        - vfio_pci_core
modulesforceload:
    - vfio_pci
    - vfio
modprobeoptions:
    vfio_pci: ids=10de:1b80,10de:10f0
    snd_hda_intel: 'power_save=0'
kernel: {RELEASE}
"""
    image = built(
        tmp_path,
        File("init", b"\x7fELF"),
        File("usr/lib/modules/vfio_pci.ko", b"\x7fELF"),
        File("etc/booster.init.yaml", text.encode()),
    )
    assert (image.made_by, image.has_udev, image.kernels) == ("booster", True, (RELEASE,))
    assert image.modules == {"vfio_pci"}
    assert loads(image) == [("vfio_pci", "", BESIDE_UDEV), ("vfio", "", BESIDE_UDEV)]
    assert [line.rest for line in image.modprobe.options("vfio_pci")] == ["ids=10de:1b80,10de:10f0"]
    assert [line.rest for line in image.modprobe.options("snd_hda_intel")] == ["power_save=0"]


STAGE_1 = b"""#! /nix/store/abc-extra-utils/bin/ash
for o in $(cat /proc/cmdline); do
    true
done
for i in vfio_pci vfio dm_mod; do
    info "loading module $(basename $i)..."
    modprobe $i
done
for d in 0000:01:00.0; do echo vfio-pci > /sys/bus/pci/devices/$d/driver_override; done
systemd-udevd --daemon
udevadm trigger --action=add
"""


def test_nixos_with_the_scripted_first_stage(tmp_path: Path) -> None:
    image = built(
        tmp_path,
        link("init", "/nix/store/abc-stage-1-init.sh"),
        File("nix/store/abc-stage-1-init.sh", STAGE_1, stat.S_IFREG | 0o555),
        link("etc/modprobe.d/nixos.conf", "/nix/store/def-etc-nixos.conf"),
        File("nix/store/def-etc-nixos.conf", b"options vfio-pci ids=1:2\n"),
        File("nix/store/abc-extra-utils/bin/systemd-udevd", b"\x7fELF"),
        File(f"nix/store/ghi-shrunk/lib/modules/{RELEASE}/kernel/drivers/vfio/pci/vfio-pci.ko.xz", b"x"),
    )
    assert (image.made_by, image.has_udev, image.kernels) == ("nixos", True, (RELEASE,))
    assert loads(image) == [(name, "", BEFORE_UDEV) for name in ("vfio_pci", "vfio", "dm_mod")]
    assert image.modprobe.options("vfio_pci")[0].origin == f"{PATH}:etc/modprobe.d/nixos.conf:1"
    assert "driver_override" in image.scripts[0].text


def test_nixos_with_systemd_in_the_first_stage(tmp_path: Path) -> None:
    image = built(
        tmp_path,
        link("init", "/nix/store/abc-systemd-260/lib/systemd/systemd"),
        link("etc/modules-load.d/nixos.conf", "/nix/store/def-nixos.conf"),
        File("nix/store/def-nixos.conf", b"vfio_pci\nvfio"),
    )
    assert (image.made_by, image.systemd) == ("nixos", True)
    assert loads(image) == [("vfio_pci", "", BESIDE_UDEV), ("vfio", "", BESIDE_UDEV)]


def test_files_hide_others_of_the_same_name(tmp_path: Path) -> None:
    image = built(
        tmp_path,
        link("lib", "usr/lib"),
        File("usr/lib/modprobe.d/a.conf", b"blacklist hidden\n"),
        File("etc/modprobe.d/a.conf", b"blacklist shown\n"),
        File("usr/lib/modprobe.d/b.conf", b"blacklist other\n"),
    )
    assert [line.module for line in image.modprobe.lines] == ["shown", "other"]
    assert isinstance(image.made_by, Unread)


def test_image_that_is_cut_off_proves_nothing_by_what_it_lacks(tmp_path: Path) -> None:
    whole = packed("gzip", archive(module("radeon"), File("x", bytes(range(256)) * 99), module("vfio_pci")))
    image = read_image(place(tmp_path, archive(module("snd")) + whole[:-200]), PATH)
    assert isinstance(image, InitramfsImage)
    assert not image.is_complete
    assert image.modprobe.gap == image.gaps[0]


def test_closed_absent_and_foreign_files(tmp_path: Path) -> None:
    host = place(tmp_path, b"no image at all")
    image = read_image(host, PATH)
    assert isinstance(image, Unread)
    assert image.gap is Gap.MALFORMED
    gone = read_image(host, "boot/other")
    assert isinstance(gone, Unread)
    assert gone.gap is Gap.ABSENT
    folder = read_image(host, "boot")
    assert isinstance(folder, Unread)
    assert "directory" in folder.detail


def test_link_cannot_lead_out_of_a_directory(tmp_path: Path) -> None:
    (tmp_path / "outside.img").write_bytes(archive(module("vfio_pci")))
    (tmp_path / "root/boot").mkdir(parents=True)
    (tmp_path / "root" / PATH).symlink_to("../../../../../../.." + str(tmp_path / "outside.img"))
    assert isinstance(read_image(RootHost(str(tmp_path / "root")), PATH), Unread)


def test_capture_answers_as_the_machine_did(tmp_path: Path) -> None:
    image = unified(
        cmdline=b"root=UUID=0b7d7b8e-2a34-4c9f-9d6e-6f3f5f6a7b8c quiet", initrd=archive(module("vfio_pci"))
    )
    recorder = RecordingHost(place(tmp_path, image))
    now = read_image(recorder, PATH)
    document = capture_document(recorder)
    assert leaks(document) == []
    assert read_image(CaptureHost(document), PATH) == now
    assert isinstance(now, InitramfsImage)
    assert now.modules == {"vfio_pci"}
    assert isinstance(now.cmdline, str)
    assert "0b7d7b8e" not in now.cmdline
    assert len(json.dumps(document)) < 2000


def test_capture_without_images_does_not_tell() -> None:
    image = read_image(CaptureHost({"schema": SCHEMA}), PATH)
    assert isinstance(image, Unread)
    assert image.gap is Gap.UNTOLD


def kernel(release: str, initramfs: str | None | Unread) -> InstalledKernel:
    return InstalledKernel(
        release, running=False, builtin=frozenset(), config={}, has_vfio_pci=True, initramfs=initramfs
    )


def test_kernels_share_an_image_or_have_none(tmp_path: Path) -> None:
    host = place(tmp_path, archive(module("vfio_pci")))
    gap = untold("boot")
    kernels = (kernel("6.1", PATH), kernel("6.2", PATH), kernel("6.3", None), kernel("6.4", gap))
    first, second, third, fourth = read_images(host, kernels)
    assert first.release == "6.1"
    assert first.image is second.image
    assert (third.image, fourth.image) == (None, gap)


def test_configuration_that_goes_into_images_has_its_times(tmp_path: Path) -> None:
    for path in ("etc/modprobe.d/vfio.conf", "etc/initramfs-tools/modules", "etc/dracut.conf.d/a.conf"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    files = read_configuration(RootHost(str(tmp_path)), "initramfs-tools")
    assert not isinstance(files, Unread)
    assert [file.path for file in files] == ["etc/modprobe.d/vfio.conf", "etc/initramfs-tools/modules"]
    assert all(file.mtime > 0 for file in files)


values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
trees = st.recursive(
    values, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner)
)


def test_record_with_an_endless_size_is_malformed() -> None:
    told = json.loads((ANSWERS / "debian13-dracut-uki.json").read_text())
    image = recorded(json.dumps(told | {"size": float("inf")}))
    assert isinstance(image, Unread)


@given(st.sampled_from(sorted(ANSWERS.iterdir())), st.data())
def test_forged_record_is_answered(path: Path, data: st.DataObject) -> None:
    told = json.loads(path.read_text())
    key = data.draw(st.sampled_from(sorted(told)))
    told[key] = data.draw(trees | st.just({"a": ["99999999999:x"]}) | st.just([["x"]]))
    assert isinstance(recorded(json.dumps(told)), InitramfsImage | Unread)


@pytest.mark.parametrize("answer", ["", "[]", "{}", "[" * 100_000, '{"size": 1'])
def test_record_of_another_form_is_malformed(answer: str) -> None:
    image = recorded(answer)
    assert isinstance(image, Unread)
    assert image.gap is Gap.MALFORMED
