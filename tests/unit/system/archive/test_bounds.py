"""Images made to hurt: whatever they claim, the answer comes soon and in little memory."""

from __future__ import annotations

import gzip
import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.unit.system.archive.images import (
    PACKINGS,
    File,
    archive,
    entry,
    link,
    module,
    packed,
    told,
    unified,
)
from tests.unit.system.archive.test_packings import MAIN, read
from vfio_wizard.model.unread import Unread
from vfio_wizard.system.archive import budget as bounds
from vfio_wizard.system.archive.budget import Budget, DamagedError
from vfio_wizard.system.archive.image import image_text
from vfio_wizard.system.archive.packing import packing, unpack
from vfio_wizard.system.archive.streams import Span

GIB = 1 << 30
MOST_PIECE = 8 << 20


def test_entry_of_four_gigabytes_is_cut_off(tmp_path: Path) -> None:
    found = read(tmp_path, archive(module("vfio_pci"))[:-512] + entry(File("big", b"x"), size=0xFFFFFFFF))
    assert found["gaps"] == ["cut off"]


@pytest.mark.parametrize("size", [0, 4097, 0xFFFFFFFF])
def test_name_of_impossible_length(size: int, tmp_path: Path) -> None:
    raw = (
        entry(File("a"), name_size=size) if size else entry(File("a"))[:94] + b"00000000" + b"0" * 8 + b"a\0"
    )
    found = read(tmp_path, archive(module("vfio_pci")) + raw + b"x" * 5000)
    assert any("name of" in gap for gap in found["gaps"])


def test_packed_archive_in_a_packed_archive_is_not_unpacked(tmp_path: Path) -> None:
    found = read(tmp_path, packed("gzip", archive(module("radeon")) + packed("gzip", MAIN)))
    assert found["gaps"]
    assert "vfio_pci" not in str(found["modules"])


def bomb(name: str) -> bytes:
    """A quarter GiB of zeros within few bytes; doubled zstd frames and gzip members go on from there."""
    if name == "zstd":
        return zstandard.ZstdCompressor(level=3).compress(b"\0" * (GIB // 4))
    return packed(name, b"\0" * (GIB // 4))


@pytest.mark.parametrize("name", ["gzip", "xz", "zstd", "lz4"])
def test_bomb_unpacks_in_small_pieces_and_is_stopped(name: str, tmp_path: Path) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(bomb(name))
    handle = os.open(path, os.O_RDONLY)
    span = Span(handle, 0, path.stat().st_size, Budget())
    try:
        assert packing(span.peek(8)) == name
        sizes = [len(piece) for piece in unpack(span, name)]
    finally:
        os.close(handle)
    assert sum(sizes) == GIB // 4
    assert max(sizes) <= MOST_PIECE
    assert span.at == span.end


def test_bombs_one_after_the_other_end_with_the_budget(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.monotonic()
    answer = told(tmp_path, archive(module("radeon")) + bomb("zstd") * 9, Budget(GIB))
    assert isinstance(answer, str)
    assert "unpacks to more than 1024 MiB" in answer
    assert time.monotonic() - start < bounds.MOST_SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10  # KiB


def test_sparse_file_of_a_terabyte(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.write(archive(module("radeon")))
        file.truncate(1 << 40)
    handle = os.open(path, os.O_RDONLY)
    answer = image_text(handle, "boot/initrd.img", Budget(GIB // 8))
    os.close(handle)
    assert "unpacks to more than" in str(answer)


def test_zeros_between_archives_cost_little(tmp_path: Path) -> None:
    start = time.monotonic()
    assert read(tmp_path, gzip.compress(b"\0" * (GIB // 8), 1) + MAIN)["gaps"] == []
    assert time.monotonic() - start < 20


def test_more_files_than_any_image_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MOST_ENTRIES", 100)
    found = read(tmp_path, archive(*(File(f"a{number}") for number in range(200))))
    assert found["gaps"] == ["holds more than 100 files"]


def test_more_links_than_any_image_has(tmp_path: Path) -> None:
    links = [link(f"{number}" + "x" * 4000, "y" * 4090) for number in range(3000)]
    assert "more names and texts" in read(tmp_path, packed("gzip", archive(*links)))["gaps"][0]


def test_slow_image_is_given_up() -> None:
    budget = Budget(seconds=0)
    time.sleep(0.001)
    with pytest.raises(DamagedError, match="not read within"):
        budget.spend(1)


def samples() -> Iterator[bytes]:
    for name in PACKINGS:
        yield archive(File("kernel/x86/microcode/a.bin", b"\x01" * 99)) + packed(name, MAIN[:4096])
        yield packed(name, archive(module("vfio_pci"), File("conf/modules", b"vfio_pci\n")))
    yield unified(cmdline=b"quiet", initrd=packed("zstd", MAIN))


SAMPLES = tuple(samples())


@st.composite
def spoiled(draw: st.DrawFn) -> bytes:
    """A sound image with a few bytes changed, taken out, or put in."""
    image = bytearray(draw(st.sampled_from(SAMPLES)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(image)))
        end = min(len(image), start + draw(st.integers(0, 40)))
        image[start:end] = draw(st.binary(max_size=40) | st.just(b"FFFFFFFF"))
    return bytes(image)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(image=st.binary(max_size=2000) | spoiled())
@example(image=b"\x02\x21\x4c\x18\xff\xff\xff\xff")
@example(image=b"]\0\0\0\x80" + b"\xff" * 8 + b"\0" * 99)
@example(image=b"MZ" + b"\xff" * 200)
def test_any_bytes_are_answered(image: bytes, tmp_path: Path) -> None:
    answer = told(tmp_path, image)
    assert isinstance(answer, Unread) or answer.startswith("{")
