"""The project's own flake: parsed by Nix, and evaluated with stand-ins for nixpkgs.

It cannot be built here, since nixpkgs is not at hand; what is left out says docs/nixos.md.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY
from tests.nix.evaluator import literal
from tests.nix.test_goldens import parses
from vfio_wizard import __version__

FILES = ("flake.nix", "nix/package.nix", "nix/module.nix")

NIXPKGS = """
rec {
  lib = {
    genAttrs = names: f: builtins.listToAttrs (map (name: { inherit name; value = f name; }) names);
    head = builtins.head;
    cleanSource = path: "source";
    makeBinPath = packages: builtins.concatStringsSep ":" packages;
    licenses.gpl3Plus = "GPL-3.0-or-later";
    platforms.linux = [ "linux" ];
  };
  packages = {
    inherit lib;
    pciutils = "pciutils";
    fetchPypi = args: args;
    python3Packages = {
      buildPythonPackage = f: if builtins.isFunction f then f { } else f;
      buildPythonApplication = args: args // { outPath = "/store/vfio-wizard"; };
      cached-property = "cached-property";
      hatchling = "hatchling";
      pyroute2 = "pyroute2";
      pyudev = "pyudev";
      textual = "textual";
      zstandard = "zstandard";
    };
  };
  callPackage = file: args: (import file) packages;
  legacyPackages = {
    x86_64-linux = { inherit callPackage; };
    aarch64-linux = { inherit callPackage; };
  };
}
"""


def flake(expression: str) -> Any:
    """An expression over ``outputs`` of the flake."""
    return literal(
        f"let nixpkgs = {NIXPKGS}; outputs = (import {REPOSITORY}/flake.nix).outputs "
        f"{{ inherit nixpkgs; self = outputs; }}; in {expression}"
    )


@pytest.mark.nix
@pytest.mark.parametrize("name", FILES)
def test_nix_parses_the_file(name: str, tmp_path: Path) -> None:
    done = parses(REPOSITORY / name, tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_package_has_the_version_of_the_program() -> None:
    package = flake('removeAttrs outputs.packages.x86_64-linux.default [ "outPath" ]')
    assert package["version"] == __version__
    assert package["meta"]["mainProgram"] == "vfio-wizard"


def test_the_package_needs_what_the_program_needs() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {one.split(">=")[0] for one in project["dependencies"]}
    given = flake("map (one: one.pname or one) outputs.packages.x86_64-linux.default.dependencies")
    assert set(given) == wanted


def test_nix_run_starts_the_console_script() -> None:
    app = flake("outputs.apps.aarch64-linux.default")
    assert app == {"type": "app", "program": "/store/vfio-wizard/bin/vfio-wizard"}


MODULE_STAND_INS = """
{
  lib = {
    mkEnableOption = text: { option = text; };
    mkOption = args: builtins.removeAttrs args [ "type" ];
    mkIf = condition: content: if condition then content else { };
    literalExpression = text: text;
    types.package = { };
  };
  pkgs.stdenv.hostPlatform.system = "x86_64-linux";
  config.programs.vfio-wizard = { enable = ENABLE; package = "the package"; };
}
"""


@pytest.mark.parametrize(("enable", "expected"), [("true", ["the package"]), ("false", None)])
def test_the_module_installs_the_program_and_nothing_else(enable: str, expected: list[str] | None) -> None:
    stand_ins = MODULE_STAND_INS.replace("ENABLE", enable)
    found = flake(f"(outputs.nixosModules.default ({stand_ins})).config")
    assert found == ({"environment": {"systemPackages": expected}} if expected else {})
