"""A card that is stuck: how it is now, and single words to the kernel that cannot take this program along."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import Protocol

from vfio_wizard.model.errors import WizardError
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.unread import Gap, Unread, known
from vfio_wizard.planning.recover import DEVICES, Card, Part, Step, Write
from vfio_wizard.probe import holders as probing
from vfio_wizard.probe.paths import base_name
from vfio_wizard.system.host import Host

LIMIT = 20.0
"""Seconds for one word; a reset may take five, an unbinding that takes longer than this hangs."""

_NOBODY = b"\xff\xff"
"""What a bus reads where no device answers."""
_UNINTERRUPTIBLE = "D"


class StuckError(WizardError):
    """The kernel does not answer any more, or said no."""


def read_card(host: Host, addresses: Sequence[PciAddress]) -> Card:
    """Everything anew, since each step changes it."""
    parts = [_part(host, one) for one in addresses]
    asked = [
        probing.Part(one.address, _place(host, one.address), one.driver, _group(host, one.address))
        for one in parts
    ]
    found = probing.read_holders(host, asked)
    seen = tuple(
        one._replace(holders=found if isinstance(found, Unread) else found.get(one.address, ()))
        for one in parts
    )
    return Card(seen, _hanging(host))


def _place(host: Host, address: PciAddress) -> str:
    """Where the links of the bus lead; a record knows a function by that path."""
    at = f"{DEVICES}/{address}"
    return known(host.link(at), at)


def _part(host: Host, address: PciAddress) -> Part:
    at = _place(host, address)
    identity = host.text(f"{at}/vendor")
    override = known(host.text(f"{at}/driver_override"), "").strip()
    return Part(
        address,
        there=not (isinstance(identity, Unread) and identity.gap is Gap.ABSENT),
        driver=_driver(host, at),
        override=None if override in ("", "(null)") else override,
        power=known(host.text(f"{at}/power_state"), "").strip() or None,
        resets=tuple(known(host.text(f"{at}/reset_method"), "").split()),
        answers=_answers(host, at),
        holders=(),
    )


def _driver(host: Host, at: str) -> str | None | Unread:
    link = host.link(f"{at}/driver")
    if isinstance(link, Unread):
        return None if link.gap is Gap.ABSENT else link
    return base_name(link)


def _group(host: Host, address: PciAddress) -> int | None:
    link = known(host.link(f"{_place(host, address)}/iommu_group"), "")
    name = base_name(link)
    return int(name) if name.isascii() and name.isdigit() else None


def _answers(host: Host, at: str) -> bool | None:
    head = host.data(f"{at}/config", 2)
    return None if isinstance(head, Unread) or len(head) < 2 else head != _NOBODY


def _hanging(host: Host) -> tuple[tuple[int, str], ...]:
    """``proc/*/stat``: number, name in brackets (which may hold anything), state."""
    found = []
    for name in known(host.names("proc"), ()):
        if name.isascii() and name.isdigit():
            text = known(host.text(f"proc/{name}/stat"), "")
            head, _, rest = text.rpartition(")")
            if rest.split()[:1] == [_UNINTERRUPTIBLE]:
                found.append((int(name), head.partition("(")[2]))
    return tuple(sorted(found))


class Kernel(Protocol):
    """Where words to the kernel go."""

    def write(self, write: Write) -> None:
        """Raises StuckError where it is refused, or takes too long."""


class SysfsKernel:
    """Files below a root. A child writes: one that hangs in the kernel is left behind."""

    def __init__(self, root: str = "/", limit: float = LIMIT) -> None:
        """``limit`` seconds for each word."""
        self._root, self._limit = root.rstrip("/"), limit

    def write(self, write: Write) -> None:
        """See Kernel."""
        path = f"{self._root}/{write.path}"
        child = subprocess.Popen(  # noqa: S603 - words are arguments, never text of the script
            ["/bin/sh", "-c", 'printf "%s\\n" "$1" >"$2"', "sh", write.value, path],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            _, complaint = child.communicate(timeout=self._limit)
        except subprocess.TimeoutExpired:
            message = (
                f"writing to /{write.path} hangs since {self._limit:g} s: the kernel waits for the card. "
                f"Nothing "
                "more is tried; switch the machine off and on when you can"
            )
            raise StuckError(message) from None
        if child.returncode:
            words = complaint.decode("utf-8", "backslashreplace").strip().rpartition(": ")[2]
            message = f"the kernel refuses {write.value!r} in /{write.path}: {words or child.returncode}"
            raise StuckError(message)


def carry_out(step: Step, kernel: Kernel) -> None:
    """All words of a step; the first that fails ends it. Raises StuckError."""
    if step.refused is not None:
        raise StuckError(step.refused)
    for write in step.writes:
        kernel.write(write)
