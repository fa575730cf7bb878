"""What rules, units and scripts write to ``driver_override``, and when they run."""

from __future__ import annotations

import re
from enum import Enum

from vfio_wizard.model.record import NamedTuple
from vfio_wizard.predict.shell import Commands, read_commands


class When(Enum):
    """The moment of a script, seen from udev's pass over the devices that are already there."""

    BEFORE = "before"
    RULE = "rule"
    """As a udev rule: at each function's own event."""
    AFTER = "after"
    UNCLEAR = "unclear"


class OverrideScript(NamedTuple):
    """One text and what it does."""

    path: str
    when: When
    commands: Commands


_BEFORE_HOOKS = re.compile(r"hooks/(?:cmdline|pre-udev|pre-trigger)/")
_AFTER_HOOKS = re.compile(r"hooks/(?:pre-mount|mount|pre-pivot|cleanup|initqueue)")
_AFTER_SCRIPTS = re.compile(r"scripts/(?:init-premount|init-bottom|(?:local|nfs)-(?:top|premount|bottom))/")
_EARLY_UNIT = re.compile(r"(?m)^Before=.*systemd-(?:udevd|udev-trigger|modules-load)\.service")


def read_override(path: str, text: str) -> OverrideScript:
    """Understand one rule file, unit or script."""
    if path.endswith(".rules"):
        return OverrideScript(path, When.RULE, _rules(text))
    return OverrideScript(path, _when(path, text), read_commands(text))


def _when(path: str, text: str) -> When:
    if "scripts/init-top/" in path:
        return _init_top(path.rpartition("/")[2], text)
    if _BEFORE_HOOKS.search(path):
        return When.BEFORE
    if _AFTER_HOOKS.search(path) or _AFTER_SCRIPTS.search(path):
        return When.AFTER
    if path.endswith(".service"):
        return When.BEFORE if _EARLY_UNIT.search(text) else When.AFTER
    return When.UNCLEAR


def _init_top(name: str, text: str) -> When:
    """initramfs-tools sorts by PREREQ, and scripts without one by name; ``udev`` is one of them."""
    needs = re.search(r"(?m)^\s*PREREQS?=[\"']?([\w -]*)", text)
    if needs and "udev" in needs[1].split():
        return When.AFTER
    return When.BEFORE if name < "udev" else When.AFTER


_ASSIGNMENT = re.compile(r'ATTR\{driver_override\}\s*=\s*"([^"]*)"')
_KERNEL = re.compile(r'KERNELS?\s*==\s*"([^"]*)"')
_RUN = re.compile(r'(?:RUN|PROGRAM|IMPORT)(?:\{\w+\})?\s*\+?=+\s*"([^"]*)"')


def _rules(text: str) -> Commands:
    """The lines of a rule file that assign ``driver_override`` to functions named by their address."""
    pairs: list[tuple[str, str]] = []
    loads: list[str] = []
    for line in text.replace("\\\n", " ").split("\n"):
        if line.lstrip().startswith("#") or "driver_override" not in line:
            continue
        assigned, names = _ASSIGNMENT.search(line), _KERNEL.findall(line)
        if not assigned or not names or "*" in names[-1]:
            return Commands(opaque="its rule does not name the functions by address")
        pairs += [(one.lower(), assigned[1]) for one in names[-1].split("|")]
        loads += _RUN.findall(line)
    calls = tuple(
        call for command in loads for call in read_commands(command.replace("kmod load", "modprobe")).loads
    )
    return Commands(loads=calls, overrides=tuple(pairs))
