"""The questions of the wizard: each can be answered, each answer reads back, each "no" has its reason."""

from __future__ import annotations

import pytest

from tests.facts_builder import good_machine
from vfio_wizard.checks.registry import find as find_check
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.selection import Selection
from vfio_wizard.planning.answers import parse, print_answers
from vfio_wizard.planning.options import Option, answer, find, options

FACTS = good_machine()
CHOSEN = Selection((PciAddress.parse("0000:01:00.0"),))
EVERY = options(FACTS)
WRITTEN = {
    "users": "alice bob",
    "guest": "gaming",
    "cpus.guest": "2-3",
    "domain.disk": "default/windows.qcow2",
    "domain.iso": "/isos/windows.iso",
    "domain.virtio_iso": "/isos/virtio-win.iso",
}


@pytest.mark.parametrize("option", EVERY, ids=lambda one: one.key)
def test_every_answer_reads_back_and_survives_the_answers_file(option: Option) -> None:
    choices = option.choices(FACTS, CHOSEN)
    values = [one.value for one in choices if not one.why_not] or [WRITTEN[option.key], ""]
    for value in values:
        if value == "" and option.key == "guest":
            continue
        chosen = answer(option, FACTS, CHOSEN, value)
        assert option.get(chosen) == value
        assert parse(print_answers(chosen)) == chosen


@pytest.mark.parametrize("option", EVERY, ids=lambda one: one.key)
def test_what_is_answered_without_asking_is_among_the_choices(option: Option) -> None:
    choices = option.choices(FACTS, CHOSEN)
    assert not choices or option.get(CHOSEN) in [one.value for one in choices]


@pytest.mark.parametrize("option", EVERY, ids=lambda one: one.key)
def test_the_check_that_tells_more_exists(option: Option) -> None:
    assert not option.explains or find_check(option.explains)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("bind", "by-magic"),
        ("users", "Robert'); DROP"),
        ("guest", "a/b"),
        ("guest", ""),
        ("domain.system", "beos"),
        ("domain.memory_mib", "lots"),
        ("domain.memory_mib", "12"),
        ("domain.vcpus", "0"),
        ("cpus.guest", "2-"),
        ("looking_glass.mode", "yes"),
        ("looking_glass.size", "99999999x1"),
        ("looking_glass.size", "1920"),
        ("looking_glass.release", "b6"),
        ("vendor_reset", "maybe"),
        ("nixos.style", "flake"),
    ],
)
def test_an_answer_that_cannot_be_is_refused_in_words(key: str, value: str) -> None:
    with pytest.raises(UsageError):
        answer(find(key), FACTS, CHOSEN, value)


def test_memory_that_the_host_has_not_is_offered_with_the_reason_and_not_taken() -> None:
    option = find("domain.memory_mib")
    last = option.choices(FACTS, CHOSEN)[-1]
    assert last.value == str(32 << 10)
    assert "32 GiB" in last.why_not
    with pytest.raises(UsageError, match="needs some itself"):
        answer(option, FACTS, CHOSEN, last.value)


def test_more_cpus_than_there_are_have_a_reason() -> None:
    last = find("domain.vcpus").choices(FACTS, CHOSEN)[-1]
    assert (last.value, last.why_not) == ("10", "this machine has 8 logical CPUs")


def test_a_question_that_nobody_asks_is_an_error() -> None:
    with pytest.raises(UsageError, match="no option"):
        find("domain.colour")
