"""One emulated machine: started, waited for, cut off, its console kept.

Never KVM: the lab gives the same answers on every machine that can run QEMU, at emulation's speed.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
import time
from pathlib import Path
from typing import NamedTuple, Self

from tests.unpacking import unpack

GZIP = b"\x1f\x8b\x08"

QEMU = "qemu-system-x86_64"

ALWAYS = (
    "-machine", "q35,kernel-irqchip=split", "-accel", "tcg,thread=multi",
    "-display", "none", "-vga", "none", "-nic", "none", "-no-user-config", "-nodefaults", "-no-reboot",
)  # fmt: skip


class LabError(Exception):
    """A machine did not do what a scenario needs; says where its console log is."""


class Boot(NamedTuple):
    """What a machine starts from; without a kernel, from its own disks and boot loader."""

    kernel: Path | None = None
    initrd: Path | None = None
    parameters: tuple[str, ...] = ()

    def arguments(self) -> tuple[str, ...]:
        """QEMU's spelling."""
        if self.kernel is None:
            return ()
        initrd = ("-initrd", str(self.initrd)) if self.initrd else ()
        return ("-kernel", str(self.kernel), *initrd, "-append", " ".join(self.parameters))


class Machine:
    """A machine under emulation; leaving the ``with`` block cuts its power."""

    def __init__(
        self,
        folder: Path,
        boot: Boot,
        devices: tuple[str, ...] = (),
        *,
        cpu: str = "max",
        cores: str = "1",
        memory: int = 1024,
        serial: tuple[str, ...] = (),
    ) -> None:
        """``folder`` takes the console log, what comes out of the report port, and QEMU's own complaints.

        ``serial`` replaces both ports, for machines that are talked to; the console log is theirs to keep.
        """
        self.folder = folder
        ports = serial or ("-serial", f"file:{self.console}", "-serial", f"file:{self.report}")
        self._command = (
            QEMU, *ALWAYS, "-cpu", cpu, "-smp", cores, "-m", str(memory), *boot.arguments(), *ports, *devices,
        )  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0

    @property
    def console(self) -> Path:
        """The log of the first serial port."""
        return self.folder / "console.log"

    @property
    def report(self) -> Path:
        """What the machine sent to its second serial port."""
        return self.folder / "report.tar.gz"

    @property
    def is_on(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def seconds(self) -> float:
        """Since power-on."""
        return time.monotonic() - self._started

    def power_on(self) -> None:
        """Start; what QEMU has to complain about goes to ``qemu.log``."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "qemu.log").open("wb") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._started = time.monotonic()

    def wait_for_power_off(self, timeout: float) -> float:
        """The seconds from power-on until the machine switched itself off.

        Raises ``LabError`` when it is still on after ``timeout`` seconds, or QEMU failed.
        """
        try:
            code = self._running().wait(timeout)
        except subprocess.TimeoutExpired:
            self.power_cut()
            message = f"still on after {timeout:.0f} s, power cut; see {self.console}"
            raise LabError(message) from None
        if code:
            message = f"QEMU ended with code {code}: {(self.folder / 'qemu.log').read_text()[-300:]}"
            raise LabError(message)
        return self.seconds

    def wait_for_console(self, words: str, timeout: float) -> None:
        """Wait until the console has shown ``words``; for scenarios that cut the power at a moment."""
        end = time.monotonic() + timeout
        while words not in self.shown():
            if time.monotonic() > end or self._running().poll() is not None:
                message = f"the console never showed {words!r}; see {self.console}"
                raise LabError(message)
            time.sleep(0.2)

    def shown(self) -> str:
        """All that the console has shown."""
        return self.console.read_text(errors="replace") if self.console.exists() else ""

    def unpack_report(self, folder: Path) -> None:
        """Unpack what the machine sent; UEFI firmware writes its own talk to that port before."""
        sent = self.report.read_bytes()
        start = sent.find(GZIP)
        if start < 0:
            message = f"the machine sent no report; see {self.console}"
            raise LabError(message)
        with tarfile.open(fileobj=io.BytesIO(sent[start:])) as report:
            unpack(report, folder, "data")

    def power_cut(self) -> None:
        """Take the power away, as a plug does; nothing more is written."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        self.power_on()
        return self

    def __exit__(self, *failure: object) -> None:
        self.power_cut()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            message = "the machine was never switched on"
            raise LabError(message)
        return self._process
