"""A machine with an installed system, from one boot to the next: driven, rebooted, its power cut."""

from __future__ import annotations

import json
import shutil
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from tests.lab.full import disks
from tests.lab.full.machines import DEVICES
from tests.lab.full.systems import PASSWORD, Installed
from tests.lab.judge import Answer
from tests.lab.machine import Boot, LabError, Machine
from tests.lab.scenario import firmware

BOOT_TIMEOUT = 600.0
"""Seconds until the system answers. It takes about 30; a loaded machine may need several times that."""
SCRIPT_TIMEOUT = 2400.0
"""dracut is run twice where kernel-install builds the images, and takes two minutes on an idle machine."""

LOGIN = "login: "
DOWN, ENTER = "\x1b[B", "\r"


class File(NamedTuple):
    """One file as the machine has it: enough to say that it is as it was."""

    kind: str
    """``file``, ``link`` or ``folder``."""
    mode: str
    owner: str
    content: str
    """The SHA-256, or where the link points."""


class Menu(NamedTuple):
    """How to reach another boot entry than the first: what to wait for, then which keys."""

    waits_for: str
    keys: tuple[str, ...]


class Wire:
    """One serial port of the machine, from outside: QEMU listens, we call."""

    def __init__(self, path: Path, log: Path) -> None:
        self._path = path
        self.log = log
        self._socket: socket.socket | None = None

    def device(self, name: str) -> tuple[str, ...]:
        """QEMU's arguments for the port."""
        words = f"socket,id={name},path={self._path},server=on,wait=off"
        return ("-chardev", words, "-serial", f"chardev:{name}")

    def connect(self) -> None:
        """Call; QEMU needs a moment until it listens."""
        end = time.monotonic() + 20
        while True:
            self._socket = socket.socket(socket.AF_UNIX)
            try:
                self._socket.connect(str(self._path))
            except OSError:
                self._socket.close()
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
            else:
                self._socket.setblocking(False)
                return

    def write(self, text: str) -> None:
        """Type."""
        self._drain()
        if self._socket is not None:
            self._socket.sendall(text.encode())

    def shown(self) -> str:
        """All that came out of the port since power-on."""
        self._drain()
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
        self._path.unlink(missing_ok=True)

    def _drain(self) -> None:
        """QEMU waits when nobody takes what it sends. Its own log has bytes twice, so this is the log."""
        try:
            while self._socket is not None and (sent := self._socket.recv(1 << 16)):
                with self.log.open("ab") as log:
                    log.write(sent)
        except OSError:
            pass


