"""What can be wished for beside the devices: one row per question, with its choices and their reasons.

The keys are those of the answers file, so that what is chosen here can be read there.
"""

from __future__ import annotations

from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.pci import PciId
from vfio_wizard.model.selection import (
    CpuWish,
    GuestPart,
    GuestSystem,
    Mirror,
    Offer,
    Selection,
    Strategy,
    Style,
)
from vfio_wizard.model.unread import Unread, known
from vfio_wizard.planning import cpus, names, options_guest
from vfio_wizard.planning.bind import unsafe_ids
from vfio_wizard.planning.looking_glass import size_mib
from vfio_wizard.planning.option import Choice, Option, one_of, written

_HOST_KEEPS_KIB = 2 << 20
"""What a desktop needs beside the guest."""

_PICTURES = ((1920, 1080), (2560, 1440), (3440, 1440), (3840, 2160), (5120, 2880))


def options(facts: HostFacts) -> tuple[Option, ...]:
    """The questions that make sense on this host, in the order of asking."""
    distribution = facts.boot.distribution
    is_nixos = not isinstance(distribution, Unread) and distribution.id == "nixos"
    return tuple(one for one in _OPTIONS if is_nixos or not one.key.startswith("nixos."))


def find(key: str) -> Option:
    """The question of a key. Raises UsageError for a key that nobody asks."""
    for one in _OPTIONS:
        if one.key == key:
            return one
    message = f"no option {key!r}"
    raise UsageError(message)


def answer(option: Option, facts: HostFacts, selection: Selection, value: str) -> Selection:
    """The selection with the answer. Raises UsageError for a choice that cannot be had, with its reason."""
    for one in option.choices(facts, selection):
        if one.value == value and one.why_not:
            raise UsageError(one.why_not)
    return option.put(selection, value)


# -- choices --------------------------------------------------------------------------------------


def _strategies(facts: HostFacts, selection: Selection) -> tuple[Choice, ...]:
    everything = known(facts.pci, ())
    wanted = {*selection.gpus, *selection.also}
    slots = {one.slot for one in wanted}
    leaving = tuple(one for one in everything if one.address in wanted or one.address.slot in slots)
    shared = [one.address for one, _ in unsafe_ids(leaving, everything)]
    words = ", ".join(str(one) for one in shared)
    why_not = f"{words} has an id that another device has too, or one that is not known" if shared else ""
    return (
        Choice(Strategy.AUTO.value, "by id where that is safe, else by address"),
        Choice(Strategy.ID.value, "by id: survives a move to another slot", why_not),
        Choice(Strategy.ADDRESS.value, "by address: exact, and moves when cards are moved"),
    )


def _mirrors(_facts: HostFacts, _selection: Selection) -> tuple[Choice, ...]:
    return (
        Choice(Mirror.AUTO.value, "not prepared, except in a NixOS module"),
        Choice(Mirror.OFF.value, "no"),
        Choice(Mirror.SHM.value, "yes, in shared memory"),
        Choice(Mirror.KVMFR.value, "yes, with the kvmfr module (faster, needs building)"),
    )


def _pictures(_facts: HostFacts, selection: Selection) -> tuple[Choice, ...]:
    hdr = selection.looking_glass.hdr
    return tuple(
        Choice(f"{wide}x{high}", f"{wide}x{high}: {size_mib(wide, high, hdr=hdr)} MiB")
        for wide, high in _PICTURES
    )


def _parts(_facts: HostFacts, _selection: Selection) -> tuple[Choice, ...]:
    return (
        Choice(GuestPart.AUTO.value, "not decided: room for either"),
        Choice(GuestPart.HOST.value, "B7, the released host application"),
        Choice(GuestPart.IDD.value, "the display driver of 2026"),
    )


def _systems(_facts: HostFacts, _selection: Selection) -> tuple[Choice, ...]:
    return (
        Choice(GuestSystem.WINDOWS_11.value, "Windows 11: with a TPM and Secure Boot"),
        Choice(GuestSystem.WINDOWS_10.value, "Windows 10"),
        Choice(GuestSystem.LINUX.value, "Linux"),
    )


def _memories(facts: HostFacts, _selection: Selection) -> tuple[Choice, ...]:
    total = facts.memory.total_kib
    sizes = [Choice("", "half of what this machine has")]
    for gib in (4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128):
        why_not = ""
        if isinstance(total, int) and (gib << 20) > total - _HOST_KEEPS_KIB:
            why_not = f"this machine has {total / (1 << 20):.0f} GiB and needs some itself"
        sizes.append(Choice(str(gib << 10), f"{gib} GiB", why_not))
        if why_not:
            break
    return tuple(sizes)


