"""Kernel command lines as text, and the boot entries that hold one."""

from __future__ import annotations

from vfio_wizard.lint.ids import Listed, judge_ids
from vfio_wizard.lint.mistake import Notes
from vfio_wizard.lint.parameters import judge_words
from vfio_wizard.lint.situation import Situation
from vfio_wizard.lint.text import Text


def judge_cmdline(text: Text, notes: Notes, situation: Situation) -> tuple[Listed, ...]:
    """One command line, on one line or several; lines with a hash are comments (/etc/kernel/cmdline)."""
    words: list[Text] = []
    for line in text.lines():
        if not line.value.lstrip().startswith("#"):
            words += line.words(quoted=True)
    return _judge(words, notes, situation)


def judge_entry(text: Text, notes: Notes, situation: Situation) -> tuple[Listed, ...]:
    """A boot loader entry: its ``options`` lines are one command line."""
    words: list[Text] = []
    for line in text.lines():
        found = line.words(quoted=True)
        if found and found[0].value.rstrip(":").lower() in ("options", "cmdline", "kernel_cmdline"):
            words += found[1:]
    return _judge(words, notes, situation)


def judge_refind(text: Text, notes: Notes, situation: Situation) -> tuple[Listed, ...]:
    """refind_linux.conf: a title and a command line in quotes, a line each."""
    found: list[Listed] = []
    for line in text.lines():
        parts = line.parts('"')
        if len(parts) >= 5 and not line.value.lstrip().startswith("#"):
            found += _judge(parts[3].words(), notes, situation)
    return tuple(found)


def _judge(words: list[Text], notes: Notes, situation: Situation) -> tuple[Listed, ...]:
    listed = judge_words(words, notes, situation)
    judge_ids(listed, notes, situation)
    return listed
