"""The command line: arguments in, exit code out. The only place where errors become messages.

Everything but argparse is imported inside the chosen command, so that each pays for itself only.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from vfio_wizard.cli.arguments import parse
from vfio_wizard.cli.exits import Exit
from vfio_wizard.model.errors import WizardError

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
    try:
        command = parse(words)
        code = command.run()
        sys.stdout.flush()
    except WizardError as error:
        return _say(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _say("interrupted; nothing was left half-written", Exit.INTERRUPTED)
    except BrokenPipeError:
        # The reader (head, less) has seen enough. Python would complain again while closing stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except Exception as error:
        if os.environ.get("VFIO_WIZARD_DEBUG"):
            raise
        return _say(_bug(error), Exit.BLOCKED)
    return int(code)


def _bug(error: Exception) -> str:
    where = "set VFIO_WIZARD_DEBUG=1 to see where, and please report it"
    return f"this is a bug in the program: {type(error).__name__}: {error}; {where}"


def _say(message: str, code: int) -> int:
    from vfio_wizard.report.clean import clean  # noqa: PLC0415 - only those who fail pay for it

    sys.stdout.flush()
    shown = clean(message)
    if len(shown) > _LONGEST:  # it quotes what it was given, which may be a whole file
        shown = f"{shown[:_LONGEST]} … ({len(shown)} characters in all)"
    sys.stderr.write(f"{PROGRAM}: {shown}\n")
    return int(code)
