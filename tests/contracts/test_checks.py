"""What holds for the checks as a whole: ids, prose, proofs, and the page that is made of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.facts_builder import GPU, at, good_machine
from tests.unit.checks.cases import FAILS, GAPS
from vfio_wizard.checks.registry import CHECKS, run_checks
from vfio_wizard.knowledge.firmware import SWITCHES
from vfio_wizard.knowledge.parameters import STALE, STALE_MODULES, UNSAFE
from vfio_wizard.knowledge.resets import FAMILIES
from vfio_wizard.model.finding import Severity, Status
from vfio_wizard.report.explain import checks_markdown

IDS = tuple(check.id for check in CHECKS)

FIXED = {
    "cpu.virtualization": Severity.BLOCKER,
    "iommu.firmware": Severity.BLOCKER,
    "iommu.enabled": Severity.BLOCKER,
    "group.isolated": Severity.BLOCKER,
    "gpu.twins": Severity.WARNING,
    "gpu.boot-display": Severity.WARNING,
    "gpu.spare": Severity.WARNING,
    "vfio.bound": Severity.WARNING,
    "boot.stale-parameters": Severity.WARNING,
}


def test_ids_and_aliases_are_unique_and_in_the_style() -> None:
    names = [name for check in CHECKS for name in (check.id, *check.aliases)]
    assert len(names) == len(set(names))
    assert [name for name in names if not re.fullmatch(r"[a-z]+\.[a-z]+(-[a-z]+)*", name)] == []


def test_fixed_ids_of_the_public_contract_are_there() -> None:
    assert {check.id: check.severity for check in CHECKS if check.id in FIXED} == FIXED


@pytest.mark.parametrize("name", IDS)
def test_every_check_fails_passes_and_does_not_know_somewhere(name: str) -> None:
    seen = {
        one.outcome.status
        for case in FAILS
        if case.id == name
        for one in run_checks(case.facts, case.selection, only=(name,))
    }
    passing = {one.outcome.status for one in run_checks(good_machine(), (at(GPU),), only=(name,))}
    gaps = {one.outcome.status for one in run_checks(GAPS[name], (at(GPU),), only=(name,))}
    assert Status.FAIL in seen
    assert passing == {Status.PASS}
    assert Status.UNKNOWN in gaps


@pytest.mark.parametrize("name", IDS)
def test_prose_is_complete(name: str) -> None:
    check = next(one for one in CHECKS if one.id == name)
    for text in (check.claim, check.fails_when, check.why):
        assert text.endswith(".")
        assert "!" not in text
    assert check.title
    assert check.references


def test_failures_and_unknowns_say_what_to_do_and_passes_prove_themselves() -> None:
    for case in FAILS:
        for one in run_checks(case.facts, case.selection):
            outcome = one.outcome
            if outcome.status in (Status.FAIL, Status.UNKNOWN):
                assert outcome.fix is not None, one
                assert outcome.fix.text.strip(), one
            if outcome.status in (Status.PASS, Status.FAIL):
                assert outcome.evidence, one


def test_page_of_all_checks_is_up_to_date(repository: Path) -> None:
    page = (repository / "docs" / "checks.md").read_text(encoding="utf-8")
    assert page == checks_markdown(), "run scripts/make_docs.py"


def test_every_row_of_knowledge_has_a_source() -> None:
    sources = [
        *(row.source for row in STALE),
        *(row.source for row in STALE_MODULES),
        *(row.source for row in FAMILIES),
        *(row.source for row in SWITCHES),
        *(source for _, _, _, source in UNSAFE),
    ]
    assert [source for source in sources if not source.strip()] == []


def test_stale_rows_are_spelt_as_they_are_compared_and_not_twice() -> None:
    keys = [(row.name, row.value, row.when) for row in STALE]
    assert len(keys) == len(set(keys))
    assert [row.name for row in STALE if "-" in row.name] == []


def test_reset_ids_are_four_hex_digits_and_in_one_family_each() -> None:
    ids = [one for row in FAMILIES for one in row.devices.split()]
    assert len(ids) == len(set(ids))
    assert [one for one in ids if not re.fullmatch("[0-9a-f]{4}", one)] == []
