"""What everybody may know about the change that is in force, for a later verification and for drift."""

from __future__ import annotations

import json

from vfio_wizard.apply import journal as journals
from vfio_wizard.apply.disk import Disk
from vfio_wizard.apply.work import STATE


def refresh(disk: Disk) -> None:
    """Make it say what the journals say: of the newest applied change, or that there is none."""
    states = [
        one.state for one in journals.transactions(disk) if one.status == journals.APPLIED and one.state
    ]
    if not states:
        disk.remove(STATE)
        return
    text = json.dumps(states[-1], sort_keys=True, indent=1) + "\n"
    if disk.look(STATE) is not None and disk.read(STATE) == text.encode():
        return
    journals.replace(disk, STATE, text.encode(), 0o644)
