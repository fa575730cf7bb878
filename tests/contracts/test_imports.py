"""What a command imports is part of its speed: heavy libraries stay out until they are needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = frozenset(
    {
        "asyncio",
        "ctypes",
        "dataclasses",
        "importlib.resources",
        "inspect",
        "libvirt",
        "lz4",
        "lzma",
        "pathlib",
        "pylspci",
        "pyroute2",
        "pyudev",
        "rich",
        "shutil",
        "socket",
        "subprocess",
        "tempfile",
        "textual",
        "tomllib",
        "xml",
        "zstandard",
    }
)

SLOW = frozenset({"argparse", "enum", "functools", "json", "locale", "re", "typing"})
"""Each costs 1 to 8 ms of the 40 that a check of a tree may take."""

# Runs the program in this process and prints the modules that it left loaded, on the last line.
TELL = """
import os, sys
before = set(sys.modules)
from vfio_wizard.cli import main
sys.argv = ["vfio-wizard", *sys.argv[1:]]
try:
    code = main()
except SystemExit as stop:
    code = stop.code
sys.stdout.flush()
print()
print(code, *sorted(set(sys.modules) - before))
"""


@pytest.fixture(scope="module")
def capture(desktop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture of the synthetic desktop."""
    record = tmp_path_factory.mktemp("capture") / "desktop.json"
    _modules("capture", "--host", str(desktop), "-o", str(record))
    return record


def _modules(*arguments: str) -> frozenset[str]:
    """The modules that one run of the program loads beyond a bare isolated interpreter's."""
    done = subprocess.run(
        (sys.executable, "-I", "-c", TELL, *arguments),
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    code, *modules = done.stdout.splitlines()[-1].split()
    assert code in ("0", "1", "3"), done.stdout + done.stderr
    return frozenset(modules)


@pytest.mark.parametrize(
    "command",
    [("--check", "--json"), ("--check",), ("groups", "--json"), ("check", "--strict", "--json")],
    ids=" ".join,
)
def test_commands_on_a_capture_load_no_heavy_library(capture: Path, command: tuple[str, ...]) -> None:
    loaded = _modules(*command, "--host", str(capture))
    allowed = frozenset() if "--json" in command else frozenset({"pylspci", "asyncio", "inspect", "socket"})
    assert (loaded & HEAVY) - allowed == frozenset()


@pytest.mark.parametrize(
    "command", [("--check",), ("--check", "--json"), ("groups",), ("groups", "--json")], ids=" ".join
)
def test_the_usual_calls_on_a_tree_compile_no_pattern_and_no_parser(
    desktop: Path, command: tuple[str, ...]
) -> None:
    assert _modules(*command, "--host", str(desktop)) & SLOW == frozenset()


def test_listing_and_explaining_checks_reads_no_machine() -> None:
    for command in (("checks",), ("explain", "iommu.enabled")):
        loaded = _modules(*command)
        assert loaded & HEAVY == frozenset()
        assert not [name for name in loaded if name.startswith("vfio_wizard.probe")]


def test_the_wizard_is_not_loaded_by_the_command_line_itself() -> None:
    loaded = _modules("--version")
    assert not [name for name in loaded if name.startswith("vfio_wizard.tui")]


@pytest.mark.live
def test_a_capture_of_this_machine_loads_what_it_needs(tmp_path: Path) -> None:
    """The other half: a deferred import that never happens would make the tests above worthless."""
    assert {"pylspci", "pyroute2", "subprocess"} <= _modules("capture", "-o", str(tmp_path / "capture.json"))
