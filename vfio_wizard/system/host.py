"""The one door to a machine: eight verbs, whatever stands behind them.

Paths are relative to the root (``sys/bus/pci/devices``), never absolute. Every verb answers
with a value or with ``Unread``; none raises for what a machine may hold.
"""

# ruff: noqa: PTH112, PTH115, PTH116, PTH208 - importing pathlib costs more time than reading a PCI tree
from __future__ import annotations

import errno
import os
import stat as modes

from vfio_wizard.model.errors import NotLiveError
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Gap, Unread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol
else:
    Protocol = object  # typing costs 2 ms, and nobody asks at run time whether something is a Host

TEXT_LIMIT = 1 << 20
"""Bytes of a text that are read at most; a longer one is malformed."""

LINES_LIMIT = 1 << 24
"""Bytes of a file that ``lines`` looks through at most; a longer one is malformed."""

KERNEL_LOG = "dev/kmsg"
"""The one device that is read, and only its lines: it ends where the log ends."""

MOST_PASSES = 4
"""Passes over a big file, one for each length of prefix, that cost less than comparing each prefix."""

MOST_LINKS = 40
"""Links behind links that are followed, as many as the kernel follows."""


class FileStat(NamedTuple):
    """What kind of thing a path is (char, block, file, directory, socket, other), and whose."""

    kind: str
    mode: int
    owner: int
    group: int
    size: int
    mtime: int


class Command(NamedTuple):
    """A command from the fixed set that probes may run, by its argument list.

    A first word with ``@`` names no program but one of this package's adapters to a library
    (``("@pyroute2", "links")``), which answers with JSON text: the library stays behind the
    same door, and a capture replays its answer like any other output. ``("@initramfs", path)``
    looks into a boot image, of a directory too (see archive/image.py).
    """

    argv: tuple[str, ...]
    timeout: float = 5.0


class Host(Protocol):
    """A machine, live or recorded."""

    @property
    def live(self) -> bool:
        """Whether this is the machine that the program runs on. Others can never be changed."""

    @property
    def label(self) -> str:
        """What to call it in messages: ``this machine``, or the path of the record."""

    @property
    def kind(self) -> str:
        """``live``, ``directory`` or ``capture``."""

    def text(self, path: str, limit: int = TEXT_LIMIT) -> str | Unread:
        """The content of a file as text, decoded leniently, without trailing newline or NULs."""

    def head(self, path: str, limit: int) -> str | Unread:
        """The first ``limit`` bytes of a file as text, however long it is (``proc/cpuinfo``).

        A capture records just these bytes. The last line may be cut.
        """

    def lines(
        self, path: str, starts: tuple[str, ...], holds: tuple[str, ...] = ()
    ) -> tuple[str, ...] | Unread:
        """The lines of a big file that start with one of ``starts`` or hold one of ``holds``, in file order.

        For module aliases, kernel logs and id tables, of which a few lines matter: a capture records
        those lines only. A path that ends in ``.gz`` is unpacked first. Lines end at a newline or a NUL
        (``modules.builtin.modinfo``). Files up to ``LINES_LIMIT`` are looked through. A file without such
        a line answers with an empty tuple.
        """

    def data(self, path: str, limit: int = TEXT_LIMIT) -> bytes | Unread:
        """The content of a binary file, at most ``limit`` bytes of it."""

    def link(self, path: str) -> str | Unread:
        """Where a link leads, resolved inside the root, as a path relative to it."""

    def names(self, path: str) -> tuple[str, ...] | Unread:
        """The sorted names in a directory."""

    def stat(self, path: str) -> FileStat | Unread:
        """What a path is, links followed inside the root."""

    def run(self, command: Command) -> str | Unread:
        """The standard output of a command. Recorded hosts replay what was recorded."""


def require_live(host: Host, doing: str) -> None:
    """Refuse to change a record: ``doing`` is what was asked for (``apply the plan``)."""
    if isinstance(host, RootHost) and host.live:
        return
    message = f"cannot {doing} on {host.label}: it is a record, not this machine; run it there without --host"
    raise NotLiveError(message)


_ABSENT = frozenset((errno.ENOENT, errno.ENOTDIR, errno.ENODEV, errno.ENXIO, errno.ESRCH))
_DENIED = frozenset((errno.EACCES, errno.EPERM))
_KINDS = {
    modes.S_IFREG: "file",
    modes.S_IFDIR: "directory",
    modes.S_IFCHR: "char",
    modes.S_IFBLK: "block",
    modes.S_IFSOCK: "socket",
}
_OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_MOUNT_POINTS = ("sys", "proc", "dev", "run")
_CHUNK = 1 << 16
_PAGE = 4096


