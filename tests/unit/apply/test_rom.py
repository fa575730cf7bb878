"""The window to a card's ROM is always switched off: after errors, endless cards and signals."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.rom_builder import WHOLE
from vfio_wizard.apply.rom import OFF, ON, SysfsWindow, read_through
from vfio_wizard.model.errors import WizardError
from vfio_wizard.model.rom import LARGEST


class Recorded:
    """A window as the kernel behaves: refuses reads while it is off, and needs both bytes of ``0\\n``."""

    def __init__(self, content: bytes, trouble: Callable[[int], None] | None = None) -> None:
        self.content = content
        self.trouble = trouble
        self.is_on = False
        self.words: list[bytes] = []

    def write(self, word: bytes) -> None:
        self.words.append(word)
        self.is_on = word != b"0\n"

    def read(self, at: int, size: int) -> bytes:
        if not self.is_on:
            raise OSError(22, "Invalid argument")
        if self.trouble is not None:
            self.trouble(at)
        return self.content[at : at + size]


def test_all_of_it_is_read_and_the_window_closed() -> None:
    window = Recorded(WHOLE * 100)
    assert read_through(window) == WHOLE * 100
    assert window.words == [ON, OFF]
    assert not window.is_on


def _fail(_at: int) -> None:
    raise OSError(5, "Input/output error")


def _fail_later(at: int) -> None:
    if at:
        _fail(at)


@pytest.mark.parametrize("trouble", [_fail, _fail_later])
def test_a_card_that_fails_is_a_message(trouble: Callable[[int], None]) -> None:
    window = Recorded(bytes(1 << 20), trouble)
    with pytest.raises(WizardError, match="input/output error"):
        read_through(window)
    assert not window.is_on


def test_an_empty_window_is_a_message() -> None:
    with pytest.raises(WizardError, match="found no image"):
        read_through(Recorded(b""))


class Endless(Recorded):
    """A card that never says that it is over."""

    def read(self, at: int, size: int) -> bytes:
        super().read(at, size)
        return bytes(size)


def test_an_endless_card_is_stopped() -> None:
    window = Endless(b"")
    with pytest.raises(WizardError, match=f"no end within {LARGEST >> 20} MiB"):
        read_through(window)
    assert not window.is_on


def test_a_slow_card_is_not_waited_for() -> None:
    window = Endless(b"")
    with pytest.raises(WizardError, match="too slowly"):
        read_through(window, seconds=0)
    assert not window.is_on


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals_close_the_window_first(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    window = Recorded(WHOLE, lambda _at: os.kill(os.getpid(), number))
    with pytest.raises(KeyboardInterrupt):
        read_through(window)
    assert not window.is_on
    assert signal.getsignal(number) is before


class Stubborn(Recorded):
    """A window that cannot be switched off."""

    def write(self, word: bytes) -> None:
        super().write(word)
        if word == OFF:
            raise OSError(19, "No such device")


def test_a_window_that_stays_open_is_said() -> None:
    with pytest.raises(WizardError, match="could not be switched off again"):
        read_through(Stubborn(WHOLE))


def test_another_thread_may_read_too() -> None:
    found: list[bytes] = []
    thread = threading.Thread(target=lambda: found.append(read_through(Recorded(WHOLE))))
    thread.start()
    thread.join()
    assert found == [WHOLE]


def test_the_real_file_is_written_at_its_beginning_in_one_piece(tmp_path: Path) -> None:
    file = tmp_path / "rom"
    file.write_bytes(b"..ROM")
    window = SysfsWindow(str(file))
    window.write(ON)
    assert file.read_bytes() == b"1\nROM"
    assert (window.read(2, 99), window.read(5, 99)) == (b"ROM", b"")
    window.write(OFF)
    window.close()
    assert file.read_bytes() == b"0\nROM"


def test_a_card_that_is_not_there_is_a_message(tmp_path: Path) -> None:
    with pytest.raises(WizardError, match="cannot open"):
        SysfsWindow(str(tmp_path / "rom"))
