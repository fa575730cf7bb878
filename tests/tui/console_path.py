"""The way through the wizard as keys and what must then be on the screen: for tmux and for a serial line.

    python -m tests.tui.console_path             prints the path, for somebody who types it

Keys are what a VT220 sends. What is waited for are words that any terminal shows in one piece, whatever it
does with colours; ``Screen`` makes such words out of the bytes of a line that is only written to.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import NamedTuple

ENTER, DOWN, UP, END, SPACE, ESCAPE = "\r", "\x1b[B", "\x1b[A", "\x1b[4~", " ", "\x1b"


class Stop(NamedTuple):
    """Keys to press, and what the screen must then say; ``seconds`` is patience, not a pause."""

    keys: str
    expects: str
    """A regular expression."""
    seconds: float = 20
    again: int = 0
    """How often the keys are pressed once more when nothing came. Only for keys that go to a place: a
    busy machine may take the first byte of its sequence for the key Escape."""


def first_visit(down: int = 0) -> tuple[Stop, ...]:
    """From the first look to the confirmed review; ``down`` rows below the first card is the one to give."""
    return (
        Stop("", r"(READY|BLOCKED|UNKNOWN):", 60),
        Stop(ENTER, r"\[2 Check\]"),
        Stop("n", r"\[3 Devices\]"),
        *(Stop(DOWN, r">\s+\[.\]") for _ in range(down)),
        Stop(SPACE, r">\s+\[x\]"),
        Stop("n", r"\[4 Options\]"),
        Stop("n", r"\[5 Review\]"),
        Stop("", r"=> Read, then Enter on the last row", 60),
        Stop(END, r">\s+\[ \]", 10, again=2),
        Stop(ENTER, r"=> Confirmed"),
        Stop("n", r"\[6 Do it\]"),
    )


def applying(seconds: float = 900) -> tuple[Stop, ...]:
    """From the step Do it to the change made, as root."""
    return (
        Stop(ENTER, r"Make the change now\?"),
        Stop(DOWN + ENTER, r"\[x\] Make the change", seconds),
        Stop("", r"=> Restart the machine", 60),
    )


def after_the_restart() -> tuple[Stop, ...]:
    """The wizard opens by itself where the change is to be proven."""
    return (
        Stop("", r"\[7 After\]", 60),
        Stop("", r"=> Enter proves that the change holds", 60),
        Stop(ENTER, r"\[x\] Prove that the change holds", 120),
    )


def starting_the_guest() -> tuple[Stop, ...]:
    """From the proof down to a guest that runs."""
    return (
        Stop(DOWN, r">\s+\[ \] Hand the guest to libvirt", 10, again=2),
        Stop(ENTER, r"Hand the guest \S+ to libvirt\?"),
        Stop(DOWN + ENTER, r"\[x\] Hand the guest to libvirt", 120),
        Stop(DOWN, r">\s+\[ \] Start the guest", 10, again=2),
        Stop(ENTER, r"\[x\] Start the guest", 300),
    )


LEAVING = (Stop("q", r"The same without the wizard: vfio-wizard plan"),)


class Screen:
    """Words out of the bytes that a program sends to a terminal, without keeping a screen."""

    _CONTROLS = re.compile(
        r"\x1b(?:\[[0-9;:?<>=]*[ -/]*[@-~]|[()][A-Z0-9]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[=>78cM])"
    )
    _MOVES = re.compile(r"\x1b\[[0-9;]*[Hf]")

    @classmethod
    def words(cls, sent: str) -> str:
        """A move of the cursor begins a new line, and colours are nothing."""
        return cls._CONTROLS.sub("", cls._MOVES.sub("\n", sent)).replace("\r", "")


def follow(
    stops: tuple[Stop, ...],
    write: Callable[[str], None],
    sees: Callable[[str, float], bool],
) -> list[str]:
    """Press and wait, stop by stop; what did not come within its time is the one problem that is told."""
    for number, stop in enumerate(stops, 1):
        if not any(_pressed(stop, write, sees) for _ in range(1 + stop.again)):
            return [f"stop {number}: {stop.expects!r} did not appear within {stop.seconds:g} s"]
    return []


def _pressed(stop: Stop, write: Callable[[str], None], sees: Callable[[str, float], bool]) -> bool:
    if stop.keys:
        write(stop.keys)
    return sees(stop.expects, stop.seconds)


def main() -> None:
    """The path in words."""
    names = {
        ENTER: "Enter",
        DOWN: "Down",
        SPACE: "Space",
        END: "End",
        DOWN + ENTER: "Down Enter",
    }
    for title, stops in (
        ("vfio-wizard, from the first look", (*first_visit(), *applying())),
        ("restart, and vfio-wizard again", (*after_the_restart(), *starting_the_guest(), *LEAVING)),
    ):
        sys.stdout.write(f"{title}\n")
        for stop in stops:
            keys = names.get(stop.keys, stop.keys) or "(wait)"
            sys.stdout.write(f"  {keys:<12} until {stop.expects}\n")


if __name__ == "__main__":
    main()
