"""Times programs: wall time and processor time of each run, interleaved, and the most memory of one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time

BARE = "`python3 -c pass`"
FINDINGS = (0, 1, 3)
"""1 and 3 are findings about the machine; virt-host-validate and the rivals use 1 and 2 as well."""

_SMALL = """
import os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[
    (os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)])
print(os.wait4(pid, 0)[2].ru_maxrss)
"""
"""In a process that is smaller than what it starts: a child's peak is never told below its parent's size."""


def once(argv: tuple[str, ...], env: dict[str, str]) -> tuple[float, float]:
    """Wall and processor milliseconds of one run. Raises RuntimeError when our own program fails."""
    actions = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]
    path = shutil.which(argv[0]) or argv[0]
    start = time.perf_counter()
    pid = os.posix_spawn(path, argv, env, file_actions=actions)
    _, status, usage = os.wait4(pid, 0)
    took = (time.perf_counter() - start) * 1000
    code = os.waitstatus_to_exitcode(status)
    if code < 0 or ("vfio-wizard" in argv[0] and code not in FINDINGS):
        message = f"{' '.join(argv)[:200]} ended with {code}"
        raise RuntimeError(message)
    return took, (usage.ru_utime + usage.ru_stime) * 1000


def measure(
    contest: list[tuple[str, tuple[str, ...]]], rounds: int, env: dict[str, str]
) -> dict[str, dict[str, list[float]]]:
    """Figures by name, interleaved, after a round that only warms up."""
    figures: dict[str, dict[str, list[float]]] = {name: {"wall": [], "cpu": []} for name, _ in contest}
    for number in range(rounds + 1):
        for name, argv in contest:
            wall, cpu = once(argv, env)
            if number:
                figures[name]["wall"].append(wall)
                figures[name]["cpu"].append(cpu)
    return figures


def peak(argv: tuple[str, ...], env: dict[str, str]) -> float:
    """The most memory of one run in MiB, not below the 9 MiB of the process that asks."""
    path = shutil.which(argv[0]) or argv[0]
    asked = (sys.executable, "-I", "-S", "-c", _SMALL, path, *argv[1:])
    told = subprocess.run(asked, env=env, capture_output=True, text=True, check=True).stdout
    return int(told) / 1024
