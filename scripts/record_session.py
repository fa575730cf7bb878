"""Records a visit to the wizard in a real terminal, for the README.

    python -m scripts.record_session      writes docs/pictures/session.cast and session.svg

tmux runs the installed program on a recorded machine, types as a person would, and hands out the screen after
each key: those screens are the frames of an asciicast (version 2) and of an SVG that moves by CSS alone.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from rich.ansi import AnsiDecoder
from rich.console import Console
from rich.segment import Segment

from scripts.terminal_svg import Frame, svg

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / "docs/pictures"
PROGRAM = Path(sys.executable).parent / "vfio-wizard"
RECORD = "fixtures/rx5600xt-rx550-nixos/host.json"
SOCKET = f"wizard-session-{os.getpid()}"
WIDTH, HEIGHT = 80, 24
SETTLES = 0.25
LONGEST = 20.0


class Act(NamedTuple):
    """Keys as tmux calls them, and how long a reader gets for what they show."""

    keys: tuple[str, ...]
    seconds: float


ACTS = (
    Act((), 3.5),
    Act(("n",), 2.5),
    Act(("Down",), 1.5),
    Act(("?",), 3.0),
    Act(("Escape",), 0.8),
    Act(("n",), 2.5),
    Act(("Down",), 1.5),
    Act(("Space",), 2.5),
    Act(("n",), 1.5),
    *(Act(("Down",), 0.3) for _ in range(7)),
    Act((), 2.5),
    Act(("n",), 2.0),
    Act(("Down", "Down"), 3.0),
    Act(("End",), 1.2),
    Act(("Enter",), 1.5),
    Act(("n",), 3.0),
    Act(("Enter",), 2.0),
    Act(("Enter",), 3.5),
    Act(("q",), 3.0),
)


def tmux(*words: str) -> str:
    """One command of the tmux that this script has for itself."""
    return subprocess.run(
        ("tmux", "-L", SOCKET, "-f", "/dev/null", *words), check=True, capture_output=True, text=True
    ).stdout


def screen() -> str:
    """What stands on the screen, with its colours."""
    return tmux("capture-pane", "-p", "-e", "-N")


def settled() -> str:
    """The screen, when it has not changed for a moment."""
    before, end = "", time.monotonic() + LONGEST
    since = time.monotonic()
    while time.monotonic() < end:
        now = screen()
        if now != before:
            before, since = now, time.monotonic()
        if time.monotonic() - since > SETTLES and now.strip():
            break
        time.sleep(0.05)
    return before


@contextmanager
def _fresh(folder: str) -> Iterator[None]:
    """A folder that is the same every time, so that two recordings of one program are one recording."""
    shutil.rmtree(folder, ignore_errors=True)
    Path(folder).mkdir()
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def record() -> list[tuple[str, float]]:
    """Each screen with the seconds that it stays."""
    shots = []
    folder = f"{tempfile.gettempdir()}/visit"
    with _fresh(folder):
        (Path(folder) / "machine.json").symlink_to(ROOT / RECORD)
        home = "XDG_STATE_HOME=state COLORTERM=truecolor LC_ALL=C.UTF-8"
        command = f"env {home} {PROGRAM} --host machine.json; sleep 60"
        tmux("new-session", "-d", "-x", str(WIDTH), "-y", str(HEIGHT), "-c", folder, "sh", "-c", command)
        tmux("set", "-g", "default-terminal", "tmux-256color")
        try:
            while "READY" not in screen():
                time.sleep(0.1)
            for act in ACTS:
                for key in act.keys:
                    tmux("send-keys", key)
                    time.sleep(0.05)
                shots.append((settled(), act.seconds))
        finally:
            subprocess.run(("tmux", "-L", SOCKET, "kill-server"), check=False)
    return shots


def cast(shots: list[tuple[str, float]]) -> str:
    """An asciicast, version 2: each screen is drawn anew from the top."""
    head = {"version": 2, "width": WIDTH, "height": HEIGHT, "title": "vfio-wizard"}
    lines, at = [json.dumps(head)], 0.0
    for text, seconds in shots:
        body = text.rstrip("\n").replace("\n", "\x1b[K\r\n")
        lines.append(json.dumps([round(at, 2), "o", f"\x1b[H{body}\x1b[J"]))
        at += seconds
    return "\n".join(lines) + "\n"


def frames(shots: list[tuple[str, float]]) -> list[Frame]:
    """The same screens as segments."""
    console = Console(width=WIDTH, color_system="truecolor", force_terminal=True)
    return [Frame(tuple(_lines(text, console)), seconds) for text, seconds in shots]


def _lines(text: str, console: Console) -> list[tuple[Segment, ...]]:
    """tmux lets a colour go on over the end of a line, and so does the decoder."""
    rows = list(AnsiDecoder().decode(text.rstrip("\n")))[:HEIGHT]
    return [tuple(one for one in row.render(console) if one.text != "\n") for row in rows]


def main() -> None:
    """Record, and write both."""
    shots = record()
    PLACE.mkdir(exist_ok=True)
    (PLACE / "session.cast").write_text(cast(shots))
    title = "A visit to vfio-wizard: from the first look to the written module"
    (PLACE / "session.svg").write_text(svg(frames(shots), WIDTH, HEIGHT, title))


if __name__ == "__main__":
    main()
