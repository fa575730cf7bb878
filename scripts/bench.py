"""Times vfio-wizard beside what it could be replaced with, and prints one table for each size of machine.

    make bench                                    the tables
    make bench ARGS="--write docs/benchmarks.md"  the tables into the document
    make bench ARGS=--profile                     where the time of --check goes

A synthetic machine (scripts/synthetic.py) is bound over /sys in a mount namespace of its own, so that the
program, lspci and the others all look at the same live machine; that needs root. The program is measured
as users get it: the wheel in a venv without pip and setuptools (as pipx and uvx make it), byte code compiled.
All programs run in one loop, one after the other, so that a busy moment of this machine falls on all alike.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from scripts import bench_tui, synthetic
from scripts.bench_run import BARE, measure, peak

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".bench"
PYTHON = WORK / "venv/bin/python"
PROGRAM = WORK / "venv/bin/vfio-wizard"
START, END = "<!-- bench:start -->", "<!-- bench:end -->"
SIZES = (51, 255, 4096)
CAPTURES = 1000
PAINTS = 9
LOOP_UP_TO = 255
"""The shell loop starts lspci once for each function: a minute on the biggest machine."""

FORUM_LOOP = """
shopt -s nullglob
for g in $(find /sys/kernel/iommu_groups/* -maxdepth 0 -type d | sort -V); do
    echo "IOMMU Group ${g##*/}:"
    for d in "$g"/devices/*; do
        echo -e "\\t$(lspci -nns "${d##*/}")"
    done
done
"""
MANY = """
import os, sys
from vfio_wizard.cli import main
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
for _ in range({captures}):
    main(["--check", "--json", "--host", {record!r}])
"""

RIVALS = (
    ("ls-iommu", ("ls-iommu",)),
    ("gpupt doctor", ("gpupt", "doctor", "--json")),
    ("vfioctl doctor", ("vfioctl", "doctor")),
    ("vfio.sh --detect", ("vfio.sh", "--detect", "--json")),
)
"""Measured where they are on PATH; docs/benchmarks.md says where they come from."""


class Runner(NamedTuple):
    """A program of the table: what to call it, and its argument list."""

    name: str
    argv: tuple[str, ...]
    slow: bool = False
    """Takes seconds: three rounds are enough."""


def environment() -> dict[str, str]:
    """A user's environment: nothing that changes how Python starts, no colour."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return kept | {"LC_ALL": "C.UTF-8", "NO_COLOR": "1"}


def prepare() -> None:
    """Build the wheel, install it into a bare venv, and make the synthetic machines."""
    WORK.mkdir(exist_ok=True)
    shutil.rmtree(WORK / "venv", ignore_errors=True)
    for old in WORK.glob("*.whl"):
        old.unlink()
    _run(sys.executable, "-m", "venv", "--without-pip", str(WORK / "venv"))
    _run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(WORK), str(ROOT))
    wheel = next(WORK.glob("*.whl"))
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--python", str(PYTHON))
    _run(*pip, "install", "--compile", str(wheel))
    for size in SIZES:
        shutil.rmtree(tree(size), ignore_errors=True)  # it may be one of an older form
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


def runners(size: int) -> list[Runner]:
    """What is timed in every round on a machine of this size, the bare interpreter first."""
    python, program, record = str(PYTHON), str(PROGRAM), str(capture(size))
    found = [
        Runner(BARE, (python, "-c", "pass")),
        Runner("`vfio-wizard --check`", (program, "--check")),
        Runner("`vfio-wizard --check --json`", (program, "--check", "--json")),
        Runner(
            "`vfio-wizard --check --json`, of a capture", (program, "--check", "--json", "--host", record)
        ),
        Runner("`vfio-wizard groups`", (program, "groups")),
        Runner("`vfio-wizard export`", (program, "export", "--gpu", synthetic.GUEST_CARD)),
        Runner("`vfio-wizard capture`", (program, "capture", "-o", "/dev/null")),
        Runner("`lspci -nnk`", ("lspci", "-nnk")),
        Runner("`virt-host-validate`", ("virt-host-validate",)),
        *(Runner(f"{name} (rival)", argv, slow=True) for name, argv in RIVALS),
    ]
    if size <= LOOP_UP_TO:
        found.append(Runner("the forum's shell loop", ("bash", "-c", FORUM_LOOP), slow=True))
    if size == min(SIZES):
        found += [
            Runner("`vfio-wizard --version`", (program, "--version")),
            Runner(f"{CAPTURES:,} captures checked in one process", _many(record), slow=True),
        ]
    return [runner for runner in found if shutil.which(runner.argv[0])]


def _many(record: str) -> tuple[str, ...]:
    return (str(PYTHON), "-c", MANY.format(captures=CAPTURES, record=record))


