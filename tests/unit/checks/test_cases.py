"""Each check on machines where it must pass, fail, skip or say that it cannot know."""

from __future__ import annotations

import pytest

from tests.facts_builder import GPU, at, good_machine
from tests.unit.checks.case import Case
from tests.unit.checks.cases import FAILS, GAPS, PASSES, SKIPS
from vfio_wizard.checks.registry import CHECKS, run_checks
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.finding import Finding, Status


def _of(case: Case) -> tuple[Finding, ...]:
    found = run_checks(case.facts, case.selection, only=(case.id,))
    return tuple(one for one in found if case.subject in (None, one.outcome.subject))


def _names(case: Case) -> str:
    return f"{case.id}: {case.name}"


@pytest.mark.parametrize("case", FAILS, ids=_names)
def test_failing_situation_is_named_with_evidence_and_a_fix(case: Case) -> None:
    failing = [one for one in _of(case) if one.outcome.status is Status.FAIL]
    assert failing, [one.outcome for one in _of(case)]
    outcome = failing[0].outcome
    assert case.says in outcome.summary
    assert outcome.fix is not None
    assert case.fix in outcome.fix.text
    assert outcome.evidence


@pytest.mark.parametrize("case", PASSES, ids=_names)
def test_right_set_up_passes_with_proof(case: Case) -> None:
    passing = [one for one in _of(case) if one.outcome.status is Status.PASS]
    assert passing, [one.outcome for one in _of(case)]
    assert case.says in passing[0].outcome.summary
    assert passing[0].outcome.evidence


@pytest.mark.parametrize("case", SKIPS, ids=_names)
def test_question_that_does_not_arise_is_skipped(case: Case) -> None:
    found = _of(case)
    assert {one.outcome.status for one in found} == {Status.SKIP}, [one.outcome for one in found]
    assert case.says in found[0].outcome.summary


@pytest.mark.parametrize(("name", "facts"), GAPS.items(), ids=GAPS.keys())
def test_missing_fact_is_unknown_and_says_how_to_know(name: str, facts: HostFacts) -> None:
    found = run_checks(facts, (at(GPU),), only=(name,))
    unknown = [one for one in found if one.outcome.status is Status.UNKNOWN]
    assert unknown, [one.outcome for one in found]
    assert unknown[0].outcome.fix is not None
    assert unknown[0].outcome.fix.text


@pytest.mark.parametrize("name", [check.id for check in CHECKS])
def test_everything_passes_on_the_good_machine(name: str) -> None:
    found = run_checks(good_machine(), (at(GPU),), only=(name,))
    assert [one.outcome.status for one in found if one.outcome.status is not Status.PASS] == []
    assert all(one.outcome.evidence for one in found)
