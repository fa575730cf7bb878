"""Runs the scenarios on installed systems: ``python -m tests.lab.full.run [--full] [NAME…]``."""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.lab import scenario as wheels
from tests.lab.full import disks, program
from tests.lab.full.scenarios import SCENARIOS, Scenario
from tests.lab.full.session import FullMachine
from tests.lab.full.steps import Run
from tests.lab.full.systems import Installed
from tests.lab.full.table import Held, Outcome, markdown, save, saved
from tests.lab.machine import LabError

LAB = Path(__file__).resolve().parents[3] / ".lab" / "full"
RESULTS = LAB / "results"
TABLE = Path(__file__).resolve().parents[3] / "docs" / "lab-full.md"

TOOLS = (
    "qemu-system-x86_64", "qemu-img", "mmdebstrap", "mke2fs", "sfdisk", "mkfs.vfat", "mcopy", "unshare",
)  # fmt: skip


def main(words: list[str] | None = None) -> int:
    """0 when every step of every scenario held, 1 when one did not, 2 for a name that no scenario has."""
    given = _arguments(words)
    unknown = set(given.names) - {one.name for one in SCENARIOS}
    if unknown:
        _say(f"no such scenario: {', '.join(unknown)}; there are {', '.join(one.name for one in SCENARIOS)}")
        return 2
    if given.table:
        return _write_table()
    missing = _missing()
    if missing:
        must = os.environ.get("CI", "").lower() not in ("", "0", "false")
        _say(f"full lab {'FAILED' if must else 'skipped'}: {missing}")
        return 1 if must else 0
    chosen = [one for one in SCENARIOS if _is_wanted(one, given)]
    outcomes = _run(chosen, given.jobs)
    if given.full and not given.names:
        _write_table()
    return 0 if all(one.is_good for one in outcomes) else 1


def _arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.lab.full.run", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these scenarios")
    parser.add_argument("--full", action="store_true", help="all scenarios, and write docs/lab-full.md")
    parser.add_argument("--table", action="store_true", help="write docs/lab-full.md from earlier runs")
    parser.add_argument("--jobs", type=int, default=2, help="machines at a time")
    return parser.parse_args(words)


def _write_table() -> int:
    found = [saved(one, RESULTS) for one in SCENARIOS]
    TABLE.write_text(markdown(SCENARIOS, [one for one in found if one is not None]))
    return 0


def _missing() -> str:
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
    os.environ["PATH"] = path
    tools = [tool for tool in TOOLS if shutil.which(tool) is None]
    if tools:
        return f"{', '.join(tools)} not found"
    return "" if os.geteuid() == 0 else "it installs whole systems, so it must be root"


def _is_wanted(scenario: Scenario, given: argparse.Namespace) -> bool:
    if given.names:
        return scenario.name in given.names
    return scenario.quick or bool(given.full)


def _run(chosen: list[Scenario], jobs: int) -> list[Outcome]:
    started = time.monotonic()
    LAB.mkdir(parents=True, exist_ok=True)
    with (LAB / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a system is made by one run at a time
        wheel = wheels.build_wheel(LAB)
        places = {name: disks.installed(name, LAB) for name in sorted({one.system for one in chosen})}
        for place in places.values():
            program.packed(wheel, place)
    kernels = ", ".join(f"{name} {place.release}" for name, place in places.items())
    _say(f"full: {kernels}; ready to boot after {time.monotonic() - started:.0f} s")
    with ThreadPoolExecutor(jobs) as pool:
        boots = [
            pool.submit(lambda one: _told(perform(one, places[one.system])), scenario) for scenario in chosen
        ]
        outcomes = [boot.result() for boot in boots]
    failed = sum(not one.is_good for one in outcomes)
    _say(f"full: {len(outcomes)} scenarios, {failed} failed, {time.monotonic() - started:.0f} s")
    return outcomes


def perform(scenario: Scenario, place: Installed) -> Outcome:
    """Boot the machine and go through the steps; after a step that did not hold, the next ones still run.

    What raises (a machine that does not come back) ends the scenario.
    """
    folder = LAB / "runs" / scenario.name
    started = time.monotonic()
    held: list[Held] = []
    with FullMachine(place, scenario.devices, folder) as machine:
        shutil.copy(place.folder / "program.tar", machine.share)
        run = Run(machine, {})
        try:
            machine.power_on()
            for step in scenario.steps:
                began = time.monotonic()
                problems = step.perform(run)
                held.append(Held(step.name, time.monotonic() - began, tuple(problems)))
            machine.power_off()
        except (LabError, OSError, ValueError) as error:
            name = scenario.steps[len(held)].name if len(held) < len(scenario.steps) else "it switches off"
            held.append(Held(name, 0.0, (str(error),)))
    date = time.strftime("%Y-%m-%d", time.gmtime())
    outcome = Outcome(scenario, place.release, time.monotonic() - started, tuple(held), folder, date)
    save(outcome, RESULTS)
    return outcome


def _told(outcome: Outcome) -> Outcome:
    steps = len(outcome.scenario.steps)
    lines = [
        f"full: {outcome.scenario.name:<24} {outcome.seconds:5.1f} s  {outcome.held} of {steps} steps held"
    ]
    for step in outcome.steps:
        lines += [f"    {step.name}: {problem}" for problem in step.problems]
    if not outcome.is_good:
        lines.append(f"    kept in {outcome.folder}")
    _say("\n".join(lines))
    return outcome


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
