"""Who gets each function: the phases of a boot played through, one registration of a driver after another.

A function goes to the first driver that registers and whose table, ids or override name it. Inside udev's
pass over the devices nothing is ordered but what one call of modprobe does; a winner is named only where
every way of ordering the calls gives the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vfio_wizard.knowledge.claims import claimants
from vfio_wizard.knowledge.drivers import DRIVER_NAME, MODESET_OFF, VFIO_DENIES, WITHOUT_TABLE
from vfio_wizard.model.pci import PciAddress, PciClass, PciFunction, PciId
from vfio_wizard.model.unread import Unread, known
from vfio_wizard.predict.ids import ids_of, parse_ids
from vfio_wizard.predict.kmod import Step
from vfio_wizard.predict.outcome import ROOT, UNKNOWN, FunctionPrediction
from vfio_wizard.predict.timeline import Ground, Phase

VFIO = "vfio-pci"

Why = tuple[str, ...]


class _Card:
    """One function while the boot goes on."""

    def __init__(self, function: PciFunction, matches: tuple[str, ...]) -> None:
        self.function = function
        self.address = str(function.address)
        self.matches = matches
        self.driver: str | None = None
        self.stage: str | None = None
        self.why: Why = ()
        self.override: str | None = None
        self.override_why = ""
        self.aside: list[str] = []

    @property
    def is_open(self) -> bool:
        return self.driver is None

    def give(self, driver: str, stage: str | None, why: Why) -> None:
        self.driver, self.stage, self.why = driver, stage, why

    def doubt(self, reason: str) -> None:
        self.give(UNKNOWN, None, (reason,))


class _Bid:
    """A registration that would get the function: the chain, the place in it, the driver."""

    def __init__(self, chain: int, place: int, step: Step, driver: str, why: Why) -> None:
        self.chain, self.place, self.module, self.driver, self.why = chain, place, step.module, driver, why


class Contest:
    """The state of all functions and drivers of one kernel's boot."""

    def __init__(self, ground: Ground, bound: Mapping[PciAddress, tuple[str, str | None, Why]]) -> None:
        """``bound`` are the functions that a built-in driver has already: driver, stage, why."""
        self._ground = ground
        self._cards = [_Card(one, ground.matches(one)) for one in ground.functions]
        self._by_address = {one.address: one for one in self._cards}
        self._registered: dict[str, str] = {}
        self._idle_vfio: str | None = None
        for card in self._cards:
            if card.function.address in bound:
                card.give(*bound[card.function.address])

    def play(self, phase: Phase) -> None:
        """Let one phase happen."""
        for path, reason in phase.unclear:
            self._unclear(path, reason)
        if phase.ordered:
            self._in_order(phase)
        else:
            self._at_once(phase)

    def outcome(self) -> tuple[FunctionPrediction, ...]:
        """What each function has in the end."""
        return tuple(self._told(card) for card in self._cards)

    # --- one after the other --------------------------------------------------------------------

    def _in_order(self, phase: Phase) -> None:
        for chain in phase.chains:
            for step in chain.steps:
                self._happens(step, phase)

    def _happens(self, step: Step, phase: Phase) -> None:
        if step.opaque:
            self._opaque(step)
        for address, driver in step.overrides:
            card = self._by_address.get(address)
            if card is not None:
                card.override, card.override_why = driver, step.why[-1]
        for address in step.probes:
            self._probed(address, step, phase)
        if step.inserts and step.module not in self._registered:
            self._registers(step, phase.stage)

    def _registers(self, step: Step, stage: str) -> None:
        self._note(step)
        for card in self._cards:
            why = self._claim(card, step, card.override)
            if why is None:
                continue
            if card.is_open:
                card.give(driver_name(step.module), stage, why)
            elif step.module in WITHOUT_TABLE:
                card.aside.append(f"{driver_name(step.module)} comes too late: {step.why[-1]}")

    def _note(self, step: Step) -> None:
        self._registered[step.module] = step.options
        if step.module == "vfio_pci" and ids_of(step.options) is None and self._idle_vfio is None:
            self._idle_vfio = step.why[0]

    def _probed(self, address: str, step: Step, phase: Phase) -> None:
        card = self._by_address.get(address)
        if card is None or not (card.is_open or phase.unbinds or card.driver == UNKNOWN):
            return
        if card.override and card.override.replace("-", "_") in self._registered:
            if card.override == VFIO and self._takes_vfio(card.function) is False:
                card.give(UNKNOWN, None, (step.why[-1], _NO_GROUP))
                return
            before = () if card.is_open or card.driver == UNKNOWN else (f"taken away from {card.driver}",)
            card.give(card.override, phase.stage, (*step.why, *before))

    # --- at the same time -----------------------------------------------------------------------

    def _at_once(self, phase: Phase) -> None:
        for card in self._cards:
            bids = list(self._bids(phase, card))
            if card.is_open:
                self._settle(phase, card, bids)
            else:
                card.aside += [
                    f"{bid.driver} comes too late: {bid.why[-1]}"
                    for bid in bids
                    if bid.module in WITHOUT_TABLE
                ][:1]
        for chain in phase.chains:
            for step in chain.steps:
                self._after(step)
        for address, driver, path in phase.rules:
            card_ = self._by_address.get(address)
            if card_ is not None:
                card_.override, card_.override_why = driver, path

    def _after(self, step: Step) -> None:
        if step.inserts and step.module not in self._registered:
            self._note(step)
        for address, driver in step.overrides:
            card = self._by_address.get(address)
            if card is not None:
                card.override, card.override_why = driver, step.why[-1]

    def _bids(self, phase: Phase, card: _Card) -> Iterable[_Bid]:
        for number, chain in enumerate(phase.chains):
            override = card.override
            for place, step in enumerate(chain.steps):
                named = [driver for address, driver in step.overrides if address == card.address]
                if named:
                    override = named[-1]
                if not step.inserts or step.module in self._registered:
                    continue
                why = self._claim(card, step, override)
                if why is not None:
                    yield _Bid(number, place, step, driver_name(step.module), why)

    def _settle(self, phase: Phase, card: _Card, bids: list[_Bid]) -> None:
        if self._is_opaque(phase, card):
            return
        rule = next(
            ((driver, path) for address, driver, path in phase.rules if address == card.address), None
        )
        if rule is not None:
            self._settle_rule(phase, card, bids, *rule)
            return
        first = [bid for bid in bids if not any(self._precedes(phase, other, bid) for other in bids)]
        drivers = [bid for bid in bids if bid.module not in WITHOUT_TABLE]
        if not any(bid.module in WITHOUT_TABLE for bid in first) and len({bid.module for bid in drivers}) > 1:
            # One call loads all modules that match; which of them wants the function is for today to tell.
            first = drivers
        if len({bid.module for bid in first}) == 1:
            card.give(first[0].driver, phase.stage, first[0].why)
            losers = sorted({bid.driver for bid in bids if bid.module != first[0].module})
            card.why += tuple(f"{name} comes after it" for name in losers)
        elif first:
            self._tie(phase, card, first)

    def _precedes(self, phase: Phase, one: _Bid, other: _Bid) -> bool:
        """Whether every call that inserts the other module inserts this one before."""
        if one.module == other.module:
            return False
        for chain in phase.chains:
            names = [step.module for step in chain.steps if step.inserts]
            if other.module in names and one.module not in names[: names.index(other.module)]:
                return False
        return True

    def _tie(self, phase: Phase, card: _Card, bids: list[_Bid]) -> None:
        names = sorted({bid.driver for bid in bids})
        now = card.function.driver
        if isinstance(now, str) and now in names and not set(names) & {VFIO, "pci-stub"}:
            bid = next(bid for bid in bids if bid.driver == now)
            others = ", ".join(name for name in names if name != now)
            card.give(now, phase.stage, (*bid.why, f"{others} could claim it too; {now} has it now"))
            return
        reasons = "; ".join(dict.fromkeys(f"{bid.driver}: {bid.why[0]}" for bid in bids))
        card.doubt(
            f"{' and '.join(names)} load at the same time, so that either may be first"
            f" (udev works on devices in parallel): {reasons}"
        )

    def _settle_rule(self, phase: Phase, card: _Card, bids: list[_Bid], driver: str, path: str) -> None:
        """An override that is written at the function's own event, not before other devices' events."""
        foreign = [
            bid
            for bid in bids
            if phase.chains[bid.chain].owner != card.function.address and bid.driver != driver
        ]
        if foreign:
            card.doubt(
                f"{path} names {driver} at the function's own event, but {foreign[0].driver} may come before:"
                f" {foreign[0].why[0]}"
            )
            return
        module = driver.replace("-", "_")
        owners = [chain.owner for chain in phase.chains for step in chain.steps if step.module == module]
        if module in self._registered or not owners:
            card.aside.append(
                f"{path}: only {driver} may have it, and nothing binds {driver} to it after that"
            )
        elif all(owner == card.function.address for owner in owners):
            if driver == VFIO and self._takes_vfio(card.function) is False:
                card.aside.append(_NO_GROUP)
                return
            card.give(driver, phase.stage, (f"{path}: driver_override {driver}, and it loads {driver}",))
        else:
            card.doubt(
                f"{path} names {driver} at the function's own event, and another device's event may load"
                f" {driver} before that; then nothing binds it"
            )

    # --- claims ---------------------------------------------------------------------------------

    def _claim(self, card: _Card, step: Step, override: str | None) -> Why | None:
        """Why the driver of this step would get the function if nobody had it; None where it would not."""
        driver = driver_name(step.module)
        if override is not None:
            if driver != override or (driver == VFIO and self._takes_vfio(card.function) is False):
                return None
            return (*step.why, card.override_why or "driver_override names it")
        if step.module in WITHOUT_TABLE:
            return self._by_id(card, step)
        if step.module not in card.matches:
            return None
        refusal = _is_off(step) or self._declines(card, step.module)
        refusal = refusal or _leaves_to_radeon(card.function, step.module)
        if refusal is not None:
            card.aside.append(refusal)
            return None
        return step.why

    def _by_id(self, card: _Card, step: Step) -> Why | None:
        ids = parse_ids(ids_of(step.options) or "")
        if card.function.is_bridge or not any(one.covers(card.function) for one in ids):
            return None
        if step.module == "vfio_pci" and self._takes_vfio(card.function) is False:
            card.aside.append(_NO_GROUP)
            return None
        given = f"{step.ids_origin} gives it the id {card.function.id}"
        is_asked = step.module == "vfio_pci" and card.function.group is None
        return (*step.why, given, _ASKED) if is_asked else (*step.why, given)

    def _declines(self, card: _Card, module: str) -> str | None:
        """A driver that is there now, and beside it a function without driver: it does not want it."""
        loaded = known(self._ground.facts.kernel.loaded, frozenset[str]())
        overridden = known(card.function.driver_override, None)
        if card.function.driver is None and overridden is None and module in loaded:
            return f"{module} is loaded now and leaves it alone"
        return None

    def _takes_vfio(self, function: PciFunction) -> bool | None:
        """Whether vfio-pci's probe will succeed; None where that cannot be told."""
        return will_take(self._ground, function)

    # --- doubts ---------------------------------------------------------------------------------

    def _is_opaque(self, phase: Phase, card: _Card) -> bool:
        for chain in phase.chains:
            for step in chain.steps:
                if step.opaque and (step.module in card.matches or step.module in WITHOUT_TABLE):
                    card.doubt(f"{step.why[-1]}: {step.opaque}")
                    return True
        return False

    def _opaque(self, step: Step) -> None:
        for card in self._cards:
            if card.is_open and (step.module in card.matches or step.module in WITHOUT_TABLE):
                card.doubt(f"{step.why[-1]}: {step.opaque}")

    def _unclear(self, path: str, reason: str) -> None:
        """A script that could not be read may mean any graphics card."""
        slots = {one.function.address.slot for one in self._cards if one.function.is_display}
        for card in self._cards:
            if card.function.address.slot in slots and not card.function.is_bridge:
                card.doubt(f"{path} writes driver_override, and {reason}")

    # --- the answer -----------------------------------------------------------------------------

    def _told(self, card: _Card) -> FunctionPrediction:
        why = [*card.why]
        if card.driver != VFIO:
            why += [*dict.fromkeys(card.aside), *self._why_not_vfio(card)]
        if card.driver is None:
            why += self._why_nothing(card)
        why = why or [f"nothing that is loaded claims it ({', '.join(card.matches)} could)"]
        return FunctionPrediction(card.function.address, card.driver, card.stage, tuple(dict.fromkeys(why)))

    def _why_not_vfio(self, card: _Card) -> list[str]:
        """Configuration on the root that wants the function for vfio-pci, and why it does not help."""
        config = self._ground.facts.modprobe
        lines = () if isinstance(config, Unread) else config.options("vfio_pci")
        wanted = [
            line.origin
            for line in lines
            if any(one.covers(card.function) for one in parse_ids(ids_of(line.rest) or ""))
        ]
        if not wanted or card.driver == UNKNOWN:
            return []
        if self._idle_vfio is not None:
            return [f"{wanted[-1]} is not read: vfio-pci is loaded before without ids ({self._idle_vfio})"]
        if "vfio_pci" not in self._registered:
            return [f"{wanted[-1]} has no effect: nothing loads vfio-pci"]
        return [f"{wanted[-1]} is read only on the real root"] if card.stage != ROOT else []

    def _why_nothing(self, card: _Card) -> list[str]:
        if card.override:
            return [f"driver_override is {card.override} ({card.override_why})"]
        if not card.matches:
            return ["no module of this kernel names its id"]
        kmod = self._ground.root_modprobe()
        found = []
        for module in card.matches:
            line = kmod.blacklisted(module) or kmod.first("install", module)
            refused = kmod.can_insert(module)
            if refused:
                found.append(refused)
            elif line is not None:
                found.append(f"{line.origin}: {line.command} {line.module}")
        return found


