"""Fixes in the words of the host: its boot loader, its initramfs generator, its distribution."""

from __future__ import annotations

from vfio_wizard.checks.outcome import Command
from vfio_wizard.knowledge.bootchain import generator
from vfio_wizard.knowledge.ways import Way, way
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.finding import Fix, Who
from vfio_wizard.model.unread import Unread


def families(facts: HostFacts) -> tuple[str, ...]:
    """The os-release ids of the distribution and of those it descends from; empty where not known."""
    found = facts.boot.distribution
    return () if isinstance(found, Unread) else (found.id, *found.like)


def is_nixos(facts: HostFacts) -> bool:
    """Whether the host is known to be a NixOS."""
    return "nixos" in families(facts)


def change_line(facts: HostFacts, text: str, add: tuple[str, ...] = (), remove: tuple[str, ...] = ()) -> Fix:
    """A fix on the kernel command line: ``text``, then where that is on this host, with its commands."""
    row = _way(facts)
    if row is None:
        return Fix(Who.USER, text, add, ())
    commands = _commands(row, add, remove)
    if row.add is None:
        text = f"{text} Here: {row.place}{'; then run the command.' if commands else '.'}"
    return Fix(Who.USER, text, add, commands)


def _way(facts: HostFacts) -> Way | None:
    loader = facts.boot.loader
    return None if isinstance(loader, Unread) else way(loader.name, families(facts))


def _commands(row: Way, add: tuple[str, ...], remove: tuple[str, ...]) -> tuple[Command, ...]:
    found = [_filled(row.add, word) for word in add if row.add]
    found += [_filled(row.remove, word) for word in remove if row.remove]
    if row.finish:
        found.append(_filled(row.finish, ""))
    return tuple(found)


def _filled(command: str, word: str) -> Command:
    return ("sudo", *(part.replace("{word}", word) for part in command.split()))


def rebuild(facts: HostFacts) -> tuple[Command, ...]:
    """The command that builds the initramfs images again; none where the generator is not known."""
    found = facts.boot.initramfs
    row = None if isinstance(found, Unread) else generator(found.name)
    return () if row is None or not row.regenerate else (("sudo", *row.regenerate[0]),)
