"""A tree that answers as the kernel's would: what is written to its drivers moves the card."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

GPU, AUDIO = "0000:0b:00.0", "0000:0b:00.1"
HOST_DRIVERS = {GPU: "amdgpu", AUDIO: "snd_hda_intel"}

SYSTEMCTL = """\
#!/bin/sh
echo "$*" >>"{root}/systemctl.log"
case $1 in
is-active) [ -e "{root}/display-runs" ] ;;
stop) rm -f "{root}/display-runs" ;;
start) : >"{root}/display-runs" ;;
esac
"""


class Machine:
    """sys, dev and run below one folder; binding works as long as ``answering``."""

    def __init__(self, root: Path, drivers: Mapping[str, str | None] = HOST_DRIVERS) -> None:
        """``drivers`` are the host's own for each function; None for a function that none wants."""
        self.root, self.natural = root, dict(drivers)
        self.pci = root / "sys/bus/pci"
        self.deaf: set[str] = set()
        """Drivers whose unbinding hangs."""
        self.refused: set[str] = set()
        """Functions that no driver takes."""
        names = {name for name in drivers.values() if name} | {"vfio-pci"}
        for name in names:
            (self.pci / "drivers" / name).mkdir(parents=True)
            os.mkfifo(self.pci / "drivers" / name / "unbind")
        os.mkfifo(self.pci / "drivers_probe")
        for address, driver in drivers.items():
            self._function(address, driver)
        (root / "bin").mkdir()
        systemctl = root / "bin/systemctl"
        systemctl.write_text(SYSTEMCTL.format(root=root))
        systemctl.chmod(0o755)
        (root / "mounts").write_text("")
        (root / "run").mkdir()

    def _function(self, address: str, driver: str | None) -> None:
        at = self.pci / "devices" / address
        at.mkdir(parents=True)
        (at / "driver_override").write_text("(null)\n")
        (at / "boot_vga").write_text("1\n" if address == GPU else "0\n")
        group = self.root / "sys/kernel/iommu_groups/14"
        group.mkdir(parents=True, exist_ok=True)
        (at / "iommu_group").symlink_to(group)
        if driver:
            self.bind(address, driver)
        if address == GPU:
            for name in ("card1", "renderD129"):
                (at / "drm" / name).mkdir(parents=True)
                self.node(f"dri/{name}")
        else:
            (at / "sound/card2").mkdir(parents=True)
            for name in ("controlC2", "pcmC2D3p", "hwC2D0", "pcmC20D0p"):
                self.node(f"snd/{name}")

    def node(self, name: str) -> Path:
        """A file in the place of a device node."""
        path = self.root / "dev" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        return path

    def console(self, number: int, name: str, bound: str = "1") -> Path:
        """A virtual console driver."""
        at = self.root / f"sys/class/vtconsole/vtcon{number}"
        at.mkdir(parents=True)
        (at / "name").write_text(f"(M) {name}\n")
        (at / "bind").write_text(f"{bound}\n")
        return at

    def bind(self, address: str, driver: str) -> None:
        """As the kernel does it."""
        link = self.pci / "devices" / address / "driver"
        link.unlink(missing_ok=True)
        link.symlink_to(self.pci / "drivers" / driver)

    def driver(self, address: str) -> str | None:
        """Who has the function now."""
        link = self.pci / "devices" / address / "driver"
        return link.readlink().name if link.is_symlink() else None

    def drivers(self) -> dict[str, str | None]:
        """Of all functions."""
        return {address: self.driver(address) for address in self.natural}

    def override(self, address: str) -> str:
        """What is in driver_override, without the newline."""
        return (self.pci / "devices" / address / "driver_override").read_text().strip()

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Listen to what is written, until the end of the block."""
        ends = [threading.Event()]
        threads = [threading.Thread(target=self._probe, args=(ends[0],))]
        folders = [one for one in (self.pci / "drivers").iterdir() if one.name not in self.deaf]
        threads += [threading.Thread(target=self._unbind, args=(one, ends[0])) for one in folders]
        for one in threads:
            one.start()
        try:
            yield
        finally:
            ends[0].set()
            for one in threads:
                one.join()

    def _unbind(self, folder: Path, end: threading.Event) -> None:
        for address in _lines(folder / "unbind", end):
            if self.driver(address) == folder.name:
                (self.pci / "devices" / address / "driver").unlink()

    def _probe(self, end: threading.Event) -> None:
        for address in _lines(self.pci / "drivers_probe", end):
            if self.driver(address) is None and address not in self.refused:
                wanted = self.override(address)
                driver = self.natural[address] if wanted in ("", "(null)") else wanted
                if driver:
                    self.bind(address, driver)


def _lines(path: Path, end: threading.Event) -> Iterator[str]:
    handle = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    try:
        while not end.wait(0.01):
            try:
                content = os.read(handle, 4096)
            except BlockingIOError:
                continue
            yield from content.decode().split()
    finally:
        os.close(handle)


@contextmanager
def holder(path: Path) -> Iterator[int]:
    """A process that has a file open."""
    code = "import sys; f = open(sys.argv[1]); print(flush=True); sys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield process.pid
    finally:
        process.communicate()
