"""What is plugged in beside the disk: one card, twins, a card that shares its group, no other card."""

from __future__ import annotations

from tests.lab.topologies import HOST_VGA, card, port

INTEL = ("-device", "intel-iommu,intremap=on,caching-mode=on,aw-bits=48")
"""Caching mode lets a nested guest be given functions. It must reach further than the 40 address bits that an
emulated processor always has: of 39, firmware in the guest soon uses one too many, and QEMU ends."""

CARD, AUDIO = "0000:01:00.0", "0000:01:00.1"
TWIN, TWIN_AUDIO = "0000:02:00.0", "0000:02:00.1"
NEIGHBOUR = "0000:02:00.0"
"""In the machine whose card shares its group: an Ethernet controller behind a port of the same slot."""
THIRD, THIRD_AUDIO = "0000:03:00.0", "0000:03:00.1"
"""Where the second of the twins is after a controller was plugged in before them."""

DEVICES = {
    "one": (*INTEL, *HOST_VGA, *port("rp1", "0x3"), *card("rp1")),
    "twins": (*INTEL, *HOST_VGA, *port("rp1", "0x3"), *card("rp1"), *port("rp2", "0x4"), *card("rp2")),
    "shared": (
        *INTEL, *HOST_VGA,
        *port("rp1", "0x3.0", ",multifunction=on,disable-acs=true"), *card("rp1"),
        *port("rp2", "0x3.1", ",disable-acs=true"), "-device", "e1000e,bus=rp2,addr=0",
    ),
    "twins-behind-nic": (
        *INTEL, *HOST_VGA,
        *port("rp1", "0x3"), "-device", "e1000e,bus=rp1,addr=0",
        *port("rp2", "0x4"), *card("rp2"), *port("rp3", "0x5"), *card("rp3"),
    ),
    "single": (*INTEL, *port("rp1", "0x3"), *card("rp1")),
}  # fmt: skip
"""The firmware numbers buses depth first, from 1."""
