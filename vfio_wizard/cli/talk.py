"""The live view of a change, on standard error: steps with the time they came at, lines of commands below."""

from __future__ import annotations

import sys
import time

from vfio_wizard.report.apply_text import Noise
from vfio_wizard.report.clean import clean


class Talk:
    """Everything is printed as it comes; known noise is counted and summed up at the next step."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._start = time.monotonic()
        self._noise = Noise()
        self._quiet = quiet
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        """A step, with minutes and seconds since the beginning."""
        self._sum_up()
        self.lines.append(text)
        self._print(f"[{_clock(time.monotonic() - self._start)}] {clean(text)}")

    def line(self, text: str) -> None:
        """A line of a command."""
        shown = self._noise.passed(text)
        if shown is not None:
            self._print(f"        | {shown}")

    def _sum_up(self) -> None:
        for one in self._noise.summary():
            self._print(f"        | ({one})")

    def _print(self, text: str) -> None:
        if not self._quiet:
            sys.stderr.write(text + "\n")
            sys.stderr.flush()


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60:d}:{int(seconds) % 60:02d}"
