"""A change and its undo on real file systems, mounted for this process only.

unshare --mount --propagation private python -m tests.faults.filesystems TRIAL KIND FOLDER

Ends with 0 and ``as it was``, or with an AssertionError. KIND is vfat, ext4, or casefold: ext4
whose folders take capitals as FAT does.
"""

# ruff: noqa: T201 - a program
from __future__ import annotations

import contextlib
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.chains import CHAINS, Chain
from tests.faults.pen import never
from tests.faults.trial import Silent, Trusting
from vfio_wizard.apply import journal
from vfio_wizard.apply.disk import FOLDER, Look, RootDisk
from vfio_wizard.apply.runner import Runner
from vfio_wizard.apply.transaction import Result, carry_out
from vfio_wizard.apply.undo import undo_last
from vfio_wizard.apply.work import STORE
from vfio_wizard.model.errors import WizardError

LABEL = b"system_u:object_r:boot_t:s0\0"
Seen = dict[str, tuple[Look, bytes]]
Action = Callable[[], object]


def mount(kind: str, image: Path, place: Path, size: int) -> None:
    """A new file system in a file."""
    with image.open("wb") as stream:
        stream.truncate(size)
    place.mkdir(parents=True, exist_ok=True)
    ext4 = ["mkfs.ext4", "-q", "-m", "0", "-b", "1024"]
    make = {"vfat": ["mkfs.vfat"], "ext4": ext4, "casefold": [*ext4, "-O", "casefold", "-E", "encoding=utf8"]}
    subprocess.run([*make[kind], str(image)], check=True, capture_output=True)
    options = "loop,umask=0077" if kind == "vfat" else "loop"
    subprocess.run(["mount", "-o", options, str(image), str(place)], check=True, capture_output=True)
    if kind == "casefold":
        (place / "lost+found").rmdir()
        subprocess.run(["chattr", "+F", str(place)], check=True, capture_output=True)
    assert place.is_mount()


def whole(root: Path, coarse: str = "") -> Seen:
    """Every file with all that is known of it, but for the program's own store.

    Below ``coarse`` times count to two seconds, as FAT keeps them, whatever a cache still knows.
    """
    disk = RootDisk(str(root))
    found: Seen = {}
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = os.path.relpath(Path(folder) / name, root)
            look = disk.look(path)
            if look is None or path.startswith((STORE, "proc", "sys", "boot/lost+found", "lost+found")):
                continue
            if look.kind == FOLDER:
                look = look._replace(size=0, mtime_ns=0)
            if coarse and path.startswith(coarse):
                look = look._replace(mtime_ns=look.mtime_ns // 2_000_000_000)
            found[path] = look, disk.read(path) if look.kind == "file" else b""
    return found


def differences(old: Seen, new: Seen) -> list[str]:
    """The paths that differ, with both sides."""
    paths = sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))
    return [f"{path}: {old.get(path)} / {new.get(path)}" for path in paths]


def timeless(seen: Seen) -> Seen:
    """Without the times, which a shell's cp need not keep to the nanosecond."""
    return {path: (look._replace(mtime_ns=0), content) for path, (look, content) in seen.items()}


class Trial:
    """A chain whose root, or a folder of it, lies on the file system."""

    def __init__(self, chain: Chain, folder: Path, kind: str, below: str, size: int = 8 << 20) -> None:
        self.chain = chain
        self.root = folder / "root"
        self.place = self.root / below
        self.root.mkdir()
        mount(kind, folder / "image", self.place, size)
        (self.root / "var/lib").mkdir(parents=True, exist_ok=True)
        self.work = chain.build(self.root)
        self.disk = RootDisk(str(self.root))
        self.before = self.look()

    def look(self) -> Seen:
        """All of it now."""
        return whole(self.root, os.path.relpath(self.place, self.root) if self.place != self.root else "")

    def apply(self, runner: Runner | None = None) -> Result:
        """The change."""
        able = runner or self.chain.runner(self.root, never)
        return carry_out(self.work, self.disk, able, Trusting(), Silent())

    def undo(self) -> None:
        """By the program."""
        undone = undo_last(self.disk, self.chain.runner(self.root, never), Silent())
        assert undone is not None
        assert undone.complete, undone

    def undo_by_shell(self) -> None:
        """By its script."""
        script = self.root / journal.numbers(self.disk)[-1][1] / "undo.sh"
        subprocess.run(["sh", str(script)], check=True, capture_output=True)

    def is_as_it_was(self, *, times: bool = True) -> None:
        """To the last byte and attribute."""
        old, new = self.before, self.look()
        odd = differences(old if times else timeless(old), new if times else timeless(new))
        assert odd == [], odd

    def fill(self, leave: int) -> Path:
        """Somebody else's file takes all the room but this much."""
        filler = self.place / "filler.bin"
        handle = os.open(filler, os.O_CREAT | os.O_WRONLY)
        with contextlib.suppress(OSError):
            while self.free() > leave:
                os.write(handle, os.urandom(min(1 << 16, self.free() - leave) or 1))
                os.fsync(handle)
        os.close(handle)
        return filler

    def free(self) -> int:
        """Bytes."""
        seen = os.statvfs(self.place)
        return seen.f_bavail * seen.f_frsize


