"""The wish to stop (Ctrl-C, a closed terminal, ``kill``): heard at once, acted upon between two steps only.

Nothing is raised by a signal while a change is made. An exception out of nowhere could leave a generator
running that nobody waits for, or end the way back half-way; so a signal is only counted, and the change asks.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)

APART = 1.0
"""Seconds. A terminal that closes and a service that ends send two or three signals, for one wish."""


class Stop:
    """How often somebody asked."""

    def __init__(self) -> None:
        """Nobody has asked."""
        self.wishes = 0
        self.is_deaf = False
        """From the moment on from which nothing may be stopped: half a way back helps nobody."""
        self._last = 0.0

    def hear(self, *_: object) -> None:
        """As a handler of a signal."""
        now = time.monotonic()
        if self.is_deaf or (self.wishes and now - self._last < APART):
            return
        self.wishes += 1
        self._last = now

    def check(self) -> None:
        """Between two steps. Raises KeyboardInterrupt where somebody asked."""
        if self.wishes and not self.is_deaf:
            raise KeyboardInterrupt


@contextmanager
def listening(stop: Stop) -> Iterator[Stop]:
    """Signals are counted there meanwhile."""
    with answered_by(stop.hear):
        yield stop


@contextmanager
def answered_by(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """What is ignored stays ignored: ``nohup``, and Ctrl-C for a job in the background of a script.

    A handler also where nothing is to happen, and not SIG_IGN, which the programs that are started inherit.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {one: signal.getsignal(one) for one in SIGNALS}
    heard = {one: old for one, old in before.items() if old is not signal.SIG_IGN}
    for one in heard:
        signal.signal(one, handler)
    try:
        yield
    finally:
        for one, old in heard.items():
            signal.signal(one, old)
