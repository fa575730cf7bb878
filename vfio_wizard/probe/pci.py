"""PCI functions from sys/bus/pci/devices: identity of all, and everything of graphics cards.

A file costs some ten microseconds. ``uevent`` answers for five of them, and what only matters for a
card (windows, link, power, ROM) is read only for functions that could belong to one.
"""

from __future__ import annotations

from vfio_wizard.model.iommu import IommuGroup
from vfio_wizard.model.pci import (
    Bar,
    Holder,
    PciAddress,
    PciClass,
    PcieLink,
    PciFunction,
    PciId,
    ResizableBar,
)
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Gap, Unread, untold
from vfio_wizard.model.version import KernelVersion, kernel_version
from vfio_wizard.probe.aliases import Aliases, read_aliases
from vfio_wizard.probe.numbers import from_decimal, from_hex, read_number
from vfio_wizard.probe.paths import address, base_name, functions_of
from vfio_wizard.system.host import Host

DEVICES = "sys/bus/pci/devices"
LONGEST_WORD = 256
"""Characters that a one-word attribute may have; more is no word of a kernel."""

_ASIDE = "read for graphics cards and their neighbours only"
_RESET_METHOD_SINCE: KernelVersion = (5, 15)  # ABI/testing/sysfs-bus-pci
_REMOVABLE_SINCE: KernelVersion = (5, 14)  # drivers/pci/probe.c pci_set_removable
_RESIZE_SINCE: KernelVersion = (6, 1)  # read in the 6.1 tree; earlier ones were not looked at
_BARS = 6


class _Identity(NamedTuple):
    """What is read of every function, and decides what else is read."""

    address: PciAddress
    path: str
    id: PciId | Unread
    cls: PciClass | Unread
    subsystem: PciId | None | Unread
    driver: str | None | Unread
    modalias: str | Unread
    parent: PciAddress | None | Unread
    group: int | None | Unread


class _Ground(NamedTuple):
    """What holds for all functions of one pass."""

    version: KernelVersion | None
    aliases: Aliases | Unread
    cards: frozenset[PciAddress]
    """Functions that are, or sit beside or above, a display controller."""
    holders: dict[PciAddress, tuple[Holder, ...]] | Unread


def read_pci(
    host: Host,
    release: str | Unread,
    groups: tuple[IommuGroup, ...] | Unread,
    *,
    holders: bool = True,
) -> tuple[PciFunction, ...] | Unread:
    """All PCI functions, by address. ``release`` is the running kernel, ``groups`` its IOMMU groups.

    A function that vanishes while it is read is left out. Open device nodes are looked for on a live
    host only, and not with ``holders=False`` (a recorder must not read what processes have open).
    """
    names = host.names(DEVICES)
    if isinstance(names, Unread):
        return names
    found = _identities(host, names, groups)
    cards = _cards(found)
    modaliases = [one.modalias for one in found if isinstance(one.modalias, str)]
    ground = _Ground(
        version=None if isinstance(release, Unread) else kernel_version(release),
        aliases=read_aliases(host, release, modaliases),
        cards=cards,
        holders=_holders(host, [one for one in found if one.address in cards], wanted=holders),
    )
    functions = [_function(host, one, ground) for one in found]
    if holders and host.live:
        functions = _with_acs(host, functions)
    still = host.names(DEVICES)
    if isinstance(still, tuple) and still != names:
        gone = set(names) - set(still)
        functions = [one for one in functions if str(one.address) not in gone]
    return tuple(sorted(functions, key=lambda one: one.address))


def _identities(
    host: Host, names: tuple[str, ...], groups: tuple[IommuGroup, ...] | Unread
) -> list[_Identity]:
    told = () if isinstance(groups, Unread) else groups
    group_of = {member: group.number for group in told for member in group.members}
    silence = untold("sys/kernel/iommu_groups", "IOMMU groups are not part of this source")
    no_group = silence if isinstance(groups, Unread) and groups.gap is not Gap.ABSENT else None
    found: list[_Identity] = []
    for name in names:
        where = address(name)
        if where is None:
            continue
        path = f"{DEVICES}/{name}"
        group = group_of.get(where)
        one = _identity(host, path, where, _group(host, path, no_group) if group is None else group)
        if not _vanished(host, one):
            found.append(one)
    return found


