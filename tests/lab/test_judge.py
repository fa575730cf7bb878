"""The lab's judge must not be pleased too easily."""

from __future__ import annotations

import json
from typing import Any

from tests.lab import judge
from tests.lab.judge import Answer
from tests.lab.topologies import FIRST, ONE_CARD_READY

EXPECTED = ONE_CARD_READY._replace(bound={}, named={"iommu.enabled": ("5 groups",)})


def finding(name: str, subject: str | None, status: str) -> dict[str, Any]:
    evidence = [{"source": "sys/kernel/iommu_groups", "value": "5 groups"}]
    return {"id": name, "subject": subject, "status": status, "evidence": evidence}


def check() -> dict[str, Any]:
    found = [
        finding(name, subject, status)
        for name, subjects in EXPECTED.findings.items()
        for subject, status in subjects.items()
    ]
    return {"verdict": "ready", "host": {"live": True}, "findings": found}


def groups() -> dict[str, Any]:
    cards = [{"address": address, **card._asdict()} for address, card in EXPECTED.gpus.items()]
    functions = [{"address": address, "driver": driver} for address, driver in EXPECTED.drivers.items()]
    return {"gpus": cards, "functions": functions, "groups": []}


def unmet(check: dict[str, Any], groups: dict[str, Any], code: int = 0, err: str = "") -> list[str]:
    answers = {
        "check": Answer(json.dumps(check), err, code),
        "groups": Answer(json.dumps(groups), "", 0),
    }
    return judge.unmet(EXPECTED, answers)


def test_answers_as_expected_leave_nothing_unmet() -> None:
    assert unmet(check(), groups()) == []


def test_a_wrong_exit_code_is_told() -> None:
    assert unmet(check(), groups(), code=3) == ["check: exit code is 3, not 0"]


def test_a_missing_finding_is_told() -> None:
    said = check()
    said["findings"] = [one for one in said["findings"] if one["id"] != "gpu.spare"]
    assert unmet(said, groups()) == ["check: gpu.spare is {None: None}, not {None: 'pass'}"]


def test_a_card_too_many_among_the_subjects_is_told() -> None:
    said = check()
    said["findings"].append(finding("gpu.twins", "0000:00:02.0", "pass"))
    (line,) = unmet(said, groups())
    assert line.startswith("check: gpu.twins is")
    assert "0000:00:02.0" in line


def test_evidence_that_does_not_name_what_it_must_is_told() -> None:
    said = check()
    for one in said["findings"]:
        one["evidence"] = []
    assert unmet(said, groups()) == ["check iommu.enabled: does not name 5 groups"]


def test_a_neighbour_that_nobody_expects_is_told() -> None:
    said = groups()
    card = next(one for one in said["gpus"] if one["address"] == FIRST)
    card["shares_with"] = ["0000:02:00.0"]
    assert unmet(check(), said) == [f"groups: shares_with of {FIRST} is ['0000:02:00.0'], not []"]


def test_a_traceback_is_told_even_where_the_answer_is_right() -> None:
    assert unmet(check(), groups(), err="Traceback (most recent call last):\nKeyError: 'x'") == [
        "check: a traceback, KeyError: 'x'"
    ]


def test_no_json_is_told_in_one_line() -> None:
    answers = {"check": Answer("", "no such thing", 2), "groups": Answer(json.dumps(groups()), "", 0)}
    assert judge.unmet(EXPECTED, answers) == ["check printed no JSON but 'no such thing'"]


def test_a_record_may_differ_from_its_machine_in_where_it_comes_from_only() -> None:
    found = {"id": "gpu.spare", "subject": None, "status": "pass", "summary": "two displays"}
    inside = {"host": {"live": True, "kernel": "6.1"}, "findings": [found]}
    outside = {"host": {"live": False, "kernel": "6.1"}, "findings": [found]}
    assert judge.replay_differences(json.dumps(inside), json.dumps(outside)) == []
    outside["findings"] = []
    outside["host"] = {"live": False, "kernel": None}
    assert judge.replay_differences(json.dumps(inside), json.dumps(outside)) == [
        "gpu.spare of None: pass (two displays) on the machine, nothing from its record",
        ".host.kernel: '6.1' on the machine, None from its record",
    ]


def test_what_a_record_never_holds_must_be_unknown_from_it() -> None:
    live = {"id": "gpu.in-use", "subject": FIRST, "status": "pass", "summary": "nobody"}
    inside = json.dumps({"findings": [live]})
    unknown = json.dumps({"findings": [{**live, "status": "unknown", "summary": "not told"}]})
    claimed = json.dumps({"findings": [{**live, "summary": "nobody at all"}]})
    assert judge.replay_differences(inside, unknown) == []
    assert len(judge.replay_differences(inside, claimed)) == 1