class RootHost:
    """A machine as a file tree: this one when ``root`` is ``/``, else a copied or mounted one.

    It remembers where directories lead; look again after a hot-plug with a new one.
    """

    def __init__(self, root: str = "/", *, is_record: bool = False) -> None:
        """``root`` is a directory of the machine that the program runs on.

        ``is_record`` makes even ``/`` a tree that cannot be changed: what ``--host /`` asks for.
        """
        self._prefix = root.rstrip("/") + "/"
        self._live = self._prefix == "/" and not is_record
        self._leads: dict[str, str] = {}
        self._parents: dict[str, str] = {}

    @property
    def live(self) -> bool:
        """True only for ``/``, and not as a record."""
        return self._live

    @property
    def label(self) -> str:
        """``this machine``, or the directory."""
        return "this machine" if self._live else self._prefix.rstrip("/") or "/"

    @property
    def kind(self) -> str:
        """``live`` or ``directory``."""
        return "live" if self._live else "directory"

    def text(self, path: str, limit: int = TEXT_LIMIT) -> str | Unread:
        """The content of a regular file; bytes that are not UTF-8 become ``\\xNN``."""
        content = self._content(path, limit + 1)
        if isinstance(content, Unread):
            return content
        if len(content) > limit:
            return Unread(path, Gap.MALFORMED, f"longer than {limit} bytes")
        return content.decode("utf-8", "backslashreplace").rstrip("\n\0")

    def head(self, path: str, limit: int) -> str | Unread:
        """The first ``limit`` bytes of a regular file as text."""
        content = self._content(path, limit)
        return content if isinstance(content, Unread) else content.decode("utf-8", "backslashreplace")

    def lines(
        self, path: str, starts: tuple[str, ...], holds: tuple[str, ...] = ()
    ) -> tuple[str, ...] | Unread:
        """The chosen lines of a regular file; one that ends in ``.gz`` is unpacked.

        Of this machine's ``dev/kmsg`` too, where each line is the beginning of a record.
        """
        if path == KERNEL_LOG and self._live:
            text = self._kernel_log()
        else:
            text = self._unpacked(path) if path.endswith(".gz") else self.text(path, LINES_LIMIT)
        return text if isinstance(text, Unread) else chosen_lines(text, starts, holds)

    def data(self, path: str, limit: int = TEXT_LIMIT) -> bytes | Unread:
        """The first ``limit`` bytes of a regular file."""
        return self._content(path, limit)

    def link(self, path: str) -> str | Unread:
        """Where a link leads; a target outside what the tree holds is still named."""
        try:
            here = self._resolved_parent(path)
            target = os.readlink(self._prefix + here)
            if self._live and here.startswith("sys/") and target.startswith("../"):
                leads = self._leads[path] = _climbed(here, target)
                return _printable(leads)
            return _printable(self._follow(here, target, 0))
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno == errno.EINVAL:
                return Unread(path, Gap.MALFORMED, "not a link")
            return self._gap(path, error)

    def names(self, path: str) -> tuple[str, ...] | Unread:
        """The sorted names in a directory."""
        try:
            found = os.listdir(self._place(path))
        except NotADirectoryError:
            there = not isinstance(self.stat(path), Unread)
            return Unread(path, Gap.MALFORMED, "not a directory") if there else self._absence(path)
        except (OSError, ValueError) as error:
            return self._gap(path, error)
        if not found and self._is_unmounted(path):
            return Unread(path, Gap.UNTOLD, "an empty mount point")
        return tuple(sorted(map(_printable, found)))

    def stat(self, path: str) -> FileStat | Unread:
        """What a path is, links followed inside the root."""
        try:
            seen = os.stat(self._place(path), follow_symlinks=self._live)
        except (OSError, ValueError) as error:
            return self._gap(path, error)
        kind = _KINDS.get(modes.S_IFMT(seen.st_mode), "other")
        mode = modes.S_IMODE(seen.st_mode)
        return FileStat(kind, mode, seen.st_uid, seen.st_gid, seen.st_size, int(seen.st_mtime))

    def run(self, command: Command) -> str | Unread:
        """The output of a command from the fixed set; a directory only answers for its images."""
        if command.argv[:1] == ("@initramfs",) and len(command.argv) == 2:
            return self._initramfs(command.argv[1])
        if not self._live:
            return Unread(" ".join(command.argv), Gap.UNTOLD, "a directory runs no commands")
        from vfio_wizard.system import commands  # noqa: PLC0415 - only hosts that run something pay for it

        return commands.answer(command)

    def _unpacked(self, path: str) -> str | Unread:
        content = self._content(path, LINES_LIMIT)
        if isinstance(content, Unread):
            return content
        import zlib  # noqa: PLC0415 - only kernels without a configuration file pay for it

        try:
            unpacked = zlib.decompressobj(wbits=31).decompress(content, LINES_LIMIT)
        except zlib.error:
            return Unread(path, Gap.MALFORMED, "not in gzip form")
        return unpacked.decode("utf-8", "backslashreplace")

    def _kernel_log(self) -> str | Unread:
        from vfio_wizard.system.kmsg import records  # noqa: PLC0415 - for the live machine only

        try:
            return records(self._place(KERNEL_LOG), LINES_LIMIT)
        except OSError as error:
            return self._gap(KERNEL_LOG, error)

    def _initramfs(self, path: str) -> str | Unread:
        from vfio_wizard.system.archive.image import image_text  # noqa: PLC0415 - few runs look into images

        try:
            place = self._place(path)
            size = _size(place, self._live)
            if isinstance(size, str):
                return Unread(path, Gap.MALFORMED, size)
            handle = os.open(place, _OPEN if self._live else _OPEN | os.O_NOFOLLOW)
        except (OSError, ValueError) as error:
            return self._gap(path, error)
        try:
            return image_text(handle, path)
        finally:
            os.close(handle)

    def _content(self, path: str, limit: int) -> bytes | Unread:
        try:
            if self._live and path.startswith("sys/"):
                return self._attribute(path, limit)
            place = self._place(path)
            if self._live and path.startswith("proc/"):
                return _read(place, _OPEN, limit, None)
            size = _size(place, self._live)
            if isinstance(size, str):
                return Unread(path, Gap.MALFORMED, size)
            return _read(place, _OPEN if self._live else _OPEN | os.O_NOFOLLOW, limit, size)
        except (OSError, ValueError) as error:
            return self._gap(path, error)

    def _attribute(self, path: str, limit: int) -> bytes:
        """A file of sysfs, of which a short read is the last: that saves asking again."""
        directory, _, name = path.rpartition("/")
        leads = self._leads.get(directory)  # saves the kernel following a link for each attribute
        handle = os.open(f"/{path}" if leads is None else f"/{leads}/{name}", _OPEN)
        try:
            content = os.read(handle, _PAGE)
            return content[:limit] if len(content) < _PAGE else _read_on(handle, content, limit)
        finally:
            os.close(handle)

    def _place(self, path: str) -> str:
        """The path to open; only the kernel's own root is left to the kernel to resolve."""
        return self._prefix + (path if self._live else self._walk("", path, 0))

    def _resolved_parent(self, path: str) -> str:
        directory, _, name = path.rstrip("/").rpartition("/")
        parent = self._parents.get(directory)
        if parent is None:
            parent = self._parents[directory] = self._walk("", directory, 0)
        return f"{parent}/{name}" if parent else name

    def _walk(self, start: str, path: str, depth: int) -> str:
        """``path`` seen from ``start``, each link replaced; what is not there stays as written."""
        at = start
        for part in path.split("/"):
            if part in ("", "."):
                continue
            at = at.rpartition("/")[0] if part == ".." else self._step(at, part, depth)
        return at

    def _step(self, directory: str, name: str, depth: int) -> str:
        here = f"{directory}/{name}" if directory else name
        known = self._leads.get(here)
        if known is not None:
            return known
        try:
            target = os.readlink(self._prefix + here)
        except OSError:
            leads = here  # no link, or not there, or closed to us: whoever opens it will tell
        else:
            leads = self._follow(here, target, depth)
        self._leads[here] = leads
        return leads

    def _follow(self, link: str, target: str, depth: int) -> str:
        if depth >= MOST_LINKS:
            raise OSError(errno.ELOOP, "links lead in a circle")
        start = "" if target.startswith("/") else link.rpartition("/")[0]
        return self._walk(start, target, depth + 1)

    def _gap(self, path: str, error: OSError | ValueError) -> Unread:
        if isinstance(error, ValueError):
            return Unread(path, Gap.MALFORMED, "not a possible file name")
        if error.errno in _ABSENT:
            return self._absence(path)
        if error.errno in _DENIED:
            return Unread(path, Gap.DENIED, "run as root" if self._live and os.geteuid() else "")
        return Unread(path, Gap.MALFORMED, (error.strerror or "unreadable").lower())

    def _absence(self, path: str) -> Unread:
        """Half a tree proves nothing about what it lacks: only a present parent does."""
        if self._live:
            return Unread(path, Gap.ABSENT)
        if self._is_unmounted(path):
            return Unread(path, Gap.UNTOLD, "an empty mount point")
        parent = self._resolved_parent(self._walk("", path, 0)).rpartition("/")[0]
        if os.path.isdir(self._prefix + parent):
            return Unread(path, Gap.ABSENT)
        return Unread(path, Gap.UNTOLD, f"{parent} is not in {self.label}")

    def _is_unmounted(self, path: str) -> bool:
        """A disk that is mounted elsewhere has ``proc`` and the like as empty directories."""
        top = path.lstrip("/").partition("/")[0]
        if self._live or top not in _MOUNT_POINTS:
            return False
        try:
            return not os.listdir(self._prefix + self._walk("", top, 0))
        except OSError:
            return False


