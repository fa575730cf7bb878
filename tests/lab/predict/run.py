"""Prediction before the reboot, sysfs after it: ``python -m tests.lab.predict.run [--full] [NAME…]``."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.lab.predict import roots, workshop
from tests.lab.predict.roots import Root
from tests.lab.predict.setups import SETUPS, Setup
from tests.lab.predict.table import markdown
from tests.lab.predict.workshop import Outcome

LAB = Path(__file__).resolve().parents[3] / ".lab" / "predict"
TABLE = Path(__file__).resolve().parents[3] / "docs" / "prediction.md"

ROOTS = (
    Root("bookworm-it", "bookworm", "initramfs-tools"),
    Root("trixie-it", "trixie", "initramfs-tools"),
    Root("trixie-dracut", "trixie", "dracut"),
)

TOOLS = ("qemu-system-x86_64", "mmdebstrap", "mke2fs", "debugfs", "unshare")


def main(words: list[str] | None = None) -> int:
    """0 when no prediction was wrong, 1 when one was or a set-up failed."""
    parser = argparse.ArgumentParser(prog="tests.lab.predict.run", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only set-ups whose name holds this")
    parser.add_argument("--full", action="store_true", help="all set-ups; print and write the table")
    parser.add_argument("--root", action="append", help="only on this system")
    parser.add_argument("--resume", action="store_true", help="boot only what has not been booted yet")
    parser.add_argument("--kept", action="store_true", help="boot nothing; predict anew for earlier boots")
    parser.add_argument("--jobs", type=int, default=2, help="boots at a time")
    given = parser.parse_args(words)
    missing = _missing()
    if missing:
        must = os.environ.get("CI", "").lower() not in ("", "0", "false")
        _say(f"prediction lab {'FAILED' if must else 'skipped'}: {missing}")
        return 1 if must else 0
    chosen = [one for one in SETUPS if _is_wanted(one, given)]
    if given.kept:
        chosen = [one for one in chosen if workshop.is_booted(one, LAB)]
    outcomes = _run(chosen, given.jobs, again=not (given.resume or given.kept))
    if given.full and not given.names and not given.root:
        table = markdown(outcomes, time.strftime("%Y-%m-%d", time.gmtime()))
        _say(table)
        TABLE.write_text(table)
    return 0 if all(one.is_good for one in outcomes) else 1


def _missing() -> str:
    tools = [tool for tool in TOOLS if shutil.which(tool) is None]
    if tools:
        return f"{', '.join(tools)} not found"
    return "" if os.geteuid() == 0 else "it mounts disks, so it must be root"


def _is_wanted(setup: Setup, given: argparse.Namespace) -> bool:
    if given.root and setup.root not in given.root:
        return False
    if given.names:
        return any(name in setup.name for name in given.names)
    return setup.quick or bool(given.full)


def _run(chosen: list[Setup], jobs: int, *, again: bool) -> list[Outcome]:
    started = time.monotonic()
    by_name = {one.name: one for one in ROOTS}
    _make_ready(chosen, by_name, jobs)
    _say(f"prediction lab: {len(chosen)} set-ups, ready to boot after {time.monotonic() - started:.0f} s")
    with ThreadPoolExecutor(jobs) as pool:
        boots = [
            pool.submit(lambda one: _told(workshop.run(one, by_name[one.root], LAB, again=again)), one)
            for one in chosen
        ]
        outcomes = [boot.result() for boot in boots]
    counts = Counter(one.verdict for outcome in outcomes for one in outcome.functions)
    failed = sum(bool(one.problem) for one in outcomes)
    _say(
        f"prediction lab: {len(outcomes)} set-ups, {counts['hit']} functions as predicted,"
        f" {counts['miss']} not, {counts['unknown']} unknown, {failed} set-ups failed,"
        f" {time.monotonic() - started:.0f} s"
    )
    return outcomes


def _make_ready(chosen: list[Setup], by_name: dict[str, Root], jobs: int) -> None:
    """The systems, then one boot of each machine with each release's kernel."""
    wanted = {by_name[one.root] for one in chosen}
    machines = {(by_name[one.root].suite, one.topology): by_name[one.root] for one in chosen}
    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(lambda root: roots.build(root, LAB), sorted(wanted)))
        list(pool.map(lambda one: _baseline(one[1], one[0][1]), sorted(machines.items())))


def _baseline(root: Root, topology: str) -> None:
    roots.baseline(root, topology, root.release(LAB), LAB)


def _told(outcome: Outcome) -> Outcome:
    counts = Counter(one.verdict for one in outcome.functions)
    lines = [
        f"{outcome.setup.root:<14} {outcome.setup.name:<45} {outcome.seconds:5.0f} s  "
        f"{counts['hit']} hit {counts['miss']} miss {counts['unknown']} unknown"
    ]
    if outcome.problem:
        lines.append(f"    {outcome.problem}")
    for one in outcome.functions:
        if one.verdict != "hit":
            lines.append(f"    {one.address}: predicted {one.predicted} ({one.stage}), is {one.actual}")
            lines += [f"        {reason}" for reason in one.why]
    _say("\n".join(lines))
    return outcome


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
