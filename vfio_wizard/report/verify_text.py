"""A verification as a person reads it."""

from __future__ import annotations

from vfio_wizard.apply.verify import Answer, Verification
from vfio_wizard.model.finding import Status
from vfio_wizard.report.clean import clean
from vfio_wizard.report.wrap import wrap

_MARK = {Status.PASS: "ok  ", Status.FAIL: "FAIL", Status.UNKNOWN: "?   ", Status.SKIP: "-   "}

_ENDS = {
    Answer.HOLDS: "THE CHANGE HOLDS.",
    Answer.BROKEN: (
        "THE CHANGE DOES NOT HOLD. vfio-wizard predict says why for the next boot; "
        "sudo vfio-wizard undo takes it back."
    ),
    Answer.UNKNOWN: "NOT EVERYTHING COULD BE SEEN. Run it as root: sudo vfio-wizard verify.",
    Answer.NOT_REBOOTED: "NOT REBOOTED YET: the change counts from the next boot on. Reboot, then verify.",
    Answer.NOTHING: "NO CHANGE OF THIS PROGRAM IS IN FORCE HERE: there is nothing to verify.",
}


def verify_text(seen: Verification, width: int = 80) -> str:
    """Functions, parameters, drift, and one sentence."""
    if seen.answer is Answer.NOT_REBOOTED:
        return "\n".join(_waiting(seen, width)) + "\n"
    lines: list[str] = []
    if seen.functions:
        lines.append(f"FUNCTIONS with Linux {clean(seen.kernel or '?')}")
    for row in seen.functions:
        told = f", predicted {clean(row.predicted)}" if row.predicted else ""
        lines += wrap(
            f"{row.address}  {clean(row.text)}{told}", width, f"  {_MARK[row.status]} ", "         "
        )
    if seen.words:
        lines += ["", "KERNEL COMMAND LINE"]
    for word in seen.words:
        wanted = "is there" if word.wanted else "is gone"
        if word.status is Status.FAIL:
            wanted = "is missing" if word.wanted else "is still there"
        lines += wrap(f"{clean(word.word)} {wanted}", width, f"  {_MARK[word.status]} ", "         ")
    if seen.drift:
        lines += ["", "SINCE THE CHANGE"]
    for finding in seen.drift:
        outcome = finding.outcome
        lines += wrap(
            f"{finding.id}: {clean(outcome.summary)}", width, f"  {_MARK[outcome.status]} ", "         "
        )
        if outcome.fix is not None and outcome.status is not Status.PASS:
            lines += wrap(clean(outcome.fix.text), width, "         ")
    return "\n".join([*lines, *([""] if lines else []), *wrap(_ENDS[seen.answer], width)]) + "\n"


def _waiting(seen: Verification, width: int) -> list[str]:
    """What the next boot is expected to show; that this one does not is no fault."""
    lines = ["EXPECTED AFTER THE REBOOT"]
    lines += [f"       {row.address}  on vfio-pci" for row in seen.functions]
    for word in seen.words:
        lines += wrap(
            f"{clean(word.word)} {'on' if word.wanted else 'not on'} the command line", width, "       "
        )
    return [*lines, "", *wrap(_ENDS[seen.answer], width)]
