"""``explain`` and ``checks``: the prose beside each rule."""

from __future__ import annotations

import sys

from vfio_wizard.cli.arguments import Given
from vfio_wizard.cli.look import print_json, width
from vfio_wizard.report import explain


def run(given: Given) -> int:
    """One check, or the list of all."""
    name = given.text("id")
    if given.flag("json"):
        print_json(explain.explain_json(name) if name else explain.checks_json())
    else:
        sys.stdout.write(explain.explain_text(name, width()) if name else explain.checks_text(width()))
    return 0
