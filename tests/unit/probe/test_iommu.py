"""IOMMU facts: groups on, off, not compiled in and not told are four answers."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.builders import SysfsTree
from vfio_wizard.model.iommu import Iommu, IommuUnit, ReservedRegion
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.probe.iommu import read_iommu
from vfio_wizard.system.host import RootHost

MSI = "0x00000000fee00000 0x00000000feefffff msi\n"
RMRR = "0x000000007b800000 0x000000007fffffff direct-relaxable\n"


def iommu(tree: SysfsTree, *log: str) -> Iommu:
    return read_iommu(tree.host(), log)


def gap(fact: object) -> Gap:
    assert isinstance(fact, Unread)
    return fact.gap


def test_groups_come_by_number_with_members_type_and_regions(tmp_path: Path) -> None:
    tree = (
        SysfsTree(tmp_path)
        .pci("0000:01:00.1", group=10)
        .pci("0000:01:00.0", group=10)
        .pci("0000:00:02.0", group=2)
    )
    tree.group(2, "identity", RMRR + MSI)
    groups = iommu(tree).groups

    assert not isinstance(groups, Unread)
    assert [group.number for group in groups] == [2, 10]
    assert groups[0].type == "identity"
    assert groups[0].reserved == (
        ReservedRegion(0x7B800000, 0x7FFFFFFF, "direct-relaxable"),
        ReservedRegion(0xFEE00000, 0xFEEFFFFF, "msi"),
    )
    assert groups[1].members == (PciAddress(0, 1, 0, 0), PciAddress(0, 1, 0, 1))
    assert groups[1].reserved == ()


def test_members_that_are_not_pci_are_kept_by_name(tmp_path: Path) -> None:
    tree = (
        SysfsTree(tmp_path)
        .group(0)
        .link("sys/kernel/iommu_groups/0/devices/AMDI0020:00", "sys/devices/platform")
    )
    groups = iommu(tree).groups
    assert not isinstance(groups, Unread)
    assert (groups[0].members, groups[0].others) == ((), ("AMDI0020:00",))


def test_an_iommu_that_is_off_leaves_an_empty_directory(tmp_path: Path) -> None:
    assert iommu(SysfsTree(tmp_path)).groups == ()


def test_a_kernel_without_iommu_support_has_no_directory(tmp_path: Path) -> None:
    tree = SysfsTree(tmp_path).files("sys/kernel", uevent_seqnum=1234)
    (tmp_path / "sys/kernel/iommu_groups").rmdir()
    assert gap(iommu(tree).groups) is Gap.ABSENT


def test_a_copied_part_of_sysfs_does_not_prove_a_kernel_without_support(tmp_path: Path) -> None:
    tree = SysfsTree(tmp_path).directory("sys/kernel/mm/hugepages")
    (tmp_path / "sys/kernel/iommu_groups").rmdir()
    assert gap(iommu(tree).groups) is Gap.UNTOLD


def test_a_tree_without_that_part_of_sysfs_tells_nothing(tmp_path: Path) -> None:
    tree = SysfsTree(tmp_path)
    shutil.rmtree(tmp_path / "sys/kernel")
    assert gap(iommu(tree).groups) is Gap.UNTOLD


@pytest.mark.parametrize("regions", ["rubbish", "0x1 0x2", "0x1 zz msi", "\0\1\2 3 4", "0x1 0x2 m\x1bsi"])
def test_rubbish_in_one_group_spoils_only_its_regions(tmp_path: Path, regions: str) -> None:
    tree = SysfsTree(tmp_path).pci("0000:01:00.0", group=1).pci("0000:02:00.0", group=2)
    tree.file("sys/kernel/iommu_groups/1/reserved_regions", regions)
    groups = iommu(tree).groups
    assert not isinstance(groups, Unread)
    assert gap(groups[0].reserved) is Gap.MALFORMED
    assert groups[0].members == (PciAddress(0, 1, 0, 0),)
    assert groups[1].reserved == ()


@pytest.mark.parametrize("kind", ["", "\n\n", "DMA FQ", "x" * 99, "DMA\x1b[31m"])
def test_a_type_that_is_no_word_is_malformed(tmp_path: Path, kind: str) -> None:
    tree = SysfsTree(tmp_path).pci("0000:01:00.0", group=1).file("sys/kernel/iommu_groups/1/type", kind)
    groups = iommu(tree).groups
    assert not isinstance(groups, Unread)
    assert gap(groups[0].type) is Gap.MALFORMED


def test_an_old_kernel_has_groups_without_types(tmp_path: Path) -> None:
    tree = SysfsTree(tmp_path).pci("0000:01:00.0", group=1).remove("sys/kernel/iommu_groups/1/type")
    groups = iommu(tree).groups
    assert not isinstance(groups, Unread)
    assert gap(groups[0].type) is Gap.ABSENT


def test_units_are_told_apart_by_their_vendor_directory(tmp_path: Path) -> None:
    tree = SysfsTree(tmp_path)
    tree.files("sys/class/iommu/dmar0/intel-iommu", cap="1c0000c40660462", ecap="29a00f0505e")
    tree.directory("sys/class/iommu/dmar0/devices/0000:00:02.0")
    tree.files("sys/class/iommu/ivhd0/amd-iommu", cap="40c0f1", features="246577efa2254afa")
    tree.directory("sys/class/iommu/ivhd0/devices").directory("sys/class/iommu/smmu3.0x00000000fe80/devices")
    units = iommu(tree).units

    assert not isinstance(units, Unread)
    assert units[0] == IommuUnit("dmar0", "intel", "1c0000c40660462", "29a00f0505e", ("0000:00:02.0",))
    assert units[1] == IommuUnit("ivhd0", "amd", "40c0f1", "246577efa2254afa", ())
    assert (units[2].vendor, gap(units[2].capabilities)) == ("smmu", Gap.UNTOLD)


@pytest.mark.parametrize(
    ("names", "dmar", "ivrs"),
    [(["DMAR", "FACP"], True, False), (["FACP", "IVRS"], False, True), (["FACP"], False, False)],
)
def test_a_firmware_table_counts_by_being_there(
    tmp_path: Path, names: list[str], dmar: bool, ivrs: bool
) -> None:
    tree = SysfsTree(tmp_path)
    for name in names:
        tree.file(f"sys/firmware/acpi/tables/{name}", b"\0")
    tables = iommu(tree).tables
    assert (tables.dmar, tables.ivrs) == (dmar, ivrs)


def test_without_the_table_directory_nothing_is_said_of_the_firmware(tmp_path: Path) -> None:
    tables = iommu(SysfsTree(tmp_path)).tables
    assert isinstance(tables.dmar, Unread)
    assert isinstance(tables.ivrs, Unread)


@pytest.mark.parametrize(
    "line", ["DMAR-IR: Enabled IRQ remapping in x2apic mode", "AMD-Vi: Interrupt remapping enabled"]
)
def test_the_log_proves_interrupt_remapping(tmp_path: Path, line: str) -> None:
    assert iommu(SysfsTree(tmp_path), "other", line).interrupt_remapping is True


def test_a_silent_log_proves_nothing(tmp_path: Path) -> None:
    assert gap(iommu(SysfsTree(tmp_path), "DMAR: IOMMU enabled").interrupt_remapping) is Gap.UNTOLD


@pytest.mark.parametrize(("chip", "expected"), [("IR-IO-APIC", True), ("IO-APIC", False)])
def test_the_names_of_interrupt_chips_tell_without_a_log(tmp_path: Path, chip: str, expected: bool) -> None:
    tree = (
        SysfsTree(tmp_path).files("sys/kernel/irq/0", chip_name="").files("sys/kernel/irq/9", chip_name=chip)
    )
    tree.files("sys/kernel/irq/120", chip_name="DMAR-MSI")
    assert iommu(tree).interrupt_remapping is expected


@pytest.mark.parametrize(("chip", "expected"), [("IR-IO-APIC", True), ("IO-APIC", False)])
def test_proc_interrupts_tells_where_sysfs_does_not(tmp_path: Path, chip: str, expected: bool) -> None:
    rows = f"            CPU0       CPU1\n   1:          0          9   {chip}    1-edge      i8042\n"
    assert iommu(SysfsTree(tmp_path).file("proc/interrupts", rows)).interrupt_remapping is expected


def test_interrupts_of_devices_alone_do_not_disprove_remapping(tmp_path: Path) -> None:
    tree = SysfsTree(tmp_path).files("sys/kernel/irq/24", chip_name="PCI-MSI-0000:00:01.0")
    assert gap(iommu(tree).interrupt_remapping) is Gap.UNTOLD


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("iommu: Default domain type: Translated", "translated"),
        ("[    0.4] iommu: Default domain type: Passthrough (set via kernel command line)", "passthrough"),
    ],
)
def test_the_log_tells_the_default_domain(tmp_path: Path, line: str, expected: str) -> None:
    assert iommu(SysfsTree(tmp_path), line).default_domain == expected


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (("DMA-FQ", "DMA"), "translated"),
        (("DMA-FQ", "unmanaged"), "translated"),
        (("identity", "identity"), "passthrough"),
        (("identity", "DMA"), None),
        (("unmanaged", "blocked"), None),
    ],
)
def test_groups_tell_the_default_domain_only_where_all_agree(
    tmp_path: Path, kinds: tuple[str, ...], expected: str | None
) -> None:
    tree = SysfsTree(tmp_path)
    for number, kind in enumerate(kinds):
        tree.pci(f"0000:0{number}:00.0", group=number).file(
            f"sys/kernel/iommu_groups/{number}/type", kind + "\n"
        )
    told = iommu(tree).default_domain
    assert (None if isinstance(told, Unread) else told) == expected


@pytest.mark.live
def test_this_machine_is_read_without_a_guess() -> None:
    host = RootHost("/")
    found = read_iommu(host, Unread("kernel log", Gap.DENIED))
    names = host.names("sys/kernel/iommu_groups")
    numbers = found.groups if isinstance(found.groups, Unread) else len(found.groups)
    assert numbers == (names if isinstance(names, Unread) else len(names))
