"""While one watches: devices change, looks take long, and the keys answer all the same."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts import synthetic
from tests.tui.driving import Wizard, drive, wise
from tests.tui.machines import SEED
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.selection import Selection
from vfio_wizard.tui.app import SETTLES
from vfio_wizard.tui.survey import Survey

HEALTHY = str(SEED)


def test_a_burst_of_changes_is_told_and_looked_at_once() -> None:
    happen = threading.Event()
    looks: list[int] = []
    calm = wise(HEALTHY)

    def changes(stopped: Callable[[], bool]) -> Iterator[str]:
        while not stopped() and not happen.wait(0.02):
            pass
        if not stopped():
            yield "0000:2f:00.0: unbind"
            yield "0000:2f:00.0: bind (vfio-pci)"

    def counted(selection: Selection) -> Survey:
        looks.append(1)
        return calm.look(selection)

    async def do(wizard: Wizard) -> None:
        before = len(looks)
        happen.set()
        for _ in range(40):
            await wizard.pilot.pause(0.02)
            if "bind (vfio-pci)" in wizard.static("#status"):
                break
        assert "bind (vfio-pci)" in wizard.static("#status")
        await wizard.pilot.pause(SETTLES * 2)
        await wizard.settle()
        assert len(looks) == before + 1
        assert wizard.static("#status").startswith("READY")

    drive(do, own=calm._replace(changes=changes, look=counted))


def test_a_long_look_shows_its_time_leaves_the_keys_free_and_can_be_stopped() -> None:
    calm = wise(HEALTHY)
    slow = threading.Event()

    def look(selection: Selection) -> Survey:
        slow.wait(20)
        return calm.look(selection)

    async def do(wizard: Wizard) -> None:
        slow.clear()
        await wizard.pilot.press("r")
        await wizard.pilot.pause(1.4)
        assert "Looking ... 1." in wizard.static("#status")
        await wizard.pilot.press("2")
        await wizard.pilot.pause()
        assert "[2 Check]" in wizard.static("#steps")
        assert wizard.row, "the last look is not shown any more"
        await wizard.pilot.press("escape")
        await wizard.pilot.pause()
        assert wizard.static("#status").startswith("READY")
        slow.set()

    slow.set()
    drive(do, own=calm._replace(look=look))


def test_an_error_is_told_and_the_last_good_look_stays() -> None:
    calm = wise(HEALTHY)
    broken: list[int] = []

    def look(selection: Selection) -> Survey:
        if broken:
            message = "the record is not there any more"
            raise UsageError(message)
        return calm.look(selection)

    async def do(wizard: Wizard) -> None:
        await wizard.press("2")
        rows = wizard.rows
        broken.append(1)
        await wizard.press("r")
        assert "not there any more" in wizard.static("#status")
        assert wizard.rows == rows

    drive(do, own=calm._replace(look=look))


@pytest.mark.parametrize("functions", [200, 1024])
def test_a_key_is_painted_within_a_tenth_of_a_second(tmp_path: Path, functions: int) -> None:
    """The fastest of several: what the program needs, not what else the machine does meanwhile."""
    source = str(synthetic.make(tmp_path / "many", functions))

    async def do(wizard: Wizard) -> None:
        await wizard.press("3", "end", "right")
        assert len(wizard.rows) > 20
        for keys in (["down"] * 8, ["pagedown"] * 4, ["up"] * 8):
            took = []
            for key in keys:
                began = time.perf_counter()
                await wizard.pilot.press(key)
                wizard.screen_text()
                took.append(time.perf_counter() - began)
            assert min(took) < 0.1, took

    drive(do, source)
