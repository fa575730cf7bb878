"""The command line: arguments in, exit code out. The only place where errors become messages.

Everything else is imported inside the chosen command, so that each pays for itself only.
"""

from __future__ import annotations

import errno
import gc
import os
import sys

from vfio_wizard.cli.exits import Exit
from vfio_wizard.cli.given import understood
from vfio_wizard.model.errors import WizardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

PROGRAM = "vfio-wizard"
_LONGEST = 1000
"""Characters of a message; some quote a key or a path, none needs more."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code. Never raises for bad input."""
    if argv is not None:
        return _run(list(argv))
    # A process of our own is over before garbage matters. Looking for it took 4 ms of the 65 of a check,
    # and tidying up at the end another 5. The wizard, which stays, switches it on again.
    gc.disable()
    code = _run(sys.argv[1:])
    gc.freeze()
    return code


def _run(words: list[str]) -> int:
    if None in (sys.stdin, sys.stdout, sys.stderr):
        from vfio_wizard.cli.streams import open_missing  # noqa: PLC0415 - hardly ever

        open_missing()
    try:
        code = understood(words).run()
    except WizardError as error:
        return _say(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _say("interrupted; nothing was left half-written", Exit.INTERRUPTED)
    except BrokenPipeError:
        _lose(sys.stdout)  # the reader (head, less) has seen enough
        return Exit.OK
    except Exception as error:
        if os.environ.get("VFIO_WIZARD_DEBUG"):
            raise
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            return _cut_off(error, Exit.BLOCKED)
        return _say(_bug(error), Exit.BLOCKED)
    return _flushed(int(code))


def _flushed(code: int) -> int:
    """What the command found out stays its exit code, whoever has read how much of it."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _lose(sys.stdout)
    except OSError as error:
        return _cut_off(error, code or Exit.BLOCKED)
    return code


def _cut_off(error: OSError, code: int) -> int:
    _lose(sys.stdout)
    return _say(f"not all of it could be written: {error.strerror}", code)


def _lose(stream: TextIO) -> None:
    from vfio_wizard.cli.streams import lose  # noqa: PLC0415 - hardly ever

    lose(stream)


def _bug(error: Exception) -> str:
    where = "set VFIO_WIZARD_DEBUG=1 to see where, and please report it"
    return f"this is a bug in the program: {type(error).__name__}: {error}; {where}"


def _say(message: str, code: int) -> int:
    from vfio_wizard.cli.streams import to_stderr, to_stdout  # noqa: PLC0415 - as above
    from vfio_wizard.report.clean import clean  # noqa: PLC0415 - only those who fail pay for it

    to_stdout("")
    shown = clean(message)
    if len(shown) > _LONGEST:  # it quotes what it was given, which may be a whole file
        shown = f"{shown[:_LONGEST]} … ({len(shown)} characters in all)"
    to_stderr(f"{PROGRAM}: {shown}\n")
    return int(code)
