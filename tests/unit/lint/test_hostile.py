"""Arbitrary text is reviewed or refused in one line; it never raises anything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.lint.mistakes import SAMPLES
from tests.unit.lint.reviewing import read
from vfio_wizard.lint.kinds import Kind
from vfio_wizard.lint.review import LARGEST
from vfio_wizard.lint.xmltree import DEEPEST
from vfio_wizard.model.errors import UsageError

BITS = (
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    '"',
    "''",
    "${",
    "\\",
    "\n",
    "=",
    "+=",
    ";",
    "'",
    "`",
    "$(",
    "--",
    "\0",
    "ä",
)
KINDS = st.sampled_from(list(Kind))
TEXTS = st.sampled_from([sample.text for sample in SAMPLES])


@given(st.text(max_size=200), KINDS)
def test_any_text_of_any_kind(text: str, kind: Kind) -> None:
    read(text, "file", kind=kind)


@given(
    st.lists(
        st.sampled_from((*BITS, "GRUB_CMDLINE_LINUX", "MODULES", "ids", "options", "1002:731f")), max_size=40
    ),
    KINDS,
)
def test_any_mix_of_signs(bits: list[str], kind: Kind) -> None:
    read(" ".join(bits), "file", kind=kind)
    read("".join(bits), "file", kind=kind)


@given(TEXTS, st.integers(0, 400), st.integers(0, 8), st.sampled_from(BITS), KINDS)
def test_any_sample_with_a_piece_cut_out_and_a_sign_put_in(
    text: str, at: int, cut: int, bit: str, kind: Kind
) -> None:
    at = min(at, len(text))
    broken = text[:at] + bit + text[at + cut :]
    found = read(broken, "file.nix", kind=kind)
    lines = broken.count("\n") + 1
    assert all(1 <= one.place.line <= lines and one.place.column >= 1 for one in found.mistakes)


@given(st.text(max_size=120))
def test_the_kind_of_any_text_is_told_or_refused(text: str) -> None:
    try:
        read(text, "file")
    except UsageError as error:
        assert "\n" not in str(error)  # noqa: PT017 - a refusal is one of two right answers


def test_prose_is_refused_and_names_what_is_reviewed() -> None:
    with pytest.raises(UsageError, match=r"no configuration that is known here.*libvirt XML"):
        read("Dear forum, my VM does not start.", "letter.txt")


def test_a_file_beyond_all_measure_is_refused() -> None:
    with pytest.raises(UsageError, match="larger than configuration"):
        read("x" * (LARGEST + 1), "a.nix")


def test_xml_that_is_nested_without_end_is_refused() -> None:
    found = read("<domain>" + "<a>" * (DEEPEST + 5), "vm.xml")
    assert found.mistakes[0].rule == "lint.domain.syntax"


def test_entities_are_never_expanded() -> None:
    bomb = (
        '<!DOCTYPE d [<!ENTITY a "'
        + "x" * 50
        + '">'
        + "".join(f'<!ENTITY {chr(98 + number)} "{f"&{chr(97 + number)};" * 10}">' for number in range(8))
        + "]><domain>&i;</domain>"
    )
    assert [one.rule for one in read(bomb, "vm.xml").mistakes] == ["lint.domain.doctype"]


@pytest.mark.parametrize("size", [20_000])
@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.NIX])
def test_long_lines_take_no_time_to_speak_of(kind: Kind, size: int) -> None:
    import time  # noqa: PLC0415 - only here

    begun = time.monotonic()
    for text in (
        "a=b " * size,
        "options vfio-pci ids=" + "1002:731f," * size,
        "GRUB_CMDLINE_LINUX=" + "\\\n" * size,
    ):
        read(text, "file", kind=kind)
    assert time.monotonic() - begun < 20
