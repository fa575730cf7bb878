"""What a check says: findings with their evidence and their fix."""

from __future__ import annotations

from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.words import StrEnum


class Severity(StrEnum):
    """What it means for the goal when the check fails."""

    BLOCKER = "blocker"
    WARNING = "warning"
    NOTE = "note"


class Status(StrEnum):
    """Four answers; *pass* needs proof, *fail* needs evidence, *unknown* says how to know."""

    PASS = "pass"  # noqa: S105 - a status, no password
    FAIL = "fail"
    UNKNOWN = "unknown"
    SKIP = "skip"


class Who(StrEnum):
    """Who can act."""

    USER = "user"
    FIRMWARE = "firmware"
    VENDOR = "vendor"
    NOBODY = "nobody"


class Evidence(NamedTuple):
    """Where something was seen, and what stood there."""

    source: str
    value: str


class Fix(NamedTuple):
    """What to do: prose first, then what can be copied."""

    who: Who
    text: str
    kernel_parameters: tuple[str, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()


class Outcome(NamedTuple):
    """One result of one check about one subject (an address, a file, a release, or None)."""

    status: Status
    summary: str
    subject: str | None = None
    evidence: tuple[Evidence, ...] = ()
    fix: Fix | None = None
    severity: Severity | None = None
    """Set where this subject weighs less than the check in general, such as a second GPU."""


class Finding(NamedTuple):
    """An outcome joined with the check that gave it."""

    id: str
    severity: Severity
    outcome: Outcome


class Verdict(StrEnum):
    """The one word above all findings."""

    READY = "ready"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"
