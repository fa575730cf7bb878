"""Kernel and release numbers that can be compared."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?", re.ASCII)

KernelVersion = tuple[int, int]


def kernel_version(release: str) -> KernelVersion | None:
    """The first two numbers of a release: ``6.12.9-amd64`` is (6, 12); None where there are none."""
    match = _NUMBER.match(release)
    return (int(match[1]), int(match[2])) if match else None
