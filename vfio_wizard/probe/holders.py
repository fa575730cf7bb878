"""Which processes have a graphics card open: the device nodes of its functions, and proc/*/fd.

A card must never be taken from a driver while a process holds it (the unbinding hangs), so the
answer names the processes. An ordinary user sees only his own.
"""

from __future__ import annotations

from vfio_wizard.model.pci import Holder, PciAddress
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Gap, Unread, known
from vfio_wizard.probe.paths import base_name
from vfio_wizard.system.host import Host

_OTHERS_UNSEEN = "processes of other users are hidden; run as root"


class Part(NamedTuple):
    """A display or audio function whose nodes are looked for."""

    address: PciAddress
    path: str
    driver: str | None | Unread
    group: int | None | Unread


def read_holders(host: Host, parts: list[Part]) -> dict[PciAddress, tuple[Holder, ...]] | Unread:
    """The processes that hold each function. Denied where some could not be seen and none was found."""
    owners = {node: part.address for part in parts for node in _nodes(host, part)}
    if not owners:
        return {part.address: () for part in parts}
    pids = host.names("proc")
    if isinstance(pids, Unread):
        return pids
    found: dict[PciAddress, list[Holder]] = {part.address: [] for part in parts}
    unseen = 0
    for pid in pids:
        if pid.isascii() and pid.isdigit():
            unseen += not _look(host, pid, owners, found)
    if unseen and not any(found.values()):
        return Unread("proc/*/fd", Gap.DENIED, _OTHERS_UNSEEN)
    return {where: tuple(holders) for where, holders in found.items()}


def _look(host: Host, pid: str, owners: dict[str, PciAddress], found: dict[PciAddress, list[Holder]]) -> bool:
    """Note what one process holds; False when its open files are closed to us."""
    handles = host.names(f"proc/{pid}/fd")
    if isinstance(handles, Unread):
        return handles.gap is not Gap.DENIED
    links = {host.link(f"proc/{pid}/fd/{handle}") for handle in handles}
    held = sorted(link for link in links if isinstance(link, str) and link in owners)
    if held:
        name = known(host.text(f"proc/{pid}/comm"), "")
        for node in held:
            found[owners[node]].append(Holder(int(pid), name, node))
    return True


def _nodes(host: Host, part: Part) -> tuple[str, ...]:
    """The device nodes of one function, without leading slash."""
    return (*_drm(host, part), *_sound(host, part), *_nvidia(host, part), *_vfio(host, part))


def _drm(host: Host, part: Part) -> list[str]:
    names = known(host.names(f"{part.path}/drm"), ())
    return [f"dev/dri/{name}" for name in names if name.startswith(("card", "renderD"))]


def _sound(host: Host, part: Part) -> list[str]:
    cards = [name[4:] for name in known(host.names(f"{part.path}/sound"), ()) if name.startswith("card")]
    if not cards:
        return []
    nodes = known(host.names("dev/snd"), ())
    return [
        f"dev/snd/{node}" for node in nodes for card in cards if node.partition("D")[0].endswith(f"C{card}")
    ]


def _nvidia(host: Host, part: Part) -> list[str]:
    if part.driver != "nvidia":
        return []
    told = known(host.text(f"proc/driver/nvidia/gpus/{part.address}/information"), "")
    minors = [line.partition(":")[2].strip() for line in told.split("\n") if line.startswith("Device Minor")]
    return [f"dev/nvidia{minor}" for minor in minors if minor]


def _vfio(host: Host, part: Part) -> list[str]:
    if part.driver is None or isinstance(part.driver, Unread) or "vfio" not in part.driver:
        return []
    own = [f"dev/vfio/devices/{base_name(name)}" for name in known(host.names(f"{part.path}/vfio-dev"), ())]
    return [*own, f"dev/vfio/{part.group}"] if isinstance(part.group, int) else own
