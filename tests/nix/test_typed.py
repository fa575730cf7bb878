"""Modules merged and typed by nixpkgs' own ``lib``: what CI cannot have, a contributor can.

``NIXPKGS_LIB=/path/to/nixpkgs/lib make pytest ARGS=tests/nix/test_typed.py`` declares the options of the
program's table with nixpkgs' types and runs every case through ``evalModules``: conditions, orders,
merged lists, duplicate definitions, the specialisation's own ``config``.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.nix.cases import CASES, RELEASES
from tests.nix.evaluator import STAND_INS
from vfio_wizard.knowledge import nixos as known
from vfio_wizard.knowledge.nixos import Option, Release
from vfio_wizard.model.selection import Style

LIB = os.environ.get("NIXPKGS_LIB", "")
TYPES = {
    known.BOOLEAN: "bool",
    known.STRINGS: "listOf str",
    known.LINES: "lines",
    known.PACKAGES: "listOf raw",
    "list of path": "listOf raw",
    "list of unspecifieds": "listOf unspecified",
    "list of attribute set": "listOf (attrsOf raw)",
    "list of string, with spaces inside double quotes": 'listOf (strMatching "([^ \\"]|\\"[^\\"]*\\")*")',
    "list of string, not containing newlines or colons": 'listOf (strMatching "[^\\n:]*")',
    "raw value": "raw",
    "anything": "anything",
    "attribute set of anything": "attrsOf anything",
    "attribute set of path": "attrsOf raw",
}
DEFAULTS = {"bool": "false", "lines": '""', "raw": "standIns.config.boot.kernelPackages"}

pytestmark = [
    pytest.mark.nix,
    pytest.mark.skipif(not LIB, reason="opt-in: NIXPKGS_LIB names a checkout of nixpkgs' lib"),
]


def declarations(release: Release) -> Iterator[str]:
    """Every option of the table that the release has, except those inside named sub-modules."""
    for row in known.OPTIONS:
        if known.has_option(row.path, release) and "*" not in row.path:
            kind = type_of(row)
            default = DEFAULTS.get(kind, "[ ]" if kind.startswith("listOf") else "{ }")
            if kind.startswith("enum"):
                default = kind.split()[2]
            declared = f"type = with lib.types; {kind}; default = {default};"
            yield f"options.{row.path} = lib.mkOption {{ {declared} }};"


def type_of(row: Option) -> str:
    if row.type.startswith("one of "):
        return f"enum [ {row.type.removeprefix('one of ').replace(',', '')} ]"
    return TYPES[row.type]


EXPRESSION = """
let
  lib = import LIB;
  standIns = STAND_INS;
  plain = { ... }: { OPTIONS
    options.users.groups = lib.mkOption {
      default = { };
      type = lib.types.attrsOf (lib.types.submodule {
        options.members = lib.mkOption { type = lib.types.listOf lib.types.str; default = [ ]; };
      });
    };
    config._module.args.pkgs = standIns.pkgs;
  };
  second = { ... }: {
    options.specialisation = lib.mkOption {
      default = { };
      type = lib.types.attrsOf (lib.types.submodule {
        options.configuration = lib.mkOption {
          default = { };
          type = lib.types.submoduleWith { modules = [ plain ]; };
        };
      });
    };
  };
  switch = { options, ... }: {
    config = lib.optionalAttrs (options ? gpuPassthrough) { gpuPassthrough.enable = true; };
  };
  evaluated = file:
    let found = (lib.evalModules { modules = [ plain second switch file ]; }).config;
    in builtins.deepSeq (removeAttrs found [ "specialisation" "_module" ]) (
      builtins.deepSeq
        (lib.mapAttrs (name: one: removeAttrs one.configuration [ "_module" ]) found.specialisation)
        (toString file));
in map evaluated [ FILES ]
"""


@pytest.mark.parametrize("wanted", RELEASES)
def test_nixpkgs_lib_merges_every_case_without_a_type_error(wanted: str, tmp_path: Path) -> None:
    release = known.release(wanted)
    assert release is not None
    files = []
    for case in CASES:
        for style in Style:
            file = tmp_path / f"{case.name}-{style.value}.nix"
            file.write_text(case.text(style, wanted), encoding="utf-8")
            files.append(str(file))
    # Every kernel set of the stand-ins has the two module packages here.
    stand_ins = STAND_INS.replace("SYSTEMD", "false").replace(
        "{ package = name; }", "{ package = name; vendor-reset = { }; kvmfr = { }; }"
    )
    whole = EXPRESSION.replace("LIB", LIB).replace("OPTIONS", "\n".join(declarations(release)))
    expression = tmp_path / "all.nix"
    expression.write_text(whole.replace("STAND_INS", stand_ins).replace("FILES", " ".join(files)))
    done = subprocess.run(
        ["nix-instantiate", "--store", "dummy://", "--eval", "--strict", "--json", str(expression)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HOME": str(tmp_path), "NIX_CONF_DIR": str(tmp_path), "NIX_PATH": ""},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == files
