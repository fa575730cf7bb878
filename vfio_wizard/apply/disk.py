"""The one way by which this floor touches a disk, so that a test can make any single step of it fail.

Paths are relative to the root of the machine that is changed, with the bytes of a name that are no UTF-8 as
surrogates. Folders on the way are resolved inside the root. A change goes only through folders in which
nobody but root (or whoever runs this) may write: what an ordinary user can swap is never followed.
"""

# ruff: noqa: PTH101, PTH102, PTH104, PTH106, PTH108, PTH115, PTH116, PTH208, PTH211 - descriptors and lstat are the point here
from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat as modes
from typing import Protocol

from vfio_wizard.model.errors import WizardError
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.system.host import MOST_LINKS

FILE, LINK, FOLDER, OTHER = "file", "link", "folder", "other"

_CHUNK = 1 << 20
_NO_XATTRS = frozenset((errno.ENOTSUP, errno.ENOSYS, errno.EPERM, errno.EACCES))


class Look(NamedTuple):
    """A file from outside: everything but its content."""

    kind: str
    mode: int
    owner: int
    group: int
    size: int
    mtime_ns: int
    xattrs: tuple[tuple[str, bytes], ...] = ()
    """SELinux label and ACLs among them."""
    target: str = ""
    """Where a link leads, as it is written."""


class Room(NamedTuple):
    """The file system below a path."""

    device: int
    free: int
    read_only: bool


class UntrustedPathError(WizardError):
    """A folder on the way could be swapped by somebody else."""


class Disk(Protocol):
    """Reading, and every single step of a change. Each raises OSError where the system refuses."""

    def look(self, path: str) -> Look | None:
        """How the file looks, links not followed; None where there is none."""

    def resolve(self, path: str) -> str:
        """The path with all links followed inside the root; the last name need not exist."""

    def trust(self, path: str) -> None:
        """Raises UntrustedPathError where somebody else may change a folder on the way."""

    def read(self, path: str) -> bytes:
        """The whole content of a small regular file."""

    def digest(self, path: str) -> str:
        """SHA-256 of a regular file's content."""

    def names(self, path: str) -> tuple[str, ...]:
        """The sorted names in a folder; none where it is not there."""

    def room(self, path: str) -> Room:
        """Of the nearest folder above the path that is there."""

    def create(self, path: str, content: bytes) -> None:
        """A new file that only its owner may read; fails where something stands already."""

    def append(self, path: str, content: bytes) -> None:
        """At the end of a file that is there."""

    def copy(self, source: str, path: str) -> None:
        """A new file, as ``create``, with the content of another."""

    def link(self, path: str, target: str) -> None:
        """A new symbolic link."""

    def dress(self, path: str, look: Look, *, times: bool) -> None:
        """Mode, owner, attributes and, if wanted, the time of last change, of a file that is there."""

    def sync(self, path: str) -> None:
        """Until the content is on the medium."""

    def rename(self, old: str, new: str) -> None:
        """Over what stands there, at once."""

    def sync_folder(self, path: str) -> None:
        """Until the names in it are on the medium."""

    def remove(self, path: str) -> None:
        """A file or a link; no complaint where there is none."""

    def make_folder(self, path: str, mode: int) -> None:
        """One folder whose parent is there; no complaint where it is there already."""

    def remove_folder(self, path: str) -> bool:
        """An empty folder; False where it is not empty. No complaint where there is none."""


