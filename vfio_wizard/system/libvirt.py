"""What a running libvirt says of itself, through its Python binding, which is optional."""

from __future__ import annotations

import json
from typing import Any

from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.system.host import Command, Host

STATE = Command(("@libvirt", "state"))
HOW_TO_GET = (
    "the libvirt binding is not installed: python3-libvirt of the distribution, or vfio-wizard[libvirt]"
)

_SYSTEM = "qemu:///system"
_DEFAULT = "default"


class LibvirtState(NamedTuple):
    """A connection that works: where to, the versions of libvirt and QEMU, and the default network."""

    uri: str
    version: str
    hypervisor: str
    network: str
    """active, inactive or absent."""


def read_state(host: Host) -> LibvirtState | Unread:
    """From a live host or a capture."""
    text = host.run(STATE)
    if isinstance(text, Unread):
        return text
    try:
        told = json.loads(text)
        return LibvirtState(*(str(told[field]) for field in LibvirtState._fields))
    except (ValueError, TypeError, KeyError, RecursionError):
        return Unread(" ".join(STATE.argv), Gap.MALFORMED, "not the state of libvirt")


def state_text() -> str | Unread:
    """The adapter behind ``@libvirt state``: ``LibvirtState`` as JSON text."""
    seen = state(_SYSTEM)
    return seen if isinstance(seen, Unread) else json.dumps(seen._asdict(), sort_keys=True, indent=1)


def state(uri: str) -> LibvirtState | Unread:
    """Ask one libvirt, reading only (``qemu:///system``, or ``test:///default`` in tests)."""
    asked = f"libvirt {uri}"
    try:
        import libvirt  # noqa: PLC0415 - optional, and it loads libvirt's libraries
    except ImportError:
        return Unread(asked, Gap.ABSENT, HOW_TO_GET)
    libvirt.registerErrorHandler(_silent, None)  # else it writes to stderr itself
    try:
        connection = libvirt.openReadOnly(uri)
    except libvirt.libvirtError as error:
        return Unread(asked, _gap(str(error)), str(error).partition("\n")[0])
    try:
        version, hypervisor = connection.getLibVersion(), connection.getVersion()
        network = _network(connection, libvirt.libvirtError)
    except libvirt.libvirtError as error:
        return Unread(asked, Gap.MALFORMED, str(error).partition("\n")[0])
    finally:
        connection.close()
    return LibvirtState(uri, _dotted(version), _dotted(hypervisor), network)


def _silent(_context: Any, _error: Any) -> None:
    return


def _gap(complaint: str) -> Gap:
    denied = "authentication" in complaint or "ermission denied" in complaint
    return Gap.DENIED if denied else Gap.ABSENT


def _network(connection: Any, error: type[Exception]) -> str:
    try:
        return "active" if connection.networkLookupByName(_DEFAULT).isActive() else "inactive"
    except error:
        return "absent"


def _dotted(number: int) -> str:
    """libvirt's versions are a million times the first part, a thousand times the second, and the third."""
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"
