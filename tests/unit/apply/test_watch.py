"""Hooks that look again: put there, run, and taken away."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.faults.trial import Silent, Trusting, difference, snapshot
from tests.unit.apply.benches import Made
from vfio_wizard.apply import allowed
from vfio_wizard.apply.prepare import prepare
from vfio_wizard.apply.transaction import carry_out
from vfio_wizard.apply.undo import undo_last
from vfio_wizard.render.watch import UNIT, watch


class NothingSaved(Trusting):
    def saved(self) -> dict[str, object]:
        return {}


def test_watching_beside_a_change_leaves_its_state_and_goes_first(tmp_path: Path) -> None:
    made = Made(tmp_path)
    made.apply(proof=made.prove())
    state = (tmp_path / "var/lib/vfio-wizard/state.json").read_text()
    before = snapshot(tmp_path)
    rendered = watch("vfio-wizard", debian_hooks=True, kernel_install=True, systemd=True)
    work = prepare(rendered, made.disk, {"kind": "watch"})
    allowed.check(work)
    wants = tmp_path / "etc/systemd/system/multi-user.target.wants"

    def systemctl(_pen: object, argv: object) -> int:
        wants.mkdir(parents=True)
        (wants / UNIT).symlink_to(f"/etc/systemd/system/{UNIT}")
        return 0

    made.tools["systemctl"] = systemctl
    result = carry_out(work, made.disk, made.runner(), NothingSaved(), Silent())
    assert result.failure is None
    assert (tmp_path / "var/lib/vfio-wizard/state.json").read_text() == state
    undone = undo_last(made.disk, made.runner(), Silent())
    assert undone is not None
    assert undone.complete
    assert difference(before, snapshot(tmp_path)) == ""


def test_the_unit_waits_for_the_drivers() -> None:
    rendered = watch("/usr/bin/env true", debian_hooks=False, kernel_install=False, systemd=True)
    text = rendered.artifacts[0].text
    assert text.index("udevadm settle") < text.index("ExecStart=/usr/bin/env true verify")


@pytest.mark.parametrize(("code", "says"), [(0, ""), (1, "may not be as it was:\nseen\n"), (3, "")])
def test_the_hook_speaks_only_of_a_loss_and_never_fails_an_update(
    code: int, says: str, tmp_path: Path
) -> None:
    program = tmp_path / "program"
    program.write_text(
        f'#!/bin/sh\n[ "$1" = check ] && [ "$2" = --strict ] || exit 9\necho seen\nexit {code}\n'
    )
    program.chmod(0o755)
    rendered = watch(str(program), debian_hooks=False, kernel_install=True, systemd=False)
    hook = tmp_path / "hook"
    hook.write_text(rendered.artifacts[0].text)
    done = subprocess.run(["sh", str(hook), "add", "6.1"], capture_output=True, text=True, check=True)
    assert done.stderr.endswith(says)
    assert bool(done.stderr) is bool(says)
    silent = subprocess.run(["sh", str(hook), "remove", "6.1"], capture_output=True, text=True, check=True)
    assert silent.stderr == ""
