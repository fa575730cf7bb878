"""What ``--host SOURCE`` names: this machine, a directory, a capture, text about a machine, ssh.

A source is looked at and never changed; whatever it is, only this machine is live.
"""

# ruff: noqa: PTH100, PTH112, PTH113, PTH118, PTH119, PTH202, PTH208 - pathlib costs more than a capture
from __future__ import annotations

import os
import stat as modes
import sys

from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.system.host import Host, RootHost

TOP_DIRECTORIES = ("sys", "proc", "etc")
"""One of these makes a directory the root of a machine; otherwise it is a folder of texts."""

FILE_LIMIT = 64 << 20
TEXT_LIMIT = 2 << 20
MOST_TEXTS = 64

_SSH = "ssh://"
_SSH_SECONDS = 120


class TextSource(NamedTuple):
    """Texts about one machine: (label, text), and the files of the folder that were passed over."""

    parts: tuple[tuple[str, str], ...]
    ignored: tuple[str, ...] = ()


def open_source(argument: str | None) -> Host | TextSource:
    """The host behind an argument; None is this machine. Raises UsageError in one line."""
    if argument is None:
        return RootHost()
    if argument == "-":
        return _from_text("standard input", _standard_input())
    if argument.startswith(_SSH):
        return _from_ssh(argument)
    if os.path.isdir(argument):
        return _directory(argument)
    return _from_text(argument, _file(argument))


def _from_ssh(argument: str) -> Host:
    source = _from_text(argument, _over_ssh(argument.removeprefix(_SSH)))
    if isinstance(source, TextSource):
        message = (
            f"{argument} answered with something that is no capture; is its vfio-wizard of this version?"
        )
        raise UsageError(message)
    return source


def _from_text(label: str, text: str) -> Host | TextSource:
    from vfio_wizard.system.capture import CaptureHost, looks_like_capture  # noqa: PLC0415 - only records need it

    if looks_like_capture(text):
        return CaptureHost.parse(text, label)
    if not text.strip():
        message = f"{label} is empty; --host takes a directory, a capture, a report or a listing"
        raise UsageError(message)
    return TextSource(((os.path.basename(label) or label, text),))


def _directory(path: str) -> Host | TextSource:
    if _is_root(path):
        return RootHost(os.path.abspath(path), is_record=True)
    texts, ignored = _texts(path)
    if not texts:
        message = f"{path} holds neither a root (sys/, proc/ or etc/) nor text files about a machine"
        raise UsageError(message + _hint(path, ignored))
    return TextSource(texts, ignored)


def _hint(path: str, names: tuple[str, ...]) -> str:
    """An unpacked archive often has the root one level deeper; a packed one is of no use."""
    for name in names:
        if _is_root(os.path.join(path, name)):
            return f"; {os.path.join(path, name)} does"
    packed = next((name for name in names if ".tar" in name or name.endswith((".tgz", ".zip"))), None)
    return f"; unpack {packed} first" if packed else ""


def _is_root(path: str) -> bool:
    return any(os.path.isdir(os.path.join(path, name)) for name in TOP_DIRECTORIES)


def _texts(path: str) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    texts: list[tuple[str, str]] = []
    ignored: list[str] = []
    for name in _names(path):
        place = os.path.join(path, name)
        if not os.path.isfile(place) or os.path.getsize(place) > TEXT_LIMIT or len(texts) >= MOST_TEXTS:
            ignored.append(name)
            continue
        text = _text_about_a_machine(place)
        if text is None:
            ignored.append(name)
        else:
            texts.append((name, text))
    return tuple(texts), tuple(ignored)


def _text_about_a_machine(place: str) -> str | None:
    """A text file; of those in JSON only reports, which have a ``hardware`` section."""
    try:
        text = _file(place, TEXT_LIMIT)
    except UsageError:
        return None
    is_json = text.lstrip()[:1] in ("{", "[") and place.endswith(".json")
    return None if not text.strip() or (is_json and '"hardware"' not in text) else text


def _names(path: str) -> list[str]:
    try:
        return sorted(os.listdir(path))
    except OSError as error:
        raise _unreadable(path, error) from None


def _file(path: str, limit: int = FILE_LIMIT) -> str:
    try:
        # O_NONBLOCK: opening a pipe that nobody writes to would wait for ever.
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as stream:
            if not modes.S_ISREG(os.fstat(stream.fileno()).st_mode):
                message = (
                    f"{path} is no regular file; --host takes a directory, a capture, a report or a listing"
                )
                raise UsageError(message)
            return _decoded(path, stream.read(limit + 1), limit)
    except OSError as error:
        raise _unreadable(path, error) from None


def read_text(path: str) -> str:
    """A text file that the user named, of at most 2 MiB. Raises UsageError in one line."""
    return _file(path, TEXT_LIMIT)


def _standard_input() -> str:
    return _decoded("standard input", sys.stdin.buffer.read(FILE_LIMIT + 1), FILE_LIMIT)


def _decoded(label: str, content: bytes, limit: int) -> str:
    if len(content) > limit:
        message = f"{label} is larger than {limit >> 20} MiB; no record of a machine is"
        raise UsageError(message)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "backslashreplace")  # what PowerShell and Notepad save
    if b"\0" in content:
        message = f"{label} is binary; --host takes a directory, a capture, a report or a listing"
        raise UsageError(message)
    return content.decode("utf-8-sig", "backslashreplace")


def _unreadable(path: str, error: OSError) -> UsageError:
    reason = (error.strerror or str(error)).lower()
    return UsageError(
        f"cannot read {path}: {reason}; --host takes a directory, a capture, a report or a listing"
    )


def _over_ssh(target: str) -> str:
    """The capture that the same program makes on the other machine."""
    import re  # noqa: PLC0415 - together with subprocess only where ssh is asked for
    import subprocess  # noqa: PLC0415

    if not re.fullmatch(r"(?:[A-Za-z0-9_][\w.-]*@)?[A-Za-z0-9_\[][\w.:\]-]*", target, re.ASCII):
        message = f"not a name for ssh: {target!r} (expected ssh://[user@]name)"
        raise UsageError(message)
    words = ["ssh", "-o", "BatchMode=yes", "--", target, "vfio-wizard", "capture", "-o", "-"]
    try:
        done = subprocess.run(  # noqa: S603 - the target was checked above and stands behind --
            words, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SSH_SECONDS, check=False
        )
    except FileNotFoundError:
        message = "ssh is not installed here; take a capture there (vfio-wizard capture -o FILE) and copy it"
        raise UsageError(message) from None
    except subprocess.TimeoutExpired:
        message = f"{target} did not answer within {_SSH_SECONDS} s"
        raise UsageError(message) from None
    if done.returncode:
        raise _ssh_failed(target, done.returncode, done.stderr.decode("utf-8", "backslashreplace"))
    return _decoded(f"the answer of {target}", done.stdout, FILE_LIMIT)


def _ssh_failed(target: str, code: int, complaint: str) -> UsageError:
    if code == 127:
        return UsageError(f"vfio-wizard is not installed on {target} (pipx install vfio-wizard there)")
    lines = complaint.strip().splitlines()
    return UsageError(f"ssh to {target} failed: {lines[-1] if lines else f'exit code {code}'}")
