"""Which program builds the initramfs images here."""

from __future__ import annotations

from vfio_wizard.knowledge.bootchain import GENERATOR_PROOFS
from vfio_wizard.model.facts import InitramfsGenerator
from vfio_wizard.model.unread import Gap, Unread, untold
from vfio_wizard.probe.signs import Signs

PLACES = ("usr/bin", "usr/sbin", "run/current-system/sw/bin")


def find_generator(signs: Signs) -> InitramfsGenerator | Unread:
    """The first generator that is proven; what is installed without being called proves nothing."""
    found = signs.first(GENERATOR_PROOFS)
    if found:
        return InitramfsGenerator(*found)
    if any(signs.is_there(place) for place in PLACES):
        return Unread("usr/sbin", Gap.ABSENT, "no initramfs generator that kernel updates would call")
    return untold("usr/sbin", "the source does not hold the programs of this system")
