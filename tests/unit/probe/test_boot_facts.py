"""Module tables and the root's own files, from a tree."""

from __future__ import annotations

from pathlib import Path

from tests.builders import RELEASE, SysfsTree
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.modules import NextBoot
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.probe.boot_facts import read_next_boot
from vfio_wizard.probe.gather import gather
from vfio_wizard.system.host import RootHost

CARD = "0000:01:00.0"
MODULES = f"lib/modules/{RELEASE}"
FILES = {
    f"{MODULES}/modules.alias": "alias pci:v00001002d00005159sv*sd*bc*sc*i* radeon\n",
    f"{MODULES}/modules.dep": "kernel/radeon.ko.xz: kernel/ttm.ko.xz kernel/drm.ko.xz\nkernel/other.ko.xz:\n"
    "kernel/vfio-pci.ko: kernel/vfio.ko\n",
    f"{MODULES}/modules.builtin": "kernel/drivers/b.ko\nkernel/drivers/a-b.ko\n",
    f"{MODULES}/modules.softdep": "# made by depmod\nsoftdep vfio post: vfio_iommu_type1\n",
    "proc/sys/kernel/osrelease": RELEASE,
    "etc/modules-load.d/a.conf": "# early\nvfio-pci\n; no\n",
    "usr/lib/modules-load.d/a.conf": "hidden\n",
    "etc/driverctl.d/pci-0000:01:00.0": "vfio-pci\n",
    "etc/driverctl.d/vmbus-x": "other\n",
    "etc/udev/rules.d/10-vfio.rules": 'KERNEL=="0000:01:00.0", ATTR{driver_override}="vfio-pci"\n',
    "usr/lib/udev/rules.d/60-other.rules": "# nothing of interest\n",
    "etc/systemd/system/take.service": "[Service]\nExecStart=/usr/local/sbin/take\n",
    "etc/systemd/system/idle.service": "[Service]\nExecStart=/usr/local/sbin/take\n",
    "etc/systemd/system/multi-user.target.wants/take.service": "",
    "usr/local/sbin/take": "#!/bin/sh\necho vfio-pci > /sys/bus/pci/devices/0000:01:00.0/driver_override\n",
}


def _read(tmp_path: Path) -> tuple[HostFacts, NextBoot]:
    SysfsTree(tmp_path).pci(CARD, vendor=0x1002, device=0x5159, cls=0x030000, driver="radeon", group=5)
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    host = RootHost(str(tmp_path))
    facts = gather(host)
    return facts, read_next_boot(host, facts, {})


def test_tables_of_the_kernel(tmp_path: Path) -> None:
    _, boot = _read(tmp_path)
    (tables,) = boot.kernels
    assert tables.matches == {PciAddress.parse(CARD): ("radeon",)}
    assert tables.builtin == ("b", "a_b")
    assert isinstance(tables.depends, dict)
    assert tables.depends["radeon"] == ("drm", "ttm")
    assert tables.depends["drm"] == ()
    assert "other" not in tables.depends
    assert [line.module for line in tables.softdeps] == ["vfio"]


def test_files_of_the_root(tmp_path: Path) -> None:
    _, boot = _read(tmp_path)
    assert [(one.module, one.origin) for one in boot.root.loads] == [
        ("vfio_pci", "etc/modules-load.d/a.conf:2")
    ]
    assert [(str(one.address), one.driver) for one in boot.root.driverctl] == [(CARD, "vfio-pci")]
    assert [one.path for one in boot.root.overrides] == [
        "etc/udev/rules.d/10-vfio.rules",
        "etc/systemd/system/take.service",
    ]
    assert "driver_override" in boot.root.overrides[1].text
