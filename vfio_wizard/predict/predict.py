"""The prediction for every installed kernel."""

from __future__ import annotations

from collections.abc import Mapping

from vfio_wizard.knowledge import claims
from vfio_wizard.knowledge.drivers import INITCALL, KEEPS_BRIDGES, NEEDS_MODESET, WITHOUT_TABLE
from vfio_wizard.model.facts import HostFacts, InstalledKernel, ModprobeLine
from vfio_wizard.model.image import InitramfsImage
from vfio_wizard.model.kargs import Kargs
from vfio_wizard.model.modules import KernelModules, NextBoot
from vfio_wizard.model.pci import PciAddress, PciClass, PciFunction, PciId
from vfio_wizard.model.unread import Unread, known
from vfio_wizard.predict.contest import VFIO, Contest, Why, driver_name, will_take
from vfio_wizard.predict.ids import ids_of, parse_ids
from vfio_wizard.predict.kmod import of_command_line
from vfio_wizard.predict.outcome import BUILT_IN, ROOT, UNKNOWN, FunctionPrediction, KernelPrediction
from vfio_wizard.predict.timeline import Ground, Phase, image_blacklist, image_phases, root_phases

Images = Mapping[str, InitramfsImage | Unread | None]
"""By kernel release; None for a kernel that boots without an image."""


def predict(facts: HostFacts, images: Images, boot: NextBoot) -> tuple[KernelPrediction, ...]:
    """What will have each function at the next boot, should that boot be of this kernel or of that one."""
    if isinstance(facts.kernels, Unread) or isinstance(facts.pci, Unread):
        return ()
    tables = {one.release: one for one in boot.kernels}
    return tuple(
        _kernel(facts, kernel, images.get(kernel.release), tables[kernel.release], boot)
        for kernel in facts.kernels
        if kernel.release in tables
    )


def _kernel(
    facts: HostFacts,
    kernel: InstalledKernel,
    image: InitramfsImage | Unread | None,
    tables: KernelModules,
    boot: NextBoot,
) -> KernelPrediction:
    words, origin, notes = _command_line(facts, image)
    inside = _rd_blacklist(words, origin, image)
    lasting = inside if boot.keeps_rd_blacklist else ()
    ground = Ground(facts, tables, boot, words, origin, _refused(words, origin), lasting)
    gap = _gap(image)
    root = list(root_phases(ground))
    silence = _silence(facts, tables)
    if silence is not None:
        functions = tuple(_without_tables(ground, one, silence) for one in _played(ground, []))
    elif gap is None:
        early = [] if image is None or isinstance(image, Unread) else list(image_phases(ground, image))
        functions = _played(ground, [*early, *root])
    else:
        notes += (f"what the initramfs does is not known: {gap.reason}",)
        functions = _in_the_dark(ground, root, gap)
    if inside and boot.keeps_rd_blacklist is None:
        functions = tuple(_after_unknown_dracut(ground, one, inside) for one in functions)
    if isinstance(image, InitramfsImage):
        notes += (f"the initramfs is {image.path}",)
    elif image is None:
        notes += ("no initramfs was found for it: only built-in drivers come before the real root",)
    if boot.root.closed:
        notes += (f"left out, since it could not be read: {_places(boot.root.closed)}",)
    return KernelPrediction(kernel.release, kernel.running, functions, notes)


def _places(gaps: tuple[Unread, ...]) -> str:
    paths = sorted({one.path for one in gaps})
    more = f" and {len(paths) - _MOST_PLACES} more" if len(paths) > _MOST_PLACES else ""
    return ", ".join(paths[:_MOST_PLACES]) + more


_MOST_PLACES = 4


def _command_line(
    facts: HostFacts, image: InitramfsImage | Unread | None
) -> tuple[Kargs, str, tuple[str, ...]]:
    """The line of the next boot: a unified image's own, the stored one, else the one of this boot."""
    if isinstance(image, InitramfsImage) and isinstance(image.cmdline, str):
        origin = f"{image.path}:.cmdline"
        return Kargs.parse(image.cmdline), origin, (f"the command line is the image's own ({origin})",)
    stored = facts.boot.configured
    if not isinstance(stored, Unread):
        return (
            stored,
            facts.boot.configured_origin,
            (f"the command line is from {facts.boot.configured_origin}",),
        )
    now = facts.kernel.cmdline
    why = f"the stored command line could not be read ({stored.reason})"
    if isinstance(now, Unread):
        return Kargs(()), "the command line", (f"{why}, and no other is known: parameters are left out",)
    origin = facts.kernel.cmdline_origin
    return now, origin, (f"{why}: the one of the running kernel is taken for it",)


