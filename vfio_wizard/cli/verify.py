"""``verify``: whether the change holds, after the reboot. 0 yes, 1 no, 3 it cannot be said yet."""

from __future__ import annotations

import sys

from vfio_wizard.apply.verify import Answer, verify
from vfio_wizard.checks.drift import IDS
from vfio_wizard.checks.registry import run_checks
from vfio_wizard.cli.exits import Exit
from vfio_wizard.cli.given import Given
from vfio_wizard.cli.look import look, print_json, width
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.unread import Unread
from vfio_wizard.probe.applied import BOOT_ID

_CODES = {
    Answer.HOLDS: Exit.OK,
    Answer.BROKEN: Exit.BLOCKED,
    Answer.UNKNOWN: Exit.UNKNOWN,
    Answer.NOT_REBOOTED: Exit.UNKNOWN,
    Answer.NOTHING: Exit.OK,
}


def run(given: Given) -> int:
    """Compare this boot with what the change was made for."""
    seen = look(given.text("host"), topology=False, holders=False)
    if seen.host is None:
        message = "a text about a machine does not hold what a verification compares with; run it there"
        raise UsageError(message)
    applied = seen.facts.applied
    if isinstance(applied, Unread):
        message = f"what was changed here cannot be read: {applied.reason}"
        raise UsageError(message)
    state = None if applied is None else applied.state
    now = seen.host.text(BOOT_ID)
    drift = run_checks(seen.facts, only=IDS)
    found = verify(seen.facts, state, None if isinstance(now, Unread) else now, drift)
    if given.flag("json"):
        from vfio_wizard.report.verify_json import verify_json  # noqa: PLC0415 - for scripts

        print_json(verify_json(found))
    else:
        from vfio_wizard.report.verify_text import verify_text  # noqa: PLC0415 - for people

        sys.stdout.write(verify_text(found, width()))
    return _CODES[found.answer]
