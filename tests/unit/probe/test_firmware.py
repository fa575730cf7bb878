from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.probe.boot_trees import Tree, efi_variable
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.probe.firmware import LOCKDOWN, SECURE_BOOT, efi_text, read_firmware


def test_sys_firmware_without_efi_is_bios_and_has_no_secure_boot(tmp_path: Path) -> None:
    found = read_firmware(Tree(tmp_path).folder("sys/firmware/acpi").host)
    assert (found.type, found.secure_boot) == ("bios", False)


def test_a_tree_without_sys_firmware_tells_nothing(tmp_path: Path) -> None:
    found = read_firmware(Tree(tmp_path).folder("sys/bus/pci").host)
    assert isinstance(found.type, Unread)
    assert found.type.gap is Gap.UNTOLD
    assert isinstance(found.secure_boot, Unread)


def test_the_empty_sys_of_a_mounted_disk_tells_nothing(tmp_path: Path) -> None:
    found = read_firmware(Tree(tmp_path).folder("sys").folder("etc").host)
    assert isinstance(found.type, Unread)
    assert found.type.gap is Gap.UNTOLD


@pytest.mark.parametrize(("byte", "expected"), [(b"\1", True), (b"\0", False)])
def test_secure_boot_is_the_byte_behind_the_attributes(byte: bytes, expected: bool, tmp_path: Path) -> None:
    found = read_firmware(Tree(tmp_path).uefi().put(SECURE_BOOT, b"\6\0\0\0" + byte).host)
    assert found.type == "uefi"
    assert found.secure_boot is expected


def test_a_secure_boot_variable_of_another_length_is_malformed(tmp_path: Path) -> None:
    found = read_firmware(Tree(tmp_path).uefi().put(SECURE_BOOT, b"\6\0\0\0").host).secure_boot
    assert isinstance(found, Unread)
    assert found.gap is Gap.MALFORMED


def test_a_uefi_without_the_variable_leaves_secure_boot_unread(tmp_path: Path) -> None:
    found = read_firmware(Tree(tmp_path).uefi().host).secure_boot
    assert isinstance(found, Unread)
    assert found.gap is Gap.ABSENT


@pytest.mark.parametrize("active", ["none", "integrity", "confidentiality"])
def test_the_active_lockdown_is_in_brackets(active: str, tmp_path: Path) -> None:
    text = "none integrity confidentiality\n".replace(active, f"[{active}]")
    assert read_firmware(Tree(tmp_path).put(LOCKDOWN, text).host).lockdown == active


def test_lockdown_without_brackets_is_malformed(tmp_path: Path) -> None:
    found = read_firmware(Tree(tmp_path).put(LOCKDOWN, "none integrity\n").host).lockdown
    assert isinstance(found, Unread)
    assert found.gap is Gap.MALFORMED


def test_serial_numbers_are_never_asked_for(tmp_path: Path) -> None:
    tree = (
        Tree(tmp_path)
        .put("sys/class/dmi/id/board_name", "X570 AORUS \n")
        .put("sys/class/dmi/id/chassis_type", "3\n")
    )
    for secret in ("board_serial", "product_uuid", "chassis_asset_tag", "product_serial"):
        tree.put(f"sys/class/dmi/id/{secret}", "SECRET\n")
    found = read_firmware(tree.host)
    assert (found.board.name, found.board.chassis) == ("X570 AORUS", "3")
    assert "SECRET" not in repr(found)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_text_of_an_efi_variable_comes_back(text: str) -> None:
    assert efi_text("x", efi_variable(text)) == text


@given(st.binary())
def test_any_bytes_of_a_variable_are_text_or_malformed(raw: bytes) -> None:
    found = efi_text("x", raw)
    assert isinstance(found, str) or found.gap is Gap.MALFORMED
