"""Short ways to review a text in a test."""

from __future__ import annotations

from vfio_wizard.knowledge.nixos import Release
from vfio_wizard.lint.kinds import Kind
from vfio_wizard.lint.mistake import Mistake
from vfio_wizard.lint.review import Given, Review, review
from vfio_wizard.lint.situation import Situation
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.version import KernelVersion

ANYWHERE = Situation()


def read(text: str, name: str = "file", situation: Situation = ANYWHERE, kind: Kind | None = None) -> Review:
    """One text reviewed."""
    return review([Given(name, text, kind)], situation)


def nix(
    text: str,
    release: Release | None = None,
    kernel: KernelVersion | None = None,
    facts: HostFacts | None = None,
) -> Review:
    """A Nix module reviewed."""
    return read(text, "module.nix", Situation(kernel, release, facts))


def rules(found: Review) -> list[str]:
    """The ids of all rules that said something, in order."""
    return [one.rule for one in found.mistakes]


def only(found: Review, rule: str) -> Mistake:
    """The single mistake of a rule."""
    hits = [one for one in found.mistakes if one.rule == rule]
    assert len(hits) == 1, (rule, rules(found))
    return hits[0]
