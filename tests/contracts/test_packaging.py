"""What users install is the wheel, so the wheel is built, installed into an empty venv and run."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from vfio_wizard import __version__

pytestmark = pytest.mark.slow


def _run(*argv: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    env = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))
    }
    return subprocess.run(
        [str(word) for word in argv],
        check=False,
        capture_output=True,
        text=True,
        cwd=cwd,
        env=env,
        timeout=600,
    )


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the wheel and the source archive, built without a network."""
    place = tmp_path_factory.mktemp("dist")
    root = Path(__file__).resolve().parents[2]
    done = _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", place, root)
    assert done.returncode == 0, done.stdout + done.stderr
    return place


@pytest.fixture(scope="module")
def installed(archives: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin directory of a venv that holds the wheel and nothing else, not even its dependencies."""
    place = tmp_path_factory.mktemp("venv")
    venv.create(place, with_pip=False, symlinks=True)
    (wheel,) = archives.glob("*.whl")
    pip = (sys.executable, "-m", "pip", "--python", place / "bin/python")
    done = _run(*pip, "install", "--no-deps", "--no-index", wheel)
    assert done.returncode == 0, done.stdout + done.stderr
    return place / "bin"


def test_the_wheel_holds_the_package_and_nothing_else(archives: Path, repository: Path) -> None:
    (wheel,) = archives.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    top = {name.partition("/")[0] for name in names}
    shared = f"vfio_wizard-{__version__}.data"
    assert top == {"vfio_wizard", f"vfio_wizard-{__version__}.dist-info", shared}
    assert {name for name in names if name.startswith(shared)} == {
        f"{shared}/data/share/man/man1/vfio-wizard.1",
        f"{shared}/data/share/bash-completion/completions/vfio-wizard",
        f"{shared}/data/share/zsh/site-functions/_vfio-wizard",
        f"{shared}/data/share/fish/vendor_completions.d/vfio-wizard.fish",
    }
    ours = {
        str(path.relative_to(repository))
        for path in (repository / "vfio_wizard").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert ours <= names


def test_the_source_archive_can_be_tested_and_packaged(archives: Path) -> None:
    (archive,) = archives.glob("*.tar.gz")
    with tarfile.open(archive) as content:
        names = {name.partition("/")[2] for name in content.getnames()}
    for wanted in (
        "pyproject.toml",
        "Makefile",
        "LICENSE",
        "README.md",
        "tests/conftest.py",
        "scripts/bootstrap.sh",
    ):
        assert wanted in names
    assert not [name for name in names if name.startswith((".venv", ".bench", ".lab"))]


def test_the_installed_program_says_its_version(installed: Path, tmp_path: Path) -> None:
    done = _run(installed / "vfio-wizard", "--version", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"vfio-wizard {__version__}\n")


@pytest.mark.parametrize(
    "words", [("--check",), ("--check", "--json"), ("groups",), ("checks",)], ids=" ".join
)
def test_the_program_diagnoses_without_any_third_party_library(
    installed: Path, desktop: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """Names of cards need a library; a diagnosis does not, and must not die for the lack of one."""
    host = () if words == ("checks",) else ("--host", desktop)
    done = _run(installed / "vfio-wizard", *words, *host, cwd=tmp_path)
    assert done.returncode in (0, 1, 3), done.stderr
    assert "Traceback" not in done.stderr
    assert "this is a bug" not in done.stderr
    assert done.stdout


IN_AN_ARCHIVE = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from vfio_wizard.cli.wizard import brain
from vfio_wizard.system.source import open_source
from vfio_wizard.tui import app
async def visit():
    wizard = app.make_app(brain(sys.argv[2], open_source(sys.argv[2])))
    async with wizard.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        print(app.__file__, wizard.screen.query_one("#next").styles.height)
asyncio.run(visit())
"""


def test_the_wizard_starts_from_inside_an_archive(desktop: Path, repository: Path, tmp_path: Path) -> None:
    """The program as one file: its styles are in the archive too, where no path leads."""
    archive = tmp_path / "program.pyz"
    with zipfile.ZipFile(archive, "w") as out:
        for path in sorted((repository / "vfio_wizard").rglob("*")):
            if path.suffix in (".py", ".tcss"):
                out.write(path, path.relative_to(repository))
    done = _run(sys.executable, "-c", IN_AN_ARCHIVE, archive, desktop, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == [f"{archive}/vfio_wizard/tui/app.py", "1"]
