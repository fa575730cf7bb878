"""The install line that this program writes: it binds with its word on the command line, and not without."""

from __future__ import annotations

import pytest

from tests.facts_builder import good_machine
from tests.nix.machines import twins
from tests.unit.predict.boots import CARD, SOFTDEPS, SOUND, drivers, host, image
from vfio_wizard.knowledge.changes import SWITCH
from vfio_wizard.model.pci import PciAddress, PciId
from vfio_wizard.model.plan import Plan
from vfio_wizard.model.selection import Selection
from vfio_wizard.planning.plan import make_plan
from vfio_wizard.render.modprobe import text_of


def own_line() -> str:
    """As it is rendered for the twins, with the addresses and ids of the machine of these tests."""
    facts = twins(distribution=good_machine().boot.distribution)
    plan: Plan = make_plan(facts, Selection((PciAddress.parse("0000:27:00.0"),), users=("alice",)))
    ids = dict(zip(plan.bind.functions, (PciId("1002", "5159"), PciId("8086", "293e")), strict=True))
    plan = plan._replace(functions=tuple(one._replace(id=ids[one.address]) for one in plan.functions))
    text = text_of(plan) or ""
    line = next(one for one in text.splitlines() if one.startswith("install "))
    return line.replace("0000:27:00.0", CARD).replace("0000:27:00.1", SOUND)


def test_the_line_binds_both_functions_with_its_word() -> None:
    line = own_line()
    facts = host(line, *SOFTDEPS, words=f"quiet {SWITCH}")
    assert drivers(facts, image(line, *SOFTDEPS, early=("vfio_pci",))) == ("vfio-pci", "vfio-pci")


@pytest.mark.parametrize("words", ["quiet", "vfio-wizard.bind=0", "vfio-wizard.bind"])
def test_without_its_word_the_host_keeps_the_card(words: str) -> None:
    line = own_line()
    facts = host(line, *SOFTDEPS, words=words)
    seen = image(line, *SOFTDEPS, early=("vfio_pci",))
    assert drivers(facts, seen) == ("radeon", "snd_hda_intel")
