"""Times vfio-wizard beside what it could be replaced with, and prints one table.

    make bench                                  the table
    make bench ARGS="--write docs/benchmarks.md"  the table into the document
    make bench ARGS=--profile                   where the time of --check goes

The program is measured as users get it: the wheel in a venv of its own without pip and setuptools (as
pipx and uvx make it), byte code compiled. All programs run in the same loop, one after the other, so that
a busy moment of the machine falls on all alike; the file cache is warm. The machine that is looked at is
synthetic (scripts/synthetic.py), as a directory tree and as a capture of that tree.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from scripts import synthetic

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".bench"
PYTHON = WORK / "venv/bin/python"
PROGRAM = WORK / "venv/bin/vfio-wizard"
START, END = "<!-- bench:start -->", "<!-- bench:end -->"
BARE = "`python3 -c pass`"
SIZES = (51, 255, 4096)

FORUM_LOOP = """
shopt -s nullglob
for g in $(find "$1"/sys/kernel/iommu_groups/* -maxdepth 0 -type d | sort -V); do
    echo "IOMMU Group ${g##*/}:"
    for d in "$g"/devices/*; do
        echo -e "\\t$(lspci -O sysfs.path="$1/sys/bus/pci" -nns "${d##*/}")"
    done
done
"""


class Runner(NamedTuple):
    """A program of the table: what to call it, and its argument list."""

    name: str
    argv: tuple[str, ...]


def environment() -> dict[str, str]:
    """A user's environment: nothing that changes how Python starts, no colour."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return kept | {"LC_ALL": "C.UTF-8", "NO_COLOR": "1"}


def prepare() -> None:
    """Build the wheel, install it into a bare venv, and make the synthetic machines."""
    shutil.rmtree(WORK, ignore_errors=True)
    _run(sys.executable, "-m", "venv", "--without-pip", str(WORK / "venv"))
    _run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(WORK), str(ROOT))
    wheel = next(WORK.glob("*.whl"))
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--python", str(PYTHON))
    _run(*pip, "install", "--compile", str(wheel))
    for size in SIZES:
        synthetic.make(tree(size), size)
        _run(str(PROGRAM), "capture", "--host", str(tree(size)), "-o", str(capture(size)))


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=environment())


def tree(size: int) -> Path:
    """The synthetic machine of that many functions as a directory."""
    return WORK / f"machine-{size}"


def capture(size: int) -> Path:
    """The same machine as a capture file."""
    return WORK / f"machine-{size}.json"


def runners() -> list[Runner]:
    """What is timed in every round, the bare interpreter first."""
    python, program = str(PYTHON), str(PROGRAM)
    root, record = str(tree(51)), str(capture(51))
    found = [
        Runner(BARE, (python, "-c", "pass")),
        Runner("`vfio-wizard --version`", (program, "--version")),
        Runner("`vfio-wizard --check --json`, capture", (program, "--check", "--json", "--host", record)),
        Runner("`vfio-wizard --check --json`, tree", (program, "--check", "--json", "--host", root)),
        Runner("`vfio-wizard --check`, text, capture", (program, "--check", "--host", record)),
        Runner("`vfio-wizard groups --json`, capture", (program, "groups", "--json", "--host", record)),
        Runner("`vfio-wizard groups`, text, capture", (program, "groups", "--host", record)),
        Runner("`lspci -nnk`, tree", ("lspci", "-O", f"sysfs.path={root}/sys/bus/pci", "-nnk")),
        Runner("the forum's shell loop, tree", ("bash", "-c", FORUM_LOOP, "loop", root)),
    ]
    found += [
        Runner(f"`python3 -c 'import {module}'`", (python, "-c", f"import {module}"))
        for module in (
            "argparse, json",
            "dataclasses",
            "asyncio",
            "pyudev",
            "pylspci",
            "pyroute2",
            "textual.app",
        )
    ]
    return [runner for runner in found if shutil.which(runner.argv[0])]


def big_runners() -> list[Runner]:
    """The same program on bigger machines."""
    program = str(PROGRAM)
    return [Runner(BARE, (str(PYTHON), "-c", "pass"))] + [
        Runner(f"`{' '.join(words)}`, {kind}, {size} functions", (program, *words, "--host", str(source)))
        for size in SIZES[1:]
        for words in (("--check", "--json"), ("groups", "--json"))
        for kind, source in (("capture", capture(size)), ("tree", tree(size)))
    ]


class Took(NamedTuple):
    """One run in milliseconds: wall time, and processor time of the program and what it started."""

    wall: float
    cpu: float