def _counts(facts: HostFacts, _selection: Selection) -> tuple[Choice, ...]:
    cores = facts.cpu.cores
    found = [Choice("", "as many as leave the host one core")]
    there = len(cores) if isinstance(cores, tuple) else 0
    for count in (2, 4, 6, 8, 10, 12, 16, 24, 32):
        why_not = f"this machine has {there} logical CPUs" if there and count > there else ""
        found.append(Choice(str(count), f"{count} virtual CPUs", why_not))
        if why_not:
            break
    return tuple(found)


def _offers(facts: HostFacts, selection: Selection) -> tuple[Choice, ...]:
    from vfio_wizard.knowledge.resets import reset_family  # noqa: PLC0415 - only this question asks

    ids = [one.id for one in known(facts.pci, ()) if one.address in selection.gpus]
    families = [reset_family(*one) for one in ids if isinstance(one, PciId)]
    helps = any(one is not None and one.vendor_reset for one in families)
    why_not = "" if helps or not families else "vendor-reset does not know the chosen card"
    return (
        Choice(Offer.AUTO.value, "only mentioned where it could help"),
        Choice(Offer.ON.value, "yes: with the module vendor-reset", why_not),
        Choice(Offer.OFF.value, "no"),
    )


def _styles(_facts: HostFacts, _selection: Selection) -> tuple[Choice, ...]:
    return (
        Choice(Style.MODULE.value, "a module that is on once it is imported"),
        Choice(Style.OPTION.value, "a module with gpuPassthrough.enable"),
        Choice(Style.SPECIALISATION.value, "a second boot entry; the plain system stays the default"),
    )


# -- answers --------------------------------------------------------------------------------------


def _put_bind(selection: Selection, value: str) -> Selection:
    return selection._replace(bind=Strategy(one_of("bind", value, tuple(Strategy))))


def _put_mirror(selection: Selection, value: str) -> Selection:
    mode = Mirror(one_of("looking_glass.mode", value, tuple(Mirror)))
    return selection._replace(looking_glass=selection.looking_glass._replace(mode=mode))


def _put_picture(selection: Selection, value: str) -> Selection:
    wide, _, high = value.partition("x")
    sizes = [int(one) for one in (wide, high) if one.isascii() and one.isdecimal() and len(one) <= 5]
    if len(sizes) != 2 or not (320 <= sizes[0] <= 16384 and 200 <= sizes[1] <= 16384):
        message = f"not a picture size: {value!r} (expected a form like 2560x1440)"
        raise UsageError(message)
    picture = selection.looking_glass._replace(width=sizes[0], height=sizes[1])
    return selection._replace(looking_glass=picture)


def _put_part(selection: Selection, value: str) -> Selection:
    part = GuestPart(one_of("looking_glass.release", value, tuple(GuestPart)))
    return selection._replace(looking_glass=selection.looking_glass._replace(release=part))


def _put_guest(selection: Selection, value: str) -> Selection:
    return selection._replace(guest=names.guest_name(value.strip()))


def _put_users(selection: Selection, value: str) -> Selection:
    words = value.replace(",", " ").split()
    return selection._replace(users=tuple(names.user_name(one) for one in words))


def _put_system(selection: Selection, value: str) -> Selection:
    system = GuestSystem(one_of("domain.system", value, tuple(GuestSystem)))
    return selection._replace(domain=selection.domain._replace(system=system))


def _number(value: str, least: int, what: str) -> int | None:
    if not value.strip():
        return None
    if not value.strip().isdecimal() or int(value) < least:
        message = f"{what}: not a number of at least {least}: {value!r}"
        raise UsageError(message)
    return int(value)


def _put_memory(selection: Selection, value: str) -> Selection:
    mib = _number(value, 512, "memory in MiB")
    return selection._replace(domain=selection.domain._replace(memory_mib=mib))


def _put_vcpus(selection: Selection, value: str) -> Selection:
    count = _number(value, 1, "virtual CPUs")
    return selection._replace(domain=selection.domain._replace(vcpus=count))


def _put_pins(selection: Selection, value: str) -> Selection:
    if not value.strip():
        return selection._replace(cpus=None)
    wish = CpuWish(cpus.parse_cpu_list(value.strip()))
    return selection._replace(cpus=wish)


def _put_disk(selection: Selection, value: str) -> Selection:
    return selection._replace(domain=selection.domain._replace(disk=value.strip()))


def _put_iso(selection: Selection, value: str) -> Selection:
    return selection._replace(domain=selection.domain._replace(iso=value.strip()))


def _put_virtio(selection: Selection, value: str) -> Selection:
    return selection._replace(domain=selection.domain._replace(virtio_iso=value.strip()))


def _put_reset(selection: Selection, value: str) -> Selection:
    return selection._replace(vendor_reset=Offer(one_of("vendor_reset", value, tuple(Offer))))


