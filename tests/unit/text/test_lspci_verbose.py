"""What ``lspci -vv`` and ``-xxxx`` tell beyond ids: windows, link, ROM, access control."""

from __future__ import annotations

from vfio_wizard.model.pci import Acs, Bar, PciAddress, PcieLink, PciFunction, ResizableBar
from vfio_wizard.model.unread import Unread
from vfio_wizard.probe.text.read import read_texts

VERBOSE = """\
00:01.0 PCI bridge [0604]: Intel Corporation Device [8086:1901] (rev 05)
\tBus: primary=00, secondary=01, subordinate=01, sec-latency=0
\tIOMMU group: 1
\tCapabilities: [140 v1] Access Control Services
\t\tACSCap:\tSrcValid+ TransBlk+ ReqRedir+ CmpltRedir+ UpstreamFwd+ EgressCtrl- DirectTrans-
\t\tACSCtl:\tSrcValid+ TransBlk- ReqRedir- CmpltRedir- UpstreamFwd- EgressCtrl- DirectTrans-
\tKernel driver in use: pcieport
01:00.0 VGA compatible controller [0300]: NVIDIA Corporation Device [10de:1b80] (rev a1)
\tIOMMU group: 1
\tRegion 0: Memory at f6000000 (32-bit, non-prefetchable) [size=16M]
\tRegion 1: Memory at e0000000 (64-bit, prefetchable) [size=256M]
\tRegion 5: I/O ports at e000 [size=128]
\tExpansion ROM at 000c0000 [virtual] [disabled] [size=128K]
\tCapabilities: [78] Express (v2) Legacy Endpoint, MSI 00
\t\tLnkCap:\tPort #0, Speed 8GT/s, Width x16, ASPM L0s L1, Exit Latency L0s <512ns, L1 <16us
\t\tLnkSta:\tSpeed 2.5GT/s (downgraded), Width x8 (downgraded)
\tCapabilities: [bb0 v1] Physical Resizable BAR
\t\tBAR 1: current size: 256MB, supported: 64MB 128MB 256MB 8GB
\tKernel driver in use: nvidia
02:00.0 Ethernet controller [0200]: Intel Corporation Device [8086:1533]
\tIOMMU group: 2
\tRegion 0: Memory at <unassigned> (32-bit, non-prefetchable) [disabled]
\tCapabilities: <access denied>
"""


def function(text: str, address: str) -> PciFunction:
    found = read_texts([("text", text)]).function(PciAddress.parse(address))
    assert found is not None
    return found


def test_windows_come_with_their_place_size_and_kind() -> None:
    gpu = function(VERBOSE, "01:00.0")

    assert gpu.bars == (
        Bar(0, 0xF6000000, 16 << 20, 0x200),
        Bar(1, 0xE0000000, 256 << 20, 0x102200),
        Bar(5, 0xE000, 128, 0x100),
    )
    assert gpu.resizable_bars == (ResizableBar(1, (64 << 20, 128 << 20, 256 << 20, 8 << 30)),)
    assert gpu.rom is True


def test_the_link_now_and_at_best_is_spelled_as_the_kernel_does() -> None:
    assert function(VERBOSE, "01:00.0").link == PcieLink("2.5 GT/s PCIe", 8, "8.0 GT/s PCIe", 16)


def test_a_port_tells_what_access_control_it_has_and_what_is_on() -> None:
    assert function(VERBOSE, "00:01.0").acs == Acs(0b11111, 0b1)


def test_what_is_closed_or_not_placed_stays_unread() -> None:
    nic = function(VERBOSE, "02:00.0")

    assert isinstance(nic.bars, Unread)
    assert isinstance(nic.link, Unread)
    assert isinstance(nic.rom, Unread)
    assert isinstance(nic.acs, Unread)


def test_sizes_that_may_be_those_of_virtual_functions_are_not_believed() -> None:
    more = "\tCapabilities: [c00 v1] Virtual Resizable BAR\n\t\tBAR 1: current size: 1GB, supported: 1GB\n"
    text = VERBOSE.replace("\tKernel driver in use: nvidia\n", f"{more}\tKernel driver in use: nvidia\n")

    assert isinstance(function(text, "01:00.0").resizable_bars, Unread)


def _dump(content: bytes) -> str:
    rows = (f"{at:02x}: {content[at : at + 16].hex(' ')}" for at in range(0, len(content), 16))
    return "00:01.0 PCI bridge: Intel Corporation Device 1901\n" + "\n".join(rows) + "\n"


def _space(size: int) -> bytes:
    """A bridge with the PCI Express capability behind another one, and access control at 0x140."""
    space = bytearray(size)
    space[0x00:0x10] = bytes.fromhex("86800119 07051000 05000406 10008100".replace(" ", ""))
    space[0x19] = 0x01
    space[0x34] = 0x40
    space[0x40:0x42] = bytes((0x01, 0x50))
    space[0x50:0x52] = bytes((0x10, 0x00))
    space[0x5C:0x5E] = (16 << 4 | 3).to_bytes(2, "little")
    space[0x62:0x64] = (4 << 4 | 1).to_bytes(2, "little")
    if size > 256:
        space[0x100:0x104] = (0x140 << 20 | 1 << 16 | 0x0001).to_bytes(4, "little")
        space[0x140:0x148] = bytes.fromhex("0d000100 1f001d00".replace(" ", ""))
    return bytes(space)


def test_a_hex_dump_tells_the_link_and_with_all_its_bytes_the_access_control() -> None:
    short, full = (function(_dump(_space(size)), "00:01.0") for size in (256, 4096))

    assert short.link == full.link == PcieLink("2.5 GT/s PCIe", 4, "8.0 GT/s PCIe", 16)
    assert full.acs == Acs(0x1F, 0x1D)
    assert isinstance(short.acs, Unread)


def test_a_dump_whose_capabilities_lead_in_a_circle_tells_no_link() -> None:
    space = bytearray(_space(256))
    space[0x41] = 0x40

    assert isinstance(function(_dump(bytes(space)), "00:01.0").link, Unread)
