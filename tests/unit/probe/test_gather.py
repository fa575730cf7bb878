"""All facts in one pass: of whole trees, half trees, spoiled trees and this machine."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders import RELEASE, SysfsTree
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.iommu import IommuGroup
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.probe.gather import gather
from vfio_wizard.system.capture import CaptureHost
from vfio_wizard.system.host import RootHost
from vfio_wizard.system.record import capture, document_text

GPU = "0000:01:00.0"
CPUINFO = "processor\t: 0\nvendor_id\t: AuthenticAMD\nflags\t\t: svm\n\n"
RUBBISH = (
    b"",
    b"\n",
    bytes(range(256)),
    b"\0" * 4096,
    b"A" * 70_000,
    b"-1\n",
    b"0x\n",
    "٣é\n".encode(),
    b"= : - / \n",
)


def machine(root: Path) -> SysfsTree:
    """A small machine with something for each probe."""
    tree = SysfsTree(root).file("proc/cpuinfo", CPUINFO).file("proc/meminfo", "MemTotal: 1000 kB\n")
    tree.file("proc/sys/kernel/osrelease", RELEASE + "\n").file("proc/cmdline", "root=/dev/sda1 iommu=pt\n")
    tree.file("proc/version", "Linux version").file("etc/os-release", 'ID=debian\nVERSION_ID="13"\n')
    tree.pci("0000:00:01.0", cls=0x060400, driver="pcieport", group=1)
    tree.pci(GPU, vendor=0x1002, device=0x731F, cls=0x030000, driver="amdgpu", group=1, parent="0000:00:01.0")
    tree.pci("0000:00:17.0", cls=0x010601, driver="ahci", group=2)
    tree.aliases("alias pci:v00001002d0000731Fsv*sd*bc*sc*i* amdgpu")
    tree.drm("card0", GPU, DP_1="connected").net("eth0", "0000:00:17.0")
    tree.disk("sda1", "8:1", tree.device("0000:00:17.0") + "/ata1/block/sda/sda1")
    tree.file("proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n")
    tree.cpu(0, core_cpus_list=0, physical_package_id=0, core_id=0).files("sys/devices/system/cpu", online=0)
    return tree.file("etc/modprobe.d/vfio.conf", "options vfio-pci ids=1002:731f\n")


def test_every_probe_contributes_to_the_facts(tmp_path: Path) -> None:
    facts = gather(machine(tmp_path).host())

    assert facts.source == (False, "directory", str(tmp_path), True)
    assert facts.kernel.release == RELEASE
    assert facts.cpu.vendor == "amd"
    gpu = facts.function(PciAddress.parse(GPU))
    assert gpu is not None
    assert (gpu.driver, gpu.group, gpu.modules) == ("amdgpu", 1, ("amdgpu",))
    assert not isinstance(facts.iommu.groups, Unread)
    assert [group.number for group in facts.iommu.groups] == [1, 2]
    assert not isinstance(facts.display.connectors, Unread)
    assert facts.display.connectors[0].function == gpu.address
    assert not isinstance(facts.network, Unread)
    assert facts.network[0].function == PciAddress(0, 0, 0x17, 0)
    assert not isinstance(facts.disks, Unread)
    assert facts.disks[0].functions == (PciAddress(0, 0, 0x17, 0),)
    assert facts.memory.total_kib == 1000
    assert not isinstance(facts.modprobe, Unread)
    assert facts.modprobe.options("vfio_pci")[0].rest == "ids=1002:731f"


def test_groups_are_made_from_links_where_only_those_were_copied(tmp_path: Path) -> None:
    tree = machine(tmp_path)
    shutil.rmtree(tmp_path / "sys/kernel")
    groups = gather(tree.host()).iommu.groups

    assert not isinstance(groups, Unread)
    assert [(group.number, group.members) for group in groups] == [
        (1, (PciAddress(0, 0, 1, 0), PciAddress(0, 1, 0, 0))),
        (2, (PciAddress(0, 0, 0x17, 0),)),
    ]
    assert all(isinstance(group.type, Unread) and isinstance(group.reserved, Unread) for group in groups)


def test_groups_of_the_kernel_are_taken_as_they_are(tmp_path: Path) -> None:
    groups = gather(machine(tmp_path).host()).iommu.groups
    assert not isinstance(groups, Unread)
    assert groups[1] == IommuGroup(2, (PciAddress(0, 0, 0x17, 0),), "DMA-FQ", ())


def test_an_empty_directory_is_all_gaps_and_no_answer(tmp_path: Path) -> None:
    facts = gather(RootHost(str(tmp_path)))
    answers = (
        facts.pci,
        facts.iommu.groups,
        facts.cpu.flags,
        facts.kernel.release,
        facts.network,
        facts.disks,
    )
    assert all(isinstance(answer, Unread) for answer in answers)
    assert isinstance(facts.source.complete, Unread)


def test_what_was_not_asked_for_is_untold(tmp_path: Path) -> None:
    facts = gather(machine(tmp_path).host(), topology=False, holders=False)
    assert isinstance(facts.cpu.cores, Unread)
    assert facts.cpu.cores.gap is Gap.UNTOLD


def without_details(fact: object) -> object:
    """A fact in which a gap is its place and kind: why a source is silent is told in its own words."""
    if isinstance(fact, Unread):
        return (fact.path, fact.gap)
    return tuple(map(without_details, fact)) if isinstance(fact, tuple) else fact


def test_a_capture_of_a_machine_tells_what_the_machine_told(tmp_path: Path) -> None:
    tree = machine(tmp_path).file("proc/iomem", "  e0000000-e02fffff : BOOTFB\n")
    tree.files("sys/kernel/irq/9", chip_name="IR-IO-APIC").group(1, "identity", "0x1 0x2 msi\n")
    tree.file("proc/net/route", "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n")
    document = capture(tree.host(), lambda host: gather(host, holders=False), strict=True)
    told = gather(CaptureHost.parse(document_text(document), "x"), holders=False)
    seen = gather(tree.host(), holders=False)

    for part in ("pci", "iommu", "network", "disks", "cpu", "display", "memory"):
        assert without_details(getattr(told, part)) == without_details(getattr(seen, part))
    assert told.source.kind == "capture"


@pytest.mark.parametrize("seed", range(12))
def test_no_rubbish_in_any_file_raises(tmp_path: Path, seed: int) -> None:
    tree = machine(tmp_path)
    chance = random.Random(seed)  # noqa: S311 - a repeatable choice, no secret
    files = sorted(path for path in tmp_path.rglob("*") if path.is_file() and not path.is_symlink())
    for path in chance.sample(files, len(files) // 3):
        path.write_bytes(chance.choice(RUBBISH))
    assert isinstance(gather(tree.host()), HostFacts)


@pytest.mark.parametrize("seed", range(6))
def test_no_missing_part_raises(tmp_path: Path, seed: int) -> None:
    tree = machine(tmp_path)
    chance = random.Random(seed)  # noqa: S311 - as above
    for path in sorted(tmp_path.rglob("*"), reverse=True):
        if chance.random() < 0.2:
            if path.is_symlink() or path.is_file():
                path.unlink()
            else:
                shutil.rmtree(path)
    assert isinstance(gather(tree.host()), HostFacts)


def test_reading_a_machine_needs_no_heavy_module() -> None:
    script = "import sys, vfio_wizard.probe.gather; print(*sorted(sys.modules))"
    alone = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    seen = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=alone
    )
    heavy = {
        "dataclasses",
        "pathlib",
        "tomllib",
        "subprocess",
        "socket",
        "asyncio",
        "inspect",
        "tempfile",
        "shutil",
    }
    assert heavy & set(seen.stdout.split()) == set()


@pytest.mark.live
def test_this_machine_is_read_twice_alike() -> None:
    first, second = (gather(RootHost("/")) for _ in range(2))
    assert (first.pci, first.iommu, first.disks) == (second.pci, second.iommu, second.disks)
    assert first.source.live
