from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.probe.boot_trees import Tree, generator_name
from vfio_wizard.model.facts import InitramfsGenerator
from vfio_wizard.model.unread import Gap, Unread

CORE = ("usr/sbin/mkinitramfs", "usr/share/initramfs-tools/hook-functions")
WRAPPER = '#!/bin/sh\n# compatibility\nexec dracut "$@"\n'


def name_of(tree: Tree) -> str:
    return generator_name(tree.boot())


def with_files(tree: Tree, *paths: str) -> Tree:
    for path in paths:
        tree.put(path)
    return tree


def test_evidence_names_command_and_hook(tmp_path: Path) -> None:
    tree = with_files(Tree(tmp_path), "etc/kernel/postinst.d/initramfs-tools", *CORE)
    found = tree.boot().initramfs
    assert isinstance(found, InitramfsGenerator)
    assert [path for path, _ in found.evidence] == ["etc/kernel/postinst.d/initramfs-tools", *CORE]


def test_update_initramfs_of_debians_dracut_is_a_wrapper(tmp_path: Path) -> None:
    tree = (
        Tree(tmp_path)
        .tools("dracut")
        .put("etc/kernel/postinst.d/dracut")
        .put("usr/sbin/update-initramfs", WRAPPER)
    )
    assert name_of(tree) == "dracut"


def test_conffiles_of_a_replaced_initramfs_tools_do_not_count(tmp_path: Path) -> None:
    tree = (
        Tree(tmp_path)
        .tools("dracut")
        .put("etc/kernel/postinst.d/dracut")
        .put("usr/sbin/update-initramfs", WRAPPER)
    )
    with_files(tree, "etc/kernel/postinst.d/initramfs-tools", "etc/initramfs-tools/initramfs.conf", *CORE)
    assert name_of(tree) == "dracut"


def test_dracut_core_beside_initramfs_tools_is_not_called(tmp_path: Path) -> None:
    tree = with_files(Tree(tmp_path).tools("dracut"), "usr/sbin/update-initramfs", *CORE)
    tree.put("etc/kernel/postinst.d/initramfs-tools")
    assert name_of(tree) == "initramfs-tools"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (("usr/bin/dracut", "usr/lib/kernel/install.d/50-dracut.install"), "dracut"),
        (("usr/bin/dracut", "usr/share/libalpm/hooks/90-dracut-install.hook"), "dracut"),
        (("usr/sbin/dracut",), "dracut"),
        (("usr/bin/mkinitcpio", "etc/mkinitcpio.conf"), "mkinitcpio"),
        (("usr/bin/mkinitcpio", "usr/bin/dracut", "etc/mkinitcpio.d/linux.preset"), "mkinitcpio"),
        (("usr/bin/booster", "etc/booster.yaml"), "booster"),
        (("usr/sbin/update-initramfs", *CORE), "initramfs-tools"),
        (("etc/NIXOS",), "nixos"),
        (("run/ostree-booted", "usr/bin/dracut"), "ostree-prebuilt"),
    ],
)
def test_the_only_generator_here_is_the_generator(
    files: tuple[str, ...], expected: str, tmp_path: Path
) -> None:
    assert name_of(with_files(Tree(tmp_path), *files)) == expected


def test_mkinitcpio_and_dracut_without_a_preset_or_hook_stay_unknown(tmp_path: Path) -> None:
    found = with_files(Tree(tmp_path), "usr/bin/mkinitcpio", "usr/bin/dracut").boot().initramfs
    assert isinstance(found, Unread)
    assert found.gap is Gap.ABSENT


def test_kernel_install_may_name_its_generator(tmp_path: Path) -> None:
    tree = with_files(Tree(tmp_path), "usr/bin/mkinitcpio", "usr/bin/dracut")
    assert name_of(tree.put("etc/kernel/install.conf", "layout=bls\ninitrd_generator=dracut\n")) == "dracut"


def test_a_root_without_programs_tells_nothing(tmp_path: Path) -> None:
    found = Tree(tmp_path).folder("etc").boot().initramfs
    assert isinstance(found, Unread)
    assert found.gap is Gap.UNTOLD
