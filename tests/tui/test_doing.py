"""What is done is the command that is shown: its lines come live, and it can be stopped."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui.driving import Wizard, drive, wise
from tests.tui.machines import GUEST_CARD, REPOSITORY, SEED
from vfio_wizard.cli import remembered, wizard_acts
from vfio_wizard.model.errors import WizardError
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.selection import Selection
from vfio_wizard.report.pages.rows import Line
from vfio_wizard.report.pages.ways import Situation, Way, afterwards, doing
from vfio_wizard.tui.survey import Brain, Done, Order, Progress, Stopped, Tell

HEALTHY = str(SEED)
CHOSEN = Selection((PciAddress.parse(GUEST_CARD),))
HERE = Situation(
    None, "/a/answers.toml", look_only=False, is_root=False, is_nixos=False, guest="windows", changed=True
)


def way(key: str, at: Situation = HERE) -> Way:
    return next(one for one in (*doing(at), *afterwards(at)) if one.key == key)


def _python(code: str, key: str = "apply") -> Way:
    return way(key)._replace(argv=(sys.executable, "-u", "-c", code))


def _never() -> bool:
    return False


def order(one: Way, answer: str = "") -> Order:
    return Order(one, answer, CHOSEN, None)


def test_lines_are_told_as_they_come_with_their_steps_counted() -> None:
    came: list[tuple[float, Progress]] = []
    code = "import time; print('[0:00] one'); print('   | noise'); time.sleep(0.4); print('[0:01] two')"
    done = wizard_acts.act(
        HEALTHY, order(_python(code)), lambda one: came.append((time.monotonic(), one)), _never
    )
    assert done.ok
    assert [one.text for _, one in came] == ["[0:00] one", "   | noise", "[0:01] two"]
    assert came[-1][0] - came[0][0] > 0.3


def test_a_command_whose_reader_is_gone_goes_on_to_its_end(tmp_path: Path) -> None:
    """As when the terminal is closed in the middle of a change."""
    made = tmp_path / "made"
    code = f"import time\nprint('one'); time.sleep(1)\nprint('two'); open({str(made)!r}, 'w')"
    script = (
        "import os\nfrom tests.tui import test_doing as t\n"
        f"t.wizard_acts.act(t.HEALTHY, t.order(t._python({code!r})), lambda one: os._exit(9), t._never)"
    )
    done = subprocess.run((sys.executable, "-c", script), check=False, cwd=REPOSITORY)
    assert done.returncode == 9
    for _ in range(100):
        if made.exists():
            break
        time.sleep(0.1)
    assert made.exists()


def test_a_wish_to_stop_reaches_the_command_as_an_interrupt_and_is_awaited() -> None:
    stop = threading.Event()
    code = (
        "import signal,sys,time\n"
        "def tidy(*_): print('tidied up', flush=True); sys.exit(130)\n"
        "signal.signal(signal.SIGINT, tidy); print('ready', flush=True); time.sleep(30)"
    )
    came: list[str] = []

    def tell(one: Progress) -> None:
        came.append(one.text)
        stop.set()

    began = time.monotonic()
    done = wizard_acts.act(HEALTHY, order(_python(code)), tell, stop.is_set)
    assert time.monotonic() - began < 10
    assert came == ["ready", "tidied up"]
    assert (done.ok, done.lines[0].text) == (False, "stopped; nothing was left half-done")


def test_a_command_that_is_not_there_is_told_in_a_line() -> None:
    missing = way("client")._replace(argv=("there-is-no-such-program",))
    with pytest.raises(WizardError, match="cannot run there-is-no-such-program: no such file"):
        wizard_acts.act(HEALTHY, order(missing), lambda _: None, _never)


@pytest.mark.parametrize("key", ["files", "report", "domain"])
def test_each_way_runs_the_command_that_it_shows(tmp_path: Path, key: str) -> None:
    at = HERE._replace(
        source=HEALTHY, answers=remembered.answers_path(HEALTHY), look_only=True, confirmed=True
    )
    wanted = tmp_path / {"files": "plan/", "report": "report.html", "domain": "windows.xml"}[key]
    answer = f"{wanted}/" if key == "files" else str(wanted)
    came: list[str] = []
    done = wizard_acts.act(HEALTHY, order(way(key, at), answer), lambda one: came.append(one.text), _never)
    assert done.ok, came
    made = wanted / "STEPS.txt" if key == "files" else wanted
    assert made.read_text()


def test_answers_are_saved_once_more_but_never_over_a_strangers_file(tmp_path: Path) -> None:
    mine, strange = tmp_path / "answers.toml", tmp_path / "notes.txt"
    strange.write_text("remember the milk\n")
    for _ in range(2):
        assert wizard_acts.act(HEALTHY, order(way("answers"), str(mine)), lambda _: None, _never).ok
    with pytest.raises(WizardError, match="is there already"):
        wizard_acts.act(HEALTHY, order(way("answers"), str(strange)), lambda _: None, _never)
    assert strange.read_text() == "remember the milk\n"


def test_root_is_asked_for_applying_and_undoing_only_and_says_for_what(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks = {one.key for one in (*doing(HERE), *afterwards(HERE)) if one.root_for}
    assert asks == {"apply", "undo"}
    log = tmp_path / "log"
    fake = tmp_path / "bin/sudo"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{log}\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:/usr/bin:/bin")
    said: list[str] = []
    done = wizard_acts.in_terminal(HEALTHY, order(way("apply")), said.append)
    assert done.ok
    assert "for writing boot configuration and rebuilding the initramfs" in said[0]
    assert way("apply").command in said[1]
    words = log.read_text().splitlines()
    assert words[0] == "--"
    assert words[-4:] == ["apply", "--answers", "/a/answers.toml", "--yes"]


def test_who_is_root_is_not_asked_and_sees_the_command_without_sudo() -> None:
    root = HERE._replace(is_root=True)
    assert not [one for one in (*doing(root), *afterwards(root)) if one.root_for or "sudo" in one.command]


def test_what_cannot_be_done_yet_says_why() -> None:
    bare = HERE._replace(changed=False, chosen=False)
    reasons = {one.key: one.why_not for one in afterwards(bare)}
    assert "in force" in reasons["verify"]
    assert "in force" in reasons["undo"]
    assert "no card is chosen" in reasons["define"]
    assert "not confirmed" in way("apply", bare).why_not


def test_without_any_way_to_root_it_says_what_to_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = wizard_acts.in_terminal(HEALTHY, order(way("undo")), lambda _: None)
    assert not done.ok
    assert "vfio-wizard undo" in " ".join(one.text for one in done.lines)


def test_the_program_is_started_again_by_its_place_and_never_from_the_present_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["-m"])
    assert wizard_acts.program() == (sys.executable, "-P", "-m", "vfio_wizard")
    script = tmp_path / "vfio-wizard"
    script.write_text("")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(script)])
    assert wizard_acts.program() == (str(script),)


# -- on the screen --------------------------------------------------------------------------------


def _acting(act: Callable[[Order, Tell, Stopped], Done]) -> Brain:
    """A machine that may be changed, by an act of the test's own; as root, so that it runs in the wizard."""
    calm = wise(HEALTHY)
    return calm._replace(
        act=act,
        look_only=False,
        situation=lambda chosen: calm.situation(chosen)._replace(
            source=None, look_only=False, is_root=True, is_nixos=False
        ),
    )


