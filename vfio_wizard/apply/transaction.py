"""Carrying a change out: keep, write, run, prove, stage by stage; and all taken back where one step fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from vfio_wizard.apply import journal as journals
from vfio_wizard.apply import room, script, state
from vfio_wizard.apply.disk import FOLDER, LINK, Disk, Look, RootDisk
from vfio_wizard.apply.journal import APPLIED, OPEN, Journal, JournalError, Transaction, hash_of
from vfio_wizard.apply.kept import ABSENT, state_of
from vfio_wizard.apply.locked import Locked, RefusedError
from vfio_wizard.apply.patterns import is_match, matching, settle
from vfio_wizard.apply.runner import Interrupted, Runner, SystemRunner
from vfio_wizard.apply.stop import Stop, listening
from vfio_wizard.apply.undo import Undone, take_back
from vfio_wizard.apply.words import system_words
from vfio_wizard.apply.work import Change, Json, Work, folder_of, temporary
from vfio_wizard.model.errors import WizardError
from vfio_wizard.model.plan import Run, Stage
from vfio_wizard.model.record import NamedTuple

STAGE_WORDS = {
    Stage.FILES: "configuration files",
    Stage.IMAGE: "initramfs images",
    Stage.LOADER: "the stored kernel command line",
    Stage.ENTRIES: "the boot loader's own files",
    Stage.AFTER: "what no boot depends on",
}


class Talk(Protocol):
    """Where a person is told what goes on."""

    def say(self, text: str) -> None:
        """A step begins or ended."""

    def line(self, text: str) -> None:
        """A line of output of a command."""


class Proof(Protocol):
    """What must hold before the next stage begins. Each gives the reasons why it does not."""

    def image(self) -> tuple[str, ...]:
        """The built images do what the plan needs, with the planned command line."""

    def entries(self) -> tuple[str, ...]:
        """The stored command line is the planned one, and the next boot binds."""

    def saved(self) -> Json:
        """What a later verification compares with; empty where there is nothing to verify."""


class Failure(NamedTuple):
    """What went wrong, in a sentence; and whether the user wished it."""

    text: str
    interrupted: bool = False


class Result(NamedTuple):
    """How it ended. Without ``failure`` the change is made."""

    number: int
    folder: str
    failure: Failure | None = None
    undone: Undone | None = None
    """What was taken back after a failure."""


def carry_out(work: Work, disk: RootDisk, runner: Runner, proof: Proof, talk: Talk) -> Result:
    """The whole change, or nothing of it.

    Raises RefusedError where nothing was begun. A failure after that is taken back before this returns.
    """
    journals.make_store(disk)
    stop = Stop()
    if isinstance(runner, SystemRunner):
        runner.stop = stop
    with Locked(disk, runner), listening(stop):
        return make(work, disk, runner, proof, talk, stop)


def make(  # noqa: PLR0917 - what a change needs, each of another kind
    work: Work, disk: Disk, runner: Runner, proof: Proof, talk: Talk, stop: Stop | None = None
) -> Result:
    """The same without the lock, and without listening to signals."""
    stop = stop or Stop()
    check(work, disk, runner)
    talk.say("keeping what is there now")
    journal = _begun(work, disk, stop)
    number = int(journal.folder.rpartition("/")[2])
    making = _Making(work, disk, runner=runner, proof=proof, talk=talk, journal=journal, stop=stop)
    failure = _guarded(making.stages)
    stop.is_deaf = True
    if failure is None:
        _refresh(disk, talk)
        return Result(number, journal.folder)
    talk.say(f"{failure.text}; everything is taken back")
    return Result(number, journal.folder, failure, _taken_back(disk, runner, journal, talk))


def _refresh(disk: Disk, talk: Talk) -> None:
    """The change is made; that its summary could not be written is said, and mended by the next run."""
    try:
        state.refresh(disk)
    except (OSError, JournalError) as error:
        talk.say(f"the summary for verify could not be written: {error}")


def _taken_back(disk: Disk, runner: Runner, journal: Journal, talk: Talk) -> Undone:
    try:
        return take_back(disk, runner, read_again(disk, journal), talk)
    except JournalError as error:
        return Undone(int(journal.folder.rpartition("/")[2]), problems=(str(error),))


def check(work: Work, disk: Disk, runner: Runner) -> None:
    """All that can be known beforehand. Raises RefusedError; nothing has been touched then."""
    try:
        _check(work, disk, runner)
    except OSError as error:
        message = f"what is there now cannot be read: {system_words(error)}; nothing was changed"
        raise RefusedError(message) from None


def _check(work: Work, disk: Disk, runner: Runner) -> None:
    journals.tidy(disk)
    left = [one for one in journals.transactions(disk) if one.status == OPEN]
    if left:
        message = (
            f"an earlier change ({left[-1].number}) was interrupted; take it back first: vfio-wizard undo"
        )
        raise RefusedError(message)
    missing = sorted({run.argv[0] for run in work.runs if not runner.has(run.argv[0])})
    if missing:
        message = f"not installed here, but needed for this change: {', '.join(missing)}"
        raise RefusedError(message)
    for change in work.changes:
        disk.trust(change.path)
        _refuse_changed(disk, change)
    for path in matching(disk, work.patterns):
        disk.trust(path)
    room.check(work, disk)


def _refuse_changed(disk: Disk, change: Change) -> None:
    now = state_of(disk, change.path)
    if now != change.before:
        message = f"/{change.path} changed since the plan was made; look at the plan again (vfio-wizard plan)"
        raise RefusedError(message)
    if now == FOLDER or now.startswith("link:"):
        message = f"/{change.path} is no regular file; it is not touched"
        raise RefusedError(message)


def _begun(work: Work, disk: Disk, stop: Stop) -> Journal:
    """What fails before the line ``begin`` has changed nothing, and leaves nothing behind."""
    try:
        return _prepared(work, disk, stop)
    except OSError as error:
        journals.tidy(disk)
        message = f"what is there now cannot be kept: {system_words(error)}; nothing was changed"
        raise RefusedError(message) from None
    except BaseException:
        journals.tidy(disk)
        raise


def _prepared(work: Work, disk: Disk, stop: Stop) -> Journal:
    """Everything kept and on the medium, undo.sh too; the line ``begin`` comes last."""
    paths = dict.fromkeys((*(one.path for one in work.changes), *matching(disk, work.patterns)))
    journal = journals.begin(disk, work, tuple(paths), _new_folders(disk, work))
    script.write(disk, work, read_again(disk, journal))
    stop.check()
    journal.note("begin")
    return journal


def _new_folders(disk: Disk, work: Work) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for change in work.changes:
        parts = folder_of(change.path).split("/")
        for depth in range(1, len(parts) + 1):
            folder = "/".join(parts[:depth])
            if folder and disk.look(folder) is None:
                found[folder] = None
    return tuple(found)


def _guarded(action: Callable[[], None]) -> Failure | None:
    """Whatever stops the change becomes a failure to be taken back, Ctrl-C included."""
    try:
        action()
    except KeyboardInterrupt:
        return Failure("interrupted", interrupted=True)
    except OSError as error:
        return Failure(f"the system refused a step: {system_words(error)}")
    except WizardError as error:
        return Failure(str(error))
    except Exception as error:
        return Failure(f"a bug in the program: {type(error).__name__}: {error}")
    return None


class _Making:
    """The stages of one change, in order."""

    def __init__(
        self,
        work: Work,
        disk: Disk,
        *,
        runner: Runner,
        proof: Proof,
        talk: Talk,
        journal: Journal,
        stop: Stop,
    ) -> None:
        self.work = work
        self.disk = disk
        self.runner = runner
        self.proof = proof
        self.talk = talk
        self.journal = journal
        self.stop = stop
        self.kept = {one.path: one.state for one in read_again(disk, journal).kept}
        self.written = {one.path: hash_of(one.content) for one in work.changes}

    def stages(self) -> None:
        """All of them; raises at the first step that fails."""
        for stage in Stage:
            self._stage(stage)
        number = int(self.journal.folder.rpartition("/")[2])
        saved = self.proof.saved()
        self.stop.check()
        self.journal.note(APPLIED, state={**saved, "transaction": number} if saved else {})

    def _stage(self, stage: Stage) -> None:
        changes = [one for one in self.work.changes if one.stage is stage]
        runs = [one for one in self.work.runs if one.stage is stage]
        if changes or runs:
            self.talk.say(STAGE_WORDS[stage])
        for change in changes:
            self.stop.check()
            self._write(change)
        for run in runs:
            self.stop.check()
            self._run(run)
        if stage is Stage.IMAGE and runs:
            self.talk.say("looking into the built images")
            _must_hold(self.proof.image())
        if stage is Stage.ENTRIES and self._concerns_boot:
            self.talk.say("reading again what the next boot will get")
            _must_hold(self.proof.entries())

    @property
    def _concerns_boot(self) -> bool:
        stages = {one.stage for one in self.work.changes} | {one.stage for one in self.work.runs}
        return any(stage <= Stage.ENTRIES for stage in stages)

    def _write(self, change: Change) -> None:
        """Temporary file, dressed like the one before, synced, renamed, folder synced."""
        self._make_room_for(change.path)
        wanted = hash_of(change.content)
        self.journal.note("write", path=change.path, sha256=wanted, stage=int(change.stage))
        new = temporary(change.path)
        before = self.disk.look(change.path)
        self.disk.create(new, change.content)
        self.disk.dress(new, before or _plain(self.disk, new, change.mode), times=False)
        self.disk.sync(new)
        self.disk.rename(new, change.path)
        self.disk.sync_folder(folder_of(change.path))
        if state_of(self.disk, change.path) != wanted:
            message = f"/{change.path} does not hold what was written to it"
            raise WizardError(message)
        self.journal.note("wrote", path=change.path)
        self.talk.say(f"wrote /{change.path}")

    def _make_room_for(self, path: str) -> None:
        parts = folder_of(path).split("/")
        for depth in range(1, len(parts) + 1):
            folder = "/".join(parts[:depth])
            if folder and self.disk.look(folder) is None:
                self.disk.make_folder(folder, 0o755)
                self.disk.sync_folder(folder_of(folder))

    def _run(self, run: Run) -> None:
        self.talk.say(f"running {run.shown}")
        self.journal.note("run", **journals.run_line(run))
        interrupted: Interrupted | None = None
        code = 0
        try:
            code = self.runner.run(run.argv, self.talk.line)
        except Interrupted as wish:
            interrupted = wish
        made = self._made()
        settle(self.disk, made)
        self.journal.note("ran", code=code, made=made)
        if interrupted is not None:
            raise interrupted
        if code:
            message = f"{run.shown} failed with exit code {code}"
            raise WizardError(message)

    def _made(self) -> dict[str, str]:
        """What the commands left so far: every file of theirs that is neither as kept nor as written."""
        patterns = self.work.patterns
        found = {path: state_of(self.disk, path) for path in matching(self.disk, patterns)}
        found |= {path: ABSENT for path in self.kept if path not in found and is_match(path, patterns)}
        return {path: value for path, value in found.items() if value not in self._known(path)}

    def _known(self, path: str) -> tuple[str | None, ...]:
        return self.kept.get(path, ABSENT), self.written.get(path)


def read_again(disk: Disk, journal: Journal) -> Transaction:
    """The change as its journal tells it."""
    return journals.read(disk, int(journal.folder.rpartition("/")[2]), journal.folder)


def _must_hold(reasons: tuple[str, ...]) -> None:
    if reasons:
        raise WizardError("; ".join(reasons))


def _plain(disk: Disk, path: str, mode: int) -> Look:
    """Of a file that was not there before: what the system gave it, with the wanted mode."""
    seen = disk.look(path)
    if seen is None or seen.kind == LINK:
        message = f"/{path} vanished while it was written"
        raise WizardError(message)
    return seen._replace(mode=mode)
