"""Kernel and release numbers that can be compared."""

from __future__ import annotations

_DIGITS = "0123456789"
_LONGEST = 9
"""Digits of a number; more is no version."""

KernelVersion = tuple[int, int]
Release = tuple[int, int, int]
"""A program's version in three numbers."""


def kernel_version(release: str) -> KernelVersion | None:
    """The first two numbers of a release: ``6.12.9-amd64`` is (6, 12); None where there are none."""
    numbers = _numbers(release)
    return None if numbers is None else numbers[:2]


def release(version: str) -> Release | None:
    """The first two or three numbers of a version: ``9.0.0-4+deb12u2`` is (9, 0, 0), ``12.8`` (12, 8, 0)."""
    return _numbers(version)


def _numbers(text: str) -> Release | None:
    first, dot, rest = text.partition(".")
    if not (dot and 0 < len(first) <= _LONGEST and not first.strip(_DIGITS)):
        return None
    second = _leading(rest)
    if not second:
        return None
    third = _leading(rest[len(second) + 1 :]) if rest[len(second) : len(second) + 1] == "." else ""
    return int(first), int(second), int(third or "0")


def _leading(text: str) -> str:
    """The digits that a text begins with, at most so many as a number has."""
    return text[: len(text) - len(text.lstrip(_DIGITS))][:_LONGEST]
