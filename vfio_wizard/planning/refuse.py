"""What must not be given away, and what should be known before: each with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vfio_wizard.cards.units import BMC, VF, VIRTUAL, Gpu
from vfio_wizard.knowledge.resets import reset_family
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.pci import PciAddress, PciClass, PciFunction, PciId
from vfio_wizard.model.plan import Advice, Passed, Refusal
from vfio_wizard.model.selection import Offer, Selection, Strategy
from vfio_wizard.model.unread import Unread, known
from vfio_wizard.planning.bind import unsafe_ids

REFUSALS = (
    "bind.id-shared",
    "device.bridge",
    "display.only",
    "gpu.has-virtual-functions",
    "gpu.management",
    "gpu.virtual",
    "group.shared",
    "host.disk",
    "host.network",
)
"""Every id that a refusal can have, and so every word that ``allow`` takes."""


def known_ids(allowed: tuple[str, ...]) -> tuple[str, ...]:
    """The ids that a user allows. Raises UsageError for one that no refusal has, with the nearest."""
    for word in allowed:
        if word not in REFUSALS:
            import difflib  # noqa: PLC0415 - only needed beside a misspelt id

            near = difflib.get_close_matches(word, REFUSALS, 1, 0)[0]
            msg = f"nothing is refused under the id {word!r} (nearest: {near}). Ids: {', '.join(REFUSALS)}"
            raise UsageError(msg)
    return allowed


class Leaving:
    """The functions that leave, beside all that the host has; what every rule below looks at."""

    def __init__(
        self,
        facts: HostFacts,
        chosen: tuple[Gpu, ...],
        every_gpu: tuple[Gpu, ...],
        functions: tuple[PciFunction, ...],
        passed: tuple[Passed, ...],
    ) -> None:
        """All tuples sorted by address."""
        self.facts = facts
        self.chosen = chosen
        self.every_gpu = every_gpu
        self.functions = functions
        self.passed = passed
        self.addresses = frozenset(one.address for one in functions)
        self.everything: tuple[PciFunction, ...] = () if isinstance(facts.pci, Unread) else facts.pci


def refusals(leaving: Leaving, selection: Selection) -> tuple[Refusal, ...]:
    """Every reason against the selection, in the order in which a person should read them."""
    found = (
        *(one for _, one in impossible(leaving)),
        *_only_display(leaving),
        *_shared_groups(leaving),
        *(one for _, one in needed_by_host(leaving)),
        *_virtual_siblings(leaving),
        *_shared_ids(leaving, selection),
    )
    return tuple(dict.fromkeys(found))


def impossible(leaving: Leaving) -> Iterator[tuple[PciAddress, Refusal]]:
    """What nobody could use in a guest: bridges, management chips, emulated displays."""
    for one in leaving.functions:
        if one.is_bridge:
            yield (
                one.address,
                Refusal(
                    "device.bridge",
                    f"{one.address} is a bridge. A guest never gets bridges, and they do no harm in a group: "
                    "leave it out.",
                ),
            )
    yield from _unsuitable(leaving)


def _unsuitable(leaving: Leaving) -> Iterator[tuple[PciAddress, Refusal]]:
    for gpu in leaving.chosen:
        if gpu.type == BMC:
            text = (
                f"{gpu.address} is the server's management graphics: the remote console and often the "
                "only screen depend on it."
            )
            yield gpu.address, Refusal("gpu.management", text)
        if gpu.type == VIRTUAL:
            text = (
                f"{gpu.address} is an emulated display of the virtual machine that this is; "
                "there is no card to hand on."
            )
            yield gpu.address, Refusal("gpu.virtual", text)


def needed_by_host(leaving: Leaving) -> Iterator[tuple[PciAddress, Refusal]]:
    """What the host itself could not do without: its disks, and the way to its network."""
    yield from _disks(leaving)
    yield from _network(leaving)


def _only_display(leaving: Leaving) -> Iterator[Refusal]:
    if not leaving.chosen:
        return
    left = [one for one in leaving.every_gpu if one.address not in leaving.addresses]
    if left:
        return
    seen = "" if leaving.facts.source.complete is True else ", as far as this record shows"
    yield Refusal(
        "display.only",
        f"{_list(one.address for one in leaving.chosen)} is the only display of this host{seen}. "
        "Without it the host has no screen, and only the network is a way back. A second card would do, or "
        "the processor's own graphics, which many firmware setups switch off beside a card.",
    )


def _shared_groups(leaving: Leaving) -> Iterator[Refusal]:
    groups: dict[int, list[PciFunction]] = {}
    for one in leaving.everything:
        if isinstance(one.group, int):
            groups.setdefault(one.group, []).append(one)
    for number in sorted({one.group for one in leaving.functions if isinstance(one.group, int)}):
        others = [one for one in groups[number] if one.address not in leaving.addresses and not one.is_bridge]
        if others:
            yield Refusal("group.shared", _shared_text(number, others, leaving))


def _shared_text(number: int, others: list[PciFunction], leaving: Leaving) -> str:
    inside = _list(one.address for one in leaving.functions if one.group == number)
    named = ", ".join(_described(one) for one in others)
    return (
        f"{inside} shares IOMMU group {number} with {named}. A group goes to one guest as a whole: "
        "pass these too, or move the card to another slot."
    )


def _described(function: PciFunction) -> str:
    name = function.name or (str(function.id) if isinstance(function.id, PciId) else "")
    return f"{function.address} ({_plain(name)})" if name else str(function.address)


def _plain(text: str) -> str:
    """Names come from hardware: only what prints goes on."""
    return "".join(char if char.isprintable() else "?" for char in text)


def _disks(leaving: Leaving) -> Iterator[tuple[PciAddress, Refusal]]:
    if isinstance(leaving.facts.disks, Unread):
        return
    for disk in leaving.facts.disks:
        for address in sorted(leaving.addresses & set(known(disk.functions, ()))):
            yield (
                address,
                Refusal(
                    "host.disk",
                    f"{_plain(disk.mount)} of this host lies on {_plain(disk.device)} behind {address}. "
                    "The host would not start without it.",
                ),
            )


def _network(leaving: Leaving) -> Iterator[tuple[PciAddress, Refusal]]:
    if isinstance(leaving.facts.network, Unread):
        return
    for link in leaving.facts.network:
        if link.function is not None and link.function in leaving.addresses and link.default_route is True:
            yield (
                link.function,
                Refusal(
                    "host.network",
                    f"{_plain(link.name)} at {link.function} carries the host's default route. "
                    "The host would lose its network.",
                ),
            )


def _virtual_siblings(leaving: Leaving) -> Iterator[Refusal]:
    for gpu in leaving.chosen:
        children = [
            one.address
            for one in leaving.everything
            if one.physical_function == gpu.address and one.address not in leaving.addresses
        ]
        if children:
            yield Refusal(
                "gpu.has-virtual-functions",
                f"{gpu.address} is the physical function of {_list(children)}. They vanish with it: "
                "pass one of them instead, or switch SR-IOV off first.",
            )


def _shared_ids(leaving: Leaving, selection: Selection) -> Iterator[Refusal]:
    if selection.bind is not Strategy.ID:
        return
    for function, others in unsafe_ids(leaving.functions, leaving.everything):
        what = f"{_list(others)} has the same id" if others else "its id is not known"
        yield Refusal(
            "bind.id-shared",
            f"{function.address} cannot be bound by id: {what}. Bind by address instead.",
        )


def warnings(leaving: Leaving, selection: Selection) -> tuple[Advice, ...]:
    """What a person should know; nothing here stands in the way."""
    found = (
        *_unknown_groups(leaving),
        *_direct_regions(leaving),
        *_overridden_isolation(leaving),
        *_excerpt(leaving),
        *_unknown_needs(leaving),
        *_firmware_default(leaving),
        *_reset_offer(leaving, selection),
        *_acs(selection),
        *_patches(selection),
        *_addresses_move(leaving, selection),
    )
    return tuple(dict.fromkeys(found))


def _unknown_groups(leaving: Leaving) -> Iterator[Advice]:
    without = [one.address for one in leaving.functions if not isinstance(one.group, int)]
    if not without:
        return
    groups = leaving.facts.iommu.groups
    why = (
        "the IOMMU was not active when this was read"
        if isinstance(groups, tuple) and not groups
        else "this record does not tell IOMMU groups"
    )
    yield Advice(
        "group.unknown",
        f"Whether {_list(without)} can be separated from other devices is not known: {why}. "
        "Check again with the IOMMU on before a guest gets it.",
    )


def _direct_regions(leaving: Leaving) -> Iterator[Advice]:
    if isinstance(leaving.facts.iommu.groups, Unread):
        return
    for group in leaving.facts.iommu.groups:
        regions = () if isinstance(group.reserved, Unread) else group.reserved
        if leaving.addresses & set(group.members) and any(one.kind == "direct" for one in regions):
            yield Advice(
                "group.direct-region",
                f"The firmware wants memory of IOMMU group {group.number} mapped one to one (a direct "
                "region). Kernels from about 6.6 on refuse to hand such a group to a guest.",
            )


def _overridden_isolation(leaving: Leaving) -> Iterator[Advice]:
    cmdline = leaving.facts.kernel.cmdline
    if isinstance(cmdline, Unread) or cmdline.value("pcie_acs_override") is None:
        return
    yield Advice(
        "group.overridden",
        "pcie_acs_override is on the command line: the groups look separate because the kernel was told "
        "so, not because the hardware keeps them apart.",
    )


def _excerpt(leaving: Leaving) -> Iterator[Advice]:
    if leaving.facts.source.complete is False:
        yield Advice(
            "host.excerpt",
            "This record shows only some devices: others may share an id or a group with those chosen.",
        )


_NEEDED_BY_HOSTS = {0x01, 0x02, 0x0C}
"""Storage, network and serial buses (USB): what a boot disk or the network may hang on."""


def _unknown_needs(leaving: Leaving) -> Iterator[Advice]:
    on_cards = {address for gpu in leaving.chosen for address in gpu.functions}
    risky = [
        one.address
        for one in leaving.functions
        if one.address not in on_cards and isinstance(one.cls, PciClass) and one.cls.base in _NEEDED_BY_HOSTS
    ]
    if not risky:
        return
    if isinstance(leaving.facts.disks, Unread):
        yield Advice(
            "host.disk-unknown", f"Whether the host's own disks hang on {_list(risky)} is not known."
        )
    if isinstance(leaving.facts.network, Unread):
        yield Advice(
            "host.network-unknown", f"Whether the host's network hangs on {_list(risky)} is not known."
        )


def _disks_unknown(facts: HostFacts) -> bool:
    return isinstance(facts.disks, Unread) or any(isinstance(one.functions, Unread) for one in facts.disks)


def _firmware_default(leaving: Leaving) -> Iterator[Advice]:
    for gpu in leaving.chosen:
        if gpu.boot_vga:
            yield Advice(
                "gpu.boot-display",
                f"{gpu.address} is the firmware's boot display: the screen on it stays dark once Linux "
                "starts, and a guest may need its ROM from a file. If the firmware lets you choose "
                "another primary display, do.",
            )
        if gpu.type == VF:
            yield Advice(
                "gpu.virtual-function",
                f"{gpu.address} is a virtual function: it exists only while its physical function "
                "makes it, so it must be made before vfio-pci can take it.",
            )


def _reset_offer(leaving: Leaving, selection: Selection) -> Iterator[Advice]:
    for gpu in leaving.chosen:
        function = leaving.facts.function(gpu.address)
        if function is None or not isinstance(function.id, PciId):
            continue
        family = reset_family(*function.id)
        covered = family is not None and family.vendor_reset
        if selection.vendor_reset is Offer.AUTO and family is not None and covered:
            yield Advice(
                "gpu.reset",
                f"{gpu.address} ({family.family}) is {family.affected.value}: a guest may start once and "
                "then not again until the host is restarted. The module vendor-reset helps many; "
                "ask for it if you see that.",
            )
        if selection.vendor_reset is Offer.ON and not covered:
            yield Advice(
                "gpu.reset-unknown",
                f"vendor-reset does not know {function.id} at {gpu.address}; it is left out for it.",
            )


def _acs(selection: Selection) -> Iterator[Advice]:
    if not selection.kernel.acs_override:
        return
    yield Advice(
        "acs.override",
        "pcie_acs_override makes groups look separate that the hardware may not separate: a guest that "
        "turns hostile could reach its neighbours' memory. Only for guests that you trust.",
    )
    carries = selection.kernel.packages in ("zen", "linuxPackages_zen")
    if not selection.kernel.patches and not carries:
        yield Advice(
            "acs.unpatched",
            "pcie_acs_override does nothing on an unpatched kernel: name the patch, or a kernel "
            "that carries it.",
        )


def _patches(selection: Selection) -> Iterator[Advice]:
    if selection.kernel.patches or selection.kernel.config:
        yield Advice(
            "kernel.compiled",
            "A patched or reconfigured kernel is compiled on this machine, at every kernel update again.",
        )


def _addresses_move(leaving: Leaving, selection: Selection) -> Iterator[Advice]:
    unsafe = unsafe_ids(leaving.functions, leaving.everything)
    if selection.bind is Strategy.ADDRESS or (selection.bind is Strategy.AUTO and unsafe):
        yield Advice(
            "bind.address-moves",
            "The binding rests on addresses. They can change when a card is added, removed or moved, "
            "and with firmware settings: check again before you start the machine that way.",
        )


def _list(addresses: Iterable[PciAddress]) -> str:
    return ", ".join(str(address) for address in sorted(addresses))
