"""What to know before a guest is defined: nothing here stands in its way."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from vfio_wizard.knowledge import libvirt
from vfio_wizard.knowledge.packages import spice_package
from vfio_wizard.model.domain import DiskBus, DomainSpec, NetworkKind, Sound
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.plan import Advice, Plan
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.selection import GuestPart, GuestSystem, Mirror, Selection
from vfio_wizard.model.unread import Unread, known
from vfio_wizard.planning.domain_memory import needed_mib

_COMFORT_MIB = 4096
_WINDOWS_MIB = 4096
_WINDOWS_11_CPUS = 2
"""Microsoft's requirements: two cores, 4 GiB, UEFI with Secure Boot, TPM 2.0."""


class Guest(NamedTuple):
    """What every rule below looks at."""

    facts: HostFacts
    selection: Selection
    plan: Plan
    spec: DomainSpec
    reach: int | None
    """Address bits of the IOMMU, where they are fewer than the processor's."""


def warnings(guest: Guest) -> tuple[Advice, ...]:
    """In the order in which a person should read them."""
    return tuple(advice for rule in _RULES for advice in rule(guest))


# -- the host --------------------------------------------------------------------------------------


def _programs(guest: Guest) -> Iterator[Advice]:
    virt = guest.facts.virt
    if guest.spec.emulated:
        yield Advice("guest.emulated", "Without KVM every instruction is emulated: good for trying, no more.")
    elif virt.kvm is None:
        yield Advice("kvm.missing", "There is no /dev/kvm: the guest does not start before there is.")
    if guest.spec.versions.qemu is None:
        yield Advice(
            "qemu.unknown",
            "QEMU's version is not known here; what only newer ones take is left out. Name it with --qemu.",
        )
    if virt.ovmf == ():
        yield Advice("firmware.missing", "No UEFI firmware for guests was found: install OVMF (edk2-ovmf).")
    if virt.swtpm is None and guest.spec.tpm:
        yield Advice("tpm.missing", "The guest's TPM is emulated by swtpm, which is not installed.")


def _firmware(guest: Guest) -> Iterator[Advice]:
    told, spec = guest.spec.capabilities, guest.spec
    if spec.secure_boot and told.enrolled_keys is False:
        yield Advice(
            "firmware.no-keys",
            "libvirt has no firmware with Microsoft's keys here, without which Secure Boot starts no "
            "Windows: install the package that brings them, or enrol them in the firmware's menu.",
        )
    if spec.secure_boot or not spec.system.is_windows:
        return
    if told.secure_boot is False:
        yield Advice(
            "firmware.no-secure-boot",
            "libvirt has no firmware with Secure Boot here: it is left out, and Windows 11's installer asks "
            "for it. Install the secure variant of OVMF.",
        )
    elif spec.system is GuestSystem.WINDOWS_11:
        yield Advice(
            "firmware.no-secure-boot",
            "Without Secure Boot, as chosen, Windows 11's installer may say that this machine is not fit.",
        )


def _memory(guest: Guest) -> Iterator[Advice]:
    total, needed = guest.facts.memory.total_kib, needed_mib(guest.spec)
    if isinstance(total, Unread):
        text = f"How much memory the host has is not known: {needed} MiB are assumed to fit."
        yield Advice("memory.unknown", text)
        return
    left = (total >> 10) - needed
    if left < _COMFORT_MIB:
        yield Advice("memory.little-left", f"While the guest runs the host has {max(left, 0)} MiB left.")
    if guest.spec.system.is_windows and guest.spec.memory.mib < _WINDOWS_MIB:
        yield Advice("memory.small", f"Windows wants {_WINDOWS_MIB} MiB at least.")


def _free_memory(guest: Guest) -> Iterator[Advice]:
    """Only the machine that will run it, and only now: a record tells of another moment."""
    free = guest.facts.memory.available_kib
    if not guest.facts.source.live or isinstance(free, Unread) or guest.spec.memory.huge_page_kib:
        return
    if free >> 10 < needed_mib(guest.spec):
        yield Advice(
            "memory.not-free",
            f"Just now {free >> 10} MiB are free, and the guest takes {needed_mib(guest.spec)} at once.",
        )


