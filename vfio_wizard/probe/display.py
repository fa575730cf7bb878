"""Monitors and firmware framebuffers, by the PCI function behind them.

A connector's ``status`` is the cached one (drm_sysfs.c status_show). ``edid`` and ``modes`` are never
read: on some drivers that takes minutes.
"""

from __future__ import annotations

from vfio_wizard.model.facts import Connector, Display, Framebuffer
from vfio_wizard.model.pci import PciAddress, PciFunction
from vfio_wizard.model.unread import Gap, Unread, known
from vfio_wizard.probe.numbers import from_hex, read_number
from vfio_wizard.probe.paths import nearest_function
from vfio_wizard.system.host import Host

DRM = "sys/class/drm"
PLATFORM = "sys/bus/platform/devices"
IOMEM = "proc/iomem"

_FRAMEBUFFERS = ("efi-framebuffer.", "vesa-framebuffer.", "simple-framebuffer.", "platform-framebuffer.")
_REGIONS = ("BOOTFB", "efifb", "vesafb", "simplefb", "simpledrm", "simple-framebuffer", "efidrm", "vesadrm")
_STATES = ("connected", "disconnected", "unknown")

_Functions = tuple[PciFunction, ...] | Unread
_Range = tuple[int, int]


def read_display(host: Host, pci: _Functions) -> Display:
    """Connectors and framebuffers; ``pci`` gives the windows in which a framebuffer may lie."""
    return Display(connectors=_connectors(host), framebuffers=_framebuffers(host, pci))


def _connectors(host: Host) -> tuple[Connector, ...] | Unread:
    names = host.names(DRM)
    if isinstance(names, Unread):
        # a live kernel without any DRM driver has no such class: no connectors, not a gap
        return () if names.gap is Gap.ABSENT and not isinstance(host.names("sys/class"), Unread) else names
    cards = {name: _card(host, name) for name in names if name.startswith("card") and "-" not in name}
    found: list[Connector] = []
    for name in names:
        card, dash, _ = name.partition("-")
        if dash and card in cards:
            found.append(_connector(host, name, cards[card]))
    return tuple(found)


def _card(host: Host, name: str) -> PciAddress | None:
    target = host.link(f"{DRM}/{name}")
    return None if isinstance(target, Unread) else nearest_function(target)


def _connector(host: Host, name: str, function: PciAddress | None) -> Connector:
    status = known(host.text(f"{DRM}/{name}/status"), "unknown").strip()
    enabled = known(host.text(f"{DRM}/{name}/enabled"), "").strip()
    return Connector(
        name=name,
        function=function,
        status=status if status in _STATES else "unknown",
        enabled={"enabled": True, "disabled": False}.get(enabled),
    )


def _framebuffers(host: Host, pci: _Functions) -> tuple[Framebuffer, ...] | Unread:
    names = host.names(PLATFORM)
    regions = host.lines(IOMEM, (), _REGIONS)
    if isinstance(names, Unread) and isinstance(regions, Unread):
        return names
    ranges = _ranges(known(regions, ()))
    devices = [name for name in known(names, ()) if name.startswith(_FRAMEBUFFERS)]
    if devices:
        return tuple([_framebuffer(host, name, ranges, pci) for name in devices])
    return tuple([_placed(label, where, None, pci) for label, where in ranges.items()])


def _framebuffer(host: Host, name: str, ranges: dict[str, _Range | None], pci: _Functions) -> Framebuffer:
    """Newer kernels put the device below the PCI function that it lies on; then the path tells."""
    target = host.link(f"{PLATFORM}/{name}")
    function = None if isinstance(target, Unread) else nearest_function(target)
    where = next((one for one in ranges.values() if one is not None), None) or _own_range(host, name)
    return _placed(name, where, function, pci)


def _own_range(host: Host, name: str) -> _Range | None:
    """What efifb tells every user, unlike proc/iomem: base, bytes of a line, lines (efifb.c)."""
    path = f"{PLATFORM}/{name}"
    base = from_hex(known(host.text(f"{path}/base"), "").strip(), 16)
    width, height = read_number(host, f"{path}/linelength"), read_number(host, f"{path}/height")
    if not base or isinstance(width, Unread) or isinstance(height, Unread) or width * height <= 0:
        return None
    return base, base + width * height - 1


def _placed(name: str, where: _Range | None, function: PciAddress | None, pci: _Functions) -> Framebuffer:
    start, end = where if where is not None else (None, None)
    return Framebuffer(name, start, end, function or _owner(where, pci))


def _owner(where: _Range | None, pci: _Functions) -> PciAddress | None:
    if where is None:
        return None
    for one in known(pci, ()):
        if any(bar.start <= where[0] and where[1] <= bar.end for bar in known(one.bars, ()) if bar.size):
            return one.address
    return None


def _ranges(lines: tuple[str, ...]) -> dict[str, _Range | None]:
    """Regions of proc/iomem by label; an ordinary user gets zeros, which say nothing."""
    found: dict[str, _Range | None] = {}
    for line in lines:
        span, _, label = line.partition(" : ")
        low, _, high = span.strip().partition("-")
        start, end = from_hex(low, 16), from_hex(high, 16)
        if start is not None and end is not None and label.strip():
            found.setdefault(label.strip(), (start, end) if end else None)
    return found
