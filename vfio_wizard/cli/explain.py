"""``explain`` and ``checks``: the prose beside each rule, and the way to it from what somebody sees."""

from __future__ import annotations

import sys

from vfio_wizard.cli.given import Given
from vfio_wizard.cli.look import print_json, width
from vfio_wizard.model.errors import UsageError
from vfio_wizard.report import explain


def run(given: Given) -> int:
    """One check, the list of all, or what is known about the words of a symptom."""
    name = given.text("id")
    if given.text("search") is not None:
        return _search(given, name)
    if given.command == "explain" and name is None:
        message = "explain what? Name a check, as in iommu.enabled, or say what you see with --search WORDS"
        raise UsageError(message)
    if given.flag("json"):
        print_json(explain.explain_json(name) if name else explain.checks_json())
    else:
        sys.stdout.write(_text(name) if name else explain.checks_text(width()))
    return 0


def _text(name: str) -> str:
    """A check; or a step of the wizard, under the name that its help has."""
    from vfio_wizard.report.pages.steps import TOPIC, topic_text  # noqa: PLC0415 - rarely asked

    step = topic_text(name, width()) if name.startswith(TOPIC) else None
    return step or explain.explain_text(name, width())


def _search(given: Given, rest: str | None) -> int:
    """``--search black screen`` and ``--search "black screen"`` are the same."""
    from vfio_wizard.report import symptoms  # noqa: PLC0415 - only for a search

    words = " ".join(word for word in (given.text("search"), rest) if word)
    if given.flag("json"):
        print_json(symptoms.search_json(words))
    else:
        sys.stdout.write(symptoms.search_text(words, width()))
    return 0
