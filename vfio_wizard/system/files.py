"""Writing a file so that a reader sees the old one or the new one, never half of either."""

# ruff: noqa: PTH104, PTH108, PTH116, PTH120 - importing pathlib costs more than writing a file
from __future__ import annotations

import os
import stat as modes

from vfio_wizard.model.errors import WizardError


def write_whole(path: str, content: bytes, mode: int = 0o644) -> None:
    """Put ``content`` at ``path``: a temporary file beside it, synced, then renamed over it.

    A link at ``path`` is followed first, so that the file is replaced and not the link. What is no file
    (``/dev/null``, a pipe) is written to as it is: root must not put a file in the place of a device.
    Raises WizardError with the system's reason; nothing is left behind then.
    """
    target = os.path.realpath(path)
    temporary = f"{target}.{os.getpid()}.new"
    try:
        if _is_device(target):
            _pour(target, content)
            return
        _write(temporary, content, mode)
        os.rename(temporary, target)
        _sync_directory(os.path.dirname(target))
    except OSError as error:
        _forget(temporary)
        message = (
            f"cannot write {path}: {(error.strerror or str(error)).lower()}; choose another place with -o"
        )
        raise WizardError(message) from None
    except BaseException:
        _forget(temporary)
        raise


def _is_device(path: str) -> bool:
    try:
        kind = modes.S_IFMT(os.stat(path).st_mode)
    except OSError:
        return False
    return kind not in (modes.S_IFREG, modes.S_IFDIR)


def _pour(path: str, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOCTTY)
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)


def _write(path: str, content: bytes, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _sync_directory(path: str) -> None:
    handle = os.open(path or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _forget(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
