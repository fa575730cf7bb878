"""The change that this program made here, from the file that it leaves for everybody to read."""

from __future__ import annotations

import json
from typing import Any

from vfio_wizard.model.applied import AppliedState, BoundFunction, ProvenImage
from vfio_wizard.model.pci import PciAddress, PciClass, PciId
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.system.host import Host

PATH = "var/lib/vfio-wizard/state.json"
SCHEMA = "vfio-wizard/state/1"
BOOT_ID = "proc/sys/kernel/random/boot_id"

_LIMIT = 1 << 18


def read_applied(host: Host) -> AppliedState | None | Unread:
    """None where no change is in force."""
    text = host.text(PATH, _LIMIT)
    if isinstance(text, Unread):
        return None if text.gap is Gap.ABSENT else text
    try:
        return parse_applied(text)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Unread(PATH, Gap.MALFORMED, "not what this program leaves there")


def parse_applied(text: str) -> AppliedState:
    """Raises whatever a text of another form leads to."""
    told = json.loads(text)
    if told["schema"] != SCHEMA:
        message = f"another schema: {told['schema']!r}"
        raise ValueError(message)
    return AppliedState(
        transaction=int(told["transaction"]),
        boot_id=told["boot_id"],
        functions=tuple(_function(one) for one in told["functions"]),
        add=_words(told["words"]["add"]),
        remove=_words(told["words"]["remove"]),
        kernels=_words(told["kernels"]),
        images=tuple(_image(one) for one in told["images"]),
        prediction=tuple(
            (str(release), tuple((PciAddress.parse(one), driver) for one, driver in sorted(drivers.items())))
            for release, drivers in sorted(told["prediction"].items())
        ),
    )


def _words(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
        message = "not a list of texts"
        raise ValueError(message)
    return tuple(values)


def _function(told: dict[str, Any]) -> BoundFunction:
    code = told["class"]
    cls = None if code is None else PciClass(int(code[:2], 16), int(code[2:4], 16), int(code[4:], 16))
    identity = None if told["id"] is None else PciId.parse(told["id"])
    return BoundFunction(PciAddress.parse(told["address"]), identity, cls)


def _image(told: dict[str, Any]) -> ProvenImage:
    return ProvenImage(
        str(told["release"]),
        told["path"],
        int(told.get("size", 0)),
        told.get("mtime"),
        bool(told.get("vfio")),
        bool(told.get("early")),
    )
