"""ROMs for tests, made by the specification; no maker's ROM is in this repository."""

from __future__ import annotations

import struct
from typing import NamedTuple

from vfio_wizard.model.pci import PciId

CARD = PciId("1002", "731f")
BLOCK = 512
X64, X86 = 0x8664, 0x014C


class Image(NamedTuple):
    """One image; every field may be made wrong."""

    code: int = 0
    ids: PciId = CARD
    more_devices: tuple[int, ...] = ()
    cls: int = 0x030000
    blocks: int = 2
    says_blocks: int | None = None
    machine: int = X64
    subsystem: int = 11
    compressed: bool = False
    signature: int = 0x0EF1
    pointer: int = 0x40
    right_sum: bool = True
    last: bool | None = None

    def bytes(self, is_last: bool) -> bytes:
        """Header, PCI data structure, device list, padding and checksum."""
        size = self.blocks * BLOCK
        head = bytearray(size)
        head[0:3] = bytes((0x55, 0xAA, self.blocks & 0xFF))
        if self.code == 3:
            struct.pack_into(
                "<IHHH", head, 4, self.signature, self.subsystem, self.machine, int(self.compressed)
            )
        struct.pack_into("<H", head, 0x18, self.pointer)
        last = is_last if self.last is None else self.last
        self._data(head, last)
        if self.code == 0:
            head[-1] = -sum(head) % 256 if self.right_sum else (1 - sum(head)) % 256
        return bytes(head)

    def _data(self, head: bytearray, last: bool) -> None:
        numbers = (int(self.ids.vendor, 16), int(self.ids.device, 16))
        listed = 0x1C if self.more_devices else 0
        kind = self.cls.to_bytes(3, "little")
        says = self.blocks if self.says_blocks is None else self.says_blocks
        data = struct.pack(
            "<4sHHHHB3sHHBBH", b"PCIR", *numbers, listed, 28, 3, kind, says, 0, self.code, 0x80 * last, 0
        )
        head[0x40 : 0x40 + len(data)] = data
        if self.more_devices:
            struct.pack_into(f"<{len(self.more_devices) + 1}H", head, 0x40 + 0x1C, *self.more_devices, 0)


def rom(*images: Image) -> bytes:
    """The images in a row, the last one marked."""
    return b"".join(one.bytes(one is images[-1]) for one in images)


BIOS = Image()
GOP = Image(code=3)
WHOLE = rom(BIOS, GOP)
NVGI = b"NVGI" + bytes(12) + b"\x55\xaa" + bytes(0x600 - 18)
"""A header with the two bytes in it by chance."""