def _put_style(selection: Selection, value: str) -> Selection:
    style = Style(one_of("nixos.style", value, tuple(Style)))
    return selection._replace(nixos=selection.nixos._replace(style=style))


def _text(value: int | None) -> str:
    return "" if value is None else str(value)


_OPTIONS: tuple[Option, ...] = (
    Option(
        "bind",
        "Binding",
        "How vfio-pci learns at boot which devices are its own. By id it also takes every other card of the "
        "same kind; by address it takes exactly this slot. Leave it to the wizard if you are not sure.",
        lambda one: one.bind.value,
        _put_bind,
        _strategies,
        "gpu.twins",
        "THE HOST",
    ),
    Option(
        "users",
        "Who runs the guest",
        "Login names, with blanks between them. They may then manage guests and read Looking Glass' memory "
        "without being root. Empty: the one who runs this.",
        lambda one: " ".join(one.users),
        _put_users,
        written,
        "user.groups",
        "THE HOST",
    ),
    Option(
        "vendor_reset",
        "Reset help",
        "Some AMD cards cannot be reset: the guest starts once, and then not again until the host restarts. "
        "The module vendor-reset, which is built on this machine, helps many of them.",
        lambda one: one.vendor_reset.value,
        _put_reset,
        _offers,
        "gpu.reset",
        "THE HOST",
    ),
    Option(
        "nixos.style",
        "Shape of the module",
        "With a specialisation the machine gets a second boot entry with passthrough, and the plain system "
        "stays as it was: the easiest way back.",
        lambda one: one.nixos.style.value,
        _put_style,
        _styles,
        "",
        "THE HOST",
    ),
    Option(
        "guest",
        "Name of the guest",
        "What libvirt calls the virtual machine.",
        lambda one: one.guest,
        _put_guest,
        written,
        "",
        "THE GUEST",
    ),
    Option(
        "domain.system",
        "System in the guest",
        "Decides about the firmware, the TPM, the clock and what the guest is told about the hypervisor.",
        lambda one: one.domain.system.value,
        _put_system,
        _systems,
        "qemu.firmware",
        "THE GUEST",
    ),
    Option(
        "domain.memory_mib",
        "Memory",
        "All of it is locked while the guest runs, since the card may write anywhere in it: what the guest "
        "has, the host has not.",
        lambda one: _text(one.domain.memory_mib),
        _put_memory,
        _memories,
        "user.memlock",
        "THE GUEST",
    ),
    Option(
        "domain.vcpus",
        "Virtual CPUs",
        "They are pinned to whole cores that share a cache, so that the guest's threads do not wander.",
        lambda one: _text(one.domain.vcpus),
        _put_vcpus,
        _counts,
        "cpu.topology",
        "THE GUEST",
    ),
    Option(
        "cpus.guest",
        "CPUs of the host for it",
        "A list as in 2-7,10-15: these host CPUs are kept free for the guest while it runs. Empty: the "
        "wizard chooses whole cores, and nothing is kept free.",
        lambda one: cpus.cpu_list(one.cpus.cpus) if one.cpus else "",
        _put_pins,
        written,
        "cpu.topology",
        "THE GUEST",
    ),
    Option(
        "domain.disk",
        "Disk",
        "A path, or pool/volume. Empty: a new image named after the guest.",
        lambda one: one.domain.disk,
        _put_disk,
        written,
        "",
        "THE GUEST",
    ),
    Option(
        "domain.iso",
        "Installer",
        "The installer's disc image (.iso). Empty where the disk has a system already.",
        lambda one: one.domain.iso,
        _put_iso,
        written,
        "",
        "THE GUEST",
    ),
    Option(
        "domain.virtio_iso",
        "virtio drivers",
        "The disc image virtio-win.iso: Windows sees the fast disk and network only with it.",
        lambda one: one.domain.virtio_iso,
        _put_virtio,
        written,
        "",
        "THE GUEST",
    ),
    *options_guest.OPTIONS,
    Option(
        "looking_glass.mode",
        "Looking Glass",
        "Shows the guest's picture in a window on the host's screen, without a second cable. The guest still "
        "renders on its own card.",
        lambda one: one.looking_glass.mode.value,
        _put_mirror,
        _mirrors,
        "kvmfr.device",
        "THE PICTURE",
    ),
    Option(
        "looking_glass.size",
        "Largest picture",
        "Decides how much memory host and guest share. Take the largest resolution that the guest will have.",
        lambda one: f"{one.looking_glass.width}x{one.looking_glass.height}",
        _put_picture,
        _pictures,
        "kvmfr.size",
        "THE PICTURE",
    ),
    Option(
        "looking_glass.release",
        "Program in the guest",
        "Client and guest part must be of one release.",
        lambda one: one.looking_glass.release.value,
        _put_part,
        _parts,
        "kvmfr.size",
        "THE PICTURE",
    ),
)
