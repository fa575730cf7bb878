"""Firmware tables with a region reserved for a device, as some boards' firmware has them.

QEMU writes tables without such regions. The kernel replaces a firmware table by one of the same
name and a higher revision that it finds in front of its initramfs, so the emulated machine's own
table is read first, extended here, and given to the second boot.
"""

from __future__ import annotations

import struct
from pathlib import Path

from tests.lab import cpio
from tests.lab.guest.rootfs import Base
from tests.lab.machine import Boot, Machine
from tests.lab.topologies import Topology

START, LENGTH = 0xFFFC0000, 0x10000
"""A region that the firmware's memory map reserves already: the kernel insists on that."""

CARD = (0x18, 0x0)
"""The bridge on the root bus that the card of these topologies is below (00:03.0), and its function."""


def reserving(topology: Topology, base: Base, folder: Path) -> bytes:
    """The topology's table with a region for its card; boots the machine once to read the table."""
    reader = folder / "reader"
    reader.mkdir()
    initrd = reader / "initrd"
    with initrd.open("wb") as out:
        out.write(base.archive.read_bytes())
        archive = cpio.Archive(out)
        archive.file("etc/hostname", b"reader\n")
        archive.file("etc/modprobe.d/lab.conf", b"")
        archive.directory("lab")
        archive.file("lab/run", f"cat /sys/firmware/acpi/tables/{topology.table} >table\n".encode())
        archive.file("lab/before-drivers", b"#!/bin/busybox sh\n", 0o755)
        archive.close()
    boot = Boot(base.kernel, initrd, ("console=ttyS0", "panic=-1", "quiet", "no_timer_check"))
    with Machine(reader, boot, topology.devices) as machine:
        machine.wait_for_power_off(300)
    initrd.unlink()
    machine.unpack_report(reader)
    table = (reader / "out/table").read_bytes()
    return extended(table, {"DMAR": rmrr, "IVRS": ivmd}[topology.table]())


def extended(table: bytes, structure: bytes) -> bytes:
    """The table with one more structure, a higher revision and a right checksum."""
    header = bytearray(table[:36])
    struct.pack_into("<I", header, 4, len(table) + len(structure))
    revision = struct.unpack_from("<I", header, 24)[0]
    struct.pack_into("<I", header, 24, revision + 1)
    header[9] = 0
    whole = bytearray(bytes(header) + table[36:] + structure)
    whole[9] = -sum(whole) % 256
    return bytes(whole)


def rmrr() -> bytes:
    """Intel: a reserved region for the display function 01:00.0, found below the port 00:03.0."""
    path = bytes((0x03, 0x00, 0x00, 0x00))
    scope = struct.pack("<BBHBB", 1, 6 + len(path), 0, 0, 0) + path
    body = struct.pack("<HHQQ", 0, 0, START, START + LENGTH - 1) + scope
    return struct.pack("<HH", 1, 4 + len(body)) + body


def ivmd() -> bytes:
    """AMD: a unity map for the device 01:00.0."""
    unity_read_write = 0x07
    card = 0x0100
    return struct.pack("<BBHHHQQQ", 0x21, unity_read_write, 32, card, 0, 0, START, LENGTH)
