"""What udev knows of PCI devices, and what happens to them, through pyudev. Live hosts only.

Facts come from sysfs: pyudev can look at no other tree than that of the running machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Gap, Unread

KEPT = (
    "DRIVER",
    "ID_AUTOSUSPEND",
    "ID_MODEL_FROM_DATABASE",
    "ID_PCI_CLASS_FROM_DATABASE",
    "ID_PCI_INTERFACE_FROM_DATABASE",
    "ID_PCI_SUBCLASS_FROM_DATABASE",
    "ID_VENDOR_FROM_DATABASE",
    "MODALIAS",
    "PCI_CLASS",
    "PCI_ID",
    "PCI_SLOT_NAME",
    "PCI_SUBSYS_ID",
)
"""Properties that are passed on; none of them names one copy of a device."""

SUBSYSTEMS = ("pci", "drm")

_WAIT = 0.2
"""Seconds between two questions whether to stop."""


class Event(NamedTuple):
    """Something that happened to a device."""

    action: str
    """add, remove, bind, unbind, change."""
    subsystem: str
    path: str
    """The directory of the device, relative to the root (``sys/devices/…``)."""
    driver: str | None


def properties() -> dict[str, dict[str, str]] | Unread:
    """The udev properties of ``KEPT`` of every PCI function, by address."""
    context = _context()
    if isinstance(context, Unread):
        return context
    try:
        devices = [(str(one.sys_name), one.properties) for one in context.list_devices(subsystem="pci")]
        return {name: {key: str(told[key]) for key in KEPT if key in told} for name, told in sorted(devices)}
    except OSError as error:
        return Unread("@pyudev pci", Gap.MALFORMED, (error.strerror or str(error)).lower())


def properties_text() -> str | Unread:
    """The adapter behind ``@pyudev pci``: the properties as JSON text."""
    import json  # noqa: PLC0415 - only where it is asked for

    found = properties()
    return found if isinstance(found, Unread) else json.dumps(found, sort_keys=True, indent=1)


def events(stopped: Callable[[], bool], seconds: float | None = None) -> Iterator[Event] | Unread:
    """What happens to devices of ``SUBSYSTEMS`` from now on, until ``stopped()`` or for some seconds.

    Listening begins with this call and not with the first event that is asked for.
    """
    context = _context()
    if isinstance(context, Unread):
        return context
    import pyudev  # noqa: PLC0415 - _context has shown that it is there

    try:
        monitor = pyudev.Monitor.from_netlink(context)
        for subsystem in SUBSYSTEMS:
            monitor.filter_by(subsystem)
        monitor.start()
    except OSError as error:
        return Unread("udev events", Gap.MALFORMED, (error.strerror or str(error)).lower())
    return _events(monitor, stopped, seconds)


def _events(monitor: Any, stopped: Callable[[], bool], seconds: float | None) -> Iterator[Event]:
    import time  # noqa: PLC0415

    end = None if seconds is None else time.monotonic() + seconds
    while not stopped():
        left = _WAIT if end is None else min(_WAIT, end - time.monotonic())
        if left <= 0:
            return
        device = monitor.poll(timeout=left)
        if device is not None:
            path = str(device.sys_path).lstrip("/")
            yield Event(str(device.action), str(device.subsystem), path, device.driver)


def _context() -> Any:
    try:
        import pyudev  # noqa: PLC0415 - a quarter of a check's time
    except ImportError:
        return Unread("@pyudev pci", Gap.ABSENT, "pyudev is not installed, or libudev is missing")
    try:
        return pyudev.Context()
    except (OSError, RuntimeError) as error:
        return Unread("@pyudev pci", Gap.ABSENT, str(error))
