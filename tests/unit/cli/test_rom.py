"""``rom`` from the command line: verdicts, stripping, refusals, exit codes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.builders import SysfsTree
from tests.published import document, validator
from tests.rom_builder import NVGI, WHOLE, Image, rom
from vfio_wizard.cards.dump import Refused
from vfio_wizard.cli import main
from vfio_wizard.model.rom import LARGEST
from vfio_wizard.report.rom_json import refused_json

GPU = "0000:01:00.0"
SCHEMA = "vfio-wizard/rom/1"


@pytest.fixture
def machine(tmp_path: Path) -> str:
    """A host with a card, its audio function, and another card."""
    tree = SysfsTree(tmp_path / "root")
    tree.pci(GPU, vendor=0x1002, device=0x731F, cls=0x030000)
    tree.pci("0000:01:00.1", vendor=0x1002, device=0xAB38, cls=0x040300)
    tree.pci("0000:02:00.0", vendor=0x10DE, device=0x2484, cls=0x030000)
    return str(tree.root)


@pytest.fixture
def good(tmp_path: Path) -> str:
    """A good ROM for the first card."""
    (tmp_path / "good.rom").write_bytes(WHOLE)
    return str(tmp_path / "good.rom")


def test_a_good_rom(good: str, machine: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rom", good, "--host", machine, "--gpu", "0000:01:00.1"]) == 0
    out = capsys.readouterr().out
    assert "image 1: UEFI for x64 (boot service driver), 1002:731f, class 030000" in out
    assert out.endswith("usable\n")


def test_a_rom_of_another_card(good: str, machine: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rom", good, "--host", machine, "--gpu", "0000:02:00.0"]) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "NOT usable - it is for 1002:731f, and the card is 10de:2484" in out


@pytest.mark.parametrize(
    "content", [WHOLE, NVGI + WHOLE, WHOLE[:700], rom(Image(code=0xE0)), b"", b"\x1b[2J"]
)
def test_the_json_keeps_to_the_published_schema(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.rom").write_bytes(content)
    code = main(["rom", "--json", str(tmp_path / "x.rom")])
    told = document(capsys.readouterr().out, SCHEMA)
    assert code == (0 if told["verdict"] == "usable" else 1)


def test_a_header_is_cut_off(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrapped, bare = tmp_path / "wrapped.rom", tmp_path / "bare.rom"
    wrapped.write_bytes(NVGI + WHOLE + b"\xff" * 100)
    assert main(["rom", str(wrapped)]) == 1
    assert main(["rom", str(wrapped), "--strip", "-o", str(bare)]) == 0
    assert bare.read_bytes() == WHOLE
    assert main(["rom", str(wrapped), "--strip", "-o", str(bare)]) == 1
    assert "is there already" in capsys.readouterr().err
    assert main(["rom", str(wrapped), "--strip", "-o", str(bare), "--force"]) == 0


def test_a_name_with_escapes_is_shown_and_not_obeyed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "\x1b]0;x\x07.rom"
    file.write_bytes(WHOLE)
    assert main(["rom", str(file)]) == 0
    assert main(["rom", str(file), "--strip", "-o", str(file)]) == 1
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out + captured.err


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("/nowhere.rom",),
        ("/",),
        ("/dev/zero",),
        ("GOOD", "--strip"),
        ("GOOD", "-o", "x"),
        ("GOOD", "--gpu", "card"),
        ("GOOD", "--gpu", "0000:09:00.0"),
        ("GOOD", "--gpu", GPU, "--gpu", "0000:02:00.0"),
        ("--dump",),
        ("--dump", "--gpu", GPU),
        ("--dump", "-o", "x"),
        ("GOOD", "--dump", "--gpu", GPU, "-o", "x"),
        ("EMPTY", "--strip", "-o", "x"),
    ],
)
def test_wrong_words_are_usage(
    words: tuple[str, ...], good: str, machine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").write_bytes(b"")
    named = [{"GOOD": good, "EMPTY": str(tmp_path / "empty")}.get(word, word) for word in words]
    assert main(["rom", "--host", machine, *named]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("vfio-wizard: ")
    assert not Path("x").exists()


def test_a_file_that_is_too_long_is_no_rom(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (tmp_path / "long").open("wb") as file:
        file.truncate(LARGEST + 1)
    assert main(["rom", str(tmp_path / "long")]) == 2
    assert "longer than 16 MiB" in capsys.readouterr().err


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert main(["rom", str(tmp_path / "pipe")]) == 2


def test_a_record_is_never_dumped(machine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "dump.rom"
    assert main(["rom", "--dump", "--host", machine, "--gpu", GPU, "-o", str(target)]) == 1
    assert "cannot dump a ROM" in capsys.readouterr().err
    assert not target.exists()


def test_a_refusal_is_a_document_too() -> None:
    told = refused_json(Refused("it is the boot display", "make another card the boot display"))
    validator(SCHEMA).validate(told)
    assert told["verdict"] == "refused"
