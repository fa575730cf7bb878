"""What a person does around a guest's first start, in order: on the host, in the guest, and with the client.

Sources: LookingGlass tag B7 and development documentation of 2026-08; virtio-win's disc image.
"""

from __future__ import annotations

from collections.abc import Iterator

from vfio_wizard.model.domain import DiskBus, DomainSpec, NetworkKind
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.selection import GuestPart, GuestSystem, Mirror

_USUAL_GIB = 128
_VIRSH = ("virsh", "--connect", "qemu:///system")
"""By itself virsh asks an ordinary user's own daemon, which has neither the card nor this guest."""


class Step(NamedTuple):
    """One thing to do; ``command`` where it is one."""

    text: str
    command: tuple[str, ...] | None = None


class Checklist(NamedTuple):
    """Steps under three headings."""

    host: tuple[Step, ...]
    guest: tuple[Step, ...]
    client: tuple[Step, ...]


def checklist(spec: DomainSpec) -> Checklist:
    """Everything for this guest."""
    return Checklist(tuple(_host(spec)), tuple(_guest(spec)), tuple(_client(spec)))


# -- host ------------------------------------------------------------------------------------------


def _host(spec: DomainSpec) -> Iterator[Step]:
    for card in spec.cards:
        where = str(card.functions[0].host)
        yield Step(f"The card at {where} is on vfio-pci.", ("vfio-wizard", "check", "--gpu", where))
    yield from _disk_steps(spec)
    if any((one.kind, one.source) == (NetworkKind.NETWORK, "default") for one in spec.nics):
        yield Step("libvirt's network runs, now and after a boot.", (*_VIRSH, "net-start", "default"))
        yield Step("", (*_VIRSH, "net-autostart", "default"))
    if spec.mirroring is not None:
        yield Step(
            f"The memory for Looking Glass is there ({spec.mirroring.size_mib} MiB): plan and apply with the "
            "same --looking-glass make it, and the client's settings."
        )


def _disk_steps(spec: DomainSpec) -> Iterator[Step]:
    for disk in spec.disks:
        size = f"{disk.size_gib or _USUAL_GIB}G"
        if disk.pool is not None and disk.volume is not None:
            volume = (disk.pool, disk.volume, size, "--format", disk.format.value)
            yield Step("The volume is there; else make it.", (*_VIRSH, "vol-create-as", *volume))
        elif disk.path is not None and not disk.is_block:
            image = (disk.format.value, disk.path, size)
            yield Step("The disk is there; else make it.", ("sudo", "qemu-img", "create", "-f", *image))


# -- guest -----------------------------------------------------------------------------------------


def _guest(spec: DomainSpec) -> Iterator[Step]:
    yield from _windows(spec) if spec.system.is_windows else _linux(spec)
    if spec.mirroring is not None and spec.system.is_windows:
        yield from _producer(spec.mirroring.part)
    yield from _afterwards(spec)


_FOLDER = {GuestSystem.WINDOWS_11: "w11", GuestSystem.WINDOWS_10: "w10"}


def _windows(spec: DomainSpec) -> Iterator[Step]:
    folder = _FOLDER[spec.system]
    if any(one.bus is DiskBus.VIRTIO for one in spec.disks):
        yield Step(
            "The installer shows no disk before it has the driver: load it from virtio-win's disc, folder "
            f"viostor\\{folder}\\amd64."
        )
    if spec.nics:
        yield Step(
            f"Its network driver is in NetKVM\\{folder}\\amd64; Windows 11's set-up asks for a network."
        )
    yield Step(
        "When Windows runs: virtio-win-guest-tools.exe from that disc brings all drivers, vioinput and the "
        "agents for the clipboard and for shutting down."
    )
    yield Step("The card's own driver, from its vendor, as on a machine of its own.")
    yield Step("Fast startup and sleep off (powercfg /h off): a card does not come back from either.")
    yield Step(
        "If sound crackles or the picture stutters: the card and its audio should interrupt by messages. In "
        "the device manager, view resources by type: their IRQ is a negative number then."
    )


def _linux(spec: DomainSpec) -> Iterator[Step]:
    yield Step("The card is there, with its driver.", ("lspci", "-nnk"))
    if not spec.secure_boot:
        yield Step("Secure Boot is off in this guest, so that drivers that you build need no signature.")
    yield Step("The package qemu-guest-agent lets the host shut it down in order.")


def _producer(part: GuestPart) -> Iterator[Step]:
    """Two of them at one memory would write over each other."""
    if part is GuestPart.IDD:
        yield Step(
            "looking-glass-idd-setup.exe of the same release as the client, as administrator: drivers of the "
            "display, of its input and of the shared memory. Let it disable an old host application."
        )
        yield Step("No dummy plug, and no virtio keyboard or mouse: it has a screen and an input of its own.")
        return
    yield Step(
        "looking-glass-host-setup.exe of the same release as the client, as administrator, with the driver "
        "of the shared memory (IVSHMEM) that it offers."
    )
    yield Step(
        "A monitor or a dummy plug on the card: the host application captures a screen that is there. Make "
        "it the main screen, and show only on it; the emulated one is for the first installation."
    )


def _afterwards(spec: DomainSpec) -> Iterator[Step]:
    if any(one.path for one in spec.cdroms):
        yield Step("After the installation: take the discs out (virsh edit, or virt-manager).")
    if (spec.spice or spec.vnc) and spec.mirroring is None:
        yield Step(
            "When keyboard and mouse reach the guest by themselves (--evdev, --usb, a USB controller), the "
            'emulated screen can go: spice = "off" in the answers.'
        )


# -- client ----------------------------------------------------------------------------------------


def _client(spec: DomainSpec) -> Iterator[Step]:
    memory = spec.mirroring
    if memory is None:
        return
    device = "kvmfr0" if memory.mode is Mirror.KVMFR else "shm/looking-glass"
    alone = () if spec.spice else ("spice:enable=no",)
    yield Step(
        "Client and guest part are of one release; others do not understand each other.",
        ("looking-glass-client", "-f", f"/dev/{device}", *alone),
    )
    yield Step("Scroll Lock takes keyboard and mouse and gives them back; Scroll Lock and Q ends it.")
    if memory.part is GuestPart.HOST and spec.spice:
        yield Step(
            "Keys come through SPICE on port 5900, that of the first guest; virsh domdisplay tells it."
        )
