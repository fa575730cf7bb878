"""``cores`` from the command line: options, answers, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.builders import SysfsTree
from vfio_wizard.cli import main
from vfio_wizard.probe.cpu import CPUS
from vfio_wizard.probe.memory import POOLS

GPU = "0000:01:00.0"


@pytest.fixture
def machine(tmp_path: Path) -> str:
    """A desktop with six cores and twelve threads, one cache and a card."""
    tree = (
        SysfsTree(tmp_path / "root")
        .pci(GPU, cls=0x030000)
        .files(CPUS, online="0-11", present="0-11", isolated="")
    )
    for number in range(12):
        siblings = f"{number % 6},{number % 6 + 6}"
        tree.cpu(number, core_cpus_list=siblings, physical_package_id=0, core_id=number % 6)
        tree.files(f"{CPUS}/cpu{number}/cache/index3", level=3, shared_cpu_list="0-11", size="32768K")
    tree.file("proc/meminfo", "MemTotal: 33554432 kB\nMemAvailable: 25165824 kB\n")
    for size in (2048, 1048576):
        tree.files(f"{POOLS}/hugepages-{size}kB", nr_hugepages=0, free_hugepages=0)
    tree.directory("sys/devices/system/node/node0")
    return str(tree.root)


def test_picture_and_reasons(machine: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cores", "--host", machine, "--gpu", GPU, "--memory", "16384"]) == 0
    out = capsys.readouterr().out
    assert "| CPU   0   1   2   3   4   5 |\n|       D   Q  v0  v2  v4  v6 |" in out
    assert "hugepages=16" in out


def told(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, object]:
    assert main(["cores", "--json", *words]) == 0
    plan = json.loads(capsys.readouterr().out)["plan"]
    assert isinstance(plan, dict)
    return plan


def test_options_overrule_the_answers(
    machine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = tmp_path / "answers.toml"
    answers.write_text('[cpus]\nguest = "3,9"\n')
    assert told(capsys, "--host", machine, "--answers", str(answers))["vcpus"] == [3, 9]
    assert told(capsys, "--host", machine, "--answers", str(answers), "--vcpus", "4")["vcpus"] == [
        4,
        10,
        5,
        11,
    ]
    assert told(capsys, "--host", machine, "--cpus", "1,7")["vcpus"] == [1, 7]


@pytest.mark.parametrize(
    "words",
    [
        ("--vcpus", "0"),
        ("--vcpus", "many"),
        ("--vcpus", "²"),
        ("--memory", "-1"),
        ("--cpus", "2-"),
        ("--cpus", "40"),
        ("--cpus", "0-11"),
        ("--gpu", "0000:09:00.0"),
        ("--gpu", "card"),
        ("--answers", "/nowhere"),
        ("-o", "/nowhere"),
    ],
)
def test_wrong_words_are_usage(
    machine: str, words: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cores", "--host", machine, *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("vfio-wizard: ")


def test_a_listing_tells_no_cores(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listing = tmp_path / "lspci.txt"
    listing.write_text("01:00.0 VGA compatible controller [0300]: AMD RV100 [1002:5159]\n")
    assert main(["cores", "--host", str(listing)]) == 3
    assert "not known" in capsys.readouterr().out


def test_a_message_does_not_quote_a_whole_file(machine: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cores", "--host", machine, "--cpus", "x" * 50_000]) == 2
    message = capsys.readouterr().err
    assert len(message) < 1100
    assert message.endswith("characters in all)\n")


def test_the_hook_takes_the_cpus_at_the_start_and_gives_them_back(
    machine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cores", "--host", machine, "--hook", "win11"]) == 0
    captured = capsys.readouterr()
    assert "prepare/begin) cpus=0-1,6-7 ;;\nrelease/end) cpus=0-11 ;;" in captured.out
    assert captured.err == (
        "for /etc/libvirt/hooks/qemu.d/40-vfio-wizard-cpus-win11; libvirt looks for hooks when it starts\n"
    )
    assert main(["cores", "--host", machine, "--hook", "win11", "-o", str(tmp_path / "hook")]) == 0
    assert (tmp_path / "hook").read_text() == captured.out
    assert (tmp_path / "hook").stat().st_mode & 0o777 == 0o755


def test_the_hook_does_not_replace_a_stranger_s_file(machine: str, tmp_path: Path) -> None:
    (tmp_path / "hook").write_text("#!/bin/sh\n# mine\n")
    assert main(["cores", "--host", machine, "--hook", "win11", "-o", str(tmp_path / "hook")]) == 1
    assert main(["cores", "--host", machine, "--hook", "win11", "-o", str(tmp_path / "hook"), "--force"]) == 0


@pytest.mark.parametrize("guest", ["a\nb", "\x1b[2J"])
def test_a_hook_for_what_is_no_guest(machine: str, guest: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cores", "--host", machine, "--hook", guest]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "\x1b" not in captured.err
