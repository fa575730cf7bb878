"""What is inside the built initramfs images: which modules, which options, and what is loaded by name.

Reading an image takes from a tenth of a second to some seconds, so this is done only where it is asked
for: by the prediction of the next boot, by captures, and by checks that need it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from vfio_wizard.model.facts import InstalledKernel, ModprobeConfig, ModprobeLine
from vfio_wizard.model.image import (
    AFTER_UDEV,
    BEFORE_UDEV,
    BESIDE_UDEV,
    ConfigurationFile,
    EarlyLoad,
    ImageScript,
    InitramfsImage,
    KernelImage,
)
from vfio_wizard.model.unread import Gap, Unread, untold
from vfio_wizard.probe.modprobe import DIRECTORIES, config_files, parse_modprobe
from vfio_wizard.system.host import Command, Host

_SECONDS = 90.0

GENERATORS = ("nixos", "booster", "mkinitcpio", "initramfs-tools", "dracut")
"""Each by its sign in the image, the most telling first (see system/archive/image.py)."""

INPUTS: dict[str, tuple[str, ...]] = {
    "booster": ("etc/booster.yaml",),
    "dracut": ("etc/dracut.conf", "etc/dracut.conf.d/*", "etc/modules-load.d/*"),
    "initramfs-tools": (
        "etc/initramfs-tools/initramfs.conf",
        "etc/initramfs-tools/modules",
        "etc/initramfs-tools/conf.d/*",
        "etc/initramfs-tools/hooks/*",
        "etc/initramfs-tools/scripts/init-top/*",
    ),
    "mkinitcpio": ("etc/mkinitcpio.conf", "etc/mkinitcpio.conf.d/*"),
}
"""What each generator reads beside modprobe.d; an asterisk stands for all names in a folder."""

Texts = dict[str, str]
"""The texts of an image by their path in it."""


def read_images(host: Host, kernels: tuple[InstalledKernel, ...]) -> tuple[KernelImage, ...]:
    """The image of each kernel, in the order of the kernels; one that several share is read once."""
    seen: dict[str, InitramfsImage | Unread] = {}
    found: list[KernelImage] = []
    for kernel in kernels:
        path = kernel.initramfs
        if isinstance(path, str):
            if path not in seen:
                seen[path] = read_image(host, path)
            found.append(KernelImage(kernel.release, seen[path]))
        else:
            found.append(KernelImage(kernel.release, path))
    return tuple(found)


def read_image(host: Host, path: str) -> InitramfsImage | Unread:
    """What is in an image; partly read ones say so in ``gaps``, one of which nothing was read is unread."""
    answer = host.run(Command(("@initramfs", path), _SECONDS))
    if isinstance(answer, Unread):
        return Unread(path, answer.gap, answer.detail)
    try:
        return _image(path, json.loads(answer))
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError):
        return Unread(path, Gap.MALFORMED, "what was recorded of it has not the form that it must have")


def read_configuration(host: Host, generator: str) -> tuple[ConfigurationFile, ...] | Unread:
    """What a generator's images are built from, with its times; unread when a folder is closed."""
    places = config_files(host)
    if isinstance(places, Unread):
        return places
    paths = [*places]
    for pattern in INPUTS.get(generator, ()):
        folder, is_folder, _ = pattern.partition("/*")
        names = host.names(folder) if is_folder else ()
        if isinstance(names, Unread):
            if names.gap is Gap.DENIED:
                return names
            continue
        paths += [f"{folder}/{name}" for name in names] if is_folder else [pattern]
    files = (_configuration_file(host, path) for path in paths)
    return tuple(file for file in files if file is not None)


def _configuration_file(host: Host, path: str) -> ConfigurationFile | None:
    seen = host.stat(path)
    if isinstance(seen, Unread) or seen.kind != "file":
        return None
    return ConfigurationFile(path, seen.mtime)


def _image(path: str, told: dict[str, Any]) -> InitramfsImage:
    """Raises whatever a record of the wrong form leads to."""
    signs = frozenset(_strings(told["signs"]))
    made_by = next((name for name in GENERATORS if name in signs), None)
    texts = {name: _text(_strings(lines)) for name, lines in told["texts"].items()}
    modules = {release: _names(lines) for release, lines in told["modules"].items()}
    has_systemd = str(told["init"]).endswith("/systemd")
    gaps = tuple(Unread(path, Gap.MALFORMED, gap) for gap in _strings(told["gaps"]))
    early = _EARLY.get(made_by or "", _nothing)(_Inside(path, texts, has_systemd, "udev-script" in signs))
    return InitramfsImage(
        path=path,
        size=int(told["size"]),
        made_by=made_by or untold(path, "its content names no generator that is known here"),
        compression=_strings(told["compression"]),
        kernels=_kernels(told, modules, texts),
        modules=frozenset().union(*modules.values()),
        builtin=_builtin(path, told["builtin"]),
        modprobe=ModprobeConfig(tuple(_modprobe(path, texts)), gaps[0] if gaps else None),
        early=tuple(early),
        has_udev=bool(signs & {"udev", "coldplug", "booster"}),
        systemd=has_systemd,
        scripts=tuple(
            ImageScript(name, "\n".join(_strings(lines))) for name, lines in told["scripts"].items()
        ),
        cmdline=_cmdline(told),
        mtime=int(told["mtime"]),
        gaps=gaps,
    )


