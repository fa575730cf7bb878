"""Machines that really booted, replayed: what their topology demands, and every printed word.

``machine.toml`` beside a capture says which machine of ``tests/lab/topologies.py`` it was.
"""

from __future__ import annotations

import json
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.lab import judge
from tests.lab.fixtures import FIXTURES
from tests.lab.judge import Answer
from tests.lab.scenario import SECRETS
from tests.lab.topologies import SUITES, TOPOLOGIES
from vfio_wizard.cli import main
from vfio_wizard.system.record import leaks

MACHINES = sorted(path.parent for path in FIXTURES.glob("lab-*/host.json"))
BY_NAME = {one.name: one for one in TOPOLOGIES}
COMMANDS = {
    "check.json": ("--check", "--json"),
    "check.txt": ("--check",),
    "groups.json": ("groups", "--json"),
    "groups.txt": ("groups",),
}
LARGEST = 250_000
"""Bytes of a capture that a person may still be asked to review."""

GOLDEN = [one for one in MACHINES if BY_NAME[one.name.split("-", 2)[2]].quick]
"""Every printed word is kept of these; of the others only what their topology demands."""

machines = pytest.mark.parametrize("machine", MACHINES, ids=lambda path: path.name)


def note(machine: Path) -> dict[str, object]:
    return tomllib.loads((machine / "machine.toml").read_text())


def selection(machine: Path) -> list[str]:
    gpus = note(machine)["gpus"]
    assert isinstance(gpus, list)
    return [word for address in gpus for word in ("--gpu", address)]


def ask(capsys: pytest.CaptureFixture[str], machine: Path, *words: str) -> Answer:
    code = main([*words, "--host", str(machine / "host.json")])
    printed = capsys.readouterr()
    return Answer(printed.out, printed.err, code)


def same(path: Path, text: str, update: bool) -> None:
    if update:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text(), f"{path} differs; --update-golden writes it anew"


def test_both_kernels_of_every_quick_topology_are_recorded() -> None:
    wanted = {f"lab-{series}-{one.name}" for one in TOPOLOGIES if one.quick for series in SUITES.values()}
    assert wanted <= {machine.name for machine in MACHINES}


@machines
def test_a_record_meets_what_its_topology_demands(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    series, _, name = machine.name.removeprefix("lab-").partition("-")
    suite = next(suite for suite, known in SUITES.items() if known == series)
    answers = {
        "check": ask(capsys, machine, "--check", "--json"),
        "groups": ask(capsys, machine, "groups", "--json"),
    }
    chosen = selection(machine)
    if chosen:
        answers["check-gpu"] = ask(capsys, machine, "--check", "--json", *chosen)
    assert judge.unmet(BY_NAME[name].expected(suite), answers, live=False) == []


@pytest.mark.parametrize("machine", GOLDEN, ids=lambda path: path.name)
@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_printed_about_a_record_is_as_before(
    machine: Path,
    name: str,
    capsys: pytest.CaptureFixture[str],
    update_golden: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(FIXTURES.parent)
    told = ask(capsys, machine.relative_to(FIXTURES.parent), *COMMANDS[name])
    same(machine / "expect" / name, told.out, update_golden)


@pytest.mark.parametrize("machine", [one for one in GOLDEN if selection(one)], ids=lambda path: path.name)
def test_the_module_for_a_record_is_as_before(
    machine: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, update_golden: bool
) -> None:
    written = tmp_path / "gpu_passthrough.nix"
    told = ask(capsys, machine, "export", *selection(machine), "-o", str(written))
    outcome = written.read_text() if written.exists() else f"exit code {told.code}\n{told.err}"
    name = "gpu_passthrough.nix" if written.exists() else "export.refused.txt"
    same(machine / "expect" / name, outcome, update_golden)


@pytest.mark.nix
def test_every_module_for_a_record_parses() -> None:
    modules = sorted(FIXTURES.glob("lab-*/expect/gpu_passthrough.nix"))
    assert modules
    done = subprocess.run(
        ["nix-instantiate", "--parse", *modules], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@machines
def test_a_record_is_sorted_small_enough_to_review_and_says_nothing_private(machine: Path) -> None:
    text = (machine / "host.json").read_text()
    record = json.loads(text)
    assert len(text) < LARGEST
    assert list(record) == sorted(record)
    assert [secret for secret in SECRETS if secret in text] == []
    assert list(leaks(record)) == []
