"""From what somebody sees to the check that explains it: the search of ``explain``, and docs/symptoms.md."""

from __future__ import annotations

import re
from itertools import groupby
from typing import Any

from vfio_wizard.checks.registry import CHECKS
from vfio_wizard.knowledge.log import LOG
from vfio_wizard.knowledge.symptoms import SYMPTOMS
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.report.clean import clean
from vfio_wizard.report.wrap import wrap

SCHEMA = "vfio-wizard/search/1"
MOST = 6
"""Answers that are shown: a screen of them."""

_COMMON = """\
a an and are as at be by can do does for from has have how i in is it my no not of on or says say so that the
then there to vm was what when where which why will with windows you
"""
_WORD = re.compile(r"[a-z0-9][a-z0-9_./-]*[a-z0-9]|[a-z0-9]+")


class Answer(NamedTuple):
    """One thing that is known about the words: the sign, what tells more, and what to do."""

    sees: str
    told: str
    do: str | None


class _Entry(NamedTuple):
    answer: Answer
    head: frozenset[str]
    """Words of the sign itself, which count more than those of the explanation."""
    body: frozenset[str]


def search(words: str) -> tuple[Answer, ...]:
    """The best answers first. Raises UsageError for words that say nothing."""
    wanted = _words(words) - frozenset(_COMMON.split()) or _words(words)
    if not wanted:
        message = 'say what you see, as in: vfio-wizard explain --search "black screen"'
        raise UsageError(message)
    scored = [(_score(wanted, one), number, one.answer) for number, one in enumerate(_entries())]
    least = max(score for score, _, _ in scored) / 2  # what fits half as well as the best is no answer
    best = sorted((-score, number, answer) for score, number, answer in scored if score and score >= least)
    return tuple(answer for _, _, answer in best[:MOST])


def _score(wanted: frozenset[str], entry: _Entry) -> float:
    """Words of the question that are found; rare words of the sign weigh three times those of the text."""
    return sum(3 * _held(word, entry.head) or _held(word, entry.body) for word in wanted)


def _held(word: str, words: frozenset[str]) -> float:
    """1 for the word itself; less for one that begins like it, when it is long enough to mean something."""
    if word in words:
        return 1.0
    stem = word[: max(4, len(word) - 3)]
    return 0.6 if len(word) > 3 and any(one.startswith(stem) for one in words) else 0.0


def _entries() -> list[_Entry]:
    found = [
        _Entry(Answer(one.sees, one.told, one.do), _words(one.sees), _words(f"{one.told} {one.do or ''}"))
        for one in SYMPTOMS
    ]
    found += [
        _Entry(
            Answer(f"kernel log: {' … '.join(one.holds)}", "`kernel.log-clean`", f"{one.says}. {one.do}"),
            _words(" ".join(one.holds)),
            _words(f"{one.says} {one.do}"),
        )
        for one in LOG
    ]
    found += [
        _Entry(
            Answer(check.title, f"`{check.id}`", None),
            _words(f"{check.title} {check.id}"),
            _words(f"{check.fails_when} {check.why}"),
        )
        for check in CHECKS
    ]
    return found


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))


def search_text(words: str, width: int) -> str:
    """The answers for a person at a terminal."""
    found = search(words)
    if not found:
        return _nothing(words, width)
    lines: list[str] = []
    for one in found:
        lines += wrap(clean(one.sees.replace("`", "")), width)
        lines += wrap(clean(one.do), width, "  do: ") if one.do else []
        lines += [*wrap(clean(one.told.replace("`", "")), width, "  see: "), ""]
    lines += wrap(
        "vfio-wizard explain ID tells more about one; vfio-wizard --check looks at this machine.", width
    )
    return "\n".join(lines) + "\n"


def _nothing(words: str, width: int) -> str:
    text = f"Nothing is known here about {clean(words)!r}. Try the words of the message itself, or let "
    return "\n".join(wrap(f"{text}vfio-wizard --check look at the machine.", width)) + "\n"


def search_json(words: str) -> dict[str, Any]:
    """The answers for a script."""
    answers = [{"sees": one.sees, "told": one.told, "do": one.do} for one in search(words)]
    return {"schema": SCHEMA, "words": words, "answers": answers}


def symptoms_markdown() -> str:
    """docs/symptoms.md, from the same table."""
    lines = [
        "# What you see, and the check that explains it",
        "",
        "Generated from `knowledge/data/symptoms.toml` by `scripts/make_docs.py`: edit that file.",
        "",
        "`vfio-wizard explain --search WORDS` looks here and in every check, `vfio-wizard --check` runs them",
        "all, and `vfio-wizard explain ID` tells more about one. Every id is described in",
        "[checks.md](checks.md), those that begin with `lint.` in [lint.md](lint.md). A test holds this page",
        "against the program: each check is on it, and each id exists.",
    ]
    for area, group in groupby(SYMPTOMS, key=lambda one: one.area):
        lines += ["", f"## {area}", "", "| what you see, or are told | told by |", "|---|---|"]
        lines += [f"| {one.sees} | {_told(one.told, one.do)} |" for one in group]
    return "\n".join(lines) + "\n"


def _told(told: str, do: str | None) -> str:
    return f"{told}. {do}" if do else told
