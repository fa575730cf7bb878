from __future__ import annotations

import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.probe.boot_trees import Tree
from vfio_wizard.model.facts import User
from vfio_wizard.model.hook import CpuHook, CpusMeanwhile
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.probe.virt import library_version, parse_groups, read_cpu_hook, read_virt

ACCOUNTS = "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000:Ann:/home/ann:/bin/sh\n"
GROUPS = "root:x:0:\nkvm:x:106:ann\nlibvirt:x:107:bob,ann\nann:x:1000:\nrender:x:108:\nbroken\n"


def machine(tmp_path: Path, uid: int = 1000, login: str = "1000") -> Tree:
    tree = (
        Tree(tmp_path).put("etc/passwd", ACCOUNTS).put("etc/group", GROUPS).put("proc/self/loginuid", login)
    )
    return tree.put("proc/self/status", f"Name:\tx\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\nGroups:\t{uid} 108 \n")


def test_nothing_installed_is_none_and_not_unread(tmp_path: Path) -> None:
    tree = (
        Tree(tmp_path)
        .tools("sh")
        .folder("usr/sbin")
        .put("dev/null")
        .put("etc/group", "root:x:0:\n")
        .put("run/x")
    )
    tree.folder("run/libvirt").put("proc/self/status", "Uid:\t0\n")
    found = read_virt(tree.host)
    assert (found.kvm, found.qemu, found.libvirt, found.swtpm) == (None, None, None, None)
    assert (found.libvirt_group, found.libvirt_socket) == (None, None)


def test_a_mounted_disk_tells_nothing_of_devices_and_users(tmp_path: Path) -> None:
    tree = Tree(tmp_path).put("dev/null").folder("proc").folder("run").tools("qemu-system-x86_64")
    found = read_virt(tree.host)
    for fact in (found.kvm, found.user, found.memlock_kib, found.looking_glass, found.libvirt_socket):
        assert isinstance(fact, Unread)
        assert fact.gap is Gap.UNTOLD, fact
    assert found.qemu == "usr/bin/qemu-system-x86_64"


def test_kvm_that_is_no_device_is_told_as_it_is(tmp_path: Path) -> None:
    node = read_virt(Tree(tmp_path).put("dev/kvm").host).kvm
    assert node is not None
    assert not isinstance(node, Unread)
    assert node.kind == "file"


def test_libvirts_version_is_in_the_name_of_its_library(tmp_path: Path) -> None:
    tree = Tree(tmp_path).put("usr/sbin/libvirtd").put("usr/lib/x86_64-linux-gnu/libvirt.so.0.9000.0")
    (tmp_path / "usr/lib/x86_64-linux-gnu/libvirt.so.0").symlink_to("libvirt.so.0.9000.0")
    assert read_virt(tree.host).libvirt == "9.0.0"


@pytest.mark.parametrize(
    ("name", "version"),
    [("libvirt.so.0.11003.1", "11.3.1"), ("libvirt.so.0", None), ("libvirt.so.0.x.1", None), ("", None)],
)
def test_library_versions(name: str, version: str | None) -> None:
    assert library_version(f"usr/lib/{name}") == version


def test_the_library_without_a_daemon_is_no_libvirt(tmp_path: Path) -> None:
    tree = Tree(tmp_path).put("usr/lib64/libvirt.so.0").folder("usr/sbin")
    assert read_virt(tree.host).libvirt is None


