"""Taking a change back by its data: the old bytes, from wherever it stopped, as often as it takes.

A file that still holds what the change left gets its old bytes. A generated file that others have written
since (a kernel update) is made again by its own command instead, from the restored configuration. A
configuration file that others have edited since is a conflict, and nothing is done without ``force``.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Protocol

from vfio_wizard.apply import journal as journals
from vfio_wizard.apply import state
from vfio_wizard.apply.disk import LINK, Disk, UntrustedPathError
from vfio_wizard.apply.journal import APPLIED, OPEN, UNDONE, Journal, Transaction
from vfio_wizard.apply.kept import ABSENT, Kept, state_of
from vfio_wizard.apply.patterns import folders_matching, is_match, matching, settle
from vfio_wizard.apply.runner import Runner
from vfio_wizard.apply.stop import Stop, listening
from vfio_wizard.apply.words import system_words
from vfio_wizard.apply.work import folder_of, temporary
from vfio_wizard.model.plan import Run
from vfio_wizard.model.record import NamedTuple


class Talk(Protocol):
    """Where a person is told what goes on."""

    def say(self, text: str) -> None:
        """A step begins or ended."""

    def line(self, text: str) -> None:
        """A line of output of a command."""


class Conflict(NamedTuple):
    """A configuration file that no longer holds what was written."""

    path: str
    blob: str
    """The old content, relative to the transaction's folder; empty where there was no file."""


