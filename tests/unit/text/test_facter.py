"""nixos-facter reports: what they tell, what they leave open, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.pci import PciAddress, PciClass, PciFunction, PciId
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.probe.text.read import read_texts

Json = dict[str, Any]


def number(value: int, name: str | None = None) -> Json:
    """A number as hwinfo writes it."""
    told: Json = {"hex": f"{value:04x}", "value": value}
    return told | ({"name": name} if name else {})


def device(path: str, base: int, sub: int, vendor: int, model: int, **more: object) -> Json:
    """One PCI device of a report; the last step of the path is its address."""
    return {
        "bus_type": number(4, "PCI"),
        "base_class": number(base),
        "sub_class": number(sub),
        "vendor": number(vendor, "nVidia Corporation"),
        "device": number(model),
        "sysfs_id": f"/devices/{path}",
        "sysfs_bus_id": path.rsplit("/", 1)[-1],
        "detail": {"function": 0, "prog_if": 0},
        **more,
    }


def report(**hardware: object) -> Json:
    return {
        "version": 1,
        "system": "x86_64-linux",
        "virtualisation": "none",
        "hardware": hardware,
        "smbios": {},
    }


GPU = device(
    "pci0000:00/0000:00:01.1/0000:01:00.0",
    3,
    0,
    0x10DE,
    0x2704,
    sysfs_iommu_group_id=14,
    sub_vendor=number(0x196E),
    sub_device=number(0x13BD),
    revision=number(0xA1),
    driver="nvidia",
    driver_modules=["nvidia-drm"],
    module_alias="pci:v000010DEd00002704sv0000196Esd000013BDbc03sc00i00",
)
PORT = device("pci0000:00/0000:00:01.1", 6, 4, 0x1022, 0x14DB, sysfs_iommu_group_id=2)
ROOT = device("pci0000:00/0000:00:00.0", 6, 0, 0x1022, 0x14D8)


def read(told: object) -> HostFacts:
    return read_texts([("facter.json", json.dumps(told))])


def function(facts: HostFacts, address: str) -> PciFunction:
    found = facts.function(PciAddress.parse(address))
    assert found is not None
    return found


def test_a_device_is_told_whole() -> None:
    gpu = function(read(report(graphics_card=[GPU], bridge=[PORT, ROOT])), "01:00.0")
    assert gpu.id == PciId("10de", "2704")
    assert gpu.cls == PciClass(3, 0, 0)
    assert gpu.subsystem == PciId("196e", "13bd")
    assert gpu.revision == 0xA1
    assert (gpu.driver, gpu.modules, gpu.group) == ("nvidia", ("nvidia_drm",), 14)
    assert gpu.parent == PciAddress.parse("00:01.1")
    assert gpu.modalias == GPU["module_alias"]
    assert gpu.origin == "facter.json hardware.graphics_card[0]"


def test_what_a_report_never_holds_stays_unread() -> None:
    gpu = function(read(report(graphics_card=[GPU])), "01:00.0")
    for fact in (gpu.boot_vga, gpu.reset_methods, gpu.bars, gpu.power_state, gpu.numa_node):
        assert isinstance(fact, Unread)
        assert fact.gap is Gap.UNTOLD


def test_a_device_without_driver_has_none_and_a_root_port_has_no_parent() -> None:
    root = function(read(report(bridge=[ROOT])), "00:00.0")
    assert root.driver is None
    assert root.parent is None
    assert root.subsystem is None


def test_a_device_without_group_among_others_has_no_group() -> None:
    facts = read(report(graphics_card=[GPU], bridge=[PORT, ROOT]))
    assert function(facts, "00:00.0").group is None
    assert not isinstance(facts.iommu.groups, Unread)
    assert [group.number for group in facts.iommu.groups] == [2, 14]


def test_a_report_without_any_group_says_that_there_are_none() -> None:
    facts = read(report(bridge=[ROOT]))
    assert facts.iommu.groups == ()


def test_devices_of_other_buses_in_a_group_are_kept_by_name() -> None:
    usb = {"bus_type": number(0), "sysfs_id": "/devices/platform/fe000000.usb", "sysfs_iommu_group_id": 2}
    facts = read(report(bridge=[PORT], unknown=[usb]))
    assert not isinstance(facts.iommu.groups, Unread)
    assert facts.iommu.groups[0].others == ("fe000000.usb",)


def test_a_byte_order_mark_is_no_trouble() -> None:
    facts = read_texts([("facter.json", "\ufeff" + json.dumps(report(bridge=[PORT])))])
    assert function(facts, "00:01.1").group == 2


def test_a_device_in_two_lists_counts_once() -> None:
    facts = read(report(graphics_card=[GPU], pci=[GPU], bridge=[PORT]))
    assert not isinstance(facts.pci, Unread)
    assert len(facts.pci) == 2


def test_a_long_domain_behind_vmd_is_read() -> None:
    nvme = device("pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0/10000:e1:00.0", 1, 8, 0x144D, 0xA808)
    port = device("pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0", 6, 4, 0x8086, 0x09AB)
    facts = read(report(storage_controller=[nvme], bridge=[port]))
    assert function(facts, "10000:e1:00.0").parent == PciAddress.parse("10000:e0:06.0")
    assert function(facts, "10000:e0:06.0").parent is None


def test_devices_of_other_buses_are_no_functions() -> None:
    usb = {"bus_type": number(134, "USB"), "sysfs_bus_id": "1-2:1.0"}
    monitor = {"bus_type": number(0), "sysfs_bus_id": "0000:01:00.0"}
    facts = read(report(usb=[usb], monitor=[monitor], graphics_card=[GPU]))
    assert not isinstance(facts.pci, Unread)
    assert [str(one.address) for one in facts.pci] == ["0000:01:00.0"]


def test_processor_firmware_and_board_are_told_without_serial_numbers() -> None:
    told = report(
        cpu=[
            {
                "vendor_name": "AuthenticAMD",
                "model_name": "AMD Ryzen 9 9950X3D",
                "family": 26,
                "model": 68,
                "stepping": 0,
                "features": ["fpu", "svm"],
                "address_sizes": {"physical": "0x30", "virtual": "0x30"},
            }
        ],
        memory=[{"resources": [{"type": "phys_mem", "range": 68719476736}]}],
    )
    told["uefi"] = {"supported": True}
    told["smbios"] = {
        "bios": {"vendor": "AMI", "version": "1512", "date": "06/05/2025"},
        "board": {"manufacturer": "ASUS", "product": "ProArt", "serial": "S3CR3T"},
        "chassis": [{"chassis_type": number(3, "Desktop"), "serial": "S3CR3T"}],
        "system": {"manufacturer": "ASUS", "product": "System", "uuid": "S3CR3T"},
    }
    facts = read(told)
    assert (facts.cpu.vendor, facts.cpu.family) == ("amd", (26, 68, 0))
    assert facts.cpu.flags == frozenset({"fpu", "svm"})
    assert facts.cpu.address_bits == (48, 48)
    assert facts.firmware.type == "uefi"
    assert (facts.firmware.board.name, facts.firmware.board.chassis) == ("ProArt", "3")
    assert facts.memory.total_kib == 67108864
    assert (facts.kernel.architecture, facts.kernel.hypervisor) == ("x86_64", None)
    assert "S3CR3T" not in repr(facts)


def test_a_guest_says_what_it_runs_under() -> None:
    assert read({**report(), "virtualisation": "kvm"}).kernel.hypervisor == "kvm"


def test_without_a_word_about_uefi_the_firmware_is_unread() -> None:
    assert isinstance(read(report()).firmware.type, Unread)


def test_network_interfaces_are_told_by_the_function_behind_them() -> None:
    link = {
        "unix_device_names": ["enp5s0"],
        "sysfs_device_link": "/devices/pci0000:00/0000:00:02.1/0000:05:00.0",
        "sub_class": number(1, "Ethernet network interface"),
        "resources": [{"type": "hwaddr", "address": "aa:bb:cc:dd:ee:ff"}],
    }
    facts = read(report(network_interface=[link]))
    assert not isinstance(facts.network, Unread)
    assert facts.network[0].function == PciAddress.parse("05:00.0")
    assert (facts.network[0].name, facts.network[0].kind) == ("enp5s0", "ethernet")
    assert "aa:bb" not in repr(facts)


def test_names_with_escapes_and_newlines_become_one_clean_line() -> None:
    evil = {**GPU, "vendor": number(1, "Evil\x1b[31m\nCorp ${x}"), "device": number(2, 'Card "1"\r\n')}
    name = function(read(report(graphics_card=[evil])), "01:00.0").name
    assert name is not None
    assert not set(name) & set("\x1b\n\r")


@pytest.mark.parametrize(
    "text",
    [
        '{"version": 1, "hardware": {"pci": [',
        '{"version": 1,}',
        '{"hardware":' * 9000,
        '{"version": 1e999999999999, x',
    ],
)
def test_a_report_that_is_cut_off_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError) as refusal:
        read_texts([("facter.json", text)])
    assert str(refusal.value).startswith("facter.json: ")
    assert "\n" not in str(refusal.value)


def test_a_foreign_file_in_braces_spoils_no_folder() -> None:
    facts = read_texts(
        [("settings.json", "{ // not even JSON"), ("facter.json", json.dumps(report(bridge=[PORT])))]
    )
    assert facts.source.kind == "facter"


@pytest.mark.parametrize(
    "told", [{}, {"hardware": []}, {"schema": "vfio-wizard/plan/1"}, {"hardware": {}}, [], [1], "x"]
)
def test_foreign_json_is_refused_with_what_is_accepted(told: object) -> None:
    with pytest.raises(UsageError, match="accepted: an IOMMU group listing, a nixos-facter report"):
        read(told)


def test_a_report_of_a_later_version_is_refused() -> None:
    with pytest.raises(UsageError, match="version 2; only version 1 is known"):
        read({**report(), "version": 2})


odd: st.SearchStrategy[object] = (
    st.none() | st.booleans() | st.integers(-5, 1 << 70) | st.text(max_size=6) | st.just([]) | st.just({})
)


@settings(max_examples=200, deadline=None)
@given(place=st.sampled_from(sorted(GPU)), value=odd | st.fixed_dictionaries({"value": odd, "hex": odd}))
def test_no_odd_value_in_a_device_breaks_the_reading(place: str, value: object) -> None:
    facts = read(report(graphics_card=[{**GPU, place: value}], bridge=[PORT]))
    assert function(facts, "00:01.1").group == 2


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(("cpu", "memory", "network_interface", "pci")), odd | st.lists(odd, max_size=2))
def test_no_odd_list_breaks_the_reading(place: str, value: object) -> None:
    assert function(read(report(**{"bridge": [PORT], place: value})), "00:01.1").group == 2


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(("smbios", "uefi", "system", "virtualisation")), odd)
def test_no_odd_word_about_the_machine_breaks_the_reading(place: str, value: object) -> None:
    assert function(read({**report(bridge=[PORT]), place: value}), "00:01.1").group == 2
