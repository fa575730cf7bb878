"""The findings on recorded machines against what their owners met; and no pass that the truth denies."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from tests.corpus.differences import DIFFERENCES
from tests.corpus.machines import CORPUS, TREE, Recorded, Truth, machines
from tests.corpus.outcomes import STORIES, UNTOLD, Story
from vfio_wizard.checks.registry import run_checks
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.finding import Finding, Status
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.probe.text.read import read_texts

MACHINES = {one.name: one for one in machines()}
TEXTS = [one for one in MACHINES.values() if one.data != TREE]
KNOWN = (Status.PASS, Status.FAIL)

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no recorded machines at {CORPUS} (VFIO_WIZARD_SHARED)"),
]


@cache
def facts_of(name: str) -> HostFacts:
    """The machine as all its text files together tell it."""
    return read_texts(MACHINES[name].parts)


def findings_of(name: str, gpus: tuple[str, ...]) -> tuple[Finding, ...]:
    return run_checks(facts_of(name), tuple(map(PciAddress.parse, gpus)))


def subject(finding: Finding) -> str | None:
    told = finding.outcome.subject
    return None if told is None else str(told)


def statuses(findings: tuple[Finding, ...]) -> dict[tuple[str, str | None], str]:
    return {(one.id, subject(one)): one.outcome.status.value for one in findings}


@pytest.mark.parametrize("story", STORIES, ids=[story.machine for story in STORIES])
def test_the_owner_would_have_been_told_beforehand(story: Story) -> None:
    seen = statuses(findings_of(story.machine, story.gpus))

    for check, about, status in story.expected:
        wanted = DIFFERENCES.get((story.machine, check, about), (status, ""))[0]
        assert seen.get((check, about)) == wanted, (check, about)


def test_every_known_difference_is_one_with_an_expectation() -> None:
    expected = {(story.machine, *one[:2]): one[2] for story in STORIES for one in story.expected}

    for place, (status, reason) in DIFFERENCES.items():
        assert expected[place] != status, f"no difference at {place}"
        assert len(reason) > 20


def test_no_difference_is_a_claim_against_the_expectation() -> None:
    """Where the program differs it is silent; it never says the opposite."""
    assert {status for status, _ in DIFFERENCES.values()} == {"unknown"}


def test_every_machine_with_a_told_outcome_has_its_story() -> None:
    told = {story.machine.partition(":")[0] for story in STORIES} | set(UNTOLD)
    import json  # noqa: PLC0415 - only this test

    for path in sorted(CORPUS.glob("*/about.json")):
        outcome = json.loads(path.read_text())["known_outcome"]
        silent = outcome.startswith(("not stated", "no passthrough"))
        assert silent or path.parent.name in told, (path.parent.name, outcome)


def test_the_blocked_machine_is_told_which_functions_stayed_behind() -> None:
    told = [
        one.outcome.summary
        for one in findings_of("intel-rtx2070s-usbc-unbound", ("0000:01:00.0",))
        if one.id == "vfio.bound"
    ]
    assert "0000:01:00.2 by xhci_hcd" in told[0]
    assert "0000:01:00.3 by nvidia-gpu" in told[0]


def test_the_enclosure_that_shares_the_group_is_named() -> None:
    told = [
        one.outcome
        for one in findings_of("t480-egpu-gtx1060", ())
        if one.id == "group.isolated" and one.outcome.status is Status.FAIL
    ]
    words = " ".join([told[0].summary, *(evidence.value for evidence in told[0].evidence)])
    assert "0000:0a:00.0" in words


# --- no false pass -----------------------------------------------------------------------------------


def _cards(truth: Truth) -> dict[str, Truth]:
    return {gpu["bdf"]: gpu for gpu in truth["gpus"]}


def _selected(machine: Recorded) -> tuple[str, ...]:
    """Every card that could be given away and that the files show."""
    facts = facts_of(machine.name)
    shown = () if not isinstance(facts.pci, tuple) else {str(one.address) for one in facts.pci}
    return tuple(
        gpu["bdf"]
        for gpu in machine.truth["gpus"]
        if gpu["kind"] in ("discrete", "integrated", "vf") and gpu["bdf"] in shown
    )


def _passes(machine: Recorded) -> Iterator[Finding]:
    for one in findings_of(machine.name, _selected(machine)):
        if one.outcome.status is Status.PASS:
            yield one


def _false(machine: Recorded, finding: Finding) -> str | None:
    """Why a pass is not so according to the careful reading; None where it is, or where nothing tells."""
    truth = machine.truth
    card = _cards(truth).get(subject(finding) or "")
    if finding.id in ("iommu.enabled", "group.isolated") and not truth["groups_total"]:
        return "the reading knows no groups"
    if card is None:
        if finding.id == "gpu.spare" and len(_cards(truth)) < 2:
            return "there is only one display device"
        if finding.id == "gpu.present" and not any(gpu["kind"] != "bmc" for gpu in truth["gpus"]):
            return "there is none to give away"
        return None
    return _false_card(finding.id, card, truth)


def _false_card(check: str, card: Truth, truth: Truth) -> str | None:
    drivers = [one["driver"] for one in card["must_pass_together"]]
    denials = {
        "group.isolated": card["isolated"] is not True,
        "gpu.twins": bool(card["ids_shared_with"]),
        "gpu.boot-display": card["boot_vga"] is True,
        "vfio.bound": any(driver != "vfio-pci" for driver in drivers),
        "gpu.host-driver": any(driver not in ("vfio-pci", None) for driver in drivers),
        "acs.override": truth.get("acs_override") == "on",
    }
    return f"{check}: the reading says otherwise" if denials.get(check) else None


@pytest.mark.parametrize("machine", TEXTS, ids=[one.name for one in TEXTS])
def test_nothing_passes_that_the_careful_reading_denies(machine: Recorded) -> None:
    try:
        passes = list(_passes(machine))
    except Exception as error:
        pytest.fail(f"{type(error).__name__}: {error}")

    wrong = [(one.id, subject(one), reason) for one in passes if (reason := _false(machine, one)) is not None]
    assert not wrong


@pytest.mark.parametrize("machine", TEXTS, ids=[one.name for one in TEXTS])
def test_nothing_fails_that_the_careful_reading_denies(machine: Recorded) -> None:
    """A failure that is none sends people to their firmware setup for nothing."""
    cards = _cards(machine.truth)
    for one in findings_of(machine.name, _selected(machine)):
        card = cards.get(subject(one) or "")
        if one.outcome.status is not Status.FAIL:
            continue
        assert one.id != "iommu.enabled" or not machine.truth["groups_total"]
        if card is None:
            continue
        assert one.id != "group.isolated" or card["isolated"] is False
        assert one.id != "gpu.twins" or card["ids_shared_with"]
        assert one.id != "gpu.boot-display" or card["boot_vga"] is True
        assert one.id != "vfio.bound" or {two["driver"] for two in card["must_pass_together"]} != {"vfio-pci"}


@pytest.mark.parametrize("machine", TEXTS, ids=[one.name for one in TEXTS])
def test_no_check_fails_in_itself(machine: Recorded) -> None:
    broken = [
        one.outcome.summary
        for one in findings_of(machine.name, _selected(machine))
        if "failed in itself" in one.outcome.summary
    ]
    assert not broken


@pytest.mark.parametrize("machine", TEXTS, ids=[one.name for one in TEXTS])
def test_every_finding_names_what_was_seen_or_why_not(machine: Recorded) -> None:
    for one in findings_of(machine.name, _selected(machine)):
        assert one.outcome.summary
        if one.outcome.status is Status.PASS:
            assert one.outcome.evidence, one.id


_NEEDS_ALL_FILES = ("vfio.options", "vfio.unsafe-options", "boot.stale-modules", "boot.files-read")


@pytest.mark.parametrize("machine", TEXTS, ids=[one.name for one in TEXTS])
def test_pasted_files_never_pass_for_all_files_of_a_machine(machine: Recorded) -> None:
    assert not [one.id for one in _passes(machine) if one.id in _NEEDS_ALL_FILES]
