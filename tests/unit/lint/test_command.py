"""The command: exit codes, text and JSON, options, and files that cannot be read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from vfio_wizard.report.lint_text import rules_markdown

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = Path(sys.executable).parent / "vfio-wizard"
BAD = "options vfio-pci ids=10de:1b80,01:00.1\nsoftdep nouveau pre: vfio-pci\n"


def lint(*arguments: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run the console script."""
    env = {name: value for name, value in os.environ.items() if name != "FORCE_COLOR"}
    return subprocess.run(
        (PROGRAM, "lint", *map(str, arguments)),
        check=False,
        capture_output=True,
        input=stdin,
        env=env,
        timeout=60,
    )


def test_nothing_wrong_is_exit_code_zero(tmp_path: Path) -> None:
    (tmp_path / "vfio.conf").write_text("softdep nouveau pre: vfio-pci\n")
    done = lint(tmp_path / "vfio.conf")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"nothing wrong" in done.stdout


def test_an_error_is_exit_code_one_and_names_line_and_column(tmp_path: Path) -> None:
    (tmp_path / "vfio.conf").write_text(BAD)
    done = lint(tmp_path / "vfio.conf")
    assert done.returncode == 1
    assert f"{tmp_path}/vfio.conf:1:32: error: lint.ids.address" in done.stdout.decode()
    lines = [line for line in done.stdout.decode().splitlines() if str(tmp_path) not in line]
    assert max(map(len, lines)) <= 80


def test_warnings_alone_are_exit_code_zero() -> None:
    done = lint("--cmdline", "quiet amd_iommu=on")
    assert done.returncode == 0
    assert b"lint.parameter.not-a-value" in done.stdout


def test_standard_input() -> None:
    done = lint("-", stdin=BAD.encode())
    assert b"standard input:1:32: error: lint.ids.address" in done.stdout


@pytest.mark.parametrize("arguments", [(), ("--kernel", "six"), ("--nixos-release", "1.2")], ids=str)
def test_wrong_usage(arguments: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "vfio.conf").write_text(BAD)
    files = (tmp_path / "vfio.conf",) if arguments else ()
    done = lint(*arguments, *files)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\x7fELF\0\0")
    os.mkfifo(tmp_path / "fifo")
    for name in ("nowhere", "binary", "fifo", "."):
        done = lint(tmp_path / name)
        assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1), name


def test_json_is_as_its_schema_says(tmp_path: Path) -> None:
    schema = json.loads((ROOT / "docs/schema/lint-1.json").read_text())
    (tmp_path / "vfio.conf").write_text(BAD)
    (tmp_path / "a.nix").write_text('{ c, ... }: { boot.kernelParams = [ c.x "amd_iommu=on" ]; }')
    done = lint("--json", "--kernel", "6.12.9-amd64", "--nixos-release", "25.11", *tmp_path.iterdir())
    found = json.loads(done.stdout)
    jsonschema.validate(found, schema)
    assert done.returncode == 1
    assert found["judged_for"] == {"host": None, "kernel": "6.12", "nixos_release": "25.11"}
    assert found["counts"]["error"] == 1
    assert [one["what"] for one in found["not_judged"]] == ["boot.kernelParams: c.x"]
    assert {one["line"] for one in found["findings"]} == {1}


def test_a_host_tells_its_kernel(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for path, text in (
        ("proc/version", "Linux version 5.10.0-1 (x)"),
        ("proc/sys/kernel/osrelease", "5.10.0-1\n"),
    ):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    done = lint("--json", "--host", root, "--cmdline", "quiet video=efifb:off")
    found = json.loads(done.stdout)
    assert found["judged_for"]["kernel"] == "5.10"
    assert found["findings"] == []


def test_rules_are_listed_and_documented() -> None:
    listed = lint("--rules").stdout.decode()
    documented = (ROOT / "docs/lint.md").read_text()
    rules = json.loads(lint("--rules", "--json").stdout)["rules"]
    assert len(rules) >= 60
    for rule in rules:
        assert rule["id"] in listed
    assert rules_markdown() in documented


def test_names_with_escapes_are_shown_and_not_obeyed(tmp_path: Path) -> None:
    (tmp_path / "\x1b[31m.conf").write_text("options vfio-pci ids=\x1b[2J\n")
    done = lint(tmp_path / "\x1b[31m.conf")
    assert b"\x1b" not in done.stdout + done.stderr


def test_only_nix_needs_the_parser(tmp_path: Path) -> None:
    """Without the extra, other files are reviewed, and Nix gets one line that says how to get it."""
    (tmp_path / "vfio.conf").write_text(BAD)
    (tmp_path / "a.nix").write_text("{ }")
    code = (
        "import sys; sys.modules['tree_sitter'] = None; from vfio_wizard.cli import main;"
        "sys.exit(main(sys.argv[1:]))"
    )
    ran = [
        subprocess.run(
            (sys.executable, "-c", code, "lint", tmp_path / name), check=False, capture_output=True
        )
        for name in ("vfio.conf", "a.nix")
    ]
    assert [one.returncode for one in ran] == [1, 2]
    assert b"pip install 'vfio-wizard[lint]'" in ran[1].stderr
    assert ran[1].stderr.count(b"\n") == 1


def test_a_review_without_nix_loads_no_heavy_library(tmp_path: Path) -> None:
    (tmp_path / "vfio.conf").write_text("softdep nouveau pre: vfio-pci\n")
    code = (
        "import sys; from vfio_wizard.cli import main; main(sys.argv[1:]);"
        "print(*{'tree_sitter', 'xml.parsers.expat', 'textual', 'subprocess', 'asyncio'} & set(sys.modules))"
    )
    done = subprocess.run(
        (sys.executable, "-I", "-c", code, "lint", tmp_path / "vfio.conf"), check=True, capture_output=True
    )
    assert done.stdout.splitlines()[-1] == b""
