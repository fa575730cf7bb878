"""Real QEMU starts what is printed: firmware, TPM, disk, screens, and shared memory of the computed size.

Devices of a host are left out, which only a host that has them can give; the full lab does that.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.domain.cases import CASES, Case
from vfio_wizard.model.domain import Cdrom, Disk, DomainSpec, Memory
from vfio_wizard.render.domain_xml import domain_xml
from vfio_wizard.system.libvirt_host import read_offer

pytestmark = [pytest.mark.libvirtd, pytest.mark.slow]

MEMORY = "looking-glass"
STARTED = ("windows11-shm", "windows10-off", "windows11-idd", "linux-shm", "linux-evdev-block")


@pytest.fixture
def folder() -> Iterator[Path]:
    """With a disk and a disc that any user may open: QEMU runs as the daemon's."""
    with tempfile.TemporaryDirectory(prefix="lv", dir="/tmp") as name:
        place = Path(name)
        place.chmod(0o755)
        disk, disc = place / "disk.qcow2", place / "disc.iso"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", disk, "1G"], check=True, timeout=60)
        disc.write_bytes(bytes(1 << 20))
        for path in (disk, disc):
            path.chmod(0o666)
        yield place


@pytest.fixture
def memory() -> Iterator[Path]:
    """A name of the test's own in /dev/shm, so that nobody's picture is touched."""
    place = Path("/dev") / "shm" / f"vfio-wizard-test-{os.getpid()}"
    yield place
    place.unlink(missing_ok=True)


def startable(case: Case, connection: Any, folder: Path) -> DomainSpec:
    """The guest without what only its own host has, small, and emulated."""
    spec = case.plan(read_offer(connection).versions).spec
    return spec._replace(
        emulated=True,
        memory=Memory(256),
        cpus=spec.cpus._replace(vcpus=(), emulator=(), iothreads=((),)),
        disks=tuple(Disk(str(folder / "disk.qcow2")) for _ in spec.disks),
        cdroms=tuple(one._replace(path=one.path and str(folder / "disc.iso")) for one in spec.cdroms),
        nics=(),
        cards=(),
        others=(),
        evdev=(),
        usb=(),
    )


def start(spec: DomainSpec, connection: Any, memory: Path) -> Any:
    text = domain_xml(spec).replace(f'name="{MEMORY}"', f'name="{memory.name}"')
    return connection.createXML(text)


def by_name(name: str) -> Case:
    return next(case for case in CASES if case.name == name)


@pytest.mark.parametrize("name", STARTED)
def test_qemu_starts_it_and_the_picture_has_its_room(
    name: str, real: Any, folder: Path, memory: Path
) -> None:
    spec = startable(by_name(name), real, folder)
    guest = start(spec, real, memory)
    try:
        assert guest.isActive()
        size = spec.mirroring.size_mib << 20 if spec.mirroring else None
        assert (memory.stat().st_size if memory.exists() else None) == size
    finally:
        guest.destroy()


def test_memory_of_another_size_keeps_the_guest_from_starting(real: Any, folder: Path, memory: Path) -> None:
    """Which is why it is looked for, and said to be deleted."""
    spec = startable(by_name("windows11-shm"), real, folder)
    assert spec.mirroring is not None
    start(spec, real, memory).destroy()
    larger = spec._replace(mirroring=spec.mirroring._replace(size_mib=spec.mirroring.size_mib * 2))
    with pytest.raises(Exception, match=r"(does not match|is too small for) 'size' option"):
        start(larger, real, memory)


def test_an_empty_drive_is_no_reason_not_to_start(real: Any, folder: Path, memory: Path) -> None:
    spec = startable(by_name("windows10-off"), real, folder)
    guest = start(spec._replace(cdroms=(Cdrom(None, bootable=True),)), real, memory)
    try:
        assert guest.isActive()
    finally:
        guest.destroy()