class FullMachine:
    """An installed system with a disk of its own, on which boots follow each other."""

    def __init__(self, place: Installed, devices: str, folder: Path) -> None:
        """``devices`` names what is plugged in; ``folder`` takes the disk, the consoles and the answers."""
        self.place = place
        self.folder = folder
        self.boots = 0
        self._devices = DEVICES[devices]
        self._scripts = 0
        shutil.rmtree(folder, ignore_errors=True)
        self.share = folder / "share"
        self.share.mkdir(parents=True)
        self._disk = disks.overlay(place, folder)
        self._firmware = firmware(folder) if place.system.is_uefi else ()
        self._sockets = Path(tempfile.mkdtemp(prefix="lab-"))
        self._machine: Machine | None = None
        self.console = Wire(self._sockets / "none", folder / "console.log")
        self._bell = self.console

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.power_cut()
        shutil.rmtree(self._sockets, ignore_errors=True)
        self._disk.unlink(missing_ok=True)

    @property
    def is_on(self) -> bool:
        """Whether it runs."""
        return self._machine is not None and self._machine.is_on

    def plug(self, devices: str) -> None:
        """From the next boot on, other things are plugged in."""
        self._devices = DEVICES[devices]

    def power_on(self, menu: Menu | None = None) -> float:
        """Boot from the disk's own boot loader; the seconds until the system answers."""
        self.boots += 1
        folder = self.folder / f"boot-{self.boots}"
        folder.mkdir()
        self.console = Wire(self._sockets / f"console-{self.boots}", folder / "console.log")
        self._bell = Wire(self._sockets / f"bell-{self.boots}", folder / "bell.log")
        ports = (*self.console.device("console"), *self._bell.device("bell"))
        devices = (
            *self._firmware, *self._devices, *disks.disk_device(self._disk, "qcow2"),
            "-fsdev", f"local,path={self.share},security_model=none,id=share",
            "-device", "virtio-9p-pci,fsdev=share,mount_tag=share,addr=0x11",
        )  # fmt: skip
        self._machine = Machine(
            folder, Boot(), devices, cpu=disks.CPU, cores="2", memory=disks.MEMORY, serial=ports
        )
        self._machine.power_on()
        self.console.connect()
        self._bell.connect()
        if menu is not None:
            self.wait_for_console(menu.waits_for, 120)
            for key in menu.keys:
                self.console.write(key)
                time.sleep(1)
        self._wait(lambda: "agent: ready" in self._bell.shown(), BOOT_TIMEOUT, "the system never answered")
        return self._machine.seconds

    def run(self, script: str, timeout: float = SCRIPT_TIMEOUT) -> Answer:
        """Run a shell script as root in the running system."""
        return self.answer(self.ring(script), timeout)

    def ring(self, script: str) -> str:
        """Have a script started; ``answer`` waits for what it says."""
        self._scripts += 1
        name = f"script-{self._scripts:03}"
        (self.share / name).write_text(script + "\n")
        self._bell.write(f"{name}\n")
        return name

    def answer(self, name: str, timeout: float = SCRIPT_TIMEOUT) -> Answer:
        """What a started script said in the end."""
        self._wait(lambda: f"agent: done {name}" in self._bell.shown(), timeout, f"{name} was never done")
        out, err, code = (
            (self.share / f"{name}.{part}").read_text(errors="replace") for part in ("out", "err", "code")
        )
        return Answer(out, err, int(code))

    def files(self, *folders: str) -> dict[str, File]:
        """All files below folders (``etc boot``) as they are now."""
        told = self.run(f"python3 /lab/files.py {' '.join(folders)}")
        if told.code:
            message = f"the files could not be read: {told.err.strip()[-300:]}"
            raise LabError(message)
        return {path: File(*one) for path, one in json.loads(told.out).items()}

    def reboot(self, menu: Menu | None = None) -> float:
        """Shut down in order, then boot from the disk again; the seconds until the system answers."""
        self.power_off()
        return self.power_on(menu)

    def power_off(self) -> None:
        """Shut down in order."""
        self.ring("systemctl poweroff")
        self._wait(lambda: not self.is_on, 300, "it did not switch itself off")
        self._hang_up()

    def power_cut(self) -> None:
        """Take the power away, as a plug does."""
        if self._machine is not None:
            self._machine.power_cut()
        self._hang_up()

    def wait_for_console(self, words: str, timeout: float) -> None:
        """Wait until the console has shown ``words``."""
        self._wait(lambda: words in self.console.shown(), timeout, f"the console never showed {words!r}")

    def log_in(self, prompt: str = LOGIN) -> None:
        """Become root on the serial console, as a person does; rescue mode only asks for a password."""
        if prompt == LOGIN:
            self.console.write("\r")
            self.wait_for_console(prompt, 120)
            self.console.write("root\r")
            prompt = "assword: "
        self.wait_for_console(prompt, 120)
        self.console.write(f"{PASSWORD}\r")
        self.wait_for_console("# ", 120)

    def type(self, command: str, timeout: float = SCRIPT_TIMEOUT) -> int:
        """Type a command at the console's shell; its exit code."""
        mark = f"typed-{len(self.console.shown())}"
        self.console.write(f"{command}; echo {mark}=$?=\r")
        found: list[str] = []

        def is_there() -> bool:
            found[:] = [
                part.split("=")[0]
                for part in self.console.shown().split(f"{mark}=")[1:]
                if part[:1].isdigit()
            ]
            return bool(found)

        self._wait(is_there, timeout, f"{command!r} at the console was never done")
        return int(found[0])

    def _hang_up(self) -> None:
        self.console.close()
        self._bell.close()

    def _wait(self, is_so: Callable[[], bool], timeout: float, otherwise: str) -> None:
        end = time.monotonic() + timeout
        while not is_so():
            is_over = time.monotonic() > end
            if is_over or not (self.is_on or is_so()):
                why = f"within {timeout:.0f} s" if is_over else "and the machine is off"
                message = f"{otherwise} {why}; see {self.console.log}"
                raise LabError(message)
            self._bell.shown()
            self.console.shown()
            time.sleep(0.2)
