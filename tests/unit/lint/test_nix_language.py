"""How Nix is read: what is literal is evaluated with its places, what is not is said not to be judged."""

# ruff: noqa: E501 - samples and what is said of them stand as they are
from __future__ import annotations

import time

import pytest

from tests.unit.lint.reviewing import nix, only, rules

STALE = "lint.parameter.not-a-value"

SPELLINGS = {
    "plain": '{ boot.kernelParams = [ "amd_iommu=on" ]; }',
    "nested sets": '{ boot = { kernelParams = [ "amd_iommu=on" ]; }; }',
    "quoted attribute": '{ "boot"."kernelParams" = [ "amd_iommu=on" ]; }',
    "function of arguments": '{ config, ... }: { boot.kernelParams = [ "amd_iommu=on" ]; }',
    "function of a function": 'inputs: { config, ... }: { config.boot.kernelParams = [ "amd_iommu=on" ]; }',
    "let": 'let words = [ "amd_iommu=on" ]; in { boot.kernelParams = words; }',
    "let string": 'let word = "on"; in { boot.kernelParams = [ "amd_iommu=${word}" ]; }',
    "rec": '{ my = rec { a = "amd_iommu=on"; b.boot.kernelParams = [ a ]; }; }',
    "inherit": 'let boot.kernelParams = [ "amd_iommu=on" ]; in { inherit boot; }',
    "inherit from": 'let x.boot.kernelParams = [ "amd_iommu=on" ]; in { inherit (x) boot; }',
    "with": '{ lib, ... }: with lib; { boot.kernelParams = mkForce [ "amd_iommu=on" ]; }',
    "with a known set": 'with { w = "amd_iommu=on"; }; { boot.kernelParams = [ w ]; }',
    "mkIf": '{ lib, x, ... }: { config = lib.mkIf x { boot.kernelParams = [ "amd_iommu=on" ]; }; }',
    "mkMerge": '{ lib, ... }: lib.mkMerge [ { } { boot.kernelParams = [ "amd_iommu=on" ]; } ]',
    "mkOrder": '{ lib, ... }: { boot.kernelParams = lib.mkOrder 50 [ "amd_iommu=on" ]; }',
    "optionals": '{ lib, c, ... }: { boot.kernelParams = [ "quiet" ] ++ lib.optionals c [ "amd_iommu=on" ]; }',
    "optional": '{ lib, c, ... }: { boot.kernelParams = lib.lists.optional c "amd_iommu=on"; }',
    "if": '{ c, ... }: { boot.kernelParams = if c then [ "quiet" ] else [ "amd_iommu=on" ]; }',
    "unknown in the list": '{ c, ... }: { boot.kernelParams = c.words ++ [ "amd_iommu=on" c.x ]; }',
    "update": '{ boot = { } // { kernelParams = [ "amd_iommu=on" ]; }; }',
    "plus": '{ boot.kernelParams = [ ("amd_" + "iommu=on") ]; }',
    "concatStringsSep": '{ lib, ... }: { boot.kernelParams = [ (lib.concatStringsSep "=" [ "amd_iommu" "on" ]) ]; }',
    "map": '{ boot.kernelParams = map (v: "${v}_iommu=on") [ "amd" ]; }',
    "lambda with formals": 'let f = { v }: "${v}=on"; in { boot.kernelParams = [ (f { v = "amd_iommu"; }) ]; }',
    "specialisation": '{ specialisation.VFIO.configuration.boot.kernelParams = [ "amd_iommu=on" ]; }',
    "flake": "{ outputs = { self, nixpkgs }: { nixosConfigurations.h = nixpkgs.lib.nixosSystem { modules = [\n"
    '  ({ pkgs, ... }: { boot.kernelParams = [ "amd_iommu=on" ]; }) ]; }; }; }',
    "imports": '{ imports = [ { boot.kernelParams = [ "amd_iommu=on" ]; } ]; }',
    "assert": '{ x, ... }: assert x; { boot.kernelParams = [ "amd_iommu=on" ]; }',
    "indented string": "{ boot.kernelParams = [ ''amd_iommu=on'' ]; }",
}


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_every_way_to_write_it_is_read(text: str) -> None:
    assert only(nix(text), STALE).seen == "amd_iommu=on"


