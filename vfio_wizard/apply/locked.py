"""One change at a time: two at once would undo each other."""

from __future__ import annotations

import os

from vfio_wizard.apply.disk import RootDisk
from vfio_wizard.apply.runner import Runner, SystemRunner
from vfio_wizard.apply.work import LOCK
from vfio_wizard.model.errors import WizardError


class RefusedError(WizardError):
    """Nothing was changed, and why."""


class Locked:
    """Holds the lock of the store while a change or an undo runs.

    The commands inherit it: where this process is killed, they go on, and nothing may be taken back below
    their hands.
    """

    def __init__(self, disk: RootDisk, runner: Runner | None) -> None:
        """Takes the lock on entering."""
        self._disk = disk
        self._runner = runner
        self._handle = -1

    def __enter__(self) -> None:
        handle = self._disk.lock(LOCK)
        if handle is None:
            message = (
                "another vfio-wizard is changing this machine right now, or a command that it started "
                "still runs; wait until it is done"
            )
            raise RefusedError(message)
        self._handle = handle
        if isinstance(self._runner, SystemRunner):
            self._runner.held = (handle,)

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)
