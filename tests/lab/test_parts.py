"""Parts of the lab that can be told right from wrong without booting anything."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab import acpi, cpio, run
from tests.lab.topologies import OF_EACH_CARD, OF_THE_HOST, TOPOLOGIES


def test_every_topology_expects_something_of_every_fixed_check() -> None:
    for topology in TOPOLOGIES:
        cards = [address for address, card in topology.expect.gpus.items() if card.type == "discrete"]
        wanted = {*OF_THE_HOST, *OF_EACH_CARD} if cards else {"iommu.enabled", "gpu.present"}
        assert wanted <= set(topology.expect.findings), topology.name


def test_names_are_unique_and_selected_cards_exist() -> None:
    assert len({one.name for one in TOPOLOGIES}) == len(TOPOLOGIES)
    for topology in TOPOLOGIES:
        assert set(topology.gpus) <= set(topology.expect.gpus), topology.name
        assert set(topology.gpus) == set(topology.expect.bound) or not topology.gpus, topology.name


def test_at_least_ten_topologies_boot_at_every_change() -> None:
    assert sum(one.quick for one in TOPOLOGIES) >= 10


def test_an_extended_table_has_the_right_length_and_checksum() -> None:
    header = (
        b"IVRS"
        + struct.pack("<I", 36)
        + b"\x01\x00"
        + b"BOCHS BXPC    "
        + struct.pack("<I4sI", 1, b"BXPC", 1)
    )
    table = acpi.extended(header, acpi.ivmd())
    assert sum(table) % 256 == 0
    assert struct.unpack_from("<I", table, 4)[0] == len(table) == 36 + 32
    assert struct.unpack_from("<I", table, 24)[0] == 2


def test_structures_say_their_own_length() -> None:
    assert struct.unpack_from("<H", acpi.ivmd(), 2)[0] == len(acpi.ivmd())
    assert struct.unpack_from("<H", acpi.rmrr(), 2)[0] == len(acpi.rmrr())


def test_an_archive_is_a_row_of_aligned_entries_with_a_trailer(tmp_path: Path) -> None:
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir/file").write_bytes(b"odd")
    (tmp_path / "link").symlink_to("dir/file")
    out = io.BytesIO()
    archive = cpio.Archive(out)
    archive.tree(tmp_path)
    archive.close()
    assert len(out.getvalue()) % 512 == 0
    assert entries(out.getvalue()) == {"dir": b"", "link": b"dir/file", "dir/file": b"odd"}


def entries(data: bytes) -> dict[str, bytes]:
    """What another reader of the format finds: name and content by the sizes in each header."""
    found: dict[str, bytes] = {}
    at = 0
    while True:
        assert data[at : at + 6] == b"070701"
        fields = [int(data[at + 6 + 8 * n : at + 14 + 8 * n], 16) for n in range(13)]
        size, length = fields[6], fields[11]
        name = data[at + 110 : at + 110 + length - 1].decode()
        start = (at + 110 + length + 3) & ~3
        if name == "TRAILER!!!":
            return found
        found[name] = data[start : start + size]
        at = (start + size + 3) & ~3


@pytest.mark.parametrize(("ci", "code", "word"), [("true", 1, "FAILED"), ("", 0, "skipped")])
def test_a_missing_tool_skips_on_a_laptop_and_fails_in_ci(
    ci: str,
    code: int,
    word: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run.main([]) == code
    assert f"lab {word}: qemu-system-x86_64" in capsys.readouterr().out


def test_an_unknown_topology_is_refused_with_the_known_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["twinns"]) == 2
    assert "twins" in capsys.readouterr().out


def test_the_packages_are_listed_by_a_bare_python() -> None:
    command = [sys.executable, "-S", "-m", "tests.lab.run", "--packages"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=run.LAB.parent)
    assert "qemu-system-x86" in done.stdout.split()