def _identity(host: Host, path: str, where: PciAddress, group: int | None | Unread) -> _Identity:
    parent = _parent(host, path)  # first, since the host remembers where the link leads
    uevent = _uevent(host, path)
    return _Identity(
        address=where,
        path=path,
        id=_id(host, path, uevent),
        cls=_class(host, path, uevent),
        subsystem=_subsystem(host, path, uevent),
        driver=_driver(host, path, uevent),
        modalias=_modalias(host, path, uevent),
        parent=parent,
        group=group,
    )


def _vanished(host: Host, one: _Identity) -> bool:
    if not (isinstance(one.id, Unread) and one.id.gap is Gap.ABSENT):
        return False
    seen = host.stat(one.path)
    return isinstance(seen, Unread) and seen.gap is Gap.ABSENT


def _uevent(host: Host, path: str) -> dict[str, str]:
    text = host.text(f"{path}/uevent")
    if isinstance(text, Unread):
        return {}
    return dict([line.split("=", 1) for line in text.split("\n") if "=" in line and len(line) < LONGEST_WORD])


def _id(host: Host, path: str, uevent: dict[str, str]) -> PciId | Unread:
    told = _parse_id(uevent.get("PCI_ID", ""))
    if told is not None:
        return told
    return _two_files(host, f"{path}/vendor", f"{path}/device")


def _subsystem(host: Host, path: str, uevent: dict[str, str]) -> PciId | None | Unread:
    told = _parse_id(uevent.get("PCI_SUBSYS_ID", ""))
    if told is None:
        read = _two_files(host, f"{path}/subsystem_vendor", f"{path}/subsystem_device")
        if isinstance(read, Unread):
            return read
        told = read
    return None if told.vendor in ("0000", "ffff") else told


def _parse_id(text: str) -> PciId | None:
    vendor, _, device = text.partition(":")
    if len(vendor) != 4 or len(device) != 4 or from_hex(vendor + device, 8) is None:
        return None
    return PciId(vendor.lower(), device.lower())


def _two_files(host: Host, vendor: str, device: str) -> PciId | Unread:
    first = _hex_file(host, vendor, 4)
    second = _hex_file(host, device, 4)
    if isinstance(first, Unread):
        return first
    return second if isinstance(second, Unread) else PciId(f"{first:04x}", f"{second:04x}")


def _hex_file(host: Host, path: str, digits: int) -> int | Unread:
    text = host.text(path)
    if isinstance(text, Unread):
        return text
    number = from_hex(text.strip(), digits)
    return Unread(path, Gap.MALFORMED, f"not {digits} hex digits") if number is None else number


def _class(host: Host, path: str, uevent: dict[str, str]) -> PciClass | Unread:
    code: int | None | Unread = from_hex(uevent.get("PCI_CLASS", ""), 6)
    if code is None:
        code = _hex_file(host, f"{path}/class", 6)
    if isinstance(code, Unread):
        return code
    return PciClass(code >> 16, code >> 8 & 0xFF, code & 0xFF)


def _driver(host: Host, path: str, uevent: dict[str, str]) -> str | None | Unread:
    """A missing link says "none" only beside a uevent: some copies of sysfs leave all links out."""
    told = uevent.get("DRIVER", "")
    if told:
        return told
    target = host.link(f"{path}/driver")
    if isinstance(target, str):
        return base_name(target)
    if target.gap is Gap.ABSENT and not (uevent or host.live):
        return untold(f"{path}/driver", "neither uevent nor a link to a driver was copied")
    return None if target.gap is Gap.ABSENT else target


def _modalias(host: Host, path: str, uevent: dict[str, str]) -> str | Unread:
    told = uevent.get("MODALIAS", "")
    return told if told.startswith("pci:") else _word(host, f"{path}/modalias")


