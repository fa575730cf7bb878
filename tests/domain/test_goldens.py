"""Golden domains: reviewed as text, valid for the libvirt that they are made for, and without known mistakes.

``UPDATE_GOLDEN=1`` writes them anew; a reviewer then reads the difference.
"""

from __future__ import annotations

import os
from itertools import product
from pathlib import Path

import pytest

from tests.conftest import in_ci
from tests.domain.cases import CASES, Case
from tests.domain.schemas import STACKS, Stack
from vfio_wizard.lint.mistake import Mistake
from vfio_wizard.lint.review import Given, review
from vfio_wizard.lint.situation import Situation
from vfio_wizard.model.unread import Unread
from vfio_wizard.render.domain_check import problems
from vfio_wizard.render.domain_xml import domain_xml

GOLDEN = Path(__file__).parent / "golden"
EVERY = tuple(product(CASES, STACKS))
NAMES = [f"{case.name}-{stack.name}" for case, stack in EVERY]
each = pytest.mark.parametrize(("case", "stack"), EVERY, ids=NAMES)


def text_of(case: Case, stack: Stack) -> str:
    return domain_xml(case.plan(stack.versions).spec)


def path_of(case: Case, stack: Stack) -> Path:
    return GOLDEN / f"{case.name}-{stack.name}.xml"


@each
def test_the_domain_is_the_one_that_was_reviewed(case: Case, stack: Stack) -> None:
    text = text_of(case, stack)
    if os.environ.get("UPDATE_GOLDEN"):
        assert not in_ci(), "goldens are reviewed by people, not written by CI"
        GOLDEN.mkdir(exist_ok=True)
        path_of(case, stack).write_text(text, encoding="utf-8")
    assert text == path_of(case, stack).read_text(encoding="utf-8")


def test_no_golden_is_left_over() -> None:
    assert {one.stem for one in GOLDEN.glob("*.xml")} == set(NAMES)


@pytest.mark.virt
@each
def test_its_libvirt_takes_the_golden(case: Case, stack: Stack) -> None:
    assert stack.complaint(path_of(case, stack)) == ""


@pytest.mark.virt
@pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.name)
def test_the_schema_is_of_the_version_that_it_stands_for(stack: Stack) -> None:
    found = stack.packaged()
    if stack.suite == "sid":  # moves on
        assert found >= stack.versions.libvirt
    else:
        assert found[:2] == stack.versions.libvirt[:2]


@pytest.mark.virt
@pytest.mark.parametrize("case", ["iommufd-39-bits"])
def test_the_oldest_libvirt_would_refuse_what_is_made_for_the_newest(case: str) -> None:
    assert STACKS[0].complaint(GOLDEN / f"{case}-12.8.xml") != ""


@each
def test_nothing_that_the_schema_lets_pass_stands_against_it(case: Case, stack: Stack) -> None:
    cores = case.facts.cpu.cores
    there = None if isinstance(cores, Unread) else frozenset(one.cpu for one in cores)
    assert problems(text_of(case, stack), there) == ()


@each
def test_the_review_of_other_peoples_domains_finds_nothing(case: Case, stack: Stack) -> None:
    found = review([Given("guest.xml", text_of(case, stack))], Situation(facts=case.facts))
    assert [one for one in found.mistakes if not _is_known_to(stack, one)] == []
    assert found.gaps == ()


def _is_known_to(stack: Stack, mistake: Mistake) -> bool:
    """The review names what old ones lack; the libvirt that this is made for has it."""
    return mistake.rule == "lint.domain.newer-libvirt" and stack.name != "9.0"


@each
def test_the_golden_is_refused_nowhere(case: Case, stack: Stack) -> None:
    assert case.plan(stack.versions).refusals == ()
