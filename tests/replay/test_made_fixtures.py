"""The machine of the story, made for the purpose: its record, what is said of it, and its module."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.machines import seed
from vfio_wizard.cli import main

REPOSITORY = Path(__file__).resolve().parents[2]
MACHINE = Path("fixtures/rx5600xt-rx550-nixos")
RECORD = str(MACHINE / "host.json")
COMMANDS = {
    "check.json": ("--check", "--json"),
    "check.txt": ("--check",),
    "groups.json": ("groups", "--json"),
    "groups.txt": ("groups",),
    "plan.json": ("plan", "--json", "--gpu", "0000:2f:00.0", "--user", "desk"),
}
EXPORTS = {
    "gpu_passthrough.nix": ("--gpu", "0000:2f:00.0", "--user", "desk", "--looking-glass", "2560x1440"),
    "option.nix": ("--gpu", "0000:2f:00.0", "--user", "desk", "--style", "option"),
    "specialisation.nix": ("--gpu", "0000:2f:00.0", "--user", "desk", "--style", "specialisation"),
}


@pytest.fixture(autouse=True)
def at_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    """The record's path is part of what is printed."""
    monkeypatch.chdir(REPOSITORY)


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    main([*words, "--host", RECORD])
    return capsys.readouterr().out


def same(name: str, text: str, update: bool) -> None:
    place = REPOSITORY / MACHINE / "expect" / name
    if update:
        place.parent.mkdir(exist_ok=True)
        place.write_text(text)
    assert text == place.read_text(), f"{place} differs; --update-golden writes it anew"


def test_the_record_is_what_the_machine_tells_today(tmp_path: Path) -> None:
    """Else a probe asks something that the record cannot answer: make it anew, and read the difference."""
    assert seed.capture_of(tmp_path) == (REPOSITORY / RECORD).read_text()


@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_printed_is_as_before(
    name: str, capsys: pytest.CaptureFixture[str], update_golden: bool
) -> None:
    same(name, printed(capsys, *COMMANDS[name]), update_golden)


@pytest.mark.parametrize("name", EXPORTS)
def test_the_module_is_as_before(name: str, capsys: pytest.CaptureFixture[str], update_golden: bool) -> None:
    same(name, printed(capsys, "export", *EXPORTS[name]), update_golden)


def test_the_module_names_exactly_the_guests_ids(capsys: pytest.CaptureFixture[str]) -> None:
    module = printed(capsys, "export", *EXPORTS["gpu_passthrough.nix"])
    code = "\n".join(line for line in module.splitlines() if not line.lstrip().startswith("#"))
    assert '"vfio-pci.ids=1002:731f,1002:ab38"' in code
    assert "1002:699f" not in code
    assert "amd_iommu" not in module
    assert "virqfd" not in module


def test_without_a_word_the_guests_card_is_chosen_and_not_the_boot_display(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["export", "--host", RECORD]) == 0
    assert "vfio-pci.ids=1002:731f,1002:ab38" in capsys.readouterr().out


def test_the_hosts_card_is_refused_with_every_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--host", RECORD, "--gpu", "0000:28:00.0"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "group.shared" in told.err
    assert "0000:22:00.0" in told.err


def test_the_machine_is_ready_and_says_which_card_is_fit(capsys: pytest.CaptureFixture[str]) -> None:
    report = json.loads(printed(capsys, "--check", "--json"))
    assert report["verdict"] == "ready"
    by_subject = {
        one["subject"]: one["status"] for one in report["findings"] if one["id"] == "group.isolated"
    }
    assert by_subject == {"0000:28:00.0": "fail", "0000:2f:00.0": "pass"}
