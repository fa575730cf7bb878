"""Values through the printer and a real Nix evaluator: the same string comes back, or it is refused."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.nix.evaluator import DOLLAR, literal
from vfio_wizard.render import nix
from vfio_wizard.render.nix import Binding, Call, Code, Item, Lines, Set, UnprintableError

AWKWARD = st.text(st.sampled_from("ab \t\n\r'\"\\${}#/*é☃\u202e\x1b\x00\x7f") | st.characters(), max_size=25)
PLAIN_LINE = AWKWARD.filter(lambda text: DOLLAR not in text)


@given(PLAIN_LINE)
@example("${builtins.currentSystem}")
@example("$${x}")
@example("\\${x}")
@example('"; boom = "')
def test_a_string_survives_or_is_refused(text: str) -> None:
    try:
        printed = nix.string(text)
    except UnprintableError:
        assert any(not char.isprintable() for char in text)
        return
    assert literal(printed) == text


@given(st.lists(PLAIN_LINE, min_size=1, max_size=4))
@example(["'${x}"])
@example(["'"])
@example(["''", "'''", "''${x}", "$''"])
@example(["  all", "  lines", "    indented"])
@example(["", "  x", ""])
@example(["   "])
def test_lines_survive_or_are_refused(lines: list[str]) -> None:
    try:
        printed = nix.source(Lines(tuple(lines)))
    except UnprintableError:
        assert any(not char.isprintable() for line in lines for char in line)
        return
    assert literal(printed) == "".join(f"{line}\n" for line in lines)


@given(PLAIN_LINE.filter(bool))
@example("or")
@example("rec")
@example("a.b")
@example("${x}")
@example("1a")
def test_an_attribute_name_survives_or_is_refused(text: str) -> None:
    try:
        printed = nix.source(Set((Binding((text, "b"), 1),)))
    except UnprintableError:
        return
    assert literal(printed) == {text: {"b": 1}}


@given(AWKWARD)
@example("evil\n} # out of the comment")
@example("*/ */")
@example("\u2028 line separator \x85 next line")
def test_nothing_breaks_out_of_a_comment(text: str) -> None:
    printed = nix.comment(text) + nix.source(Set((Binding(("a",), 1, text),)))
    assert literal(printed) == {"a": 1}
    assert all(line.lstrip().startswith(("#", "{", "a", "}")) for line in printed.splitlines())


@pytest.mark.parametrize("char", ["\x00", "\x1b", "\x7f", "\x9b", "\u202e", "\u2066", "\u200b", "\udc80"])
def test_characters_that_hide_or_reorder_text_are_refused(char: str) -> None:
    with pytest.raises(UnprintableError, match="which no file should hide"):
        nix.string(f"a{char}b")


def test_lists_break_as_nixfmt_breaks_them() -> None:
    assert nix.source(["one"]) == '[ "one" ]'
    assert nix.source([]) == "[ ]"
    assert nix.source(["a", "b"]) == '[\n  "a"\n  "b"\n]'
    assert nix.source((Item("a", "why"),)) == '[\n  # why\n  "a"\n]'


def test_a_call_in_a_list_is_in_parentheses() -> None:
    assert nix.source((Item(Call(Code("f x"), "y")),)) == '[ (f x "y") ]'


def test_three_arguments_get_a_line_each() -> None:
    assert nix.parameters(("lib", "pkgs")) == "{ lib, pkgs, ... }:"
    assert nix.parameters(()) == "{ ... }:"
    assert nix.parameters(("config", "lib", "pkgs")) == "{\n  config,\n  lib,\n  pkgs,\n  ...\n}:"


def test_a_head_that_is_said_three_times_is_said_once() -> None:
    bindings = tuple(Binding(("boot", name), 1) for name in ("a", "b", "c"))
    assert nix.source(nix.grouped(bindings)) == "{\n  boot = {\n    a = 1;\n    b = 1;\n    c = 1;\n  };\n}"
    assert nix.source(nix.grouped(bindings[:2])) == "{\n  boot.a = 1;\n  boot.b = 1;\n}"


@pytest.mark.parametrize("name", ["a b.patch", "../x", "é.patch", "${x}", "a/b", "a\n"])
def test_odd_file_names_make_no_path_literal(name: str) -> None:
    with pytest.raises(UnprintableError):
        nix.file_beside(name)


def test_numbers_flags_and_code_print_as_they_are() -> None:
    assert literal(
        nix.source(Set((Binding(("a",), True), Binding(("b",), 5), Binding(("c",), Code("1 + 1")))))
    ) == {
        "a": True,
        "b": 5,
        "c": 2,
    }
