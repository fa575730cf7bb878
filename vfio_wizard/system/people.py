"""The names of the people and of the machine, looked up so that they can be taken out of a capture."""

from __future__ import annotations

import os

from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Unread
from vfio_wizard.system.host import Host

FIRST_PERSON = 1000
"""The lowest user and group number of people (UID_MIN of login.defs everywhere)."""
_NOBODY = (65534, 65535)


class People(NamedTuple):
    """Accounts of people by name, and the names of all accounts."""

    users: frozenset[str]
    accounts: frozenset[str]


def people_of(host: Host) -> People:
    """From etc/passwd; on a live host also whom the environment names, who may be in no file."""
    text = host.text("etc/passwd")
    rows = [] if isinstance(text, Unread) else [line.split(":") for line in text.splitlines()]
    rows = [row for row in rows if len(row) > 3]
    users = {row[0] for row in rows if is_person(row[2])}
    if host.live:
        users |= {os.environ.get(name, "") for name in ("LOGNAME", "SUDO_USER", "USER")} - {"", "root"}
    return People(frozenset(users), frozenset(row[0] for row in rows))


def is_person(number: str) -> bool:
    """Whether a user or group number is one that people get."""
    return number.isdecimal() and int(number) >= FIRST_PERSON and int(number) not in _NOBODY


def hosts_of(host: Host) -> tuple[str, ...]:
    """What the machine calls itself."""
    texts = [host.text(path) for path in ("proc/sys/kernel/hostname", "etc/hostname")]
    names = [text.strip() for text in texts if isinstance(text, str)]
    if host.live:
        names.append(os.uname().nodename)
    return tuple(dict.fromkeys(name for name in names if name and "\n" not in name))
