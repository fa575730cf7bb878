"""What the prediction of the next boot needs beyond the facts: module tables, and what the root starts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from vfio_wizard.model.facts import HostFacts, InstalledKernel, ModprobeConfig, ModprobeLine
from vfio_wizard.model.image import InitramfsImage
from vfio_wizard.model.modules import (
    DriverctlLine,
    KernelModules,
    NamedLoad,
    NextBoot,
    OverrideText,
    RootConfiguration,
)
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.unread import Gap, Unread, known
from vfio_wizard.probe.aliases import read_aliases
from vfio_wizard.probe.kernel import MODULE_PARENTS, module_name
from vfio_wizard.probe.modprobe import parse_modprobe
from vfio_wizard.probe.paths import address, base_name
from vfio_wizard.system.host import Host
from vfio_wizard.system.reduced import BINDING_MARKS

ALWAYS = frozenset(("vfio", "vfio_iommu_type1", "vfio_pci", "vfio_pci_core", "vfio_virqfd", "pci_stub"))
"""Modules that are looked up whether or not anything names them."""

LOAD_FOLDERS = (
    "etc/modules-load.d",
    "run/modules-load.d",
    "usr/local/lib/modules-load.d",
    "usr/lib/modules-load.d",
)
RULE_FOLDERS = ("etc/udev/rules.d", "run/udev/rules.d", "usr/local/lib/udev/rules.d", "usr/lib/udev/rules.d")
UNIT_FOLDERS = (
    "etc/systemd/system",
    "run/systemd/system",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
)
"""Highest first: a file hides those of the same name behind it."""

DRIVERCTL = "etc/driverctl.d"
_OVERRIDE = "driver_override"
_RULE_MARKS = (_OVERRIDE, "DRIVERCTL")
_NOWHERE = "dev/null"
_NO_SCRIPTS = ("/bin/", "/usr/bin/", "/lib/systemd/", "/usr/lib/systemd/")
"""Programs of packages, which take no card."""
_TEXT_LIMIT = 1 << 17
_MOST_FILES = 4000


def read_next_boot(
    host: Host, facts: HostFacts, images: Mapping[str, InitramfsImage | Unread | None]
) -> NextBoot:
    """Module tables of each installed kernel, and the files of the root that bind or load."""
    root = _root(host)
    names = _named(facts, images, root)
    kernels = tuple(_kernel(host, facts, kernel, names) for kernel in known(facts.kernels, ()))
    return NextBoot(kernels, root, _driver_modules(host, facts), _keeps_rd_blacklist(host))


_RUN_MODPROBE = "=/run/modprobe.d"


def _keeps_rd_blacklist(host: Host) -> bool | None:
    """From dracut's own parse-kernel.sh: what stands in /run is still there on the real root."""
    folder = "usr/lib/dracut/modules.d"
    for name in known(host.names(folder), ()):
        if name.endswith("kernel-modules"):
            lines = host.lines(f"{folder}/{name}/parse-kernel.sh", (), (_RUN_MODPROBE,))
            if not isinstance(lines, Unread):
                return bool(lines)
    return None


def _named(
    facts: HostFacts, images: Mapping[str, InitramfsImage | Unread | None], root: RootConfiguration
) -> frozenset[str]:
    """Modules that any configuration names: only these and the devices' own are looked up."""
    configs = [known(facts.modprobe, ModprobeConfig(()))]
    names = {*ALWAYS, *(one.module for one in root.loads)}
    for image in images.values():
        if isinstance(image, InitramfsImage):
            configs.append(image.modprobe)
            names.update(one.module for one in image.early)
    for config in configs:
        names.update(word for line in config.lines if line.command != "options" for word in _words(line))
    words = known(facts.boot.configured, None) or known(facts.kernel.cmdline, None)
    for name in ("rd.driver.pre", "rdloaddriver", "modules_load", "rd.modules_load"):
        names.update(
            _plain(one) for value in (words.values(name) if words else ()) for one in value.split(",")
        )
    return frozenset(name for name in names if name and name.replace("_", "a").isalnum())


def _words(line: ModprobeLine) -> Iterable[str]:
    """Names in a softdep, install or alias line; words that are none are not found in the tables."""
    yield line.module
    if line.command in ("softdep", "install", "alias"):
        for word in line.rest.replace(";", " ").replace("&", " ").split():
            yield _plain(word)


