"""The picture of the cores: real processors as golden files, and any topology within 80 columns.

``UPDATE=1 pytest tests/unit/report/test_cores.py`` writes the golden files anew, for review.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import in_ci
from tests.published import validator
from tests.topologies import (
    DUAL_XEON_E5_2680_V4,
    EPYC_64_CORES,
    MACHINES,
    RYZEN_5600X,
    Die,
    far,
    make_cpu,
    single,
)
from vfio_wizard.model.facts import Cpu, HugePages, Memory
from vfio_wizard.model.pins import PinPlan
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.planning.huge_pages import plan_huge_pages
from vfio_wizard.planning.pinning import pin
from vfio_wizard.report.cores_json import cores_json
from vfio_wizard.report.cores_text import cores_text

GOLDEN = Path(__file__).parent / "cores"
WISHES = {"threadripper-3970x": 24}


def picture(cpu: Cpu, vcpus: int | None = None) -> str:
    plan = pin(cpu, 1, vcpus)
    assert isinstance(plan, PinPlan)
    return cores_text(cpu, plan)


@pytest.mark.parametrize("name", MACHINES)
def test_known_processors(name: str) -> None:
    text = picture(MACHINES[name], WISHES.get(name))
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE") and not in_ci():
        file.write_text(text)
    assert text == file.read_text()


@pytest.mark.parametrize("name", MACHINES)
def test_every_cpu_is_drawn_once(name: str) -> None:
    cpu = MACHINES[name]
    assert not isinstance(cpu.cores, Unread)
    assert not isinstance(cpu.offline, Unread)
    rows = [
        line.split("CPU", 1)[1].rstrip(" |") for line in picture(cpu).splitlines() if line.startswith("| CPU")
    ]
    drawn = [int(word) for row in rows for word in row.replace("|", " ").replace("CPU", " ").split()]
    assert sorted(drawn) == sorted([core.cpu for core in cpu.cores] + list(cpu.offline))


@given(
    st.lists(st.tuples(st.integers(1, 20), st.integers(1, 4)), min_size=1, max_size=12),
    st.one_of(st.none(), st.integers(1, 64)),
    st.integers(60, 100),
)
def test_no_picture_is_wider_than_the_screen(
    shape: list[tuple[int, int]], wish: int | None, width: int
) -> None:
    dies, first = [], 0
    for cores, threads in shape:
        numbers = [tuple(range(at, at + threads)) for at in range(first, first + cores * threads, threads)]
        dies.append(Die(numbers, node=first % 3))
        first += cores * threads
    cpu = make_cpu(*dies, model="A Processor")
    plan = pin(cpu, 0, wish)
    assert isinstance(plan, PinPlan)
    text = cores_text(cpu, plan, width=width)
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= width


def test_small_caches_stand_side_by_side() -> None:
    cpu = make_cpu(*(Die(far(range(first, first + 2), 8)) for first in range(0, 8, 2)))
    edges = [line for line in cores_text(cpu).splitlines() if line.startswith("+- level")]
    assert [line.count("level-3") for line in edges] == [2, 2]


def test_isolated_cpus_that_nobody_gets_are_marked() -> None:
    plan = pin(RYZEN_5600X, None, 2)
    assert isinstance(plan, PinPlan)
    text = cores_text(RYZEN_5600X._replace(isolated=(4,)), plan)
    assert "  i   isolated, and nobody's" in text


def test_a_name_with_escapes_is_shown_and_not_obeyed() -> None:
    cpu = make_cpu(
        Die(single(range(2)), kind="fast\x1b[2J"), Die(single(range(2, 4))), model="x\x1b]0;evil\x07"
    )
    assert "\x1b" not in cores_text(cpu, None)


def test_unknown_cores_are_said() -> None:
    gap = Unread("sys/devices/system/cpu/online", Gap.DENIED, "run as\x1b root")
    text = cores_text(RYZEN_5600X._replace(cores=gap))
    assert "not known: denied" in text
    assert "\x1b" not in text


def test_huge_pages_come_last() -> None:
    memory = Memory(32 << 20, 24 << 20, (HugePages(2048, 0, 0), HugePages(1048576, 0, 0)), ())
    pages = plan_huge_pages(memory, 16384)
    text = cores_text(RYZEN_5600X, None, pages)
    assert "at boot: default_hugepagesz=1G hugepagesz=1G hugepages=16" in text
    assert "not known: absent" in cores_text(RYZEN_5600X, None, Unread("x", Gap.ABSENT))


@pytest.mark.parametrize("name", MACHINES)
def test_the_json_keeps_to_the_published_schema(name: str) -> None:
    plan = pin(MACHINES[name], 1)
    memory = Memory(64 << 20, 24 << 20, (HugePages(2048, 0, 0),), ())
    told = cores_json(MACHINES[name], plan, plan_huge_pages(memory, 8192))
    validator("vfio-wizard/cores/1").validate(told)


def test_the_json_without_a_plan_says_why() -> None:
    gap = Unread("sys/devices/system/cpu/online", Gap.ABSENT)
    told = cores_json(DUAL_XEON_E5_2680_V4._replace(cores=gap), gap, None)
    validator("vfio-wizard/cores/1").validate(told)
    assert (told["cpus"], told["plan"], told["gap"]) == (None, None, gap.reason)


def test_the_json_tells_which_cpu_of_the_guest_runs_where() -> None:
    plan = pin(EPYC_64_CORES, 1)
    assert isinstance(plan, PinPlan)
    rows = {row["cpu"]: row["vcpu"] for row in cores_json(EPYC_64_CORES, plan, None)["cpus"]}
    assert {vcpu: cpu for cpu, vcpu in rows.items() if vcpu is not None} == dict(enumerate(plan.pins.vcpus))
