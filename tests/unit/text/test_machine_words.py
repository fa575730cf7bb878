"""uname, dmidecode, lshw, inxi and QEMU's error beside a listing."""

from __future__ import annotations

from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.kargs import Kargs
from vfio_wizard.model.pci import PciAddress, PciId
from vfio_wizard.model.unread import Unread
from vfio_wizard.probe.text.read import read_texts

UNAME = "Linux secrethost 5.8.12-acso #1 SMP Mon Sep 28 17:28:53 MST 2020 x86_64 x86_64 x86_64 GNU/Linux\n"

DMIDECODE = """\
Handle 0x0000, DMI type 0, 26 bytes
BIOS Information
\tVendor: American Megatrends Inc.
\tVersion: 2.2
\tRelease Date: 10/27/2023

Handle 0x0001, DMI type 1, 27 bytes
System Information
\tManufacturer: To be filled by O.E.M.
\tProduct Name: Super Server
\tSerial Number: S12345
\tUUID: 1234-5678

Handle 0x0002, DMI type 2, 15 bytes
Base Board Information
\tManufacturer: Supermicro
\tProduct Name: X11SCL-IF
\tSerial Number: S98765
"""

LSHW = """\
H/W path                 Device      Class          Description
===============================================================
                                     system         GF72 8RE (179E.1)
/0                                   bus            MS-179E
/0/47                                processor      Intel(R) Core(TM) i7-8750H CPU @ 2.20GHz
/0/100/1/0                           display        GP106M [GeForce GTX 1060 Mobile]
"""

INXI = """\
System:
  Kernel: 6.14.0-29-generic arch: x86_64 bits: 64 parameters: BOOT_IMAGE=/vmlinuz
    root=/dev/sda1 ro quiet vt.handoff=7
  Console: pty pts/0 Distro: Ubuntu 24.04
Machine:
  Type: Desktop Mobo: Gigabyte model: B550I AORUS PRO AX serial: <superuser required>
CPU:
  Info: model: AMD Ryzen 5 3600 bits: 64 type: MT MCP arch: Zen 2
    process: TSMC n7 (7nm) family: 0x17 (23) model-id: 0x71 (113) stepping: 0
Graphics:
  Device-1: AMD Navi 10 [Radeon RX 5600 XT] vendor: Sapphire
    driver: vfio-pci v: N/A alternate: amdgpu bus-ID: 09:00.0 chip-ID: 1002:731f
    class-ID: 0300
Network:
  Device-1: Broadcom BCM4360 driver: N/A modules: bcma bus-ID: 01:00.0
    chip-ID: 14e4:43a0 class-ID: 0280
"""


def read(text: str) -> HostFacts:
    return read_texts([("text", text)])


def test_uname_tells_the_kernel_and_never_the_host_name() -> None:
    facts = read("me@secrethost:~$ uname -a\n" + UNAME)

    assert (facts.kernel.release, facts.kernel.architecture) == ("5.8.12-acso", "x86_64")
    assert "secrethost" not in repr(facts)


def test_dmidecode_tells_the_board_without_serial_numbers_and_unfilled_words() -> None:
    board = read(DMIDECODE).firmware.board

    assert (board.vendor, board.name, board.product) == ("Supermicro", "X11SCL-IF", "Super Server")
    assert (board.bios_version, board.bios_date) == ("2.2", "10/27/2023")
    assert isinstance(board.system_vendor, Unread)
    assert "S12345" not in repr(board)
    assert "S98765" not in repr(board)


def test_lshw_in_short_tells_processor_and_board_but_no_devices() -> None:
    facts = read(LSHW)

    assert (facts.cpu.vendor, facts.firmware.board.name) == ("intel", "MS-179E")
    assert facts.firmware.board.product == "GF72 8RE"
    assert isinstance(facts.pci, Unread), "paths of lshw are no PCI addresses"


def test_inxi_tells_devices_with_drivers_and_the_machine_around_them() -> None:
    facts = read(INXI)
    gpu, wifi = (facts.function(PciAddress.parse(one)) for one in ("09:00.0", "01:00.0"))

    assert gpu is not None
    assert wifi is not None
    assert (gpu.id, str(gpu.cls), gpu.driver) == (PciId("1002", "731f"), "030000", "vfio-pci")
    assert wifi.driver is None
    assert isinstance(gpu.group, Unread)
    assert facts.kernel.cmdline == Kargs.parse("BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro quiet vt.handoff=7")
    assert facts.cpu.family == (0x17, 0x71, 0)
    assert (facts.firmware.board.vendor, facts.firmware.board.name) == ("Gigabyte", "B550I AORUS PRO AX")
    assert facts.source.complete is False


def test_the_error_of_qemu_names_a_group_without_its_members() -> None:
    facts = read("qemu: vfio error: 0000:01:00.0: group 7 is not viable\nPlease ensure all devices")
    gpu = facts.function(PciAddress.parse("01:00.0"))

    assert gpu is not None
    assert isinstance(gpu.group, Unread)
    assert "group 7" in gpu.group.detail
    assert isinstance(facts.iommu.groups, Unread)
