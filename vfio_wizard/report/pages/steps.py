"""The way through the wizard: its steps, what each is for, and what to do next on it."""

from __future__ import annotations

from vfio_wizard.model.finding import Verdict
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.report.pages.rows import Line, Tone, said
from vfio_wizard.report.wrap import wrap

TOPIC = "wizard."
"""What ``explain`` calls a step: ``wizard.devices``."""


class Step(NamedTuple):
    """One step of the way."""

    key: str
    title: str
    help: tuple[str, ...]


STEPS: tuple[Step, ...] = (
    Step(
        "look",
        "Look",
        (
            "The machine is read, and nothing is changed: its devices, its firmware, its kernel and how it "
            "boots. The word at the top is the verdict: READY, BLOCKED, or UNKNOWN where something that "
            "matters could not be measured.",
            "While the wizard is open it hears of every device that comes, goes or changes its driver, and "
            "looks again.",
        ),
    ),
    Step(
        "check",
        "Check",
        (
            "Every finding, with what blocks first. Below the list (or beside it, on a wide screen) stands "
            "what was seen and what to do. After you have done it, r looks again.",
            "BLOCK: passthrough does not work so. warn: it works, and something will hurt. note: good to "
            "know. ?: could not be measured, and how to. ok: proven. -: does not apply here.",
            "c copies the commands of a finding. ? tells what a check looks at, and why it matters.",
        ),
    ),
    Step(
        "devices",
        "Devices",
        (
            "Choose what the guest gets. A card counts as a whole: its sound and USB functions go with it. "
            "Below the list stands what you would lose, and what is against it.",
            "Space gives a card or takes it back. [x] goes to the guest, [ ] stays, [-] cannot be given, "
            "and the reason is shown.",
            "The last row opens the IOMMU groups as a tree, to give other devices along: right opens, left "
            "closes.",
        ),
    ),
    Step(
        "options",
        "Options",
        (
            "Every question has an answer already; change only what you care about. An answer that this "
            "machine cannot have is marked (-) and says why.",
            "The answers are kept in a file that every command takes with --answers.",
        ),
    ),
    Step(
        "review",
        "Review",
        (
            "All that would be done, before anything is: the risks in plain words, then each file as a "
            "difference with the reason of each line, then each command, then the way back.",
            "A row REFUSED stands in the way. Choose differently, or overrule it with Enter if you know "
            "better than the program.",
            "The last row confirms. Until then the step Do it stays locked. A change of any answer takes "
            "the confirmation back.",
        ),
    ),
    Step(
        "do",
        "Do it",
        (
            "Take the result home in the way that suits: a file to import, files to look at, or the change "
            "itself. Each row shows the command that does the same without the wizard.",
            "Only applying needs root, and asks for it when you start it. Escape stops safely: what was "
            "written is in the journal, and undo takes it back.",
        ),
    ),
    Step(
        "after",
        "After",
        (
            "After the restart: prove that the card is where it should be, then define the guest, start it "
            "and open its picture.",
            "The wizard opens here by itself while an applied change waits for its proof.",
        ),
    ),
)

KEYS = (
    ("n / b", "next step, previous step; 1 to 7 go to a step"),
    ("arrows", "move; left and right close and open"),
    ("Enter, Space", "choose what the cursor stands on"),
    ("Tab", "between the list, the text and the line that goes on"),
    ("r", "look at the machine again"),
    ("c", "copy the commands shown"),
    ("s", "save the answers as a file"),
    ("t", "light, dark or the terminal's own 16 colours"),
    ("?", "explain what the cursor stands on; twice: this page"),
    ("Ctrl+P", "all commands by name"),
    ("q", "leave; your answers are kept, and the wizard opens here again"),
)


def step_of(key: str) -> Step:
    """The step of a key; the first for a key that no release knows."""
    return next((one for one in STEPS if one.key == key), STEPS[0])


def topic_text(name: str, width: int = 80) -> str | None:
    """The help of one step, as ``explain`` prints it; None for a name that is no step."""
    step = next((one for one in STEPS if TOPIC + one.key == name), None)
    if step is None:
        return None
    number = STEPS.index(step) + 1
    lines = [f"{TOPIC}{step.key}: step {number} of the wizard, {step.title}"]
    for paragraph in step.help:
        lines += ["", *wrap(paragraph, width)]
    lines += ["", "keys:"]
    for key, words in KEYS:
        lines += wrap(words, width, f"  {key:<13} ")
    return "\n".join(lines) + "\n"


class Standing(NamedTuple):
    """How far the user is; what the hint about going on depends on."""

    verdict: Verdict | None = None
    """None until the first look is complete."""
    chosen: bool = False
    has_card: bool = True
    """There is a card that could be given."""
    refusals: int = 0
    settled: bool = False
    """The host already matches the plan."""
    confirmed: bool = False
    look_only: bool = False
    applied: bool = False
    """A change waits for its proof."""
    restarted: bool = False
    """And the machine was started anew since."""


def hint(step: str, at: Standing) -> str:
    """What to do next, in one line."""
    return _HINTS[step](at)


def _look(at: Standing) -> str:
    if at.verdict is None:
        return "One moment. Nothing is changed by looking."
    return "Enter or n: on to the findings"


def _check(at: Standing) -> str:
    if at.verdict is Verdict.BLOCKED:
        return "First do what stands beside BLOCK; r looks again. n: on to the cards"
    return "n: on to choosing a card"


def _devices(at: Standing) -> str:
    if at.chosen:
        return "n: on to the options"
    if not at.has_card:
        return "There is no card here that could be given to a guest"
    return "Space gives the card under the cursor to the guest"


def _options(at: Standing) -> str:
    if not at.chosen:
        return "No card is chosen yet: b goes back to Devices"
    return "Everything may stay as it is. n: on to the review"


def _review(at: Standing) -> str:
    if not at.chosen:
        return "No card is chosen yet: 3 goes to Devices"
    if at.refusals:
        return "Refused: choose differently (3), or Enter on the row to overrule it"
    if at.settled:
        return "This machine has all of it already. n: on"
    return "Confirmed. n: on to Do it" if at.confirmed else "Read, then Enter on the last row confirms"


def _do(at: Standing) -> str:
    if not at.confirmed and not at.applied:
        return "Locked until the review is confirmed: 5 goes there"
    if at.applied and not at.restarted:
        return _RESTART
    return "Enter does what the cursor stands on"


_RESTART = "Restart the machine, then open the wizard again: it goes on by itself"


def _after(at: Standing) -> str:
    if at.applied:
        return "Enter proves that the change holds" if at.restarted else _RESTART
    if at.look_only:
        return "A record of another machine: run the commands there"
    return "Enter does what the cursor stands on"


_HINTS = {
    "look": _look,
    "check": _check,
    "devices": _devices,
    "options": _options,
    "review": _review,
    "do": _do,
    "after": _after,
}


def trail(current: str) -> tuple[tuple[str, bool], ...]:
    """The steps in one line, each with whether it is the present one; the words say it without colour."""
    parts = []
    for number, step in enumerate(STEPS, 1):
        here = step.key == current
        parts.append((f"[{number} {step.title}]" if here else f" {number} {step.title} ", here))
    return tuple(parts)


def short_help(step: str, width: int) -> list[Line]:
    """The first words about a step, for an empty page."""
    return [line for text in step_of(step).help[:1] for line in said(text, width, Tone.FAINT)]
