"""modprobe configuration, read as kmod reads it."""

from __future__ import annotations

from collections.abc import Iterator

from vfio_wizard.model.facts import ModprobeConfig, ModprobeLine
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.system.host import Host

DIRECTORIES = (
    "etc/modprobe.d",
    "run/modprobe.d",
    "usr/local/lib/modprobe.d",
    "usr/lib/modprobe.d",
    "lib/modprobe.d",
)
"""Highest first: a file hides those of the same name in the folders behind it (kmod, libkmod.c)."""

_NOWHERE = "dev/null"
"""Where the link leads that hides a file of the same name; in a mounted disk there is no such device."""
_COMMANDS = frozenset(("alias", "blacklist", "install", "options", "remove", "softdep", "weakdep"))


def read_modprobe(host: Host) -> ModprobeConfig | Unread:
    """All effective lines in kmod's order; a folder or file that is closed leaves the whole unread.

    An unreadable file might hold anything, so that nothing could be said of what is configured.
    """
    places = config_files(host)
    if isinstance(places, Unread):
        return places
    lines: list[ModprobeLine] = []
    for path in places:
        text = host.text(path)
        if isinstance(text, Unread):
            if _is_empty(host, text):
                continue
            return text
        lines.extend(parse_modprobe(path, text))
    return ModprobeConfig(tuple(lines))


def _is_empty(host: Host, gap: Unread) -> bool:
    """Whether kmod finds nothing there: a link that leads nowhere or to /dev/null, or a folder."""
    if gap.gap is Gap.ABSENT or host.link(gap.path) == _NOWHERE:
        return True
    seen = host.stat(gap.path) if gap.gap is Gap.MALFORMED else gap
    return not isinstance(seen, Unread) and seen.kind in ("directory", "char")


def config_files(host: Host) -> tuple[str, ...] | Unread:
    """The files that count, sorted by their names; Unread when a folder is closed or none is told of."""
    effective: dict[str, str] = {}
    gaps: list[Unread] = []
    for directory in DIRECTORIES:
        names = host.names(directory)
        if isinstance(names, Unread):
            if names.gap is Gap.DENIED:
                return names
            gaps.append(names)
            continue
        for name in names:
            if name.endswith(".conf"):
                effective.setdefault(name, f"{directory}/{name}")
    if len(gaps) == len(DIRECTORIES) and all(gap.gap is not Gap.ABSENT for gap in gaps):
        return gaps[0]
    return tuple(effective[name] for name in sorted(effective))


def parse_modprobe(path: str, text: str) -> Iterator[ModprobeLine]:
    """The commands of one file; ``path:line`` names where each begins."""
    for number, line in _joined(text):
        words = line.split(None, 2)
        if len(words) < 2 or words[0] not in _COMMANDS:
            continue
        rest = words[2].strip() if len(words) > 2 else ""
        yield ModprobeLine(f"{path}:{number}", words[0], words[1].replace("-", "_"), rest)


def _joined(text: str) -> Iterator[tuple[int, str]]:
    """Lines without comments, those that end in a backslash joined with the next."""
    parts: list[str] = []
    start = 1
    for number, raw in enumerate(text.split("\n"), 1):
        if not parts:
            start = number
        if raw.endswith("\\"):
            parts.append(raw[:-1])
            continue
        parts.append(raw)
        whole = "".join(parts).strip()
        parts = []
        if whole and not whole.startswith("#"):
            yield start, whole
    if parts and (whole := "".join(parts).strip()) and not whole.startswith("#"):
        yield start, whole