class Undone(NamedTuple):
    """What an undo did. It is complete without ``problems``."""

    number: int
    compared: int = 0
    """Files that were read again and are byte for byte as before the change."""
    remade: tuple[str, ...] = ()
    """Commands that were run, since others had changed what they generate."""
    by_hand: tuple[str, ...] = ()
    """Commands that must be run in the system, which was only mounted here."""
    problems: tuple[str, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    """Where not empty, nothing was done."""

    @property
    def complete(self) -> bool:
        """Everything is as it was."""
        return not self.problems and not self.conflicts


def last_change(disk: Disk) -> Transaction | None:
    """The change that an undo takes back: the newest that is in force or was interrupted."""
    found = [one for one in journals.transactions(disk) if one.status in (OPEN, APPLIED)]
    return found[-1] if found else None


def undo_last(disk: Disk, runner: Runner | None, talk: Talk, *, force: bool = False) -> Undone | None:
    """Undo the newest change; None where there is none. What an earlier undo could not tidy is tidied."""
    journals.tidy(disk)
    change = last_change(disk)
    if change is not None:
        return take_back(disk, runner, change, talk, force=force)
    try:
        state.refresh(disk)
    except OSError as error:
        return Undone(0, problems=(system_words(error),))
    return None


def take_back(
    disk: Disk, runner: Runner | None, transaction: Transaction, talk: Talk, *, force: bool = False
) -> Undone:
    """Undo one change. ``runner`` is None for a system that does not run: its commands are only named."""
    try:
        conflicts = () if force else find_conflicts(disk, transaction)
        if conflicts:
            return Undone(transaction.number, conflicts=conflicts)
        return _Undo(disk, runner, transaction, talk).done()
    except OSError as error:
        return Undone(transaction.number, problems=(system_words(error),))


def find_conflicts(disk: Disk, transaction: Transaction) -> tuple[Conflict, ...]:
    """Files that we wrote and others changed since."""
    kept = {one.path: one for one in transaction.kept}
    found = []
    for path in dict.fromkeys(one.path for one in transaction.wrote):
        now = state_of(disk, path)
        ours = {one.sha256 for one in transaction.wrote if one.path == path}
        if now in {*ours, kept[path].state, ABSENT, transaction.made.get(path)}:
            continue
        if any(is_match(path, run.makes) for run in transaction.interrupted):
            continue
        found.append(Conflict(path, kept[path].blob))
    return tuple(found)


class _Undo:
    """One walk back. Every step looks first, so that it may be repeated."""

    def __init__(self, disk: Disk, runner: Runner | None, change: Transaction, talk: Talk) -> None:
        self.disk = disk
        self.runner = runner
        self.change = change
        self.talk = talk
        self.journal = Journal(disk, change.folder)
        self.written = {one.path for one in change.wrote}
        self.kept = {one.path: one for one in change.kept}
        self.same_kernels = kernels_of(disk) == tuple(change.head.get("kernels", ()))
        self.foreign: list[str] = []
        self.problems: list[str] = []
        self.remade: list[str] = []
        self.by_hand: list[str] = []
        self.not_compared: set[str] = set()

    def done(self) -> Undone:
        self._try("room", lambda: self.disk.remove(f"{self.change.folder}/reserve"))
        self._sweep()
        for path in self._generated():
            self._try(path, partial(self._generated_file, path))
        for path in dict.fromkeys(one.path for one in reversed(self.change.wrote)):
            self._try(path, partial(self._restore, self.kept[path]))
        for folder in reversed(self.change.folders):
            self._try(folder, partial(self.disk.remove_folder, folder))
        self._empty_folders()
        for ran in reversed(self.change.ran):
            self._back_command(ran.run)
        for ran in self.change.ran:
            self._again(ran.run)
        compared = self._compare()
        self._close()
        return Undone(
            self.change.number, compared, tuple(self.remade), tuple(self.by_hand), tuple(self.problems)
        )

    def _try(self, what: str, step: Callable[[], object]) -> None:
        """One file that cannot be restored must not keep the others from it."""
        try:
            step()
        except OSError as error:
            self.problems.append(f"{what}: {system_words(error)}")
        except UntrustedPathError as error:
            self.problems.append(str(error))

    def _sweep(self) -> None:
        for path in (temporary(one.path) for one in self.change.kept):
            self._try(path, partial(self.disk.remove, path))

    def _generated(self) -> tuple[str, ...]:
        """What the commands may have written, the loader's files before the images they name."""
        there = matching(self.disk, self.change.patterns)
        kept = [path for path in self.kept if is_match(path, self.change.patterns)]
        paths = dict.fromkeys(path for path in (*kept, *there) if path not in self.written)
        return tuple(sorted(paths, key=lambda path: (-self._stage(path), path)))

    def _stage(self, path: str) -> int:
        """The last stage in which it may have been written."""
        return max((ran.run.stage for ran in self.change.ran if is_match(path, ran.run.makes)), default=0)

    def _generated_file(self, path: str) -> None:
        now = state_of(self.disk, path)
        kept = self.kept.get(path, Kept(path, None))
        if now == kept.state or self._is_ours(path, now):
            self._restore(kept)
        else:
            self.foreign.append(path)

    def _is_ours(self, path: str, now: str) -> bool:
        """What a command left that ended; or what one left that was cut off, if no kernel came or went."""
        if self.change.made.get(path) == now:
            return True
        cut_off = any(is_match(path, run.makes) for run in self.change.interrupted)
        return cut_off and self.same_kernels

    def _restore(self, kept: Kept) -> None:
        if kept.look is None:
            self._take_away(kept.path)
            return
        if state_of(self.disk, kept.path) != kept.state:
            self._put(kept)
        elif self.disk.look(kept.path) != kept.look:
            self.disk.dress(kept.path, kept.look, times=True)

    def _take_away(self, path: str) -> None:
        if self.disk.look(path) is not None:
            self.disk.remove(path)
            self.talk.say(f"removed /{path}")
        if self.disk.look(folder_of(path)) is not None:
            self.disk.sync_folder(folder_of(path))

    def _put(self, kept: Kept) -> None:
        try:
            self._copy(kept)
        except OSError as error:
            new = temporary(kept.path)
            self.disk.remove(new)
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            # No room for both: the new one goes first. A second undo still finds the old bytes in the store.
            self.journal.note("gone", path=kept.path)
            self.disk.remove(kept.path)
            self._copy(kept)
        self.talk.say(f"restored /{kept.path}")

    def _copy(self, kept: Kept) -> None:
        look = kept.look
        if look is None:
            return
        new = temporary(kept.path)
        self.disk.remove(new)
        if look.kind == LINK:
            self.disk.link(new, look.target)
        else:
            self.disk.copy(f"{self.change.folder}/{kept.blob}", new)
        self.disk.dress(new, look, times=True)
        if look.kind != LINK:
            self.disk.sync(new)
        self.disk.rename(new, kept.path)
        self.disk.sync_folder(folder_of(kept.path))

    def _empty_folders(self) -> None:
        """Folders that a command made for files that are gone again."""
        there = set(self.change.head.get("folders", ()))
        for folder in folders_matching(self.disk, self.change.patterns):
            if folder not in there and not self.disk.names(folder):
                self._try(folder, partial(self.disk.remove_folder, folder))

    # -- commands -----------------------------------------------------------------------------

    def _back_command(self, run: Run) -> None:
        """Its own way back, for what is not in files or what others have written since."""
        if not run.makes or self._touched(run):
            for argv in run.undo:
                if argv not in self.change.undid:
                    self._execute(run, argv, Run(argv, run.stage).shown)

    def _again(self, run: Run) -> None:
        """What others have generated since is generated once more, from the restored configuration."""
        if not run.undo and self._touched(run):
            self._execute(run, run.argv, run.shown)

    def _touched(self, run: Run) -> bool:
        touched = [path for path in self.foreign if is_match(path, run.makes)]
        self.not_compared.update(path for path in self.kept if touched and is_match(path, run.makes))
        return bool(touched)

    def _execute(self, run: Run, argv: tuple[str, ...], shown: str) -> None:
        if self.runner is None:
            self.by_hand.append(shown)
            return
        # Cut off in an earlier undo, it may have done its work: that there is none left is no failure then.
        was_cut_off = argv in self.change.undoing and argv in run.undo
        self._try(shown, lambda: self.journal.note("undoing", argv=list(argv)))
        self.talk.say(f"running {shown}")
        code = 0 if (told := self.runner.run(argv, self.talk.line)) and was_cut_off else told
        if code:
            self.problems.append(f"{shown} failed with exit code {code}")
        else:
            self.remade.append(shown)
        self._try(shown, lambda: settle(self.disk, matching(self.disk, run.makes)))
        self._try(shown, lambda: self.journal.note("undid", argv=list(argv), code=code))

    # -- the proof ----------------------------------------------------------------------------

    def _compare(self) -> int:
        compared = 0
        for kept in self.change.kept:
            if kept.path in self.not_compared or self._was_never_touched(kept.path):
                continue
            if state_of(self.disk, kept.path) == kept.state:
                compared += 1
            elif not any(kept.path in problem for problem in self.problems):
                self.problems.append(f"/{kept.path} is not as it was")
        return compared

    def _was_never_touched(self, path: str) -> bool:
        return path not in self.written and not is_match(path, self.change.patterns)

    def _close(self) -> None:
        if self.problems or self.by_hand:
            return
        self._try("the journal", lambda: self.journal.note(UNDONE))
        if self.problems:
            return
        self._try("the state", lambda: state.refresh(self.disk))
        self._try("the copies", lambda: journals.drop_blobs(self.disk, self.change.folder))


@contextmanager
def undisturbed() -> Iterator[None]:
    """Half an undo helps nobody: Ctrl-C and a closed terminal wait until it is over."""
    stop = Stop()
    stop.is_deaf = True
    with listening(stop):
        yield


def kernels_of(disk: Disk) -> tuple[str, ...]:
    """The releases that are installed, by their module folders and images in boot."""
    found: set[str] = set()
    for parent in ("lib/modules", "usr/lib/modules"):
        found.update(name for name in disk.names(parent) if name[:1].isdigit())
    found.update(name.removeprefix("vmlinuz-") for name in disk.names("boot") if name.startswith("vmlinuz-"))
    return tuple(sorted(found))
