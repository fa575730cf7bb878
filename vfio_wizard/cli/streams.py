"""Standard output and standard error, whoever has stopped reading them.

``head`` has seen enough, a terminal was closed, a disk with the log is full: what is told to people must not
decide over a change, nor over the exit code.
"""

from __future__ import annotations

import os
import sys
from typing import TextIO


def to_stdout(text: str) -> None:
    """The product; lost without a word where nobody reads any more."""
    _to(sys.stdout, text)


def to_stderr(text: str) -> None:
    """Talk; as above."""
    _to(sys.stderr, text)


def _to(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except OSError:
        lose(stream)


def lose(stream: TextIO) -> None:
    """All further words go nowhere; otherwise Python tries again at the end, and exits with 120."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def open_missing() -> None:
    """A process may be started without them (``2>&-``); the next file opened would get their numbers."""
    while (handle := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(handle, True)
    os.close(handle)
    sys.stdin = sys.stdin or open(0, encoding="utf-8")  # noqa: SIM115 - for as long as the process runs
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8")  # noqa: SIM115 - as above
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8")  # noqa: SIM115 - as above