def _strings(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        message = "not a list of texts"
        raise ValueError(message)
    return tuple(values)


def _text(numbered: tuple[str, ...]) -> str:
    """The lines in their places again: ``5:options …`` stands in line 5."""
    lines: list[str] = []
    for one in numbered:
        number, _, line = one.partition(":")
        at = int(number)
        if not len(lines) < at <= _MOST_LINES:
            message = "lines out of order"
            raise ValueError(message)
        lines += [""] * (at - 1 - len(lines))
        lines.append(line)
    return "\n".join(lines)


_MOST_LINES = 1 << 17


def _names(lines: Any) -> frozenset[str]:
    return frozenset(" ".join(_strings(lines)).split())


def _kernels(told: dict[str, Any], modules: dict[str, frozenset[str]], texts: Texts) -> tuple[str, ...]:
    releases = {release for release in (*modules, *_strings(told["releases"])) if release}
    booster = re.search(r"^kernel: *(\S+)", texts.get(_BOOSTER, ""), re.MULTILINE)
    releases |= {booster[1].strip("\"'")} if booster else set()
    if not releases and told.get("uname"):
        releases = {str(told["uname"])}
    return tuple(sorted(releases))


def _builtin(path: str, told: dict[str, Any]) -> frozenset[str] | Unread:
    if not told:
        return Unread(f"{path}:lib/modules", Gap.ABSENT, "the image holds no list of built-in modules")
    return frozenset().union(*map(_names, told.values()))


def _cmdline(told: dict[str, Any]) -> str | None:
    words = told.get("cmdline")
    return None if words is None else str(words)


def _modprobe(path: str, texts: Texts) -> Iterator[ModprobeLine]:
    """Lines of the files that count, sorted by name as kmod does, then what generators keep elsewhere."""
    for place in _effective(texts, DIRECTORIES):
        yield from parse_modprobe(f"{path}:{place}", texts[place])
    for parameter in _parameters(path, texts):
        if parameter.key in _BLACKLISTS:
            for module in parameter.modules:
                yield ModprobeLine(parameter.origin, "blacklist", module, "")
    yield from _booster_options(path, texts.get(_BOOSTER, ""))


def _effective(texts: Texts, folders: tuple[str, ...]) -> list[str]:
    """Paths sorted by file name; a file hides those of the same name in the folders behind it."""
    found: dict[str, str] = {}
    for folder in folders:
        for path in texts:
            parent, _, name = path.rpartition("/")
            if parent == folder and name.endswith(".conf"):
                found.setdefault(name, path)
    return [found[name] for name in sorted(found)]


class _Parameter:
    """One of dracut's stored parameters that name drivers."""

    def __init__(self, origin: str, word: str) -> None:
        self.origin = origin
        self.key, _, value = word.replace('"', "").partition("=")
        self.modules = [name.replace("-", "_") for name in value.split(",") if name]


def _parameters(path: str, texts: Texts) -> Iterator[_Parameter]:
    """In dracut's order: the files of etc/cmdline.d by name, then etc/cmdline."""
    places = sorted(place for place in texts if place.startswith("etc/cmdline.d/"))
    for place in (*places, "etc/cmdline"):
        for number, line in enumerate(texts.get(place, "").split("\n"), 1):
            for word in line.split():
                yield _Parameter(f"{path}:{place}:{number}", word)


_BLACKLISTS = ("rd.driver.blacklist", "rdblacklist", "rd.driver.post", "rdinsmodpost")
_PRE = ("rd.driver.pre", "rdloaddriver")
_POST = ("rd.driver.post", "rdinsmodpost")


class _Inside:
    """What the readers of each generator's lists get."""

    def __init__(self, path: str, texts: Texts, has_systemd: bool, has_udev_script: bool) -> None:
        self.path = path
        self.texts = texts
        self.has_systemd = has_systemd
        self.has_udev_script = has_udev_script

    def lines(self, place: str) -> Iterator[tuple[str, str]]:
        """Lines of a text that are not blank, each with its origin."""
        for number, line in enumerate(self.texts.get(place, "").split("\n"), 1):
            if line.strip():
                yield f"{self.path}:{place}:{number}", line.strip()


Reader = Callable[[_Inside], Iterator[EarlyLoad]]


def _load(name: str, origin: str, when: str, options: str = "") -> EarlyLoad:
    return EarlyLoad(name.replace("-", "_"), options, origin, when)


def _nothing(_inside: _Inside) -> Iterator[EarlyLoad]:
    return iter(())


def _initramfs_tools(inside: _Inside) -> Iterator[EarlyLoad]:
    """``init`` runs scripts/init-top, where udev starts and settles, and only then loads conf/modules.

    Debian initramfs-tools 0.142 and 0.148: init (run_scripts /scripts/init-top; load_modules),
    udev 252 and 257: scripts/init-top/udev.
    """
    when = AFTER_UDEV if inside.has_udev_script else BEFORE_UDEV
    for origin, line in inside.lines("conf/modules"):
        name, _, options = line.partition(" ")
        yield _load(name, origin, when, options.strip())


def _dracut(inside: _Inside) -> Iterator[EarlyLoad]:
    """rd.driver.pre before udev starts, modules-load.d beside it, rd.driver.post when it has settled.

    dracut 059 and dracut-ng 111: modules.d/*dracut-systemd/dracut-pre-udev.sh, *base/parse-kernel.sh,
    insmodpost.sh.
    """
    parameters = list(_parameters(inside.path, inside.texts))
    for one in parameters:
        if one.key in _PRE:
            yield from (_load(name, one.origin, BEFORE_UDEV) for name in one.modules)
    yield from _modules_load(inside)
    for one in parameters:
        if one.key in _POST:
            yield from (_load(name, one.origin, AFTER_UDEV) for name in one.modules)


def _modules_load(inside: _Inside) -> Iterator[EarlyLoad]:
    """systemd-modules-load.service, which is not ordered against systemd-udev-trigger.service."""
    if not inside.has_systemd:
        return
    for place in _effective(inside.texts, _MODULES_LOAD):
        for origin, line in inside.lines(place):
            yield _load(line, origin, BESIDE_UDEV)


_MODULES_LOAD = tuple(folder.replace("modprobe.d", "modules-load.d") for folder in DIRECTORIES)


def _mkinitcpio(inside: _Inside) -> Iterator[EarlyLoad]:
    """MODULES of config before the hooks, of which udev triggers; with the systemd hook modules-load.d.

    mkinitcpio 41: init, hooks/udev, install/systemd.
    """
    if inside.has_systemd:
        yield from _modules_load(inside)
        return
    for origin, line in inside.lines("config"):
        if line.startswith("MODULES="):
            for name in line.partition("=")[2].strip("\"'()").split():
                yield _load(name, origin, BEFORE_UDEV)


_BOOSTER = "etc/booster.init.yaml"


def _booster(inside: _Inside) -> Iterator[EarlyLoad]:
    """modulesforceload, started first but not waited for (booster, init/main.go: loadModules)."""
    is_list = False
    for origin, line in inside.lines(_BOOSTER):
        if line.endswith(":") or ": " in line:
            is_list = line.startswith("modulesforceload:")
            for name in line.partition("[")[2].rstrip("]").split(",") if is_list and "[" in line else ():
                if name.strip():
                    yield _load(name.strip(), origin, BESIDE_UDEV)
        elif is_list and line.startswith("- "):
            yield _load(line[2:].strip().strip("\"'"), origin, BESIDE_UDEV)


def _booster_options(path: str, text: str) -> Iterator[ModprobeLine]:
    """Options that the generator took out of modprobe.d; it takes nothing else from there."""
    is_options = False
    for number, line in enumerate(text.split("\n"), 1):
        if line[:1] not in ("", " "):
            is_options = line.startswith("modprobeoptions:")
        elif is_options and ": " in line:
            module, _, options = line.strip().partition(": ")
            origin = f"{path}:{_BOOSTER}:{number}"
            yield ModprobeLine(origin, "options", module.replace("-", "_"), options.strip().strip("\"'"))


def _nixos(inside: _Inside) -> Iterator[EarlyLoad]:
    """The loop over boot.initrd.kernelModules in stage 1's script; with systemd modules-load.d/nixos.conf.

    NixOS/nixpkgs: nixos/modules/system/boot/stage-1-init.sh, nixos/modules/system/boot/systemd/initrd.nix.
    """
    if inside.has_systemd:
        yield from _modules_load(inside)
        return
    when = BEFORE_UDEV
    for origin, line in inside.lines("init"):
        if not line.startswith("for "):
            when = AFTER_UDEV
            continue
        for name in line.removeprefix("for i in ").partition(";")[0].split():
            yield _load(name, origin, when)


_EARLY: dict[str, Reader] = {
    "booster": _booster,
    "dracut": _dracut,
    "initramfs-tools": _initramfs_tools,
    "mkinitcpio": _mkinitcpio,
    "nixos": _nixos,
}
