"""``python -m tests.fuzz.run``: every target against many inputs, each target in a process of its own.

With atheris (``pip install --group fuzz``) the inputs are guided by the coverage of vfio_wizard; without it
they are the seeds changed at random, the same on every run. Each process has a limit for memory and for the
time of one input. An input that fails is kept and named, with the command that repeats it.
"""

from __future__ import annotations

import argparse
import faulthandler
import importlib.util
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from tests.fuzz.mutate import LONGEST, mutated
from tests.fuzz.targets import TARGETS, Target, target

KEPT = Path(".fuzz")
MEMORY = 1 << 30
"""Bytes that a process may have: an interpreter, its modules, and far less than this for any input."""

SECONDS = 10
"""For one input, on a machine that does other things too."""

_LIBFUZZER_MEMORY = 2 << 10
_WIDEST = 200


class SlowError(Exception):
    """An input took longer than any may."""


def main() -> int:
    """0 when nothing failed."""
    given = _arguments().parse_args()
    if given.input:
        target(given.target).run(Path(given.input).read_bytes())
        sys.stdout.write("answered\n")
        return 0
    if given.worker:
        return _work(target(given.target), given)
    names = [given.target] if given.target else [one.name for one in TARGETS]
    share = given.runs / sum(target(name).weight for name in names)
    started = time.monotonic()
    with ThreadPoolExecutor(given.jobs) as pool:
        counts = {name: max(round(share * target(name).weight), 1) for name in names}
        results = list(pool.map(lambda name: _process(name, counts[name], given), names))
    minutes = (time.monotonic() - started) / 60
    total = sum(counts.values())
    engine = "atheris" if _guided(given) else "seeds changed at random"
    sys.stdout.write(f"{total} inputs ({engine}) in {minutes:.1f} minutes, {sum(results)} targets failed\n")
    return 1 if any(results) else 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tests.fuzz.run", description=__doc__.splitlines()[0] if __doc__ else None
    )
    parser.add_argument("--runs", type=int, default=100_000, help="inputs in all")
    parser.add_argument("--target", choices=[one.name for one in TARGETS], help="only this one")
    parser.add_argument("--engine", choices=("auto", "plain"), default="auto", help="plain: without atheris")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at the same time")
    parser.add_argument("--first", type=int, default=0, help="number of the first input (plain)")
    parser.add_argument("--input", help="run one kept input")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    return parser


def _guided(given: argparse.Namespace) -> bool:
    return given.engine == "auto" and importlib.util.find_spec("atheris") is not None


def _process(name: str, runs: int, given: argparse.Namespace) -> bool:
    """One target in a process of its own; True when it failed."""
    command = [sys.executable, "-m", "tests.fuzz.run", "--worker", "--target", name, "--runs", str(runs)]
    command += ["--engine", "auto" if _guided(given) else "plain", "--first", str(given.first)]
    started = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    failed = done.returncode != 0
    word = "FAILED" if failed else "ok"
    sys.stdout.write(f"{name:<10} {runs:>7} inputs {time.monotonic() - started:6.1f} s  {word}\n")
    if failed:
        sys.stdout.write(
            "".join(f"  {line[:_WIDEST]}\n" for line in (done.stdout + done.stderr).splitlines()[-40:])
        )
    sys.stdout.flush()
    return failed


# -- in the process of one target -----------------------------------------------------------------


def _work(one: Target, given: argparse.Namespace) -> int:
    return _with_atheris(one, given.runs) if _guided(given) else _plain(one, given.first, given.runs)


def _plain(one: Target, first: int, runs: int) -> int:
    """Seeds as they are, then changed ones."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGALRM, _too_slow)
    given = one.seeds()
    inputs = (*given, *(b"",))
    for number in range(first, first + runs):
        at = number - first
        data = inputs[at] if at < len(inputs) and not first else mutated(number, given, one.words)
        signal.alarm(SECONDS)
        try:
            one.run(data)
        except Exception:
            return _keep(one, data)
        finally:
            signal.alarm(0)
    return 0


def _too_slow(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SlowError


def _keep(one: Target, data: bytes) -> int:
    traceback.print_exc()
    KEPT.mkdir(exist_ok=True)
    handle, path = tempfile.mkstemp(prefix=f"{one.name}-", dir=KEPT)
    os.write(handle, data)
    os.close(handle)
    again = f"python -m tests.fuzz.run --target {one.name} --input {path}"
    sys.stdout.write(f"input kept ({len(data)} bytes); repeat it with: {again}\n")
    return 1


def _with_atheris(one: Target, runs: int) -> int:
    """Guided by coverage; libFuzzer ends the process with another code than 0 when something fails."""
    import atheris  # noqa: PLC0415 - only where it is installed

    faulthandler.enable()
    with atheris.instrument_imports(include=["vfio_wizard"], enable_loader_override=False):
        for data in one.seeds():  # imports what the target imports, instrumented
            one.run(data)
    corpus = KEPT / "corpus" / one.name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(one.seeds()):
        (corpus / f"seed-{number}").write_bytes(data)
    words = KEPT / f"{one.name}.dict"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in one.words))
    options = [
        f"-runs={runs}",
        f"-timeout={SECONDS}",
        f"-rss_limit_mb={_LIBFUZZER_MEMORY}",
        f"-max_len={LONGEST}",
    ]
    options += [f"-artifact_prefix={KEPT}/{one.name}-", f"-dict={words}", "-print_final_stats=1", str(corpus)]
    atheris.Setup([sys.argv[0], *options], _callback(one))
    atheris.Fuzz()
    return 0


def _callback(one: Target) -> Any:
    def test_one_input(data: bytes) -> None:
        one.run(data)

    return test_one_input


def _escaped(word: bytes) -> str:
    return "".join(
        chr(byte) if 0x20 <= byte < 0x7F and byte not in b'"\\' else f"\\x{byte:02x}" for byte in word
    )


if __name__ == "__main__":
    sys.exit(main())
