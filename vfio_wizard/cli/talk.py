"""The live view of a change, on standard error: steps with the time they came at, lines of commands below."""

from __future__ import annotations

import sys
import threading
import time

from vfio_wizard.cli.streams import to_stderr
from vfio_wizard.report.apply_text import Noise
from vfio_wizard.report.clean import clean

_CLEAR = "\r\x1b[K"
_INDENT = "        | "


class Talk:
    """Everything is printed as it comes; known noise is counted and summed up at the next step.

    On a terminal the last line tells how long a silent command has been at work: an image may take minutes.
    """

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._last = self._start
        self._noise = Noise()
        self._lock = threading.Lock()
        self._waiting = False
        self._ended = threading.Event()
        if sys.stderr.isatty():
            threading.Thread(target=self._tick, daemon=True).start()

    def say(self, text: str) -> None:
        """A step, with minutes and seconds since the beginning."""
        for one in self._noise.summary():
            self._print(f"{_INDENT}({one})")
        self._print(f"[{_clock(time.monotonic() - self._start)}] {clean(text)}")

    def end(self) -> None:
        """The line that counts the time goes, before something else is printed."""
        self._ended.set()
        with self._lock:
            if self._waiting:
                to_stderr(_CLEAR)

    def line(self, text: str) -> None:
        """A line of a command."""
        shown = self._noise.passed(text)
        if shown is not None:
            self._print(f"{_INDENT}{shown}")

    def _print(self, text: str) -> None:
        with self._lock:
            to_stderr((_CLEAR if self._waiting else "") + text + "\n")
            self._waiting = False
            self._last = time.monotonic()

    def _tick(self) -> None:
        while not self._ended.wait(1):
            with self._lock:
                if time.monotonic() - self._last > 2:  # noqa: PLR2004, RUF100 - seconds of silence
                    to_stderr(f"{_CLEAR}[{_clock(time.monotonic() - self._start)}] at work …")
                    self._waiting = True


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60:d}:{int(seconds) % 60:02d}"
