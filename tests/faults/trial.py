"""One change of one machine, struck at one step, and what must be true afterwards."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.faults.chains import Chain
from tests.faults.faulty import Counter, FaultyDisk, Killer, Refuser
from tests.faults.pen import Strike, never
from vfio_wizard.apply import journal
from vfio_wizard.apply.runner import Runner
from vfio_wizard.apply.transaction import Result, make
from vfio_wizard.apply.undo import undo_last
from vfio_wizard.apply.work import STORE, Json, Work
from vfio_wizard.model.errors import WizardError

Snapshot = dict[str, tuple[str, str, int, int, int]]


class Silent:
    """Nobody listens."""

    def say(self, _text: str) -> None: ...

    def line(self, _text: str) -> None: ...


class Trusting:
    """Trials are about files; that proofs are asked for and heard has tests of its own."""

    def image(self) -> tuple[str, ...]:
        return ()

    def entries(self) -> tuple[str, ...]:
        return ()

    def saved(self) -> Json:
        return {"schema": "trial"}


class Fault(NamedTuple):
    """How and where it was struck: ``apply kill 17 rename etc/…``."""

    during: str
    kind: str
    at: int
    step: str


class Failure(NamedTuple):
    """A fault after which something was not as it must be."""

    chain: str
    fault: Fault
    what: str

    def __str__(self) -> str:
        fault = self.fault
        return f"{self.chain}: {fault.during}, {fault.kind} at {fault.at} ({fault.step}): {self.what}"


def snapshot(root: Path, *, times: bool = True) -> Snapshot:
    """Everything but the store of the program: kind, content, mode, owner, time."""
    found: Snapshot = {}
    for folder, folders, files in os.walk(root):
        here = os.path.relpath(folder, root)
        if here in (STORE, "proc", "sys"):
            folders.clear()
            continue
        for name in (*folders, *files):
            place = Path(folder) / name
            path = os.path.relpath(place, root)
            if path.startswith((STORE, "proc", "sys")):
                continue
            found[path] = _entry(place, times)
    return found


def _entry(place: Path, times: bool) -> tuple[str, str, int, int, int]:
    seen = place.lstat()
    if stat.S_ISLNK(seen.st_mode):
        return ("link", str(place.readlink()), 0, seen.st_uid, 0)
    if stat.S_ISDIR(seen.st_mode):
        return ("folder", "", stat.S_IMODE(seen.st_mode), seen.st_uid, 0)
    digest = hashlib.sha256(place.read_bytes()).hexdigest()
    return ("file", digest, stat.S_IMODE(seen.st_mode), seen.st_uid, seen.st_mtime_ns if times else 0)


def difference(old: Snapshot, new: Snapshot) -> str:
    """The first paths that differ, or nothing."""
    paths = [path for path in sorted(old.keys() | new.keys()) if old.get(path) != new.get(path)]
    return ", ".join(f"{path} ({_how(old.get(path), new.get(path))})" for path in paths[:4])


def _how(old: tuple[str, str, int, int, int] | None, new: tuple[str, str, int, int, int] | None) -> str:
    if old is None or new is None:
        return "left behind" if old is None else "lost"
    names = ("kind", "content", "mode", "owner", "time")
    return ", ".join(name for name, one, other in zip(names, old, new, strict=True) if one != other)


class Bench:
    """A chain and a folder in which its machine is made anew for each trial."""

    def __init__(self, chain: Chain, folder: Path) -> None:
        self.chain = chain
        self.template = folder / "template"
        self.root = folder / "root"
        self.template.mkdir(parents=True)
        (self.template / "var/lib").mkdir(parents=True)
        self.work = chain.build(self.template)
        self.fresh()
        self.old = snapshot(self.root)

    def fresh(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(self.template, self.root, symlinks=True, ignore=shutil.ignore_patterns("sys", "proc"))

    # -- the two things that are struck ---------------------------------------------------------

    def apply(self, strike: Strike = never) -> Result:
        disk = FaultyDisk(str(self.root), strike)
        return make(self._work(), disk, self._runner(strike), Trusting(), Silent())

    def undo(self, strike: Strike = never, *, force: bool = False) -> bool:
        """Whether everything is as it was; True as well where there is nothing to undo."""
        disk = FaultyDisk(str(self.root), strike)
        undone = undo_last(disk, self._runner(strike), Silent(), force=force)
        return undone is None or undone.complete

    def undo_by_shell(self, shell: tuple[str, ...]) -> None:
        for _, folder in journal.numbers(FaultyDisk(str(self.root), never)):
            script = self.root / folder / "undo.sh"
            if script.is_file() and script.read_bytes().endswith(b"exit 0\n"):
                subprocess.run((*shell, str(script)), check=True, capture_output=True)

    def _work(self) -> Work:
        return self.work

    def _runner(self, strike: Strike) -> Runner:
        return self.chain.runner(self.root, strike)

    # -- counting -------------------------------------------------------------------------------

    def steps_of_apply(self) -> list[str]:
        self.fresh()
        counter = Counter()
        result = self.apply(counter)
        assert result.failure is None, result.failure
        self.new = snapshot(self.root)
        return counter.steps

    def steps_of_undo(self) -> list[str]:
        self.fresh()
        self.apply()
        counter = Counter()
        assert self.undo(counter)
        return counter.steps

    # -- trials ---------------------------------------------------------------------------------

    def failures(self, fault: Fault) -> str:
        """What is wrong after this fault; empty when all is well."""
        self.fresh()
        if fault.during == "undo":
            self.apply()
        action = self.apply if fault.during == "apply" else self.undo
        if fault.kind.startswith("kill"):
            killed(lambda: action(Killer(fault.at)))
        else:
            number = errno.ENOSPC if "full" in fault.kind else errno.EIO
            wrong = self._refused(action, Refuser(fault.at, number, lasting="lasting" in fault.kind))
            if wrong:
                return wrong
        return self._afterwards(fault)

    def _refused(self, action: Callable[[Strike], object], strike: Strike) -> str:
        """A refusal of the system must come back as a result or as a message, never as a traceback."""
        try:
            action(strike)
        except WizardError:
            return ""
        except OSError as error:
            return f"escaped: {error}"
        return ""

    def _afterwards(self, fault: Fault) -> str:
        if fault.kind == "kill, then undo.sh":
            self.undo_by_shell(("dash",))
            return difference(_timeless(self.old), snapshot(self.root, times=False))
        if fault.kind == "kill, then busybox":
            self.undo_by_shell(("busybox", "sh"))
            return difference(_timeless(self.old), snapshot(self.root, times=False))
        if not self.undo():
            return "undo is not complete"
        if not self.undo():
            return "a second undo complains"
        if (self.root / STORE / "state.json").exists():
            return "state.json still tells of a change"
        return difference(self.old, snapshot(self.root))


def _timeless(seen: Snapshot) -> Snapshot:
    return {path: (*entry[:4], 0) for path, entry in seen.items()}


def killed(action: Callable[[], object]) -> None:
    """In a process of its own, which ends without any handler."""
    child = os.fork()
    if child == 0:
        try:
            action()
        finally:
            os._exit(0)
    os.waitpid(child, 0)


KINDS = ("kill", "full", "full, lasting", "error", "error, lasting")
SHELLS = ("kill, then undo.sh", "kill, then busybox")


def faults(bench: Bench, *, shells: bool = True) -> list[Fault]:
    """Every step of an apply and of an undo, by every kind of fault."""
    found = []
    for during, steps in (("apply", bench.steps_of_apply()), ("undo", bench.steps_of_undo())):
        kinds = (*KINDS, *SHELLS) if shells and during == "apply" else KINDS
        for at, step in enumerate(steps):
            for kind in kinds:
                if kind.startswith("full") and step.split()[0] in ("read", "digest"):
                    continue  # a full disk can be read
                found.append(Fault(during, kind, at, step))
    return found
