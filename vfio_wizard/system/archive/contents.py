"""What is kept of an image while it streams by: names of modules, links, and small texts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from vfio_wizard.system.archive.budget import DamagedError
from vfio_wizard.system.archive.cpio import Entry

MOST_TEXT = 1 << 16
"""Bytes of a file that is looked into; configuration and hooks are smaller."""

_MOST_BUILTIN = 1 << 18
"""Bytes of a list of built-in modules: Debian's has 12 thousand."""

_MOST_KEPT = 16 << 20
"""Bytes of names, links and texts that are kept of one image."""

MODULE = re.compile(r"(?:.*/)?lib/modules/(?:([^/]+)/(?:.*/)?)?([^/]+)\.ko(?:\.gz|\.xz|\.zst)?", re.DOTALL)
"""Release, which booster leaves out, and name of a module file."""

_BUILTIN = "/modules.builtin"
_TEXT = re.compile(
    r".*\.conf|(?:.*/)?modprobe\.d/.*|conf/modules|config|init|etc/cmdline|etc/booster\.init\.yaml"
    r"|nix/store/[^/]+|(?:.*/)?modules-load\.d/.*",
    re.DOTALL,
)
"""Texts that may say what is loaded. Links lead to some, in NixOS to files with any name in its store."""

OVERRIDE = b"driver_override"
_PROGRAM = b"\x7fELF"


class Contents:
    """Gathers entries; later ones replace earlier ones of the same name, as in the kernel."""

    def __init__(self) -> None:
        """Of no entry yet."""
        self.modules: dict[str, set[str]] = {}
        self.links: dict[str, str] = {}
        self.texts: dict[str, bytes] = {}
        self.names: set[str] = set()
        """Names that tell the generator or udev, and folders of kernels."""
        self.gaps: list[str] = []
        self._kept = 0
        self._awaited: dict[tuple[int, int, int], list[str]] = {}

    def wants(self, entry: Entry) -> bool:
        """Whether the content of a regular file is to be read."""
        if entry.links > 1 and entry.file in self._awaited and entry.size <= MOST_TEXT:
            return True
        if entry.name.endswith(_BUILTIN):
            return entry.size <= _MOST_BUILTIN
        return entry.size <= MOST_TEXT and not _is_data(entry.name)

    def add(self, entry: Entry, content: bytes | None) -> None:
        """Take one entry. Raises DamagedError when there is more than any image has."""
        if entry.is_link:
            if content is not None:
                self._keep(len(entry.name) + len(content))
                self.links[entry.name] = content.rstrip(b"\0").decode("utf-8", "backslashreplace")
            self._mark(entry.name)
        elif entry.is_regular:
            self._mark(entry.name)
            self._add_file(entry, content)
        elif entry.name.endswith("/initqueue") or "lib/modules/" in entry.name:
            self._mark(entry.name)

    def _add_file(self, entry: Entry, content: bytes | None) -> None:
        if entry.links > 1 and not entry.size and _is_text(entry.name):
            self._keep(len(entry.name))
            self._awaited.setdefault(entry.file, []).append(entry.name)
        if content is None:
            if _is_text(entry.name) and entry.size > MOST_TEXT and not entry.name.startswith("nix/"):
                self.gaps.append(f"{entry.name} is longer than {MOST_TEXT} bytes")
            return
        names = [entry.name]
        if entry.links > 1 and entry.size:
            names += self._awaited.pop(entry.file, [])
        for name in names:
            self._take(name, content)

    def _take(self, name: str, content: bytes) -> None:
        if content.startswith(_PROGRAM):
            return
        if _is_text(name) or name.endswith(_BUILTIN) or OVERRIDE in content:
            self._keep(len(name) + len(content))
            self.texts[name] = content

    def _mark(self, name: str) -> None:
        found = MODULE.fullmatch(name)
        if found:
            self._keep(len(found[2]))
            self.modules.setdefault(found[1] or "", set()).add(found[2].replace("-", "_"))
        elif _SIGN.search(name):
            self._keep(len(name))
            self.names.add(name)

    def _keep(self, count: int) -> None:
        self._kept += count
        if self._kept > _MOST_KEPT:
            message = "holds more names and texts than any image has"
            raise DamagedError(message)


_SIGN = re.compile(
    r"(?:^|/)(?:systemd-udevd|udevd|udevadm|nlplug-findfs|buildconfig|init_functions|init)$"
    r"|^scripts/(?:functions|init-top/udev)$|^etc/booster\.init\.yaml$|^nix/store/[^/]+$"
    r"|(?:^|/)lib/dracut/|(?:^|/)lib/modules/[^/]+(?:/modules\.[^/]+)?$"
)
"""Names that tell who made an image, what does the coldplug, and for which kernels it is."""


def _is_text(name: str) -> bool:
    return bool(_TEXT.fullmatch(name))


def _is_data(name: str) -> bool:
    return "lib/firmware/" in name or bool(MODULE.fullmatch(name))


class Tree:
    """Looks files up by path once all is gathered, through the links of the image."""

    def __init__(self, contents: Contents) -> None:
        """Of what was gathered."""
        self._links = contents.links
        self._texts = {self.real(name): text for name, text in contents.texts.items()}
        self._folders: dict[str, dict[str, str]] = {}
        for name in (*contents.links, *contents.texts):
            folder, _, last = name.rpartition("/")
            self._folders.setdefault(self.real(folder), {})[last] = name

    def real(self, path: str) -> str:
        """Where a path leads; through at most 40 links, as in the kernel."""
        at = ""
        left = path.split("/")[::-1]
        hops = 0
        while left:
            part = left.pop()
            if part in ("", ".", ".."):
                at = at.rpartition("/")[0] if part == ".." else at
                continue
            here = f"{at}/{part}" if at else part
            target = self._links.get(here)
            if target is None or hops >= _MOST_HOPS:
                at = here
                continue
            hops += 1
            at = "" if target.startswith("/") else at
            left += target.split("/")[::-1]
        return at

    def text(self, path: str) -> str | None:
        """The text at a path; None where no text was kept."""
        content = self._texts.get(self.real(path))
        return None if content is None else content.decode("utf-8", "backslashreplace")

    def files(self, folder: str) -> Iterator[str]:
        """The sorted paths of links and texts in a folder, as it was named."""
        for name in sorted(self._folders.get(self.real(folder), {})):
            yield f"{folder}/{name}"


_MOST_HOPS = 40
