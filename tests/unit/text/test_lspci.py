"""lspci in its forms: what each tells, and what it leaves open."""

from __future__ import annotations

import pytest

from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.pci import PciAddress, PciClass, PciFunction, PciId
from vfio_wizard.model.unread import Unread
from vfio_wizard.probe.text.read import read_texts

NNK = """\
00:00.0 Host bridge [0600]: Intel Corporation Host Bridge [8086:3ec2] (rev 07)
\tSubsystem: ASUSTeK Computer Inc. Device [1043:8694]
\tKernel driver in use: skl_uncore
00:01.0 PCI bridge [0604]: Intel Corporation PCIe (x16) [8086:1901] (rev 07) (prog-if 00 [Normal decode])
\tKernel driver in use: pcieport
01:00.0 VGA compatible controller [0300]: NVIDIA Corporation GP104 [GeForce GTX 1080] [10de:1b80] (rev a1)
\tSubsystem: Gigabyte Technology Co., Ltd Device [1458:3702]
\tKernel driver in use: vfio-pci
\tKernel modules: nvidiafb, nouveau, nvidia-drm
01:00.1 Audio device [0403]: NVIDIA Corporation GP104 HD Audio [10de:10f0] (rev a1)
"""

VV = """\
00:01.0 PCI bridge [0604]: Intel Corporation PCIe (x16) [8086:1901] (rev 07) (prog-if 00 [Normal decode])
\tFlags: bus master, fast devsel, latency 0, IRQ 120, IOMMU group 1
\tBus: primary=00, secondary=01, subordinate=01, sec-latency=0
\tMemory behind bridge: de000000-df0fffff [size=17M]
\tCapabilities: <access denied>
\tKernel driver in use: pcieport

01:00.0 VGA compatible controller [0300]: NVIDIA GP104 [10de:1b80] (rev a1) (prog-if 00 [VGA controller])
\tControl: I/O+ Mem+ BusMaster+ SpecCycle- MemWINV- VGASnoop- ParErr- Stepping- SERR- FastB2B- DisINTx+
\tInterrupt: pin A routed to IRQ 140
\tNUMA node: 0
\tIOMMU group: 1
\tRegion 0: Memory at de000000 (32-bit, non-prefetchable) [size=16M]
\tExpansion ROM at 000c0000 [disabled] [size=128K]
\tCapabilities: [60] Power Management version 3
\t\tFlags: PMEClk- DSI- D1- D2- AuxCurrent=0mA PME(D0-,D1-,D2-,D3hot-,D3cold-)
\tKernel modules: nouveau

04:00.0 Ethernet controller [0200]: Intel Corporation I211 [8086:1539] (rev 03)
\tIOMMU group: 14
"""

PLAIN = """\
00:00.0 Host bridge: Intel Corporation Host Bridge (rev 07)
01:00.0 VGA compatible controller: NVIDIA Corporation GP104 [GeForce GTX 1080] (rev a1)
01:00.1 Audio device: NVIDIA Corporation Device [4870] (rev a1)
"""

NUMERIC = """\
00:00.0 0600: 8086:3ec2 (rev 07)
01:00.0 0300: 10de:1b80 (rev a1) (prog-if 00 [VGA controller])
02:00.0 Class 0108: 144d:a808
"""

MM = """\
00:00.0 "Host bridge [0600]" "Intel [8086]" "Host Bridge [3ec2]" -r07 -p00 "ASUSTeK [1043]" "Device [8694]"
01:00.0 "VGA compatible controller [0300]" "NVIDIA [10de]" "GP104 [GeForce GTX 1080] [1b80]" -ra1 -p00 "" ""
"""

VMM = """\
Slot:\t01:00.0
Class:\tVGA compatible controller [0300]
Vendor:\tNVIDIA Corporation [10de]
Device:\tGP104 [GeForce GTX 1080] [1b80]
SVendor:\tGigabyte Technology Co., Ltd [1458]
SDevice:\tDevice [3702]
Rev:\ta1
ProgIf:\t00
Driver:\tnvidia
Module:\tnouveau
Module:\tnvidia_drm
IOMMUGroup:\t1

Slot:\t10000:e1:00.0
Class:\tNon-Volatile memory controller [0108]
Vendor:\tSamsung Electronics Co Ltd [144d]
Device:\tPM981 [a808]
"""

HEX = """\
00:01.0 PCI bridge: Intel Corporation PCIe (x16)
00: 86 80 01 19 07 04 10 00 07 00 04 06 00 00 81 00
10: 00 00 00 00 00 00 00 00 00 01 01 00 e0 e0 00 20
20: 00 de 00 df 01 c0 f1 d1 00 00 00 00 00 00 00 00

01:00.0 VGA compatible controller: NVIDIA Corporation GP104
00: de 10 80 1b 07 04 10 00 a1 00 00 03 00 00 80 00
10: 00 00 00 de 0c 00 00 c0 00 00 00 00 0c 00 00 d0
20: 00 00 00 00 01 e0 00 00 00 00 00 00 58 14 02 37
"""