def _hugepages(guest: Guest) -> Iterator[Advice]:
    size = guest.spec.memory.huge_page_kib
    pools = guest.facts.memory.huge_pages
    if size is None or isinstance(pools, Unread):
        return
    needed = (guest.spec.memory.mib << 10) // size
    free = sum(one.free for one in pools if one.size_kib == size)
    if free < needed:
        yield Advice(
            "hugepages.missing",
            f"{needed} hugepages of {size} KiB are needed and {free} are free: the guest starts after the "
            "boot that sets them aside.",
        )


def _reach(guest: Guest) -> Iterator[Advice]:
    if guest.reach is None:
        return
    if guest.spec.emulated:
        if guest.reach < libvirt.EMULATED_BITS:
            yield Advice(
                "guest.address-limit",
                f"The IOMMU reaches {guest.reach} address bits, and a processor that QEMU emulates has "
                f"{libvirt.EMULATED_BITS}, always. As soon as the guest's firmware places a window above "
                "what the IOMMU reaches, QEMU ends with VFIO_MAP_DMA failed. With KVM it can be limited.",
            )
        return
    if guest.spec.address_limit is not None:
        return
    yield Advice(
        "guest.address-limit",
        f"The IOMMU reaches {guest.reach} address bits, fewer than the processor, and this libvirt has no "
        f"word for that (it comes with {libvirt.since('address-limit')}). If the start fails with "
        "vfio_container_dma_map … Invalid argument, give QEMU's CPU host-phys-bits-limit="
        f"{guest.reach}, or take a newer libvirt.",
    )


def _iommufd(guest: Guest) -> Iterator[Advice]:
    if guest.spec.iommufd:
        yield Advice(
            "guest.iommufd",
            "The devices are opened through /dev/iommu. QEMU then says that it cannot map a PCI BAR for "
            "others: expected, and no fault.",
        )


# -- the guest -------------------------------------------------------------------------------------


def _processors(guest: Guest) -> Iterator[Advice]:
    if not guest.spec.cpus.vcpus:
        yield Advice(
            "cpu.not-pinned",
            f"The guest's CPUs are not pinned ({'; '.join(guest.spec.cpus.because)}): it runs, and stutters "
            "more than it need.",
        )


def _few(guest: Guest) -> Iterator[Advice]:
    spec, cores = guest.spec, guest.facts.cpu.cores
    asked = guest.selection.domain.vcpus or guest.selection.cpus
    if isinstance(cores, Unread) and not asked:
        count = spec.cpus.topology.cpus
        yield Advice(
            "cpu.unknown", f"How many CPUs the host has is not known: {count} are assumed to be spare."
        )
    if spec.system is GuestSystem.WINDOWS_11 and spec.cpus.topology.cpus < _WINDOWS_11_CPUS:
        yield Advice("cpu.few", "Windows 11's installer asks for two CPUs at least.")


def _drivers(guest: Guest) -> Iterator[Advice]:
    spec = guest.spec
    on_virtio = any(one.bus is DiskBus.VIRTIO for one in spec.disks)
    if spec.system.is_windows and on_virtio and not guest.selection.domain.virtio_iso:
        yield Advice(
            "guest.virtio-drivers",
            "Windows' installer sees the disk only with virtio-win's driver: put its disc image into the "
            "second drive, or name it with --virtio-iso.",
        )


def _input(guest: Guest) -> Iterator[Advice]:
    spec = guest.spec
    handed_usb = any(one.card is None and one.kind == "usb" for one in guest.plan.functions)
    if not (spec.spice or spec.vnc or spec.evdev or spec.usb or handed_usb):
        yield Advice(
            "input.none",
            "Nothing brings keys to the guest: name a keyboard with --evdev, or leave SPICE on.",
        )
    moving = [one.path for one in spec.evdev if "/by-id/" not in one.path]
    if moving:
        yield Advice(
            "input.name-moves",
            f"{', '.join(moving)} may be another device after the next boot; /dev/input/by-id has names "
            "that stay.",
        )


