"""The bytes of a ROM in a file, and their meaning."""

from __future__ import annotations

from vfio_wizard.model.pci import PciId
from vfio_wizard.model.rom import LARGEST, Rom, parse_rom
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.system.host import Host


def read_rom(host: Host, path: str) -> bytes | Unread:
    """All of a file, as long as a ROM may be; a longer one is malformed."""
    content = host.data(path, LARGEST + 1)
    if isinstance(content, bytes) and len(content) > LARGEST:
        return Unread(path, Gap.MALFORMED, f"longer than {LARGEST >> 20} MiB, which no ROM is")
    return content


def look_at_rom(host: Host, path: str, wanted: PciId | None = None) -> Rom | Unread:
    """The ROM in a file of a host; ``wanted`` tells which of several to take."""
    content = read_rom(host, path)
    return content if isinstance(content, Unread) else parse_rom(content, wanted)
