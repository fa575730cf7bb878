"""Parts of the full lab that can be told right from wrong without booting anything."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.lab.full import run as command
from tests.lab.full.inside import files
from tests.lab.full.machines import DEVICES
from tests.lab.full.scenarios import SCENARIOS, Scenario
from tests.lab.full.session import File
from tests.lab.full.steps import Remember, Unchanged, differences
from tests.lab.full.systems import INSIDE, SYSTEMS, recipe
from tests.lab.full.table import Held, Outcome, markdown, save, saved


def test_every_scenario_has_a_system_and_a_machine() -> None:
    assert len({one.name for one in SCENARIOS}) == len(SCENARIOS)
    for scenario in SCENARIOS:
        assert scenario.system in SYSTEMS, scenario.name
        assert scenario.devices in DEVICES, scenario.name


def test_one_change_is_rebooted_and_taken_back_at_every_change_of_the_code() -> None:
    quick = [one for one in SCENARIOS if one.quick]
    assert [one.system for one in quick] == ["bookworm-grub"]
    assert sum(step.name.startswith("it boots") for step in quick[0].steps) == 2


def test_files_are_compared_with_those_read_before() -> None:
    for scenario in SCENARIOS:
        read: set[str] = set()
        for step in scenario.steps:
            if isinstance(step, Remember):
                read.add(step.label)
            if isinstance(step, Unchanged):
                assert step.label in read, f"{scenario.name}: {step.name}"


def test_another_way_of_installing_is_another_recipe() -> None:
    system = SYSTEMS["trixie-sdboot"]
    assert recipe(system) == recipe(system)
    assert len({recipe(one) for one in SYSTEMS.values()}) == len(SYSTEMS)
    assert recipe(system._replace(disk_mib=4096)) != recipe(system)


def test_the_inventory_sees_content_mode_and_target(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below/file").write_text("one")
    (tmp_path / "link").symlink_to("below/file")
    before = _inventory(tmp_path)
    assert {Path(path).name: one.kind for path, one in before.items()} == {
        "below": "folder",
        "file": "file",
        "link": "link",
    }
    (tmp_path / "below/file").write_text("two")
    (tmp_path / "below").chmod(0o700)
    (tmp_path / "link").unlink()
    (tmp_path / "new").touch()
    told = list(differences(before, _inventory(tmp_path)))
    assert [Path(line.split(":")[0]).name for line in told] == ["below", "file", "link", "new"]


def test_a_seed_that_a_boot_renews_is_no_difference() -> None:
    seed = "/boot/efi/loader/random-seed"
    assert not list(differences({seed: File("file", "0600", "0:0", "a")}, {}))


def _inventory(folder: Path) -> dict[str, File]:
    return {path: File(*one) for path, one in files.main([str(folder).lstrip("/")]).items()}


def test_the_agent_is_a_shell_script() -> None:
    subprocess.run(["sh", "-n", str(INSIDE / "agent")], check=True)


def test_a_scenario_that_ended_early_is_not_good() -> None:
    scenario = _scenario()
    held = tuple(Held(step.name, 1.0, ()) for step in scenario.steps)
    assert Outcome(scenario, "6.1", 9.0, held, Path()).is_good
    assert not Outcome(scenario, "6.1", 9.0, held[:-1], Path()).is_good
    assert not Outcome(scenario, "6.1", 9.0, (*held[:-1], Held("last", 0, ("no",))), Path()).is_good


def test_the_page_names_what_did_not_hold_and_what_did_not_run() -> None:
    scenario = _scenario()
    outcome = Outcome(scenario, "6.1", 9.0, (Held("it boots", 0, ("never",)),), Path(), "2026-01-01")
    page = markdown(SCENARIOS, [outcome])
    assert "NOT held, 0 s: it boots" in page
    assert f"| 0 of {len(scenario.steps)} |" in page
    assert page.count("| not run |") == len(SCENARIOS) - 1


def test_a_run_of_other_steps_is_not_on_the_page(tmp_path: Path) -> None:
    scenario = _scenario()
    held = tuple(Held(step.name, 1.0, ()) for step in scenario.steps)
    outcome = Outcome(scenario, "6.1", 9.0, held, tmp_path, "2026-01-01")
    save(outcome, tmp_path)
    assert saved(scenario, tmp_path) == outcome
    assert saved(scenario._replace(steps=scenario.steps[1:]), tmp_path) is None


def test_an_unknown_scenario_is_wrong_usage() -> None:
    assert command.main(["no-such-thing"]) == 2


def _scenario() -> Scenario:
    return SCENARIOS[0]
