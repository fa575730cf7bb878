"""What a guest was before it was changed: one file for each change, written before it is made."""

# ruff: noqa: PTH103, PTH111, PTH118, PTH208 - importing pathlib costs more than the file
from __future__ import annotations

import json
import os
import time

from vfio_wizard.model.errors import WizardError
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.system.files import write_whole

SYSTEM_FOLDER = "/var/lib/vfio-wizard/domains"

_SCHEMA = "vfio-wizard/domain-backup/1"
_LIMIT = 16 << 20


class Backup(NamedTuple):
    """One change of a guest."""

    name: str
    uri: str
    time: int
    """Seconds since 1970."""
    uuid: str | None
    """Of the guest that was there."""
    before: str | None
    """Its XML; None where there was no guest of this name."""
    after: str | None = None
    """As libvirt stored it; None while the change was not finished."""
    undone: bool = False
    number: int = 0
    """Its place among the changes of this guest."""


def folder() -> str:
    """root's changes are the machine's, everybody else's are their own; systemd's word is above both."""
    told = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if told:
        return os.path.join(told, "domains")
    if os.geteuid() == 0:
        return SYSTEM_FOLDER
    state = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local/state")
    return os.path.join(state, "vfio-wizard/domains")


def save(where: str, backup: Backup) -> Backup:
    """Write it, and give it its number. Raises WizardError where that is not possible."""
    place = os.path.join(where, file_name(backup.name))
    try:
        os.makedirs(place, mode=0o700, exist_ok=True)
        number = backup.number or max((one for one, _ in _numbers(place)), default=0) + 1
    except OSError as error:
        message = f"cannot keep the guest as it was, so it is not changed: {place}: {error.strerror}"
        raise WizardError(message) from None
    kept = backup._replace(number=number)
    text = json.dumps({"schema": _SCHEMA, **kept._asdict()}, sort_keys=True, indent=1) + "\n"
    write_whole(os.path.join(place, f"{number:06d}.json"), text.encode(), 0o600)
    return kept


def history(where: str, name: str) -> tuple[Backup, ...]:
    """The changes of a guest, oldest first. Raises WizardError for a file that cannot be understood."""
    place = os.path.join(where, file_name(name))
    try:
        return tuple(_read(os.path.join(place, entry)) for _, entry in sorted(_numbers(place)))
    except FileNotFoundError:
        return ()
    except OSError as error:
        message = f"cannot read what the guest was: {place}: {error.strerror}"
        raise WizardError(message) from None


def last(where: str, name: str, uri: str) -> Backup | None:
    """The newest change by this connection that was not taken back."""
    found = [one for one in history(where, name) if one.uri == uri and not one.undone]
    return found[-1] if found else None


def now() -> int:
    """The time of a change."""
    return int(time.time())


def file_name(name: str) -> str:
    """A folder's name for any guest's: nothing in it leads elsewhere."""
    return "".join(char if char.isalnum() and char.isascii() else _code(char) for char in name)[:200]


def _code(char: str) -> str:
    return (
        char if char in "_-" else "".join(f"%{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))
    )


def _numbers(place: str) -> list[tuple[int, str]]:
    names = [name for name in os.listdir(place) if name.endswith(".json") and name[:-5].isdigit()]
    return [(int(name[:-5]), name) for name in names]


def _read(path: str) -> Backup:
    with open(path, "rb") as stream:  # noqa: PTH123 - as above
        content = stream.read(_LIMIT)
    try:
        found = json.loads(content)
        if found.pop("schema") == _SCHEMA:
            return Backup(**found)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        pass
    message = f"{path} is no backup of this program; move it away to go on"
    raise WizardError(message)
