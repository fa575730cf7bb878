"""From facts and answers to a guest: sizes that leave the host enough, whole cards, whole groups."""

from __future__ import annotations

from collections.abc import Iterator

from vfio_wizard.cards.units import INTEGRATED, Gpu, gpu_of, gpus
from vfio_wizard.knowledge import libvirt
from vfio_wizard.model.domain import (
    Capabilities,
    Card,
    DomainPlan,
    DomainSpec,
    Handed,
    Pins,
    Screen,
    Versions,
)
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.facts import DeviceNode, HostFacts
from vfio_wizard.model.pci import PciAddress, PciId
from vfio_wizard.model.pins import PinPlan
from vfio_wizard.model.plan import Advice, Passed, Plan, Refusal
from vfio_wizard.model.selection import FirmwareWish, Offer, Selection
from vfio_wizard.model.unread import Unread, known
from vfio_wizard.planning import domain_devices, domain_memory, domain_warnings, looking_glass
from vfio_wizard.planning.domain_warnings import Guest
from vfio_wizard.planning.pinning import pin, pin_given
from vfio_wizard.planning.plan import make_plan

_INTEL = "8086"
_NEVER_ALLOWED = ("group.shared",)
"""A guest with half a group does not start: here nothing overrules it."""
_OF_PLANS_ALONE = ("acs.unpatched", "kernel.compiled", "user.unknown")
"""What a plan says of the host's own configuration, and no guest depends on."""
_ROOT_SLOT = 2
"""Where the firmware and drivers of Intel's integrated graphics look for it (QEMU: docs/igd-assign.txt)."""


def plan_guest(
    facts: HostFacts,
    selection: Selection,
    versions: Versions,
    capabilities: Capabilities | None = None,
    pins: Pins | None = None,
    *,
    user_id: int | None = None,
) -> DomainPlan:
    """The guest for a selection, with what stands against it and what to know first.

    ``pins`` are the host's CPUs for it where they were chosen already. ``user_id`` is who hears its sound.
    Raises UsageError for wishes that cannot be carried out on any host, and for a libvirt that is too old.
    """
    _check_version(versions)
    plan = make_plan(facts, _strict(selection))
    told = capabilities or Capabilities()
    told = told._replace(graphics=domain_devices.known_graphics(told.graphics, facts.boot.distribution))
    spec = _spec(facts, selection, plan, versions, told)
    chosen = PinPlan(pins, ()) if pins else _pinned(facts, selection, plan)
    spec = spec._replace(cpus=chosen.pins, emulated=selection.domain.emulated)
    spec = domain_devices.with_screen(spec, selection, user_id, facts.virt)
    refusals = (*plan.refusals, *_half_cards(facts, plan), *domain_memory.refusals(facts, spec))
    kept = tuple(one for one in refusals if one.id not in selection.allow or one.id in _NEVER_ALLOWED)
    overruled = tuple(Advice(one.id, f"Allowed by you: {one.text}") for one in refusals if one not in kept)
    reach = address_reach(facts, _addresses(plan))
    guest = Guest(facts, selection, plan, spec, reach)
    losses = tuple(Advice("cpu.less", text) for text in chosen.losses)
    of_host = tuple(one for one in plan.warnings if one.id not in _OF_PLANS_ALONE)
    warnings = (*overruled, *of_host, *domain_warnings.warnings(guest), *losses)
    return DomainPlan(spec, kept, tuple(dict.fromkeys(warnings)))


def _pinned(facts: HostFacts, selection: Selection, plan: Plan) -> PinPlan:
    """CPUs near the card; where the host does not tell how its CPUs hang together, none are chosen."""
    node = next((one.numa_node for one in map(facts.function, _addresses(plan)) if one is not None), None)
    nodes = facts.memory.nodes
    if selection.cpus is not None:
        found = pin_given(facts.cpu, selection.cpus.cpus, nodes)
    else:
        found = pin(facts.cpu, node, selection.domain.vcpus, nodes)
    return PinPlan(domain_memory.unpinned(facts, selection), ()) if isinstance(found, Unread) else found


def _addresses(plan: Plan) -> tuple[PciAddress, ...]:
    return tuple(one.address for one in plan.functions)


def _check_version(versions: Versions) -> None:
    if versions.libvirt < libvirt.OLDEST_LIBVIRT:
        words = ".".join(str(part) for part in versions.libvirt)
        first = ".".join(str(part) for part in libvirt.OLDEST_LIBVIRT[:2])
        msg = f"libvirt {words} is too old for a guest with a card: it takes {first} or later"
        raise UsageError(msg)


def _strict(selection: Selection) -> Selection:
    """Ids of refusals that only guests have are none of the plan's."""
    known_to_plan = tuple(
        one for one in selection.allow if one not in (*_NEVER_ALLOWED, *domain_memory.REFUSALS)
    )
    return selection._replace(allow=known_to_plan)


