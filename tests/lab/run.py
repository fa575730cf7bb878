"""Boots the lab's machines and says what became of each: ``python -m tests.lab.run [--full] [NAME…]``."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.lab import fixtures, scenario
from tests.lab.full import run as installed
from tests.lab.guest.rootfs import base
from tests.lab.predict import hostonly
from tests.lab.predict import run as prediction
from tests.lab.topologies import SUITES, TOPOLOGIES, Topology

LAB = Path(__file__).resolve().parents[2] / ".lab"

HOST_PACKAGES = (
    "qemu-system-x86", "qemu-utils", "ovmf", "dpkg", "apt", "tar", "debian-archive-keyring", "mmdebstrap",
    "e2fsprogs", "fdisk", "dosfstools", "mtools",
)  # fmt: skip
"""What the lab needs on the machine that runs it, as Debian's packages."""

TOOLS = ("qemu-system-x86_64", "apt-get", "apt-cache", "dpkg-deb", "tar")
"""The programs of those packages that are called."""

AT_A_TIME = max(1, min(4, os.cpu_count() or 1))


def main(words: list[str] | None = None) -> int:
    """0 when all expectations held, 1 when one did not, 2 for a name that no topology has."""
    arguments = _arguments(words)
    if arguments.packages:
        _say("\n".join(HOST_PACKAGES))
        return 0
    unknown = set(arguments.names) - {one.name for one in TOPOLOGIES}
    if unknown:
        _say(f"no such topology: {', '.join(unknown)}; there are {', '.join(one.name for one in TOPOLOGIES)}")
        return 2
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return _without(missing)
    code = _run(arguments)
    if arguments.names or arguments.suite or arguments.save:
        return code
    if not arguments.full:
        return max(code, prediction.main([]), installed.main([]))
    return max(code, prediction.main(["--full"]), hostonly.main(), installed.main(["--full"]))


def _arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.lab.run", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these topologies")
    parser.add_argument("--quick", action="store_true", help="the topologies that CI boots (the default)")
    parser.add_argument("--full", action="store_true", help="all topologies")
    parser.add_argument("--suite", action="append", choices=tuple(SUITES), help="only this Debian release")
    parser.add_argument("--jobs", type=int, default=AT_A_TIME, help="boots at a time")
    parser.add_argument("--save", action="store_true", help="keep the captures of these boots as fixtures")
    parser.add_argument("--packages", action="store_true", help="list the packages that the lab needs")
    return parser.parse_args(words)


def _without(missing: list[str]) -> int:
    must = os.environ.get("CI", "").lower() not in ("", "0", "false")
    word = "FAILED" if must else "skipped"
    _say(f"lab {word}: {', '.join(missing)} not found; install {' '.join(HOST_PACKAGES)}")
    return 1 if must else 0


def _chosen(arguments: argparse.Namespace) -> list[Topology]:
    if arguments.names:
        return [one for one in TOPOLOGIES if one.name in arguments.names]
    return [one for one in TOPOLOGIES if one.quick or arguments.full]


def _run(arguments: argparse.Namespace) -> int:
    started = time.monotonic()
    LAB.mkdir(exist_ok=True)
    wheel = scenario.build_wheel(LAB)
    bases = [base(suite, LAB) for suite in arguments.suite or SUITES]
    sites = [scenario.install_wheel(wheel, one) for one in bases]
    kernels = " and ".join(one.release for one in bases)
    _say(f"lab: Linux {kernels}; ready to boot after {time.monotonic() - started:.0f} s")
    pairs = list(zip(bases, sites, strict=True))
    with ThreadPoolExecutor(arguments.jobs) as pool:
        boots = [
            pool.submit(lambda *job: _told(scenario.run(*job)), topology, root, site, LAB)
            for topology in _chosen(arguments)
            for root, site in pairs
        ]
        outcomes = [boot.result() for boot in boots]
    if arguments.save:
        for outcome in outcomes:
            fixtures.save(outcome)
    failed = sum(bool(one.problems) for one in outcomes)
    _say(f"lab: {len(outcomes)} boots, {failed} failed, {time.monotonic() - started:.0f} s")
    return 1 if failed else 0


def _told(outcome: scenario.Outcome) -> scenario.Outcome:
    held = f"{len(outcome.problems)} NOT held" if outcome.problems else "expectations held"
    lines = [f"{outcome.name:<34} {outcome.seconds:5.1f} s  {outcome.verdict:<8} {held}"]
    lines += [f"    {problem}" for problem in outcome.problems]
    if outcome.problems:
        lines.append(f"    kept in {outcome.folder}")
    _say("\n".join(lines))
    return outcome


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
