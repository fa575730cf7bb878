"""A change on the machine of tests/faults, for tests of what happens around it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.faults.chains import CHAINS, Desktop, planned
from tests.faults.pen import Strike, never
from tests.faults.tools import FakeRunner
from tests.faults.trial import Silent, Snapshot, Trusting, snapshot
from vfio_wizard.apply.disk import RootDisk
from vfio_wizard.apply.prepare import prepare
from vfio_wizard.apply.proof import HostProof
from vfio_wizard.apply.transaction import Proof, Result, carry_out
from vfio_wizard.apply.undo import Undone, undo_last
from vfio_wizard.apply.work import Work
from vfio_wizard.model.plan import Plan
from vfio_wizard.render.outcome import Rendered

DESKTOP = CHAINS[0]
assert isinstance(DESKTOP, Desktop)


class Listener(Silent):
    """Remembers what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


class Made:
    """The desktop in a folder, with its plan."""

    def __init__(self, root: Path, furnish: Callable[[Path], None] = lambda _root: None) -> None:
        assert isinstance(DESKTOP, Desktop)
        (root / "var/lib").mkdir(parents=True)
        self.root = root
        self.tools = dict(DESKTOP.tools)
        DESKTOP.machine(root)
        furnish(root)
        self.disk = RootDisk(str(root))
        self.plan: Plan
        self.rendered: Rendered
        self.plan, self.rendered = planned(root)
        self.work: Work = prepare(self.rendered, self.disk, {"answers": ""})
        self.before: Snapshot = snapshot(root)
        self.listener = Listener()

    def runner(self, strike: Strike = never) -> FakeRunner:
        return FakeRunner(self.root, strike, self.tools)

    def apply(self, runner: FakeRunner | None = None, proof: Proof | None = None) -> Result:
        return carry_out(self.work, self.disk, runner or self.runner(), proof or Trusting(), self.listener)

    def prove(self, *, unproven: bool = False) -> HostProof:
        return HostProof(self.plan, str(self.root), unproven=unproven)

    def undo(self, *, force: bool = False, live: bool = True) -> Undone | None:
        return undo_last(self.disk, self.runner() if live else None, self.listener, force=force)

    def put(self, path: str, text: str) -> None:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
