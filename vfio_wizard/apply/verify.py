"""After the reboot: device by device and parameter by parameter against the plan and what was predicted."""

from __future__ import annotations

from enum import StrEnum

from vfio_wizard.model.applied import AppliedState, BoundFunction
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.finding import Finding, Status
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Unread

VFIO = "vfio-pci"


class Answer(StrEnum):
    """The one word above a verification."""

    HOLDS = "holds"
    BROKEN = "broken"
    UNKNOWN = "unknown"
    NOT_REBOOTED = "not-rebooted"
    NOTHING = "nothing-applied"


class FunctionRow(NamedTuple):
    """One function: what should have it, what was predicted, what has it."""

    address: PciAddress
    predicted: str | None
    driver: str | None | Unread
    status: Status
    text: str


class WordRow(NamedTuple):
    """One kernel parameter."""

    word: str
    wanted: bool
    status: Status


class Verification(NamedTuple):
    """All of it."""

    answer: Answer
    transaction: int | None = None
    rebooted: bool | None = None
    kernel: str | None = None
    functions: tuple[FunctionRow, ...] = ()
    words: tuple[WordRow, ...] = ()
    drift: tuple[Finding, ...] = ()


def verify(
    facts: HostFacts, state: AppliedState | None, now: str | None, drift: tuple[Finding, ...] = ()
) -> Verification:
    """``now`` is the id of this boot, where it is known."""
    if state is None:
        return Verification(Answer.NOTHING)
    rebooted = None if now is None or state.boot_id is None else now != state.boot_id
    release = facts.kernel.release if isinstance(facts.kernel.release, str) else None
    functions = tuple(_function(facts, state, one, release) for one in state.functions)
    words = tuple(_words(facts, state))
    statuses = [one.status for one in functions] + [one.status for one in words]
    statuses += [one.outcome.status for one in drift]
    return Verification(
        _answer(statuses, rebooted), state.transaction, rebooted, release, functions, words, drift
    )


def _answer(statuses: list[Status], rebooted: bool | None) -> Answer:
    if rebooted is False:
        return Answer.NOT_REBOOTED
    if Status.FAIL in statuses:
        return Answer.BROKEN
    return Answer.UNKNOWN if Status.UNKNOWN in statuses else Answer.HOLDS


def _function(
    facts: HostFacts, state: AppliedState, bound: BoundFunction, release: str | None
) -> FunctionRow:
    predicted = state.predicted(release, bound.address) if release else None
    seen = facts.function(bound.address)
    if isinstance(facts.pci, Unread):
        return FunctionRow(bound.address, predicted, facts.pci, Status.UNKNOWN, facts.pci.reason)
    if seen is None or (bound.id is not None and not isinstance(seen.id, Unread) and seen.id != bound.id):
        what = "is not there" if seen is None else f"is another device now ({seen.id})"
        return FunctionRow(
            bound.address, predicted, None, Status.FAIL, f"{bound.id} {what}: it may have moved"
        )
    if isinstance(seen.driver, Unread):
        return FunctionRow(bound.address, predicted, seen.driver, Status.UNKNOWN, seen.driver.reason)
    if seen.driver == VFIO:
        return FunctionRow(bound.address, predicted, VFIO, Status.PASS, "on vfio-pci")
    has = f"{seen.driver} has it" if seen.driver else "no driver has it"
    return FunctionRow(bound.address, predicted, seen.driver, Status.FAIL, has)


def _words(facts: HostFacts, state: AppliedState) -> list[WordRow]:
    line = facts.kernel.cmdline
    rows = [(word, True) for word in state.add] + [(word, False) for word in state.remove]
    if isinstance(line, Unread):
        return [WordRow(word, wanted, Status.UNKNOWN) for word, wanted in rows]
    return [
        WordRow(word, wanted, Status.PASS if line.has(word) is wanted else Status.FAIL)
        for word, wanted in rows
    ]
