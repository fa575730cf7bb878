"""The search from what somebody sees to what explains it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vfio_wizard.cli import main
from vfio_wizard.model.errors import UsageError
from vfio_wizard.report.symptoms import MOST, search, search_text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("my VM says code 43", "gpu.guest-driver"),
        ("No interrupt remapping support", "iommu.interrupt-remapping"),
        ("group 14 is not viable", "group.viable"),
        ("black screen after reboot", "vfio-wizard undo"),
        ("Windows setup finds no disk", "vfio-wizard domain"),
        ("stuck in D3", "gpu.reset"),
        ("BAR 0: can't reserve [mem 0xe0000000-0xefffffff 64bit pref]", "gpu.framebuffer"),
        ("Looking Glass mouse does not work", "vfio-wizard domain"),
        ("network 'default' is not active", "libvirt.network"),
        ("worked until the last kernel update", "vfio-wizard verify"),
        ("vfio_container_dma_map -22", "iommu.address-width"),
        ("two identical cards", "gpu.twins"),
    ],
)
def test_what_people_say_leads_to_what_explains_it(words: str, told: str) -> None:
    assert told in " ".join(one.told for one in search(words)[:3])


def test_words_that_nobody_knows_get_a_next_step_and_no_guess() -> None:
    assert search("xylophone") == ()
    assert "vfio-wizard --check" in search_text("xylophone", 80)


def test_nothing_asked_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="say what you see"):
        search(" ?! ")


def test_escapes_in_the_question_do_not_reach_the_terminal() -> None:
    assert "\x1b" not in search_text("xylophone\x1b[2J", 80)


@given(st.text(max_size=80))
def test_any_question_is_answered_or_refused(words: str) -> None:
    try:
        assert len(search(words)) <= MOST
    except UsageError:
        assert not any(char.isascii() and char.isalnum() for char in words.lower())


def test_the_command_takes_words_with_and_without_quotes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--search", "code", "43"]) == 0
    apart = capsys.readouterr().out
    assert main(["explain", "--search", "code 43"]) == 0
    assert capsys.readouterr().out == apart
    assert main(["explain", "--search", "code 43", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "vfio-wizard/search/1"
    assert document["answers"][0]["told"]


def test_explain_without_anything_says_what_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain"]) == 2
    assert "--search" in capsys.readouterr().err
