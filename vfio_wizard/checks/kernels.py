"""How far the knowledge of this program reaches: kernels that came after it may behave otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from vfio_wizard.checks.check import Check, Situation
from vfio_wizard.checks.outcome import Seen, by_user, failed, passed, unknown
from vfio_wizard.knowledge.milestones import VERIFIED
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.finding import Outcome, Severity
from vfio_wizard.model.unread import Unread, known
from vfio_wizard.model.version import kernel_version

_LAST = max(VERIFIED)


def _verified(case: Situation) -> Iterator[Outcome]:
    running = case.facts.kernel.release
    if isinstance(running, Unread) or kernel_version(running) is None:
        gap = running if isinstance(running, Unread) else None
        yield unknown(
            "which kernel runs is not known", gap, f"it should be {_last()} at most.", ("uname", "-r")
        )
        return
    newer = tuple(release for release in _releases(case.facts, running) if _is_newer(release))
    verified: Seen = ("verified up to", f"{_last()} ({_LAST.how})")
    if not newer:
        yield passed(
            "what is said here was verified on kernels as new as this", ("kernel", running), verified
        )
        return
    yield failed(
        f"newer than {_last()}, the last kernel that what is said here was verified on: {', '.join(newer)}",
        by_user(
            "What depends on the kernel may have changed: stale parameters, who frees the console from a "
            "card, which cards are refused. Believe what you see more than what is said: look again after "
            "each change and reboot, keep an older kernel in the boot menu, and update vfio-wizard."
        ),
        *(("kernel", release) for release in newer),
        verified,
    )


def _last() -> str:
    return f"{_LAST.kernel[0]}.{_LAST.kernel[1]}"


def _releases(facts: HostFacts, running: str) -> tuple[str, ...]:
    """The running kernel, then the others that are installed."""
    return (running, *(one.release for one in known(facts.kernels, ()) if one.release != running))


def _is_newer(release: str) -> bool:
    version = kernel_version(release)
    return version is not None and version > _LAST.kernel


VERIFIED_KERNEL = Check(
    id="kernel.verified",
    title="A kernel that was verified",
    severity=Severity.NOTE,
    claim=f"No installed kernel is newer than {_last()}, the last that what is said here was verified on.",
    fails_when="One is: nothing is known to be wrong, but what is said of kernels may no longer hold.",
    why=(
        "Kernel updates change who holds a card's memory, which parameters count and which cards are "
        "refused; set-ups that worked have stopped working with them."
    ),
    run=_verified,
    references=(*(row.source for row in VERIFIED), "siderolabs/talos#14356", "zen-kernel/zen-kernel#380"),
    verify="It passes again with a vfio-wizard that was verified on this kernel.",
)
