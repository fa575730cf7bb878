"""What the wizard's steps show, without a screen: reasons at the changed lines, hints, rows and cursor."""

from __future__ import annotations

import pytest

from tests.facts_builder import at, card, good_machine, integrated
from vfio_wizard.model.finding import Verdict
from vfio_wizard.model.selection import Selection
from vfio_wizard.planning.plan import make_plan
from vfio_wizard.planning.standing import never, standing
from vfio_wizard.render.registry import for_host
from vfio_wizard.report.pages import devices, review
from vfio_wizard.report.pages.review import Proposal
from vfio_wizard.report.pages.rows import Row, laid_out, move, place_of, row_text
from vfio_wizard.report.pages.steps import STEPS, Standing, hint, topic_text, trail

GRUB = 'GRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX_DEFAULT="quiet splash"\n'
HOST = good_machine(pci=(integrated(), *card(driver="radeon")))


def made() -> tuple[Proposal, devices.Shelf]:
    """A plan for a Debian with GRUB whose card has its own driver still."""
    selection = Selection((at("0000:01:00.0"),))
    plan = make_plan(HOST, selection)
    before = {"etc/default/grub": GRUB}
    shelf = devices.shelf(HOST, {}, (), standing(HOST), never(HOST))
    return Proposal(selection, plan, for_host(plan, before, tool_version="1"), before), shelf


def row_of(words: str) -> tuple[Proposal, Row]:
    proposal, shelf = made()
    return proposal, next(one for one in review.rows(proposal, shelf, confirmed=False) if words in one.text)


def test_each_changed_line_has_its_reason_below_it() -> None:
    proposal, row = row_of("/etc/modprobe.d/vfio-wizard.conf")
    lines = [one.text for one in review.detail(proposal, row, 76)]
    added = [number for number, text in enumerate(lines) if text.startswith("+ softdep")]
    assert added
    for number in added:
        assert lines[number + 1].lstrip().startswith("why: ")


def test_commands_say_what_they_may_write() -> None:
    proposal, row = row_of("update-initramfs")
    text = " ".join(one.text for one in review.detail(proposal, row, 76))
    assert "/boot/initrd" in text
    assert "undo puts back" in text


def test_the_way_back_and_the_confirmation_come_last() -> None:
    proposal, shelf = made()
    words = [one.word for one in review.rows(proposal, shelf, confirmed=False)]
    assert words[-1] == "[ ]"
    assert words[-2] == "way back"
    assert words.index("new") < words.index("run")


def test_another_plan_has_another_mark_and_the_same_plan_the_same() -> None:
    proposal, _ = made()
    again, _ = made()
    assert proposal.mark == again.mark
    wish = proposal.selection.domain._replace(memory_mib=4096)
    assert proposal._replace(selection=proposal.selection._replace(domain=wish)).mark != proposal.mark


@pytest.mark.parametrize("step", [one.key for one in STEPS])
def test_every_hint_fits_a_narrow_screen_whatever_the_standing(step: str) -> None:
    for verdict in (None, *Verdict):
        for flags in range(64):
            bits = [bool(flags & 1 << place) for place in range(6)]
            at_ = Standing(verdict, bits[0], bits[1], int(bits[2]), bits[3], bits[4], False, bits[5])
            assert 10 < len(hint(step, at_)) <= 75


def test_every_step_is_explained_and_the_trail_fits() -> None:
    for step in STEPS:
        text = topic_text(f"wizard.{step.key}", 76)
        assert text is not None
        assert max(map(len, text.splitlines())) <= 76
        assert len("".join(words for words, _ in trail(step.key))) < 79
    assert topic_text("wizard.magic") is None


ROWS = (
    Row("", "HEAD", is_heading=True),
    Row("a", "first"),
    Row("", "HEAD", is_heading=True),
    Row("b", "second"),
    Row("c", "third"),
)


def test_the_cursor_passes_over_headings_and_stays_at_the_ends() -> None:
    assert place_of(ROWS, None) == 1
    assert place_of(ROWS, "c") == 4
    assert move(ROWS, 1, 1) == 3
    assert move(ROWS, 3, -1) == 1
    assert move(ROWS, 1, -1) == 1
    assert move(ROWS, 4, 1) == 4
    assert move(ROWS, 4, -1000) == 1
    assert move(ROWS, 1, 1000) == 4


@pytest.mark.parametrize("width", [20, 40, 78, 200])
def test_a_row_is_never_wider_than_its_room_and_a_tail_stands_at_the_right(width: int) -> None:
    row = Row("k", "a long name of a card " * 4, "[x]", tail="boot display", depth=1)
    assert len(row_text(row, width, 3)) <= width
    head, body = laid_out(row, width, 3)
    assert head.strip() == "[x]"
    assert body.endswith("boot display") == (width > 37)
