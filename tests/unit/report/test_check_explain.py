"""``explain`` and ``checks``."""

from __future__ import annotations

import pytest

from vfio_wizard.checks.registry import CHECKS
from vfio_wizard.model.errors import UsageError
from vfio_wizard.report.explain import checks_json, checks_text, explain_json, explain_text


@pytest.mark.parametrize("name", [check.id for check in CHECKS])
def test_every_check_explains_itself_within_80_columns(name: str) -> None:
    text = explain_text(name)
    assert text.startswith(f"{name}: ")
    assert "pass: " in text
    assert "fail: " in text
    assert "source: " in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_alias_explains_the_check_that_it_became() -> None:
    assert explain_text("gpu.neighbours") == explain_text("group.neighbours")
    assert "also known as: gpu.neighbours" in explain_text("gpu.neighbours")


def test_mistyped_id_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"no check 'iommu\.enable'; did you mean iommu\.enabled"):
        explain_text("iommu.enable")


def test_nonsense_is_sent_to_the_list() -> None:
    with pytest.raises(UsageError, match="vfio-wizard checks lists them"):
        explain_text("1234567890")


def test_list_names_every_check_in_reading_order() -> None:
    ids = [line.split()[1] for line in checks_text().splitlines() if not line.startswith(" ")]
    assert ids == [check.id for check in CHECKS]
    assert [one["id"] for one in checks_json()["checks"]] == ids


def test_json_of_one_check_is_its_row_of_the_list() -> None:
    row = next(one for one in checks_json()["checks"] if one["id"] == "kvm.available")
    assert explain_json("kvm.available") == {"schema": "vfio-wizard/checks/1", "checks": [row]}
