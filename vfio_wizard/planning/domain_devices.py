"""The guest's own devices: from words of the answers to disks, drives, networks, input and screens."""

from __future__ import annotations

from vfio_wizard.knowledge import libvirt
from vfio_wizard.knowledge.packages import NO_SPICE_SINCE, spice_package
from vfio_wizard.model.domain import (
    Capabilities,
    Cdrom,
    Disk,
    DiskFormat,
    DomainSpec,
    Evdev,
    NetworkKind,
    Nic,
    Screen,
    Sound,
    UsbDevice,
)
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.facts import Distribution, Virt
from vfio_wizard.model.pci import PciId
from vfio_wizard.model.selection import DomainWish, FirmwareWish, GuestPart, Offer, Selection, SoundWish
from vfio_wizard.model.unread import Unread
from vfio_wizard.planning.names import device_node

_IMAGES = "/var/lib/libvirt/images"
_NONE = "none"
_RAW = (".img", ".raw")


def disks(wish: DomainWish, name: str, *, has_drive: bool) -> tuple[Disk, ...]:
    """The disk that was named; without a word one in libvirt's folder, unless a drive is handed over."""
    if wish.disk == _NONE or (not wish.disk and has_drive):
        return ()
    if not wish.disk:
        return (Disk(f"{_IMAGES}/{name}.qcow2", size_gib=wish.disk_gib),)
    form = DiskFormat.RAW if wish.disk.endswith(_RAW) else DiskFormat.QCOW2
    if wish.disk.startswith("/"):
        return (Disk(plain_path(wish.disk, "the disk"), format=form, size_gib=wish.disk_gib),)
    pool, slash, volume = wish.disk.partition("/")
    if not (pool and slash and volume) or "/" in volume:
        msg = f"not a disk: {wish.disk!r}. Give a whole path, POOL/VOLUME of libvirt, or none"
        raise UsageError(msg)
    return (
        Disk(
            None, _printable(pool, "the pool"), _printable(volume, "the volume"), form, size_gib=wish.disk_gib
        ),
    )


def cdroms(wish: DomainWish) -> tuple[Cdrom, ...]:
    """A drive for the installer and, for Windows, one for the drivers; empty ones can be filled later."""
    installer = Cdrom(plain_path(wish.iso, "the installer") if wish.iso else None, bootable=True)
    if not wish.system.is_windows:
        return (installer,)
    drivers = plain_path(wish.virtio_iso, "virtio-win") if wish.virtio_iso else None
    return (installer, Cdrom(drivers, bootable=False))


def secure_boot(wish: DomainWish, told: Capabilities) -> bool:
    """As asked, else for Windows where there is firmware for it. Raises UsageError where there is none."""
    if wish.firmware is FirmwareWish.SECURE_BOOT and told.secure_boot is False:
        msg = (
            "libvirt has no firmware with Secure Boot here: install the secure variant of OVMF (Debian: "
            "ovmf; Fedora, Arch: edk2-ovmf), or take uefi"
        )
        raise UsageError(msg)
    if wish.firmware is FirmwareWish.AUTO:
        return wish.system.is_windows and told.secure_boot is not False
    return wish.firmware is FirmwareWish.SECURE_BOOT


def rom_path(text: str) -> str | None:
    """The file with the card's ROM."""
    return plain_path(text, "the ROM") if text else None


def plain_path(text: str, what: str) -> str:
    """A whole path that a domain can hold. Raises UsageError on anything else."""
    if not text.startswith("/"):
        msg = f"{what} needs a whole path, not {text!r}: libvirt does not know your folder"
        raise UsageError(msg)
    return _printable(text, what)


def _printable(text: str, what: str) -> str:
    if not text.isprintable():
        msg = f"{what} has a control character in its name: {text!r}"
        raise UsageError(msg)
    return text


