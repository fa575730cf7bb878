"""Running the commands of a change: one at a time, with their lines as they come."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from typing import Protocol

PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin:/run/current-system/sw/bin"
"""Fixed, so that root never runs what an unprivileged user put first; /usr/local/bin is left out as well."""

ENVIRONMENT = {"PATH": PATH, "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "HOME": "/root", "TERM": "dumb"}

NOT_FOUND = 127

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
        return _followed(process, line)


def _followed(process: subprocess.Popen[bytes], line: Line) -> int:
    wish: KeyboardInterrupt | None = None
    while True:
        try:
            _read_lines(process, line)
            code = process.wait()
            break
        except KeyboardInterrupt as again:
            if wish is not None:
                os.killpg(process.pid, signal.SIGTERM)
            wish = again
            line("interrupted: waiting for this command to end (once more ends it), then all is taken back")
    if wish is not None:
        raise Interrupted from wish
    return code


def _read_lines(process: subprocess.Popen[bytes], line: Line) -> None:
    if process.stdout is None:
        return
    for raw in process.stdout:
        line(raw.decode("utf-8", "backslashreplace").rstrip("\r\n"))