def once(runner: Runner, env: dict[str, str]) -> Took:
    """Time one run; a run that dies of a signal or of wrong usage is an error."""
    actions = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]
    path = shutil.which(runner.argv[0]) or runner.argv[0]
    start = time.perf_counter()
    pid = os.posix_spawn(path, runner.argv, env, file_actions=actions)
    _, status, usage = os.wait4(pid, 0)
    took = Took((time.perf_counter() - start) * 1000, (usage.ru_utime + usage.ru_stime) * 1000)
    if os.waitstatus_to_exitcode(status) not in (0, 1, 3):  # 1 and 3 are findings about the machine
        message = f"{' '.join(runner.argv)} ended with status {os.waitstatus_to_exitcode(status)}"
        raise RuntimeError(message)
    return took


def measure(contest: list[Runner], rounds: int) -> dict[str, list[Took]]:
    """Milliseconds per runner, interleaved, after two rounds that only warm up."""
    env = environment()
    times: dict[str, list[Took]] = {runner.name: [] for runner in contest}
    for number in range(rounds + 2):
        for runner in contest:
            took = once(runner, env)
            if number >= 2:
                times[runner.name].append(took)
    return times


def table(times: dict[str, list[Took]]) -> str:
    """A Markdown table in milliseconds; the last columns are ratios to the bare interpreter."""
    bare = times[BARE]
    lines = [
        "| what runs | min | median | max | CPU | × bare (min) | × bare (CPU) |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for name, took in times.items():
        walls, cpu = [one.wall for one in took], min(one.cpu for one in took)
        lines.append(
            f"| {name} | {min(walls):.1f} | {statistics.median(walls):.1f} | {max(walls):.1f} | {cpu:.1f} "
            f"| {min(walls) / min(one.wall for one in bare):.1f} | {cpu / min(one.cpu for one in bare):.1f} |"
        )
    return "\n".join(lines)


def machine_class() -> str:
    """What kind of machine this was, without saying which."""
    cpu = next(
        (line for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "model name : unknown"
    )
    virtual = any(line.startswith("flags") and " hypervisor" in line for line in _lines("/proc/cpuinfo"))
    return (
        f"{cpu.partition(':')[2].strip()}{', a virtual machine' if virtual else ''}, {os.cpu_count()} cores; "
        f"Linux {platform.release().partition('-')[0]}, CPython {platform.python_version()}"
    )


def _lines(path: str) -> list[str]:
    return Path(path).read_text(errors="replace").splitlines()


def report(rounds: int) -> str:
    """Both tables and how they came about."""
    small = table(measure(runners(), rounds))
    big = table(measure(big_runners(), max(3, rounds // 5)))
    machine = f"{machine_class()}; load average {os.getloadavg()[0]:.0f}"
    return (
        f"Measured {datetime.now(UTC):%Y-%m-%d} on: {machine}. {rounds} interleaved rounds, warm cache, "
        f"milliseconds.\n\nA machine of 51 functions:\n\n{small}\n\n"
        f"Bigger machines ({max(3, rounds // 5)} rounds):\n\n{big}\n"
    )


def profile() -> None:
    """Print the dearest imports and functions of --check on a capture."""
    argv = ("--check", "--json", "--host", str(capture(51)))
    done = subprocess.run(
        (str(PYTHON), "-X", "importtime", str(PROGRAM), *argv),
        check=False, capture_output=True, text=True, env=environment(),
    )  # fmt: skip
    imports = [
        line for line in done.stderr.splitlines() if line.startswith("import time:") and "self" not in line
    ]
    print("imports by their own microseconds:")
    for line in sorted(imports, key=lambda line: -int(line.split(":")[1].split("|")[0]))[:25]:
        print(" ", line)
    code = "import sys; from vfio_wizard.cli import main; sys.exit(main())"
    runner = (
        f"import cProfile, sys; sys.argv = ['vfio-wizard', *{argv!r}]; cProfile.run({code!r}, sort='tottime')"
    )
    done = subprocess.run(
        (str(PYTHON), "-c", runner), check=False, capture_output=True, text=True, env=environment()
    )
    print("\n".join(done.stdout[done.stdout.find("function calls") - 20 :].splitlines()[:45]))


def write(document: Path, text: str) -> None:
    """Replace what stands between the two markers of a document."""
    before, _, rest = document.read_text().partition(START)
    after = rest.partition(END)[2]
    document.write_text(f"{before}{START}\n{text}{END}{after}")


def main() -> None:
    """Measure, and print or write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--write", type=Path, metavar="DOCUMENT")
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    prepare()
    if arguments.profile:
        profile()
        return
    text = report(arguments.rounds)
    print(text)
    if arguments.write:
        write(arguments.write, text)


if __name__ == "__main__":
    main()
