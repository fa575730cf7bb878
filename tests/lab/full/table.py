"""What became of the scenarios, as a page of the documentation."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.lab.full.scenarios import Scenario
from tests.lab.full.systems import SYSTEMS


class Held(NamedTuple):
    """One step of a run."""

    name: str
    seconds: float
    problems: tuple[str, ...]


class Outcome(NamedTuple):
    """What became of one scenario."""

    scenario: Scenario
    release: str
    seconds: float
    steps: tuple[Held, ...]
    folder: Path
    date: str = ""

    @property
    def held(self) -> int:
        """How many steps held."""
        return sum(not one.problems for one in self.steps)

    @property
    def is_good(self) -> bool:
        """All steps were done, and held."""
        return self.held == len(self.scenario.steps) == len(self.steps)


HEAD = """\
# Rebooted: which boot chains the change was proven on

Written by `make lab-full` (or `python -m tests.lab.full.run --table`) from the last run of each scenario,
with QEMU's emulation (no KVM) on {cores} processors. Every scenario begins with a freshly installed system
and boots from its own boot loader; [lab.md](lab.md) says how. "Held" counts steps whose expectation was met.

| scenario | system | kernel | date | held | seconds |
|---|---|---|---|---|---|
"""

REPOSITORY = str(Path(__file__).resolve().parents[3])


def save(outcome: Outcome, folder: Path) -> None:
    """Keep it until the scenario runs again."""
    folder.mkdir(exist_ok=True)
    kept = {
        "release": outcome.release,
        "date": outcome.date,
        "seconds": outcome.seconds,
        "steps": [[one.name, one.seconds, list(one.problems)] for one in outcome.steps],
    }
    (folder / f"{outcome.scenario.name}.json").write_text(json.dumps(kept, indent=1))


def saved(scenario: Scenario, folder: Path) -> Outcome | None:
    """The last run; none where the scenario has other steps now."""
    path = folder / f"{scenario.name}.json"
    if not path.is_file():
        return None
    kept = json.loads(path.read_text())
    steps = tuple(Held(name, seconds, tuple(problems)) for name, seconds, problems in kept["steps"])
    names = [one.name for one in scenario.steps]
    if [one.name for one in steps] != names[: len(steps)]:
        return None
    return Outcome(scenario, kept["release"], kept["seconds"], steps, folder, kept["date"])


def markdown(scenarios: Sequence[Scenario], outcomes: Sequence[Outcome]) -> str:
    """The whole page; a scenario without a run is named as such."""
    by_name = {one.scenario.name: one for one in outcomes}
    page = HEAD.format(cores=os.cpu_count())
    page += "".join(_row(one, by_name.get(one.name)) for one in scenarios)
    return page + "".join(_section(one) for one in outcomes)


def _row(scenario: Scenario, outcome: Outcome | None) -> str:
    system = SYSTEMS[scenario.system]
    firmware = "UEFI" if system.is_uefi else "BIOS"
    parts = [
        f"{scenario.name}: {scenario.title}",
        f"{system.suite}, {system.loader} ({firmware}), {system.generator or 'its own generator'}",
    ]
    if outcome is None:
        parts += ["", "", "not run", ""]
    else:
        held = f"{outcome.held} of {len(scenario.steps)}"
        parts += [outcome.release, outcome.date, held, f"{outcome.seconds:.0f}"]
    return f"| {' | '.join(parts)} |\n"


def _section(outcome: Outcome) -> str:
    lines = [f"\n## {outcome.scenario.name}\n\n"]
    for step in outcome.steps:
        lines.append(f"- {'NOT held' if step.problems else 'held'}, {step.seconds:.0f} s: {step.name}\n")
        lines += [f"  - {_short(problem)}\n" for problem in step.problems]
    left = len(outcome.scenario.steps) - len(outcome.steps)
    return "".join(lines) + (f"- {left} more steps were not reached\n" if left > 0 else "")


def _short(problem: str) -> str:
    return problem.replace(f"{REPOSITORY}/", "").splitlines()[0][:200]
