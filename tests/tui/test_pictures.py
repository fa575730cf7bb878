"""How each step looks: pictures of every screen, compared line by line; the ones in the documents among them.

VFIO_WIZARD_PICTURES=write pytest tests/tui/test_pictures.py     draws them anew
"""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from scripts.terminal_svg import Frame, svg
from tests.tui.conftest import Machine
from tests.tui.driving import SIZES, Wizard, drive, wise
from tests.tui.machines import MACHINES
from vfio_wizard.report.pages.steps import STEPS
from vfio_wizard.tui.survey import Brain

HERE = Path(__file__).resolve().parent / "pictures"
REPOSITORY = HERE.parents[2]
PUBLISHED = REPOSITORY / "docs/pictures"
WRITING = os.environ.get("VFIO_WIZARD_PICTURES") == "write"
TELLING = ("look", "check", "devices", "review")
"""The steps on which machines differ; of the healthy one all are kept, since the documents show them."""


def _place(name: str, step: str, size: tuple[int, int]) -> Path:
    folder = PUBLISHED if name == "healthy" else HERE
    return folder / f"{name}-{step}-{size[0]}x{size[1]}.svg"


def words_of(picture: str) -> list[str]:
    """The text of a picture by its lines, for a message that a person can read."""
    rows: dict[str, list[str]] = {}
    for one in ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}text"):  # noqa: S314 - our own files
        rows.setdefault(one.attrib["y"], []).append(one.text or "")
    return ["  ".join(rows[y]) for y in sorted(rows, key=int)]


def _compare(path: Path, drawn: str) -> None:
    if WRITING:
        path.parent.mkdir(exist_ok=True)
        path.write_text(drawn)
        return
    kept = path.read_text()
    assert words_of(drawn) == words_of(kept), f"{path.name}: VFIO_WIZARD_PICTURES=write draws it anew"
    assert drawn == kept, f"{path.name} has the same words in another dress"


async def _choose_likely(wizard: Wizard) -> None:
    """The last card that can be given; none where there is none."""
    await wizard.press("3")
    cards = [row for row in wizard.rows if row.strip().startswith("[ ]")]
    if cards:
        await wizard.to(cards[-1].strip()[4:11])
        await wizard.press("space")


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_every_step_of_every_machine(
    machine: Machine, name: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = _linked(machine(name), monkeypatch)

    async def do(wizard: Wizard) -> None:
        await _choose_likely(wizard)
        for number, step in enumerate(STEPS, 1):
            await wizard.press(str(number))
            _fits(wizard, number, size)
            if name == "healthy" or step.key in TELLING:
                drawn = _drawn(wizard, size, f"{name}, step {step.title}")
                _compare(_place(name, step.key, size), drawn)

    drive(do, size=size, own=_at_home(source))


def _linked(source: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The machine under a name that is the same everywhere, so that lines break in the same places."""
    monkeypatch.chdir(os.environ["XDG_STATE_HOME"] + "/..")
    Path("machine.json").symlink_to(source)
    return "machine.json"


def _at_home(source: str) -> Brain:
    """The answers of a picture lie where those of most people do."""
    own = wise(source)
    answers = "/home/you/.local/state/vfio-wizard/this-machine.toml"
    return own._replace(
        situation=lambda chosen: own.situation(chosen)._replace(answers=answers, is_root=False)
    )


def _fits(wizard: Wizard, number: int, size: tuple[int, int]) -> None:
    """The frame is whole: nothing is pushed out or cut that a person needs to go on."""
    lines = wizard.screen_text().split("\n")
    assert len(lines) == size[1]
    assert f"[{number} {STEPS[number - 1].title}]" in lines[1]
    assert "LOOK ONLY" in lines[0]
    assert lines[-2].startswith(" => ")
    assert "q Quit" in lines[-1]
    assert len(wizard.hint) <= size[0] - 2, wizard.hint


def _drawn(wizard: Wizard, size: tuple[int, int], title: str) -> str:
    return svg([Frame(tuple(wizard.strips()))], *size, f"vfio-wizard: {title}")


@pytest.mark.parametrize("key", ["question_mark", "4 enter", "6 s", "ctrl+p"])
def test_every_dialog(machine: Machine, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def do(wizard: Wizard) -> None:
        await wizard.press("2", *key.split())
        name = {"question_mark": "explain", "4 enter": "choose", "6 s": "ask", "ctrl+p": "palette"}[key]
        if name == "palette":  # it blinks and searches; its words are what counts
            await wizard.pilot.pause(0.3)
            assert "Look again" in wizard.screen_text()
            return
        wizard.app.set_focus(None)
        drawn = _drawn(wizard, (80, 24), name)
        _compare(PUBLISHED / f"healthy-{name}-80x24.svg", drawn)

    drive(do, own=_at_home(_linked(machine("healthy"), monkeypatch)))


def test_no_picture_is_left_of_what_is_not_drawn_any_more() -> None:
    wanted = {
        _place(name, step.key, size)
        for name in MACHINES
        for step in STEPS
        for size in SIZES
        if name == "healthy" or step.key in TELLING
    }
    wanted |= {PUBLISHED / f"healthy-{name}-80x24.svg" for name in ("explain", "choose", "ask")}
    there = {*HERE.glob("*.svg"), *PUBLISHED.glob("healthy-*.svg")}
    assert there == wanted
