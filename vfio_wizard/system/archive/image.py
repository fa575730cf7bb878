"""Looks into one image and tells as JSON text what matters for who claims a device.

The answer of the pseudo command ``("@initramfs", path)``: small enough for a capture, and without what
an image holds beside that (keys, pass phrases, file systems' names).
"""

from __future__ import annotations

import json
import os
import re
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.system.archive import pe
from vfio_wizard.system.archive.budget import Budget, DamagedError, NotReadableError
from vfio_wizard.system.archive.contents import OVERRIDE, Contents, Tree
from vfio_wizard.system.archive.cpio import archives, entries
from vfio_wizard.system.archive.streams import Span

_MODPROBE = ("etc", "run", "usr/local/lib", "usr/lib", "lib")
_MOST_SCRIPTS = 32
_AROUND = 4
_MOST_EXCERPT = 4096
_MOST_CMDLINE = 1 << 16
_NOWHERE = "dev/null"


def image_text(handle: int, path: str, budget: Budget | None = None) -> str | Unread:
    """What is in the image behind an open file, as JSON text; ``path`` is what to call it.

    Never raises, and costs no more than the budget, whatever the file holds.
    """
    seen = os.fstat(handle)
    told: dict[str, Any] = {"size": seen.st_size, "mtime": int(seen.st_mtime), "gaps": []}
    try:
        told |= _look(handle, seen.st_size, budget or Budget(), told["gaps"])
    except (DamagedError, NotReadableError) as error:
        return Unread(path, Gap.MALFORMED, str(error))
    except OSError as error:
        return Unread(path, Gap.MALFORMED, (error.strerror or "unreadable").lower())
    return json.dumps(told, sort_keys=True, indent=1)


def _look(handle: int, size: int, budget: Budget, gaps: list[str]) -> dict[str, Any]:
    """Raises DamagedError where nothing at all could be read of it."""
    whole = Span(handle, 0, size, budget)
    contents = Contents()
    told: dict[str, Any] = {}
    spans = [whole]
    if whole.peek(2) == pe.MAGIC:
        spans, told = _unified(handle, whole, gaps)
    packings: list[str] = []
    for span in spans:
        _gather(span, contents, packings, gaps)
    if not packings:
        raise DamagedError(gaps[0] if gaps else "empty")
    gaps += contents.gaps
    return told | {"compression": packings} | _summary(contents, Tree(contents), gaps)


def _gather(span: Span, contents: Contents, packings: list[str], gaps: list[str]) -> None:
    """Read all archives of a span as far as they can be read."""
    try:
        for name, stream in archives(span):
            packings.append(name)
            for entry, content in entries(stream, span.budget, contents.wants, alone=name == "none"):
                contents.add(entry, content)
    except (DamagedError, NotReadableError) as error:
        gaps.append(str(error))


def _unified(handle: int, whole: Span, gaps: list[str]) -> tuple[list[Span], dict[str, Any]]:
    """The initramfs parts of a unified kernel image in the order in which the stub hands them over."""
    found: dict[str, pe.Section] = {}
    for section in pe.sections(whole):
        if section.name == ".profile":
            gaps.append("has several profiles, of which the first was read")
            break
        found.setdefault(section.name, section)
    if ".initrd" not in found:
        message = "a program for the firmware without an initramfs in it"
        raise DamagedError(message)

    def span(name: str) -> Span:
        section = found[name]
        return Span(handle, section.start, section.start + section.size, whole.budget)

    told: dict[str, Any] = {"unified": True, "cmdline": None, "uname": None}
    for name in ("cmdline", "uname"):
        if f".{name}" in found:
            told[name] = _word(span(f".{name}").read(_MOST_CMDLINE))
    return [span(name) for name in (".ucode", ".initrd") if name in found], told


def _word(content: bytes) -> str:
    return content.partition(b"\0")[0].decode("utf-8", "backslashreplace").strip()


def _summary(contents: Contents, tree: Tree, gaps: list[str]) -> dict[str, Any]:
    names = contents.names
    init = tree.real("init")
    texts = dict(_texts(tree, gaps))
    return {
        "builtin": {release: _wrapped(modules) for release, modules in _builtin(contents).items()},
        "init": init,
        "modules": {release: _wrapped(modules) for release, modules in contents.modules.items()},
        "releases": sorted({found for name in names if (found := _release(name))}),
        "scripts": dict(_scripts(contents, gaps)),
        "signs": sorted(sign for sign, pattern in _SIGNS if any(map(re.compile(pattern).search, names))),
        "texts": texts,
    }


_SIGNS = (
    ("booster", r"^etc/booster\.init\.yaml$"),
    ("coldplug", r"(^|/)nlplug-findfs$"),
    ("dracut", r"(^|/)lib/dracut/"),
    ("initramfs-tools", r"^scripts/functions$"),
    ("mkinitcpio", r"^buildconfig$|^init_functions$"),
    ("nixos", r"^nix/store/"),
    ("udev", r"(^|/)(systemd-)?udevd$"),
    ("udev-script", r"^scripts/init-top/udev$"),
)
"""What a name in an image proves: its generator, or what looks for devices."""


def _release(name: str) -> str | None:
    found = re.search(r"(?:^|/)lib/modules/([^/]+)(?:/modules\.[^/]+)?$", name)
    return found[1] if found and found[1][:1].isdigit() else None


def _wrapped(names: set[str]) -> list[str]:
    """Names in lines of bearable length, since a capture is read by people."""
    return textwrap.wrap(" ".join(sorted(names)), 100, break_long_words=False, break_on_hyphens=False)


