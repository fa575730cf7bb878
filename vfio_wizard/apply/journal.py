"""The journal: what was kept, what was about to be done, and what was done, each line synced before its step.

One JSON object a line. A last line that is torn was never acted upon, and is not there.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from vfio_wizard.apply.disk import FILE, FOLDER, Disk
from vfio_wizard.apply.kept import ABSENT, Kept, from_json, to_json
from vfio_wizard.apply.patterns import folders_matching
from vfio_wizard.apply.words import system_words
from vfio_wizard.apply.work import STORE, TRANSACTIONS, Work, temporary
from vfio_wizard.model.errors import WizardError
from vfio_wizard.model.plan import Run, Stage
from vfio_wizard.model.record import NamedTuple

SCHEMA = "vfio-wizard/journal/1"

Json = dict[str, Any]

VOID, OPEN, APPLIED, UNDONE = "void", "open", "applied", "undone"
"""Nothing changed yet; changed in part; complete; taken back."""


_TORN = '{"step": "torn"}'
"""Behind what is left of a line that did not get to the disk as a whole."""

_RESERVE = 1 << 16
"""Bytes that an undo can free first, so that a full disk does not keep it from writing its own lines."""


class JournalError(WizardError):
    """A journal that cannot be used."""

    exit_code = 4


class Wrote(NamedTuple):
    """A file of ours: where, the hash of what we put there, and its first bytes for a torn one."""

    path: str
    sha256: str
    stage: Stage


class Ran(NamedTuple):
    """A command that was begun; ``code`` is None where it did not come to its end."""

    run: Run
    code: int | None


class Transaction(NamedTuple):
    """One change as its journal tells it."""

    number: int
    folder: str
    status: str
    head: Json
    kept: tuple[Kept, ...]
    folders: tuple[str, ...]
    """Folders that the change makes, outermost first."""
    wrote: tuple[Wrote, ...]
    ran: tuple[Ran, ...]
    made: dict[str, str]
    """The state of each file that the commands left, as far as they came to an end."""
    undoing: tuple[tuple[str, ...], ...]
    """Commands of an undo that were begun, and of which it is not known how they ended."""
    undid: tuple[tuple[str, ...], ...]
    """Commands of an undo that did their work."""
    state: Json | None
    """What is told the world about an applied change."""
    torn: dict[str, str]
    """Hashes of new contents by path, of files whose writing was begun and not ended."""

    @property
    def interrupted(self) -> tuple[Run, ...]:
        """The commands that did not come to their end."""
        return tuple(one.run for one in self.ran if one.code is None)

    @property
    def patterns(self) -> tuple[str, ...]:
        """All that the commands that were begun may have written."""
        return tuple(dict.fromkeys(one for ran in self.ran for one in ran.run.makes))


class Journal:
    """The journal of the change that is being made."""

    def __init__(self, disk: Disk, folder: str) -> None:
        """``folder`` holds or will hold ``journal.jsonl``."""
        self.disk = disk
        self.folder = folder
        self.path = f"{folder}/journal.jsonl"

    def note(self, step: str, **values: Any) -> None:
        """One line, on the medium before this returns."""
        line = json.dumps({"step": step, **values}, sort_keys=True) + "\n"
        if not self.disk.read(self.path).endswith(b"\n"):
            line = f"\n{_TORN}\n{line}"  # what a full disk left of a line before this one
        self.disk.append(self.path, line.encode())
        self.disk.sync(self.path)


def begin(disk: Disk, work: Work, kept: tuple[str, ...], folders: tuple[str, ...]) -> Journal:
    """Keep every file that may change. Until the line ``begin`` is written, nothing has changed."""
    journal = _new(disk)
    head = {
        "schema": SCHEMA,
        "kernels": list(work.kernels),
        "folders": list(folders_matching(disk, work.patterns)),
        **work.about,
    }
    disk.create(journal.path, (json.dumps({"step": "head", **head}, sort_keys=True) + "\n").encode())
    disk.make_folder(f"{journal.folder}/blobs", 0o700)
    disk.create(f"{journal.folder}/reserve", b"\0" * _RESERVE)
    lines = [to_json(_keep(disk, journal.folder, path, at)) for at, path in enumerate(kept)]
    lines += [{"step": "folder", "path": path} for path in folders]
    disk.append(journal.path, "".join(json.dumps(line, sort_keys=True) + "\n" for line in lines).encode())
    disk.sync(journal.path)
    for folder in (f"{journal.folder}/blobs", journal.folder, TRANSACTIONS):
        disk.sync_folder(folder)
    return journal


def _new(disk: Disk) -> Journal:
    make_store(disk)
    number = max((one for one, _ in numbers(disk)), default=0) + 1
    folder = f"{TRANSACTIONS}/{number:04d}"
    disk.make_folder(folder, 0o700)
    return Journal(disk, folder)


def make_store(disk: Disk) -> None:
    """The folders that outlive a change."""
    at = ""
    for part in STORE.split("/"):
        at = f"{at}/{part}" if at else part
        if disk.look(at) is None:
            disk.make_folder(at, 0o755)
            disk.sync_folder(at.rpartition("/")[0])
    if disk.look(TRANSACTIONS) is None:
        disk.make_folder(TRANSACTIONS, 0o700)
        disk.sync_folder(STORE)


def _keep(disk: Disk, folder: str, path: str, at: int) -> Kept:
    look = disk.look(path)
    if look is None or look.kind != FILE:
        return Kept(path, look)
    blob = f"blobs/{at:04d}"
    place = f"{folder}/{blob}"
    disk.copy(path, place)
    copied = disk.look(place)
    if copied is not None:  # its time goes with it, for cp -p of undo.sh
        disk.dress(place, copied._replace(mtime_ns=look.mtime_ns), times=True)
    disk.sync(place)
    kept = Kept(path, look, disk.digest(place), blob)
    if kept.sha256 != disk.digest(path):
        message = f"/{path} changes while it is being copied: something else is at work on it; try again"
        raise WizardError(message)
    return kept


# -- reading --------------------------------------------------------------------------------------


def numbers(disk: Disk) -> tuple[tuple[int, str], ...]:
    """The numbers of all transactions with their folders, in order."""
    names = [name for name in disk.names(TRANSACTIONS) if name.isascii() and name.isdigit()]
    return tuple(sorted((int(name), f"{TRANSACTIONS}/{name}") for name in names))


def transactions(disk: Disk) -> tuple[Transaction, ...]:
    """All that are on this disk, oldest first."""
    return tuple(read(disk, number, folder) for number, folder in numbers(disk))


def read(disk: Disk, number: int, folder: str) -> Transaction:
    """One transaction. Raises JournalError for a journal that this version cannot read."""
    path = f"{folder}/journal.jsonl"
    lines = _lines(path, _content(disk, path))
    head = lines[0] if lines else {}
    if lines and head.get("schema") != SCHEMA:
        message = (
            f"/{path} was written by another version of the program (schema {head.get('schema')!r}): "
            f"use that one, or run sh /{folder}/undo.sh"
        )
        raise JournalError(message)
    try:
        return _transaction(number, folder, head, lines)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        message = f"/{path} is damaged ({type(error).__name__}: {error}); run sh /{folder}/undo.sh"
        raise JournalError(message) from None


def _content(disk: Disk, path: str) -> bytes:
    try:
        return disk.read(path) if disk.look(path) else b""
    except OSError as error:
        message = f"/{path} cannot be read: {system_words(error)}; run sh /{path.rpartition('/')[0]}/undo.sh"
        raise JournalError(message) from None


def _lines(path: str, content: bytes) -> list[Json]:
    """Every whole line. A torn one was never acted upon; any other damage is an error."""
    found: list[Json] = []
    damaged = 0
    for at, line in enumerate(content.split(b"\n")):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            damaged = damaged or (at + 1 if line else 0)
            continue
        if value == {"step": "torn"}:
            damaged = 0
            continue
        damaged = damaged or (0 if isinstance(value, dict) else at + 1)
        if damaged:
            message = f"/{path} is damaged in line {damaged}; run sh /{path.rpartition('/')[0]}/undo.sh"
            raise JournalError(message)
        found.append(value)
    return found


def _transaction(number: int, folder: str, head: Json, lines: list[Json]) -> Transaction:
    found = Transaction(number, folder, _status(lines), head, (), (), (), (), {}, (), (), None, {})
    for line in lines:
        found = _with(found, line)
    return found


def _with(found: Transaction, line: Json) -> Transaction:  # noqa: C901, PLR0911 - one arm for each kind of line
    match line["step"]:
        case "keep":
            return found._replace(kept=(*found.kept, from_json(line)))
        case "folder":
            return found._replace(folders=(*found.folders, line["path"]))
        case "write":
            wrote = Wrote(line["path"], line["sha256"], Stage(line["stage"]))
            torn = {**found.torn, wrote.path: wrote.sha256}
            return found._replace(wrote=(*found.wrote, wrote), torn=torn)
        case "wrote":
            left = {path: value for path, value in found.torn.items() if path != line["path"]}
            return found._replace(torn=left)
        case "run":
            return found._replace(ran=(*found.ran, Ran(run_from(line), None)))
        case "ran":
            ended = found.ran[-1]._replace(code=int(line["code"]))
            return found._replace(ran=(*found.ran[:-1], ended), made={**found.made, **line["made"]})
        case "gone":
            return found._replace(made={**found.made, line["path"]: ABSENT})
        case "undoing":
            return found._replace(undoing=(*found.undoing, tuple(line["argv"])))
        case "undid":
            argv = tuple(line["argv"])
            others = tuple(one for one in found.undoing if one != argv)
            done = (argv,) if line["code"] == 0 else ()
            return found._replace(undoing=others, undid=(*found.undid, *done))
        case "applied":
            return found._replace(state=line["state"])
    return found


def _status(lines: list[Json]) -> str:
    steps = {line["step"] for line in lines}
    for step, status in (("undone", UNDONE), ("applied", APPLIED), ("begin", OPEN)):
        if step in steps:
            return status
    return VOID


def run_line(run: Run) -> Json:
    """A command for the journal."""
    return {
        "argv": list(run.argv),
        "stage": int(run.stage),
        "makes": list(run.makes),
        "undo": [list(one) for one in run.undo],
    }


def run_from(line: Json) -> Run:
    """A command from the journal."""
    undo = tuple(tuple(map(str, words)) for words in line["undo"])
    return Run(tuple(map(str, line["argv"])), Stage(line["stage"]), tuple(line["makes"]), undo)


def hash_of(content: bytes) -> str:
    """SHA-256, as everywhere in the journal."""
    return hashlib.sha256(content).hexdigest()


def tidy(disk: Disk) -> None:
    """Take away what a change left that was never begun, and copies for one that was taken back.

    Where that is refused, the next run tries again.
    """
    try:
        for one in transactions(disk):
            if one.status == VOID:
                forget(disk, one.folder)
            elif one.status == UNDONE:
                drop_blobs(disk, one.folder)
    except (OSError, JournalError):
        return


def drop_blobs(disk: Disk, folder: str) -> None:
    """The old contents are where they belong again: they need no second room."""
    for name in disk.names(f"{folder}/blobs"):
        disk.remove(f"{folder}/blobs/{name}")


def forget(disk: Disk, folder: str) -> None:
    """Take the folder of a change away that was never begun."""
    for part in (f"{folder}/blobs", folder):
        for name in disk.names(part):
            look = disk.look(f"{part}/{name}")
            if look is not None and look.kind != FOLDER:
                disk.remove(f"{part}/{name}")
        disk.remove_folder(part)


def replace(disk: Disk, path: str, content: bytes, mode: int) -> None:
    """A small file of our own store, whole or as before."""
    new = temporary(path)
    disk.remove(new)
    disk.create(new, content)
    look = disk.look(new)
    if look is not None:
        disk.dress(new, look._replace(mode=mode), times=False)
    disk.sync(new)
    disk.rename(new, path)
    disk.sync_folder(path.rpartition("/")[0])