def _spec(
    facts: HostFacts, selection: Selection, plan: Plan, versions: Versions, capabilities: Capabilities
) -> DomainSpec:
    wish = selection.domain
    every = known(gpus(facts), ())
    cards = tuple(_cards(plan, every, rom=domain_devices.rom_path(wish.rom)))
    others = tuple(_others(plan))
    memory = plan.looking_glass
    return DomainSpec(
        name=plan.guest,
        system=wish.system,
        memory=domain_memory.memory(facts, selection),
        cpus=Pins(domain_memory.ONE_CPU),
        versions=versions,
        capabilities=capabilities,
        amd=facts.cpu.vendor == "amd",
        secure_boot=domain_devices.secure_boot(wish, capabilities),
        firmware_chosen=wish.firmware is not FirmwareWish.AUTO,
        tpm=selection.libvirt.tpm,
        address_limit=_address_limit(facts, plan, versions),
        iommufd=_iommufd(facts, versions, wish.iommufd),
        disks=domain_devices.disks(wish, plan.guest, has_drive=any(one.bootable for one in others)),
        cdroms=domain_devices.cdroms(wish),
        nics=domain_devices.nics(wish),
        cards=cards,
        others=others,
        evdev=domain_devices.evdev(wish),
        usb=domain_devices.usb(wish),
        mirroring=None if memory is None else looking_glass.mirroring(memory, selection.looking_glass),
        screen=Screen.NONE,
    )


# -- devices of the host ---------------------------------------------------------------------------


def _cards(plan: Plan, every: tuple[Gpu, ...], rom: str | None) -> Iterator[Card]:
    """One per graphics card, with all its functions; the ROM is for the first."""
    first = True
    for gpu in every:
        members = tuple(one.address for one in plan.functions if one.card == gpu.address)
        if members:
            is_intel = gpu.type == INTEGRATED and _vendor(plan, gpu.address) == _INTEL
            yield Card(
                handed(members, gpu.address),
                rom=rom if first else None,
                on_root=is_intel,
                slot=_ROOT_SLOT if is_intel else 0,
            )
            first = False


def _vendor(plan: Plan, address: PciAddress) -> str | None:
    found = next((one.id for one in plan.functions if one.address == address), None)
    return found.vendor if isinstance(found, PciId) else None


def _others(plan: Plan) -> Iterator[Card]:
    """Devices named by themselves, those of one slot of the host together."""
    slots: dict[tuple[int, int, int], list[Passed]] = {}
    for one in plan.functions:
        if one.card is None:
            slots.setdefault(one.address.slot, []).append(one)
    for members in slots.values():
        addresses = tuple(one.address for one in members)
        yield Card(handed(addresses, addresses[0]), bootable=any(one.kind == "nvme" for one in members))


def handed(members: tuple[PciAddress, ...], main: PciAddress) -> tuple[Handed, ...]:
    """Function numbers in the guest: the host's own where one slot with function 0 is given, else counted.

    ``main`` comes first where they are counted, so that it is function 0.
    """
    ordered = sorted(members)
    if len({one.slot for one in ordered}) == 1 and ordered[0].function == 0:
        return tuple(Handed(one, one.function) for one in ordered)
    counted = [main, *(one for one in ordered if one != main)]
    return tuple(Handed(one, number) for number, one in enumerate(counted))


def _half_cards(facts: HostFacts, plan: Plan) -> Iterator[Refusal]:
    """A function of a card that was named by itself, while others of the card stay."""
    leaving = {one.address for one in plan.functions}
    every = known(gpus(facts), ())
    for one in plan.functions:
        card = gpu_of(every, one.address) if one.card is None else None
        stays = [] if card is None else [str(each) for each in card.functions if each not in leaving]
        if card is not None and stays:
            yield Refusal(
                "card.half",
                f"{one.address} belongs to the card at {card.address}, of which {', '.join(stays)} would "
                f"stay. A card goes to a guest as a whole: name it with --gpu {card.address}.",
            )


def _address_limit(facts: HostFacts, plan: Plan, versions: Versions) -> int | None:
    """How far the IOMMU reaches, where that is less than the processor and libvirt can say it."""
    if not libvirt.takes("address-limit", versions.libvirt, versions.qemu):
        return None
    return address_reach(facts, _addresses(plan))


def address_reach(facts: HostFacts, functions: tuple[PciAddress, ...]) -> int | None:
    """Address bits of the IOMMU units that serve the functions, where they are fewer than the processor's."""
    bits, units = facts.cpu.address_bits, facts.iommu.units
    if isinstance(bits, Unread) or isinstance(units, Unread):
        return None
    told = [(one, one.reach) for one in units if one.reach is not None]
    wanted = {str(one) for one in functions}
    own = [width for one, width in told if not isinstance(one.devices, Unread) and wanted & set(one.devices)]
    reach = min(own or [width for _, width in told], default=bits[0])
    return reach if reach < bits[0] else None


def _iommufd(facts: HostFacts, versions: Versions, wish: Offer) -> bool:
    """Where libvirt knows it, the kernel offers /dev/iommu, and gives each device a node of its own."""
    if wish is Offer.OFF:
        return False
    node, config = facts.virt.iommu_node, facts.kernel.config
    has_way = isinstance(node, DeviceNode) and node.kind == "char"
    has_nodes = not isinstance(config, Unread) and config.get("VFIO_DEVICE_CDEV") == "y"
    takes = libvirt.takes("iommufd-device", versions.libvirt, versions.qemu)
    if wish is Offer.ON and not (has_way and has_nodes and takes):
        msg = (
            f"iommufd needs libvirt {libvirt.since('iommufd-device')}, QEMU 9.0, /dev/iommu and a kernel "
            "with VFIO_DEVICE_CDEV; leave it on auto"
        )
        raise UsageError(msg)
    return has_way and has_nodes and takes
