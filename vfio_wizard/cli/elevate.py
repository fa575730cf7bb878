"""From an ordinary user to root: the plan goes into a private file, and the same program is called for it."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile

import vfio_wizard
from vfio_wizard.apply.runner import PATH
from vfio_wizard.cli.given import Given
from vfio_wizard.model.errors import WizardError

WAYS = ("sudo", "run0", "pkexec")
"""In this order: sudo is what people expect; the others ask in a window of their own where there is one."""

_KEPT = frozenset(
    ("TERM", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "SUDO_UID", "PKEXEC_UID", "VFIO_WIZARD_DEBUG")
)
_PASSED_ON = ("json", "unproven")


def as_root(text: str, given: Given) -> int:
    """Hand the plan over, wait, and give the exit code. Raises WizardError where there is no way."""
    way = next((found for name in WAYS if (found := shutil.which(name, path=PATH))), None)
    if way is None:
        message = (
            f"this needs root, and none of {', '.join(WAYS)} is installed: log in as root and run it there"
        )
        raise WizardError(message)
    folder = tempfile.mkdtemp(prefix="vfio-wizard-", dir=_private())
    path = f"{folder}/plan.json"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        sys.stdout.flush()
        return _call([way, *program(), "apply", "--plan", path, "--yes", *_options(given)])
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(folder)


def _private() -> str | None:
    """The user's own runtime directory, where there is one; else a private one below /tmp."""
    place = os.environ.get("XDG_RUNTIME_DIR", "")
    if place.startswith("/") and os.path.isdir(place) and os.access(place, os.W_OK):  # noqa: PTH112 - as system/
        return place
    return None


def program() -> list[str]:
    """This very program, without the caller's environment, working directory and user site."""
    place = vfio_wizard.__file__ or ""
    archive, is_inside, _ = place.partition(".pyz/")
    if is_inside:
        return [sys.executable, "-I", f"{archive}.pyz"]
    flags = ["-P", "-E"] if "/site-packages/" not in place or _is_user_site(place) else ["-I"]
    return [sys.executable, *flags, "-m", "vfio_wizard"]


def _is_user_site(place: str) -> bool:
    import site  # noqa: PLC0415 - only here

    return place.startswith(site.getusersitepackages())


def _options(given: Given) -> list[str]:
    return [f"--{name}" for name in _PASSED_ON if given.flag(name)]


def _call(argv: list[str]) -> int:
    """Wait for it, whatever happens: the side that changes the machine decides when to stop, and says how.

    Ctrl-C and a closed terminal reach it anyway; a signal to a program of root's may be refused.
    """
    import subprocess  # noqa: PLC0415 - as above

    from vfio_wizard.apply.stop import answered_by  # noqa: PLC0415 - only here

    children: list[subprocess.Popen[bytes]] = []

    def pass_on(number: int, _: object) -> None:
        with contextlib.suppress(OSError):
            for child in children:
                child.send_signal(number)

    with answered_by(pass_on):
        children.append(subprocess.Popen(argv))  # noqa: S603 - this program, by a program of the fixed PATH
        code = children[0].wait()
    return code if code >= 0 else 128 - code


def callers() -> tuple[int, ...]:
    """Who may own a plan file: root, and whoever called sudo, run0 or pkexec."""
    found = [0]
    for name in ("SUDO_UID", "PKEXEC_UID"):
        word = os.environ.get(name, "")
        if word.isascii() and word.isdigit():
            found.append(int(word))
    return tuple(found)


def clean_environment() -> None:
    """What a caller put into the environment must not steer what runs as root."""
    for name in list(os.environ):
        if name not in _KEPT:
            del os.environ[name]
    os.environ["PATH"] = PATH
    os.environ["HOME"] = "/root"
    os.umask(0o022)
