"""The installed program in a real terminal: tmux types, and reads the screen."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.tui.console_path import ENTER, LEAVING, Screen, Stop, first_visit, follow
from tests.tui.machines import REPOSITORY

pytestmark = pytest.mark.terminal
PROGRAM = Path(sys.executable).with_name("vfio-wizard")


class Terminal(NamedTuple):
    """A tmux of its own, with one window of a known size."""

    socket: str
    raw: Path

    def tmux(self, *words: str) -> str:
        """One command of tmux."""
        argv = ("tmux", "-L", self.socket, "-f", "/dev/null", *words)
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout

    def open(self, command: str, size: tuple[int, int], folder: Path) -> None:
        """Run a command in it; what it sends is kept as it comes."""
        at = ("-x", str(size[0]), "-y", str(size[1]), "-c", str(folder))
        self.tmux("new-session", "-d", *at, "sleep 0.3; " + command + '; echo "left with $?"; sleep 60')
        self.raw.touch()
        self.tmux("pipe-pane", "-o", f"cat >{self.raw}")

    def write(self, keys: str) -> None:
        """Type, as bytes."""
        for part in re.findall(r"\x1b\[\w~?|.", keys, re.DOTALL):
            self.tmux("send-keys", "-H", *(f"{ord(char):x}" for char in part))

    @property
    def screen(self) -> str:
        """What stands on it now."""
        return self.tmux("capture-pane", "-p", "-J")

    def sees(self, expects: str, seconds: float = 20) -> bool:
        """Wait until it is there."""
        end = time.monotonic() + seconds
        while not re.search(expects, self.screen):
            if time.monotonic() > end:
                return False
            time.sleep(0.05)
        return True


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    made = Terminal(f"wizard-{os.getpid()}-{tmp_path.name}", tmp_path / "raw")
    yield made
    subprocess.run(("tmux", "-L", made.socket, "kill-server"), check=False, capture_output=True)


def command(tmp_path: Path, source: str, *, term: str = "", extra: str = "") -> str:
    home = f"XDG_STATE_HOME={tmp_path}/state LC_ALL=C.UTF-8"
    return f"env {home} {f'TERM={term}' if term else ''} {extra} {PROGRAM} --host {source}"


SEED = "fixtures/rx5600xt-rx550-nixos/host.json"


@pytest.mark.parametrize(
    ("size", "term"), [((80, 24), ""), ((120, 40), ""), ((80, 24), "linux"), ((80, 24), "vt220")], ids=str
)
def test_the_whole_path_over_a_record(
    terminal: Terminal, tmp_path: Path, size: tuple[int, int], term: str
) -> None:
    terminal.open(command(tmp_path, SEED, term=term), size, REPOSITORY)
    problems = follow(first_visit(down=1), terminal.write, terminal.sees)
    assert not problems, f"{problems}\n{terminal.screen}"
    wanted = tmp_path / "made.nix"
    answer = (
        Stop(ENTER, "Where to write it"),
        Stop("\x15", r"\(empty\)"),
        Stop(str(wanted) + ENTER, r"\[x\] Write the Nix module"),
        *LEAVING,
    )
    problems = follow(answer, terminal.write, terminal.sees)
    assert not problems, f"{problems}\n{terminal.screen}"
    assert terminal.sees("left with 0")
    assert "vfio-pci.ids=1002:731f,1002:ab38" in wanted.read_text()
    if term:
        sent = terminal.raw.read_bytes()
        assert sent.isascii(), "a plain terminal was sent more than ASCII"
        assert "38;2;" not in sent.decode(), "a plain terminal was sent colours that it has not"


def test_it_opens_again_where_it_was_left_even_when_it_was_killed(terminal: Terminal, tmp_path: Path) -> None:
    terminal.open(command(tmp_path, SEED), (80, 24), REPOSITORY)
    assert not follow(first_visit(down=1)[:7], terminal.write, terminal.sees)
    time.sleep(0.5)
    terminal.tmux("set-option", "-s", "exit-empty", "off")  # a leaving server takes no session
    terminal.tmux("kill-session")
    terminal.open(command(tmp_path, SEED), (80, 24), REPOSITORY)
    assert terminal.sees(r"\[5 Review\]"), terminal.screen
    assert terminal.sees("gpu_passthrough.nix"), terminal.screen


def test_without_colour_the_words_and_marks_say_it_all(terminal: Terminal, tmp_path: Path) -> None:
    terminal.open(command(tmp_path, SEED, extra="NO_COLOR=1"), (80, 24), REPOSITORY)
    assert not follow(first_visit(down=1), terminal.write, terminal.sees), terminal.screen
    sent = terminal.raw.read_text()
    colours = set(re.findall(r"\x1b\[([0-9;]*)m", sent))
    numbers = {int(one) for word in colours for one in word.split(";") if one}
    assert not {one for one in numbers if 30 <= one <= 48 or 90 <= one <= 107} - {39, 49}, numbers
    assert 7 in numbers, "the cursor is shown by reverse"


def test_a_source_that_cannot_be_read_is_told_before_the_screen_is_taken(
    terminal: Terminal, tmp_path: Path
) -> None:
    terminal.open(command(tmp_path, "no-such-file"), (80, 24), REPOSITORY)
    assert terminal.sees("left with 2"), terminal.screen
    assert "no-such-file" in terminal.screen
    assert "\x1b[?1049h" not in terminal.raw.read_text()


def test_words_are_found_in_the_bytes_of_a_serial_line(terminal: Terminal, tmp_path: Path) -> None:
    """What the lab does on a real serial console, on the bytes of this one."""
    terminal.open(command(tmp_path, SEED, term="vt220"), (80, 24), REPOSITORY)
    place = 0

    def sees(expects: str, seconds: float) -> bool:
        nonlocal place
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            sent = terminal.raw.read_text()
            if re.search(expects, Screen.words(sent[place:])):
                return True
            time.sleep(0.05)
        return False

    def write(keys: str) -> None:
        nonlocal place
        place = len(terminal.raw.read_text())
        terminal.write(keys)

    assert not follow(first_visit(down=1), write, sees), Screen.words(terminal.raw.read_text()[place:])


def test_tmux_is_here() -> None:
    assert shutil.which("tmux")
