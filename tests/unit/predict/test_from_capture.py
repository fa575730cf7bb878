"""A capture holds all that a prediction asks: it tells the next boot word for word as the machine does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.builders import RELEASE, SysfsTree
from tests.unit.system.archive.images import File, archive, packed
from vfio_wizard.cli import main

CARD = "0000:01:00.0"
TAKE = "for d in 0000:01:00.0; do echo vfio-pci > /sys/bus/pci/devices/$d/driver_override; done\n"
MODULES = f"lib/modules/{RELEASE}"
FILES = {
    f"{MODULES}/modules.alias": "alias pci:v00001002d00005159sv*sd*bc*sc*i* radeon\nalias pci:v0000* other\n",
    f"{MODULES}/modules.dep": "kernel/radeon.ko: kernel/ttm.ko\nkernel/vfio-pci.ko: kernel/vfio.ko\n"
    "kernel/ttm.ko:\nkernel/vfio.ko:\nkernel/pci-stub.ko:\n",
    f"{MODULES}/modules.builtin": "kernel/fs/ext4.ko\n",
    f"{MODULES}/modules.softdep": "softdep vfio post: vfio_iommu_type1\n",
    f"boot/vmlinuz-{RELEASE}": "",
    "boot/grub/grub.cfg": "menuentry 'Debian' {\n\tlinux /vmlinuz root=/dev/sda1 quiet\n}\n",
    "proc/sys/kernel/osrelease": RELEASE,
    "proc/cmdline": "BOOT_IMAGE=/vmlinuz quiet",
    "proc/modules": "radeon 1 0\n",
    "usr/lib/udev/rules.d/60-block.rules": 'SUBSYSTEM=="block"\n',
    "usr/lib/systemd/system/idle.service": "[Service]\nExecStart=/usr/bin/true --token=abc\n",
    "usr/lib/systemd/system/sysinit.target.wants/idle.service": "",
}
UNIT = "etc/systemd/system/take.service"


class Case(NamedTuple):
    """A set-up by its files, and who gets the card."""

    name: str
    files: dict[str, str]
    driver: str | None
    image: tuple[File, ...] = ()


CASES = (
    Case("nothing", {}, "radeon"),
    Case(
        "ids and a softdep",
        {"etc/modprobe.d/vfio.conf": "options vfio-pci ids=1002:5159\nsoftdep radeon pre: vfio-pci\n"},
        "vfio-pci",
    ),
    Case(
        "a rule of udev",
        {
            "etc/udev/rules.d/10-card.rules": f'KERNEL=="{CARD}", ATTR{{driver_override}}="vfio-pci", '
            'RUN{builtin}+="kmod load vfio-pci"\n'
        },
        "vfio-pci",
    ),
    Case(
        "a unit with a script",
        {
            UNIT: "[Unit]\nBefore=systemd-udev-trigger.service\n[Service]\nEnvironment=PASSWORD=hunter2\n"
            "ExecStart=/bin/sh /usr/local/sbin/take card\n",
            "etc/systemd/system/sysinit.target.wants/take.service": "",
            "usr/local/sbin/take": f"#!/bin/sh\n{TAKE}modprobe -i vfio-pci\n",
        },
        "vfio-pci",
    ),
    Case(
        "modules-load.d",
        {
            "etc/modules-load.d/vfio.conf": "vfio-pci\n",
            "etc/modprobe.d/vfio.conf": "options vfio-pci ids=1002:5159\nblacklist radeon\n",
        },
        "vfio-pci",
    ),
    Case(
        "driverctl",
        {
            f"etc/driverctl.d/pci-{CARD}": "vfio-pci\n",
            "usr/lib/udev/rules.d/05-driverctl.rules": 'ENV{DRIVERCTL}="x", RUN+="driver_override"\n',
        },
        "vfio-pci",
    ),
    Case("blacklisted on the line", {"proc/cmdline": "modprobe.blacklist=radeon"}, None),
    Case(
        "an image with the host's driver",
        {"etc/modprobe.d/vfio.conf": "options vfio-pci ids=1002:5159\n"},
        "radeon",
        (
            File("scripts/functions"),
            File("conf/modules", b"radeon\nvfio_pci\n"),
            File(f"usr/lib/modules/{RELEASE}/kernel/radeon.ko"),
            File(f"usr/lib/modules/{RELEASE}/kernel/vfio-pci.ko"),
            File("etc/modprobe.d/vfio.conf", b"options vfio-pci ids=1002:5159\n"),
        ),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_prediction_from_a_capture_is_that_of_the_machine(
    case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, record = tmp_path / "root", str(tmp_path / "capture.json")
    _build(root, case)
    assert main(["capture", "--host", str(root), "-o", record]) == 0
    capsys.readouterr()
    machine, capture = (_predicted(capsys, host) for host in (str(root), record))
    assert machine == capture
    (kernel,) = json.loads(machine)["kernels"]
    assert [one["driver"] for one in kernel["functions"]] == [case.driver]
    assert not any("left out" in note for note in kernel["notes"])


def test_programs_of_units_are_recorded_without_their_arguments(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, record = tmp_path / "root", tmp_path / "capture.json"
    _build(root, next(one for one in CASES if one.name == "a unit with a script"))
    main(["capture", "--host", str(root), "-o", str(record)])
    capsys.readouterr()
    text = record.read_text()
    assert "/usr/local/sbin/take" in text
    assert [word for word in ("hunter2", "token=abc", "take card") if word in text] == []


def test_a_script_that_a_capture_may_not_hold_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, record = tmp_path / "root", str(tmp_path / "capture.json")
    files = {
        UNIT: "[Service]\nExecStart=/root/take\n",
        "etc/systemd/system/multi-user.target.wants/take.service": "",
        "root/take": f"#!/bin/sh\n{TAKE}",
    }
    _build(root, Case("a script of root's own", files, "radeon"))
    main(["capture", "--host", str(root), "-o", record])
    capsys.readouterr()
    (kernel,) = json.loads(_predicted(capsys, record))["kernels"]
    assert any("root/take" in note for note in kernel["notes"])


def _predicted(capsys: pytest.CaptureFixture[str], host: str) -> str:
    assert main(["predict", "--json", "--host", host]) == 0
    return capsys.readouterr().out


def _build(root: Path, case: Case) -> None:
    SysfsTree(root).pci(CARD, vendor=0x1002, device=0x5159, cls=0x030000, driver="radeon", group=5)
    (root / "etc").mkdir(exist_ok=True)
    for name, text in (FILES | case.files).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    if case.image:
        (root / f"boot/initrd.img-{RELEASE}").write_bytes(packed("gzip", archive(*case.image)))