class RootDisk:
    """A file tree on this machine: ``/``, or the root of another system that is mounted somewhere."""

    def __init__(self, root: str = "/") -> None:
        """``root`` must be a directory."""
        self.root = root.rstrip("/") or ""
        self._mine = (0, os.geteuid())
        self._my_groups = (0, os.getegid())

    # -- reading ------------------------------------------------------------------------------

    def look(self, path: str) -> Look | None:
        """See Disk."""
        try:
            place = self._place(path)
            seen = os.lstat(place)
        except (FileNotFoundError, NotADirectoryError):
            return None
        kind = _kind(seen.st_mode)
        return Look(
            kind,
            modes.S_IMODE(seen.st_mode),
            seen.st_uid,
            seen.st_gid,
            seen.st_size,
            seen.st_mtime_ns,
            _xattrs(place),
            os.readlink(place) if kind == LINK else "",
        )

    def resolve(self, path: str) -> str:
        """See Disk."""
        return self._walk("", path, 0, trusted=False)

    def trust(self, path: str) -> None:
        """See Disk."""
        self._place(path, trusted=True)

    def read(self, path: str) -> bytes:
        """See Disk."""
        with os.fdopen(self._open(path, os.O_RDONLY), "rb") as stream:
            return stream.read()

    def digest(self, path: str) -> str:
        """See Disk."""
        total = hashlib.sha256()
        with os.fdopen(self._open(path, os.O_RDONLY), "rb") as stream:
            while chunk := stream.read(_CHUNK):
                total.update(chunk)
        return total.hexdigest()

    def names(self, path: str) -> tuple[str, ...]:
        """See Disk."""
        try:
            return tuple(sorted(os.listdir(self._place(f"{path}/.") if path else self.root or "/")))
        except (FileNotFoundError, NotADirectoryError):
            return ()

    def room(self, path: str) -> Room:
        """See Disk."""
        place = f"{self.root}/{self.resolve(path)}"
        while not os.path.isdir(place):  # noqa: PTH112 - as above
            place = place.rpartition("/")[0] or "/"
        seen = os.statvfs(place)
        return Room(os.stat(place).st_dev, seen.f_bavail * seen.f_frsize, bool(seen.f_flag & os.ST_RDONLY))

    # -- changing -----------------------------------------------------------------------------

    def create(self, path: str, content: bytes) -> None:
        """See Disk."""
        with os.fdopen(self._new(path), "wb") as stream:
            stream.write(content)

    def append(self, path: str, content: bytes) -> None:
        """See Disk."""
        with os.fdopen(self._open(path, os.O_WRONLY | os.O_APPEND, trusted=True), "wb") as stream:
            stream.write(content)

    def copy(self, source: str, path: str) -> None:
        """See Disk."""
        with (
            os.fdopen(self._open(source, os.O_RDONLY), "rb") as old,
            os.fdopen(self._new(path), "wb") as new,
        ):
            while chunk := old.read(_CHUNK):
                new.write(chunk)

    def link(self, path: str, target: str) -> None:
        """See Disk."""
        os.symlink(target, self._place(path, trusted=True))

    def dress(self, path: str, look: Look, *, times: bool) -> None:
        """See Disk. What is so already is not asked for: a FAT file system refuses even that."""
        place = self._place(path, trusted=True)
        now = os.lstat(place)
        if (now.st_uid, now.st_gid) != (look.owner, look.group):
            os.chown(place, look.owner, look.group, follow_symlinks=False)
        if look.kind != LINK:
            if modes.S_IMODE(os.lstat(place).st_mode) != look.mode:
                _change_mode(place, look.mode)
            self._attributes(place, look)
        if times:
            os.utime(place, ns=(look.mtime_ns, look.mtime_ns), follow_symlinks=False)

    def sync(self, path: str) -> None:
        """See Disk."""
        handle = self._open(path, os.O_RDONLY, trusted=True)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def rename(self, old: str, new: str) -> None:
        """See Disk."""
        os.rename(self._place(old, trusted=True), self._place(new, trusted=True))

    def sync_folder(self, path: str) -> None:
        """See Disk."""
        place = self._place(f"{path}/.", trusted=True) if path else self.root or "/"
        handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def remove(self, path: str) -> None:
        """See Disk."""
        try:
            os.unlink(self._place(path, trusted=True))
        except (FileNotFoundError, NotADirectoryError):
            return

    def make_folder(self, path: str, mode: int) -> None:
        """See Disk."""
        place = self._place(path, trusted=True)
        try:
            os.mkdir(place, mode)
        except FileExistsError:
            if not os.path.isdir(place):  # noqa: PTH112 - as above
                raise

    def remove_folder(self, path: str) -> bool:
        """See Disk."""
        try:
            os.rmdir(self._place(path, trusted=True))
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY):
                return False
            raise
        return True

    def lock(self, path: str) -> int | None:
        """A descriptor that holds the lock until it is closed; None where another run has it."""
        handle = os.open(
            self._place(path, trusted=True), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        return handle

    # -- where --------------------------------------------------------------------------------

    def _open(self, path: str, flags: int, *, trusted: bool = False) -> int:
        """Only a regular file: opening a pipe waits, opening a device may act."""
        place = self._place(path, trusted=trusted)
        handle = os.open(place, flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        if not modes.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise OSError(errno.EINVAL, "not a regular file", place)
        return handle

    def _new(self, path: str) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(self._place(path, trusted=True), flags, 0o600)

    def _attributes(self, place: str, look: Look) -> None:
        wanted = dict(look.xattrs)
        for name, value in _xattrs(place):
            if name not in wanted:
                os.removexattr(place, name, follow_symlinks=False)
            elif wanted[name] == value:
                del wanted[name]
        for name, value in wanted.items():
            os.setxattr(place, name, value, follow_symlinks=False)

    def _place(self, path: str, *, trusted: bool = False) -> str:
        """Absolute, the folders on the way resolved; the last name as it stands."""
        folder, _, name = path.rpartition("/")
        at = self._walk("", folder, 0, trusted=trusted)
        if trusted:
            self._trust(at)
        return f"{self.root}/{at}/{name}" if at else f"{self.root}/{name}"

    def _walk(self, start: str, path: str, depth: int, *, trusted: bool) -> str:
        at = start
        for part in path.split("/"):
            if part in ("", "."):
                continue
            if trusted:
                self._trust(at)
            at = at.rpartition("/")[0] if part == ".." else self._step(at, part, depth, trusted=trusted)
        return at

    def _step(self, folder: str, name: str, depth: int, *, trusted: bool) -> str:
        here = f"{folder}/{name}" if folder else name
        try:
            target = os.readlink(f"{self.root}/{here}")
        except OSError:
            return here  # no link, or not there: whoever opens it will tell
        if depth >= MOST_LINKS:
            raise OSError(errno.ELOOP, "links lead in a circle", here)
        start = "" if target.startswith("/") else folder
        return self._walk(start, target, depth + 1, trusted=trusted)

    def _trust(self, folder: str) -> None:
        """Nobody else may put names into it, or take them out."""
        try:
            seen = os.lstat(f"{self.root}/{folder}" if folder else self.root or "/")
        except FileNotFoundError:
            return  # opening something below it will fail
        group = seen.st_mode & modes.S_IWGRP and seen.st_gid not in self._my_groups
        if seen.st_uid in self._mine and not group and not seen.st_mode & modes.S_IWOTH:
            return
        message = (
            f"/{folder} can be written by others than root (owner {seen.st_uid}, group {seen.st_gid}, mode "
            f"{modes.S_IMODE(seen.st_mode):04o}): nothing is changed through it; "
            "a mount option such as umask=0077, or chown and chmod, closes it"
        )
        raise UntrustedPathError(message)


def _change_mode(place: str, mode: int) -> None:
    """Without modes each file has the same: the kernel's FAT passes over it, other programs' say ENOSYS."""
    try:
        os.chmod(place, mode)
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.ENOTSUP):
            raise


def _kind(mode: int) -> str:
    if modes.S_ISREG(mode):
        return FILE
    if modes.S_ISLNK(mode):
        return LINK
    return FOLDER if modes.S_ISDIR(mode) else OTHER


def _xattrs(place: str) -> tuple[tuple[str, bytes], ...]:
    """Sorted by name; none on a file system without them."""
    try:
        names = os.listxattr(place, follow_symlinks=False)
        return tuple((name, os.getxattr(place, name, follow_symlinks=False)) for name in sorted(names))
    except OSError as error:
        if error.errno in _NO_XATTRS:
            return ()
        raise
