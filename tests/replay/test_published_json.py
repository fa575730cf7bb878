"""What is printed with --json about every recorded machine keeps to the published schemas."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.fixtures import FIXTURES
from tests.published import FOLDER, document, validator
from vfio_wizard.cli import main

MACHINES = sorted(path.parent for path in FIXTURES.glob("*/host.json"))
COMMANDS = {
    "vfio-wizard/check/1": ("--check",),
    "vfio-wizard/groups/1": ("groups",),
    "vfio-wizard/predict/1": ("predict",),
    "vfio-wizard/cores/1": ("cores",),
}


def test_every_published_schema_is_a_schema() -> None:
    names = sorted(path.stem for path in FOLDER.glob("*.json"))
    assert {"check-1", "groups-1", "lint-1", "predict-1"} <= set(names)
    for name in names:
        title, _, number = name.rpartition("-")
        validator(f"vfio-wizard/{title}/{number}")


@pytest.mark.parametrize("machine", MACHINES, ids=lambda path: path.name)
@pytest.mark.parametrize("schema", COMMANDS)
def test_document_about_a_record_is_valid(
    machine: Path, schema: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*COMMANDS[schema], "--json", "--host", str(machine / "host.json")]) in (0, 1, 3)
    assert document(capsys.readouterr().out, schema)


@pytest.mark.parametrize("schema", ["vfio-wizard/check/1", "vfio-wizard/groups/1"])
def test_document_about_a_listing_is_valid(
    schema: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listing = tmp_path / "lspci.txt"
    listing.write_text("01:00.0 VGA compatible controller [0300]: AMD RV100 [1002:5159]\n")
    main([*COMMANDS[schema], "--json", "--host", str(listing)])
    assert document(capsys.readouterr().out, schema)


@pytest.mark.parametrize(
    ("key", "value"),
    [("isolated", "yes"), ("boot_vga", 1), ("functions", ["1:00.0"]), ("type", "graphics")],
)
def test_groups_of_another_form_are_refused(
    key: str, value: object, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["groups", "--json", "--host", str(MACHINES[0] / "host.json")])
    told = document(capsys.readouterr().out, "vfio-wizard/groups/1")
    told["gpus"][0][key] = value
    assert not validator("vfio-wizard/groups/1").is_valid(told)