def _word(host: Host, path: str) -> str | Unread:
    """The one line of a file, when it has the look of a word."""
    text = host.text(path)
    if isinstance(text, Unread):
        return text
    word = text.strip()
    if not word or len(word) > LONGEST_WORD or not word.isprintable():
        return Unread(path, Gap.MALFORMED, "not one line of text")
    return word


def _parent(host: Host, path: str) -> PciAddress | None | Unread:
    """From where the device link leads; VMD puts root buses of other domains below a function."""
    target = host.link(path)
    if isinstance(target, Unread):
        return target
    above, _, own = target.rpartition("/")
    if own != base_name(path):
        return Unread(path, Gap.MALFORMED, f"leads to {own}")
    return address(base_name(above))


def _group(host: Host, path: str, silent: Unread | None) -> int | None | Unread:
    target = host.link(f"{path}/iommu_group")
    if isinstance(target, Unread):
        return silent if target.gap is Gap.ABSENT else target
    number = from_decimal(base_name(target))
    return Unread(f"{path}/iommu_group", Gap.MALFORMED, "not a group number") if number is None else number


def _cards(found: list[_Identity]) -> frozenset[PciAddress]:
    """Display controllers, what shares their slot, group or switch, and the bridges above them."""
    parents = {one.address: one.parent for one in found}
    shown = [one for one in found if _may_display(one)]
    slots = {one.address.slot for one in shown}
    groups = {one.group for one in shown if isinstance(one.group, int)}
    switches = {switch for one in shown if (switch := _switch(one.address, parents)) is not None}
    above = {bridge for one in shown for bridge in _bridges_above(one.address, parents)}
    return frozenset(
        one.address
        for one in found
        if one.address in above
        or one.address.slot in slots
        or (isinstance(one.group, int) and one.group in groups)
        or _switch(one.address, parents) in switches
    )


def _may_display(one: _Identity) -> bool:
    """A function whose class could not be read may be a display: better read too much of it."""
    return isinstance(one.cls, Unread) or one.cls.is_display


_Parents = dict[PciAddress, PciAddress | None | Unread]


def _bridges_above(start: PciAddress, parents: _Parents) -> tuple[PciAddress, ...]:
    above: list[PciAddress] = []
    at = parents.get(start)
    while isinstance(at, PciAddress) and at not in above:
        above.append(at)
        at = parents.get(at)
    return tuple(above)


def _switch(start: PciAddress, parents: _Parents) -> PciAddress | None:
    """The upstream port two levels above: cards with their own switch have their audio in another slot."""
    above = _bridges_above(start, parents)
    return above[1] if len(above) > 1 else None


def _function(host: Host, one: _Identity, ground: _Ground) -> PciFunction:
    path = one.path
    aside = one.address not in ground.cards
    skipped = Unread(path, Gap.UNTOLD, _ASIDE)  # one for all: a big machine has thousands of them
    bars, rom_line = (skipped, None) if aside else _windows(host, path)
    power = skipped if aside else _word(host, f"{path}/power_state")
    return PciFunction(
        address=one.address,
        origin=path,
        id=one.id,
        cls=one.cls,
        subsystem=one.subsystem,
        revision=skipped if aside else _hex_file(host, f"{path}/revision", 2),
        driver=one.driver,
        group=one.group,
        parent=one.parent,
        modules=_modules(one.modalias, ground.aliases),
        modalias=one.modalias,
        boot_vga=_boot_vga(host, one),
        reset_methods=_reset_methods(host, path, ground.version),
        driver_override=_driver_override(host, path),
        bars=bars,
        resizable_bars=(_resizable(host, path, bars, ground.version) if _may_display(one) else skipped),
        rom=skipped if aside else _rom(host, path, rom_line),
        link=skipped if aside else _link(host, path, power),
        power_state=power,
        numa_node=skipped if aside else _numa_node(host, path),
        physical_function=skipped if aside else _physical_function(host, path),
        removable=skipped if aside else _removable(host, path, ground.version),
        holders=_held(one, ground),
        name=None,
    )