def _builtin(contents: Contents) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, content in contents.texts.items():
        folder, _, last = name.rpartition("/")
        if last == "modules.builtin":
            paths = content.decode("utf-8", "backslashreplace").split()
            stems = {path.rpartition("/")[2].partition(".ko")[0].replace("-", "_") for path in paths}
            found[folder.rpartition("/")[2]] = stems
    return found


def _texts(tree: Tree, gaps: list[str]) -> Iterator[tuple[str, list[str]]]:
    """The texts that say what is loaded and how, each reduced to the lines that do."""
    for path, reduce in _places(tree):
        text = tree.text(path)
        if text is not None:
            lines = reduce(text)
            if lines or path.endswith(".conf"):
                yield path, lines
        elif tree.real(path) != _NOWHERE and path.endswith(".conf") and "modules-load.d/" not in path:
            # Debian's modules-load.d/modules.conf leads to etc/modules, which dracut leaves out: systemd
            # finds nothing there when the image runs either.
            gaps.append(f"{path} leads to {tree.real(path)[:200]}, which was not found in the image")
        elif path.endswith(".conf"):
            yield path, []


_Reduction = Callable[[str], list[str]]


def _places(tree: Tree) -> Iterator[tuple[str, _Reduction]]:
    for folder in _distinct(tree, _MODPROBE):
        for path in tree.files(f"{folder}/modprobe.d"):
            yield path, _statements
        for path in tree.files(f"{folder}/modules-load.d"):
            yield path, _statements
    for path in tree.files("etc/cmdline.d"):
        yield path, _driver_words
    yield "etc/cmdline", _driver_words
    yield "conf/modules", _statements
    yield "config", _hook_lists
    yield "etc/booster.init.yaml", _booster
    yield "init", _nixos_modules


def _distinct(tree: Tree, folders: tuple[str, ...]) -> tuple[str, ...]:
    """``lib`` is mostly a link to ``usr/lib``."""
    return tuple({tree.real(folder): folder for folder in reversed(folders)}.values())[::-1]


def _statements(text: str) -> list[str]:
    """All but comments, which may go on behind a backslash."""
    kept: list[str] = []
    goes_on = is_comment = False
    for line in text.split("\n"):
        if not goes_on:
            is_comment = line.lstrip().startswith(("#", ";"))
        kept.append("" if is_comment else line.rstrip("\r"))
        goes_on = line.endswith("\\")
    return _numbered(kept)


def _driver_words(text: str) -> list[str]:
    """Of dracut's stored parameters those that name drivers: the others name disks and keys."""
    lines = (
        re.findall(r"rd\.?\"?driver[^\s]*|rdloaddriver=\S+|rdblacklist=\S+", line)
        for line in text.split("\n")
    )
    return _numbered([" ".join(words) for words in lines])


def _hook_lists(text: str) -> list[str]:
    """Of mkinitcpio's config the assignments that its init reads."""
    wanted = ("MODULES=", "EARLYHOOKS=", "HOOKS=")
    return _numbered([line if line.startswith(wanted) else "" for line in text.split("\n")])


_BOOSTER = ("kernel:", "modprobeoptions:", "modulesforceload:")


def _booster(text: str) -> list[str]:
    """Of booster's configuration three of the top keys: others hold keys and a hash."""
    kept: list[str] = []
    is_kept = False
    for line in text.split("\n"):
        if line[:1] not in (" ", "-", ""):
            is_kept = line.startswith(_BOOSTER)
        kept.append(line if is_kept else "")
    return _numbered(kept)


def _nixos_modules(text: str) -> list[str]:
    """Of NixOS' scripted stage 1 the loops that load modules, each with the word that follows it."""
    lines = text.split("\n")
    loops = {at for at, line in enumerate(lines) if _loads(lines, at)}
    starts = {at for at, line in enumerate(lines) if _STARTS_UDEV.match(line)}
    return _numbered([line if at in loops | starts else "" for at, line in enumerate(lines)])


_STARTS_UDEV = re.compile(r"\s*(?:\S*/)?systemd-udevd --daemon|\s*(?:\S*/)?udevadm trigger")


def _loads(lines: list[str], at: int) -> bool:
    is_loop = re.match(r"\s*for i in .*; do\s*$", lines[at]) is not None
    return is_loop and any(re.match(r"\s*modprobe \$i\b", line) for line in lines[at + 1 : at + 4])


def _numbered(lines: list[str]) -> list[str]:
    """``5:options vfio-pci ids=…``: lines that are not blank, with the number that each has in its file."""
    return [f"{number}:{line}" for number, line in enumerate(lines, 1) if line.strip()]


def _scripts(contents: Contents, gaps: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Texts that write driver_override, each as the lines around that."""
    found = sorted(name for name, content in contents.texts.items() if OVERRIDE in content)
    if len(found) > _MOST_SCRIPTS:
        gaps.append(f"{len(found)} texts write driver_override, of which {_MOST_SCRIPTS} are shown")
    for name in found[:_MOST_SCRIPTS]:
        yield name, _excerpt(contents.texts[name].decode("utf-8", "backslashreplace"))


def _excerpt(text: str) -> list[str]:
    lines = text[: 1 << 16].split("\n")
    named = [at for at, line in enumerate(lines) if OVERRIDE.decode() in line]
    near = sorted(
        {at for one in named for at in range(one - _AROUND, one + _AROUND + 1)} & set(range(len(lines)))
    )
    return "\n".join(lines[at] for at in near)[:_MOST_EXCERPT].split("\n")