def test_nixos_tells_versions_by_the_store(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    for name, package in (("qemu-system-x86_64", "qemu-10.0.2"), ("libvirtd", "libvirt-11.3.0")):
        store = f"nix/store/0123456789abcdfghijklmnpqrsvwxyz-{package}/bin/{name}"
        tree.put(store).folder("run/current-system/sw/bin")
        (tmp_path / "run/current-system/sw/bin" / name).symlink_to(f"/{store}")
    tree.folder("usr/bin").folder("usr/sbin").folder("usr/libexec")
    found = read_virt(tree.host)
    assert (found.qemu, found.libvirt) == ("10.0.2", "11.3.0")


def test_a_socket_file_that_is_none_does_not_count(tmp_path: Path) -> None:
    tree = machine(tmp_path).put("run/libvirt/virtqemud-sock")
    assert read_virt(tree.host).libvirt_socket is None
    with socket.socket(socket.AF_UNIX) as listener:
        short = Path(f"/proc/self/fd/{_directory(tmp_path / 'run/libvirt')}/libvirt-sock")
        listener.bind(str(short))
        assert read_virt(tree.host).libvirt_socket == "run/libvirt/libvirt-sock"


def _directory(path: Path) -> int:
    import os  # noqa: PLC0415 - only to keep the socket's path short

    return os.open(path, os.O_RDONLY)


def test_the_group_of_the_system_daemon_by_either_name(tmp_path: Path) -> None:
    assert read_virt(machine(tmp_path).host).libvirt_group == ("ann", "bob")
    tree = machine(tmp_path).put("etc/group", "libvirtd:x:67:\n")
    assert read_virt(tree.host).libvirt_group == ()


def test_the_ordinary_user_has_the_groups_of_file_and_process(tmp_path: Path) -> None:
    assert read_virt(machine(tmp_path).host).user == User("ann", ("ann", "kvm", "libvirt", "render"), False)


def test_behind_sudo_stands_the_one_who_logged_in(tmp_path: Path) -> None:
    assert read_virt(machine(tmp_path, uid=0).host).user == User("ann", ("ann", "kvm", "libvirt"), False)


@pytest.mark.parametrize("login", ["4294967295", "", "x"])
def test_root_without_a_login_is_root(login: str, tmp_path: Path) -> None:
    user = read_virt(machine(tmp_path, uid=0, login=login).host).user
    assert isinstance(user, User)
    assert (user.name, user.is_root) == ("root", True)


def test_an_account_from_elsewhere_goes_by_its_number(tmp_path: Path) -> None:
    user = read_virt(machine(tmp_path, uid=70000).host).user
    assert user == User("70000", ("render",), False)


@pytest.mark.parametrize(
    ("text", "kib"),
    [
        ("Max locked memory         8388608              8388608              bytes", 8192),
        ("Max locked memory  unlimited unlimited bytes", None),
    ],
)
def test_memlock_is_the_soft_limit(text: str, kib: int | None, tmp_path: Path) -> None:
    tree = Tree(tmp_path).put("proc/self/limits", f"Limit  Soft Limit\n{text}\n")
    assert read_virt(tree.host).memlock_kib == kib


def test_limits_without_the_line_are_malformed(tmp_path: Path) -> None:
    found = read_virt(Tree(tmp_path).put("proc/self/limits", "x\n").host).memlock_kib
    assert isinstance(found, Unread)
    assert found.gap is Gap.MALFORMED


def test_firmware_descriptors_go_before_images_and_foreign_ones_are_left_out(tmp_path: Path) -> None:
    tree = Tree(tmp_path).put("usr/share/OVMF/OVMF_CODE_4M.fd").put("usr/share/OVMF/OVMF_VARS_4M.fd")
    assert read_virt(tree.host).ovmf == ("usr/share/OVMF/OVMF_CODE_4M.fd",)
    tree.put("usr/share/qemu/firmware/60-edk2-x86_64.json").put(
        "usr/share/qemu/firmware/60-edk2-aarch64.json"
    )
    assert read_virt(tree.host).ovmf == ("usr/share/qemu/firmware/60-edk2-x86_64.json",)


def test_a_regular_file_in_the_place_of_kvmfr_is_kept_as_the_trap_it_is(tmp_path: Path) -> None:
    tree = machine(tmp_path).put("dev/kvmfr0").put("dev/shm/looking-glass", b"\0" * 64).put("dev/shm/other")
    found = read_virt(tree.host).looking_glass
    assert not isinstance(found, Unread)
    assert [(node.path, node.kind) for node in found] == [
        ("dev/kvmfr0", "file"),
        ("dev/shm/looking-glass", "file"),
    ]


@given(st.text())
def test_any_group_file_is_read(text: str) -> None:
    assert all(len(group) == 3 for group in parse_groups(text))


def test_the_way_to_the_iommu_of_newer_programs_is_seen_or_its_absence(tmp_path: Path) -> None:
    tree = machine(tmp_path).put("dev/null")
    assert read_virt(tree.host).iommu_node is None
    node = read_virt(tree.put("dev/iommu").host).iommu_node
    assert not isinstance(node, Unread)
    assert node is not None
    assert node.path == "dev/iommu"


HOOK = (
    '#!/bin/sh\n[ "${1:-}" = win11 ] || exit 0\ncase "${2:-}/${3:-}" in\n'
    "prepare/begin) cpus=0-1 ;;\nrelease/end) cpus=0-11 ;;\nesac\n"
)


def test_own_hooks_are_known_and_those_of_others_left_alone(tmp_path: Path) -> None:
    tree = Tree(tmp_path).put("etc/libvirt/hooks/qemu.d/40-vfio-wizard-cpus-win11", HOOK)
    tree.put("etc/libvirt/hooks/qemu.d/10-mine", HOOK.replace("win11", "other"))
    assert read_virt(tree.host).cpu_hooks == (CpuHook("win11", CpusMeanwhile("0-1", "0-11")),)


@pytest.mark.parametrize(
    ("old", "new"), [("win11", "'win"), ("win11", "a b"), ("0-11", "$all"), ("prepare", "start")]
)
def test_a_hook_that_somebody_rewrote_is_not_ours(old: str, new: str) -> None:
    found = read_cpu_hook(HOOK.replace(old, new))
    assert found is None or found.cpus != CpusMeanwhile("0-1", "0-11")