def _climbed(link: str, target: str) -> str:
    """Where a link of sysfs leads: up from its directory and down to the object itself, by no other link."""
    down = target.lstrip("./")
    up = (len(target) - len(down)) // 3
    return "/".join([*link.split("/")[: -1 - up], down])


def _printable(name: str) -> str:
    """A file name that is not UTF-8 can be shown and saved, but no longer opened."""
    if name.isascii():
        return name
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _size(place: str, follow: bool) -> int | str:
    """Bytes of a file, or why a path must not be opened: opening a pipe waits, opening a device may act."""
    seen = os.stat(place, follow_symlinks=follow)
    kind = modes.S_IFMT(seen.st_mode)
    if kind == modes.S_IFREG:
        return seen.st_size
    return f"not a file but a {_KINDS.get(kind, 'link' if kind == modes.S_IFLNK else 'pipe')}"


def _read(place: str, flags: int, limit: int, size: int | None) -> bytes:
    """At most ``limit`` bytes. The size saves asking whether there is more.

    It may be wrong (procfs has none, a file may grow): then it is read on.
    """
    handle = os.open(place, flags)
    try:
        content = os.read(handle, min(limit, max(_CHUNK, (size or 0) + 1)))
        if len(content) >= limit or len(content) in (0, size):
            return content
        return _read_on(handle, content, limit)
    finally:
        os.close(handle)


