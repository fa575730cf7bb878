"""Which kernel modules could claim a PCI function: modules.alias, matched as kmod does.

Only the lines for the ids that are there are asked for, so that a capture records dozens of the
20 000 lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Unread, untold
from vfio_wizard.system.host import Host

MODULE_ROOTS = (
    "lib/modules",
    "usr/lib/modules",
    "run/booted-system/kernel-modules/lib/modules",
    "run/current-system/kernel-modules/lib/modules",
)
"""Where distributions keep modules; the last two are NixOS."""


class Pattern(NamedTuple):
    """One alias: its glob, the longest text that a match must hold, and the module."""

    glob: str
    literal: str
    module: str


class Aliases:
    """The patterns of one kernel that matter for the ids of one machine."""

    def __init__(self, patterns: Iterable[tuple[str, str]]) -> None:
        """``patterns`` are pairs of glob and module."""
        self._patterns = [
            Pattern(glob, _longest_literal(glob), _underscored(name)) for glob, name in patterns
        ]
        self._known: dict[str, tuple[str, ...]] = {}

    def modules(self, modalias: str) -> tuple[str, ...]:
        """The modules whose pattern matches, sorted, with underscores."""
        found = self._known.get(modalias)
        if found is None:
            near = [one for one in self._patterns if one.literal in modalias]
            found = tuple(sorted({one.module for one in near if glob_matches(one.glob, modalias)}))
            self._known[modalias] = found
        return found


def read_aliases(host: Host, release: str | Unread, modaliases: Iterable[str]) -> Aliases | Unread:
    """The aliases of a kernel, modules and built-ins, as far as they may match one of ``modaliases``."""
    if isinstance(release, Unread):
        return release
    heads = sorted({head for modalias in modaliases for head in _heads(modalias)})
    if "/" in release or not release or not heads:
        return untold(f"lib/modules/{release}/modules.alias", "nothing to look up")
    lines = _lines(host, release, "modules.alias", tuple([f"alias {head}" for head in heads]), ())
    builtin = _lines(
        host, release, "modules.builtin.modinfo", (), tuple([f".alias={head}" for head in heads])
    )
    if isinstance(lines, Unread):
        return lines
    modinfo = () if isinstance(builtin, Unread) else builtin
    return Aliases([*filter(None, map(_alias, lines)), *filter(None, map(_builtin_alias, modinfo))])


def glob_matches(glob: str, text: str) -> bool:
    """Whether a glob covers the whole text, by the rules of fnmatch(3) that kmod uses."""
    if "?" in glob or "[" in glob:
        return _bracket_matcher(glob)(text)
    first, *rest = glob.split("*")
    if not rest:
        return text == first
    *middle, last = rest
    end = len(text) - len(last)
    if not (text.startswith(first) and text.endswith(last) and len(first) <= end):
        return False
    return _in_order(middle, text[len(first) : end])


def _in_order(parts: list[str], text: str) -> bool:
    at = 0
    for part in parts:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _bracket_matcher(glob: str) -> Callable[[str], bool]:
    import fnmatch  # noqa: PLC0415 - PCI aliases have only stars; the rare other one pays for the import
    import re  # noqa: PLC0415 - as above

    try:
        pattern = re.compile(fnmatch.translate(glob))
    except re.error:
        return lambda _: False
    return lambda text: pattern.match(text) is not None


def _longest_literal(glob: str) -> str:
    return "" if "?" in glob or "[" in glob else max(glob.split("*"), key=len)


def _heads(modalias: str) -> tuple[str, ...]:
    """What an alias for this function may begin with: its device, its vendor, or any."""
    if not modalias.startswith("pci:v") or modalias[13:14] != "d":
        return ()
    return (modalias[:22], modalias[:13] + "d*", "pci:v*")


def _lines(
    host: Host, release: str, name: str, starts: tuple[str, ...], holds: tuple[str, ...]
) -> tuple[str, ...] | Unread:
    gap: Unread | None = None
    for root in MODULE_ROOTS:
        lines = host.lines(f"{root}/{release}/{name}", starts, holds)
        if not isinstance(lines, Unread):
            return lines
        gap = lines if gap is None else gap
    return gap if gap is not None else untold(f"{MODULE_ROOTS[0]}/{release}/{name}")


def _alias(line: str) -> tuple[str, str] | None:
    words = line.split()
    return (words[1], words[2]) if len(words) == 3 else None


def _builtin_alias(line: str) -> tuple[str, str] | None:
    module, found, glob = line.partition(".alias=")
    return (glob, module) if found and module else None


def _underscored(name: str) -> str:
    return name.replace("-", "_")
