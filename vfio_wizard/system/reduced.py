"""The part of a file that a capture keeps, where most of it is nobody's business."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from vfio_wizard.system.people import People, is_person
from vfio_wizard.system.redact import Redactor

BINDING_MARKS = ("driver_override", "/unbind", "drivers_probe")
"""What stands in a unit or script that takes a function from one driver and gives it to another."""

_STATUS = ("Uid:", "Gid:", "Groups:", "CapEff:")
_MOUNTS = frozenset(
    ("/", "/boot", "/boot/efi", "/efi", "/home", "/nix", "/nix/store", "/usr", "/var", "/etc", "/sysroot")
)


def reduced(treatment: str, text: str, people: People, redactor: Redactor) -> str:
    """What is kept of a file by the name of its treatment; all of it for a name that is not here."""
    if treatment == "accounts":
        return _accounts(text, redactor)
    if treatment == "groups":
        return _groups(text, people, redactor)
    keep = _BY_LINE.get(treatment)
    return text if keep is None else _kept(map(keep, text.split("\n")))


def _kept(lines: Iterable[str | None]) -> str:
    return "\n".join(line for line in lines if line is not None)


def _accounts(text: str, redactor: Redactor) -> str:
    """Root and the people, by number and first group: nothing else of an account is needed."""
    rows = [line.split(":") for line in text.split("\n")]
    rows = [row for row in rows if len(row) > 3 and (row[2] == "0" or is_person(row[2]))]
    return _kept(f"{_user(row[0], row[2], redactor)}:x:{row[2]}:{row[3]}:::" for row in rows)


def _user(name: str, number: str, redactor: Redactor) -> str:
    return redactor.placeholder("USER", name) if is_person(number) else name


def _groups(text: str, people: People, redactor: Redactor) -> str:
    """All groups of the system with their members; those of people get placeholders."""
    rows = [line.split(":") for line in text.split("\n")]
    return _kept(_group(row, people, redactor) for row in rows if len(row) == 4)


def _group(row: list[str], people: People, redactor: Redactor) -> str:
    name, _, number, members = row
    if name in people.users:
        name = redactor.placeholder("USER", name)
    elif is_person(number):
        name = redactor.placeholder("GROUP", name)
    told = [
        one if _is_of_the_system(one, people) else redactor.placeholder("USER", one)
        for one in members.split(",")
    ]
    return f"{name}:x:{number}:{','.join(told)}"


def _is_of_the_system(name: str, people: People) -> bool:
    return not name or (name in people.accounts and name not in people.users)


def _route(line: str) -> str | None:
    """Default routes without the gateway's address; the other routes tell the network."""
    fields = line.split()
    if len(fields) >= 8 and fields[1] == fields[7] == "00000000":
        return "\t".join((fields[0], "00000000", "00000000", *fields[3:]))
    if len(fields) == 10 and fields[0].strip("0") == fields[1].strip("0") == "":
        return " ".join((*fields[:2], "0" * 32, "00", "0" * 32, *fields[5:]))
    return None


def _mount(line: str) -> str | None:
    """The file systems of the system itself; others tell what a user has and shares."""
    fields = line.split(" ")
    return line if len(fields) > 4 and fields[4] in _MOUNTS else None


def _status(line: str) -> str | None:
    return line if line.startswith(_STATUS) else None


def _module(line: str) -> str:
    """Without the address at which root sees the module."""
    return " ".join(line.split(" ")[:4])


def _region(line: str) -> str | None:
    """Without where this boot put the kernel."""
    return None if "Kernel " in line else line


def _record(line: str) -> str:
    """A record of the kernel log without its number and time, so that two captures can be compared."""
    head, semicolon, said = line.partition(";")
    return f"{head.partition(',')[0]},0,0,-;{said}" if semicolon else line


def _unit(line: str) -> str | None:
    """Which program a unit starts, without its arguments unless they bind something; no environment."""
    if line.startswith("Environment"):
        return None
    if not line.startswith("Exec") or any(mark in line for mark in BINDING_MARKS):
        return line
    key, _, value = line.partition("=")
    program, *arguments = value.split()[:2] or [""]
    script = " ".join(one for one in arguments if one.startswith("/"))  # of a shell
    return f"{key}={program} {script}".rstrip()


_BY_LINE: dict[str, Callable[[str], str | None]] = {
    "routes": _route,
    "status": _status,
    "mounts": _mount,
    "modules": _module,
    "iomem": _region,
    "log": _record,
    "units": _unit,
}
