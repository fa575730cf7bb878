"""Evaluation of generated modules as functions with stand-ins: no nixpkgs, no store, no network."""

from __future__ import annotations

from typing import Any

import nixeval

DOLLAR = "\ue000"
"""nixeval prints ``${`` inside a result as ``\\${``, which JSON does not know; so dollars are renamed."""

_CLEAN = """
let
  word = text: builtins.replaceStrings [ "$" ] [ "\ue000" ] text;
  clean = value:
    if builtins.isString value then word value
    else if builtins.isList value then map clean value
    else if builtins.isAttrs value then
      builtins.listToAttrs (map (name: { name = word name; value = clean value.${name}; })
        (builtins.attrNames value))
    else if builtins.isPath value then { path = baseNameOf (toString value); }
    else if builtins.isFunction value then { function = true; }
    else value;
in clean
"""

STAND_INS = """
let
  lib = rec {
    mkIf = condition: content: { mkIf = { inherit condition content; }; };
    mkBefore = content: { mkBefore = content; };
    mkForce = content: { mkForce = content; };
    mkEnableOption = text: { option = text; };
    mutuallyExclusive = a: b: builtins.all (x: !(builtins.elem x b)) a;
    any = f: list: builtins.any f list;
    elem = builtins.elem;
    intersectLists = a: b: builtins.filter (x: builtins.elem x b) a;
    kernel = {
      yes = "yes";
      no = "no";
      module = "module";
      freeform = value: { freeform = value; };
    };
  };
  package = name: { package = name; };
  pkgs = {
    linuxPackages = package "linuxPackages";
    linuxPackages_latest = package "linuxPackages_latest";
    linuxPackages_zen = package "linuxPackages_zen";
    linuxPackages_xanmod = package "linuxPackages_xanmod";
    linuxPackages_6_12 = package "linuxPackages_6_12";
    looking-glass-client = package "looking-glass-client";
    virt-manager = package "virt-manager";
    systemd = "/store/systemd";
    writeTextDir = name: text: { dir = name; inherit text; };
    writeShellScript = name: text: { script = name; inherit text; };
  };
  config = {
    gpuPassthrough.enable = true;
    boot = {
      kernelPackages = { vendor-reset = package "vendor-reset"; kvmfr = package "kvmfr"; };
      initrd = { systemd.enable = SYSTEMD; kernelModules = [ "vfio_pci" ]; };
    };
  };
in { inherit lib pkgs config; options = { }; }
"""


def literal(source: str) -> Any:
    """The value of Nix source text, with dollars as they are."""
    return _restore(nixeval.loads(f"({_CLEAN}) ({source})"))


def module(source: str, *, systemd_stage_1: bool = False) -> Any:
    """What a module function returns when it is called with the stand-ins."""
    stand_ins = STAND_INS.replace("SYSTEMD", "true" if systemd_stage_1 else "false")
    return literal(f"let standIns = {stand_ins}; in ({source}) standIns")


def inner(source: str, path: str, *, systemd_stage_1: bool = False) -> Any:
    """What the function at an attribute path of a module returns (a specialisation's configuration)."""
    stand_ins = STAND_INS.replace("SYSTEMD", "true" if systemd_stage_1 else "false")
    return literal(
        f"let standIns = {stand_ins}; found = (({source}) standIns).{path}; "
        "in if builtins.isFunction found then found standIns else found"
    )


def _restore(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace(DOLLAR, "$")
    if isinstance(value, list):
        return [_restore(one) for one in value]
    if isinstance(value, dict):
        return {_restore(key): _restore(one) for key, one in value.items()}
    return value
