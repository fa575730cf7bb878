"""udevadm exports, kernel logs and command lines."""

from __future__ import annotations

import pytest

from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.kargs import Kargs
from vfio_wizard.model.pci import PciAddress, PciClass, PciFunction, PciId
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.probe.text.read import read_texts

EXPORT = """\
P: /devices/pci0000:00/0000:00:01.0
E: DEVPATH=/devices/pci0000:00/0000:00:01.0
E: DRIVER=pcieport
E: PCI_CLASS=60400
E: PCI_ID=8086:6F02
E: PCI_SLOT_NAME=0000:00:01.0
E: PCI_SUBSYS_ID=0000:0000
E: SUBSYSTEM=pci

P: /devices/pci0000:00/0000:00:01.0/0000:01:00.0
E: ID_MODEL_FROM_DATABASE=GP104 [GeForce GTX 1080]
E: ID_VENDOR_FROM_DATABASE=NVIDIA Corporation
E: MODALIAS=pci:v000010DEd00001B80sv00001458sd00003702bc03sc00i00
E: PCI_CLASS=30000
E: PCI_ID=10DE:1B80
E: PCI_SLOT_NAME=0000:01:00.0
E: PCI_SUBSYS_ID=1458:3702
E: SUBSYSTEM=pci

P: /devices/pci0000:00/0000:00:1f.6/net/eno1
E: INTERFACE=eno1
E: SUBSYSTEM=net
E: ID_NET_NAME_MAC=enx001122334455
"""

BOOT = """\
[    0.000000] Linux version 6.1.0-18-amd64 (someone@somewhere) (gcc-12) #1 SMP
[    0.000000] Command line: BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro quiet intel_iommu=on
[    0.000000] BIOS-e820: [mem 0x0000000000000000-0x000000000009ffff] usable
[    0.000000] efi: EFI v2.70 by American Megatrends
[    0.000000] secureboot: Secure boot disabled
[    0.000000] DMI: ASUS System/PRIME Z390, BIOS 1802 12/01/2021
[    0.010000] ACPI: XSDT 0x000000007A00 000000D4 (v01 ALASKA A M I)
[    0.010000] ACPI: DMAR 0x000000007AB0 000000A8 (v01 INTEL EDK2)
[    0.100000] smpboot: CPU0: Intel(R) Core(TM) i9-9900K (family: 0x6, model: 0x9e, stepping: 0xc)
[    0.200000] DMAR-IR: Enabled IRQ remapping in x2apic mode
[    0.300000] PCI host bridge to bus 0000:00
[    0.300100] pci 0000:00:00.0: [8086:3ec2] type 00 class 0x060000
[    0.300200] pci 0000:00:01.0: [8086:1901] type 01 class 0x060400 PCIe Root Port
[    0.300300] pci 0000:01:00.0: [10de:1b80] type 00 class 0x030000
[    0.300400] pci 0000:00:01.0: PCI bridge to [bus 01]
[    0.300500] pci 0000:01:00.0: vgaarb: setting as boot VGA device
[    0.400000] iommu: Default domain type: Translated
[    0.400100] pci 0000:00:01.0: Adding to iommu group 1
[    0.400200] pci 0000:01:00.0: Adding to iommu group 1
"""


def read(text: str, label: str = "text") -> HostFacts:
    return read_texts([(label, text)])


def function(facts: HostFacts, address: str) -> PciFunction:
    found = facts.function(PciAddress.parse(address))
    assert found is not None
    return found


def groups(facts: HostFacts) -> dict[int, list[str]]:
    assert not isinstance(facts.iommu.groups, Unread)
    return {group.number: [str(one) for one in group.members] for group in facts.iommu.groups}


def test_an_export_tells_functions_and_their_place_but_no_group() -> None:
    facts = read(EXPORT)
    gpu, port = function(facts, "01:00.0"), function(facts, "00:01.0")
    assert (gpu.id, gpu.cls, gpu.subsystem) == (
        PciId("10de", "1b80"),
        PciClass(3, 0, 0),
        PciId("1458", "3702"),
    )
    assert (gpu.driver, gpu.parent) == (None, PciAddress.parse("00:01.0"))
    assert gpu.name == "NVIDIA Corporation GP104 [GeForce GTX 1080]"
    assert (port.driver, port.parent, port.subsystem) == ("pcieport", None, None)
    assert isinstance(gpu.group, Unread)
    assert isinstance(facts.iommu.groups, Unread)


def test_an_export_tells_network_interfaces_without_their_mac() -> None:
    facts = read(EXPORT)
    assert not isinstance(facts.network, Unread)
    assert [(one.name, str(one.function)) for one in facts.network] == [("eno1", "0000:00:1f.6")]
    assert "001122334455" not in repr(facts)


def test_a_whole_boot_log_tells_groups_firmware_and_kernel() -> None:
    facts = read(BOOT)
    gpu = function(facts, "01:00.0")
    assert groups(facts) == {1: ["0000:00:01.0", "0000:01:00.0"]}
    assert (gpu.id, gpu.cls, gpu.boot_vga) == (PciId("10de", "1b80"), PciClass(3, 0, 0), True)
    assert gpu.parent == PciAddress.parse("00:01.0")
    assert function(facts, "00:00.0").group is None
    assert facts.kernel.release == "6.1.0-18-amd64"
    assert facts.kernel.hypervisor is None
    assert isinstance(facts.kernel.cmdline, Kargs)
    assert facts.kernel.cmdline.value("intel_iommu") == "on"
    assert (facts.firmware.type, facts.firmware.secure_boot) == ("uefi", False)
    assert (facts.firmware.board.bios_version, facts.firmware.board.bios_date) == ("1802", "12/01/2021")
    assert (facts.iommu.tables.dmar, facts.iommu.tables.ivrs) == (True, False)
    assert (facts.iommu.interrupt_remapping, facts.iommu.default_domain) == (True, "translated")
    assert (facts.cpu.vendor, facts.cpu.family) == ("intel", (6, 0x9E, 0xC))