def _refused(words: Kargs, origin: str) -> dict[str, str]:
    """Modules that cannot start with these parameters.

    ``module_blacklist=`` compares the names letter by letter, and they have underscores.
    """
    found: dict[str, str] = {}
    for value in words.values("module_blacklist"):
        found |= {name: f"{origin}: module_blacklist={value}" for name in value.split(",") if name}
    calls = {name for value in words.values("initcall_blacklist") for name in value.split(",")}
    found |= {
        module: f"{origin}: initcall_blacklist={call}" for module, call in INITCALL.items() if call in calls
    }
    if words.has("nomodeset"):
        found |= {module: f"{origin}: nomodeset keeps {module} away" for module in NEEDS_MODESET}
    return found


def _gap(image: InitramfsImage | Unread | None) -> Unread | None:
    if isinstance(image, Unread):
        return image
    return image.gaps[0] if image is not None and image.gaps else None


def _rd_blacklist(
    words: Kargs, origin: str, image: InitramfsImage | Unread | None
) -> tuple[ModprobeLine, ...]:
    """What dracut takes away by parameter. Newer ones write it to /run, where the real root finds it too."""
    if not isinstance(image, InitramfsImage) or image.made_by != "dracut":
        return ()
    return image_blacklist(words, origin, image)


def _after_unknown_dracut(
    ground: Ground, told: FunctionPrediction, lines: tuple[ModprobeLine, ...]
) -> FunctionPrediction:
    """Whether the parameter lasts depends on the version of dracut, which nothing told."""
    function = next(one for one in ground.functions if one.address == told.address)
    line = next((one for one in lines if one.module in ground.matches(function)), None)
    if line is None or told.stage != ROOT:
        return told
    why = f"{line.origin} lasts beyond the initramfs with newer dracut only, and its version is not known"
    return FunctionPrediction(told.address, UNKNOWN, None, (why, *told.why))


def _silence(facts: HostFacts, tables: KernelModules) -> Unread | None:
    """What must be known before anything can be said about a driver that is a module."""
    for fact in (tables.matches, tables.depends, facts.modprobe):
        if isinstance(fact, Unread):
            return fact
    return None


def _without_tables(ground: Ground, told: FunctionPrediction, gap: Unread) -> FunctionPrediction:
    """Without the kernel's tables or modprobe's files only built-in drivers can be told."""
    if told.stage == BUILT_IN or (told.driver == UNKNOWN):
        return told
    function = next(one for one in ground.functions if one.address == told.address)
    is_free = not isinstance(ground.tables.matches, Unread) and not ground.matches(function)
    if is_free and function.driver is None and not _is_wanted(ground, function):
        return told
    return FunctionPrediction(
        told.address, UNKNOWN, None, (f"what loads modules is not known: {gap.reason}",)
    )


def _played(ground: Ground, phases: list[Phase]) -> tuple[FunctionPrediction, ...]:
    contest = Contest(ground, _built_in(ground))
    for phase in phases:
        contest.play(phase)
    return contest.outcome()


def _in_the_dark(ground: Ground, root: list[Phase], gap: Unread) -> tuple[FunctionPrediction, ...]:
    """Without the image: what is the same whatever it holds."""
    alone = _played(ground, root)
    return tuple(_doubted(ground, one, gap) for one in alone)


def _doubted(ground: Ground, told: FunctionPrediction, gap: Unread) -> FunctionPrediction:
    if told.stage == BUILT_IN or told.driver == UNKNOWN:
        return told
    function = next(one for one in ground.functions if one.address == told.address)
    rivals = {*ground.matches(function)}
    if _is_wanted(ground, function):
        rivals.add("vfio_pci")
    if len(rivals) <= 1 and told.driver != VFIO:
        return told._replace(stage=None, why=(*told.why, "or already in the initramfs, which was not read"))
    why = (f"the initramfs was not read ({gap.reason}), and it decides between {', '.join(sorted(rivals))}",)
    return FunctionPrediction(told.address, UNKNOWN, None, (*why, *told.why))


