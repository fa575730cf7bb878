"""5,000 inputs for the parsers on every run, the same each time; what ever failed is repeated for good.

``make fuzz`` gives them 100,000, guided by coverage where atheris is installed.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.fuzz.mutate import LONGEST, mutated
from tests.fuzz.run import SECONDS
from tests.fuzz.targets import TARGETS, Target, target

INPUTS = 5000
CASES = Path(__file__).parent / "cases"


@pytest.mark.parametrize("name", [one.name for one in TARGETS])
def test_changed_seeds(name: str, repository: Path) -> None:
    """In a process of its own, with limits for memory and for the time of one input."""
    runs = round(INPUTS / sum(one.weight for one in TARGETS) * target(name).weight) + 1
    command = [
        sys.executable,
        "-m",
        "tests.fuzz.run",
        "--engine",
        "plain",
        "--jobs",
        "1",
        "--runs",
        str(runs),
    ]
    done = subprocess.run(
        [*command, "--target", name], cwd=repository, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("one", TARGETS, ids=lambda one: one.name)
def test_seeds_are_answered_and_not_refused_for_another_reason(one: Target) -> None:
    """A target whose seeds are all empty would prove nothing."""
    assert len(one.seeds()) >= 2
    assert all(one.seeds())
    for data in one.seeds():
        one.run(data)


@pytest.mark.parametrize(
    "case", sorted(CASES.glob("*/*")), ids=lambda path: f"{path.parent.name}-{path.name}"
)
def test_what_failed_once(case: Path) -> None:
    started = time.perf_counter()
    target(case.parent.name).run(case.read_bytes())
    assert time.perf_counter() - started < SECONDS


def test_inputs_are_the_same_every_time_and_bounded() -> None:
    seeds, words = target("editors").seeds(), target("editors").words
    first = [mutated(number, seeds, words) for number in range(300)]
    assert first == [mutated(number, seeds, words) for number in range(300)]
    assert len(set(first)) > 250
    assert max(map(len, first)) <= LONGEST


def test_a_fault_is_found_and_kept(tmp_path: Path, repository: Path) -> None:
    """The runner itself: an input that no parser would survive is reported with what repeats it."""
    script = (
        "import sys; from tests.fuzz import run, targets\n"
        "def broken(data):\n    raise ValueError('found')\n"
        "one = targets.target('rom')._replace(run=broken)\n"
        "sys.exit(run._plain(one, 0, 5))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(repository), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "ValueError: found" in done.stderr
    assert "--target rom --input " in done.stdout
    assert "/.fuzz/rom-" in done.stdout
    assert len(list((tmp_path / ".fuzz").iterdir())) == 1


@pytest.mark.parametrize(
    ("trouble", "word"), [("while True: pass", "SlowError"), ("bytearray(8 << 30)", "MemoryError")]
)
def test_hangs_and_floods_are_faults(trouble: str, word: str, tmp_path: Path, repository: Path) -> None:
    script = (
        "import sys; from tests.fuzz import run, targets\n"
        f"run.SECONDS = 1\ndef broken(data):\n    {trouble}\n"
        "sys.exit(run._plain(targets.target('rom')._replace(run=broken), 0, 1))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(repository), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert word in done.stderr
