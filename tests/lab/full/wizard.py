"""The wizard on the serial console: a person goes from the first look to the proof after the restart."""

from __future__ import annotations

import os
import re
import tarfile
import time
from importlib import metadata
from typing import NamedTuple

from tests.lab.full.steps import Run
from tests.tui.console_path import (
    Screen,
    Stop,
    after_the_restart,
    applying,
    first_visit,
    follow,
    starting_the_guest,
)
from vfio_wizard.model.selection import DomainWish, GuestSystem, LookingGlass, Mirror, Selection, SoundWish
from vfio_wizard.planning.answers import print_answers

FIRST = (*first_visit(), *applying())
"""The host's emulated display comes first, but cannot be given, so the cursor begins on the card."""
AFTER = (*after_the_restart(), *starting_the_guest())
LEAVING = (Stop("q", r"The same without the wizard|\$|#"),)

_SCREENS = ("textual", "rich", "markdown-it-py", "mdit-py-plugins", "mdurl", "linkify-it-py", "uc-micro-py")
_SCREENS_NEED = ("pygments", "platformdirs", "typing_extensions")
_ENVIRONMENT = "stty rows 24 cols 80; export TERM=vt220 LC_ALL=C.UTF-8"


class Screens(NamedTuple):
    """The libraries that the wizard's screens are drawn with, which no Debian has in this version."""

    name: str = "the wizard's libraries are installed"

    def perform(self, run: Run) -> list[str]:
        """From this machine's environment; all of them are pure Python."""
        archive = run.machine.share / "screens.tar"
        with tarfile.open(archive, "w") as tar:
            for name in (*_SCREENS, *_SCREENS_NEED):
                for source, target in _files(name):
                    tar.add(source, target, recursive=False)
        site = run.machine.place.site
        told = run.machine.run(f"tar -C /{site} -xf /run/share/screens.tar && sync")
        return [] if told.code == 0 else [told.out + told.err]


def _files(name: str) -> list[tuple[str, str]]:
    """The files of an installed distribution; none where this machine has it not."""
    try:
        files = metadata.files(name) or []
    except metadata.PackageNotFoundError:
        return []
    return [
        (str(one.locate()), str(one))
        for one in files
        if ".." not in one.parts and one.suffix != ".pyc" and os.path.exists(one.locate())  # noqa: PTH110
    ]


ANSWERS = Selection(
    (),
    guest="lab-guest",
    looking_glass=LookingGlass(Mirror.SHM, 1920, 1080),
    domain=DomainWish(
        GuestSystem.LINUX, 512, 1, disk="none", network="none", sound=SoundWish.OFF, emulated=True
    ),
)
"""A guest that is small enough to start within the emulation; the card is left to the person to choose."""


class Answered(NamedTuple):
    """Somebody was here before and chose what the guest is like."""

    name: str = "the answers of an earlier visit are there"

    def perform(self, run: Run) -> list[str]:
        """Where the wizard keeps them."""
        (run.machine.share / "answers.toml").write_text(print_answers(ANSWERS))
        home = "/root/.local/state/vfio-wizard"
        told = run.machine.run(f"mkdir -p {home} && cp /run/share/answers.toml {home}/this-machine.toml")
        return [] if told.code == 0 else [told.err]


class Driven(NamedTuple):
    """The wizard, opened by somebody who logs in at the serial console, and followed stop by stop."""

    name: str
    stops: tuple[Stop, ...]

    def perform(self, run: Run) -> list[str]:
        """Type, and read what the line brings."""
        console = run.machine.console
        run.machine.log_in()
        run.machine.type(_ENVIRONMENT)
        place = len(console.shown())

        def write(keys: str) -> None:
            nonlocal place
            place = len(console.shown())
            console.write(keys)

        def sees(expects: str, seconds: float) -> bool:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                if re.search(expects, Screen.words(console.shown()[place:])):
                    return True
                time.sleep(0.2)
            return False

        console.write("vfio-wizard\r")
        problems = follow((*self.stops, *LEAVING), write, sees)
        last = Screen.words(console.shown()[place:])[-1500:]
        return [f"{one}\n{last}" for one in problems]
