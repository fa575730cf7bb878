"""Times the wizard in a real terminal: its first paint beside an empty Textual application's, and keys.

    python -m scripts.bench_tui [--runs 9]    alone; a part of make bench too

Both programs run in one loop, one after the other, so that a busy moment falls on both. A paint is over when
the words that mark it have come out of the terminal. The machine with 4096 functions is synthetic.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import re
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Mapping
from pathlib import Path

from scripts import synthetic

EMPTY = """
from textual.app import App
from textual.widgets import Static
class Empty(App):
    def compose(self):
        yield Static("ready")
Empty().run()
"""
DOWN = b"\x1b[B"
LIMIT = 60.0
_CONTROLS = re.compile(rb"\x1b\[[0-9;:?<>=]*[ -/]*[@-~]")


class Session:
    """A program with a terminal of 120 columns and 40 lines."""

    def __init__(self, argv: tuple[str, ...], environment: dict[str, str]) -> None:
        """Started at once; time runs from here."""
        self.began = time.perf_counter()
        self._pid, self._end = pty.fork()
        if self._pid == 0:
            os.execve(argv[0], argv, environment)  # noqa: S606
        fcntl.ioctl(self._end, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))

    def write(self, keys: bytes) -> None:
        """Type."""
        os.write(self._end, keys)

    def waits_for(self, words: bytes) -> float:
        """Seconds from the start of the program, or of this call, until these words came out."""
        came, end = b"", time.perf_counter() + LIMIT
        while words not in _CONTROLS.sub(b"", came):
            left = end - time.perf_counter()
            if left <= 0 or not select.select([self._end], [], [], left)[0]:
                raise TimeoutError(words)
            came += os.read(self._end, 1 << 16)
        return time.perf_counter()

    def is_quiet(self, seconds: float) -> None:
        """Read until nothing has come for a while."""
        while select.select([self._end], [], [], seconds)[0]:
            os.read(self._end, 1 << 16)

    def close(self) -> None:
        """End it."""
        os.kill(self._pid, signal.SIGKILL)
        os.close(self._end)
        os.waitpid(self._pid, 0)


def environment(home: str) -> dict[str, str]:
    """A modern terminal's, with a state of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "NO_COLOR"))}
    return kept | {
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LC_ALL": "C.UTF-8",
        "XDG_STATE_HOME": home,
    }


def first_paint(argv: tuple[str, ...], words: bytes, home: str) -> float:
    """Milliseconds from the start until the words stand on the screen."""
    session = Session(argv, environment(home))
    try:
        return 1000 * (session.waits_for(words) - session.began)
    finally:
        session.close()


def keys(argv: tuple[str, ...], home: str, count: int) -> dict[str, list[float]]:
    """Milliseconds from a key to what it paints, on the step Devices with all groups shown."""
    session = Session(argv, environment(home))
    found: dict[str, list[float]] = {}
    try:
        session.waits_for(b"on to the findings")
        session.is_quiet(0.5)
        session.write(b"3")
        session.is_quiet(0.5)
        session.write(b"\x1b[4~")
        session.is_quiet(0.5)
        session.write(b"\x1b[C")
        session.is_quiet(1.5)
        for name, key in (("down", DOWN), ("page down", b"\x1b[6~"), ("up", b"\x1b[A")):
            for _ in range(count):
                began = time.perf_counter()
                session.write(key)
                session.waits_for(b"> ")
                found.setdefault(name, []).append(1000 * (time.perf_counter() - began))
                session.is_quiet(0.15)
    finally:
        session.close()
    return found


def tables(python: str, program: str, sources: dict[int, str], runs: int) -> str:
    """First paints, and keys on the biggest machine, as Markdown; ``sources`` by number of functions."""
    with tempfile.TemporaryDirectory() as home:
        empty = "an empty Textual application"
        programs = {empty: ((python, "-c", EMPTY), b"ready")} | {
            f"the wizard, {size:,} functions": ((program, "--host", source), b"[1 Look]")
            for size, source in sources.items()
        }
        took = _first_paints(programs, home, runs)
        pressed = keys((program, "--host", sources[max(sources)]), f"{home}/keys", 12)
    base = statistics.median(took[empty])
    lines = ["| first paint | min ms | median ms | × an empty application (median) |", "|---|--:|--:|--:|"]
    for name, values in took.items():
        middle = statistics.median(values)
        lines.append(f"| {name} | {min(values):.0f} | {middle:.0f} | {middle / base:.2f} |")
    lines += ["", f"| key, {max(sources):,} functions | median ms | max ms |", "|---|--:|--:|"]
    lines += [
        f"| {name} | {statistics.median(values):.0f} | {max(values):.0f} |"
        for name, values in pressed.items()
    ]
    return "\n".join(lines)


def _first_paints(
    programs: Mapping[str, tuple[tuple[str, ...], bytes]], home: str, runs: int
) -> dict[str, list[float]]:
    took: dict[str, list[float]] = {name: [] for name in programs}
    for run in range(runs + 1):
        for name, (argv, words) in programs.items():
            milliseconds = first_paint(argv, words, f"{home}/state-{run}")
            if run:  # the first round warms the file cache
                took[name].append(milliseconds)
    return took


def main() -> None:
    """Print both tables, of this environment's program."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=9)
    runs = parser.parse_args().runs
    program = str(Path(sys.executable).parent / "vfio-wizard")
    with tempfile.TemporaryDirectory() as folder:
        sources = {size: str(synthetic.make(Path(folder) / f"machine-{size}", size)) for size in (51, 4096)}
        print(tables(sys.executable, program, sources, runs))


if __name__ == "__main__":
    main()
