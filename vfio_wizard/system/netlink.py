"""Network interfaces as the kernel tells them through netlink, read with pyroute2.

The quick way is ``probe.network``, from sysfs and proc; both must give the same interfaces. No
hardware address and no IP address leaves this module.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.system.host import Command, Host

LINKS = Command(("@pyroute2", "links"))

_MAIN_TABLE = 254
_UNICAST = 1


class Link(NamedTuple):
    """An interface: its name, the kernel's kind (``bridge``, ``vlan``; empty for hardware), what it is on."""

    name: str
    kind: str
    bus: str
    """The bus of the device behind it (``pci``, ``usb``, ``virtio``); empty without one, or before 5.14."""
    device: str
    """The name of that device: a PCI address where ``bus`` is ``pci``."""
    default_route: bool
    """Whether a default route needs it, also below a bridge, bond or VLAN."""


def read_links(host: Host) -> tuple[Link, ...] | Unread:
    """The interfaces of a live host or a capture, by name."""
    text = host.run(LINKS)
    if isinstance(text, Unread):
        return text
    try:
        return tuple(sorted(_link(*row) for row in json.loads(text)))
    except (ValueError, TypeError, RecursionError):
        return Unread(" ".join(LINKS.argv), Gap.MALFORMED, "not a list of interfaces")


def _link(name: str, kind: str, bus: str, device: str, default_route: bool) -> Link:
    return Link(str(name), str(kind), str(bus), str(device), bool(default_route))


def links_text() -> str | Unread:
    """The adapter behind ``@pyroute2 links``: rows of ``Link`` as JSON text."""
    asked = " ".join(LINKS.argv)
    try:
        from pyroute2 import IPRoute  # noqa: PLC0415 - its import takes a tenth of a second
        from pyroute2.netlink.exceptions import NetlinkError  # noqa: PLC0415
    except ImportError:
        return Unread(asked, Gap.ABSENT, "pyroute2 is not installed")
    try:
        with IPRoute() as socket:
            links = [_attributes(one) for one in socket.get_links()]
            routes = [_attributes(one) for one in socket.get_default_routes()]
    except PermissionError:
        return Unread(asked, Gap.DENIED)
    except (OSError, NetlinkError) as error:
        return Unread(asked, Gap.MALFORMED, str(error))
    routed = _with_lower(links, _outgoing(routes))
    rows = sorted(_row(link, link["index"] in routed) for link in links)
    return json.dumps(rows, indent=1)


def _attributes(message: Any) -> dict[str, Any]:
    """The attributes of a netlink message by name, its own index, and the type of a route."""
    found: dict[str, Any] = dict(message["attrs"])
    return found | {"index": message.get("index"), "type": message.get("type")}


def _row(link: Mapping[str, Any], is_routed: bool) -> Link:
    information = dict((link.get("IFLA_LINKINFO") or {}).get("attrs", ()))
    kind = information.get("IFLA_INFO_KIND", "")
    bus, device = link.get("IFLA_PARENT_DEV_BUS_NAME", ""), link.get("IFLA_PARENT_DEV_NAME", "")
    return Link(str(link["IFLA_IFNAME"]), str(kind), str(bus), str(device), is_routed)


def _outgoing(routes: Iterable[Mapping[str, Any]]) -> set[int]:
    """The interfaces of default routes that lead somewhere, of each path where there are several."""
    found: set[int] = set()
    for route in routes:
        if route["type"] != _UNICAST or route.get("RTA_TABLE", _MAIN_TABLE) != _MAIN_TABLE:
            continue
        found.update([hop["oif"] for hop in route.get("RTA_MULTIPATH") or () if "oif" in hop])
        if "RTA_OIF" in route:
            found.add(route["RTA_OIF"])
    return found


def _with_lower(links: list[dict[str, Any]], routed: set[int]) -> set[int]:
    """Also the ports of bridges and bonds, and what VLANs and the like stand on."""
    found = set(routed)
    while True:
        ports = {one["index"] for one in links if one.get("IFLA_MASTER") in found}
        below = {one["IFLA_LINK"] for one in links if one["index"] in found and one.get("IFLA_LINK")}
        if ports | below <= found:
            return found
        found |= ports | below