def nics(wish: DomainWish) -> tuple[Nic, ...]:
    """libvirt's default network unless another end of the cable is named."""
    if wish.network == _NONE:
        return ()
    if wish.network == "auto":
        return (Nic(NetworkKind.NETWORK, "default"),)
    kind, _, source = wish.network.partition(":")
    if kind not in set(NetworkKind) or not source:
        msg = f"not a network: {wish.network!r}. Give network:NAME, bridge:NAME, direct:LINK, auto or none"
        raise UsageError(msg)
    return (Nic(NetworkKind(kind), _printable(source, "the network")),)


def evdev(wish: DomainWish) -> tuple[Evdev, ...]:
    """Input devices; the first keyboard takes the others along when both Ctrl keys are pressed."""
    paths = [_input_node(path) for path in dict.fromkeys(wish.evdev)]
    keyboards = [path for path in paths if path.endswith("kbd")] or paths[:1]
    return tuple(Evdev(path, path == keyboards[0]) for path in paths)


def _input_node(path: str) -> str:
    if not device_node(path).startswith("/dev/input/"):
        msg = f"not an input device: {path!r}. They are below /dev/input/; take a name from /dev/input/by-id"
        raise UsageError(msg)
    return path


def usb(wish: DomainWish) -> tuple[UsbDevice, ...]:
    """USB devices by ids. Raises UsageError for what is no id."""
    try:
        return tuple(UsbDevice(PciId.parse(text)) for text in dict.fromkeys(wish.usb))
    except ValueError:
        msg = f"not USB ids: {', '.join(wish.usb)}. lsusb shows them in the form 046d:c52b"
        raise UsageError(msg) from None


# -- screen, sound, TPM ----------------------------------------------------------------------------


def with_screen(spec: DomainSpec, selection: Selection, user_id: int | None, virt: Virt) -> DomainSpec:
    """The guest with what it needs to be seen, heard and typed to."""
    wish = selection.domain
    window, told = _wants_window(spec, wish), spec.capabilities.graphics
    spice = window and ("spice" in told or not told)
    vnc = window and not spice and "vnc" in told
    if wish.spice is Offer.ON and not spice:
        msg = "this QEMU has no SPICE: install its part for it, or leave spice on auto for a window by VNC"
        raise UsageError(msg)
    sound = _sound(spec, wish, spice)
    part = spec.mirroring.part if spec.mirroring else None
    return spec._replace(
        spice=spice,
        vnc=vnc,
        screen=Screen.VGA if spice or vnc else Screen.NONE,
        spice_input=spice and part is GuestPart.HOST,
        sound=sound,
        runtime_dir=f"/run/user/{user_id or 1000}" if sound is Sound.PIPEWIRE else None,
        tpm=spec.tpm and (virt.swtpm is not None or spec.system.needs_tpm),
    )


def known_graphics(told: tuple[str, ...], distribution: Distribution | Unread) -> tuple[str, ...]:
    """What libvirt said, else what is known of the distribution; empty where nothing is."""
    if told or isinstance(distribution, Unread):
        return told
    row = spice_package(distribution.id, distribution.like)
    major = (distribution.version or "").partition(".")[0]
    lacks = row is not None and not row.package and major.isdigit() and int(major) >= NO_SPICE_SINCE
    return ("vnc",) if lacks else ()


def _wants_window(spec: DomainSpec, wish: DomainWish) -> bool:
    if wish.spice is not Offer.AUTO:
        return wish.spice is Offer.ON
    return spec.mirroring is not None or not (spec.evdev or spec.usb)


def _sound(spec: DomainSpec, wish: DomainWish, spice: bool) -> Sound:
    if wish.sound is SoundWish.OFF or (wish.sound is SoundWish.AUTO and not spice):
        return Sound.NONE
    if wish.sound is SoundWish.PIPEWIRE:
        if not libvirt.takes("pipewire", spec.versions.libvirt, spec.versions.qemu):
            msg = (
                f"sound through PipeWire needs libvirt {libvirt.since('pipewire')} and QEMU 8.1; take spice, "
                "or the card's own audio"
            )
            raise UsageError(msg)
        return Sound.PIPEWIRE
    if not spice:
        msg = "sound through SPICE needs SPICE, which is off in the answers, or not in this QEMU"
        raise UsageError(msg)
    return Sound.SPICE