def _plain(name: str) -> str:
    return name.strip().replace("-", "_")


# --- module tables --------------------------------------------------------------------------------


def _kernel(host: Host, facts: HostFacts, kernel: InstalledKernel, names: frozenset[str]) -> KernelModules:
    folder = _folder(host, kernel.release)
    matches = _matches(host, facts, kernel)
    found = {module for modules in known(matches, {}).values() for module in modules}
    softdeps = _softdeps(host, folder)
    wanted = {*found, *names}
    wanted.update(_plain(word) for line in softdeps if line.module in wanted for word in line.rest.split())
    return KernelModules(
        release=kernel.release,
        origin=folder,
        matches=matches,
        builtin=_builtin(host, folder),
        depends=_depends(host, folder, frozenset(wanted)),
        softdeps=softdeps,
    )


def _folder(host: Host, release: str) -> str:
    for parent in MODULE_PARENTS:
        if not isinstance(host.stat(f"{parent}/{release}"), Unread):
            return f"{parent}/{release}"
    return f"{MODULE_PARENTS[0]}/{release}"


def _matches(
    host: Host, facts: HostFacts, kernel: InstalledKernel
) -> dict[PciAddress, tuple[str, ...]] | Unread:
    functions = known(facts.pci, ())
    texts = [one.modalias for one in functions if isinstance(one.modalias, str)]
    aliases = read_aliases(host, kernel.release, texts)
    if isinstance(aliases, Unread):
        return aliases
    return {one.address: aliases.modules(one.modalias) for one in functions if isinstance(one.modalias, str)}


def _builtin(host: Host, folder: str) -> tuple[str, ...] | Unread:
    """In the order of the file, which is the order in which the kernel links and starts them."""
    seen = host.lines(f"{folder}/modules.builtin", ("kernel/",))
    return seen if isinstance(seen, Unread) else tuple(module_name(line) for line in seen)


def _depends(host: Host, folder: str, wanted: frozenset[str]) -> dict[str, tuple[str, ...]] | Unread:
    """From modules.dep: what each wanted module needs, last first, as libkmod inserts them."""
    holds = tuple(f"/{form}.ko" for name in sorted(wanted) for form in {name, name.replace("_", "-")})
    seen = host.lines(f"{folder}/modules.dep", (), holds)
    if isinstance(seen, Unread):
        return seen
    found = {}
    for line in seen:
        name, colon, needs = line.partition(":")
        if colon:
            found[module_name(name)] = tuple(module_name(one) for one in reversed(needs.split()))
    needed = {one for needs in found.values() for one in needs}
    return {**dict.fromkeys(needed, ()), **found}


def _softdeps(host: Host, folder: str) -> tuple[ModprobeLine, ...]:
    path = f"{folder}/modules.softdep"
    lines = host.lines(path, ("softdep ",))
    return () if isinstance(lines, Unread) else tuple(parse_modprobe(path, "\n".join(lines)))


def _driver_modules(host: Host, facts: HostFacts) -> dict[str, str]:
    """The module behind each driver that has a function now."""
    found = {}
    for driver in {one.driver for one in known(facts.pci, ()) if isinstance(one.driver, str)}:
        target = host.link(f"sys/bus/pci/drivers/{driver}/module")
        if isinstance(target, str):
            found[driver] = _plain(base_name(target))
    return found


# --- the root -------------------------------------------------------------------------------------


def _root(host: Host) -> RootConfiguration:
    closed: list[Unread] = []
    overrides = [*_rules(host, closed), *_units(host, closed)]
    return RootConfiguration(_loads(host), tuple(overrides), _driverctl(host), tuple(closed))


def _effective(host: Host, folders: tuple[str, ...], ending: str) -> list[str]:
    """The files that count, sorted by name."""
    found: dict[str, str] = {}
    for folder in folders:
        for name in known(host.names(folder), ())[:_MOST_FILES]:
            if name.endswith(ending):
                found.setdefault(name, f"{folder}/{name}")
    return [found[name] for name in sorted(found)]


