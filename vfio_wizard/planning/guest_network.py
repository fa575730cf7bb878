"""Where the guest's network cable ends: chosen from what the host has, and what comes with it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from vfio_wizard.model.domain import NetworkKind, Nic
from vfio_wizard.model.record import NamedTuple

DEFAULT = "default"
_WIRELESS = ("wl", "ath")


class OwnNetwork(NamedTuple):
    """A network of libvirt's own."""

    name: str
    active: bool
    autostart: bool


class HostLink(NamedTuple):
    """An interface of the host: the kernel's kind, and whether the default route needs it."""

    name: str
    kind: str
    default_route: bool


class Choice(NamedTuple):
    """The cable's end (None: no way was found), and what to know about it."""

    nic: Nic | None
    notes: tuple[str, ...]


def choose_network(networks: Sequence[OwnNetwork], links: Sequence[HostLink]) -> Choice:
    """libvirt's default network when it runs, a bridge of the host, that network stopped, macvtap; in this "
    "order."""
    default = next((one for one in networks if one.name == DEFAULT), None)
    if default is not None and default.active:
        return Choice(Nic(NetworkKind.NETWORK, DEFAULT), _of_default(default))
    bridge = _bridge(links)
    if bridge is not None:
        return Choice(
            Nic(NetworkKind.BRIDGE, bridge),
            (f"the guest is on the bridge {bridge}, like a machine of its own",),
        )
    if default is not None:
        return Choice(Nic(NetworkKind.NETWORK, DEFAULT), _of_default(default))
    return _macvtap(links)


def _of_default(network: OwnNetwork) -> tuple[str, ...]:
    found = []
    if not network.active:
        found.append("libvirt's network default is stopped; the guest needs it: virsh net-start default")
    if not network.autostart:
        found.append("libvirt's network default does not start with the host: virsh net-autostart default")
    return tuple(found)


def _bridge(links: Sequence[HostLink]) -> str | None:
    """One that the default route goes through; libvirt's and containers' own bridges lead nowhere else."""
    found = [one.name for one in links if one.kind == "bridge" and one.default_route]
    return found[0] if found else None


_OWN_BRIDGE = re.compile(r"(virbr|docker|cni|podman|lxcbr|lxdbr|incusbr)\d|br-[0-9a-f]{12}$", re.ASCII)
"""Names that libvirt and containers give to theirs; Docker's end in a part of the network's id."""


def is_own_bridge(name: str) -> bool:
    """A bridge that leads to virtual machines or containers only."""
    return _OWN_BRIDGE.match(name) is not None


_ETHERNET = ("vlan", "bond", "team", "")
"""What a guest can share, the upper before the lower: the route is on a VLAN, not on the card below it."""


def _macvtap(links: Sequence[HostLink]) -> Choice:
    """Not on Wi-Fi, whose access points take one address only, and not on tunnels, which have no Ethernet."""
    routed = [one for one in links if one.default_route and one.kind in _ETHERNET]
    wired = [one for one in routed if not one.name.startswith(_WIRELESS)]
    if wired:
        name = min(wired, key=lambda one: (_ETHERNET.index(one.kind), one.name)).name
        note = (
            f"macvtap on {name}: the guest has an address in your network, but guest and host cannot reach "
            "each other; a bridge on the host, or libvirt's network default, has not this limit"
        )
        return Choice(Nic(NetworkKind.DIRECT, name), (note,))
    if routed:
        why = f"{routed[0].name} is wireless, and an access point takes one address only"
    else:
        why = "no Ethernet interface carries a default route"
    return Choice(None, (f"no network for the guest: libvirt has no network default, and {why}",))
