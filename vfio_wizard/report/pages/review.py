"""The step Review: risks first, then every file and command with its reasons, then the way back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from vfio_wizard.checks.registry import verdict
from vfio_wizard.model.finding import Verdict
from vfio_wizard.model.plan import Action, Artifact, Plan, Run
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.selection import Selection
from vfio_wizard.render.outcome import Rendered
from vfio_wizard.report.clean import clean
from vfio_wizard.report.pages.devices import Shelf, losses
from vfio_wizard.report.pages.rows import Line, Row, Tone, said
from vfio_wizard.report.plan_text import difference

CONFIRM = "confirm"
"""The key of the last row."""

_VERBS = {Action.CREATE: "new", Action.REPLACE: "change", Action.APPEND: "add to"}


class Proposal(NamedTuple):
    """What would be done for a selection, and what stands on the host now (by path without first slash)."""

    selection: Selection
    plan: Plan
    rendered: Rendered
    before: Mapping[str, str]

    @property
    def mark(self) -> str:
        """The same for the same change: a confirmation holds for what was read, and for nothing else."""
        text = repr((self.plan.functions, self.rendered, self.plan.guest, self.selection.domain))
        return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]


def rows(made: Proposal, has: Shelf, confirmed: bool) -> tuple[Row, ...]:
    """Everything that a person should read, in the order of reading."""
    plan, rendered = made.plan, made.rendered
    found = [
        Row(f"refusal {one.id} {number}", one.text, "REFUSED", Tone.BAD)
        for number, one in enumerate(plan.refusals)
    ]
    found += _blocked(has)
    found += [Row(f"loss {number}", text, "lose", Tone.WARN) for number, text in _losses(made, has)]
    found += [Row(f"mind {one.id}", one.text, "mind", Tone.WARN) for one in plan.warnings]
    if plan.refusals:
        return tuple(found)
    if plan.settled:
        done = Row("settled", "This machine has all of it already: nothing to write", "ok", Tone.GOOD)
        return (*found, done)
    found += [_file_row(one) for one in rendered.artifacts]
    found += [Row(f"run {one.shown}", one.shown, "run", Tone.NOTE) for one in rendered.commands]
    found += [Row(f"hand {n}", text, "by hand", Tone.WARN) for n, text in enumerate(rendered.notes)]
    found += [Row(f"back {n}", text, "way back", Tone.GOOD) for n, text in enumerate(_ways_back(made))]
    box = "[x]" if confirmed else "[ ]"
    words = "I have read this" if confirmed else "I have read this; Enter confirms, and unlocks Do it"
    return (*found, Row(CONFIRM, words, box, Tone.GOOD if confirmed else Tone.PLAIN))


def _blocked(has: Shelf) -> list[Row]:
    """A plan can be made on a machine that is not ready; it is of use when the rest was repaired."""
    if verdict(has.findings) is not Verdict.BLOCKED:
        return []
    return [Row("blocked", _BLOCKED, "BLOCK", Tone.BAD)]


_BLOCKED = "This machine is not ready: the guest gets no card before what step Check marks BLOCK is repaired."


def _losses(made: Proposal, has: Shelf) -> Iterator[tuple[int, str]]:
    gone = {one.address for one in made.plan.functions}
    cards = [card for card in has.cards if card.address in gone]
    yield from enumerate(text for card in cards for text in losses(has, card))


def _file_row(one: Artifact) -> Row:
    return Row(f"file {one.path}", one.path, _VERBS[one.action], Tone.ADDED, tail=f"mode {one.mode}")


def _ways_back(made: Proposal) -> tuple[str, ...]:
    return (*made.rendered.ways_back, _UNDO)


_UNDO = (
    "vfio-wizard undo puts back what apply changed. A file that you put there yourself: take it away, and "
    "restart."
)


def detail(made: Proposal, row: Row, width: int) -> list[Line]:
    """The row under the cursor in full."""
    key = row.key
    kind, _, rest = key.partition(" ")
    if kind == "file":
        artifact = next((one for one in made.rendered.artifacts if one.path == rest), None)
        return file_detail(artifact, made, width) if artifact else []
    if kind == "run":
        command = next((one for one in made.rendered.commands if one.shown == rest), None)
        return _command_detail(command, width) if command else []
    texts = [row.text] if kind in ("loss", "blocked") else []
    return [line for text in (*texts, *_texts(made, kind, rest)) for line in said(text, width)]


def _texts(made: Proposal, kind: str, rest: str) -> Iterator[str]:
    plan = made.plan
    if kind == "refusal":
        yield from (one.text for one in plan.refusals if rest.startswith(one.id))
        yield "Enter overrules it, if you know better than this program. The command line has --allow for it."
    elif kind == "mind":
        yield from (f"{one.id}: {one.text}" for one in plan.warnings if one.id == rest)
    elif kind == "hand":
        yield from (text for number, text in enumerate(made.rendered.notes) if str(number) == rest)
    elif kind == "back":
        yield from (text for number, text in enumerate(_ways_back(made)) if str(number) == rest)
    elif kind == CONFIRM:
        yield _CONFIRMING
    elif kind == "loss":
        yield "It comes back when the guest is off and the change is undone, or after a boot without it."


_CONFIRMING = (
    "Nothing has been written so far. With your word for it the step Do it offers to write files or to make "
    "the change. A change of any answer takes the confirmation back."
)


def file_detail(artifact: Artifact, made: Proposal, width: int) -> list[Line]:
    """The file as a difference; below a line that a wish of the plan put there, the reason."""
    before = made.before.get(artifact.path.lstrip("/"))
    verb = {Action.CREATE: "New file", Action.REPLACE: "Changes", Action.APPEND: "Adds to"}[artifact.action]
    lines = said(f"{verb} {artifact.path} (mode {artifact.mode})", width, Tone.HEAD)
    lines += [*said(artifact.because, width, Tone.FAINT, "why: "), Line("")]
    left = dict(reasons(made.plan))
    for text in difference(artifact, before):
        lines += _changed(text, width)
        lines += _whys(text, left, width)
    return lines


def _changed(text: str, width: int) -> Iterator[Line]:
    mark = text.lstrip()[:1]
    tone = {"+": Tone.ADDED, "-": Tone.REMOVED}.get(mark, Tone.FAINT)
    body = text.removeprefix("  ")
    first, rest = body[:width], body[width:]
    yield Line(first, tone)
    while rest:
        yield Line("  " + rest[: width - 2], tone)
        rest = rest[width - 2 :]


def _whys(text: str, left: dict[str, str], width: int) -> Iterator[Line]:
    """Each reason once, below the first added line that holds its word."""
    mark = text.lstrip()[:1]
    if mark not in ("+", "-") or text.lstrip("+- ").startswith("#"):
        return
    for key in [one for one in left if one[0] == mark and one[1:] in text]:
        yield from said(left.pop(key), width, Tone.NOTE, "      why: ")


def reasons(plan: Plan) -> Iterator[tuple[str, str]]:
    """A word that comes (+) or goes (-), and why."""
    yield from ((f"+{one.word}", one.because) for one in plan.parameters)
    yield from ((f"-{one.word}", one.because) for one in plan.remove)
    yield from ((f"+softdep {one.module} ", one.because) for one in plan.softdeps)
    yield from ((f"+{one.name}", one.because) for one in plan.modules)
    if plan.looking_glass is not None:
        for word in ("looking-glass", "kvmfr"):
            yield f"+{word}", f"Looking Glass: {plan.looking_glass.size_mib} MiB {plan.looking_glass.because}"
    if plan.cpus is not None:
        yield f"+{plan.cpus.guest}", plan.cpus.because


def _command_detail(command: Run, width: int) -> list[Line]:
    lines = said(command.shown, width, Tone.HEAD, "$ ", "    ")
    lines += said(_STAGES.get(command.stage.name, ""), width)
    if command.makes:
        lines += [Line(""), *said("It may write, and undo puts back byte for byte:", width, Tone.FAINT)]
        lines += [line for one in command.makes for line in said(f"/{one.lstrip('/')}", width, first="  ")]
    for undo in command.undo:
        lines += said(f"Taken back with: {clean(' '.join(undo))}", width, Tone.FAINT)
    return lines


_STAGES = {
    "FILES": "Runs with the files; nothing boots with them yet.",
    "IMAGE": "Builds the initramfs, so that vfio-pci is there before the host's driver.",
    "LOADER": "Stores the kernel command line.",
    "ENTRIES": "Makes the boot loader's own files from it.",
    "AFTER": "No boot depends on it.",
}


def overruling_rows(name: str) -> tuple[Row, ...]:
    """The two answers to "do you know better?"; the safe one first."""
    return (
        Row("no", "No, leave it refused", "( )"),
        Row("yes", f"Yes, I know better: overrule {name}", "( )"),
    )


def to_copy(made: Proposal, key: str) -> str:
    """What a person would copy of a row: the command, or the whole new text of the file."""
    kind, _, rest = key.partition(" ")
    if kind == "run":
        return rest
    if kind == "file":
        return next((one.text for one in made.rendered.artifacts if one.path == rest), "")
    return ""
