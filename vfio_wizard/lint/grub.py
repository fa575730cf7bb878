"""/etc/default/grub: what the shell makes of it, and what the entries get."""

from __future__ import annotations

from vfio_wizard.lint.ids import Listed, judge_ids
from vfio_wizard.lint.mistake import Notes
from vfio_wizard.lint.parameters import is_relevant, judge_words
from vfio_wizard.lint.shell import Assignment, assignments
from vfio_wizard.lint.situation import Situation
from vfio_wizard.lint.text import HOLE, Text

EVERYWHERE = "GRUB_CMDLINE_LINUX"
DEFAULT = "GRUB_CMDLINE_LINUX_DEFAULT"
_LINES = (EVERYWHERE, DEFAULT, "GRUB_CMDLINE_LINUX_RECOVERY", "GRUB_CMDLINE_LINUX_XEN_REPLACE_DEFAULT")
_TYPOGRAPHIC = "“”„‟«»‘’"


def judge_grub(text: Text, notes: Notes, situation: Situation) -> tuple[Listed, ...]:
    """Every assignment of a kernel command line."""
    ids: list[Listed] = []
    before: dict[str, Assignment] = {}
    recovery = True
    for one in assignments(text):
        if one.name.value == "GRUB_DISABLE_RECOVERY":
            recovery = one.value.value not in ("true", "1", "yes")
        if one.name.value in _LINES:
            _quotes(one, notes)
            _dropped(one, before.get(one.name.value), notes)
            before[one.name.value] = one
            words = one.value.words(quoted=True)
            listed = judge_words(words, notes, situation)
            judge_ids(listed, notes, situation)
            ids += listed
        elif one.name.value.startswith("GRUB_") and one.open_quote is not None:
            _quotes(one, notes)
    if EVERYWHERE in before:
        _everywhere(before[EVERYWHERE].value, notes, recovery=recovery)
    return tuple(ids)


def _quotes(one: Assignment, notes: Notes) -> None:
    if one.open_quote is not None:
        notes.add(
            "lint.grub.quotes",
            (one.open_quote, f"{one.name.value}={one.value.value}"),
            "this quote is never closed, so the shell refuses the whole file",
            "a closing quote at the end of the line",
        )
    elif one.value.value[:1] in _TYPOGRAPHIC and one.value.value:
        notes.add(
            "lint.grub.quotes",
            one.value,
            "the shell does not know this quotation mark: it becomes a part of the value",
            'straight quotes: "…"',
        )
    elif one.rest.value and not one.is_array:
        notes.add(
            "lint.grub.unquoted",
            one.rest,
            f"without quotes the value ends at the blank: {one.name.value} is not set, and the shell"
            " runs the rest"
            " as a command",
            f'{one.name.value}="{one.value.value} {one.rest.value}"',
        )


def _dropped(one: Assignment, earlier: Assignment | None, notes: Notes) -> None:
    if earlier is None or one.appends or one.name.value in one.uses or not earlier.value.value.strip():
        return
    kept = one.value.value.split()
    if all(word in kept for word in earlier.value.value.split()):
        return
    notes.add(
        "lint.grub.dropped",
        one.name,
        f"line {earlier.name.place.line} sets it already ({earlier.value.value.replace(HOLE, '…')}),"
        " and that is lost",
        f'{one.name.value}="${one.name.value} …", or one line with all of it',
    )


def _everywhere(value: Text, notes: Notes, *, recovery: bool) -> None:
    found = [word for word in value.words(quoted=True) if is_relevant(word.value)]
    if found:
        notes.add(
            "lint.grub.everywhere",
            found[0],
            f"{EVERYWHERE} also goes into the recovery entry"
            + (", which then is no way back" if recovery else " (switched off here)"),
            f"these words in {DEFAULT}",
        )
