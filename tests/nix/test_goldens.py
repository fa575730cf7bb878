"""Golden modules: reviewed as text, parsed by Nix, and the same bytes each time.

``UPDATE_GOLDEN=1`` writes them anew; a reviewer then reads the difference.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, in_ci
from tests.nix.cases import CASES, RELEASES, Case
from vfio_wizard.model.selection import Style

GOLDEN = Path(__file__).parent / "golden"
FIXTURES = tuple(sorted((REPOSITORY / "fixtures").glob("*/expect/*.nix")))


def path_of(case: Case) -> Path:
    return GOLDEN / f"{case.name}.nix"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_module_is_the_one_that_was_reviewed(case: Case) -> None:
    text = case.text()
    if os.environ.get("UPDATE_GOLDEN"):
        assert not in_ci(), "goldens are reviewed by people, not written by CI"
        GOLDEN.mkdir(exist_ok=True)
        path_of(case).write_text(text, encoding="utf-8")
    assert text == path_of(case).read_text(encoding="utf-8")


def test_no_golden_is_left_over() -> None:
    assert {one.stem for one in GOLDEN.glob("*.nix")} == {case.name for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_exporting_twice_gives_the_same_bytes(case: Case) -> None:
    assert case.text() == case.text()


def parses(file: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """nix-instantiate without daemon, store or configuration."""
    environment = {**os.environ, "HOME": str(home), "NIX_CONF_DIR": str(home), "NIX_PATH": ""}
    return subprocess.run(
        ["nix-instantiate", "--store", "dummy://", "--parse", str(file)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=180,
    )


@pytest.mark.nix
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nix_parses_the_golden(case: Case, tmp_path: Path) -> None:
    done = parses(path_of(case), tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.nix
@pytest.mark.parametrize("file", FIXTURES, ids=lambda file: f"{file.parts[-3]}-{file.stem}")
def test_nix_parses_what_the_fixtures_export(file: Path, tmp_path: Path) -> None:
    done = parses(file, tmp_path)
    assert done.returncode == 0, done.stderr


def test_there_are_fixtures_that_export() -> None:
    assert FIXTURES


@pytest.mark.nix
def test_nix_parses_every_case_in_every_shape_for_every_release(tmp_path: Path) -> None:
    every = tmp_path / "every.nix"
    modules = [f"({case.text(style, release)})" for case in CASES for style in Style for release in RELEASES]
    every.write_text("[\n" + "\n".join(modules) + "\n]\n", encoding="utf-8")
    done = parses(every, tmp_path)
    assert done.returncode == 0, done.stderr[:2000]


@pytest.mark.nix
def test_a_broken_module_would_be_noticed(tmp_path: Path) -> None:
    broken = tmp_path / "broken.nix"
    broken.write_text("{ ... }: { a = 1; a = 2; }\n", encoding="utf-8")
    assert parses(broken, tmp_path).returncode != 0


def test_lines_end_without_blanks_and_files_with_one_newline() -> None:
    for case in CASES:
        text = case.text()
        assert text.endswith("}\n")
        assert not any(line != line.rstrip() or "\t" in line for line in text.splitlines())
        assert "\n\n\n" not in text