def _loads(host: Host) -> tuple[NamedLoad, ...]:
    """modules-load.d; etc/modules counts where Debian's link leads to it."""
    found = []
    for path in _effective(host, LOAD_FOLDERS, ".conf"):
        text = known(host.text(path, _TEXT_LIMIT), "")
        for number, line in enumerate(text.splitlines(), 1):
            word = line.strip()
            if word and word[0] not in "#;":
                found.append(NamedLoad(_plain(word.split()[0]), f"{path}:{number}"))
    return tuple(found)


def _rules(host: Host, closed: list[Unread]) -> list[OverrideText]:
    found = []
    for path in _effective(host, RULE_FOLDERS, ".rules"):
        marked = host.lines(path, (), _RULE_MARKS)
        if isinstance(marked, Unread):
            closed += [marked] if marked.gap is Gap.DENIED else []
        elif any(_OVERRIDE in line for line in marked) and not any("DRIVERCTL" in line for line in marked):
            text = host.text(path, _TEXT_LIMIT)
            found += [OverrideText(path, text, enabled=True)] if isinstance(text, str) else []
    return found


def _units(host: Host, closed: list[Unread]) -> list[OverrideText]:
    """Units that write an override themselves or through a script that they start.

    Of all others only the lines that name a program are asked for, so that a capture holds no more.
    """
    found = []
    for path, lines in _wanted_units(host, closed):
        scripts = [text for line in lines for text in _started(host, line, closed)]
        if not any(mark in text for mark in BINDING_MARKS for text in (*lines, *scripts)):
            continue
        unit = host.text(path, _TEXT_LIMIT)
        whole = "\n".join((unit, *scripts)) if isinstance(unit, str) else ""
        if whole and "driverctl load-override" not in whole:
            found.append(OverrideText(path, whole, enabled=True))
    return found


def _wanted_units(host: Host, closed: list[Unread]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The file of each unit that the boot wants, and those of its lines that start or bind something."""
    folders = tuple(folder for folder in UNIT_FOLDERS if not isinstance(host.names(folder), Unread))
    for name in sorted(_wanted(host, folders))[:_MOST_FILES]:
        for folder in folders if name.endswith(".service") else ():
            path = f"{folder}/{name}"
            lines = host.lines(path, ("ExecStart",), BINDING_MARKS)
            if not isinstance(lines, Unread):
                yield path, lines
                break
            if lines.gap is not Gap.ABSENT or host.link(path) == _NOWHERE:
                closed += [lines] if lines.gap is Gap.DENIED else []
                break


def _wanted(host: Host, folders: tuple[str, ...]) -> frozenset[str]:
    """The units that a target of the boot, or another unit, wants."""
    names: set[str] = set()
    for folder in folders:
        for target in known(host.names(folder), ()):
            if target.endswith((".wants", ".requires")):
                names.update(known(host.names(f"{folder}/{target}"), ()))
    return frozenset(names)


def _started(host: Host, line: str, closed: list[Unread]) -> list[str]:
    """The texts of the programs of an ``Exec…=`` line that are scripts which bind something."""
    key, equals, value = line.strip().partition("=")
    texts = []
    for word in value.lstrip("@-:+!").split()[:2] if equals and key.startswith("ExecStart") else ():
        path = word.lstrip("/")
        if not word.startswith("/") or word.startswith(_NO_SCRIPTS):
            continue
        lines = host.lines(path, ("#!",), BINDING_MARKS)
        if isinstance(lines, Unread):
            closed += [lines] if lines.gap in (Gap.DENIED, Gap.UNTOLD) else []
        elif any(one.startswith("#!") for one in lines) and len(lines) > 1:
            text = host.text(path, _TEXT_LIMIT)
            texts += [text] if isinstance(text, str) else []
    return texts


def _driverctl(host: Host) -> tuple[DriverctlLine, ...]:
    """``etc/driverctl.d/pci-0000:01:00.0`` holds the driver's name."""
    found = []
    for name in known(host.names(DRIVERCTL), ()):
        bus, _, where = name.partition("-")
        place, driver = address(where), host.text(f"{DRIVERCTL}/{name}", 256)
        if bus == "pci" and place is not None and isinstance(driver, str) and driver.strip():
            found.append(DriverctlLine(place, driver.strip(), f"{DRIVERCTL}/{name}"))
    return tuple(found)
