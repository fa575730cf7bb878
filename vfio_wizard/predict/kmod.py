"""What one call of modprobe does: which modules it inserts, in which order, with which options.

The rules are libkmod's (kmod 30 and 34): the first ``softdep`` and the first ``install`` line of a module
count, the tables of the kernel before the files; hard dependencies bring their own soft dependencies; a
``blacklist`` stops only who asks for it, and never a dependency.
"""

from __future__ import annotations

from collections.abc import Mapping

from vfio_wizard.knowledge.changes import SWITCH
from vfio_wizard.model.facts import ModprobeLine
from vfio_wizard.model.kargs import Kargs
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.predict.ids import ids_of
from vfio_wizard.predict.shell import Commands, read_commands


class Step(NamedTuple):
    """One thing that happens: a module is inserted, an override is written, or nobody can say."""

    module: str
    why: tuple[str, ...]
    options: str = ""
    overrides: tuple[tuple[str, str], ...] = ()
    """Pairs of address and driver that a command writes to ``driver_override``."""
    probes: tuple[str, ...] = ()
    """Addresses that a command writes to ``drivers_probe``."""
    opaque: str = ""
    """Why nobody can say what this step does."""
    ids_origin: str = ""
    """Where the ``ids=`` among the options stand."""

    @property
    def inserts(self) -> bool:
        """Whether it is the insertion of a module."""
        return not (self.overrides or self.probes or self.opaque)


class Modprobe(NamedTuple):
    """modprobe as it works at one stage of the boot."""

    lines: tuple[ModprobeLine, ...]
    """The kernel's soft dependencies, then the files, then the command line."""
    depends: Mapping[str, tuple[str, ...]]
    inside: frozenset[str] | None
    """The modules that the image holds; None where all of the kernel's modules are there."""
    builtin: frozenset[str]
    refused: Mapping[str, str]
    """Modules that the kernel will not start, and why."""
    words: Kargs = Kargs(())
    """The kernel command line, which an install line of ours asks for its word."""

    def has(self, module: str) -> bool:
        """Whether there is such a file to insert."""
        return module in self.depends if self.inside is None else module in self.inside

    def first(self, command: str, module: str) -> ModprobeLine | None:
        """The line that counts."""
        return next((one for one in self.lines if one.command == command and fits(one.module, module)), None)

    def options(self, module: str) -> tuple[ModprobeLine, ...]:
        """All ``options`` lines, in the order in which the kernel gets them."""
        return tuple(one for one in self.lines if one.command == "options" and one.module == module)

    def blacklisted(self, module: str) -> ModprobeLine | None:
        """The line that takes the module's aliases away."""
        return self.first("blacklist", module)

    def aliased(self, modalias: str) -> tuple[ModprobeLine, ...]:
        """``alias`` lines of the files that cover a device; with any, the kernel's own do not count."""
        from fnmatch import fnmatchcase  # noqa: PLC0415 - alias lines are rare

        found = [one for one in self.lines if one.command == "alias" and "*" in one.module]
        return tuple(one for one in found if fnmatchcase(modalias, one.module))

    def steps(self, module: str, why: tuple[str, ...], extra: str = "") -> tuple[Step, ...]:
        """What a call for this module does; nothing where there is no such file, or it is built in."""
        return tuple(_Walk(self).module(module, why, extra))

    def can_insert(self, module: str) -> str | None:
        """None, or why an insertion fails."""
        if not self.has(module):
            return f"{module} is not there"
        for one in (module, *self.depends.get(module, ())):
            if one in self.builtin:
                continue
            if one in self.refused:
                return self.refused[one]
            if not self.has(one):
                return f"{module} needs {one}, which is not there"
        return None