def on_machine(size: int, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Measure in a namespace in which /sys is the synthetic machine."""
    inside = (sys.executable, "-m", "scripts.bench", "--inside", str(size), "--rounds", str(rounds))
    words = ("unshare", "--mount", "--propagation", "private", "--", "sh", "-c")
    mounted = f'mount --bind "{tree(size)}/sys" /sys && exec "$@"'
    done = subprocess.run(
        (*words, mounted, "sh", *inside), check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    told: dict[str, dict[str, list[float]]] = json.loads(done.stdout)
    return told


def inside(size: int, rounds: int) -> None:
    """The measuring itself, in the namespace; prints its figures as JSON."""
    env = environment()
    everything = runners(size)
    quick = [(one.name, one.argv) for one in everything if not one.slow]
    slow = [(one.name, one.argv) for one in everything if one.slow or one.name == BARE]
    figures = measure(slow, 3, env)
    figures |= measure(quick, rounds, env)  # the bare interpreter's figures are those of the long loop
    for one in everything:
        figures[one.name]["peak"] = [peak(one.argv, env)]
    ordered = {one.name: figures[one.name] for one in everything}
    json.dump(ordered, sys.stdout)


def table(figures: dict[str, dict[str, list[float]]]) -> str:
    """A Markdown table in milliseconds and MiB; ratios are to the bare interpreter."""
    bare = figures[BARE]
    lines = [
        "| what runs | min | median | max | CPU | × bare (min) | × bare (CPU) | peak MiB |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, took in figures.items():
        wall, cpu = took["wall"], min(took["cpu"])
        lines.append(
            f"| {name} | {min(wall):.1f} | {statistics.median(wall):.1f} | {max(wall):.1f} | {cpu:.1f} "
            f"| {min(wall) / min(bare['wall']):.1f} | {cpu / min(bare['cpu']):.1f} | {took['peak'][0]:.0f} |"
        )
    return "\n".join(lines)


def growth(
    small: dict[str, dict[str, list[float]]], big: dict[str, dict[str, list[float]]], more: int
) -> str:
    """Processor time for each further function, in microseconds."""
    lines = ["| for each further function | µs of CPU |", "|---|--:|"]
    for name in ("`vfio-wizard --check --json`", "`vfio-wizard groups`", "`lspci -nnk`"):
        if name in small and name in big:
            each = (min(big[name]["cpu"]) - min(small[name]["cpu"])) * 1000 / more
            lines.append(f"| {name} | {each:.0f} |")
    return "\n".join(lines)


def imports() -> str:
    """The dearest modules of --check by their own time, the least of ten runs."""
    best: dict[str, int] = {}
    words = (str(PYTHON), "-X", "importtime", str(PROGRAM), "--check", "--json", "--host", str(capture(51)))
    for _ in range(10):
        told = subprocess.run(words, check=False, capture_output=True, text=True, env=environment()).stderr
        for line in told.splitlines():
            own, _, name = (
                line.removeprefix("import time:").split("|") if line.count("|") == 2 else ("", "", "")
            )
            if own.strip().isdigit():
                best[name.strip()] = min(best.get(name.strip(), 1 << 30), int(own))
    ours = {name: cost for name, cost in best.items() if name.startswith("vfio_wizard")}
    dear = sorted(best.items(), key=lambda pair: -pair[1])[:12]
    head = (
        f"{len(best)} modules in {sum(best.values()) / 1000:.0f} ms (measuring costs a part of it), of which "
        f"{len(ours)} are ours with {sum(ours.values()) / 1000:.0f} ms. The dearest:"
    )
    return "\n".join(
        [head, "", "| module | ms |", "|---|--:|", *(f"| `{n}` | {c / 1000:.1f} |" for n, c in dear)]
    )


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
    """All tables and how they came about."""
    figures = {
        size: on_machine(size, rounds if size == min(SIZES) else max(5, rounds // 3)) for size in SIZES
    }
    machine = f"{machine_class()}; load average {os.getloadavg()[0]:.0f}"
    small, big = min(SIZES), max(SIZES)
    parts = [
        f"Measured {datetime.now(UTC):%Y-%m-%d} on: {machine}. {rounds} interleaved rounds on the small "
        f"machine, {max(5, rounds // 3)} on the others, 3 of what takes seconds; warm cache, milliseconds."
    ]
    for size in SIZES:
        parts += [f"### A machine of {size:,} functions", table(figures[size])]
    parts += ["### Growth", growth(figures[small], figures[big], big - small)]
    wizards = {size: str(tree(size)) for size in (small, big)}
    parts += ["### The wizard", bench_tui.tables(str(PYTHON), str(PROGRAM), wizards, PAINTS)]
    parts += ["### Imports of `--check --json`", imports()]
    missing = [name for name, argv in RIVALS if not shutil.which(argv[0])]
    if missing:
        parts.append(f"Not on this machine, and so not in the tables: {', '.join(missing)}.")
    return "\n\n".join(parts) + "\n"


def profile() -> None:
    """Print the dearest functions of --check on a capture."""
    argv = ("--check", "--json", "--host", str(capture(51)))
    code = "import sys; from vfio_wizard.cli import main; sys.exit(main())"
    runner = (
        f"import cProfile, sys; sys.argv = ['vfio-wizard', *{argv!r}]; cProfile.run({code!r}, sort='tottime')"
    )
    done = subprocess.run(
        (str(PYTHON), "-c", runner), check=False, capture_output=True, text=True, env=environment()
    )
    print(imports())
    print("\n".join(done.stdout[done.stdout.find("function calls") - 20 :].splitlines()[:45]))


def write(document: Path, text: str) -> None:
    """Replace what stands between the two markers of a document."""
    before, _, rest = document.read_text().partition(START)
    after = rest.partition(END)[2]
    document.write_text(f"{before}{START}\n{text}{END}{after}")


def main() -> int:
    """Measure, and print or write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--write", type=Path, metavar="DOCUMENT")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--inside", type=int, metavar="SIZE", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        inside(arguments.inside, arguments.rounds)
        return 0
    if os.geteuid() != 0:
        print("make bench needs root: it binds a synthetic machine over /sys, in a namespace of its own")
        return 1
    prepare()
    if arguments.profile:
        profile()
        return 0
    text = report(arguments.rounds)
    print(text)
    if arguments.write:
        write(arguments.write, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
