"""Where the guest's cable ends, from what the host has."""

from __future__ import annotations

import pytest

from vfio_wizard.model.domain import NetworkKind, Nic
from vfio_wizard.planning.guest_network import HostLink, OwnNetwork, choose_network, is_own_bridge

RUNNING = OwnNetwork("default", active=True, autostart=True)
STOPPED = OwnNetwork("default", active=False, autostart=False)
OTHER = OwnNetwork("lab", active=True, autostart=True)
BRIDGE = HostLink("br0", "bridge", default_route=True)
CONTAINERS = HostLink("docker0", "bridge", default_route=False)
CARD = HostLink("enp5s0", "", default_route=True)
VLAN = HostLink("enp5s0.7", "vlan", default_route=True)
WIRELESS = HostLink("wlan0", "", default_route=True)
TUNNEL = HostLink("wg0", "wireguard", default_route=True)


@pytest.mark.parametrize(
    ("networks", "links", "nic"),
    [
        ((RUNNING,), (BRIDGE,), Nic(NetworkKind.NETWORK, "default")),
        ((STOPPED,), (BRIDGE,), Nic(NetworkKind.BRIDGE, "br0")),
        ((STOPPED,), (CARD, CONTAINERS), Nic(NetworkKind.NETWORK, "default")),
        ((OTHER,), (CONTAINERS, CARD), Nic(NetworkKind.DIRECT, "enp5s0")),
        ((), (CARD, VLAN), Nic(NetworkKind.DIRECT, "enp5s0.7")),
        ((), (WIRELESS, CARD), Nic(NetworkKind.DIRECT, "enp5s0")),
        ((), (WIRELESS,), None),
        ((), (TUNNEL,), None),
        ((), (), None),
    ],
)
def test_the_first_way_that_the_host_has(
    networks: tuple[OwnNetwork, ...], links: tuple[HostLink, ...], nic: Nic | None
) -> None:
    assert choose_network(networks, links).nic == nic


def test_each_choice_says_what_comes_with_it() -> None:
    assert choose_network((RUNNING,), ()).notes == ()
    start, boot = choose_network((STOPPED,), ()).notes
    assert "virsh net-start default" in start
    assert "virsh net-autostart default" in boot
    assert "cannot reach" in choose_network((), (CARD,)).notes[0]
    assert "wlan0 is wireless" in choose_network((), (WIRELESS,)).notes[0]
    assert "no Ethernet interface" in choose_network((), (TUNNEL,)).notes[0]


@pytest.mark.parametrize(
    ("name", "own"),
    [("virbr0", True), ("docker0", True), ("br-0123456789ab", True), ("br0", False), ("br-lan", False)],
)
def test_bridges_of_libvirt_and_containers_are_known_by_name(name: str, own: bool) -> None:
    assert is_own_bridge(name) is own
