"""What the answers add up to, and what must hold for every machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.facts_builder import (
    AUDIO,
    BRIDGE,
    GPU,
    IGPU,
    at,
    card,
    good_machine,
    integrated,
    make_facts,
    make_function,
    port,
    with_untold,
)
from tests.unit.checks.case import Case
from tests.unit.checks.cases import DIRTY, DIRTY_GROUPS, FAILS, PASSES, nic
from vfio_wizard.checks import registry
from vfio_wizard.checks.check import Check, Situation
from vfio_wizard.checks.registry import CHECKS, exit_code, find, run_checks, verdict
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.finding import Finding, Outcome, Severity, Status, Verdict
from vfio_wizard.model.pci import PciFunction
from vfio_wizard.model.unread import Gap, Unread, untold

PARTS = ("iommu", "cpu", "firmware", "kernel", "boot", "display", "memory", "virt")


def _field_paths(facts: HostFacts) -> Iterator[tuple[str, ...]]:
    """Every field that may be unread, as a path from HostFacts."""
    yield from (("source", "complete"), ("pci",), ("kernels",), ("network",), ("disks",), ("modprobe",))
    yield from (("iommu", "tables", "dmar"), ("iommu", "tables", "ivrs"))
    for part in PARTS:
        for field in getattr(facts, part)._fields:
            if field not in ("origin", "tables", "board", "others", "cmdline_origin", "configured_origin"):
                yield part, field


PATHS = tuple(_field_paths(good_machine()))
MAY_BE_UNREAD = ("driver", "group", "id", "cls", "boot_vga", "reset_methods", "parent", "modules")


def _statuses(facts: HostFacts, *addresses: str) -> dict[tuple[str, str | None], Status]:
    found = run_checks(facts, tuple(at(one) for one in addresses))
    return {(one.id, one.outcome.subject): one.outcome.status for one in found}


def _severities(facts: HostFacts, name: str, *addresses: str) -> dict[str | None, Severity]:
    found = run_checks(facts, tuple(at(one) for one in addresses), only=(name,))
    return {one.outcome.subject: one.severity for one in found}


def test_source_that_tells_nothing_gets_no_claim() -> None:
    statuses = set(_statuses(make_facts()).values())
    assert statuses <= {Status.UNKNOWN, Status.SKIP}


def test_source_that_tells_only_functions_gets_no_pass_about_the_machine() -> None:
    facts = make_facts(pci=(make_function(GPU), make_function(AUDIO, "10de:228b")))
    passed = {name for (name, _), status in _statuses(facts).items() if status is Status.PASS}
    assert passed == set()


@given(st.lists(st.sampled_from(PATHS), min_size=1, max_size=6), st.sampled_from(tuple(Gap)))
def test_taking_facts_away_never_raises_and_never_makes_a_pass(
    paths: list[tuple[str, ...]], gap: Gap
) -> None:
    for facts in (
        good_machine(),
        good_machine(pci=DIRTY, groups=DIRTY_GROUPS, kvm=None, cmdline="amd_iommu=on"),
    ):
        _no_new_pass(facts, paths, gap)


@given(
    st.sampled_from(FAILS),
    st.lists(st.sampled_from(PATHS), max_size=4),
    st.lists(st.sampled_from(MAY_BE_UNREAD), max_size=4),
)
def test_failing_machine_with_gaps_never_becomes_green(
    case: Case, paths: list[tuple[str, ...]], attributes: list[str]
) -> None:
    facts = case.facts
    # Kernels before about 6.12 keep the flag svm although the firmware has it off: only the log refutes it.
    assume(not (case.id == "cpu.virtualization" and ("kernel", "log") in paths))
    for path in paths:
        facts = with_untold(facts, path)
    if not isinstance(facts.pci, Unread):
        facts = facts._replace(pci=tuple(_without(one, attributes) for one in facts.pci))
    before = _count_passes(case.facts, case.id)
    assert not any("failed in itself" in one.outcome.summary for one in run_checks(facts, case.selection))
    assert _count_passes(facts, case.id) <= before


def _without(function: PciFunction, attributes: list[str]) -> PciFunction:
    gaps: dict[str, Any] = dict.fromkeys(attributes, untold("sys/bus/pci/devices"))
    return function._replace(**gaps)


def _count_passes(facts: HostFacts, name: str) -> int:
    return sum(one.outcome.status is Status.PASS for one in run_checks(facts, (at(GPU),), only=(name,)))


def _no_new_pass(facts: HostFacts, paths: list[tuple[str, ...]], gap: Gap) -> None:
    before = _statuses(facts, GPU)
    changed = facts
    for path in paths:
        changed = with_untold(changed, path, Unread("x", gap))
    found = run_checks(changed, (at(GPU),))
    assert not any("failed in itself" in one.outcome.summary for one in found)
    for one in found:
        if one.outcome.status is Status.PASS:
            assert before.get((one.id, one.outcome.subject)) in (Status.PASS, Status.SKIP, None), one


def test_check_that_raises_becomes_unknown_and_the_others_still_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(case: Situation) -> Iterator[Outcome]:
        yield from ()
        msg = f"no such thing on {case.facts.source.label}"
        raise KeyError(msg)

    faulty = CHECKS[1]._replace(run=broken)
    monkeypatch.setattr(registry, "CHECKS", (CHECKS[0], faulty, *CHECKS[2:]))
    found = run_checks(good_machine())
    failed = next(one for one in found if one.id == faulty.id)
    assert failed.outcome.status is Status.UNKNOWN
    assert faulty.id in failed.outcome.summary
    assert "KeyError" in failed.outcome.summary
    assert {one.id for one in found} == {check.id for check in CHECKS}


def test_ready_blocked_and_unknown_have_their_exit_codes() -> None:
    assert _sum(good_machine()) == (Verdict.READY, 0)
    assert _sum(good_machine(kvm=None)) == (Verdict.BLOCKED, 1)
    assert _sum(good_machine(kvm=untold("dev/kvm"))) == (Verdict.UNKNOWN, 3)
    assert _sum(good_machine(kvm=untold("dev/kvm"), dmar=False, groups=())) == (Verdict.BLOCKED, 1)


def _sum(facts: HostFacts) -> tuple[Verdict, int]:
    found = run_checks(facts)
    return verdict(found), exit_code(found)


def test_warnings_count_in_the_exit_code_only_when_strict() -> None:
    found = run_checks(good_machine(cmdline="amd_iommu=pt"))
    assert (verdict(found), exit_code(found), exit_code(found, strict=True)) == (Verdict.READY, 0, 1)
    unknown = run_checks(good_machine(loader=untold("boot")))
    assert (exit_code(unknown), exit_code(unknown, strict=True)) == (0, 3)


def test_only_and_skip_take_ids_and_aliases() -> None:
    assert {one.id for one in run_checks(good_machine(), only=("gpu.neighbours",))} == {"group.neighbours"}
    left = {one.id for one in run_checks(good_machine(), skip=("gpu.neighbours", "kvm.available"))}
    assert left == {check.id for check in CHECKS} - {"group.neighbours", "kvm.available"}
    assert find("gpu.neighbours") == find("group.neighbours")
    assert find("gpu.nothing") is None


def test_shared_group_of_the_only_card_blocks() -> None:
    facts = good_machine(pci=DIRTY, groups=DIRTY_GROUPS)
    assert _severities(facts, "group.isolated") == {IGPU: Severity.BLOCKER, GPU: Severity.BLOCKER}
    assert verdict(run_checks(facts)) is Verdict.BLOCKED


def test_isolated_integrated_gpu_does_not_make_the_dirty_card_fit() -> None:
    found = run_checks(good_machine(pci=DIRTY, groups=DIRTY_GROUPS), only=("group.isolated",))
    assert {one.outcome.subject: one.outcome.status for one in found} == {IGPU: Status.PASS, GPU: Status.FAIL}
    assert verdict(found) is Verdict.BLOCKED


def test_dirty_integrated_gpu_does_not_block_a_clean_card() -> None:
    facts = good_machine(pci=(integrated(), port(), *card(), nic(1)))
    assert _severities(facts, "group.isolated") == {IGPU: Severity.NOTE, GPU: Severity.BLOCKER}
    assert verdict(run_checks(facts)) is Verdict.READY


def test_second_card_in_a_shared_group_is_a_warning_beside_a_clean_one() -> None:
    second = make_function("0000:06:00.0", "1002:731f", 0x030000, group=9, parent=at(BRIDGE), boot_vga=False)
    facts = good_machine(pci=(*card(), second, nic(9)))
    assert _severities(facts, "group.isolated")["0000:06:00.0"] is Severity.WARNING
    assert _severities(facts, "group.isolated", "0000:06:00.0") == {
        GPU: Severity.BLOCKER,
        "0000:06:00.0": Severity.BLOCKER,
    }


def test_not_selected_card_weighs_nothing_beside_the_selected_one() -> None:
    second = make_function("0000:06:00.0", "1002:731f", 0x030000, group=9, parent=at(BRIDGE), boot_vga=False)
    facts = good_machine(pci=(*card(), second, nic(9)))
    assert _severities(facts, "group.isolated", GPU)["0000:06:00.0"] is Severity.NOTE


@pytest.mark.parametrize("case", [*FAILS, *PASSES], ids=lambda case: f"{case.id} {case.name}")
def test_no_check_fails_in_itself(case: Case) -> None:
    found: tuple[Finding, ...] = run_checks(case.facts, case.selection)
    assert [one.outcome.summary for one in found if "failed in itself" in one.outcome.summary] == []
    assert all(isinstance(find(one.id), Check) for one in found)