class _Walk:
    """One call, with what it has seen already (libkmod's ``visited``)."""

    def __init__(self, modprobe: Modprobe) -> None:
        self._kmod = modprobe
        self._seen: set[str] = set()

    def module(self, name: str, why: tuple[str, ...], extra: str = "") -> list[Step]:
        kmod = self._kmod
        if name in self._seen or name in kmod.builtin:
            return []
        self._seen.add(name)
        if not kmod.has(name):
            return []
        steps: list[Step] = []
        for one in kmod.depends.get(name, ()):
            steps += self._soft(one, (*why, f"{name} needs {one}"))
        return steps + self._soft(name, why, extra)

    def _soft(self, name: str, why: tuple[str, ...], extra: str = "") -> list[Step]:
        install = self._kmod.first("install", name)
        if install is not None:
            return self._commands(name, install, why)
        line = self._kmod.first("softdep", name)
        before, after = _softdep(line) if line else ((), ())
        reason = (*why, f"{line.origin}: softdep {line.module} {line.rest}") if line else why
        steps: list[Step] = []
        for one in before:
            steps += self.module(one, reason)
        steps += self._insert(name, why, extra)
        for one in after:
            steps += self.module(one, reason)
        return steps

    def _insert(self, name: str, why: tuple[str, ...], extra: str) -> list[Step]:
        if name in self._kmod.builtin or self._kmod.can_insert(name) is not None:
            return []
        lines = self._kmod.options(name)
        words = " ".join([*(line.rest for line in lines), extra]).strip()
        given = [line.origin for line in lines if ids_of(line.rest) is not None]
        origin = why[0] if ids_of(extra) is not None else (given[-1] if given else "")
        return [Step(name, why, words, ids_origin=origin)]

    def _commands(self, name: str, line: ModprobeLine, why: tuple[str, ...]) -> list[Step]:
        """What stands behind ``install``: kmod runs it in place of the insertion."""
        reason = (*why, f"{line.origin}: install {line.module} {line.rest}")
        told = read_commands(line.rest)
        if SWITCH in line.rest and not self._kmod.words.has(SWITCH):
            reason = (*reason, f"{SWITCH} is not on the kernel command line, so that it names no function")
            told = told._replace(overrides=())
        if told.opaque:
            return [Step(name, reason, opaque=told.opaque)]
        return self.told(told, reason, ignore_install=True)

    def told(self, told: Commands, why: tuple[str, ...], *, ignore_install: bool) -> list[Step]:
        steps: list[Step] = []
        if told.overrides:
            steps.append(Step("", why, overrides=told.overrides))
        for call in told.loads:
            if call.ignore_install and ignore_install:
                inner = [
                    one for dep in self._kmod.depends.get(call.module, ()) for one in self._soft(dep, why)
                ]
                steps += [*inner, *self._insert(call.module, why, call.options)]
            else:
                steps += _Walk(self._kmod).module(call.module, why, call.options)
        if told.probes:
            steps.append(Step("", why, probes=told.probes))
        return steps


def run_commands(modprobe: Modprobe, told: Commands, why: tuple[str, ...]) -> tuple[Step, ...]:
    """What a script does that was understood."""
    return tuple(_Walk(modprobe).told(told, why, ignore_install=True))


def _softdep(line: ModprobeLine) -> tuple[tuple[str, ...], tuple[str, ...]]:
    sides: dict[str, list[str]] = {"pre:": [], "post:": []}
    side = ""
    for word in line.rest.split():
        if word in sides:
            side = word
        elif side:
            sides[side].append(word.replace("-", "_"))
    return tuple(sides["pre:"]), tuple(sides["post:"])


def fits(pattern: str, module: str) -> bool:
    """Names may be shell patterns; nearly none are."""
    if pattern == module or not any(one in pattern for one in "*?["):
        return pattern == module
    from fnmatch import fnmatchcase  # noqa: PLC0415 - patterns are rare

    return fnmatchcase(module, pattern)


def of_command_line(words: Kargs, origin: str) -> tuple[ModprobeLine, ...]:
    """What libkmod takes from the kernel command line: ``modprobe.blacklist=`` and ``module.parameter=``."""
    lines: list[ModprobeLine] = []
    for word in words.words:
        name, equals, value = word.replace('"', "").partition("=")
        module, dot, parameter = name.partition(".")
        if not dot or not module:
            continue
        if module == "modprobe" and parameter == "blacklist":
            lines += [
                ModprobeLine(f"{origin}: {word}", "blacklist", _plain(one), "") for one in value.split(",")
            ]
        elif equals:
            lines.append(ModprobeLine(f"{origin}: {word}", "options", _plain(module), f"{parameter}={value}"))
    return tuple(lines)


def _plain(name: str) -> str:
    return name.replace("-", "_")
