"""The house rules that tools can prove: floors, bare package files, no exit below the command line."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "vfio_wizard"
COMMAND_LINE = PACKAGE / "cli"
MODULES = sorted(PACKAGE.rglob("*.py"))
BELOW = [path for path in MODULES if path.parent not in (PACKAGE, COMMAND_LINE)]


def _name(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def test_imports_go_down_the_floors_only(repository: Path) -> None:
    done = subprocess.run(
        (Path(sys.executable).parent / "lint-imports", "--no-cache"),
        check=False,
        capture_output=True,
        text=True,
        cwd=repository,
        env={**os.environ, "NO_COLOR": "1"},
    )
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("path", [path for path in BELOW if path.name == "__init__.py"], ids=_name)
def test_package_files_hold_nothing_but_a_docstring(path: Path) -> None:
    """An import in a package file is paid for by everyone who needs any module of the package."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    code = [
        node for node in body if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    ]
    assert code == []


def _calls(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


@pytest.mark.parametrize("path", BELOW, ids=_name)
def test_only_the_command_line_ends_the_process_or_prints(path: Path) -> None:
    assert not {"sys.exit", "exit", "quit", "os._exit", "print"} & set(_calls(path))


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_no_shell_is_ever_asked(path: Path) -> None:
    assert not {"os.system", "os.popen", "subprocess.getoutput", "eval", "exec"} & set(_calls(path))
    tree = ast.parse(path.read_text(encoding="utf-8"))
    shells = [
        word
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for word in node.keywords
        if word.arg == "shell"
    ]
    assert shells == []


def test_nothing_refers_to_the_place_where_it_was_written(repository: Path) -> None:
    """Registries, home directories and build places of one machine have no business in the repository."""
    listing = subprocess.run(("git", "ls-files", "-z"), check=False, capture_output=True, cwd=repository)
    if listing.returncode:
        pytest.skip("not a git work tree: an unpacked source archive has no list of files")
    words = [b"/".join((b"", place)) for place in (b"work/main", b"work/shared", b"root/.pyenv", b"opt/pypi")]
    for name in listing.stdout.decode().split("\0"):
        file = repository / name
        if name and file.is_file():
            content = file.read_bytes()
            assert not [word for word in words if word in content], name
