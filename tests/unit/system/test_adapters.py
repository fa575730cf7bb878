"""The adapters to libraries: what they say of this machine, and what they say without the library."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders import SysfsTree
from vfio_wizard.model.pci import PciAddress, PciId
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.probe.gather import gather
from vfio_wizard.probe.network import read_network
from vfio_wizard.system import libvirt, lspci, netlink, udev
from vfio_wizard.system.capture import SCHEMA, CaptureHost
from vfio_wizard.system.commands import ADAPTERS, answer
from vfio_wizard.system.host import Command, RootHost

LIVE = pytest.mark.live
DATABASE = (
    "# the PCI id database\n\n"
    "1002  Advanced Micro Devices, Inc. [AMD/ATI]\n\t731e  Wrong\n\t731f  Navi 10 [RX 5600]\n"
    "\t\t1458 2313  Card of a maker\n# a note\n"
    "\tab38  Navi 10 HDMI Audio\n10de  NVIDIA Corporation\n\t1b80  GP104\n"
    "\nC 03  Display controller\n\t00  VGA"
)


def devices() -> list[str]:
    """The PCI functions of this machine."""
    found = RootHost().names("sys/bus/pci/devices")
    return [] if isinstance(found, Unread) else list(found)


@LIVE
def test_udev_lists_the_functions_that_sysfs_shows() -> None:
    if not devices():
        pytest.skip("this machine has no PCI")
    told = udev.properties()
    assert not isinstance(told, Unread), told
    assert sorted(told) == devices()
    for address, properties in told.items():
        assert properties["PCI_SLOT_NAME"] == address
        assert set(properties) <= set(udev.KEPT)


@LIVE
def test_udev_events_end_when_told_to() -> None:
    asked: list[bool] = []

    def stopped() -> bool:
        asked.append(True)
        return len(asked) > 3

    found = udev.events(stopped, seconds=5)
    assert not isinstance(found, Unread), found
    for event in found:
        assert event.subsystem in udev.SUBSYSTEMS
    assert len(asked) == 4
    timed = udev.events(lambda: False, seconds=0.1)
    assert not isinstance(timed, Unread)
    assert all(event.action for event in timed)


@LIVE
def test_netlink_and_proc_agree_on_links_and_default_route() -> None:
    links = netlink.read_links(RootHost())
    seen = read_network(RootHost())
    assert not isinstance(links, Unread), links
    assert not isinstance(seen, Unread), seen
    assert [link.name for link in links if link.name != "lo"] == sorted(link.name for link in seen)
    routed = {link.name for link in seen if link.default_route is True}
    assert {link.name for link in links if link.default_route} == routed
    functions = {link.name: str(link.function) for link in seen}
    assert all(functions[link.name] == link.device for link in links if link.bus == "pci")


@LIVE
def test_lspci_names_the_functions_with_their_domain() -> None:
    if not devices():
        pytest.skip("this machine has no PCI")
    names = lspci.recorded_names(RootHost())
    assert sorted(map(str, names)) == devices()
    assert all(name.strip() for name in names.values())


@LIVE
def test_the_database_and_lspci_use_the_same_words() -> None:
    if all(isinstance(RootHost().stat(path), Unread) for path in lspci.DATABASES):
        pytest.skip("no PCI id database is installed")
    facts = gather(RootHost(), holders=False)
    assert isinstance(facts.pci, tuple)
    told = lspci.recorded_names(RootHost())
    for address, name in lspci.function_names(RootHost(), facts).items():
        assert name == told[address]


def test_names_come_from_the_blocks_of_their_vendors(tmp_path: Path) -> None:
    host = SysfsTree(tmp_path).file("usr/share/misc/pci.ids", DATABASE).host()
    wanted = [
        PciId("1002", "731f"),
        PciId("1002", "ab38"),
        PciId("10de", "1b80"),
        PciId("10de", "731f"),
        PciId("dead", "0001"),
    ]
    assert lspci.database_names(host, wanted) == {
        PciId("1002", "731f"): "Advanced Micro Devices, Inc. [AMD/ATI] Navi 10 [RX 5600]",
        PciId("1002", "ab38"): "Advanced Micro Devices, Inc. [AMD/ATI] Navi 10 HDMI Audio",
        PciId("10de", "1b80"): "NVIDIA Corporation GP104",
        PciId("10de", "731f"): "NVIDIA Corporation Device 731f",
    }
    assert lspci.database_names(SysfsTree(tmp_path / "none").host(), wanted) == {}


def test_a_capture_brings_its_own_names() -> None:
    told = json.dumps({"0000:01:00.0": "A card", "nonsense": "x", "0000:02:00.0": 7})
    host = CaptureHost({"schema": SCHEMA, "commands": {"@pylspci names": told}}, "c")
    assert lspci.recorded_names(host) == {PciAddress.parse("0000:01:00.0"): "A card"}


@pytest.mark.parametrize("told", ["", "[", "[]", "3", '"x"', "null", "[" * 100_000, '[["a"]]', '{"a": [1]}'])
def test_nonsense_in_the_place_of_an_answer_is_no_answer(told: str) -> None:
    commands = {f"{' '.join(argv)}": told for argv in ADAPTERS}
    host = CaptureHost({"schema": SCHEMA, "commands": commands}, "c")
    assert lspci.recorded_names(host) == {}
    links = netlink.read_links(host)
    assert links == () or isinstance(links, Unread)
    assert isinstance(libvirt.read_state(host), Unread)


def test_ports_and_the_devices_below_carry_the_route_too() -> None:
    links = [
        {"index": 1, "IFLA_IFNAME": "br0"},
        {"index": 2, "IFLA_IFNAME": "bond0", "IFLA_MASTER": 1},
        {"index": 3, "IFLA_IFNAME": "eth0", "IFLA_MASTER": 2},
        {"index": 4, "IFLA_IFNAME": "vlan7", "IFLA_LINK": 5},
        {"index": 5, "IFLA_IFNAME": "eth1"},
        {"index": 6, "IFLA_IFNAME": "eth2"},
    ]
    assert netlink._with_lower(links, {1}) == {1, 2, 3}
    assert netlink._with_lower(links, {4}) == {4, 5}


def test_each_path_of_a_route_counts_and_unreachable_ones_do_not() -> None:
    several = {"type": 1, "RTA_MULTIPATH": [{"oif": 2}, {"oif": 3}]}
    assert netlink._outgoing(
        [several, {"type": 7, "RTA_OIF": 1}, {"type": 1, "RTA_OIF": 9, "RTA_TABLE": 100}]
    ) == {2, 3}


def test_libvirt_answers_through_its_test_driver() -> None:
    pytest.importorskip("libvirt", reason="the optional libvirt binding is not installed")
    seen = libvirt.state("test:///default")
    assert not isinstance(seen, Unread), seen
    assert seen.network == "active"
    assert seen.version.count(".") == 2


def test_a_libvirt_that_is_not_there_is_a_gap() -> None:
    answer = libvirt.state("test:///no/such/file")
    assert isinstance(answer, Unread)


BLOCKED = """
import sys
for name in ("libvirt", "pylspci", "pyroute2", "pyudev"):
    sys.modules[name] = None  # the import system's own way to say: not installed
