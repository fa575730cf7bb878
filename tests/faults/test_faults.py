"""The quick part: some faults on each chain. ``make faults`` tries every one."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from tests.faults.chains import CHAINS, Chain
from tests.faults.run import trial_run
from tests.faults.trial import Bench
from vfio_wizard.apply import allowed

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