def _window(guest: Guest) -> Iterator[Advice]:
    """One line, and what to install where there is something."""
    if not guest.spec.vnc:
        return
    text = (
        "This QEMU has no SPICE: the guest's window is VNC, with picture and keys, and without sound and "
        "clipboard."
    )
    distribution = guest.facts.boot.distribution
    row = None if isinstance(distribution, Unread) else spice_package(distribution.id, distribution.like)
    if row is not None:
        text += f" {row.package} brings it." if row.package else " Red Hat's have none from release 9 on."
    memory = guest.spec.mirroring
    if memory is not None and memory.part is GuestPart.HOST and not guest.spec.evdev:
        text += " Looking Glass B7 sends keys through SPICE only: name keyboard and mouse with --evdev."
    yield Advice("spice.missing", text)


def _network(guest: Guest) -> Iterator[Advice]:
    if any(one.kind is NetworkKind.DIRECT for one in guest.spec.nics):
        yield Advice(
            "network.direct",
            "With macvtap the guest reaches the network, but not this host, nor it the guest.",
        )


def _sound(guest: Guest) -> Iterator[Advice]:
    if guest.spec.sound is Sound.PIPEWIRE:
        yield Advice(
            "sound.pipewire-user",
            f"QEMU must be let into {guest.spec.runtime_dir}: it has to run as you (user = … in "
            "/etc/libvirt/qemu.conf).",
        )


def _integrated(guest: Guest) -> Iterator[Advice]:
    if any(one.on_root for one in guest.spec.cards):
        yield Advice(
            "gpu.no-firmware-picture",
            "Integrated graphics show nothing in the guest before its driver runs: OVMF has no program for "
            "them.",
        )


# -- Looking Glass ---------------------------------------------------------------------------------


def _mirroring(guest: Guest) -> Iterator[Advice]:
    memory = guest.spec.mirroring
    if memory is None:
        return
    if not guest.spec.system.is_windows:
        yield Advice(
            "looking-glass.linux",
            "Looking Glass' programs for the guest are made for Windows; for Linux there is no finished one.",
        )
    nodes = known(guest.facts.virt.looking_glass, ())
    for one in nodes:
        if one.path.startswith("dev/kvmfr") and one.kind == "file":
            yield Advice(
                "kvmfr.regular-file",
                f"/{one.path} is an ordinary file, made by a guest that started before the module was "
                "loaded: delete it and load kvmfr.",
            )
    size = next((one.size for one in nodes if one.path == "dev/shm/looking-glass"), None)
    if memory.mode is Mirror.SHM and size not in (None, 0, memory.size_mib << 20):
        yield Advice(
            "looking-glass.old-size",
            "The file /dev/shm/looking-glass has another size than the guest wants, and keeps it. Only its "
            "owner and root may delete it, while no guest runs: sudo rm /dev/shm/looking-glass; then sudo "
            "systemd-tmpfiles --create makes it anew.",
        )


def _kvmfr_size(guest: Guest) -> Iterator[Advice]:
    memory, modprobe = guest.spec.mirroring, guest.facts.modprobe
    if memory is None or memory.mode is not Mirror.KVMFR or isinstance(modprobe, Unread):
        return
    words = " ".join(line.rest for line in modprobe.options("kvmfr")).split()
    sizes = [word.partition("=")[2] for word in words if word.startswith("static_size_mb=")]
    if sizes and sizes[-1].split(",")[0] != str(memory.size_mib):
        yield Advice(
            "kvmfr.size",
            f"kvmfr is loaded with static_size_mb={sizes[-1]}, and the guest wants {memory.size_mib}: both "
            "must be the same.",
        )


_RULES: tuple[Callable[[Guest], Iterator[Advice]], ...] = (
    _programs,
    _firmware,
    _memory,
    _free_memory,
    _hugepages,
    _reach,
    _iommufd,
    _processors,
    _few,
    _drivers,
    _input,
    _window,
    _network,
    _sound,
    _integrated,
    _mirroring,
    _kvmfr_size,
)
