"""``plan``: the whole change as it would be made, and nothing made."""

from __future__ import annotations

import sys

from vfio_wizard import __version__
from vfio_wizard.cli.choice import selection
from vfio_wizard.cli.given import Given
from vfio_wizard.cli.look import look, names_of, print_json, width
from vfio_wizard.planning.plan import make_plan
from vfio_wizard.probe.originals import read_originals
from vfio_wizard.render.registry import for_host


def run(given: Given) -> int:
    """Show the plan for this host's own boot chain. 1 when it is refused."""
    seen = look(given.text("host"))
    plan = make_plan(seen.facts, selection(given, seen), names_of(seen))
    originals = read_originals(seen.host, seen.facts)
    rendered = for_host(plan, originals, tool_version=__version__)
    if given.flag("json"):
        from vfio_wizard.planning.plan_json import plan_json  # noqa: PLC0415

        print_json(plan_json(plan, *rendered))
    else:
        from vfio_wizard.report.plan_text import plan_text  # noqa: PLC0415

        sys.stdout.write(plan_text(plan, rendered, originals, width()))
    return 1 if plan.refusals else 0
