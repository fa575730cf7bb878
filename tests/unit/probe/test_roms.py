"""Copies of ROMs: whose they are, and what images are in them."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.probe.boot_trees import Tree
from vfio_wizard.model.facts import RomCopy
from vfio_wizard.probe.roms import copy_of, read_roms

VENDOR, DEVICE = 0x1002, 0x731F


def image(code: int, *, last: bool = False, machine: int = 0, blocks: int = 1) -> bytes:
    """One image: header, PCI data structure, padding."""
    head = bytearray(0x1C)
    head[0:2] = b"\x55\xaa"
    if code == 3:
        struct.pack_into("<I", head, 4, 0x0EF1)
        struct.pack_into("<H", head, 0x0A, machine)
    struct.pack_into("<H", head, 0x18, 0x1C)
    data = struct.pack(
        "<4sHHHHB3sHHBBH", b"PCIR", VENDOR, DEVICE, 0, 24, 0, b"\0\0\x03", blocks, 0, code, 0x80 * last, 0
    )
    return bytes(head + data).ljust(512 * blocks, b"\0")


BIOS = image(0)


@pytest.mark.parametrize(
    ("content", "images"),
    [
        (image(0, last=True), ("bios",)),
        (BIOS + image(3, machine=0x8664, last=True), ("bios", "uefi-x64")),
        (BIOS + image(3, machine=0x014C, last=True), ("bios", "uefi-other")),
        (BIOS + image(1, last=True), ("bios", "other")),
        (image(0, last=True) + image(3, machine=0x8664, last=True), ("bios",)),
        (b"NVGI" + b"\x55\xaa" * 40 + BIOS + image(3, machine=0x8664, last=True), ("bios", "uefi-x64")),
        (BIOS[:300], ("bios",)),
    ],
    ids=["bios", "both", "32 bit", "open firmware", "after the last", "a maker's header", "cut off"],
)
def test_images_of_a_rom(content: bytes, images: tuple[str, ...]) -> None:
    assert tuple(copy_of("x.rom", content)) == (RomCopy("x.rom", "1002", "731f", images),)


@pytest.mark.parametrize("content", [b"", b"\x55\xaa", b"\x55\xaa" + bytes(600), b"\xff" * 4096])
def test_what_is_no_rom(content: bytes) -> None:
    assert tuple(copy_of("x.rom", content)) == ()


@given(st.binary(max_size=4096))
def test_any_bytes_are_read(content: bytes) -> None:
    assert len(tuple(copy_of("x", b"\x55\xaa" + content))) <= 1


def test_a_rom_of_nothing_but_signatures_takes_no_time() -> None:
    assert tuple(copy_of("x", b"\x55\xaa" * (1 << 20))) == ()


def test_only_roms_in_places_that_qemu_reads(tmp_path: Path) -> None:
    tree = (
        Tree(tmp_path)
        .put("usr/share/vgabios/card.rom", "")
        .put("usr/share/vgabios/notes.txt", "x")
        .put("var/x", "")
    )
    (tmp_path / "usr/share/vgabios/card.rom").write_bytes(image(0, last=True))
    found = read_roms(tree.host)
    assert found == (RomCopy("usr/share/vgabios/card.rom", "1002", "731f", ("bios",)),)
