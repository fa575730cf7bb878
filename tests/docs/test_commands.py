"""Every command in the README and the documents was run here, or says why it cannot be.

A block that begins with ```console holds commands behind ``$``. Each is run in an empty folder from which
``fixtures/`` can be seen; what changes a machine stands below a comment ``<!-- not run: why -->``, and below
``<!-- run: FILE -->`` where something else in the repository runs it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LOOKS = ("vfio-wizard",)
"""What is run: our own program. Other commands of a block must be marked."""

_BLOCK = re.compile(r"(?:<!-- (not run|run): ([^>]+?) -->\n+)?```console\n(.*?)```", re.DOTALL)


class Shown(NamedTuple):
    """One command of a page."""

    page: str
    command: str
    mark: str
    """``not run``, ``run`` or nothing."""
    why: str

    @property
    def name(self) -> str:
        return f"{self.page}: {self.command}"


def shown() -> list[Shown]:
    found = []
    for page in PAGES:
        for match in _BLOCK.finditer(page.read_text(encoding="utf-8")):
            for line in match[3].splitlines():
                if line.startswith("$ "):
                    command = line[2:].partition("  #")[0].strip()
                    found.append(Shown(str(page.relative_to(ROOT)), command, match[1] or "", match[2] or ""))
    return found


COMMANDS = shown()


def test_the_pages_hold_commands() -> None:
    assert len(COMMANDS) > 20
    assert sum(not one.mark for one in COMMANDS) > 10


@pytest.mark.parametrize("one", [one for one in COMMANDS if one.mark == "not run"], ids=lambda one: one.name)
def test_what_is_not_run_says_why(one: Shown) -> None:
    assert len(one.why) > 10


@pytest.mark.parametrize("one", [one for one in COMMANDS if one.mark == "run"], ids=lambda one: one.name)
def test_what_is_run_elsewhere_names_a_file_that_is_there(one: Shown) -> None:
    assert (ROOT / one.why).exists()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("docs")
    (place / "fixtures").symlink_to(ROOT / "fixtures")
    (place / "docs").symlink_to(ROOT / "docs")
    return place


@pytest.mark.parametrize("one", [one for one in COMMANDS if not one.mark], ids=lambda one: one.name)
def test_every_other_command_runs(one: Shown, folder: Path) -> None:
    assert one.command.startswith(LOOKS), "mark it with <!-- not run: why --> or <!-- run: FILE -->"
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    home = folder / "home"
    home.mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VFIO_WIZARD")}
    done = subprocess.run(
        ("bash", "-o", "pipefail", "-c", one.command),
        cwd=folder, env={**kept, "PATH": path, "HOME": str(home), "XDG_STATE_HOME": str(home)},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1, 3), done.stderr
    assert "Traceback" not in done.stderr
    assert "this is a bug" not in done.stderr
    assert done.stdout or done.stderr