def _is_wanted(ground: Ground, function: PciFunction) -> bool:
    """Whether anything that is known would give the function to vfio-pci; an unread image may do it too."""
    if function.is_display or function.driver == VFIO or known(function.driver_override, None):
        return True
    config = ground.facts.modprobe
    lines = () if isinstance(config, Unread) else config.options("vfio_pci")
    lines = (*lines, *of_command_line(ground.words, ground.words_origin))
    texts = [
        ids_of(line.rest) for line in lines if line.command == "options" and line.module in WITHOUT_TABLE
    ]
    return any(one.covers(function) for text in texts if text for one in parse_ids(text))


# --- drivers that are compiled in ---------------------------------------------------------------


def _built_in(ground: Ground) -> dict[PciAddress, tuple[str, str | None, Why]]:
    """What built-in drivers have before the initramfs starts."""
    found: dict[PciAddress, tuple[str, str | None, Why]] = {}
    for function in ground.functions:
        told = _built_in_driver(ground, function)
        if told is not None:
            found[function.address] = told
    return found


def _built_in_driver(ground: Ground, function: PciFunction) -> tuple[str, str | None, Why] | None:
    host = _host_driver(ground, function)
    vfio = _built_in_vfio(ground, function)
    if host is None:
        return None if vfio is None else (VFIO, BUILT_IN, vfio)
    module, driver, why = host
    if vfio is None:
        return (driver, BUILT_IN, why)
    order = known(ground.tables.builtin, ())
    if module not in order:
        return (
            UNKNOWN,
            None,
            (f"{driver} and vfio-pci are both compiled in; their order is not known", *vfio),
        )
    if order.index(module) < order.index("vfio_pci"):
        return (driver, BUILT_IN, (*why, "the kernel starts it before vfio-pci (order of modules.builtin)"))
    return (VFIO, BUILT_IN, (*vfio, f"the kernel starts it before {driver} (order of modules.builtin)"))


def _host_driver(ground: Ground, function: PciFunction) -> tuple[str, str, Why] | None:
    """A built-in driver that has the function now, or is known to claim its kind.

    Alias tables leave out what is compiled in, so the binding of today is the evidence.
    """
    builtin = ground.builtin()
    now = function.driver
    if isinstance(now, str) and now not in (VFIO, "pci-stub"):
        module = ground.boot.driver_modules.get(now)
        if now == KEEPS_BRIDGES or (module is None and _has_no_file(ground, now)) or module in builtin:
            name = module or now.replace("-", "_")
            if name in ground.refused:
                return None
            return (name, now, (f"{now} is compiled into the kernel and has it now",))
        return None
    for module in _usual(function):
        if module in builtin and module not in ground.refused and now is not None:
            return (module, driver_name(module), (f"{module} is compiled into this kernel",))
    return None


def _has_no_file(ground: Ground, driver: str) -> bool:
    """Whether no module file of this kernel carries the driver."""
    if isinstance(ground.tables.depends, Unread):
        return False
    return not any(driver_name(module) == driver for module in ground.tables.depends)


def _usual(function: PciFunction) -> tuple[str, ...]:
    if not isinstance(function.cls, PciClass) or not isinstance(function.id, PciId):
        return ()
    return claims.claimants(function.id.vendor, function.id.device, function.cls.base, function.cls.sub)


def _built_in_vfio(ground: Ground, function: PciFunction) -> Why | None:
    """A built-in vfio-pci knows only ids of the command line; modprobe's files are never read for it."""
    if "vfio_pci" not in ground.builtin() or "vfio_pci" in ground.refused or function.is_bridge:
        return None
    for line in reversed(of_command_line(ground.words, ground.words_origin)):
        if line.module == "vfio_pci" and ids_of(line.rest) is not None:
            covered = any(one.covers(function) for one in parse_ids(ids_of(line.rest) or ""))
            if not covered or will_take(ground, function) is False:
                return None
            return ("vfio-pci is compiled into this kernel", f"{line.origin} gives it the id {function.id}")
    return None
