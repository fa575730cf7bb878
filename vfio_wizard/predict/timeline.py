"""The order of a boot: who loads what, first in the initramfs and then on the real root."""

from __future__ import annotations

from collections.abc import Iterator

from vfio_wizard.model.facts import HostFacts, ModprobeConfig, ModprobeLine
from vfio_wizard.model.image import AFTER_UDEV, BEFORE_UDEV, BESIDE_UDEV, EarlyLoad, InitramfsImage
from vfio_wizard.model.kargs import Kargs
from vfio_wizard.model.modules import KernelModules, NextBoot
from vfio_wizard.model.pci import PciAddress, PciFunction
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Unread, known
from vfio_wizard.predict.kmod import Modprobe, Step, of_command_line, run_commands
from vfio_wizard.predict.outcome import INITRAMFS, ROOT
from vfio_wizard.predict.overrides import OverrideScript, When, read_override
from vfio_wizard.predict.shell import Commands


class Chain(NamedTuple):
    """Steps that follow one another."""

    steps: tuple[Step, ...]
    owner: PciAddress | None = None
    """The function whose event it is."""


class Phase(NamedTuple):
    """A part of the boot: its chains run one after the other, or all at once."""

    stage: str
    chains: tuple[Chain, ...]
    ordered: bool
    rules: tuple[tuple[str, str, str], ...] = ()
    """Address, driver and rule file: overrides written at each function's own event."""
    unclear: tuple[tuple[str, str], ...] = ()
    """Files that may bind functions at this time, and why that could not be read."""
    unbinds: bool = False
    """Whether it takes functions away from the driver that has them."""


class Ground(NamedTuple):
    """What holds for one kernel."""

    facts: HostFacts
    tables: KernelModules
    boot: NextBoot
    words: Kargs
    words_origin: str
    refused: dict[str, str]
    """Modules that the kernel will not start, and why."""
    lasting: tuple[ModprobeLine, ...] = ()
    """Lines that the initramfs leaves behind in /run/modprobe.d."""

    @property
    def functions(self) -> tuple[PciFunction, ...]:
        """All functions of the machine."""
        return known(self.facts.pci, ())

    def builtin(self) -> frozenset[str]:
        """The modules that are compiled in, as far as they are known."""
        return frozenset(known(self.tables.builtin, ()))

    def matches(self, function: PciFunction) -> tuple[str, ...]:
        """The modules whose alias covers a function, on this kernel."""
        if isinstance(self.tables.matches, Unread):
            return known(function.modules, ())
        return self.tables.matches.get(function.address, ())

    def modprobe(self, config: ModprobeConfig, inside: frozenset[str] | None) -> Modprobe:
        """modprobe with the configuration of one stage."""
        lines = (*self.tables.softdeps, *config.lines, *of_command_line(self.words, self.words_origin))
        depends = known(self.tables.depends, dict[str, tuple[str, ...]]())
        return Modprobe(lines, depends, inside, self.builtin(), self.refused, self.words)

    def root_modprobe(self) -> Modprobe:
        """modprobe on the real root."""
        config = known(self.facts.modprobe, ModprobeConfig(()))
        return self.modprobe(ModprobeConfig((*config.lines, *self.lasting)), None)


def image_phases(ground: Ground, image: InitramfsImage) -> Iterator[Phase]:
    """What the initramfs does."""
    config = ModprobeConfig(
        (*image.modprobe.lines, *image_blacklist(ground.words, ground.words_origin, image))
    )
    kmod = ground.modprobe(config, image.modules)
    scripts = [read_override(f"{image.path}:{one.path}", one.text) for one in image.scripts]
    scripts = [one for one in scripts if "/modprobe.d/" not in one.path]
    pre = _driver_pre(ground, image)
    yield from _scripted(scripts, When.BEFORE, kmod, INITRAMFS)
    yield _named(kmod, (*_of(image, BEFORE_UDEV), *pre))
    beside = _of(image, BESIDE_UDEV)
    yield _coldplug(
        ground, kmod, INITRAMFS, place=image.path, has_udev=image.has_udev, beside=beside, scripts=scripts
    )
    yield _named(kmod, _of(image, AFTER_UDEV))
    yield from _scripted(scripts, When.AFTER, kmod, INITRAMFS)


def root_phases(ground: Ground) -> Iterator[Phase]:
    """What happens once the real root is there; newer dracut hands its blacklist on to it."""
    kmod = ground.root_modprobe()
    root = ground.boot.root
    scripts = [read_override(one.path, one.text) for one in root.overrides if one.enabled]
    named = [EarlyLoad(one.module, "", one.origin, BESIDE_UDEV) for one in root.loads]
    for value in ground.words.values("modules_load"):
        origin = f"{ground.words_origin}: modules_load={value}"
        named += [EarlyLoad(_plain(one), "", origin, BESIDE_UDEV) for one in value.split(",") if one]
    yield from _scripted(scripts, When.BEFORE, kmod, ROOT)
    yield _coldplug(
        ground, kmod, ROOT, place="the real root", has_udev=True, beside=tuple(named), scripts=scripts
    )
    yield from _scripted(scripts, When.AFTER, kmod, ROOT)
    yield from _driverctl(ground, kmod)