def test_a_whole_boot_log_without_groups_says_that_there_are_none() -> None:
    lines = [line for line in BOOT.splitlines() if "iommu group" not in line]
    assert read("\n".join(lines)).iommu.groups == ()


def test_a_grep_through_a_log_proves_nothing_by_what_it_lacks() -> None:
    facts = read("[    0.300300] pci 0000:01:00.0: [10de:1b80] type 00 class 0x030000\n" * 2)
    assert isinstance(facts.iommu.groups, Unread)
    assert isinstance(facts.iommu.tables.dmar, Unread)
    assert isinstance(facts.kernel.hypervisor, Unread)


@pytest.mark.parametrize(
    "form",
    [
        "[    0.400100] pci {}: Adding to iommu group {}",
        "[    0.400100] iommu: Adding device {} to group {}",
        "<6>[    0.400100] pci {}: Adding to iommu group {}",
        "Jan 01 12:00:00 host kernel: pci {}: Adding to iommu group {}",
        "2026-01-01T12:00:00,000000+00:00 pci {}: Adding to iommu group {}",
        "pci {}: Adding to iommu group {}",
        "> [    0.400100][    T1] pci {}: Adding to iommu group {}",
    ],
)
def test_group_lines_are_read_in_every_dress(form: str) -> None:
    text = "\r\n".join((form.format("0000:00:01.0", 1), form.format("10000:e1:00.0", 7)))
    assert groups(read(text)) == {1: ["0000:00:01.0"], 7: ["10000:e1:00.0"]}


def test_a_command_line_alone_is_a_text_about_a_machine() -> None:
    facts = read(
        "BOOT_IMAGE=/vmlinuz root=UUID=x ro quiet\n  amd_iommu=on vfio-pci.ids=1002:731f\n", "cmdline.txt"
    )
    assert isinstance(facts.kernel.cmdline, Kargs)
    assert facts.kernel.cmdline.value("vfio-pci.ids") == "1002:731f"
    assert facts.kernel.cmdline_origin == "cmdline.txt line 1"
    assert isinstance(facts.pci, Unread)


def test_a_boot_menu_line_is_read_without_the_name_of_the_image() -> None:
    facts = read("linux /boot/vmlinuz-6.1 root=UUID=x ro quiet amd_iommu=on")
    assert str(facts.kernel.cmdline) == "root=UUID=x ro quiet amd_iommu=on"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "Hello, my GPU does not work. Group 5 is where it sits, I think 01:00.0.",
        "install the driver, then blacklist nothing and set options as you like\n",
        "<domain type='kvm'><address domain='0x0000' bus='0x01'/></domain>",
        "\0\0\0\0\1\2\3 00:01.0 VGA compatible controller",
        "root=1\n" * 100,
    ],
)
def test_other_texts_are_refused_with_what_is_accepted(text: str) -> None:
    with pytest.raises(UsageError) as refusal:
        read(text, "note.txt")
    assert str(refusal.value).startswith("note.txt is in no form that is known here; accepted: ")


def test_a_folder_without_any_known_text_says_how_many_were_looked_at() -> None:
    with pytest.raises(UsageError, match="none of 2 files is in a form that is known here"):
        read_texts([("a", "hello"), ("b", "world")])


def test_nothing_at_all_is_refused_too() -> None:
    with pytest.raises(UsageError, match="accepted: an IOMMU group listing"):
        read_texts([])


def test_a_very_long_line_is_no_trouble() -> None:
    facts = read(
        "IOMMU Group 1 01:00.0 VGA compatible controller [0300]: " + "x" * 3_000_000 + " [10de:1b80]"
    )
    gpu = function(facts, "01:00.0")
    assert gpu.group == 1
    assert isinstance(gpu.id, Unread)
    assert gpu.id.gap is Gap.MALFORMED


def test_the_log_names_the_board_and_a_known_maker() -> None:
    board = read(BOOT).firmware.board
    assert (board.name, board.vendor) == ("PRIME Z390", "ASUS")
    other = read(BOOT.replace("ASUS System/PRIME Z390", "Nobody Knows Thing 5/AB-1")).firmware.board
    assert other.name == "AB-1"
    assert isinstance(other.vendor, Unread)


def test_lines_about_firmware_switches_stay_in_the_log() -> None:
    facts = read(
        BOOT + "[    0.500000] kvm: disabled by BIOS\n[    0.600000] AMD-Vi: Unknown option - 'on'\n"
    )
    assert isinstance(facts.kernel.log, tuple)
    assert {"kvm: disabled by BIOS", "AMD-Vi: Unknown option - 'on'"} <= set(facts.kernel.log)


def test_the_image_that_grub_started_tells_the_release() -> None:
    for image, release in (("(hd0,1)/vmlinuz-6.5.13-1-pve", "6.5.13-1-pve"), ("/@/boot/vmlinuz-linux", None)):
        told = read(f"BOOT_IMAGE={image} root=/dev/sda1 ro quiet").kernel.release
        assert told == release or (release is None and isinstance(told, Unread))


def test_entries_of_an_iommu_table_prove_the_table_in_a_log_without_its_beginning() -> None:
    amd = read("[    0.154739] AMD-Vi: ivrs, add hid:AMDI0020, uid:0, rdevid:160\n").iommu.tables
    assert amd.ivrs is True
    assert isinstance(amd.dmar, Unread)
    assert read("[    0.222967] DMAR: DRHD base: 0x000000fed90000 flags: 0x0\n").iommu.tables.dmar is True
