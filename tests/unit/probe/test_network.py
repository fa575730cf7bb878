"""Network interfaces, the functions behind them, and the default route."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import SysfsTree
from vfio_wizard.model.facts import NetworkLink
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.unread import Unread
from vfio_wizard.probe.network import read_network
from vfio_wizard.system.host import RootHost

NIC = "0000:02:00.0"
USB = "0000:00:14.0"
HEAD = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
ROUTE = "{name}\t{to}\t010200C0\t0003\t0\t0\t100\t{mask}\t0\t0\t0\n"
ZEROS = "0" * 32


def machine(root: Path) -> SysfsTree:
    tree = SysfsTree(root).pci(NIC, cls=0x020000).pci(USB, cls=0x0C0330)
    return tree.net("enp2s0", NIC).net("lo", None).net("virbr0", None)


def default(tree: SysfsTree, *names: str) -> SysfsTree:
    rows = [ROUTE.format(name=name, to="00000000", mask="00000000") for name in names]
    near = ROUTE.format(name="virbr0", to="007AA8C0", mask="00FFFFFF")
    return tree.file("proc/net/route", HEAD + "".join(rows) + near)


def links(tree: SysfsTree) -> dict[str, NetworkLink]:
    found = read_network(tree.host())
    assert not isinstance(found, Unread)
    return {link.name: link for link in found}


def routed(tree: SysfsTree) -> set[str]:
    return {name for name, link in links(tree).items() if link.default_route is True}


def test_an_interface_names_the_function_it_hangs_on(tmp_path: Path) -> None:
    found = links(default(machine(tmp_path), "enp2s0"))
    assert found["enp2s0"] == NetworkLink("enp2s0", PciAddress(0, 2, 0, 0), True, "wired")
    assert found["virbr0"] == NetworkLink("virbr0", None, False, "virtual")


def test_loopback_is_left_out(tmp_path: Path) -> None:
    assert "lo" not in links(machine(tmp_path))


def test_a_usb_interface_hangs_on_its_usb_controller(tmp_path: Path) -> None:
    tree = machine(tmp_path).net("enx0", USB, "usb1/1-1/1-1:1.0")
    assert links(tree)["enx0"][1:] == (PciAddress(0, 0, 0x14, 0), links(tree)["enx0"].default_route, "usb")


def test_a_wireless_interface_is_known_by_its_radio(tmp_path: Path) -> None:
    tree = machine(tmp_path).net("wlp2s0", NIC).directory("sys/class/net/wlp2s0/phy80211")
    assert links(tree)["wlp2s0"].kind == "wireless"


def test_a_file_among_the_interfaces_is_none(tmp_path: Path) -> None:
    assert "bonding_masters" not in links(machine(tmp_path).file("sys/class/net/bonding_masters", "bond0"))


def test_a_card_below_the_bridge_of_the_default_route_carries_it(tmp_path: Path) -> None:
    tree = default(machine(tmp_path).net("br0", None), "br0")
    tree.link("sys/class/net/br0/lower_enp2s0", tree.device(NIC) + "/net/enp2s0")
    assert routed(tree) == {"br0", "enp2s0"}


def test_bridges_that_stand_on_each_other_end(tmp_path: Path) -> None:
    tree = default(machine(tmp_path).net("br0", None).net("br1", None), "br0")
    tree.directory("sys/class/net/br0/lower_br1").directory("sys/class/net/br1/lower_br0")
    assert routed(tree) == {"br0", "br1"}


def test_a_default_route_over_ipv6_only_counts(tmp_path: Path) -> None:
    rows = [
        f"{ZEROS} 00 {ZEROS} 00 fe80{ZEROS[4:]} 00000400 00000002 00000000 00000003 enp2s0",
        f"{ZEROS} 00 {ZEROS} 00 {ZEROS} ffffffff 00000001 00000000 00200200       lo",
        f"fd{ZEROS[2:]} 40 {ZEROS} 00 {ZEROS} 00000100 00000001 00000000 00000001   virbr0",
    ]
    assert routed(machine(tmp_path).file("proc/net/ipv6_route", "\n".join(rows) + "\n")) == {"enp2s0"}


def test_an_unreachable_default_is_no_route(tmp_path: Path) -> None:
    row = ROUTE.format(name="enp2s0", to="00000000", mask="00000000").replace("\t0003\t", "\t0200\t")
    assert routed(machine(tmp_path).file("proc/net/route", HEAD + row)) == set()


def test_a_route_to_half_of_the_world_is_no_default_route(tmp_path: Path) -> None:
    row = ROUTE.format(name="tun0", to="00000000", mask="00000080")
    assert routed(machine(tmp_path).net("tun0", None).file("proc/net/route", HEAD + row)) == set()


def test_without_route_tables_the_default_is_not_told(tmp_path: Path) -> None:
    assert isinstance(links(machine(tmp_path))["enp2s0"].default_route, Unread)


def test_a_tree_without_interfaces_is_unread(tmp_path: Path) -> None:
    assert isinstance(read_network(RootHost(str(tmp_path))), Unread)


@pytest.mark.parametrize("text", ["", "\0", "\t00000000\t", "x\t00000000\ty\tz\t1\t2\t3\t00000000", "\n" * 9])
def test_no_text_of_a_route_table_raises(tmp_path: Path, text: str) -> None:
    tree = machine(tmp_path).file("proc/net/route", text).file("proc/net/ipv6_route", f"{ZEROS} 00 {text}")
    assert routed(tree) == set()
