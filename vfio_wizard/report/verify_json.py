"""``vfio-wizard/verify/1``: a verification as data."""

from __future__ import annotations

from typing import Any

from vfio_wizard.apply.verify import FunctionRow, Verification
from vfio_wizard.model.finding import Finding
from vfio_wizard.model.unread import Unread
from vfio_wizard.report.check_json import finding_json

SCHEMA = "vfio-wizard/verify/1"

Json = dict[str, Any]


def verify_json(seen: Verification) -> Json:
    """The whole document."""
    return {
        "schema": SCHEMA,
        "answer": seen.answer.value,
        "transaction": seen.transaction,
        "rebooted": seen.rebooted,
        "kernel": seen.kernel,
        "functions": [_function(one) for one in seen.functions],
        "kernel_parameters": [
            {"word": one.word, "wanted": one.wanted, "status": one.status.value} for one in seen.words
        ],
        "drift": [_finding(one) for one in seen.drift],
    }


def _function(row: FunctionRow) -> Json:
    return {
        "address": str(row.address),
        "planned": "vfio-pci",
        "predicted": row.predicted,
        "driver": None if isinstance(row.driver, Unread) else row.driver,
        "status": row.status.value,
        "text": row.text,
    }


def _finding(finding: Finding) -> Json:
    return finding_json(finding)
