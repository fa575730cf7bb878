"""What the host's file systems stand on, through every layer that Linux puts between."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import SysfsTree
from vfio_wizard.model.facts import DiskUse
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.unread import Unread
from vfio_wizard.probe.disks import read_disks
from vfio_wizard.system.host import RootHost

NVME = "0000:04:00.0"
SATA = "0000:00:17.0"
NVME_AT = PciAddress(0, 4, 0, 0)
SATA_AT = PciAddress(0, 0, 0x17, 0)


def machine(root: Path) -> SysfsTree:
    """An NVMe disk of two partitions and a SATA disk of one."""
    tree = SysfsTree(root).pci(NVME, cls=0x010802).pci(SATA, cls=0x010601)
    disk = f"{tree.device(NVME)}/nvme/nvme0/nvme0n1"
    tree.disk("nvme0n1", "259:0", disk).disk("nvme0n1p1", "259:1", f"{disk}/nvme0n1p1")
    tree.disk("nvme0n1p2", "259:2", f"{disk}/nvme0n1p2")
    return tree.disk("sda1", "8:1", f"{tree.device(SATA)}/ata1/host0/target0:0:0/0:0:0:0/block/sda/sda1")


def mounts(tree: SysfsTree, *rows: tuple[str, str, str, str]) -> SysfsTree:
    """Rows of mount point, major:minor, type and source."""
    lines = [
        f"2{n} 1 {number} / {at} rw,relatime shared:1 - {kind} {source} rw"
        for n, (at, number, kind, source) in enumerate(rows)
    ]
    return tree.file("proc/self/mountinfo", "\n".join(lines) + "\n")


def uses(tree: SysfsTree) -> dict[str, tuple[PciAddress, ...] | Unread]:
    found = read_disks(tree.host())
    assert not isinstance(found, Unread)
    return {use.mount: use.functions for use in found}


def test_partitions_hang_on_the_function_of_their_disk(tmp_path: Path) -> None:
    tree = mounts(
        machine(tmp_path),
        ("/", "259:2", "ext4", "/dev/nvme0n1p2"),
        ("/boot/efi", "259:1", "vfat", "/dev/nvme0n1p1"),
        ("/home", "8:1", "xfs", "/dev/sda1"),
        ("/mnt/other", "8:1", "xfs", "/dev/sda1"),
    )
    assert read_disks(tree.host()) == (
        DiskUse("/", "/dev/nvme0n1p2", (NVME_AT,)),
        DiskUse("/boot/efi", "/dev/nvme0n1p1", (NVME_AT,)),
        DiskUse("/home", "/dev/sda1", (SATA_AT,)),
    )


def test_encryption_on_a_volume_on_two_disks_needs_both(tmp_path: Path) -> None:
    tree = machine(tmp_path).disk("dm-0", "254:0", "sys/devices/virtual/block/dm-0")
    tree.disk("dm-1", "254:1", "sys/devices/virtual/block/dm-1").slave("dm-1", "dm-0")
    tree.slave("dm-0", "nvme0n1p2").slave("dm-0", "sda1")
    mounts(tree, ("/", "254:1", "ext4", "/dev/mapper/root"))
    assert uses(tree) == {"/": (SATA_AT, NVME_AT)}


def test_a_partition_of_a_raid_stands_on_the_disks_of_the_raid(tmp_path: Path) -> None:
    tree = machine(tmp_path).disk("md0", "9:0", "sys/devices/virtual/block/md0").slave("md0", "sda1")
    tree.disk("md0p1", "259:9", "sys/devices/virtual/block/md0/md0p1")
    assert uses(mounts(tree, ("/", "259:9", "ext4", "/dev/md0p1"))) == {"/": (SATA_AT,)}


def test_nvme_multipath_leads_through_the_subsystem_to_the_controller(tmp_path: Path) -> None:
    tree = machine(tmp_path)
    subsystem = "sys/devices/virtual/nvme-subsystem/nvme-subsys0"
    tree.disk("nvme1n1", "259:7", f"{subsystem}/nvme1n1").directory(f"{tree.device(NVME)}/nvme/nvme1")
    tree.link("sys/class/nvme-subsystem/nvme-subsys0", subsystem)
    tree.link(f"{subsystem}/nvme1", f"{tree.device(NVME)}/nvme/nvme1")
    assert uses(mounts(tree, ("/", "259:7", "ext4", "/dev/nvme1n1"))) == {"/": (NVME_AT,)}


def test_btrfs_is_found_by_the_name_of_its_device(tmp_path: Path) -> None:
    tree = mounts(
        machine(tmp_path),
        ("/", "0:25", "btrfs", "/dev/nvme0n1p2"),
        ("/home", "0:25", "btrfs", "/dev/nvme0n1p2"),
    )
    assert uses(tree) == {"/": (NVME_AT,), "/home": (NVME_AT,)}


def test_btrfs_over_two_disks_needs_both(tmp_path: Path) -> None:
    tree = mounts(machine(tmp_path), ("/", "0:25", "btrfs", "/dev/nvme0n1p2"))
    tree.directory("sys/fs/btrfs/features").directory("sys/fs/btrfs/1234/devices/nvme0n1p2")
    tree.directory("sys/fs/btrfs/1234/devices/sda1")
    assert uses(tree) == {"/": (SATA_AT, NVME_AT)}


@pytest.mark.parametrize("linked", [True, False])
def test_btrfs_on_an_encrypted_disk_is_found_by_the_mapper_name(tmp_path: Path, linked: bool) -> None:
    tree = (
        machine(tmp_path).disk("dm-0", "254:0", "sys/devices/virtual/block/dm-0").slave("dm-0", "nvme0n1p2")
    )
    tree.files("sys/devices/virtual/block/dm-0/dm", name="cryptroot")
    if linked:
        tree.link("dev/mapper/cryptroot", "dev/dm-0")
    assert uses(mounts(tree, ("/", "0:25", "btrfs", "/dev/mapper/cryptroot"))) == {"/": (NVME_AT,)}


@pytest.mark.parametrize(
    ("kind", "source"), [("zfs", "rpool/root"), ("overlay", "overlay"), ("nfs4", "nas:/root")]
)
def test_a_file_system_that_names_no_disk_is_a_gap_and_not_none(
    tmp_path: Path, kind: str, source: str
) -> None:
    assert isinstance(uses(mounts(machine(tmp_path), ("/", "0:30", kind, source)))["/"], Unread)


def test_a_root_in_memory_depends_on_no_function(tmp_path: Path) -> None:
    tree = mounts(
        machine(tmp_path), ("/", "0:30", "tmpfs", "none"), ("/nix", "259:2", "ext4", "/dev/nvme0n1p2")
    )
    assert uses(tree) == {"/": (), "/nix": (NVME_AT,)}


def test_a_loop_device_does_not_tell_what_it_stands_on(tmp_path: Path) -> None:
    tree = machine(tmp_path).disk("loop0", "7:0", "sys/devices/virtual/block/loop0")
    assert isinstance(uses(mounts(tree, ("/", "7:0", "squashfs", "/dev/loop0")))["/"], Unread)


def test_what_is_mounted_last_is_what_is_there(tmp_path: Path) -> None:
    tree = mounts(
        machine(tmp_path),
        ("/boot", "0:40", "autofs", "systemd-1"),
        ("/boot", "259:1", "vfat", "/dev/nvme0n1p1"),
    )
    assert uses(tree) == {"/boot": (NVME_AT,)}


def test_swap_on_a_device_counts_and_compressed_memory_needs_nothing(tmp_path: Path) -> None:
    tree = mounts(machine(tmp_path), ("/", "259:2", "ext4", "/dev/nvme0n1p2"))
    tree.disk("zram0", "252:0", "sys/devices/virtual/block/zram0")
    tree.file(
        "proc/swaps",
        "Filename Type Size Used Priority\n/dev/zram0 partition 1 0 100\n"
        "/dev/sda1 partition 1 0 -2\n/swapfile file 1 0 -3\n",
    )
    found = read_disks(tree.host())
    assert not isinstance(found, Unread)
    assert found[1:] == (DiskUse("swap", "/dev/zram0", ()), DiskUse("swap", "/dev/sda1", (SATA_AT,)))


def test_layers_in_a_circle_end_as_a_gap(tmp_path: Path) -> None:
    tree = machine(tmp_path).disk("dm-0", "254:0", "sys/devices/virtual/block/dm-0").slave("dm-0", "dm-0")
    assert isinstance(uses(mounts(tree, ("/", "254:0", "ext4", "/dev/dm-0")))["/"], Unread)


def test_without_mounts_nothing_is_known(tmp_path: Path) -> None:
    assert isinstance(read_disks(RootHost(str(tmp_path))), Unread)


@pytest.mark.parametrize(
    "text",
    ["", " / ", " / - ", "1 2 8:1 / / - ", "1 2 x / / rw - ext4", " / \0 - a b", "a b c d / - e /dev/"],
)
def test_no_text_of_mountinfo_raises(tmp_path: Path, text: str) -> None:
    found = read_disks(machine(tmp_path).file("proc/self/mountinfo", text).host())
    assert not isinstance(found, Unread)
    assert all(isinstance(use.functions, Unread) for use in found)


@pytest.mark.live
def test_the_root_of_this_machine_is_among_its_disks() -> None:
    """In a chroot the root need not be a mount, and then nothing tells what it stands on."""
    found = read_disks(RootHost("/"))
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    assert not isinstance(found, Unread)
    assert ("/" in [use.mount for use in found]) == ("/" in mounts)
