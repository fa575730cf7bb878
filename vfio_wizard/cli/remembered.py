"""Where the wizard was left: kept below XDG_STATE_HOME, one place per machine that was looked at."""

# ruff: noqa: PTH100, PTH103, PTH110, PTH111, PTH118, PTH123 - pathlib costs more than reading this
from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

from vfio_wizard.model.errors import WizardError
from vfio_wizard.model.selection import Selection
from vfio_wizard.model.unread import Unread

if TYPE_CHECKING:
    from vfio_wizard.model.applied import AppliedState
    from vfio_wizard.tui.survey import Memory

SCHEMA = "vfio-wizard/wizard/1"
_MOST = 1 << 16


def folder() -> str:
    """The program's own folder for what a user did; the answers file in it can be read and edited."""
    base = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return os.path.join(base, "vfio-wizard")


def stem(source: str | None) -> str:
    """Tells this machine and each record apart."""
    if source is None:
        return "this-machine"
    name = source if "://" in source or source == "-" else os.path.abspath(source)
    return f"record-{hashlib.sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:12]}"


def answers_path(source: str | None) -> str:
    """The answers so far, as every command takes them."""
    return os.path.join(folder(), f"{stem(source)}.toml")


def _state_path(source: str | None) -> str:
    return os.path.join(folder(), f"{stem(source)}.json")


def memory(source: str | None) -> Memory:
    """Step, theme and confirmation; a file that cannot be read is a first visit.

    While a change of this machine waits for its proof, the step is the one that proves it.
    """
    from vfio_wizard.tui.survey import Memory  # noqa: PLC0415 - with the wizard only

    found = _read(_state_path(source))
    change = change_in_force() if source is None else None
    waits = change is not None and change.transaction != _number(found, "proven")
    return Memory(
        step="after" if waits else _word(found, "step") or "look",
        confirmed=_word(found, "confirmed"),
        theme=_word(found, "theme"),
        proven=_number(found, "proven"),
    )


def _word(found: dict[str, Any], key: str) -> str:
    value = found.get(key)
    return value if isinstance(value, str) else ""


def _number(found: dict[str, Any], key: str) -> int:
    value = found.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _read(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as stream:
            found = json.loads(stream.read(_MOST))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) and found.get("schema") == SCHEMA else {}


def change_in_force() -> AppliedState | None:
    """The change that this program made on this machine; None where there is none, or it cannot be read."""
    from vfio_wizard.probe.applied import read_applied  # noqa: PLC0415 - with the wizard only
    from vfio_wizard.system.host import RootHost  # noqa: PLC0415

    state = read_applied(RootHost())
    return None if isinstance(state, Unread) else state


def was_restarted(change: AppliedState) -> bool:
    """Whether this is another boot than that in which the change was made."""
    from vfio_wizard.probe.applied import BOOT_ID  # noqa: PLC0415
    from vfio_wizard.system.host import RootHost  # noqa: PLC0415

    now = RootHost().text(BOOT_ID)
    return not isinstance(now, Unread) and now.strip() != (change.boot_id or "").strip()


def recall(source: str | None) -> Selection:
    """The answers as they were left. Raises UsageError for a file that somebody edited wrongly."""
    path = answers_path(source)
    if not os.path.exists(path):
        return Selection(())
    from vfio_wizard.cli.choice import answers  # noqa: PLC0415 - reads TOML

    return answers(path)


def keep(source: str | None, kept: Memory) -> None:
    """Write both files, each whole. Raises WizardError where that cannot be."""
    from vfio_wizard.planning.answers import print_answers  # noqa: PLC0415
    from vfio_wizard.system.files import write_whole  # noqa: PLC0415

    try:
        os.makedirs(folder(), mode=0o700, exist_ok=True)
    except OSError as error:
        message = f"your answers cannot be kept in {folder()}: {(error.strerror or str(error)).lower()}"
        raise WizardError(message) from None
    state = {
        "schema": SCHEMA,
        "step": kept.step,
        "confirmed": kept.confirmed,
        "theme": kept.theme,
        "proven": kept.proven,
    }
    write_whole(answers_path(source), print_answers(kept.selection).encode("utf-8"), 0o600)
    write_whole(_state_path(source), (json.dumps(state, sort_keys=True, indent=1) + "\n").encode(), 0o600)