@pytest.mark.parametrize(
    "text",
    [
        '{ options.boot.kernelParams = [ "amd_iommu=on" ]; }',
        '# boot.kernelParams = [ "amd_iommu=on" ];\n{ }',
        '{ boot.kernelParams = [ ("a" + "mdiommu=on") ]; }',
        '{ my.notes = [ "amd_iommu=on" ]; }',
        '{ boot = { kernelParams = [ "amd_iommu=on" ]; } // { kernelParams = [ ]; }; }',
        '{ boot.kernelParams = if false then [ "amd_iommu=on" ] else [ ]; }',
    ],
)
def test_what_is_not_set_is_not_judged_as_if_it_were(text: str) -> None:
    assert rules(nix(text)) == []


def test_what_comes_from_elsewhere_is_said_not_to_be_judged() -> None:
    found = nix(
        '{ config, ... }: { boot.kernelParams = config.my.words ++ [ "vfio-pci.ids=${config.my.ids}" ]; }'
    )
    assert rules(found) == []
    assert [gap.what for gap in found.gaps] == ["boot.kernelParams: config.my.words", "vfio-pci.ids=…"]


def test_columns_count_characters_and_not_bytes() -> None:
    found = nix('{ x = "äöü€"; boot.kernelParams = [ "amd_iommu=on" ]; }')
    assert only(found, STALE).place == (1, 38)


def test_a_value_is_found_where_it_was_written_and_not_where_it_is_used() -> None:
    found = nix(
        'let\n  ids = [\n    "10de:1e87"\n    "02:00.0"\n  ];\nin {\n  boot.kernelParams = [ "vfio-pci.ids='
        '${builtins.concatStringsSep "," ids}" ];\n}'
    )
    assert only(found, "lint.ids.address").place == (4, 6)


def test_lines_of_an_indented_string_keep_their_places() -> None:
    found = nix(
        "{\n  boot.extraModprobeConfig = ''\n    # ids\n    options vfio-pci ids=10de:zzzz\n  '';\n}\n"
    )
    assert only(found, "lint.ids.malformed").place == (4, 26)


def test_escapes_are_read_as_nix_reads_them() -> None:
    found = nix(
        '{ boot.kernelParams = [ "a=\\"b c\\"" "x\\ty" ]; boot.extraModprobeConfig = \'\'\n  #'
        " $x ''${y}\n''; }"
    )
    assert rules(found) == ["lint.parameter.several"]


def test_a_circle_of_names_ends() -> None:
    assert rules(nix("let a = b; b = a; in { boot.kernelParams = a; x = rec { y = y; }; }")) == []


@pytest.mark.parametrize(
    "text",
    [
        "[" * 50_000,
        "(" * 50_000,
        "{a=" * 30_000,
        '"${' * 30_000,
        "a: " * 30_000,
        "x " * 50_000,
        "let f = x: f (f x); in { boot.kernelParams = f f; }",
        "let a = x: x x; in { boot = a a; }",
        "let a = [ 1 1 1 1 1 1 1 1 ]; b = map (x: a) a; c = map (x: b) b; d = map (x: c) c; e = map (x: d) d;"
        " in { boot.kernelParams = map (x: e) e; }",
        'let a = "xxxxxxxxxx"; b = "${a}${a}${a}${a}${a}${a}"; c = "${b}${b}${b}${b}${b}${b}${b}";'
        ' d = "${c}${c}${c}${c}${c}${c}${c}"; e = "${d}${d}${d}${d}${d}${d}"; f = "${e}${e}${e}${e}${e}${e}";'
        ' g = "${f}${f}${f}${f}${f}${f}"; in { boot.kernelParams = [ g ]; }',
        "{ boot.kernelParams = " + "[ 1 ] ++ " * 3_000 + "[ ]; }",
    ],
    ids=lambda text: text[:12],
)
def test_no_file_keeps_the_program_busy(text: str) -> None:
    begun = time.monotonic()
    nix(text)
    assert time.monotonic() - begun < 10
