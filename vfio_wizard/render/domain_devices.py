"""The devices of a guest, in the order in which libvirt prints them."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from vfio_wizard.knowledge import libvirt
from vfio_wizard.model.domain import (
    Card,
    Cdrom,
    Disk,
    DiskBus,
    DiskFormat,
    DomainSpec,
    Evdev,
    Handed,
    NetworkKind,
    Nic,
    Screen,
    Sound,
    UsbDevice,
)
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.selection import Mirror
from vfio_wizard.render.domain_tree import node

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def devices(spec: DomainSpec) -> Element:
    """The element ``<devices>``."""
    emulator = spec.capabilities.emulator
    return node(
        "devices",
        node("emulator", text=emulator) if emulator else None,
        *_drives(spec),
        *_controllers(spec),
        *(_nic(one) for one in spec.nics),
        *_channels(spec),
        *_inputs(spec),
        _tpm(spec),
        _graphics(spec),
        *_sound(spec),
        _video(spec),
        *_host_devices(spec),
        node("memballoon", model="none"),
        node("rng", node("backend", model="random", text="/dev/urandom"), model="virtio"),
        _shared_memory(spec),
    )


# -- drives and network ----------------------------------------------------------------------------


def _drives(spec: DomainSpec) -> Iterator[Element]:
    """Disks boot first: an empty one lets the firmware go on to the installer, a full one starts."""
    virtio, sata = iter(_LETTERS), iter(_LETTERS)
    for order, disk in enumerate(spec.disks, 1):
        is_virtio = disk.bus is DiskBus.VIRTIO
        target = f"vd{next(virtio)}" if is_virtio else f"sd{next(sata)}"
        yield _disk(disk, target, order, 1 if is_virtio and spec.cpus.iothreads else None)
    last = len(spec.disks) + sum(one.bootable for one in spec.others)
    for cdrom in spec.cdroms:
        last += cdrom.bootable
        yield _cdrom(cdrom, f"sd{next(sata)}", last if cdrom.bootable else None)


def _disk(disk: Disk, target: str, order: int, iothread: int | None) -> Element:
    """Past the host's page cache, which would keep a second copy; space that the guest frees goes back."""
    kind, source = _disk_source(disk)
    driver = node(
        "driver",
        name="qemu",
        type=DiskFormat.RAW.value if disk.is_block else disk.format.value,
        cache="none",
        io="native",
        discard="unmap",
        iothread=iothread,
    )
    where = node("target", dev=target, bus=disk.bus.value)
    return node("disk", driver, source, where, node("boot", order=order), type=kind, device="disk")


def _disk_source(disk: Disk) -> tuple[str, Element]:
    if disk.path is None:
        return "volume", node("source", pool=disk.pool, volume=disk.volume)
    if disk.is_block:
        return "block", node("source", dev=disk.path)
    return "file", node("source", file=disk.path)


def _cdrom(cdrom: Cdrom, target: str, order: int | None) -> Element:
    return node(
        "disk",
        node("driver", name="qemu", type="raw"),
        node("source", file=cdrom.path) if cdrom.path is not None else None,
        node("target", dev=target, bus="sata"),
        node("readonly"),
        node("boot", order=order) if order is not None else None,
        type="file",
        device="cdrom",
    )


def _nic(nic: Nic) -> Element:
    source = {
        NetworkKind.NETWORK: node("source", network=nic.source),
        NetworkKind.BRIDGE: node("source", bridge=nic.source),
        NetworkKind.DIRECT: node("source", dev=nic.source, mode="bridge"),
    }[nic.kind]
    return node("interface", source, node("model", type=nic.model), type=nic.kind.value)


# -- controllers, channels, input ------------------------------------------------------------------


def _controllers(spec: DomainSpec) -> Iterator[Element]:
    """A root port for each card; those for emulated devices libvirt adds itself."""
    yield node("controller", type="usb", index=0, model="qemu-xhci", ports=15)
    yield node("controller", type="pci", index=0, model="pcie-root")
    for bus, _ in _buses(spec):
        if bus:
            yield node("controller", type="pci", index=bus, model="pcie-root-port")


def _buses(spec: DomainSpec) -> Iterator[tuple[int, Card]]:
    """Each card with its bus of the guest; 0 is the root, for graphics that are part of the processor."""
    free = 1
    for card in (*spec.cards, *spec.others):
        if card.on_root:
            yield 0, card
        else:
            yield free, card
            free += 1


def _channels(spec: DomainSpec) -> Iterator[Element]:
    if spec.spice:
        yield node("channel", node("target", type="virtio", name="com.redhat.spice.0"), type="spicevmc")
    yield node("channel", node("target", type="virtio", name="org.qemu.guest_agent.0"), type="unix")


