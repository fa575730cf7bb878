"""``undo``: the last change taken back byte for byte, and proven by reading again."""

from __future__ import annotations

import difflib
import os

from vfio_wizard.apply.disk import RootDisk
from vfio_wizard.apply.journal import Transaction, make_store, transactions
from vfio_wizard.apply.locked import Locked
from vfio_wizard.apply.runner import SystemRunner
from vfio_wizard.apply.undo import Conflict, Undone, last_change, undisturbed, undo_last
from vfio_wizard.apply.work import TRANSACTIONS
from vfio_wizard.cli.exits import Exit
from vfio_wizard.cli.given import Given
from vfio_wizard.cli.look import json_text
from vfio_wizard.cli.streams import to_stderr, to_stdout
from vfio_wizard.cli.talk import Talk
from vfio_wizard.model.errors import UsageError, WizardError
from vfio_wizard.report.clean import clean

SCHEMA = "vfio-wizard/undo/1"


def run(given: Given) -> int:
    """Take the newest change back. 0 also when there is nothing to undo, 1 for a conflict, 4 for the rest."""
    root = given.text("root") or "/"
    if not os.path.isdir(root):  # noqa: PTH112 - pathlib costs more than this question
        message = f"--root: {root} is no directory"
        raise UsageError(message)
    disk = RootDisk(root)
    if os.geteuid() != 0:
        message = "undo needs root: sudo vfio-wizard undo"
        raise WizardError(message)
    if disk.look(TRANSACTIONS) is None:
        return _nothing(given)
    make_store(disk)
    live = os.path.realpath(root) == "/"
    runner = SystemRunner() if live else None
    with Locked(disk, runner):
        transaction = last_change(disk)
        talk = Talk()
        with undisturbed():
            undone = undo_last(disk, runner, talk, force=given.flag("force"))
        talk.end()
    if transaction is None or undone is None:
        return _nothing(given)
    return _told(given, disk, transaction, undone)


def _nothing(given: Given) -> int:
    if given.flag("json"):
        to_stdout(json_text(_document(None, None, "nothing-to-undo")))
    else:
        to_stdout("nothing to undo: no change of this program is in force here\n")
    return Exit.OK


def _told(given: Given, disk: RootDisk, transaction: Transaction, undone: Undone) -> int:
    for conflict in undone.conflicts:
        _show(disk, transaction, conflict)
    for one in undone.problems:
        to_stderr(f"{clean(one)}\n")
    outcome, code = _outcome(undone)
    if given.flag("json"):
        to_stdout(json_text(_document(transaction, undone, outcome)))
    else:
        to_stdout(_words(disk, transaction, undone, outcome))
    return code


def _outcome(undone: Undone) -> tuple[str, Exit]:
    if undone.conflicts:
        return "conflict", Exit.BLOCKED
    if undone.problems:
        return "partial", Exit.PARTIAL
    return ("by-hand" if undone.by_hand else "undone"), Exit.OK


def _words(disk: RootDisk, transaction: Transaction, undone: Undone, outcome: str) -> str:
    if outcome == "conflict":
        return "nothing was changed: with --force the old content goes over these edits\n"
    if outcome == "partial":
        return f"not everything could be taken back; try again, or sh /{transaction.folder}/undo.sh\n"
    lines = [f"change {undone.number} is taken back: {undone.compared} files are byte for byte as before"]
    if undone.remade:
        lines.append(f"ran, for what others had changed since or no file holds: {'; '.join(undone.remade)}")
    if undone.by_hand:
        lines.append("left to do in the installed system (boot it or chroot), then undo once more there:")
        lines += [f"  {clean(one)}" for one in undone.by_hand]
    left = [
        one for one in transactions(disk) if one.status in ("open", "applied") and one.number != undone.number
    ]
    if left:
        lines.append(f"change {left[-1].number} is still in force; undo once more takes it back too")
    else:
        lines.append("reboot, and the host has its devices again")
    return "\n".join(lines) + "\n"


def _show(disk: RootDisk, transaction: Transaction, conflict: Conflict) -> None:
    """The difference between the content before the change and what somebody has made of it."""
    now = disk.read(conflict.path).decode("utf-8", "backslashreplace").splitlines()
    old: list[str] = []
    if conflict.blob:
        old = (
            disk.read(f"{transaction.folder}/{conflict.blob}")
            .decode("utf-8", "backslashreplace")
            .splitlines()
        )
    to_stderr(f"/{clean(conflict.path)} was edited after the change; what undo would do to it:\n")
    for line in difflib.unified_diff(now, old, "now", "before the change", n=2, lineterm=""):
        to_stderr(f"  {clean(line)}\n")


def _document(transaction: Transaction | None, undone: Undone | None, outcome: str) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "outcome": outcome,
        "transaction": transaction.number if transaction else None,
        "compared": undone.compared if undone else 0,
        "commands": list(undone.remade) if undone else [],
        "by_hand": list(undone.by_hand) if undone else [],
        "problems": list(undone.problems) if undone else [],
        "conflicts": [f"/{one.path}" for one in undone.conflicts] if undone else [],
    }