def _read_on(handle: int, content: bytes, limit: int) -> bytes:
    parts = [content[:limit]]
    left = limit - len(content)
    while left > 0:
        more = os.read(handle, min(left, _CHUNK))
        if not more:
            break
        parts.append(more)
        left -= len(more)
    return b"".join(parts)


def chosen_lines(text: str, starts: tuple[str, ...], holds: tuple[str, ...] = ()) -> tuple[str, ...]:
    """What ``Host.lines`` answers for a file with this text; all hosts share it.

    20 000 lines of module aliases are looked through in a few milliseconds: lines are compared with
    what the prefixes have in common first, then by one set lookup for each length of prefix.
    """
    lines = (text.replace("\0", "\n") if "\0" in text else text).split("\n")
    wanted = {*_that_start(lines, starts), *_that_hold(lines, holds)}
    return tuple([lines[at] for at in sorted(wanted)])


def _that_start(lines: list[str], starts: tuple[str, ...]) -> set[int]:
    if not starts:
        return set()
    common = _shared_start(starts)
    near = [(at, line) for at, line in enumerate(lines) if line.startswith(common)]
    lengths = {*map(len, starts)}
    if len(lengths) > MOST_PASSES:
        return _by_head(near, starts, min(lengths))
    found: set[int] = set()
    for length in lengths:
        same = frozenset([start for start in starts if len(start) == length])
        found.update([at for at, line in near if line[:length] in same])
    return found


def _by_head(near: list[tuple[int, str]], starts: tuple[str, ...], length: int) -> set[int]:
    """One pass for many lengths (kernel options): by first characters, then by the few that share them."""
    heads: dict[str, tuple[str, ...]] = {}
    for start in starts:
        heads[start[:length]] = (*heads.get(start[:length], ()), start)
    return {at for at, line in near if line[:length] in heads and line.startswith(heads[line[:length]])}


def _that_hold(lines: list[str], holds: tuple[str, ...]) -> set[int]:
    if not holds:
        return set()
    shared = _shared_start(holds)
    return {at for at, line in enumerate(lines) if shared in line and any(one in line for one in holds)}


def _shared_start(words: tuple[str, ...]) -> str:
    low, high = min(words, default=""), max(words, default="")
    same = 0
    while same < len(low) and low[same] == high[same]:  # high is at least as long where it starts like low
        same += 1
    return low[:same]
