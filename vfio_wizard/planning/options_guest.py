"""What the guest is given beside the card: network, keys, USB, window, sound, ROM, and how it is opened.

What this machine has is offered; an answer that cannot be has the reason beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vfio_wizard.cards.kinds import kind
from vfio_wizard.cards.units import gpus
from vfio_wizard.knowledge import libvirt
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.facts import DeviceNode, HostFacts, NetworkLink, PluggedUsb
from vfio_wizard.model.pci import PciAddress, PciClass, PciFunction, PciId
from vfio_wizard.model.selection import FirmwareWish, Offer, Selection, SoundWish
from vfio_wizard.model.unread import Unread, known
from vfio_wizard.model.version import Release, release
from vfio_wizard.planning import domain_devices
from vfio_wizard.planning.guest_network import is_own_bridge
from vfio_wizard.planning.option import Choice, Option, one_of

_AREA = "BESIDE THE CARD"


def _wish(selection: Selection, **wishes: object) -> Selection:
    return selection._replace(domain=selection.domain._replace(**wishes))  # type: ignore[arg-type]


def _libvirt(facts: HostFacts) -> Release | None:
    version = facts.virt.libvirt
    return release(version) if isinstance(version, str) else None


def _too_old(facts: HostFacts, feature: str) -> str:
    """Why the libvirt that is installed does not take it; empty where it does, or is not known."""
    version = _libvirt(facts)
    since = libvirt.since(feature)
    if version is None or version >= (release(since) or version):
        return ""
    return f"it takes libvirt {since}, and here is {'.'.join(map(str, version[:2]))}"


# -- sets ------------------------------------------------------------------------------------------


def _sets(chosen: tuple[str, ...], offered: Iterable[Choice]) -> tuple[Choice, ...]:
    """None, what is chosen, and each set that is one away from it: values are words with blanks between."""
    there = tuple(offered)
    label = {one.value: one.label for one in there}
    found = {"": Choice("", "none")}
    if chosen:
        found[" ".join(chosen)] = Choice(" ".join(chosen), ", ".join(label.get(one, one) for one in chosen))
    for one in there:
        words = " ".join((*chosen, one.value))
        if one.value not in chosen:
            found[words] = Choice(words, f"also {one.label}" if chosen else one.label, one.why_not)
    for gone in chosen if len(chosen) > 1 else ():
        words = " ".join(one for one in chosen if one != gone)
        found.setdefault(words, Choice(words, f"without {label.get(gone, gone)}"))
    return tuple(found.values())


# -- network ---------------------------------------------------------------------------------------


def _networks(facts: HostFacts, selection: Selection) -> tuple[Choice, ...]:
    found = [
        Choice("auto", "what there is: libvirt's, else a bridge"),
        Choice("network:default", "libvirt's network default: behind this machine"),
    ]
    told = facts.peripherals
    bridges = () if told is None else known(told.bridges, ())
    for link in known(facts.network, ()):
        found += _ends(link, link.name in bridges, selection)
    found.append(Choice("none", "no network"))
    wish = selection.domain.network
    return tuple(found if any(one.value == wish for one in found) else [*found, Choice(wish, wish)])


def _ends(link: NetworkLink, is_bridge: bool, selection: Selection) -> Iterator[Choice]:
    """How a cable may end at an interface."""
    if is_bridge and not is_own_bridge(link.name):
        nowhere = "this machine's way out does not go through it" if link.default_route is False else ""
        yield Choice(f"bridge:{link.name}", f"the bridge {link.name}: like a machine of its own", nowhere)
    elif link.kind in ("wired", "usb"):
        gone = "its card goes to the guest" if link.function in selection.also else ""
        label = f"macvtap on {link.name}: guest and host do not reach each other"
        yield Choice(f"direct:{link.name}", label, gone)
    elif link.kind == "wireless":
        why_not = "an access point takes one address only"
        yield Choice(f"direct:{link.name}", f"macvtap on {link.name} (Wi-Fi)", why_not)


def _put_network(selection: Selection, value: str) -> Selection:
    chosen = _wish(selection, network=value.strip() or "auto")
    domain_devices.nics(chosen.domain)
    return chosen


# -- keys, USB -------------------------------------------------------------------------------------


def _inputs(facts: HostFacts, selection: Selection) -> tuple[Choice, ...]:
    told = facts.peripherals
    if told is None or isinstance(told.inputs, Unread):
        return ()
    return _sets(selection.domain.evdev, (Choice(path, path.rpartition("/")[2]) for path in told.inputs))


def _put_evdev(selection: Selection, value: str) -> Selection:
    chosen = _wish(selection, evdev=tuple(dict.fromkeys(value.split())))
    domain_devices.evdev(chosen.domain)
    return chosen


def _usb(facts: HostFacts, selection: Selection) -> tuple[Choice, ...]:
    told = facts.peripherals
    if told is None or isinstance(told.usb, Unread):
        return ()
    ids = [one.id for one in told.usb]
    offered = {one.id: _usb_choice(one, ids.count(one.id), selection) for one in told.usb}
    return _sets(selection.domain.usb, offered.values())


def _usb_choice(one: PluggedUsb, count: int, selection: Selection) -> Choice:
    why_not = ""
    if count > 1:
        why_not = f"{count} devices have this id, and libvirt would not know which"
    elif one.controller in selection.also:
        why_not = f"it hangs on {one.controller}, which goes to the guest as a whole"
    return Choice(one.id, f"{one.name} ({one.id})" if one.name else one.id, why_not)


def _put_usb(selection: Selection, value: str) -> Selection:
    chosen = _wish(selection, usb=tuple(dict.fromkeys(value.split())))
    domain_devices.usb(chosen.domain)
    return chosen


def _controllers(facts: HostFacts, selection: Selection) -> tuple[Choice, ...]:
    """USB controllers that are part of no graphics card; what else goes along stays as it is."""
    of_cards = {address for gpu in known(gpus(facts), ()) for address in gpu.functions}
    functions = [one for one in known(facts.pci, ()) if _is_usb(one) and one.address not in of_cards]
    chosen = tuple(str(one) for one in selection.also)
    offered = (
        Choice(str(one.address), _controller_words(facts, one), _shared(facts, one, selection))
        for one in functions
    )
    return _sets(chosen, offered)


def _is_usb(function: PciFunction) -> bool:
    return isinstance(function.cls, PciClass) and kind(function.cls) == "usb"


def _controller_words(facts: HostFacts, function: PciFunction) -> str:
    told = facts.peripherals
    devices = () if told is None else known(told.usb, ())
    names = [one.name or one.id for one in devices if one.controller == function.address]
    return f"{function.address} with {', '.join(names) if names else 'what is plugged into it'}"


def _shared(facts: HostFacts, function: PciFunction, selection: Selection) -> str:
    """What of its IOMMU group would stay with the host."""
    if not isinstance(function.group, int):
        return ""
    leaving = {function.address, *selection.also, *selection.gpus}
    stays = [
        str(one.address)
        for one in known(facts.pci, ())
        if one.group == function.group and one.address not in leaving and not one.is_bridge
    ]
    return f"IOMMU group {function.group} holds {', '.join(stays)} as well" if stays else ""


def _put_also(selection: Selection, value: str) -> Selection:
    try:
        addresses = tuple(dict.fromkeys(PciAddress.parse(word) for word in value.split()))
    except ValueError as error:
        raise UsageError(str(error)) from None
    return selection._replace(also=addresses)


# -- window, sound ---------------------------------------------------------------------------------


def _spice(facts: HostFacts, selection: Selection) -> tuple[Choice, ...]:
    lacks = "this distribution's QEMU has no SPICE" if _lacks_spice(facts) else ""
    needed = "sound goes through it (domain.sound)" if selection.domain.sound is SoundWish.SPICE else ""
    return (
        Choice(Offer.AUTO.value, "where keys have no other way"),
        Choice(Offer.ON.value, "yes", lacks),
        Choice(Offer.OFF.value, "no: keys by evdev or USB, the picture on the card's own screen", needed),
    )


def _lacks_spice(facts: HostFacts) -> bool:
    graphics = domain_devices.known_graphics((), facts.boot.distribution)
    return bool(graphics) and "spice" not in graphics


def _sounds(facts: HostFacts, selection: Selection) -> tuple[Choice, ...]:
    off = "SPICE is off (domain.spice)" if selection.domain.spice is Offer.OFF else ""
    lacks = "this distribution's QEMU has no SPICE" if _lacks_spice(facts) else ""
    return (
        Choice(SoundWish.AUTO.value, "through SPICE, else the card's own output"),
        Choice(SoundWish.SPICE.value, "through SPICE", off or lacks),
        Choice(SoundWish.PIPEWIRE.value, "through this machine's PipeWire", _too_old(facts, "pipewire")),
        Choice(SoundWish.OFF.value, "only the card's own output"),
    )


def _put_spice(selection: Selection, value: str) -> Selection:
    return _wish(selection, spice=Offer(one_of("domain.spice", value, tuple(Offer))))


def _put_sound(selection: Selection, value: str) -> Selection:
    return _wish(selection, sound=SoundWish(one_of("domain.sound", value, tuple(SoundWish))))


# -- firmware, ROM, iommufd ------------------------------------------------------------------------


def _firmwares(_facts: HostFacts, _selection: Selection) -> tuple[Choice, ...]:
    return (
        Choice(FirmwareWish.AUTO.value, "UEFI, with Secure Boot for Windows"),
        Choice(FirmwareWish.SECURE_BOOT.value, "UEFI with Secure Boot"),
        Choice(FirmwareWish.UEFI.value, "UEFI without Secure Boot"),
    )


def _put_firmware(selection: Selection, value: str) -> Selection:
    wish = FirmwareWish(one_of("domain.firmware", value, tuple(FirmwareWish)))
    return _wish(selection, firmware=wish)


def _roms(facts: HostFacts, selection: Selection) -> tuple[Choice, ...]:
    """Copies that lie where QEMU may read them, those of other cards with the reason."""
    first = facts.function(selection.gpus[0]) if selection.gpus else None
    card = first.id if first is not None and isinstance(first.id, PciId) else None
    found = [Choice("", "none: the card's own")]
    for copy in known(facts.roms, ()):
        mine = card is None or (copy.vendor, copy.device) == (card.vendor, card.device)
        why_not = "" if mine else f"it is for {copy.vendor}:{copy.device}, and the card is {card}"
        found.append(Choice(f"/{copy.path}", f"/{copy.path}: {', '.join(copy.images)}", why_not))
    rom = selection.domain.rom
    return tuple(found if any(one.value == rom for one in found) else [*found, Choice(rom, rom)])


def _put_rom(selection: Selection, value: str) -> Selection:
    domain_devices.rom_path(value.strip())
    return _wish(selection, rom=value.strip())


def _iommufds(facts: HostFacts, _selection: Selection) -> tuple[Choice, ...]:
    return (
        Choice(Offer.AUTO.value, "where libvirt, QEMU and the kernel have it"),
        Choice(Offer.ON.value, "yes: through /dev/iommu", why_no_iommufd(facts)),
        Choice(Offer.OFF.value, "no: the older way, through VFIO's groups"),
    )


def why_no_iommufd(facts: HostFacts) -> str:
    """What this machine lacks for it; empty where nothing is known to be lacking."""
    node, config = facts.virt.iommu_node, facts.kernel.config
    if node is None or (isinstance(node, DeviceNode) and node.kind != "char"):
        return "this kernel offers no /dev/iommu"
    if not isinstance(config, Unread) and config.get("VFIO_DEVICE_CDEV") != "y":
        return "this kernel gives devices no nodes of their own (VFIO_DEVICE_CDEV)"
    return _too_old(facts, "iommufd-device")


def _put_iommufd(selection: Selection, value: str) -> Selection:
    return _wish(selection, iommufd=Offer(one_of("domain.iommufd", value, tuple(Offer))))


OPTIONS: tuple[Option, ...] = (
    Option(
        "domain.firmware",
        "Firmware",
        "Windows 11 asks for Secure Boot; Linux drivers that are built on the machine need signing with it. "
        "A "
        "guest that is there already keeps what it has unless something is chosen here.",
        lambda one: one.domain.firmware.value,
        _put_firmware,
        _firmwares,
        "qemu.firmware",
        _AREA,
    ),
    Option(
        "domain.network",
        "Network",
        "Where the guest's network cable ends. Others are written as network:NAME, bridge:NAME or "
        "direct:LINK.",
        lambda one: one.domain.network,
        _put_network,
        _networks,
        "libvirt.network",
        _AREA,
        free=True,
    ),
    Option(
        "domain.evdev",
        "Keyboard and mouse",
        "Shared with the guest as they are: both Ctrl keys together move them over and back. Names below "
        "/dev/input/by-id stay the same, with blanks between them.",
        lambda one: " ".join(one.domain.evdev),
        _put_evdev,
        _inputs,
        "",
        _AREA,
        free=True,
    ),
    Option(
        "domain.usb",
        "USB devices",
        "They leave this machine while the guest runs, by their ids as in 046d:c52b (lsusb), with blanks "
        "between "
        "them.",
        lambda one: " ".join(one.domain.usb),
        _put_usb,
        _usb,
        "",
        _AREA,
        free=True,
    ),
    Option(
        "also",
        "USB controller",
        "A whole controller: what is plugged into its sockets is the guest's, at any time, without a list. "
        "Further "
        "devices that were chosen in step 3 stand here as well.",
        lambda one: " ".join(str(address) for address in one.also),
        _put_also,
        _controllers,
        "group.isolated",
        _AREA,
        free=True,
    ),
    Option(
        "domain.spice",
        "SPICE window",
        "A window on this machine for installing, and Looking Glass' way for keys.",
        lambda one: one.domain.spice.value,
        _put_spice,
        _spice,
        "",
        _AREA,
    ),
    Option(
        "domain.sound",
        "Sound",
        "Where the guest's sound comes out, beside the card's own HDMI and DisplayPort.",
        lambda one: one.domain.sound.value,
        _put_sound,
        _sounds,
        "",
        _AREA,
    ),
    Option(
        "domain.rom",
        "ROM of the card",
        "Most cards need none, and a wrong one is a black screen. vfio-wizard rom looks at a file, and dumps "
        "the "
        "card's own where that is safe.",
        lambda one: one.domain.rom,
        _put_rom,
        _roms,
        "gpu.rom-image",
        _AREA,
        free=True,
    ),
    Option(
        "domain.iommufd",
        "iommufd",
        "The newer way to hand devices over. It cannot map one card's memory for another, which few guests "
        "need.",
        lambda one: one.domain.iommufd.value,
        _put_iommufd,
        _iommufds,
        "vfio.available",
        _AREA,
    ),
)
