"""The step Options: each question with its answer, what it means, and the cores in a picture."""

from __future__ import annotations

from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.selection import Mirror, Selection
from vfio_wizard.model.unread import Unread
from vfio_wizard.planning.option import Choice, Option
from vfio_wizard.planning.options import options
from vfio_wizard.report.clean import clean
from vfio_wizard.report.pages.rows import Line, Row, Tone, said

_CORES = ("cpus.guest", "domain.vcpus")
_GLASS = ("looking_glass.size", "looking_glass.release")


def rows(facts: HostFacts, selection: Selection) -> tuple[Row, ...]:
    """One row per question under the heading of its area."""
    found: list[Row] = []
    area = ""
    for one in options(facts):
        if one.area != area:
            area = one.area
            found.append(Row(f"heading {area}", area, is_heading=True))
        found.append(_row(one, facts, selection))
    return tuple(found)


def _row(option: Option, facts: HostFacts, selection: Selection) -> Row:
    why_not = ""
    if option.key in _GLASS and selection.looking_glass.mode is Mirror.OFF:
        why_not = "Looking Glass is off"
    value = shown(option, facts, selection)
    tone = Tone.FAINT if why_not else Tone.PLAIN
    return Row(option.key, f"{option.title:<23} {value}", "", tone, 1, "", why_not, option.explains)


def shown(option: Option, facts: HostFacts, selection: Selection) -> str:
    """The present answer in words."""
    value = option.get(selection)
    for one in option.choices(facts, selection):
        if one.value == value:
            return one.label
    return clean(value) or _EMPTY.get(option.key, "(empty)")


_EMPTY = {
    "users": "(whoever runs the wizard)",
    "cpus.guest": "(the wizard chooses)",
    "domain.disk": "(a new image)",
    "domain.iso": "(none)",
    "domain.virtio_iso": "(none)",
    "domain.evdev": "(none)",
    "domain.usb": "(none)",
    "also": "(none)",
}
"""What nothing written means."""


WRITE = "\0write"
"""The key of the row for an answer of one's own; no answer holds a NUL."""


def choice_rows(choices: tuple[Choice, ...], value: str, *, free: bool = False) -> tuple[Row, ...]:
    """The answers of one question; those that cannot be had say why. ``free``: another may be written."""
    own = (Row(WRITE, "write another", "( )"),) if free else ()
    return _choice_rows(choices, value) + own


def _choice_rows(choices: tuple[Choice, ...], value: str) -> tuple[Row, ...]:
    return tuple(
        Row(
            one.value,
            one.label,
            "(o)" if one.value == value else ("(-)" if one.why_not else "( )"),
            Tone.FAINT if one.why_not else Tone.PLAIN,
            why_not=one.why_not,
        )
        for one in choices
    )


def detail(option: Option, facts: HostFacts, selection: Selection, width: int) -> list[Line]:
    """What the question means and what can be answered."""
    lines = [*said(option.title, width, Tone.HEAD), *said(option.help, width), Line("")]
    choices = option.choices(facts, selection)
    if option.key in _CORES:
        lines += _cores(facts, selection, width)
    if not choices:
        hint = f"Enter: write the answer. In the answers file: {option.key}"
        return [*lines, *said(hint, width, Tone.FAINT)]
    value = option.get(selection)
    for one in choices:
        mark = "(o)" if one.value == value else ("(-)" if one.why_not else "( )")
        reason = f" - not here: {one.why_not}" if one.why_not else ""
        lines += said(f"{one.label}{reason}", width, Tone.FAINT if one.why_not else Tone.PLAIN, f"{mark} ")
    how = "choose, or write another" if option.free else "choose"
    return [*lines, Line(""), *said(f"Enter: {how}. In the answers file: {option.key}", width, Tone.FAINT)]


def _cores(facts: HostFacts, selection: Selection, width: int) -> list[Line]:
    """The picture that the command ``cores`` prints: who would run where."""
    from vfio_wizard.planning.pinning import pins_for  # noqa: PLC0415 - only these two questions draw it
    from vfio_wizard.report.cores_text import cores_text  # noqa: PLC0415

    try:
        plan = pins_for(facts, selection)
    except UsageError as error:
        return said(str(error), width, Tone.BAD)
    drawn = None if isinstance(plan, Unread) else plan
    picture = cores_text(facts.cpu, drawn, width=max(width, 40))
    return [*(Line(one) for one in picture.splitlines()), Line("")]
