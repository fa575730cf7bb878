"""Monitors and firmware framebuffers, and whose they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import RELEASE, SysfsTree
from vfio_wizard.model.facts import Connector, Display, Framebuffer
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.unread import Unread
from vfio_wizard.probe.display import read_display
from vfio_wizard.probe.pci import read_pci
from vfio_wizard.system.host import RootHost

GPU = "0000:01:00.0"
WHERE = PciAddress(0, 1, 0, 0)
BAR = (0xE0000000, 1 << 28, 0x14220C)


def card(root: Path) -> SysfsTree:
    return (
        SysfsTree(root)
        .pci(GPU, cls=0x030000, bars={0: BAR})
        .directory("sys/class")
        .directory("sys/bus/platform/devices")
    )


def display(tree: SysfsTree) -> Display:
    host = tree.host()
    return read_display(host, read_pci(host, RELEASE, ()))


def framebuffers(tree: SysfsTree) -> tuple[Framebuffer, ...]:
    found = display(tree).framebuffers
    assert not isinstance(found, Unread)
    return found


def test_connectors_belong_to_the_function_of_their_card(tmp_path: Path) -> None:
    tree = card(tmp_path).drm("card1", GPU, DP_1="connected", HDMI_A_1="disconnected")
    assert display(tree).connectors == (
        Connector("card1-DP-1", WHERE, "connected", True),
        Connector("card1-HDMI-A-1", WHERE, "disconnected", False),
    )


def test_a_card_that_is_no_pci_device_has_connectors_of_no_function(tmp_path: Path) -> None:
    here = "sys/devices/platform/vkms/drm/card0"
    tree = card(tmp_path).directory(here).link("sys/class/drm/card0", here)
    tree.files(f"{here}/card0-Virtual-1", status="connected", enabled="enabled")
    tree.link("sys/class/drm/card0-Virtual-1", f"{here}/card0-Virtual-1")
    assert display(tree).connectors == (Connector("card0-Virtual-1", None, "connected", True),)


@pytest.mark.parametrize("status", ["", "maybe", "\0", "x" * 2_000_000])
def test_a_status_that_is_no_word_of_the_kernel_is_unknown(tmp_path: Path, status: str) -> None:
    tree = card(tmp_path).drm("card0", GPU, DP_1=status)
    found = display(tree).connectors
    assert not isinstance(found, Unread)
    assert found[0].status == "unknown"


def test_a_kernel_without_drm_has_no_connectors(tmp_path: Path) -> None:
    assert display(card(tmp_path)).connectors == ()


def test_a_tree_without_classes_does_not_tell_of_connectors(tmp_path: Path) -> None:
    assert isinstance(display(SysfsTree(tmp_path)).connectors, Unread)


def test_edid_and_modes_are_never_asked_for(tmp_path: Path) -> None:
    asked: list[str] = []

    class Watched(RootHost):
        def text(self, path: str, limit: int = 1 << 20) -> str | Unread:
            asked.append(path)
            return super().text(path, limit)

        def data(self, path: str, limit: int = 1 << 20) -> bytes | Unread:
            asked.append(path)
            return super().data(path, limit)

    tree = card(tmp_path).drm("card0", GPU, DP_1="connected")
    tree.files("sys/class/drm/card0-DP-1", edid="", modes="1920x1080")
    read_display(Watched(str(tmp_path)), ())
    assert [path for path in asked if "drm" in path] == [
        "sys/class/drm/card0-DP-1/status",
        "sys/class/drm/card0-DP-1/enabled",
    ]


def test_a_framebuffer_belongs_to_the_function_in_whose_window_it_lies(tmp_path: Path) -> None:
    tree = card(tmp_path).directory("sys/devices/platform/efi-framebuffer.0")
    tree.link("sys/bus/platform/devices/efi-framebuffer.0", "sys/devices/platform/efi-framebuffer.0")
    tree.file("proc/iomem", "e0000000-efffffff : 0000:01:00.0\n  e0000000-e02fffff : BOOTFB\n")
    assert framebuffers(tree) == (Framebuffer("efi-framebuffer.0", 0xE0000000, 0xE02FFFFF, WHERE),)


def test_an_ordinary_user_learns_the_place_from_efifb_itself(tmp_path: Path) -> None:
    here = "sys/devices/platform/efi-framebuffer.0"
    tree = card(tmp_path).files(here, base="0xe0000000", linelength=7680, height=1080)
    tree.link("sys/bus/platform/devices/efi-framebuffer.0", here)
    tree.file("proc/iomem", "  00000000-00000000 : BOOTFB\n")
    assert framebuffers(tree)[0].function == WHERE


def test_a_framebuffer_whose_place_is_hidden_belongs_to_nobody_known(tmp_path: Path) -> None:
    here = "sys/devices/platform/simple-framebuffer.0"
    tree = card(tmp_path).directory(here).link("sys/bus/platform/devices/simple-framebuffer.0", here)
    tree.file("proc/iomem", "  00000000-00000000 : BOOTFB\n")
    assert framebuffers(tree) == (Framebuffer("simple-framebuffer.0", None, None, None),)


def test_newer_kernels_hang_the_framebuffer_below_its_function(tmp_path: Path) -> None:
    tree = card(tmp_path)
    here = f"{tree.device(GPU)}/simple-framebuffer.0"
    tree.directory(here).link("sys/bus/platform/devices/simple-framebuffer.0", here)
    assert framebuffers(tree) == (Framebuffer("simple-framebuffer.0", None, None, WHERE),)


def test_a_region_without_a_device_is_a_framebuffer_too(tmp_path: Path) -> None:
    tree = card(tmp_path).file("proc/iomem", "  e0000000-e02fffff : efidrm\n")
    assert framebuffers(tree) == (Framebuffer("efidrm", 0xE0000000, 0xE02FFFFF, WHERE),)


def test_no_framebuffer_is_an_answer(tmp_path: Path) -> None:
    assert framebuffers(card(tmp_path).file("proc/iomem", "00000000-00000fff : Reserved\n")) == ()


@pytest.mark.parametrize("line", ["BOOTFB", " : BOOTFB", "zz-qq : BOOTFB", "1-2-3 : BOOTFB", "- : BOOTFB"])
def test_rubbish_in_iomem_is_no_framebuffer(tmp_path: Path, line: str) -> None:
    assert framebuffers(card(tmp_path).file("proc/iomem", line)) == ()
