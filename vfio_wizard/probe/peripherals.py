"""Keyboards, mice, USB devices and bridges: what the wizard offers to a guest.

No capture holds them: names below /dev/input/by-id have serial numbers in them.
"""

from __future__ import annotations

import re

from vfio_wizard.model.facts import Peripherals, PluggedUsb
from vfio_wizard.model.unread import Unread, known
from vfio_wizard.probe.network import INTERFACES
from vfio_wizard.probe.paths import nearest_function
from vfio_wizard.system.host import Host

INPUTS = "dev/input/by-id"
USB = "sys/bus/usb/devices"

_DEVICE = re.compile(r"\d+-\d+(\.\d+)*", re.ASCII)
"""``1-2.4`` is a device; ``usb1`` a root hub, ``1-2.4:1.0`` a part of a device."""
_HUB = "09"


def read_peripherals(host: Host) -> Peripherals:
    """All three, each by itself."""
    return Peripherals(_inputs(host), _usb(host), _bridges(host))


def _inputs(host: Host) -> tuple[str, ...] | Unread:
    names = host.names(INPUTS)
    if isinstance(names, Unread):
        return names
    return tuple(f"/{INPUTS}/{name}" for name in names if name.endswith(("-event-kbd", "-event-mouse")))


def _usb(host: Host) -> tuple[PluggedUsb, ...] | Unread:
    names = host.names(USB)
    if isinstance(names, Unread):
        return names
    found = [_plugged(host, f"{USB}/{name}") for name in names if _DEVICE.fullmatch(name)]
    return tuple(one for one in found if one is not None)


def _plugged(host: Host, place: str) -> PluggedUsb | None:
    vendor, product = (known(host.text(f"{place}/{name}"), "").strip() for name in ("idVendor", "idProduct"))
    if not (vendor and product) or known(host.text(f"{place}/bDeviceClass"), "").strip() == _HUB:
        return None
    words = [known(host.text(f"{place}/{name}"), "").strip() for name in ("manufacturer", "product")]
    controller = nearest_function(known(host.link(place), ""))
    return PluggedUsb(f"{vendor}:{product}", " ".join(word for word in words if word), controller)


def _bridges(host: Host) -> tuple[str, ...] | Unread:
    names = host.names(INTERFACES)
    if isinstance(names, Unread):
        return names
    return tuple(name for name in names if not isinstance(host.stat(f"{INTERFACES}/{name}/bridge"), Unread))
