"""Kernel and release numbers that can be compared."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?", re.ASCII)

KernelVersion = tuple[int, int]
Release = tuple[int, int, int]
"""A program's version in three numbers."""


def kernel_version(release: str) -> KernelVersion | None:
    """The first two numbers of a release: ``6.12.9-amd64`` is (6, 12); None where there are none."""
    match = _NUMBER.match(release)
    return (int(match[1]), int(match[2])) if match else None


def release(version: str) -> Release | None:
    """The first two or three numbers of a version: ``9.0.0-4+deb12u2`` is (9, 0, 0), ``12.8`` (12, 8, 0)."""
    match = _NUMBER.match(version)
    return (int(match[1]), int(match[2]), int(match[3] or 0)) if match else None
