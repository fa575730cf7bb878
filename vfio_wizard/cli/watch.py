"""``watch``: hooks that look again after kernel updates, a unit that verifies at boot; off unless asked."""

from __future__ import annotations

import os
import shlex
import sys

import vfio_wizard
from vfio_wizard import __version__
from vfio_wizard.apply import allowed
from vfio_wizard.apply import journal as journals
from vfio_wizard.apply.disk import RootDisk, UntrustedPathError
from vfio_wizard.apply.journal import APPLIED, Transaction
from vfio_wizard.apply.locked import Locked
from vfio_wizard.apply.prepare import prepare
from vfio_wizard.apply.runner import SystemRunner
from vfio_wizard.apply.transaction import carry_out
from vfio_wizard.apply.undo import take_back, undisturbed
from vfio_wizard.apply.work import Json
from vfio_wizard.cli.elevate import program
from vfio_wizard.cli.exits import Exit
from vfio_wizard.cli.given import Given
from vfio_wizard.cli.streams import to_stderr, to_stdout
from vfio_wizard.cli.talk import Talk
from vfio_wizard.model.errors import WizardError
from vfio_wizard.render.outcome import Rendered
from vfio_wizard.render.watch import watch
from vfio_wizard.report.clean import clean

KIND = "watch"
"""In the head of its transaction, by which ``remove`` finds it."""


class NothingToProve:
    """No boot depends on a hook that only looks."""

    def image(self) -> tuple[str, ...]:
        """See Proof."""
        return ()

    def entries(self) -> tuple[str, ...]:
        """See Proof."""
        return ()

    def saved(self) -> Json:
        """See Proof."""
        return {}


def run(given: Given) -> int:
    """Install or remove. Both need root."""
    if os.geteuid() != 0:
        message = f"watch {given.text('what')} needs root: sudo vfio-wizard watch {given.text('what')}"
        raise WizardError(message)
    return _install() if given.text("what") == "install" else _remove()


def _install() -> int:
    disk = RootDisk()
    _refuse_open_places(disk)
    if _installed(disk) is not None:
        to_stdout("nothing to do: it is installed already\n")
        return Exit.OK
    rendered = rendered_for(disk)
    if not rendered.artifacts:
        message = "neither hooks for new kernels nor systemd are known here; run vfio-wizard verify by hand"
        raise WizardError(message)
    about = {"tool": {"name": "vfio-wizard", "version": __version__}, "kind": KIND}
    work = prepare(rendered, disk, about)
    allowed.check(work)
    result = carry_out(work, disk, SystemRunner(), NothingToProve(), Talk())
    if result.failure is not None:
        raise WizardError(result.failure.text)
    to_stdout("installed; vfio-wizard watch remove takes it away\n")
    return Exit.OK


def rendered_for(disk: RootDisk) -> Rendered:
    """What fits this system."""
    nixos = disk.look("etc/NIXOS") is not None
    return watch(
        shlex.join(program()),
        debian_hooks=not nixos and disk.look("etc/kernel/postinst.d") is not None,
        kernel_install=not nixos and disk.look("usr/bin/kernel-install") is not None,
        systemd=not nixos and disk.look("run/systemd/system") is not None,
    )


def _refuse_open_places(disk: RootDisk) -> None:
    """What root runs by itself must not lie where somebody else may write."""
    for place in (vfio_wizard.__file__ or "", os.path.realpath(sys.executable)):
        try:
            disk.trust(place.lstrip("/"))
        except UntrustedPathError as error:
            message = (
                f"this program lies in an open place, from which root should run nothing by itself: {error}"
            )
            raise WizardError(message) from None


def _remove() -> int:
    disk = RootDisk()
    change = _installed(disk)
    if change is None:
        to_stdout("nothing to do: it is not installed\n")
        return Exit.OK
    runner = SystemRunner()
    with Locked(disk, runner), undisturbed():
        undone = take_back(disk, runner, change, Talk())
    for one in (*undone.problems, *(f"/{one.path} was edited since" for one in undone.conflicts)):
        to_stderr(f"{clean(one)}\n")
    if undone.complete:
        to_stdout("taken away: nothing looks by itself any more\n")
    return Exit.OK if undone.complete else Exit.PARTIAL


def _installed(disk: RootDisk) -> Transaction | None:
    found = [
        one for one in journals.transactions(disk) if one.status == APPLIED and one.head.get("kind") == KIND
    ]
    return found[-1] if found else None
