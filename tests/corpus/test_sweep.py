"""Every recorded machine through the commands: contract exit codes, no fault, nothing unknown as false."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.corpus.machines import CORPUS, TREE, Recorded, machines
from tests.published import document
from tests.unpacking import unpack
from vfio_wizard.cli import main

Json = dict[str, Any]

MACHINES = machines()
NAMES = [one.name for one in MACHINES]

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no recorded machines at {CORPUS} (VFIO_WIZARD_SHARED)"),
]

CHECK_CODES = (0, 1, 3)


def source(machine: Recorded, place: Path) -> str:
    """A folder with the files of one state, as a user would have them; a tree is unpacked."""
    if machine.data == TREE:
        archive = next(path for path in machine.files if path.suffix == ".bz2")
        with tarfile.open(archive) as packed:
            unpack(packed, place, "tar")
        return str(next(path.parent for path in sorted(place.rglob("sys")) if (path / "bus").is_dir()))
    for path in machine.files:
        (place / path.name).symlink_to(path)
    return str(place)


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """Exit code and standard output; a fault of the program is never an answer."""
    code = main(words)
    out, err = capsys.readouterr()
    assert "bug in the program" not in err, err
    assert "Traceback" not in out + err
    assert err.count("\n") <= 12, err
    return code, out


@pytest.fixture(name="host")
def _host(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Recorded, str]:
    machine: Recorded = request.param
    folder = tmp_path / "host"
    folder.mkdir()
    return machine, source(machine, folder)


EVERY = pytest.mark.parametrize("host", MACHINES, ids=NAMES, indirect=True)


@EVERY
def test_check_answers_with_findings_and_a_contract_code(
    host: tuple[Recorded, str], capsys: pytest.CaptureFixture[str]
) -> None:
    _, place = host
    code, out = run(capsys, "--check", "--json", "--host", place)

    told = document(out, "vfio-wizard/check/1")
    assert code in CHECK_CODES
    assert told["host"]["live"] is False
    assert {"ready": 0, "blocked": 1, "unknown": 3}[told["verdict"]] == code
    text_code, text = run(capsys, "--check", "--host", place)
    assert text_code == code
    assert text
    assert max(map(len, text.splitlines())) <= 80


@EVERY
def test_groups_say_null_and_not_false_where_nothing_tells(
    host: tuple[Recorded, str], capsys: pytest.CaptureFixture[str]
) -> None:
    machine, place = host
    code, out = run(capsys, "groups", "--json", "--host", place)

    told = document(out, "vfio-wizard/groups/1")
    assert code == 0
    truth = {gpu["bdf"]: gpu for gpu in machine.truth["gpus"]}
    for card in told["gpus"]:
        read = truth[card["address"]]
        assert card["isolated"] in (None, read["isolated"]), card["address"]
        assert card["boot_vga"] in (None, read["boot_vga"]), card["address"]
        assert card["type"] in (None, read["kind"]), card["address"]
    for one in told["functions"]:
        assert one["driver"] is None or one["driver"]
        assert not (one["driver"] and "driver" in one["unread"])


@EVERY
def test_plan_and_export_of_every_card_end_in_a_file_or_a_reason(
    host: tuple[Recorded, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    machine, place = host
    _, out = run(capsys, "groups", "--json", "--host", place)
    shown = {card["address"] for card in json.loads(out)["gpus"]}
    cards = [gpu for gpu in machine.truth["gpus"] if gpu["kind"] == "discrete" and gpu["bdf"] in shown]
    for gpu in cards:
        address = gpu["bdf"]
        code, out = run(capsys, "plan", "--json", "--host", place, "--gpu", address)
        plan = json.loads(out)
        assert plan["schema"] == "vfio-wizard/plan/1"
        assert code == (1 if plan["refusals"] else 0)
        assert all(refusal["text"] for refusal in plan["refusals"])
        if not plan["refusals"]:
            bound = set(plan["bind"]["functions"])
            assert {one["bdf"] for one in gpu["must_pass_together"]} <= bound

        target = tmp_path / f"{address.replace(':', '-')}.nix"
        code, _ = run(capsys, "export", "--host", place, "--gpu", address, "-o", str(target))
        assert code in (0, 1)
        assert target.exists() == (code == 0)
