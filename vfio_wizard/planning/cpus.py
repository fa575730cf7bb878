"""CPUs set aside for the guest, as kernel lists."""

from __future__ import annotations

from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.facts import Cpu
from vfio_wizard.model.plan import CpuIsolation
from vfio_wizard.model.selection import CpuWish, Pinning
from vfio_wizard.model.unread import Unread


def cpu_list(cpus: tuple[int, ...]) -> str:
    """``2-5,8`` for 2, 3, 4, 5 and 8, as the kernel's cpulist_parse reads it."""
    runs: list[list[int]] = []
    for cpu in sorted(set(cpus)):
        if runs and cpu == runs[-1][-1] + 1:
            runs[-1].append(cpu)
        else:
            runs.append([cpu])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def parse_cpu_list(text: str) -> tuple[int, ...]:
    """The CPUs of ``2-5,8``. Raises UsageError on anything else."""
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not _is_number(first) or (dash and not _is_number(last)):
            msg = f"not a list of CPUs: {text!r}. Write it like 2-5,8"
            raise UsageError(msg)
        end = int(last or first)
        if end < int(first) or end > 8191:
            msg = f"not a list of CPUs: {text!r}. A range goes from the smaller to the larger, up to 8191"
            raise UsageError(msg)
        found.update(range(int(first), end + 1))
    return tuple(sorted(found))


def isolation(wish: CpuWish | None, cpu: Cpu) -> CpuIsolation | None:
    """The guest's CPUs and what is left for the host. Raises UsageError when that cannot be."""
    if wish is None or not wish.cpus:
        return None
    if isinstance(cpu.cores, Unread):
        msg = "the CPUs of this host are not known, so none can be set aside. Leave the CPUs out"
        raise UsageError(msg)
    there = tuple(core.cpu for core in cpu.cores)
    return apart(wish.cpus, check_chosen(wish.cpus, there), wish.how)


def apart(guest: tuple[int, ...], host: tuple[int, ...], how: Pinning = Pinning.HOOK) -> CpuIsolation:
    """The guest's CPUs and the host's, as kernel lists."""
    every = cpu_list((*guest, *host))
    return CpuIsolation(how, cpu_list(guest), cpu_list(host), every, "the guest's own while it runs")


def check_chosen(chosen: tuple[int, ...], there: tuple[int, ...]) -> tuple[int, ...]:
    """What is left when these leave. Raises UsageError for one that is not there, or when none is left."""
    unknown = sorted(set(chosen) - set(there))
    if unknown:
        msg = f"this host has no CPU {cpu_list(tuple(unknown))}; it has {cpu_list(there)}"
        raise UsageError(msg)
    rest = tuple(sorted(set(there) - set(chosen)))
    if not rest:
        msg = "no CPU would be left for the host. Leave it at least one core"
        raise UsageError(msg)
    if not chosen:
        msg = "no CPU was named for the guest. Write them like 2-5,8"
        raise UsageError(msg)
    return rest


UNITS = ("init.scope", "system.slice", "user.slice")
"""All that systemd runs; guests are in machine.slice. A hook moves these off a guest's CPUs."""


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 6
