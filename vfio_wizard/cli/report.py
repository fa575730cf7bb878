"""``report``: one page about a machine, for a forum or a friend."""

from __future__ import annotations

import sys
from collections.abc import Callable

from vfio_wizard import __version__
from vfio_wizard.checks.registry import run_checks
from vfio_wizard.cli.choice import selection
from vfio_wizard.cli.given import Given
from vfio_wizard.cli.look import Seen, look, names_of, short_names_of
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.selection import Selection
from vfio_wizard.report.clean import clean
from vfio_wizard.report.html import Planned, page


def run(given: Given) -> int:
    """Write the page. A plan is part of it where a card is named, or one is likely meant."""
    output = given.text("output") or "-"
    seen = look(given.text("host"))
    chosen = _chosen(given, seen)
    findings = run_checks(seen.facts, (*chosen.gpus, *chosen.also))
    planned = _planned(seen, chosen)
    text = page(
        seen.facts,
        short_names_of(seen),
        findings,
        planned,
        tool_version=__version__,
        hide=_hider(seen, planned),
    )
    content = text.encode("utf-8", "backslashreplace")
    if output == "-":
        sys.stdout.write(content.decode("utf-8"))
        return 0
    from vfio_wizard.cli.export import refuse_strangers  # noqa: PLC0415 - only for a file
    from vfio_wizard.system.files import write_whole  # noqa: PLC0415

    refuse_strangers(output, content, given.flag("force"))
    write_whole(output, content)
    sys.stderr.write(f"wrote {clean(output)}\n")
    return 0


def _chosen(given: Given, seen: Seen) -> Selection:
    """What was named; nothing where nothing was, and no card is the likely one."""
    try:
        return selection(given, seen)
    except UsageError:
        if given.list("gpu") or given.list("also") or given.text("answers"):
            raise
        return Selection(())


def _planned(seen: Seen, chosen: Selection) -> Planned | None:
    if not (chosen.gpus or chosen.also):
        return None
    from vfio_wizard.planning.plan import make_plan  # noqa: PLC0415 - a page may have no plan
    from vfio_wizard.probe.originals import read_originals  # noqa: PLC0415
    from vfio_wizard.render.outcome import Rendered  # noqa: PLC0415
    from vfio_wizard.render.registry import for_host  # noqa: PLC0415

    plan = make_plan(seen.facts, chosen, names_of(seen))
    if plan.refusals:
        return Planned(plan, Rendered(), {})
    originals = read_originals(seen.host, seen.facts)
    return Planned(plan, for_host(plan, originals, tool_version=__version__), originals)


def _hider(seen: Seen, planned: Planned | None) -> Callable[[str], str]:
    """Serial numbers, UUIDs, MAC addresses and names of people are no business of a forum."""
    from vfio_wizard.system.redact import Redactor  # noqa: PLC0415 - regular expressions

    users = set(planned.plan.users) if planned else set()
    if seen.host is None:
        return Redactor(users).prose
    from vfio_wizard.system.people import hosts_of, people_of  # noqa: PLC0415

    return Redactor(users | people_of(seen.host).users, hosts_of(seen.host)).prose