_ASKED = "there is no IOMMU group now; the stored command line turns the IOMMU on"
_NO_GROUP = "vfio-pci cannot have it: it is in no IOMMU group"


def driver_name(module: str) -> str:
    """How the driver of a module is called in sysfs."""
    return DRIVER_NAME.get(module, module)


def _leaves_to_radeon(function: PciFunction, module: str) -> str | None:
    """amdgpu's table covers every AMD display, its probe refuses those of radeon (amdgpu_drv.c)."""
    if module != "amdgpu" or not isinstance(function.id, PciId) or not isinstance(function.cls, PciClass):
        return None
    usual = claimants(function.id.vendor, function.id.device, function.cls.base, function.cls.sub)
    return None if not usual or module in usual else f"amdgpu leaves {function.id} to {usual[0]}"


def _is_off(step: Step) -> str | None:
    if step.module in MODESET_OFF and "modeset=0" in step.options.split():
        return f"{step.module} is loaded with modeset=0 and registers no driver"
    return None


def will_take(ground: Ground, function: PciFunction) -> bool | None:
    """Whether vfio-pci takes a function: it needs an IOMMU group, and refuses a few devices."""
    return False if _is_denied(ground, function) else _will_have_group(ground, function)


def _is_denied(ground: Ground, function: PciFunction) -> bool:
    if isinstance(function.id, Unread) or f"{function.id.vendor}:{function.id.device}" not in VFIO_DENIES:
        return False
    config = known(ground.facts.modprobe, None)
    in_files = any(_ALLOW_ALL in line.rest for line in config.options("vfio_pci")) if config else False
    return not in_files and not ground.words.values(f"vfio-pci.{_ALLOW_ALL}")


_ALLOW_ALL = "disable_denylist"


def _will_have_group(ground: Ground, function: PciFunction) -> bool | None:
    """Whether a function is in an IOMMU group at the next boot; None where that cannot be told."""
    if _iommu_off(ground):
        return False
    if isinstance(function.group, Unread):
        return None
    if function.group is not None:
        return True
    tables = ground.facts.iommu.tables
    if not _iommu_asked(ground) or (tables.dmar is False and tables.ivrs is False):
        return False
    return None


def _iommu_off(ground: Ground) -> bool:
    names = ("intel_iommu", "amd_iommu", "iommu")
    return any("off" in value.split(",") for name in names for value in ground.words.values(name)[-1:])


def _iommu_asked(ground: Ground) -> bool:
    """The stored command line says something about the IOMMU that the running one does not."""
    now = known(ground.facts.kernel.cmdline, None)
    names = ("intel_iommu", "amd_iommu", "iommu")
    return now is None or any(ground.words.values(name) != now.values(name) for name in names)
