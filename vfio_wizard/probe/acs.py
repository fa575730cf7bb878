"""Access control services of a port, from its extended configuration space, which only root may read."""

from __future__ import annotations

from vfio_wizard.model.pci import Acs
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.system.host import Host

_SIZE = 4096
_FIRST = 0x100
_ACS = 0x000D
_CONVENTIONAL = 256
"""Bytes of a function that is no PCI Express one: it has no extended capabilities."""


def read_acs(host: Host, path: str) -> Acs | None | Unread:
    """What the port can control and what is on; None without the capability; DENIED without root."""
    path = f"{path}/config"
    content = host.data(path, _SIZE)
    if isinstance(content, Unread):
        return content
    if len(content) < _CONVENTIONAL:
        return Unread(path, Gap.DENIED, "only root sees more than 64 bytes")
    return parse_acs(content)


def parse_acs(content: bytes) -> Acs | None:
    """Walk the list of extended capabilities: id in 16 bits, the next one's place in the upper 12."""
    place, seen = _FIRST, set[int]()
    while _FIRST <= place <= len(content) - 8 and place not in seen:
        seen.add(place)
        header = int.from_bytes(content[place : place + 4], "little")
        if header & 0xFFFF == _ACS and header != 0xFFFFFFFF:
            capable = int.from_bytes(content[place + 4 : place + 6], "little")
            return Acs(capable, int.from_bytes(content[place + 6 : place + 8], "little"))
        place = header >> 20 & 0xFFC
    return None
