"""``check``: findings with evidence and fixes."""

from __future__ import annotations

import sys

from vfio_wizard.checks.registry import exit_code, find, run_checks
from vfio_wizard.cli.given import Given
from vfio_wizard.cli.look import addresses, look, on_host, print_json, short_names_of, wants_colour, width


def run(given: Given) -> int:
    """Diagnose one machine."""
    _refuse_unknown_ids(given.list("only") + given.list("skip"))
    seen = look(given.text("host"))
    selected = on_host(seen, addresses(given, "gpu"), "gpu") + on_host(seen, addresses(given, "also"), "also")
    if given.text("answers"):
        from vfio_wizard.cli.choice import answers  # noqa: PLC0415 - reads TOML

        chosen = answers(str(given.text("answers")))
        selected += on_host(seen, chosen.gpus + chosen.also, "answers")
    findings = run_checks(seen.facts, selected, given.list("only"), given.list("skip"))
    if given.flag("json"):
        from vfio_wizard.report.check_json import check_json  # noqa: PLC0415

        print_json(check_json(seen.facts, findings))
    else:
        from vfio_wizard.report.check_text import check_text  # noqa: PLC0415

        text = check_text(
            seen.facts,
            findings,
            short_names_of(seen, {one.outcome.subject for one in findings if one.outcome.subject}),
            width=width(),
            colour=wants_colour(),
            verbose=given.flag("verbose"),
            narrowed=bool(given.list("only") or given.list("skip")),
        )
        sys.stdout.write(text)
    return exit_code(findings, given.flag("strict"))


def _refuse_unknown_ids(names: tuple[str, ...]) -> None:
    for name in names:
        if find(name) is None:
            from vfio_wizard.report.explain import check_of  # noqa: PLC0415 - it names the nearest ids

            check_of(name)
