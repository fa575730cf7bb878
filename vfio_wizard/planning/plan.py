"""From facts and a selection to a plan: pure, and the same for every system that will carry it out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vfio_wizard.cards.kinds import OTHER, kind
from vfio_wizard.cards.units import INTEGRATED, Gpu, gpu_of, gpus
from vfio_wizard.knowledge.changes import SWITCH
from vfio_wizard.knowledge.resets import reset_family
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.kargs import Kargs
from vfio_wizard.model.pci import PciAddress, PciClass, PciFunction, PciId
from vfio_wizard.model.plan import (
    Advice,
    BindBy,
    Binding,
    HostSettings,
    Machine,
    Membership,
    Parameter,
    Passed,
    Plan,
    Refusal,
    ResetHelp,
)
from vfio_wizard.model.selection import Offer, Selection
from vfio_wizard.model.unread import Unread, known
from vfio_wizard.model.version import kernel_version
from vfio_wizard.planning import bind as binding
from vfio_wizard.planning import cpus, looking_glass, modules, names, parameters, refuse
from vfio_wizard.planning.hook import kept_by_host, with_cpu_hook

VFIO_DRIVER = "vfio-pci"
_NVIDIA = "10de"

Names = Mapping[PciAddress, str]


def make_plan(facts: HostFacts, selection: Selection, known_names: Names | None = None) -> Plan:
    """The whole change for a selection, with refusals and warnings.

    ``known_names`` gives names for functions whose source tells none (from the PCI id database).
    Raises UsageError for an address that the host does not have and for names that nothing could take.
    """
    everything = _functions(facts)
    every_gpu = known(gpus(facts), ())
    chosen = _chosen_cards(every_gpu, everything, selection.gpus)
    leaving = _leaving(chosen, everything, selection.also)
    passed = tuple(_passed(one, chosen, known_names or {}) for one in leaving)
    bind = binding.choose(leaving, everything, selection.bind)
    isolation = cpus.isolation(selection.cpus, facts.cpu)
    bind_words, moved = parameters.binding_parameters(bind, facts)
    bound = bool(passed) and all(one.driver == VFIO_DRIVER for one in passed)
    achieved = _achieved(bound, bind, bind_words, leaving, facts)
    bind = bind._replace(achieved=achieved)
    if achieved and bind.by is BindBy.ADDRESS:
        bind_words = tuple(one for one in bind_words if one.present)
    users = _users(facts, selection)
    around = refuse.Leaving(facts, chosen, every_gpu, leaving, passed)
    refusals, overruled = _overrule(refuse.refusals(around, selection), refuse.known_ids(selection.allow))
    plan = Plan(
        machine=_machine(facts, every_gpu, leaving, known_names or {}),
        functions=passed,
        bind=bind,
        parameters=(
            *bind_words,
            *parameters.early_parameters(facts),
            *parameters.iommu_parameters(leaving, facts),
            *parameters.console_parameters(leaving, facts),
            *parameters.acs_parameters(_acs_values(selection), facts),
            *parameters.memory_parameters(selection.huge_pages, facts),
            *parameters.cpu_parameters(isolation, facts),
        ),
        remove=(*moved, *parameters.blocking_parameters(facts)),
        softdeps=modules.softdeps(passed, facts, bind.by, achieved=achieved),
        modules=modules.early_modules(facts, achieved=achieved),
        users=users,
        memberships=_memberships(users, facts),
        guest=names.guest_name(selection.guest),
        libvirt=selection.libvirt._replace(
            devices=tuple(names.device_node(path) for path in selection.libvirt.devices)
        ),
        looking_glass=looking_glass.shared_memory(
            selection.looking_glass, users[0] if users else None, facts.virt, looking_glass.guards(facts)
        ),
        cpus=isolation,
        vendor_reset=_vendor_reset(chosen, facts, selection.vendor_reset),
        host_settings=_host_settings(leaving, every_gpu, facts),
        kernel=selection.kernel._replace(
            config=tuple(
                (names.option_name(key), names.option_value(value)) for key, value in selection.kernel.config
            )
        ),
        nixos=selection.nixos,
        running=kernel_version(facts.kernel.release) if isinstance(facts.kernel.release, str) else None,
        line=_line(facts),
        bound=bound,
        refusals=refusals,
        warnings=(
            *overruled,
            *refuse.warnings(around, selection),
            *_about_users(users),
            *_built_in(passed, facts),
        ),
    )
    if selection.hooks.card:
        return kept_by_host(plan, selection.hooks, (*bind_words, *moved))
    return with_cpu_hook(plan, facts.virt)


def _functions(facts: HostFacts) -> tuple[PciFunction, ...]:
    if isinstance(facts.pci, Unread):
        where = facts.source.label
        msg = f"no PCI functions were read from {where} ({facts.pci.reason}); nothing can be chosen"
        raise UsageError(msg)
    return facts.pci


def _chosen_cards(
    every_gpu: tuple[Gpu, ...], everything: tuple[PciFunction, ...], wanted: Iterable[PciAddress]
) -> tuple[Gpu, ...]:
    """The card of each address; its further display functions are folded into it."""
    found: dict[tuple[PciAddress, ...], Gpu] = {}
    for address in wanted:
        gpu = gpu_of(every_gpu, address)
        if gpu is None:
            raise UsageError(_not_a_gpu(address, every_gpu, everything))
        found.setdefault(gpu.functions, gpu)
    return tuple(sorted(found.values(), key=lambda gpu: gpu.address))


def _not_a_gpu(address: PciAddress, every_gpu: tuple[Gpu, ...], everything: tuple[PciFunction, ...]) -> str:
    there = any(one.address == address for one in everything)
    what = "is no graphics card; name other devices with --also" if there else "is not in this host"
    cards = ", ".join(str(one.address) for one in every_gpu) or "none"
    return f"{address} {what}. Graphics cards here: {cards}"


def _leaving(
    chosen: tuple[Gpu, ...], everything: tuple[PciFunction, ...], also: Iterable[PciAddress]
) -> tuple[PciFunction, ...]:
    by_address = {one.address: one for one in everything}
    wanted = {address for gpu in chosen for address in gpu.functions}
    for address in also:
        if address not in by_address:
            msg = f"{address} is not in this host. List what there is with: vfio-wizard groups"
            raise UsageError(msg)
        wanted.add(address)
    if not wanted:
        msg = "nothing is chosen. Name a graphics card with --gpu ADDRESS; vfio-wizard groups lists them"
        raise UsageError(msg)
    return tuple(by_address[address] for address in sorted(wanted))


def _passed(function: PciFunction, chosen: tuple[Gpu, ...], known_names: Names) -> Passed:
    card = gpu_of(chosen, function.address)
    cls = function.cls if isinstance(function.cls, PciClass) else None
    return Passed(
        address=function.address,
        id=function.id if isinstance(function.id, PciId) else None,
        cls=cls,
        kind=kind(cls) if cls else OTHER,
        name=function.name or known_names.get(function.address),
        driver=function.driver if isinstance(function.driver, str) else None,
        group=function.group if isinstance(function.group, int) else None,
        card=card.address if card else None,
        claimants=modules.claimants(function),
    )


def _achieved(
    bound: bool,
    bind: Binding,
    words: tuple[Parameter, ...],
    leaving: tuple[PciFunction, ...],
    facts: HostFacts,
) -> bool:
    """Whether the host's own boot binds the functions already, by whatever means.

    By address that shows in modprobe.d, or on NixOS, where stage 1 is not to be read, in the override that
    the functions still carry. A function that libvirt took for a running guest carries one as well.
    """
    if not bound:
        return False
    if bind.by is BindBy.ID:
        return all(one.present for one in words)
    if _is_nixos(facts):
        return all(one.driver_override == VFIO_DRIVER for one in leaving)
    lines = () if isinstance(facts.modprobe, Unread) else facts.modprobe.lines
    texts = [line.rest for line in lines if (line.command, line.module) == ("install", "vfio_pci")]
    if any(SWITCH in text for text in texts) and not parameters.next_line(facts).has(SWITCH):
        return False
    return all(any(str(one.address) in text for text in texts) for one in leaving)


def _is_nixos(facts: HostFacts) -> bool:
    distribution = facts.boot.distribution
    return not isinstance(distribution, Unread) and distribution.id == "nixos"


def _users(facts: HostFacts, selection: Selection) -> tuple[str, ...]:
    """The users named, else the one who runs this on the live host."""
    if selection.users:
        return tuple(dict.fromkeys(names.user_name(name) for name in selection.users))
    user = facts.virt.user
    if not facts.source.live or isinstance(user, Unread) or user.is_root:
        return ()
    return (names.user_name(user.name),)


def _memberships(users: tuple[str, ...], facts: HostFacts) -> tuple[Membership, ...]:
    """The group is called libvirtd on NixOS and libvirt elsewhere; its members tell who is in already.

    Where libvirt is not installed there is no such group, and nobody can be put into it.
    """
    if facts.virt.libvirt_group is None and not _is_nixos(facts):
        return ()
    members = known(facts.virt.libvirt_group, None)
    group = "libvirtd" if _is_nixos(facts) else "libvirt"
    user = facts.virt.user
    mine = () if isinstance(user, Unread) or user.name not in users else user.groups
    return tuple(Membership(name, group, name in (members or ()) or group in mine) for name in users)


def _line(facts: HostFacts) -> Kargs | None:
    """The line without the words that a boot loader adds of itself."""
    line = parameters.next_line(facts)
    words = tuple(word for word in line.words if not word.startswith(("BOOT_IMAGE=", "initrd=")))
    return Kargs(words) if words else None


def _about_users(users: tuple[str, ...]) -> tuple[Advice, ...]:
    if users:
        return ()
    return (
        Advice(
            "user.unknown",
            "No user is named: the plan lets nobody manage guests or read Looking Glass' memory but root.",
        ),
    )


def _built_in(passed: tuple[Passed, ...], facts: HostFacts) -> tuple[Advice, ...]:
    found = modules.built_in_claimants(passed, facts)
    return tuple(
        Advice(
            "bind.built-in",
            f"{module} is compiled into this kernel and takes {address} before vfio-pci can. "
            "libvirt takes it over when the guest starts, if the device has managed='yes'.",
        )
        for address, module in found
    )


def _overrule(
    refusals: tuple[Refusal, ...], allowed: tuple[str, ...]
) -> tuple[tuple[Refusal, ...], tuple[Advice, ...]]:
    kept = tuple(one for one in refusals if one.id not in allowed)
    overruled = tuple(Advice(one.id, f"Allowed by you: {one.text}") for one in refusals if one.id in allowed)
    return kept, overruled


def _acs_values(selection: Selection) -> tuple[str, ...]:
    return tuple(names.acs_value(value) for value in selection.kernel.acs_override)


def _vendor_reset(chosen: tuple[Gpu, ...], facts: HostFacts, wish: Offer) -> ResetHelp | None:
    """vendor-reset is only ever added when it was asked for, and only for ids in its table."""
    if wish is not Offer.ON:
        return None
    found = [(gpu.address, function.id) for gpu in chosen if (function := facts.function(gpu.address))]
    covered = [(where, what) for where, what in found if isinstance(what, PciId) and _is_covered(what)]
    if not covered:
        return None
    ids = tuple(dict.fromkeys(what for _, what in covered))
    return ResetHelp(tuple(where for where, _ in covered), ids, "the kernel itself cannot reset this chip")


def _is_covered(what: PciId) -> bool:
    family = reset_family(*what)
    return family is not None and family.vendor_reset


def _host_settings(
    leaving: tuple[PciFunction, ...], every_gpu: tuple[Gpu, ...], facts: HostFacts
) -> HostSettings | None:
    """NVIDIA's own driver is in use, and the last card that it drives leaves."""
    addresses = {one.address for one in leaving}
    ran = any(one.is_display and one.driver == "nvidia" for one in leaving)
    stays = any(
        (other := facts.function(gpu.address)) is not None
        and isinstance(other.id, PciId)
        and other.id.vendor == _NVIDIA
        for gpu in every_gpu
        if gpu.address not in addresses
    )
    if not ran or stays:
        return None
    hybrid = any(gpu.type == INTEGRATED and gpu.address not in addresses for gpu in every_gpu)
    return HostSettings(True, hybrid, "the host's screens used NVIDIA's driver, and its only card leaves")


