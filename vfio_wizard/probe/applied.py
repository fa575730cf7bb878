"""The change that this program made here, from the file that it leaves for everybody to read."""

from __future__ import annotations

from vfio_wizard.model.applied import AppliedState, BoundFunction, InForce, ProvenImage, SeenImage
from vfio_wizard.model.facts import InstalledKernel
from vfio_wizard.model.pci import PciAddress, PciClass, PciId
from vfio_wizard.model.unread import Gap, Unread, known
from vfio_wizard.system.host import Host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

PATH = "var/lib/vfio-wizard/state.json"
SCHEMA = "vfio-wizard/state/1"
BOOT_ID = "proc/sys/kernel/random/boot_id"

_LIMIT = 1 << 18


def read_in_force(host: Host, kernels: tuple[InstalledKernel, ...] | Unread) -> InForce | None | Unread:
    """None where no change is in force. Only images that were built since are looked into."""
    state = read_applied(host)
    if state is None or isinstance(state, Unread):
        return state
    return InForce(state, tuple(_images(host, state, known(kernels, ()))))


def _images(host: Host, state: AppliedState, kernels: tuple[InstalledKernel, ...]) -> Iterator[SeenImage]:
    proven = {(one.release, one.path): one for one in state.images}
    for kernel in kernels:
        path = kernel.initramfs
        if not isinstance(path, str):
            continue
        before = proven.get((kernel.release, path))
        seen = host.stat(path)
        if before is not None and not isinstance(seen, Unread) and (seen.size, seen.mtime) == before.stamp:
            yield SeenImage(kernel.release, path, False, before.vfio, before.early)
        else:
            yield _looked_into(host, kernel.release, path)


def _looked_into(host: Host, release: str, path: str) -> SeenImage:
    from vfio_wizard.probe.images import read_image  # noqa: PLC0415 - only after a kernel update

    image = read_image(host, path)
    if isinstance(image, Unread):
        return SeenImage(release, path, True, image, image)
    has = "vfio_pci" in image.modules or "vfio_pci" in known(image.builtin, frozenset())
    early = any(one.module == "vfio_pci" for one in image.early)
    gap = image.gaps[0] if image.gaps else None
    return SeenImage(release, path, True, has or gap or False, early or gap or False)


def read_applied(host: Host) -> AppliedState | None | Unread:
    """None where no change is in force, and where the source does not speak of it."""
    text = host.text(PATH, _LIMIT)
    if isinstance(text, Unread):
        return None if text.gap in (Gap.ABSENT, Gap.UNTOLD) else text
    try:
        return parse_applied(text)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        return Unread(PATH, Gap.MALFORMED, "not what this program leaves there")


def parse_applied(text: str) -> AppliedState:
    """Raises whatever a text of another form leads to."""
    import json  # noqa: PLC0415 - only where a change is in force

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
