"""The index of symptoms is complete, and every id on it exists."""

from __future__ import annotations

import re
from pathlib import Path

from vfio_wizard.checks.registry import CHECKS
from vfio_wizard.knowledge.symptoms import SYMPTOMS
from vfio_wizard.lint.rules import RULES


def test_every_check_is_on_the_page_and_every_id_exists(repository: Path) -> None:
    page = (repository / "docs" / "symptoms.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:lint\.)?[a-z]+\.[a-z-]+)`", page)) - {"modprobe.d"}
    checks = {check.id for check in CHECKS}
    assert checks - named == set()
    assert named - checks - set(RULES) == set()


def test_what_no_check_can_tell_has_a_source_of_its_own() -> None:
    assert [one.sees for one in SYMPTOMS if one.do and one.source.startswith("those of")] == []
