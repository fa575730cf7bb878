"""Every recorded machine with a card that could be given away exports in three shapes for three releases."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import shared_directory
from tests.nix import options
from tests.nix.machines import TOOL
from tests.nix.test_evaluation import configuration
from tests.nix.test_goldens import parses
from tests.nix.test_options import check, release
from vfio_wizard.cards.units import candidates, gpus
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.plan import BindBy, Plan
from vfio_wizard.model.selection import LookingGlass, Mirror, Selection, Style
from vfio_wizard.model.unread import Unread
from vfio_wizard.planning.plan import make_plan
from vfio_wizard.probe.text.read import read_texts
from vfio_wizard.render import nixos

CORPUS = shared_directory() / "corpus"
RELEASES = ("21.11", "24.11", "26.05")
MACHINES = sorted(one.name for one in CORPUS.iterdir() if one.is_dir()) if CORPUS.is_dir() else ["none"]
ALLOWED = ("display.only", "group.shared", "gpu.has-virtual-functions")

pytestmark = pytest.mark.corpus


def facts_of(machine: str) -> HostFacts | None:
    """The machine, as far as its texts are in a form that is read."""
    parts = [
        (one.name, one.read_text(encoding="utf-8", errors="replace"))
        for one in sorted((CORPUS / machine).iterdir())
        if one.is_file() and one.name != "about.json" and one.suffix not in (".gz", ".xz", ".bz2")
    ]
    try:
        return read_texts(parts) if parts else None
    except UsageError:
        return None


def cards(facts: HostFacts) -> list[PciAddress]:
    found = gpus(facts)
    return [] if isinstance(found, Unread) else [one.address for one in candidates(found)]


def plan_for(facts: HostFacts, address: PciAddress) -> Plan:
    wishes = Selection((address,), users=("alice",), looking_glass=LookingGlass(Mirror.SHM), allow=ALLOWED)
    return make_plan(facts, wishes)


@pytest.mark.parametrize("machine", MACHINES)
def test_every_card_exports_in_three_shapes_for_three_releases(machine: str, tmp_path: Path) -> None:
    facts = facts_of(machine)
    if facts is None or isinstance(facts.pci, Unread):
        pytest.skip(f"{machine} gives no list of PCI functions in a form that is read here")
    chosen = cards(facts)
    if not chosen:
        pytest.skip(f"{machine} has no card that could be given away")
    every = options.read()
    texts = []
    for address in chosen:
        plan = plan_for(facts, address)
        assert {one.id for one in plan.refusals} <= {"host.disk", "host.network"}, plan.refusals
        for style in Style:
            for wanted in RELEASES:
                text = nixos.render(plan, style=style, release=wanted, tool_version=TOOL)
                found = configuration(text, style)
                assert check(every, found, release(wanted)) > 5
                assert_binds(found, plan)
                texts.append(f"({text})")
    together = tmp_path / "every.nix"
    together.write_text("[\n" + "\n".join(texts) + "]\n", encoding="utf-8")
    if os.environ.get("CI") or _has_nix():
        done = parses(together, tmp_path)
        assert done.returncode == 0, done.stderr[:2000]


def _has_nix() -> bool:
    return any((Path(folder) / "nix-instantiate").exists() for folder in os.get_exec_path())


def assert_binds(found: Any, plan: Plan) -> None:
    """The module binds exactly the functions of the plan, one way or the other."""
    if plan.bind.by is BindBy.ID:
        words = [word for word in found["boot"]["kernelParams"] if word.startswith("vfio-pci.ids=")]
        assert len(words) == 1
        assert set(plan.bind.ids) <= set(words[0].removeprefix("vfio-pci.ids=").split(","))
        return
    text = json.dumps(found["boot"]["initrd"])
    assert all(f"take {one}" in text for one in plan.bind.functions)


def truth(machine: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CORPUS / machine / "about.json").read_text(encoding="utf-8"))
    return found["truth"] or {}


@pytest.mark.parametrize("machine", MACHINES)
def test_ids_are_used_only_where_the_machine_s_reader_saw_no_sharing(machine: str) -> None:
    facts = facts_of(machine)
    if facts is None or isinstance(facts.pci, Unread):
        pytest.skip(f"{machine} gives no list of PCI functions in a form that is read here")
    for told in truth(machine).get("gpus", []):
        address = PciAddress.parse(told["bdf"])
        if address not in cards(facts):
            continue
        bind = plan_for(facts, address).bind
        if told.get("ids_shared_with"):
            assert bind.by is BindBy.ADDRESS or all(word.count(":") == 3 for word in bind.ids), told
        elif bind.by is BindBy.ID and told.get("vfio_ids"):
            assert set(bind.ids) == set(told["vfio_ids"])