def read(text: str) -> HostFacts:
    return read_texts([("lspci.txt", text)])


def function(facts: HostFacts, address: str) -> PciFunction:
    found = facts.function(PciAddress.parse(address))
    assert found is not None
    return found


def test_nnk_tells_ids_class_driver_and_modules_but_no_group() -> None:
    facts = read(NNK)
    gpu, audio = function(facts, "01:00.0"), function(facts, "01:00.1")
    assert facts.source.kind == "lspci"
    assert (gpu.id, gpu.cls, gpu.revision) == (PciId("10de", "1b80"), PciClass(3, 0), 0xA1)
    assert gpu.driver == "vfio-pci"
    assert gpu.modules == ("nouveau", "nvidia_drm", "nvidiafb")
    assert gpu.subsystem == PciId("1458", "3702")
    assert gpu.name == "NVIDIA Corporation GP104 [GeForce GTX 1080]"
    assert isinstance(gpu.group, Unread)
    assert isinstance(facts.iommu.groups, Unread)
    assert (audio.driver, audio.modules) == (None, ())


def test_vv_tells_groups_parents_and_numa_nodes() -> None:
    facts = read(VV)
    gpu = function(facts, "01:00.0")
    assert facts.source.kind == "lspci"
    assert (gpu.group, gpu.parent, gpu.numa_node) == (1, PciAddress.parse("00:01.0"), 0)
    assert (function(facts, "00:01.0").group, function(facts, "04:00.0").group) == (1, 14)
    assert gpu.cls == PciClass(3, 0, 0)
    assert function(facts, "04:00.0").driver is None


def test_plain_lspci_tells_classes_by_their_words_and_no_ids() -> None:
    facts = read(PLAIN)
    gpu, audio = function(facts, "01:00.0"), function(facts, "01:00.1")
    assert (gpu.cls, audio.cls) == (PciClass(3, 0), PciClass(4, 3))
    assert isinstance(gpu.id, Unread)
    assert audio.name == "NVIDIA Corporation Device [4870]"
    assert isinstance(gpu.driver, Unread)


def test_numeric_lspci_is_read() -> None:
    facts = read(NUMERIC)
    assert function(facts, "01:00.0").id == PciId("10de", "1b80")
    assert function(facts, "02:00.0").cls == PciClass(1, 8)


def test_machine_readable_lines_are_read() -> None:
    gpu = function(read(MM), "01:00.0")
    assert (gpu.id, gpu.cls, gpu.revision) == (PciId("10de", "1b80"), PciClass(3, 0, 0), 0xA1)
    assert gpu.name == "NVIDIA GP104 [GeForce GTX 1080]"


def test_machine_readable_records_with_the_root_bus_tell_groups() -> None:
    facts = read("Slot:\t00:00.0\nClass:\tHost bridge [0600]\nIOMMUGroup:\t0\n\n" + VMM)
    assert (function(facts, "00:00.0").group, function(facts, "01:00.0").group) == (0, 1)


def test_machine_readable_records_are_read() -> None:
    facts = read(VMM)
    gpu, nvme = function(facts, "01:00.0"), function(facts, "10000:e1:00.0")
    assert (gpu.id, gpu.cls, gpu.subsystem) == (
        PciId("10de", "1b80"),
        PciClass(3, 0, 0),
        PciId("1458", "3702"),
    )
    assert (gpu.driver, gpu.modules) == ("nvidia", ("nouveau", "nvidia_drm"))
    assert (nvme.driver, nvme.modules) == (None, ())
    assert isinstance(nvme.group, Unread)


def test_a_hex_dump_tells_ids_classes_and_the_tree() -> None:
    facts = read(HEX)
    gpu = function(facts, "01:00.0")
    assert (gpu.id, gpu.cls, gpu.revision) == (PciId("10de", "1b80"), PciClass(3, 0, 0), 0xA1)
    assert gpu.subsystem == PciId("1458", "3702")
    assert gpu.parent == PciAddress.parse("00:01.0")


@pytest.mark.parametrize("text", [NNK, VV, PLAIN, NUMERIC, MM, VMM, HEX])
def test_quotes_and_windows_line_ends_change_nothing(text: str) -> None:
    quoted = "".join(f"> {line}\r\n" for line in text.splitlines())
    told, again = read(text), read(quoted)
    assert told.pci == again.pci


def test_a_list_of_graphics_cards_only_is_an_excerpt() -> None:
    assert read(NNK[NNK.index("01:00.0") :]).source.complete is False
    assert isinstance(read(NNK).source.complete, Unread)


@pytest.mark.parametrize("text", [VV[VV.index("01:00.0 VGA") :], VMM])
def test_an_excerpt_does_not_pass_for_a_group_with_nobody_else_in_it(text: str) -> None:
    facts = read(text)
    group = function(facts, "01:00.0").group
    assert isinstance(group, Unread)
    assert group.detail == "in group 1; an excerpt does not show who else is in it"
    assert isinstance(facts.iommu.groups, Unread)
