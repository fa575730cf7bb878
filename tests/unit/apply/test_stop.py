"""A change whose reader, terminal or user goes away in the middle of a slow generator. Real processes."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.trial import difference
from tests.unit.apply.sandbox import Sandbox, sandbox
from tests.unit.apply.test_live import APPLY, begun, lasting
from vfio_wizard.apply.runner import Interrupted, SystemRunner
from vfio_wizard.apply.stop import APART, Stop, listening


@pytest.fixture
def box() -> Iterator[Sandbox]:
    place = Path("/dev/shm") / f"vfio-wizard-stop-{os.getpid()}"  # noqa: S108 - a folder of its own, of this process
    place.mkdir(mode=0o700)
    try:
        made = sandbox(place)
        yield made
        made.close()
    finally:
        subprocess.run(["rm", "-rf", str(place)], check=True)


def held(box: Sandbox) -> Path:
    """The generators wait as long as this file is there."""
    (box.place / "hold").touch()
    return box.place / "hold"


def is_in_force(box: Sandbox) -> bool:
    return (box.upper / "etc/modprobe.d/vfio-wizard.conf").exists()


def undone(box: Sandbox) -> bool:
    return box.run("undo").returncode == 0


# --- somebody stops reading --------------------------------------------------------------------------


@pytest.mark.live
@pytest.mark.parametrize("both", [False, True], ids=["stdout", "both"])
def test_a_reader_that_has_seen_enough_changes_nothing_about_the_change(both: bool, box: Sandbox) -> None:
    """``apply --yes | head -1``, and the same with ``2>&1``."""
    before = lasting(box)
    hold = held(box)
    told = subprocess.STDOUT if both else subprocess.PIPE
    argv = box.command(*box.wizard(*APPLY))
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=told, stdin=subprocess.DEVNULL)
    assert process.stdout is not None
    begun(box)
    if both:
        process.stdout.readline()
    process.stdout.close()
    hold.unlink()
    said = b"" if process.stderr is None else process.stderr.read()
    assert process.wait(60) == 0, said
    assert b"Traceback" not in said
    assert b"Exception ignored" not in said
    assert is_in_force(box)
    assert box.run("verify").returncode == 3
    assert undone(box)
    assert difference(before, lasting(box)) == ""


@pytest.mark.live
def test_a_change_that_fails_says_so_by_its_code_where_nobody_reads(box: Sandbox) -> None:
    before = lasting(box)
    box.program("update-grub", "#!/bin/sh\nexit 3\n")
    before["usr/sbin/update-grub"] = lasting(box)["usr/sbin/update-grub"]
    process = subprocess.Popen(
        box.command(*box.wizard(*APPLY, "--json")),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(60) == 1
    assert difference(before, lasting(box)) == ""


@pytest.mark.live
def test_started_without_any_output_it_makes_the_change_and_takes_it_back(box: Sandbox) -> None:
    """``>&- 2>&-``: the first file that is opened must not get the number of standard error."""
    before = lasting(box)
    for words in (APPLY, ("undo",)):
        argv = box.command("sh", "-c", '"$@" <&- >&- 2>&-', "sh", *box.wizard(*words))
        assert subprocess.run(argv, check=False, timeout=60).returncode == 0
    assert difference(before, lasting(box)) == ""


def test_a_report_keeps_its_exit_code_for_a_reader_that_left() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "vfio_wizard", "explain", "no.such-check"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    process.stderr.close()
    assert process.wait(60) == 2


def test_a_full_disk_below_a_report_is_said() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "vfio_wizard", "checks"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1
    assert b"not all of it could be written: No space left on device" in done.stderr


# --- the terminal ------------------------------------------------------------------------------------


class Terminal:
    """The program in a terminal of its own, as its only job."""

    def __init__(self, argv: list[str]) -> None:
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.execvp(argv[0], argv)  # noqa: S606 - this test's own child

    def press(self, key: bytes) -> None:
        os.write(self.master, key)

    def close(self) -> None:
        os.close(self.master)

    def shows(self, word: str) -> str:
        """What it printed until the word came."""
        text, end = "", time.monotonic() + 60
        while word not in text:
            assert select.select([self.master], [], [], 60)[0], text
            assert time.monotonic() < end, text
            text += os.read(self.master, 4096).decode(errors="replace")
        return text

    def code(self) -> int:
        """Its exit code, once it ended."""
        end = time.monotonic() + 60
        while not (told := os.waitpid(self.pid, os.WNOHANG))[0]:
            assert time.monotonic() < end
            time.sleep(0.05)
        return os.waitstatus_to_exitcode(told[1])


class Shell(Terminal):
    """The same as a job of a shell that can stop jobs and go on with them."""

    def __init__(self, argv: list[str]) -> None:
        super().__init__(
            ["bash", "-mc", '"$@"; echo was stopped $?; read -r go; fg; echo has ended $?', "sh", *argv]
        )


@pytest.mark.live
def test_a_terminal_that_is_closed_takes_all_back(box: Sandbox) -> None:
    before = lasting(box)
    hold = held(box)
    terminal = Terminal(box.command(*box.wizard(*APPLY)))
    begun(box)
    terminal.close()
    time.sleep(0.5)
    hold.unlink()
    assert terminal.code() == 130
    assert difference(before, lasting(box)) == ""
    assert "nothing to undo" in box.run("undo").stdout


@pytest.mark.live
def test_ctrl_z_holds_it_and_fg_goes_on(box: Sandbox) -> None:
    before = lasting(box)
    hold = held(box)
    terminal = Shell(box.command(*box.wizard(*APPLY)))
    begun(box)
    terminal.press(b"\x1a")
    terminal.shows("was stopped 148")
    busy = box.run("undo")
    assert busy.returncode == 1
    assert "is changing this machine right now" in busy.stderr
    hold.unlink()
    terminal.press(b"\n")
    assert "DONE: nothing changes until the next boot." in terminal.shows("has ended 0")
    terminal.close()
    assert is_in_force(box)
    assert undone(box)
    assert difference(before, lasting(box)) == ""


@pytest.mark.live
def test_held_by_ctrl_z_and_then_the_terminal_is_closed(box: Sandbox) -> None:
    """A closed terminal wakes its stopped jobs, to hear that it is gone."""
    before = lasting(box)
    hold = held(box)
    terminal = Shell(box.command(*box.wizard(*APPLY)))
    begun(box)
    terminal.press(b"\x1a")
    terminal.shows("was stopped 148")
    terminal.close()
    terminal.code()
    hold.unlink()
    end = time.monotonic() + 60
    while (told := box.run("undo")).returncode == 1:
        assert time.monotonic() < end, told.stderr
        time.sleep(0.2)
    assert "nothing to undo" in told.stdout
    assert difference(before, lasting(box)) == ""


@pytest.mark.live
def test_under_nohup_a_closed_terminal_is_no_wish(box: Sandbox) -> None:
    before = lasting(box)
    hold = held(box)
    argv = box.command("nohup", *box.wizard(*APPLY))
    process = subprocess.Popen(
        argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
    )
    begun(box)
    process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    hold.unlink()
    assert process.wait(60) == 0
    assert undone(box)
    assert difference(before, lasting(box)) == ""


# --- wishes --------------------------------------------------------------------------------------------


@pytest.mark.live
def test_three_signals_at_once_are_one_wish_and_the_generator_ends_by_itself(box: Sandbox) -> None:
    before = lasting(box)
    hold = held(box)
    process = box.start(*APPLY)
    begun(box)
    for one in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        process.send_signal(one)
    time.sleep(APART + 0.5)
    assert process.poll() is None
    hold.unlink()
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "failed with exit code" not in told
    assert "once more ends it" in told
    assert difference(before, lasting(box)) == ""


@pytest.mark.live
def test_a_second_wish_ends_a_generator_that_hangs(box: Sandbox) -> None:
    before = lasting(box)
    held(box)
    process = box.start(*APPLY)
    begun(box)
    process.send_signal(signal.SIGINT)
    time.sleep(APART + 0.2)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert difference(before, lasting(box)) == ""


def test_a_wish_is_counted_and_raised_only_where_it_is_asked_for() -> None:
    stop = Stop()
    with listening(stop):
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGHUP)
        assert stop.wishes == 1
        with pytest.raises(KeyboardInterrupt):
            stop.check()
        stop.is_deaf = True
        os.kill(os.getpid(), signal.SIGTERM)
        stop.check()
    assert stop.wishes == 1
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_what_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        stop = Stop()
        with listening(stop):
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert stop.wishes == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_command_is_read_to_the_end_however_its_lines_end() -> None:
    lines: list[str] = []
    script = r"printf 'one\r\n\n\377two\nlast'; exit 3"
    assert SystemRunner().run(("sh", "-c", script), lines.append) == 3
    assert lines == ["one", "", r"\xfftwo", "last"]


def test_a_command_that_closed_its_output_is_waited_for() -> None:
    lines: list[str] = []
    assert SystemRunner().run(("sh", "-c", "exec >&- 2>&-; sleep 0.5; exit 4"), lines.append) == 4


def test_a_wish_during_a_command_is_told_when_it_has_ended() -> None:
    runner = SystemRunner()
    lines: list[str] = []

    def line(text: str) -> None:
        lines.append(text)
        runner.stop.hear()

    with pytest.raises(Interrupted):
        runner.run(("sh", "-c", "echo begun; sleep 0.2; echo ended"), line)
    assert lines[0] == "begun"
    assert lines[-1] == "ended"
    runner.stop.is_deaf = True
    assert runner.run(("true",), lines.append) == 0