async def _begin_applying(wizard: Wizard) -> None:
    await wizard.press("3", "down", "space", "5", "end", "enter", "6")
    assert wizard.row.startswith("[ ] Make the change")
    await wizard.pilot.press("enter")
    await wizard.pilot.pause()
    assert "Make the change now?" in wizard.screen_text()
    await wizard.pilot.press("down", "enter")
    await wizard.pilot.pause(0.1)


def test_long_work_has_a_bar_a_clock_and_a_log_and_the_keys_stay_free() -> None:
    go = threading.Event()

    def act(_order: Order, tell: Tell, _stopped: Stopped) -> Done:
        tell(Progress(1, 4, "[0:00] keeping what is there now"))
        tell(Progress(2, 4, "[0:01] wrote /etc/modprobe.d/vfio-wizard.conf"))
        go.wait(20)
        return Done(True, (Line("done"),))

    async def do(wizard: Wizard) -> None:
        await _begin_applying(wizard)
        await wizard.pilot.pause(0.4)
        assert "2/4" in wizard.page
        assert "wrote /etc/modprobe.d/vfio-wizard.conf" in wizard.page
        assert "Escape stops it safely" in wizard.page
        first = wizard.page
        await wizard.pilot.pause(0.6)
        assert wizard.page != first, "the clock stands still"
        await wizard.pilot.press("2")
        await wizard.pilot.pause()
        assert "[2 Check]" in wizard.static("#steps")
        await wizard.pilot.press("6", "down", "enter")
        await wizard.pilot.pause()
        assert not wizard.app.screen.query("#answer"), "a second work was begun"
        go.set()
        await wizard.settle()
        await wizard.press("up")
        assert wizard.row.startswith("[x] Make the change")

    drive(do, own=_acting(act))


def test_escape_stops_it_and_says_what_became_of_it() -> None:
    def act(_order: Order, tell: Tell, stopped: Stopped) -> Done:
        tell(Progress(1, 4, "[0:00] keeping what is there now"))
        while not stopped():
            time.sleep(0.01)
        return Done(False, (Line("everything was taken back"),))

    async def do(wizard: Wizard) -> None:
        await _begin_applying(wizard)
        await wizard.pilot.press("escape")
        await wizard.settle()
        assert wizard.row.startswith("[!] Make the change")
        assert "everything was taken back" in wizard.page

    drive(do, own=_acting(act))


def is_open(wizard: Wizard) -> bool:
    return wizard.app.is_running


def test_leaving_while_it_runs_stops_it_first_and_waits_for_that() -> None:
    ended: list[float] = []

    def act(_order: Order, tell: Tell, stopped: Stopped) -> Done:
        tell(Progress(1, 4, "[0:00] keeping what is there now"))
        while not stopped():
            time.sleep(0.01)
        time.sleep(0.3)
        ended.append(time.monotonic())
        return Done(False, (Line("everything was taken back"),))

    async def do(wizard: Wizard) -> None:
        await _begin_applying(wizard)
        await wizard.pilot.press("q")
        assert is_open(wizard)
        assert len(ended) == 0
        for _ in range(100):
            await wizard.pilot.pause(0.05)
            if not is_open(wizard):
                break
        assert len(ended) == 1

    drive(do, own=_acting(act))


def test_signals_are_what_they_were_after_root_was_lent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake = tmp_path / "sudo"
    fake.write_text("#!/bin/sh\nexit 3\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    before = signal.getsignal(signal.SIGINT)
    assert not wizard_acts.in_terminal(HEALTHY, order(way("undo")), lambda _: None).ok
    assert signal.getsignal(signal.SIGINT) is before
