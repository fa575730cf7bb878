"""The screens only show and ask: they start nothing, open nothing, and decide nothing."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import vfio_wizard.tui

ROOT = Path(vfio_wizard.tui.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
FORBIDDEN = frozenset({"subprocess", "socket", "libvirt", "pyudev", "shutil", "pathlib", "tempfile", "io"})
FLOORS = (
    "vfio_wizard.system",
    "vfio_wizard.probe",
    "vfio_wizard.apply",
    "vfio_wizard.render",
    "vfio_wizard.cli",
)
CALLS = frozenset({"open", "exec", "eval", "compile", "__import__"})


def _imported(tree: ast.AST) -> set[str]:
    """Every module that is imported outside of what only a type checker reads."""
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{one.name}" for one in node.names}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_screen_starts_nothing_and_opens_nothing(path: Path) -> None:
    tree = ast.parse(path.read_text())
    imported = _imported(tree)
    assert not {name for name in imported if name.partition(".")[0] in FORBIDDEN}
    assert not {name for name in imported if name.startswith(FLOORS)}
    called = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not called & CALLS


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_of_the_system_a_screen_asks_the_environment_only(path: Path) -> None:
    used = {
        node.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os"
    }
    assert used <= {"environ"}


def test_there_are_screens_to_look_at() -> None:
    assert len(FILES) > 10
