"""Network interfaces by the PCI function behind them, and which carry the default route.

Neither hardware addresses nor IP addresses are looked at.
"""

from __future__ import annotations

from vfio_wizard.model.facts import NetworkLink
from vfio_wizard.model.unread import Gap, Unread, known
from vfio_wizard.probe.numbers import from_hex
from vfio_wizard.probe.paths import nearest_function
from vfio_wizard.system.host import Host

INTERFACES = "sys/class/net"
ROUTES = "proc/net/route"
ROUTES_6 = "proc/net/ipv6_route"

_EVERYWHERE_6 = "0" * 32
_REJECT = 0x200  # RTF_REJECT: the route of an unreachable default
_DEEPEST = 8


def read_network(host: Host) -> tuple[NetworkLink, ...] | Unread:
    """All interfaces but loopback."""
    names = host.names(INTERFACES)
    if isinstance(names, Unread):
        return names
    routed = _routed(host)
    return tuple([link for name in names if (link := _interface(host, name, routed)) is not None])


def _interface(host: Host, name: str, routed: frozenset[str] | Unread) -> NetworkLink | None:
    target = host.link(f"{INTERFACES}/{name}")
    if name == "lo" or (isinstance(target, Unread) and target.gap is Gap.MALFORMED):
        return None  # loopback, and files like bonding_masters
    path = known(target, "")
    return NetworkLink(
        name=name,
        function=nearest_function(path),
        default_route=routed if isinstance(routed, Unread) else name in routed,
        kind=_kind(host, name, path),
    )


def _kind(host: Host, name: str, path: str) -> str:
    """``virtual``, ``wireless``, ``usb``, ``wired``, or ``unknown`` where the device is not told."""
    if not path:
        return "unknown"
    if "/devices/virtual/" in f"/{path}":
        return "virtual"
    if not isinstance(host.stat(f"{INTERFACES}/{name}/phy80211"), Unread):
        return "wireless"
    return "usb" if "/usb" in path else "wired"


def _routed(host: Host) -> frozenset[str] | Unread:
    """The interfaces that the default route needs: also the card below a bridge, bond or VLAN."""
    old = host.lines(ROUTES, (), ("\t00000000\t",))
    new = host.lines(ROUTES_6, (f"{_EVERYWHERE_6} 00 ",))
    if isinstance(old, Unread) and isinstance(new, Unread):
        return old
    upper = {*map(_route, known(old, ())), *map(_route_6, known(new, ()))} - {None, "lo"}
    return _with_lower(host, frozenset(name for name in upper if name is not None))


def _route(line: str) -> str | None:
    """Interface, destination, gateway, flags, …, mask: a default route has destination and mask 0."""
    fields = line.split()
    if len(fields) < 8 or fields[1] != "00000000" or fields[7] != "00000000":
        return None
    return fields[0] if _may_pass(fields[3]) else None


def _route_6(line: str) -> str | None:
    """Destination, length, source, length, hop, metric, references, use, flags, interface."""
    fields = line.split()
    return fields[9] if len(fields) > 9 and _may_pass(fields[8]) else None


def _may_pass(flags: str) -> bool:
    number = from_hex(flags, 8)
    return number is not None and not number & _REJECT


def _with_lower(host: Host, names: frozenset[str]) -> frozenset[str]:
    found: set[str] = set()
    waiting = [(name, 0) for name in sorted(names)]
    while waiting:
        name, depth = waiting.pop()
        if name in found or "/" in name or depth > _DEEPEST:
            continue
        found.add(name)
        inside = known(host.names(f"{INTERFACES}/{name}"), ())
        lower = [one.removeprefix("lower_") for one in inside if one.startswith("lower_")]
        waiting += [(one, depth + 1) for one in lower]
    return frozenset(found)