def _with_acs(host: Host, functions: list[PciFunction]) -> list[PciFunction]:
    """The ports above a display that is not alone in its group told with their access control."""
    crowded = _crowded(functions)
    if not crowded:
        return functions
    from vfio_wizard.probe.acs import read_acs  # noqa: PLC0415 - few machines need it

    parents = {one.address: one.parent for one in functions}
    ports = {port for one in crowded for port in _bridges_above(one.address, parents)}
    return [
        one._replace(acs=read_acs(host, one.origin)) if one.address in ports else one for one in functions
    ]


def _crowded(functions: list[PciFunction]) -> list[PciFunction]:
    """Displays with a stranger in their group: neither of their own slot nor a bridge."""
    return [
        one
        for one in functions
        if one.is_display
        and isinstance(one.group, int)
        and any(
            other.group == one.group and other.address.slot != one.address.slot and not other.is_bridge
            for other in functions
        )
    ]


def _modules(modalias: str | Unread, aliases: Aliases | Unread) -> tuple[str, ...] | Unread:
    if isinstance(modalias, Unread):
        return modalias
    return aliases if isinstance(aliases, Unread) else aliases.modules(modalias)


def _boot_vga(host: Host, one: _Identity) -> bool | None | Unread:
    """The kernel shows the file for VGA functions only (pci-sysfs.c)."""
    if isinstance(one.cls, PciClass) and not one.cls.is_vga:
        return None
    path = f"{one.path}/boot_vga"
    text = host.text(path)
    if isinstance(text, Unread):
        return text
    return {"1": True, "0": False}.get(text.strip(), Unread(path, Gap.MALFORMED, "neither 0 nor 1"))


def _reset_methods(host: Host, path: str, version: KernelVersion | None) -> tuple[str, ...] | Unread:
    path = f"{path}/reset_method"
    text = host.text(path)
    if isinstance(text, Unread):
        return _absence_means_none(text, version, _RESET_METHOD_SINCE)
    words = tuple(text.split())
    if len(text) > LONGEST_WORD or not all(word.isascii() and word.isidentifier() for word in words):
        return Unread(path, Gap.MALFORMED, "not a list of reset methods")
    return words


def _absence_means_none(
    gap: Unread, version: KernelVersion | None, since: KernelVersion
) -> tuple[()] | Unread:
    """A file that is not there says "none" only on kernels that know the file."""
    if gap.gap is not Gap.ABSENT:
        return gap
    if version is not None and version >= since:
        return ()
    return untold(gap.path, f"kernels before {since[0]}.{since[1]} do not tell")


def _driver_override(host: Host, path: str) -> str | None | Unread:
    text = host.text(f"{path}/driver_override")
    if isinstance(text, Unread):
        return text
    return None if text.strip() in ("", "(null)") else _shown_word(f"{path}/driver_override", text)


def _shown_word(path: str, text: str) -> str | Unread:
    word = text.strip()
    is_word = len(word) <= LONGEST_WORD and word.isprintable()
    return word if is_word else Unread(path, Gap.MALFORMED, "not one line of text")


def _windows(host: Host, path: str) -> tuple[tuple[Bar, ...] | Unread, bool | None]:
    """The BARs, and whether the line of the ROM is in use (None where that is not known)."""
    path = f"{path}/resource"
    text = host.text(path)
    if isinstance(text, Unread):
        return text, None
    lines = [_window(index, line) for index, line in enumerate(text.split("\n")[: _BARS + 1])]
    if any(line is None for line in lines):
        return Unread(path, Gap.MALFORMED, "not lines of start, end and flags"), None
    used = [line for line in lines if line is not None and line.size]
    rom = any(line.number == _BARS for line in used) if len(lines) > _BARS else None
    return tuple([line for line in used if line.number < _BARS]), rom


def _window(index: int, line: str) -> Bar | None:
    fields = [from_hex(field, 16) for field in line.split()]
    if len(fields) != 3:
        return None
    start, end, flags = fields
    if start is None or end is None or flags is None or end < start:
        return None
    return Bar(index, start, end - start + 1 if end else 0, flags)