def _inputs(spec: DomainSpec) -> Iterator[Element]:
    if spec.spice_input:
        yield node("input", type="mouse", bus="virtio")
        yield node("input", type="keyboard", bus="virtio")
    elif (spec.spice and spec.mirroring is None) or spec.vnc:
        yield node("input", type="tablet", bus="usb")  # else the pointer of a window drifts
    yield from (_evdev(one) for one in spec.evdev)


def _evdev(one: Evdev) -> Element:
    if not one.grabs:
        return node("input", node("source", dev=one.path), type="evdev")
    source = node("source", dev=one.path, grab="all", grabToggle="ctrl-ctrl", repeat="on")
    return node("input", source, type="evdev")


def _tpm(spec: DomainSpec) -> Element | None:
    if not spec.tpm:
        return None
    models = spec.capabilities.tpm_models
    model = "tpm-tis" if models and "tpm-crb" not in models else "tpm-crb"
    return node("tpm", node("backend", type="emulator", version="2.0"), model=model)


# -- picture and sound -----------------------------------------------------------------------------


def _graphics(spec: DomainSpec) -> Element | None:
    """For this machine alone: others reach it through ssh."""
    listen = node("listen", type="address", address="127.0.0.1")
    if spec.vnc:
        return node("graphics", listen, type="vnc", autoport="yes", listen="127.0.0.1")
    if not spec.spice:
        return None
    return node(
        "graphics",
        listen,
        node("image", compression="off"),
        node("gl", enable="no"),
        type="spice",
        autoport="yes",
        listen="127.0.0.1",
    )


def _sound(spec: DomainSpec) -> Iterator[Element]:
    if spec.sound is not Sound.NONE:
        yield node("sound", node("audio", id=1), model="ich9")
    yield node(
        "audio",
        id=1,
        type=spec.sound.value,
        runtimeDir=spec.runtime_dir if spec.sound is Sound.PIPEWIRE else None,
    )


def _video(spec: DomainSpec) -> Element:
    if spec.screen is Screen.NONE:
        return node("video", node("model", type="none"))
    return node("video", node("model", type="vga", vram=16384, heads=1, primary="yes"))


# -- devices of the host ---------------------------------------------------------------------------


def _host_devices(spec: DomainSpec) -> Iterator[Element]:
    each = spec.iommufd and not libvirt.takes("iommufd-domain", spec.versions.libvirt, spec.versions.qemu)
    order = len(spec.disks)
    for bus, card in _buses(spec):
        order += card.bootable
        for one in card.functions:
            yield _hostdev(one, card, (bus, order), iommufd=each)
    yield from (_usb(one) for one in spec.usb)


def _hostdev(one: Handed, card: Card, place: tuple[int, int], *, iommufd: bool) -> Element:
    """``place`` is its bus of the guest and, for a drive, when the firmware tries it."""
    bus, order = place
    first = one.function == 0
    is_split = len(card.functions) > 1
    return node(
        "hostdev",
        node("driver", iommufd="yes") if iommufd else None,
        node("source", _host_address(one.host)),
        node("boot", order=order) if first and card.bootable else None,
        _rom(card) if first else None,
        node(
            "address",
            type="pci",
            domain="0x0000",
            bus=f"0x{bus:02x}",
            slot=f"0x{card.slot:02x}",
            function=f"0x{one.function:x}",
            multifunction="on" if first and is_split else None,
        ),
        mode="subsystem",
        type="pci",
        managed="yes",
    )


def _host_address(address: PciAddress) -> Element:
    """In hex with 0x, since libvirt reads anything else as decimal or octal."""
    return node(
        "address",
        domain=f"0x{address.domain:04x}",
        bus=f"0x{address.bus:02x}",
        slot=f"0x{address.device:02x}",
        function=f"0x{address.function:x}",
    )


def _rom(card: Card) -> Element | None:
    if card.rom is not None:
        return node("rom", file=card.rom)
    return None if card.rom_bar else node("rom", bar="off")


def _usb(one: UsbDevice) -> Element:
    """Not there at the start is no reason not to start: it can be plugged in later."""
    source = node(
        "source",
        node("vendor", id=f"0x{one.id.vendor}"),
        node("product", id=f"0x{one.id.device}"),
        startupPolicy="optional",
    )
    return node("hostdev", source, mode="subsystem", type="usb", managed="yes")


def _shared_memory(spec: DomainSpec) -> Element | None:
    """kvmfr's device has no element; it is given to QEMU directly."""
    memory = spec.mirroring
    if memory is None or memory.mode is not Mirror.SHM:
        return None
    return node(
        "shmem",
        node("model", type="ivshmem-plain"),
        node("size", unit="M", text=memory.size_mib),
        name="looking-glass",
    )
