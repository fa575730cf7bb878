"""Every recorded machine, ours and those of strangers: each card gives a guest that its libvirt takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.domain.schemas import STACKS
from tests.nix.test_corpus_exports import MACHINES, cards, facts_of
from vfio_wizard.lint.mistake import Severity
from vfio_wizard.lint.review import Given, review
from vfio_wizard.lint.situation import Situation
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.selection import LookingGlass, Mirror, Selection
from vfio_wizard.model.unread import Unread
from vfio_wizard.planning.domain import plan_guest
from vfio_wizard.probe.gather import gather
from vfio_wizard.render.domain_check import problems
from vfio_wizard.render.domain_xml import domain_xml
from vfio_wizard.system.source import TextSource, open_source

FIXTURES = sorted(one.parent.name for one in (REPOSITORY / "fixtures").glob("*/host.json"))
MIRRORS = (
    LookingGlass(Mirror.OFF),
    LookingGlass(Mirror.SHM, 2560, 1440),
    LookingGlass(Mirror.KVMFR, 3840, 1600),
)


def recorded(name: str) -> HostFacts:
    host = open_source(str(REPOSITORY / "fixtures" / name / "host.json"))
    assert not isinstance(host, TextSource)
    return gather(host)


def guests(facts: HostFacts) -> list[tuple[str, str]]:
    """(name, domain) of each card, with each way to share the picture, for each libvirt.

    Whether a card could be given away at all is not the question here.
    """
    found = []
    told = facts.cpu.cores
    there = None if isinstance(told, Unread) else frozenset(one.cpu for one in told)
    for address in cards(facts):
        for stack, mirror in zip(STACKS, MIRRORS, strict=True):
            plan = plan_guest(facts, Selection((address,), looking_glass=mirror), stack.versions)
            text = domain_xml(plan.spec)
            assert problems(text, there) == ()
            assert plan.spec.cards[0].functions[0].function == 0
            assert_no_error(text, facts)
            found.append((stack.name, text))
    return found


def assert_no_error(text: str, facts: HostFacts) -> None:
    mistakes = review([Given("guest.xml", text)], Situation(facts=facts)).mistakes
    serious = [one for one in mistakes if one.severity is not Severity.NOTE]
    assert serious == []


@pytest.mark.virt
@pytest.mark.parametrize("name", FIXTURES)
def test_every_card_of_our_own_machines_gives_a_valid_guest(name: str, tmp_path: Path) -> None:
    _validate(guests(recorded(name)), tmp_path)


@pytest.mark.virt
@pytest.mark.corpus
@pytest.mark.parametrize("machine", MACHINES)
def test_every_card_of_strangers_machines_gives_a_valid_guest(machine: str, tmp_path: Path) -> None:
    facts = facts_of(machine)
    if facts is None or isinstance(facts.pci, Unread):
        pytest.skip(f"{machine} gives no list of PCI functions in a form that is read here")
    _validate(guests(facts), tmp_path)


def _validate(made: list[tuple[str, str]], folder: Path) -> None:
    for number, (name, text) in enumerate(made):
        place = folder / f"{number}.xml"
        place.write_text(text, encoding="utf-8")
        stack = next(one for one in STACKS if one.name == name)
        assert stack.complaint(place) == ""


def test_our_own_machines_have_cards() -> None:
    assert sum(bool(cards(recorded(name))) for name in FIXTURES) > 30