def _of(image: InitramfsImage, when: str) -> tuple[EarlyLoad, ...]:
    return tuple(one for one in image.early if one.when == when)


def _driver_pre(ground: Ground, image: InitramfsImage) -> tuple[EarlyLoad, ...]:
    """dracut loads ``rd.driver.pre=`` before udev."""
    if image.made_by != "dracut":
        return ()
    found = []
    for name in ("rd.driver.pre", "rdloaddriver"):
        for value in ground.words.values(name):
            origin = f"{ground.words_origin}: {name}={value}"
            found += [EarlyLoad(_plain(one), "", origin, BEFORE_UDEV) for one in value.split(",") if one]
    return tuple(found)


def image_blacklist(words: Kargs, words_origin: str, image: InitramfsImage) -> tuple[ModprobeLine, ...]:
    """``rd.driver.blacklist=`` of dracut, ``blacklist=`` of initramfs-tools."""
    names = {"dracut": ("rd.driver.blacklist", "rdblacklist"), "initramfs-tools": ("blacklist",)}
    found = []
    for name in names.get(str(known(image.made_by, "")), ()):
        for value in words.values(name):
            origin = f"{words_origin}: {name}={value}"
            found += [ModprobeLine(origin, "blacklist", _plain(one), "") for one in value.split(",") if one]
    return tuple(found)


def _plain(name: str) -> str:
    return name.strip().replace("-", "_")


def _named(kmod: Modprobe, loads: tuple[EarlyLoad, ...]) -> Phase:
    return Phase(INITRAMFS, tuple(Chain(_by_name(kmod, one)) for one in loads), ordered=True)


def _by_name(kmod: Modprobe, load: EarlyLoad) -> tuple[Step, ...]:
    """systemd's modules-load asks for the blacklist, a plain modprobe in a script does not."""
    if load.when == BESIDE_UDEV and kmod.blacklisted(load.module):
        return ()
    return kmod.steps(load.module, (f"{load.origin} loads {load.module}",), load.options)


def _coldplug(
    ground: Ground,
    kmod: Modprobe,
    stage: str,
    *,
    place: str,
    has_udev: bool,
    beside: tuple[EarlyLoad, ...],
    scripts: list[OverrideScript],
) -> Phase:
    """udev's workers: a call of modprobe for each device, all at the same time."""
    chains = [Chain(_by_name(kmod, one)) for one in beside]
    rules: list[tuple[str, str, str]] = []
    unclear = [
        (one.path, one.commands.opaque) for one in scripts if one.when is When.RULE and one.commands.opaque
    ]
    unclear += [(one.path, "when it runs is not clear") for one in scripts if one.when is When.UNCLEAR]
    for one in scripts:
        if one.when is When.RULE:
            rules += [(address, driver, one.path) for address, driver in one.commands.overrides]
            plain = Commands(loads=one.commands.loads)
            owners = [address for address, _ in one.commands.overrides]
            steps = run_commands(kmod, plain, (f"{one.path} loads it",))
            chains += [Chain(steps, _address(owner)) for owner in owners if steps]
    for function in ground.functions if has_udev else ():
        steps = tuple(_by_alias(ground, kmod, function, place))
        if steps:
            chains.append(Chain(steps, function.address))
    return Phase(stage, tuple(chains), ordered=False, rules=tuple(rules), unclear=tuple(unclear))


def _by_alias(ground: Ground, kmod: Modprobe, function: PciFunction, place: str) -> Iterator[Step]:
    lines = kmod.aliased(function.modalias) if isinstance(function.modalias, str) else ()
    named = [(_plain(line.rest), f"{line.origin}: alias to {line.rest}") for line in lines]
    if not named:
        named = [(module, "") for module in ground.matches(function)]
    for module, origin in named:
        if kmod.blacklisted(module):
            continue
        why = f"udev loads {module} for {function.address} in {place}"
        yield from kmod.steps(module, (why, origin) if origin else (why,))


def _scripted(scripts: list[OverrideScript], when: When, kmod: Modprobe, stage: str) -> Iterator[Phase]:
    for one in scripts:
        if one.when is not when:
            continue
        if one.commands.opaque:
            yield Phase(stage, (), ordered=True, unclear=((one.path, one.commands.opaque),))
            continue
        steps = run_commands(kmod, one.commands, (f"{one.path} runs",))
        yield Phase(stage, (Chain(steps),), ordered=True, unbinds=one.commands.unbinds)


def _driverctl(ground: Ground, kmod: Modprobe) -> Iterator[Phase]:
    """driverctl takes the function away from whoever has it, once the real root is there."""
    for line in ground.boot.root.driverctl:
        address = str(line.address)
        why = (f"{line.origin}: driverctl gives it to {line.driver} once the real root is there",)
        loads = kmod.steps(line.driver.replace("-", "_"), why)
        override = Step("", why, overrides=((address, line.driver),))
        probe = Step("", why, probes=(address,))
        yield Phase(ROOT, (Chain((*loads, override, probe)),), ordered=True, unbinds=True)


def _address(text: str) -> PciAddress | None:
    try:
        return PciAddress.parse(text)
    except ValueError:
        return None
