"""``make faults``: every fault on every chain. Prints a table, and each fault that was not survived.

python -m tests.faults.run [--chain NAME] [--every N] [--table FILE]
"""

# ruff: noqa: T201 - a program for people
from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
from collections import Counter
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tests.faults.chains import CHAINS, Chain
from tests.faults.trial import Bench, Failure, faults

_FAST = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - in memory, as a folder of its own
"""Hundreds of small trees are made and thrown away."""


class Row(NamedTuple):
    """What one chain was put through."""

    chain: str
    steps: tuple[int, int]
    """Of an apply, of an undo."""
    kinds: Counter[str]
    failures: tuple[Failure, ...]


def trial_run(chain: Chain, *, every: int = 1, offset: int = 0, shells: bool = True) -> Row:
    """All faults of a chain, or every n-th of them."""
    with tempfile.TemporaryDirectory(prefix="faults-", dir=_FAST) as folder:
        bench = Bench(chain, Path(folder))
        wanted = faults(bench, shells=shells)
        steps = tuple(len({one.at for one in wanted if one.during == name}) for name in ("apply", "undo"))
        chosen = wanted[offset::every]
        failures = []
        for fault in chosen:
            what = bench.failures(fault)
            if what:
                failures.append(Failure(chain.name, fault, what))
        return Row(chain.name, (steps[0], steps[1]), Counter(one.kind for one in chosen), tuple(failures))


BEGIN, END = "<!-- faults: begin -->", "<!-- faults: end -->"
KINDS = (("kill", "killed"), ("full", "no space"), ("error", "I/O error"))


def table(rows: list[Row], every: int) -> str:
    """For docs/safety.md."""
    lines = [
        "| chain | steps of apply | of undo | killed | no space | I/O error | not survived |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        counts = [sum(n for kind, n in row.kinds.items() if kind.startswith(start)) for start, _ in KINDS]
        cells = [row.chain, *row.steps, *counts, len(row.failures)]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    total = sum(row.kinds.total() for row in rows)
    failed = sum(len(row.failures) for row in rows)
    part = "" if every == 1 else f" (one in {every} of all; `make faults` tries each)"
    return "\n".join([*lines, "", f"{total} faults{part} on {len(rows)} chains, {failed} not survived."])


def write_table(path: Path, rows: list[Row], every: int) -> None:
    """Between the two marks of the document."""
    head, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    tail = rest.partition(END)[2]
    path.write_text(f"{head}{BEGIN}\n{table(rows, every)}\n{END}{tail}", encoding="utf-8")


def _timed(number: int, *, every: int) -> Row:
    return trial_run(CHAINS[number], every=every)


def _say(row: Row) -> None:
    print(
        f"{row.chain}: {row.kinds.total()} faults at {sum(row.steps)} steps, {len(row.failures)} failures",
        flush=True,
    )
    for failure in row.failures[:3]:
        print(f"  {failure}", flush=True)


def main() -> int:
    """All chains, or those whose name holds a word."""
    options = argparse.ArgumentParser()
    options.add_argument("--chain", default="")
    options.add_argument("--every", type=int, default=1)
    options.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options.add_argument("--table", type=Path, help="a document to write the table into")
    given = options.parse_args()
    numbers = [at for at, one in enumerate(CHAINS) if given.chain.lower() in one.name.lower()]
    rows = []
    with multiprocessing.get_context("fork").Pool(given.jobs) as workers:
        for row in workers.imap(partial(_timed, every=given.every), numbers, chunksize=1):
            rows.append(row)
            _say(row)
    failed = sum(len(row.failures) for row in rows)
    print(f"{sum(sum(row.kinds.values()) for row in rows)} faults on {len(rows)} chains, {failed} failures")
    if given.table:
        write_table(given.table, rows, given.every)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