from vfio_wizard.system import udev
from vfio_wizard.system.commands import ADAPTERS
from vfio_wizard.system.host import Command, RootHost
for argv in sorted(ADAPTERS):
    gap = RootHost().run(Command(argv))
    print(" ".join(argv), gap.gap.value, gap.detail)
print("events", udev.events(lambda: True).gap.value)
"""


def test_a_missing_library_is_a_gap_and_no_traceback(repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED], capture_output=True, text=True, check=True, cwd=repository
    )
    assert done.stdout.splitlines() == [
        f"@libvirt state absent {libvirt.HOW_TO_GET}",
        "@pylspci names absent pylspci is not installed",
        "@pyroute2 links absent pyroute2 is not installed",
        "@pyudev pci absent pyudev is not installed, or libudev is missing",
        "events absent",
    ]


def test_records_ask_no_library(tmp_path: Path) -> None:
    for argv in ADAPTERS:
        told = RootHost(str(tmp_path)).run(Command(argv))
        assert isinstance(told, Unread)
        assert told.gap is Gap.UNTOLD


@LIVE
@pytest.mark.parametrize("argv", sorted(ADAPTERS), ids=" ".join)
def test_every_adapter_answers_with_json_or_a_gap(argv: tuple[str, ...]) -> None:
    told = answer(Command(argv))
    if isinstance(told, Unread):
        assert told.gap in (Gap.ABSENT, Gap.DENIED), told
    else:
        assert json.loads(told) is not None


LOADED = """
import sys
from vfio_wizard.system import capture, host, source
print(sorted({name.partition(".")[0] for name in sys.modules} & set(sys.argv[1:])))
"""


def test_looking_at_a_capture_loads_no_heavy_library(repository: Path) -> None:
    heavy = (
        "asyncio",
        "dataclasses",
        "inspect",
        "libvirt",
        "pathlib",
        "pylspci",
        "pyroute2",
        "pyudev",
        "subprocess",
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", LOADED, *heavy],
        capture_output=True,
        text=True,
        check=True,
        cwd=repository,
    )
    assert done.stdout == "[]\n"
