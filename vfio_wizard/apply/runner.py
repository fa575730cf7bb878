"""Running the commands of a change: one at a time, with their lines as they come."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
from collections.abc import Callable
from typing import Protocol

from vfio_wizard.apply.stop import Stop

PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin:/run/current-system/sw/bin"
"""Fixed, so that root never runs what an unprivileged user put first; /usr/local/bin is left out as well."""

ENVIRONMENT = {"PATH": PATH, "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "HOME": "/root", "TERM": "dumb"}

NOT_FOUND = 127

GLANCE = 0.3
"""Seconds until a wish to stop is seen while a command prints nothing."""

Line = Callable[[str], None]


class Runner(Protocol):
    """What runs a command of the change."""

    def has(self, program: str) -> bool:
        """Whether the program is installed."""

    def run(self, argv: tuple[str, ...], line: Line) -> int:
        """Run to the end and give the exit code; ``line`` gets each line of output."""


class Interrupted(KeyboardInterrupt):
    """The user wants to stop; the command that ran was waited for."""


class SystemRunner:
    """Programs of this machine."""

    def __init__(self) -> None:
        self.held: tuple[int, ...] = ()
        """Descriptors that the programs inherit."""
        self.stop = Stop()
        """Asked while a command runs."""

    def has(self, program: str) -> bool:
        """See Runner."""
        return shutil.which(program, path=PATH) is not None

    def run(self, argv: tuple[str, ...], line: Line) -> int:
        """See Runner. In a session of its own: Ctrl-C must not hit a generator between two writes."""
        program = shutil.which(argv[0], path=PATH)
        if program is None:
            line(f"{argv[0]}: not installed")
            return NOT_FOUND
        process = subprocess.Popen(  # noqa: S603 - the argument list is one of the fixed table
            (program, *argv[1:]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=ENVIRONMENT,
            cwd="/",
            start_new_session=True,
            pass_fds=self.held,
        )
        with process:
            return _followed(process, line, self.stop)


def _followed(process: subprocess.Popen[bytes], line: Line, stop: Stop) -> int:
    follower = _Follower(process, line, stop)
    while follower.reads():
        follower.answers()
    while (code := follower.ended()) is None:
        follower.answers()
    if stop.wishes and not stop.is_deaf:
        raise Interrupted
    return code


class _Follower:
    """Reads what a command prints, and looks for a wish to stop between two readings."""

    def __init__(self, process: subprocess.Popen[bytes], line: Line, stop: Stop) -> None:
        self.process = process
        self.line = line
        self.stop = stop
        self.held = b""
        self.answered = stop.wishes

    def reads(self) -> bool:
        """False at the end of its output, which comes when all have closed it that write for it."""
        if self.process.stdout is None:
            return False
        if not select.select([self.process.stdout], [], [], GLANCE)[0]:
            return True
        chunk = os.read(self.process.stdout.fileno(), 1 << 16)
        *lines, self.held = (self.held + chunk).split(b"\n")
        for raw in (*lines, self.held) if not chunk and self.held else lines:
            self.line(raw.decode("utf-8", "backslashreplace").rstrip("\r"))
        return bool(chunk)

    def ended(self) -> int | None:
        """Its exit code; None while it runs on without output."""
        try:
            return self.process.wait(GLANCE)
        except subprocess.TimeoutExpired:
            return None

    def answers(self) -> None:
        """The first wish waits for the command, the second ends it."""
        if self.stop.wishes == self.answered:
            return
        self.answered = self.stop.wishes
        if self.answered == 1:
            self.line(
                "interrupted: waiting for this command to end (once more ends it), then all is taken back"
            )
        elif self.process.returncode is None:
            os.killpg(self.process.pid, signal.SIGTERM)
