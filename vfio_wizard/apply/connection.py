"""A connection to libvirt for people: what it refuses comes with what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from vfio_wizard.knowledge.libvirt_errors import meaning
from vfio_wizard.system import libvirt_host
from vfio_wizard.system.libvirt_host import SYSTEM, LibvirtError


@contextmanager
def connected(uri: str = SYSTEM, *, read_only: bool = False) -> Iterator[Any]:
    """Raises LibvirtError with advice, and NoBindingError with the way to get the binding."""
    try:
        with libvirt_host.connected(uri, read_only=read_only) as connection:
            yield connection
    except LibvirtError as error:
        raise LibvirtError(explained(str(error))) from None


def explained(said: str) -> str:
    """libvirt's words, and what to do where it is known."""
    known = meaning(said)
    return said if known is None else f"{said}. What to do: {known.advice}"
