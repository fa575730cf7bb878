"""Leaving at any point loses nothing, and the wizard opens where it is needed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.tui.driving import Wizard, drive, wise
from tests.tui.machines import GUEST_CARD, SEED
from vfio_wizard.cli import main, remembered
from vfio_wizard.model.applied import AppliedState
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.selection import Selection
from vfio_wizard.tui.survey import Brain, Memory

HEALTHY = str(SEED)
CHANGE = AppliedState(3, "the-boot-before", (), (), (), (), (), ())


def test_left_in_the_middle_it_opens_there_with_all_answers() -> None:
    async def first(wizard: Wizard) -> None:
        await wizard.press("3", "down", "space", "4")
        await wizard.to("System in the guest")
        await wizard.press("enter", "end", "enter", "5", "end", "enter")
        assert "Confirmed" in wizard.hint

    async def second(wizard: Wizard) -> None:
        assert "[5 Review]" in wizard.static("#steps")
        assert wizard.app.state.selection.gpus == (PciAddress.parse(GUEST_CARD),)
        assert wizard.app.state.selection.domain.system.value == "linux"
        assert "Confirmed" in wizard.hint
        await wizard.press("3", "end", "up", "space")

    async def third(wizard: Wizard) -> None:
        assert not wizard.app.state.has_choice

    for do in (first, second, third):
        drive(do, HEALTHY)


def test_the_kept_answers_are_what_every_command_takes(capsys: pytest.CaptureFixture[str]) -> None:
    async def do(wizard: Wizard) -> None:
        await wizard.press("3", "down", "space")

    drive(do, HEALTHY)
    kept = remembered.answers_path(HEALTHY)
    assert main(["plan", "--host", HEALTHY, "--answers", kept]) == 0
    by_answers = capsys.readouterr().out
    assert main(["plan", "--host", HEALTHY, "--gpu", GUEST_CARD]) == 0
    assert by_answers == capsys.readouterr().out


def test_each_machine_has_answers_of_its_own(tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text(SEED.read_text())

    async def do(wizard: Wizard) -> None:
        await wizard.press("3", "down", "space")

    async def untouched(wizard: Wizard) -> None:
        assert not wizard.app.state.has_choice
        assert "[1 Look]" in wizard.static("#steps")

    drive(do, HEALTHY)
    drive(untouched, str(other))


def test_what_the_command_line_names_wins_over_what_was_kept() -> None:
    remembered.keep(HEALTHY, Memory("look", Selection((PciAddress.parse("0000:28:00.0"),))))

    async def do(wizard: Wizard) -> None:
        assert wizard.app.state.selection.gpus == (PciAddress.parse(GUEST_CARD),)

    drive(do, HEALTHY, selection=Selection((PciAddress.parse(GUEST_CARD),)))


def test_a_card_that_is_gone_is_said_and_left_out() -> None:
    remembered.keep(HEALTHY, Memory("look", Selection((PciAddress.parse("0000:99:00.0"),))))

    async def do(wizard: Wizard) -> None:
        assert "0000:99:00.0 was chosen before and is not there any more" in wizard.page
        assert not wizard.app.state.has_choice

    drive(do, HEALTHY)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"schema": 5}', '{"schema": "vfio-wizard/wizard/1", "step": 7}']
)
def test_a_damaged_memory_is_a_first_visit(text: str) -> None:
    os.makedirs(remembered.folder(), exist_ok=True)  # noqa: PTH103
    Path(remembered.folder(), f"{remembered.stem(HEALTHY)}.json").write_text(text)

    async def do(wizard: Wizard) -> None:
        assert "[1 Look]" in wizard.static("#steps")

    drive(do, HEALTHY)


def test_answers_that_somebody_edited_wrongly_are_named(tmp_path: Path) -> None:
    os.makedirs(remembered.folder(), exist_ok=True)  # noqa: PTH103
    Path(remembered.answers_path(HEALTHY)).write_text("gpu = 5\n")

    async def do(wizard: Wizard) -> None:
        assert remembered.answers_path(HEALTHY) in wizard.app.state.problem
        assert "gpu" in wizard.static("#status") or "gpu" in wizard.page

    drive(do, HEALTHY)


def test_where_nothing_can_be_kept_it_says_so_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))

    async def do(wizard: Wizard) -> None:
        await wizard.press("2", "3", "down", "space")
        await wizard.pilot.pause(0.1)
        assert any("cannot be kept" in one.message for one in wizard.app._notifications)
        assert wizard.app.state.has_choice

    drive(do, HEALTHY)


def test_while_a_change_waits_for_its_proof_it_opens_at_the_last_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remembered, "change_in_force", lambda: CHANGE)
    assert remembered.memory(None).step == "after"
    remembered.keep(None, Memory("devices", Selection(()), proven=3))
    assert remembered.memory(None).step == "devices"
    remembered.keep(None, Memory("devices", Selection(()), proven=2))
    assert remembered.memory(None).step == "after"
    assert remembered.memory(HEALTHY).step == "look"


def after_the_restart(*, proven: bool) -> Brain:
    """A change is in force, and the wizard was opened at its last step."""
    calm = wise(HEALTHY)
    return calm._replace(
        memory=Memory("after"),
        situation=lambda chosen: calm.situation(chosen)._replace(
            look_only=False, source=None, applied=not proven, restarted=True, changed=True
        ),
    )


def test_after_the_restart_it_offers_the_proof_first() -> None:
    async def do(wizard: Wizard) -> None:
        assert "[7 After]" in wizard.static("#steps")
        assert wizard.row.startswith("[ ] Prove that the change holds")
        assert "Enter proves that the change holds" in wizard.hint

    drive(do, own=after_the_restart(proven=False))


def test_a_proven_change_stays_marked_and_can_be_proven_again() -> None:
    async def do(wizard: Wizard) -> None:
        assert wizard.row.startswith("[x] Prove that the change holds")
        assert "locked" not in wizard.row

    drive(do, own=after_the_restart(proven=True))


def test_the_memory_is_for_its_owner_alone() -> None:
    remembered.keep(HEALTHY, Memory("do", Selection(())))
    for path in Path(remembered.folder()).iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
    state = json.loads(Path(remembered.folder(), f"{remembered.stem(HEALTHY)}.json").read_text())
    assert state["schema"] == remembered.SCHEMA
