"""The four answers of a check, each built in one call."""

from __future__ import annotations

from vfio_wizard.model.finding import Evidence, Fix, Outcome, Severity, Status, Who
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.unread import Gap, Unread

Command = tuple[str, ...]
Seen = tuple[str, str]
"""(source, value) of one piece of evidence."""

_NEXT_STEP = {
    Gap.DENIED: "Only root may read this: run sudo vfio-wizard --check. By hand: ",
    Gap.ABSENT: "It was looked for and not found. By hand: ",
    Gap.MALFORMED: "It was read but not understood. By hand: ",
    Gap.UNTOLD: "This source does not tell. On the machine itself: ",
}


def passed(summary: str, *seen: Seen, subject: PciAddress | str | None = None) -> Outcome:
    """The claim holds, and this proves it."""
    return Outcome(Status.PASS, summary, _name(subject), _evidence(seen))


def failed(
    summary: str,
    fix: Fix,
    *seen: Seen,
    subject: PciAddress | str | None = None,
    severity: Severity | None = None,
) -> Outcome:
    """The claim does not hold; every failure says what can be done, or that nothing can."""
    return Outcome(Status.FAIL, summary, _name(subject), _evidence(seen), fix, severity)


def unknown(
    summary: str,
    gap: Unread | None,
    how: str,
    *commands: Command,
    subject: PciAddress | str | None = None,
    severity: Severity | None = None,
) -> Outcome:
    """The claim could not be judged; ``how`` says how a person would find out."""
    seen = ((gap.path, _gap_words(gap)),) if gap is not None else ()
    text = (_NEXT_STEP[gap.gap] if gap is not None else "To know: ") + how
    fix = Fix(Who.USER, text, (), commands)
    return Outcome(Status.UNKNOWN, summary, _name(subject), _evidence(seen), fix, severity)


def skipped(summary: str, *seen: Seen, subject: PciAddress | str | None = None) -> Outcome:
    """The question does not arise here."""
    return Outcome(Status.SKIP, summary, _name(subject), _evidence(seen))


def by_user(text: str, *commands: Command, parameters: tuple[str, ...] = ()) -> Fix:
    """A fix that the user can make; ``parameters`` are words to add to the kernel command line."""
    return Fix(Who.USER, text, parameters, commands)


def by_firmware(text: str) -> Fix:
    """A fix that is made in the firmware setup."""
    return Fix(Who.FIRMWARE, text)


def first_gap(*facts: object) -> Unread | None:
    """The first of some facts that is unread, to quote as the reason of an unknown."""
    return next((one for one in facts if isinstance(one, Unread)), None)


def _name(subject: PciAddress | str | None) -> str | None:
    return None if subject is None else str(subject)


def _evidence(seen: tuple[Seen, ...]) -> tuple[Evidence, ...]:
    return tuple(Evidence(source, value) for source, value in seen)


def _gap_words(gap: Unread) -> str:
    return f"{gap.gap.value} ({gap.detail})" if gap.detail else gap.gap.value