def _resizable(
    host: Host, path: str, bars: tuple[Bar, ...] | Unread, version: KernelVersion | None
) -> tuple[ResizableBar, ...] | Unread:
    numbers = range(_BARS) if isinstance(bars, Unread) else [bar.number for bar in bars if bar.is_memory]
    found: list[ResizableBar] = []
    gap: Unread | None = None
    for number in numbers:
        sizes = _sizes(host, f"{path}/resource{number}_resize")
        if isinstance(sizes, Unread):
            gap = sizes if gap is None or sizes.gap is not Gap.ABSENT else gap
        else:
            found.append(ResizableBar(number, sizes))
    if found or gap is None:
        return tuple(found)
    return _absence_means_none(gap, version, _RESIZE_SINCE)


def _sizes(host: Host, path: str) -> tuple[int, ...] | Unread:
    """Bit n of the bitmap stands for 2^(n+20) bytes (ABI/testing/sysfs-bus-pci)."""
    bitmap = _hex_file(host, path, 16)
    if isinstance(bitmap, Unread):
        return bitmap
    return tuple([1 << bit + 20 for bit in range(bitmap.bit_length()) if bitmap >> bit & 1])


def _rom(host: Host, path: str, line: bool | None) -> bool | Unread:
    if line:
        return True
    seen = host.stat(f"{path}/rom")
    if isinstance(seen, Unread):
        return False if seen.gap is Gap.ABSENT else seen
    return True


def _link(host: Host, path: str, power: str | Unread) -> PcieLink | None | Unread:
    """Asking a card in D3cold for its link would wake it, which takes long and spins up fans."""
    if power == "D3cold":
        return untold(f"{path}/current_link_speed", "asleep in D3cold, not woken for this")
    speed = _word(host, f"{path}/current_link_speed")
    if isinstance(speed, Unread):
        return None if speed.gap is Gap.ABSENT else speed
    width = read_number(host, f"{path}/current_link_width")
    max_speed = _word(host, f"{path}/max_link_speed")
    max_width = read_number(host, f"{path}/max_link_width")
    if isinstance(width, Unread):
        return width
    if isinstance(max_speed, Unread):
        return max_speed
    return max_width if isinstance(max_width, Unread) else PcieLink(speed, width, max_speed, max_width)


def _numa_node(host: Host, path: str) -> int | None | Unread:
    node = read_number(host, f"{path}/numa_node")
    return None if isinstance(node, int) and node < 0 else node


def _physical_function(host: Host, path: str) -> PciAddress | None | Unread:
    target = host.link(f"{path}/physfn")
    if isinstance(target, Unread):
        return None if target.gap is Gap.ABSENT else target
    found = functions_of(base_name(target))
    return found[0] if found else Unread(f"{path}/physfn", Gap.MALFORMED, "leads to no PCI function")


def _removable(host: Host, path: str, version: KernelVersion | None) -> bool | Unread:
    path = f"{path}/removable"
    text = host.text(path)
    if isinstance(text, Unread):
        none = _absence_means_none(text, version, _REMOVABLE_SINCE)
        return none if isinstance(none, Unread) else False
    word = text.strip()
    if word in ("removable", "fixed"):
        return word == "removable"
    unknown = untold(path, "the kernel says unknown")
    return unknown if word == "unknown" else Unread(path, Gap.MALFORMED, "not a word of the kernel")


def _holders(
    host: Host, cards: list[_Identity], *, wanted: bool
) -> dict[PciAddress, tuple[Holder, ...]] | Unread:
    if not wanted:
        return untold("proc", "open device nodes were not asked for")
    if not host.live:
        return untold("proc", "only a live host tells who has a device open")
    from vfio_wizard.probe.holders import Part, read_holders  # noqa: PLC0415 - for live hosts only

    parts = [
        Part(one.address, one.path, one.driver, one.group)
        for one in cards
        if _may_display(one) or (isinstance(one.cls, PciClass) and one.cls.is_audio)
    ]
    return read_holders(host, parts)


def _held(one: _Identity, ground: _Ground) -> tuple[Holder, ...] | Unread:
    if isinstance(ground.holders, Unread):
        return ground.holders
    return ground.holders.get(one.address, untold(f"{one.path}/drm", _ASIDE))
