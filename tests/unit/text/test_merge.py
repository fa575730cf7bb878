"""Several texts about one machine: what one leaves open another may tell, and two states are not mixed."""

from __future__ import annotations

from tests.unit.text import shapes
from tests.unit.text.shapes import MACHINE
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.pci import PciAddress, PciFunction, PciId
from vfio_wizard.model.unread import Unread
from vfio_wizard.probe.text.read import read_texts

LISTING = ("iommu.txt", shapes.one_line(MACHINE))
DRIVERS = (
    "lspci.txt",
    "".join(
        f"{shapes.lspci_nn(one)}\n" + ("\tKernel driver in use: nouveau\n" if one.code == "0300" else "")
        for one in MACHINE
    )
    + "00:00.2 IOMMU [0806]: Some Vendor IOMMU [1022:1481]\n",
)
CMDLINE = ("cmdline.txt", "root=/dev/sda1 ro quiet intel_iommu=on")


def function(facts: HostFacts, address: str) -> PciFunction:
    found = facts.function(PciAddress.parse(address))
    assert found is not None
    return found


def groups(facts: HostFacts) -> dict[int, list[str]]:
    assert not isinstance(facts.iommu.groups, Unread)
    return {group.number: [str(one) for one in group.members] for group in facts.iommu.groups}


def test_each_text_tells_its_part() -> None:
    facts = read_texts([CMDLINE, DRIVERS, LISTING])
    gpu = function(facts, "01:00.0")
    assert facts.source.kind == "iommu-listing+lspci+cmdline"
    assert (gpu.group, gpu.driver, gpu.id) == (1, "nouveau", PciId("10de", "1b80"))
    assert gpu.origin == "iommu.txt line 3"
    assert function(facts, "00:14.0").driver is None
    assert not isinstance(facts.kernel.cmdline, Unread)
    assert facts.kernel.cmdline_origin == "cmdline.txt line 1"


def test_what_only_the_log_tells_keeps_the_log_as_its_origin() -> None:
    log = "[    0.000000] Linux version 6.1.0 (x) #1\n[    0.000000] efi: EFI v2.70 by AMI\n"
    facts = read_texts([LISTING, ("dmesg.txt", log)])
    assert (facts.firmware.type, facts.firmware.origin) == ("uefi", "dmesg.txt")
    assert facts.kernel.release == "6.1.0"
    assert facts.iommu.origin == "iommu.txt"


def test_a_function_that_the_listing_lacks_is_added_without_a_group() -> None:
    facts = read_texts([LISTING, DRIVERS])
    assert isinstance(function(facts, "00:00.2").group, Unread)
    assert not isinstance(facts.pci, Unread)
    assert len(facts.pci) == len(MACHINE) + 1


def test_an_id_that_was_cut_off_in_one_text_is_filled_from_another() -> None:
    cut = LISTING[1].replace("[10de:10f0] (rev a1)", "[10de:...")
    assert function(read_texts([("iommu.txt", cut), DRIVERS]), "01:00.1").id == PciId("10de", "10f0")


def test_unknown_texts_in_a_folder_are_skipped() -> None:
    facts = read_texts([("notes.md", "It works!"), LISTING, ("vm.xml", "<domain/>")])
    assert facts.source.label == "iommu.txt"


def test_of_two_states_with_moved_cards_the_fuller_listing_wins() -> None:
    moved = tuple(
        one._replace(ids="1002:67df") if one.address == "0000:01:00.0" else one for one in MACHINE[:5]
    )
    facts = read_texts([("old.txt", shapes.one_line(moved)), LISTING])
    assert function(facts, "01:00.0").id == PciId("10de", "1b80")
    assert facts.source.label == "iommu.txt"
    assert len(groups(facts)) == 5


def test_groups_of_another_boot_are_not_mixed_in() -> None:
    log = (
        "[    0.400100] pci 0000:01:00.0: Adding to iommu group 9\n"
        "[    0.400200] pci 0000:00:1f.0: Adding to iommu group 11\n"
    )
    facts = read_texts([("dmesg.txt", log), LISTING])
    assert groups(facts) == groups(read_texts([LISTING]))
    assert isinstance(function(facts, "00:1f.0").group, Unread)


def test_groups_of_the_same_boot_are_joined() -> None:
    log = (
        "[    0.400100] pci 0000:01:00.0: Adding to iommu group 1\n"
        "[    0.400200] pci 0000:00:1f.0: Adding to iommu group 4\n"
    )
    facts = read_texts([("dmesg.txt", log), LISTING])
    assert groups(facts)[4] == ["0000:00:1f.0"]
    assert groups(facts)[1] == ["0000:00:01.0", "0000:01:00.0", "0000:01:00.1"]


def test_members_known_by_name_only_survive_the_joining() -> None:
    paths = ("find.txt", shapes.find(MACHINE) + "/sys/kernel/iommu_groups/1/devices/fe000000.usb\n")
    facts = read_texts([DRIVERS, paths])
    assert not isinstance(facts.iommu.groups, Unread)
    assert facts.iommu.groups[1].others == ("fe000000.usb",)


def test_the_order_of_the_texts_does_not_matter() -> None:
    assert read_texts([LISTING, DRIVERS, CMDLINE]).pci == read_texts([CMDLINE, DRIVERS, LISTING]).pci
