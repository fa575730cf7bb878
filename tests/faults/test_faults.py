"""The quick part: some faults on each chain. ``make faults`` tries every one."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.chains import CHAINS, Chain
from tests.faults.run import trial_run
from tests.faults.trial import Bench
from tests.unit.render.roots import CARD, ROOTS, Root
from vfio_wizard.apply import allowed
from vfio_wizard.apply.disk import RootDisk
from vfio_wizard.apply.prepare import prepare
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.selection import HugePageWish, LookingGlass, Mirror, Selection, Strategy
from vfio_wizard.planning.plan import make_plan
from vfio_wizard.probe.gather import gather
from vfio_wizard.probe.originals import read_originals
from vfio_wizard.render.registry import for_host

ONE_IN = 101
"""A prime, so that every kind of fault and every part of a change has its turn."""


@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: chain.name)
def test_a_change_that_is_struck_is_whole_or_taken_back(chain: Chain) -> None:
    """Old or new state complete, and undo restores the old bytes, times and modes."""
    row = trial_run(chain, every=ONE_IN, offset=zlib.crc32(chain.name.encode()) % ONE_IN)
    assert row.kinds.total() > 5
    assert [str(failure) for failure in row.failures] == []


@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: chain.name)
def test_only_files_and_commands_of_the_fixed_lists_are_used(chain: Chain, tmp_path: Path) -> None:
    allowed.check(Bench(chain, tmp_path).work)


WISHES = (
    Selection((), looking_glass=LookingGlass(Mirror.SHM)),
    Selection((), looking_glass=LookingGlass(Mirror.KVMFR)),
    Selection((), bind=Strategy.ADDRESS),
    Selection((), huge_pages=HugePageWish(1048576, 4)),
    Selection((), users=("ann", "bob-2")),
)


@pytest.mark.parametrize("make", ROOTS, ids=lambda make: make.__name__)
def test_no_wish_leads_out_of_the_fixed_lists(make: Callable[[Path], Root], tmp_path: Path) -> None:
    root = make(tmp_path)
    facts = gather(root.host)
    originals = read_originals(root.host, facts)
    for wish in WISHES:
        plan = make_plan(facts, wish._replace(gpus=(PciAddress.parse(CARD),)))
        rendered = for_host(plan, originals, tool_version="test")
        allowed.check(prepare(rendered, RootDisk(str(tmp_path)), {}))
