"""``groups``: IOMMU groups, functions and cards."""

from __future__ import annotations

import sys

from vfio_wizard.cli.given import Given
from vfio_wizard.cli.look import look, names_of, print_json, short_names_of, width


def run(given: Given) -> int:
    """Show the groups of one machine."""
    seen = look(given.text("host"), topology=False, holders=False)
    if given.flag("json"):
        from vfio_wizard.report.groups_json import groups_json  # noqa: PLC0415

        print_json(groups_json(seen.facts, names_of(seen)))
    else:
        from vfio_wizard.report.groups_text import groups_text  # noqa: PLC0415

        sys.stdout.write(groups_text(seen.facts, short_names_of(seen), width()))
    return 0
