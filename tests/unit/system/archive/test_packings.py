"""Each packing, alone and behind microcode; the same by the programs that generators call."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.unit.system.archive.images import (
    PACKINGS,
    RELEASE,
    File,
    archive,
    link,
    module,
    packed,
    told,
    unified,
)
from vfio_wizard.model.unread import Gap, Unread

MICROCODE = archive(File("kernel/x86/microcode/AuthenticAMD.bin", b"\x01" * 70_001))
MAIN = archive(
    link("lib", "usr/lib"),
    module("vfio_pci"),
    module("snd-hda-intel", ending=".ko"),
    module("amdgpu", ending=".ko.zst"),
    File("lib/firmware/amdgpu/navi10.bin", bytes(range(256)) * 2000),
    File("etc/modprobe.d/vfio.conf", b"# ours\noptions vfio-pci ids=1002:5159\n"),
)


def read(folder: Path, image: bytes) -> dict[str, Any]:
    answer = told(folder, image)
    assert isinstance(answer, str), answer
    found = json.loads(answer)
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("name", PACKINGS)
def test_main_archive_behind_microcode(name: str, tmp_path: Path) -> None:
    found = read(tmp_path, MICROCODE + packed(name, MAIN))
    assert found["compression"] == ["none", name]
    assert found["modules"] == {RELEASE: ["amdgpu snd_hda_intel vfio_pci"]}
    assert found["texts"] == {"etc/modprobe.d/vfio.conf": ["2:options vfio-pci ids=1002:5159"]}
    assert found["gaps"] == []


@pytest.mark.parametrize("name", [name for name in PACKINGS if not name.startswith("lz4")])
def test_secrets_appended_behind_a_packed_archive(name: str, tmp_path: Path) -> None:
    more = packed("gzip", archive(File("etc/modprobe.d/later.conf", b"blacklist radeon\n")))
    found = read(tmp_path, packed(name, MAIN) + b"\0" * 3 + more)
    assert found["compression"] == [name, "gzip"]
    assert "etc/modprobe.d/later.conf" in found["texts"]


@pytest.mark.parametrize("name", PACKINGS[1:])
def test_cut_off_image_tells_what_was_read_and_that_it_was_cut(name: str, tmp_path: Path) -> None:
    whole = packed(name, MAIN)
    found = read(tmp_path, MICROCODE + whole[: len(whole) // 2])
    assert found["compression"] == ["none", name]
    assert found["gaps"]


PROGRAMS = (
    ("gzip", ("gzip", "-n")),
    ("xz", ("xz", "--check=crc32", "--lzma2=dict=32MiB")),
    ("lzma", ("xz", "--format=lzma")),
    ("bzip2", ("bzip2",)),
    ("zstd", ("zstd", "-q", "-19", "-T0")),
    ("zstd", ("zstd", "-q", "--ultra", "-22", "--long=27")),
    ("lz4", ("lz4", "-l", "-9")),
    ("lz4 frame", ("lz4", "-9")),
)


@pytest.mark.packers
@pytest.mark.parametrize(("name", "program"), PROGRAMS)
def test_archive_by_cpio_and_the_generators_packer(
    name: str, program: tuple[str, ...], tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    (tree / f"usr/lib/modules/{RELEASE}/kernel").mkdir(parents=True)
    (tree / "lib").symlink_to("usr/lib")
    (tree / f"lib/modules/{RELEASE}/kernel/vfio-pci.ko").write_bytes(b"\x7fELF" + b"x" * 100_000)
    (tree / "usr/lib/modprobe.d").mkdir()
    (tree / "usr/lib/modprobe.d/a.conf").write_text("options vfio-pci ids=1:2\n")
    (tree / "usr/lib/modprobe.d/b.conf").hardlink_to(tree / "usr/lib/modprobe.d/a.conf")
    listing = subprocess.run(["find", ".", "-print0"], cwd=tree, capture_output=True, check=True).stdout
    raw = subprocess.run(
        ["cpio", "-0", "-o", "-H", "newc", "--quiet"],
        cwd=tree,
        input=listing,
        capture_output=True,
        check=True,
    ).stdout
    image = subprocess.run([*program, "-c"], input=raw, capture_output=True, check=True).stdout
    found = read(tmp_path, image)
    assert (found["compression"], found["gaps"]) == ([name], [])
    assert found["modules"] == {RELEASE: ["vfio_pci"]}
    assert found["texts"] == {
        f"usr/lib/modprobe.d/{name}.conf": ["1:options vfio-pci ids=1:2"] for name in ("a", "b")
    }


def test_unified_image_gives_command_line_and_both_archives(tmp_path: Path) -> None:
    image = unified(
        linux=b"MZ kernel",
        cmdline=b"root=/dev/vda1 vfio-pci.ids=1002:5159\0",
        uname=RELEASE.encode(),
        ucode=MICROCODE,
        initrd=packed("zstd", MAIN),
    )
    found = read(tmp_path, image)
    assert found["compression"] == ["none", "zstd"]
    assert (found["cmdline"], found["uname"]) == ("root=/dev/vda1 vfio-pci.ids=1002:5159", RELEASE)
    assert found["gaps"] == []


def test_kernel_without_initramfs_is_no_image(tmp_path: Path) -> None:
    answer = told(tmp_path, unified(linux=b"MZ kernel", cmdline=b"quiet"))
    assert isinstance(answer, Unread)
    assert "without an initramfs" in answer.detail


def test_boot_configuration_at_the_end_is_left_out_as_in_the_kernel(tmp_path: Path) -> None:
    configuration = b"kernel.foo = bar\n\0\0\0"
    tail = configuration + len(configuration).to_bytes(4, "little") + b"sum!" + b"#BOOTCONFIG\n"
    assert read(tmp_path, packed("gzip", MAIN) + tail)["gaps"] == []


@pytest.mark.parametrize(
    ("image", "why"),
    [
        (b"", "empty"),
        (b"\0" * 5000, "empty"),
        (b"hello", "no archive"),
        (b"070707" + b"0" * 100, "old form"),
        (b"\x89LZO\0\r\n\x1a\n", "lzo"),
    ],
)
def test_file_that_is_no_image_says_why(image: bytes, why: str, tmp_path: Path) -> None:
    answer = told(tmp_path, image)
    assert isinstance(answer, Unread)
    assert (answer.gap, why in answer.detail) == (Gap.MALFORMED, True)
