"""Each attribute of a machine in turn empty, huge, binary, absurd, closed or gone: never a traceback.

By default one recorded machine, and all attributes of a kind at once; with VFIO_WIZARD_FUZZ=1 (``make fuzz``)
every recorded machine, and each attribute by itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders import SysfsTree
from tests.fuzz.targets import FIXTURES, judged
from tests.fuzz.trouble import Trouble, TroubledHost, kind_of_path
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.unread import Unread
from vfio_wizard.predict.predict import predict
from vfio_wizard.probe.boot_facts import read_next_boot
from vfio_wizard.probe.gather import gather
from vfio_wizard.probe.images import read_images
from vfio_wizard.system.capture import CaptureHost
from vfio_wizard.system.host import Host, RootHost

EVERYTHING = bool(os.environ.get("VFIO_WIZARD_FUZZ"))
MACHINES = sorted(path.parent.name for path in FIXTURES.glob("*/host.json"))
CHOSEN = MACHINES if EVERYTHING else ["lab-6.12-vfio-bound"]
RACES = 12


def machine(name: str) -> Host:
    return CaptureHost.parse((FIXTURES / name / "host.json").read_text(), name)


def looked_at(host: Host) -> HostFacts:
    """All that any command reads of a machine, and all that is made of it."""
    facts = gather(host)
    judged(facts)
    if not isinstance(facts.kernels, Unread):
        images = {one.release: one.image for one in read_images(host, facts.kernels)}
        predict(facts, images, read_next_boot(host, facts, images))
    return facts


def paths_of(name: str) -> list[str]:
    host = TroubledHost(machine(name), lambda _path, _at: False, Trouble.EMPTY)
    looked_at(host)
    return sorted(set(host.asked))


def _is(kind: str) -> Callable[[str, int], bool]:
    return lambda path, _at: kind_of_path(path) == kind


def _from(start: int) -> Callable[[str, int], bool]:
    return lambda _path, at: at >= start


def _equals(wanted: str) -> Callable[[str, int], bool]:
    return lambda path, _at: path == wanted


@pytest.mark.parametrize("trouble", Trouble)
@pytest.mark.parametrize("name", CHOSEN)
def test_every_attribute_in_turn(name: str, trouble: Trouble) -> None:
    inner, paths = machine(name), paths_of(name)
    assert len(paths) > 100
    if EVERYTHING:
        cases = [(path, _equals(path)) for path in paths]
    else:
        cases = [(kind, _is(kind)) for kind in dict.fromkeys(map(kind_of_path, paths))]
    for label, is_troubled in cases:
        try:
            looked_at(TroubledHost(inner, is_troubled, trouble))
        except Exception as error:
            pytest.fail(f"{trouble.value} {label}: {type(error).__name__}: {error}")


@pytest.mark.parametrize("trouble", [one for one in Trouble if one is not Trouble.HUGE])
def test_everything_at_once(trouble: Trouble) -> None:
    looked_at(TroubledHost(machine(MACHINES[0]), lambda _path, _at: True, trouble))


@pytest.mark.parametrize("name", CHOSEN)
def test_devices_that_leave_while_they_are_read(name: str) -> None:
    inner = machine(name)
    quiet = TroubledHost(inner, lambda _path, _at: False, Trouble.VANISHED)
    looked_at(quiet)
    count = len(quiet.asked)
    for start in range(0, count, 1 if EVERYTHING else count // RACES):
        looked_at(TroubledHost(inner, _from(start), Trouble.VANISHED))


# -- real files -------------------------------------------------------------------------------------


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _directory(path: Path) -> None:
    path.mkdir()


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


def _bytes(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 64)


@pytest.mark.parametrize("replace", [_loop, _directory, _pipe, _sparse, _bytes])
def test_files_that_are_something_else(replace: Callable[[Path], None], tmp_path: Path) -> None:
    """A pipe would wait for a writer, a sparse file fill the memory, a link lead in a circle."""
    tree = SysfsTree(tmp_path).file("proc/cmdline", "quiet\n").file("proc/meminfo", "MemTotal: 1000 kB\n")
    tree.file("proc/cpuinfo", "vendor_id : AuthenticAMD\nflags : svm\n").files(
        "sys/devices/system/cpu", online="0"
    )
    tree.cpu(0, core_cpus_list=0, physical_package_id=0, core_id=0)
    tree.pci(
        "0000:01:00.0", vendor=0x1002, cls=0x030000, driver="amdgpu", group=1, boot_vga=True, reset="bus"
    )
    tree.file("etc/modprobe.d/x.conf", "options vfio-pci ids=1002:731f\n").file(
        "etc/os-release", "ID=debian\n"
    )
    files = [path for path in tmp_path.rglob("*") if path.is_file() and not path.is_symlink()]
    for path in files:
        content = path.read_bytes()
        path.unlink()
        replace(path)
        looked_at(RootHost(str(tmp_path)))
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        path.write_bytes(content)
