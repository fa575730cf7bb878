"""Reading a card's own ROM, which needs a write: the window is switched on, read, and always switched off.

The kernel gives the valid chain of images only (linux 6.12: drivers/pci/pci-sysfs.c pci_read_rom).
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn, Protocol

from vfio_wizard.model.errors import WizardError
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.rom import LARGEST

ON, OFF = b"1\n", b"0\n"
"""Two bytes each: the kernel takes a ``0`` without its newline for a request to switch it on."""

LONGEST_SECONDS = 30.0
"""A slow flash chip needs two seconds for a MiB; a card that hangs must not be waited for."""

_CHUNK = 64 << 10
_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


class Window(Protocol):
    """The window through which the ROM is seen."""

    def write(self, word: bytes) -> None:
        """Switch it on or off. Raises OSError."""

    def read(self, at: int, size: int) -> bytes:
        """Bytes from an offset; none behind the end. Raises OSError."""


class SysfsWindow:
    """``/sys/bus/pci/devices/…/rom`` of this machine."""

    def __init__(self, path: str) -> None:
        """``path`` is the attribute. Raises WizardError where it cannot be opened."""
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            message = f"cannot open {path}: {(error.strerror or str(error)).lower()}; run it as root"
            raise WizardError(message) from None

    def write(self, word: bytes) -> None:
        """One write at offset 0: the kernel looks at both."""
        os.pwrite(self._handle, word, 0)

    def read(self, at: int, size: int) -> bytes:
        """Bytes of the ROM."""
        return os.pread(self._handle, size, at)

    def close(self) -> None:
        """Give the file back."""
        os.close(self._handle)


def dump_rom(address: PciAddress) -> bytes:
    """The ROM of a function of this machine. Raises WizardError; the window is off afterwards."""
    window = SysfsWindow(f"/sys/bus/pci/devices/{address}/rom")
    try:
        return read_through(window)
    finally:
        window.close()


def read_through(window: Window, seconds: float = LONGEST_SECONDS) -> bytes:
    """Switch on, read all, switch off, whatever happens in between. Raises WizardError."""
    with _signals_as_interrupts():
        try:
            window.write(ON)
            content = _all(window, time.monotonic() + seconds)
        except OSError as error:
            message = f"the card's ROM cannot be read: {(error.strerror or str(error)).lower()}"
            raise WizardError(message) from None
        finally:
            _off(window)
    if not content:
        message = (
            "the card's ROM cannot be read: the kernel found no image in the window, or could not map it"
        )
        raise WizardError(message)
    return content


def _all(window: Window, until: float) -> bytes:
    parts: list[bytes] = []
    size = 0
    while size <= LARGEST:
        part = window.read(size, _CHUNK)
        if not part:
            return b"".join(parts)
        parts.append(part)
        size += len(part)
        if time.monotonic() > until:
            message = "the card answers too slowly: its ROM was not read to the end"
            raise WizardError(message)
    message = f"the card's ROM has no end within {LARGEST >> 20} MiB"
    raise WizardError(message)


def _off(window: Window) -> None:
    """A second signal waits until it is done."""
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        window.write(OFF)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        message = f"the ROM's window could not be switched off again ({reason}); a reboot does it"
        raise WizardError(message) from None
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


@contextmanager
def _signals_as_interrupts() -> Iterator[None]:
    """A signal that would end the program becomes an exception, so that the window is switched off first.

    Signals reach the main thread only, which alone may say what they do.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _interrupt) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