class Filling:
    """The tools of a chain, and somebody who fills the file system when the first of them begins."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.runner = trial.chain.runner(trial.root, never)
        self.filler: Path | None = None

    def has(self, program: str) -> bool:
        return self.runner.has(program)

    def run(self, argv: tuple[str, ...], line: Callable[[str], None]) -> int:
        if self.filler is None and self.trial_writes(argv):
            self.filler = self.trial.fill(leave=0)
            return 1  # as a tool that ran out of space half-way
        return self.runner.run(argv, line)

    def trial_writes(self, argv: tuple[str, ...]) -> bool:
        """Whether this command writes on the file system that is to be full."""
        below = os.path.relpath(self.trial.place, self.trial.root)
        runs = [one for one in self.trial.work.runs if one.argv == argv]
        return any(made.startswith(below) for one in runs for made in one.makes)


# --- the trials --------------------------------------------------------------------------------------


def there_and_back(chain: Chain, kind: str, folder: Path, esp: str) -> None:
    """Files on it change, and are as they were, by the program and by its script."""
    trial = Trial(chain, folder, kind, esp)
    for back in (trial.undo, trial.undo_by_shell):
        result = trial.apply()
        assert result.failure is None, result
        there = trial.look()
        assert any(path.startswith(esp) for path in there if there[path] != trial.before.get(path))
        back()
        trial.is_as_it_was(times=back == trial.undo)
        if back == trial.undo_by_shell:
            trial.undo()


def full_before(chain: Chain, kind: str, folder: Path, esp: str) -> None:
    """It is refused before anything is written."""
    trial = Trial(chain, folder, kind, esp)
    trial.fill(leave=200 << 10)
    trial.before = trial.look()
    with pytest.raises(WizardError, match=r"too little room on the file system of .*; nothing was changed"):
        trial.apply()
    trial.is_as_it_was()
    assert journal.transactions(trial.disk) == ()


def full_meanwhile(chain: Chain, kind: str, folder: Path, esp: str) -> None:
    """Somebody takes the last byte while a tool runs: all is taken back on the full file system."""
    trial = Trial(chain, folder, kind, esp)
    tools = Filling(trial)
    result = trial.apply(tools)
    assert result.failure is not None
    assert tools.filler is not None, result
    assert trial.free() < 4096
    assert result.undone is not None
    assert result.undone.complete, result
    tools.filler.unlink()
    trial.is_as_it_was()


def other_case(chain: Chain, kind: str, folder: Path, esp: str) -> None:
    """The same names in capitals, as firmware and other systems write them."""
    trial = Trial(chain, folder, kind, esp)
    kept = {path: path.read_bytes() for path in trial.place.rglob("*") if path.is_file()}
    shutil.rmtree(trial.place / "EFI")
    for path, content in kept.items():
        capital = trial.place / str(path.relative_to(trial.place)).upper()
        capital.parent.mkdir(parents=True, exist_ok=True)
        capital.write_bytes(content)
    trial.before = trial.look()
    assert any("/EFI/LINUX/" in path for path in trial.before), sorted(trial.before)
    result = trial.apply()
    assert result.failure is None, result
    assert differences(trial.before, trial.look())
    trial.undo()
    trial.is_as_it_was()


def attributes(chain: Chain, kind: str, folder: Path, _: str) -> None:
    """Labels, ACLs, modes and owners of edited files stay, and come back with their files."""
    trial = Trial(chain, folder, kind, "", 64 << 20)
    edited = [one.path for one in trial.work.changes if one.path in trial.before]
    assert edited
    for path, (look, _content) in trial.before.items():
        if look.kind == "file":
            dressed(trial.root / path, own=path in edited)
    trial.before = trial.look()
    result = trial.apply()
    assert result.failure is None, result
    now = trial.look()
    for path in edited:
        old, new = trial.before[path][0], now[path][0]
        assert trial.before[path][1] != now[path][1]
        assert new._replace(size=0, mtime_ns=0) == old._replace(size=0, mtime_ns=0), path
        assert {"security.selinux", "system.posix_acl_access", "user.note"} <= {
            name for name, _ in new.xattrs
        }
    trial.undo()
    trial.is_as_it_was()


def dressed(place: Path, *, own: bool) -> None:
    """With a label; and the edited ones with all that a file can have."""
    os.setxattr(place, "security.selinux", LABEL)
    if own:
        os.chown(place, 0, 7)
        place.chmod(stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP)
        os.setxattr(place, "user.note", b"mine")
        subprocess.run(["setfacl", "-m", "u:1000:r,g:8:r", str(place)], check=True)


TRIALS: dict[str, Callable[[Chain, str, Path, str], None]] = {
    "there and back": there_and_back,
    "full before": full_before,
    "full meanwhile": full_meanwhile,
    "other case": other_case,
    "attributes": attributes,
}

ESPS = {"debian 13 systemd boot": "boot/efi", "arch unified": "efi", "fedora unified": "boot/efi"}


def main() -> None:
    """One trial."""
    trial, kind, name, folder = sys.argv[1:]
    chain = next(one for one in CHAINS if one.name == name)
    TRIALS[trial](chain, kind, Path(folder), ESPS.get(name, ""))
    print("as it was")


if __name__ == "__main__":
    main()
