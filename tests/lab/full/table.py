"""What became of the scenarios, as a page of the documentation."""

from __future__ import annotations

import os
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

Written by `make lab-full`, on {date}, with QEMU's emulation (no KVM) on {cores} processors. Every scenario
begins with a freshly installed system and boots from its own boot loader; `docs/lab.md` says how. "Held"
counts steps whose expectation, written before the run, was met.

| scenario | system | kernel | held | seconds |
|---|---|---|---|---|
"""


def markdown(outcomes: list[Outcome], date: str) -> str:
    """The whole page."""
    page = HEAD.format(date=date, cores=os.cpu_count())
    page += "".join(_row(one) for one in outcomes)
    return page + "".join(_section(one) for one in outcomes)


def _row(outcome: Outcome) -> str:
    system = SYSTEMS[outcome.scenario.system]
    firmware = "UEFI" if system.is_uefi else "BIOS"
    parts = (
        f"{outcome.scenario.name}: {outcome.scenario.title}",
        f"{system.suite}, {system.loader} ({firmware}), {system.generator or 'its own generator'}",
        outcome.release,
        f"{outcome.held} of {len(outcome.scenario.steps)}",
        f"{outcome.seconds:.0f}",
    )
    return f"| {' | '.join(parts)} |\n"


def _section(outcome: Outcome) -> str:
    lines = [f"\n## {outcome.scenario.name}\n\n"]
    for step in outcome.steps:
        lines.append(f"- {'held' if not step.problems else 'NOT held'}, {step.seconds:.0f} s: {step.name}\n")
        lines += [f"  - {problem.splitlines()[0][:200]}\n" for problem in step.problems]
    return "".join(lines)
