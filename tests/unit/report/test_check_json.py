"""``vfio-wizard/check/1`` against its published schema and the public contract."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.facts_builder import good_machine, make_facts
from tests.unit.checks.case import Case
from tests.unit.checks.cases import FAILS, GAPS, PASSES, SKIPS
from vfio_wizard import __version__
from vfio_wizard.checks.registry import run_checks
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.report.check_json import check_json


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    path = Path(__file__).resolve().parents[3] / "docs" / "schema" / "check-1.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def _document(facts: HostFacts) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(check_json(facts, run_checks(facts)), sort_keys=True))
    return document


@pytest.mark.parametrize("case", [*FAILS, *PASSES, *SKIPS], ids=lambda case: f"{case.id} {case.name}")
def test_document_of_every_situation_is_valid(case: Case, validator: jsonschema.Draft202012Validator) -> None:
    validator.validate(_document(case.facts))


@pytest.mark.parametrize("name", GAPS)
def test_document_with_gaps_is_valid(name: str, validator: jsonschema.Draft202012Validator) -> None:
    validator.validate(_document(GAPS[name]))


def test_schema_refuses_a_failure_without_a_fix_and_a_pass_without_proof(
    validator: jsonschema.Draft202012Validator,
) -> None:
    for key, value in (("fix", None), ("evidence", [])):
        document = _document(good_machine(kvm=None))
        failing = next(one for one in document["findings"] if one["status"] == "fail")
        failing[key] = value
        assert not validator.is_valid(document)


def test_host_is_told_in_eight_words() -> None:
    document = _document(good_machine())
    assert document["host"] == {
        "live": True,
        "kernel": "6.12.9-test",
        "cpu_vendor": "intel",
        "firmware": "uefi",
        "boot_loader": "grub",
        "boot_chain": "grub-mkconfig",
        "initramfs": "initramfs-tools",
        "distribution": "debian",
    }
    assert document["tool"] == {"name": "vfio-wizard", "version": __version__}
    assert document["verdict"] == "ready"


def test_unknown_is_null() -> None:
    host = _document(make_facts())["host"]
    assert {key: value for key, value in host.items() if key != "live"} == dict.fromkeys(
        host.keys() - {"live"}
    )


def test_groups_are_counted_as_the_contract_shows() -> None:
    found = {one["id"]: one for one in _document(good_machine())["findings"]}
    assert found["iommu.enabled"] == {
        "id": "iommu.enabled",
        "severity": "blocker",
        "status": "pass",
        "subject": None,
        "summary": "3 IOMMU groups hold 4 devices",
        "evidence": [{"source": "sys/kernel/iommu_groups", "value": "3 groups"}],
        "fix": None,
    }