def _machine(
    facts: HostFacts, every_gpu: tuple[Gpu, ...], leaving: tuple[PciFunction, ...], known_names: Names
) -> Machine:
    gone = {one.address for one in leaving}
    distribution = facts.boot.distribution
    nixos = not isinstance(distribution, Unread) and distribution.id == "nixos"
    return Machine(
        label=_label(facts),
        kernel=known(facts.kernel.release, None),
        distribution=None if isinstance(distribution, Unread) else distribution.id,
        nixos_release=distribution.version if nixos and not isinstance(distribution, Unread) else None,
        processor=known(facts.cpu.model, None),
        live=facts.source.live,
        loader=None if isinstance(facts.boot.loader, Unread) else facts.boot.loader.name,
        initramfs=None if isinstance(facts.boot.initramfs, Unread) else facts.boot.initramfs.name,
        stays=tuple(
            (one.address, _name(facts, one.address, known_names))
            for one in every_gpu
            if one.address not in gone
        ),
        kernels=_kernels(facts),
        line_from=facts.boot.configured_origin if isinstance(facts.boot.configured, Kargs) else None,
    )


def _kernels(facts: HostFacts) -> tuple[tuple[str, str | None], ...]:
    installed = known(facts.kernels, ())
    return tuple((one.release, known(one.initramfs, None)) for one in installed)


def _name(facts: HostFacts, address: PciAddress, known_names: Names) -> str | None:
    function = facts.function(address)
    return (function.name if function else None) or known_names.get(address)


def _label(facts: HostFacts) -> str | None:
    """Vendor and board in words; None where DMI was not read."""
    board = facts.firmware.board
    words = [word for word in (board.vendor, board.name) if isinstance(word, str) and word.strip()]
    if not words:
        words = [w for w in (board.system_vendor, board.product) if isinstance(w, str) and w.strip()]
    return " ".join(words) or None
