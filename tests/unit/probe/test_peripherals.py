"""What can be given to a guest beside PCI devices, from files alone."""

from __future__ import annotations

from pathlib import Path

from tests.unit.probe.boot_trees import Tree
from vfio_wizard.model.facts import PluggedUsb
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.unread import Unread
from vfio_wizard.probe.peripherals import read_peripherals

HOME = "0000:00:14.0"
PLACE = f"sys/devices/pci0000:00/{HOME}/usb1"


def plug(tree: Tree, name: str, vendor: str, product: str, words: str, cls: str = "00") -> None:
    place = f"{PLACE}/{name}"
    tree.put(f"{place}/idVendor", f"{vendor}\n").put(f"{place}/idProduct", f"{product}\n")
    tree.put(f"{place}/product", f"{words}\n").put(f"{place}/bDeviceClass", f"{cls}\n")
    tree.put(f"{place}/serial", "SECRET\n").folder("sys/bus/usb/devices")
    (tree.root / f"sys/bus/usb/devices/{name}").symlink_to(f"../../../../{place}")


def test_devices_without_hubs_interfaces_and_serial_numbers(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    plug(tree, "1-2", "046d", "c52b", "USB Receiver")
    plug(tree, "1-3", "05e3", "0608", "Hub", "09")
    plug(tree, "1-3.4", "1532", "0084", "")
    tree.folder(f"{PLACE}/1-2/1-2:1.0")
    (tmp_path / "sys/bus/usb/devices/1-2:1.0").symlink_to(f"../../../../{PLACE}/1-2/1-2:1.0")
    (tmp_path / "sys/bus/usb/devices/usb1").symlink_to(f"../../../../{PLACE}")
    home = PciAddress.parse(HOME)
    found = read_peripherals(tree.host)
    assert found.usb == (
        PluggedUsb("046d:c52b", "USB Receiver", home), PluggedUsb("1532:0084", "", home),
    )  # fmt: skip
    assert "SECRET" not in str(found)


def test_keyboards_and_mice_by_the_names_that_stay(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    for name in ("usb-K-event-kbd", "usb-K-if01", "usb-K-event-if01", "usb-M-event-mouse", "usb-M-mouse"):
        tree.put(f"dev/input/by-id/{name}")
    assert read_peripherals(tree.host).inputs == (
        "/dev/input/by-id/usb-K-event-kbd", "/dev/input/by-id/usb-M-event-mouse",
    )  # fmt: skip


def test_bridges_are_told_from_other_interfaces(tmp_path: Path) -> None:
    tree = Tree(tmp_path).folder("sys/class/net/br0/bridge").folder("sys/class/net/enp3s0")
    assert read_peripherals(tree.host).bridges == ("br0",)


def test_what_is_not_there_is_a_gap(tmp_path: Path) -> None:
    found = read_peripherals(Tree(tmp_path).host)
    for fact in found:
        assert isinstance(fact, Unread)
