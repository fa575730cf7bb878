"""What the kernel log says, and what the user's own knowledge files fail to say."""

from __future__ import annotations

from collections.abc import Iterator

from vfio_wizard.checks.check import Check, Situation
from vfio_wizard.checks.outcome import by_user, failed, passed, skipped, unknown
from vfio_wizard.knowledge.log import LOG, LogLine, meaning
from vfio_wizard.knowledge.own import read_own
from vfio_wizard.model.finding import Fix, Outcome, Severity, Who
from vfio_wizard.model.unread import Unread

_MOST_LINES = 3
_LOOK = (
    "sudo",
    "sh",
    "-c",
    "dmesg | grep -iE 'vfio|iommu|amd-vi|dmar|reserve|memlock|giving up|denied'",
)
_JOURNAL = ("journalctl", "--dmesg", "--boot", "--grep", "vfio|iommu|AMD-Vi|DMAR|reserve|giving up|DENIED")
_HOW = (
    "look through these lines. journalctl shows them without root to members of the groups adm and "
    "systemd-journal, where there is a journal."
)


def _log(case: Situation) -> Iterator[Outcome]:
    log = case.facts.kernel.log
    if isinstance(log, Unread):
        yield unknown("the kernel log was not read", log, _HOW, _LOOK, _JOURNAL)
        return
    own = read_own(case.facts.own).log
    found: dict[LogLine, list[str]] = {}
    for line in log:
        entry = meaning(line, own)
        if entry is not None:
            found.setdefault(entry, []).append(line)
    for entry, lines in found.items():
        yield failed(
            entry.says,
            Fix(Who(entry.who), entry.do),
            *(("kernel log", line) for line in lines[:_MOST_LINES]),
            severity=Severity(entry.weight),
        )
    if not found and case.facts.kernel.log_gap is not None:
        gap = case.facts.kernel.log_gap
        yield unknown("these lines of the log mean no trouble, but it has more", gap, _HOW, _LOOK, _JOURNAL)
    elif not found:
        yield passed(
            "the kernel log has no line that is known to mean trouble",
            ("kernel log", "none of the known lines"),
        )


def _own_files(case: Situation) -> Iterator[Outcome]:
    files = case.facts.own
    if not files:
        yield skipped("no files of your own in /etc/vfio-wizard/quirks.d")
        return
    own = read_own(files)
    for path, problem in own.problems:
        yield failed(
            f"not understood: {problem}",
            by_user(
                "Correct the entry; docs/adding-a-quirk.md has the words. Until then it counts for nothing."
            ),
            (path, problem),
            subject=path,
        )
    for path, text in files:
        if isinstance(text, Unread):
            how = "every entry must be understood."
            yield unknown(
                "this file of your own was not read", text, how, ("sudo", "cat", f"/{path}"), subject=path
            )
    if not own.problems and not any(isinstance(text, Unread) for _, text in files):
        yield passed("all of it is understood", *((path, "read") for path, _ in files))


LOG_CLEAN = Check(
    id="kernel.log-clean",
    title="Nothing known in the kernel log",
    severity=Severity.WARNING,
    claim="No line of the kernel log is one that is known to mean trouble for passthrough.",
    fails_when="One is; it is quoted with its meaning.",
    why="The kernel says why a card could not be taken or did not come back.",
    run=_log,
    references=tuple(sorted({row.source for row in LOG})),
    verify="After a reboot and a start of the guest the line is not in the log again.",
)

OWN_FILES = Check(
    id="knowledge.own-files",
    title="Your own knowledge files",
    severity=Severity.WARNING,
    claim="Every file in /etc/vfio-wizard/quirks.d is understood.",
    fails_when="One has a word that is not known, or lacks its source; the nearest known word is named.",
    why="An entry that is not understood counts for nothing, which is easy to overlook.",
    run=_own_files,
    references=("vfio-wizard: docs/adding-a-quirk.md",),
    verify="Afterwards this check passes.",
)
