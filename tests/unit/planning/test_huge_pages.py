"""Huge pages: the size, the room, and when."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.facts_builder import good_machine
from vfio_wizard.model.facts import HugePages, Memory, NodeMemory
from vfio_wizard.model.pins import HugePagePlan, Reserve
from vfio_wizard.model.selection import HugePageWish
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.planning.huge_pages import LARGE_KIB, SMALL_KIB, plan_huge_pages
from vfio_wizard.planning.parameters import memory_parameters

GIB = 1 << 20
NONE = (HugePages(SMALL_KIB, 0, 0), HugePages(LARGE_KIB, 0, 0))
ONLY_SMALL = NONE[:1]


def host(total: int = 32, free: int = 24, pools: tuple[HugePages, ...] = NONE) -> Memory:
    return Memory(total * GIB, free * GIB, pools, ())


def planned(
    memory: Memory, mib: int, node: int | None = None, kernel: tuple[int, int] = (6, 12)
) -> HugePagePlan:
    plan = plan_huge_pages(memory, mib, node, kernel)
    assert isinstance(plan, HugePagePlan)
    return plan


def test_whole_gibibytes_are_reserved_at_boot() -> None:
    plan = planned(host(), 16384)
    assert (plan.size_kib, plan.pages, plan.reserve) == (LARGE_KIB, 16, Reserve.BOOT)
    assert plan.parameters == ("default_hugepagesz=1G", "hugepagesz=1G", "hugepages=16")
    assert plan.commands == ()


def test_a_processor_without_large_pages_gets_small_ones_now() -> None:
    plan = planned(host(pools=ONLY_SMALL), 16384)
    assert (plan.size_kib, plan.pages, plan.reserve) == (SMALL_KIB, 8192, Reserve.RUNTIME)
    assert plan.commands == (
        ("sh", "-c", "echo 8192 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"),
    )
    assert plan.parameters == ("hugepagesz=2M", "hugepages=8192")


def test_memory_that_is_no_whole_gibibyte_has_small_pages() -> None:
    plan = planned(host(), 9001)
    assert (plan.size_kib, plan.pages) == (SMALL_KIB, 4501)
    assert "no whole number of GiB" in plan.because[0]


def test_a_busy_host_needs_a_reboot() -> None:
    assert planned(host(free=10, pools=ONLY_SMALL), 16384).reserve is Reserve.BOOT


def test_pages_that_are_there_are_used_whatever_their_size() -> None:
    plan = planned(host(pools=(HugePages(SMALL_KIB, 8192, 8192), NONE[1])), 16384)
    assert (plan.size_kib, plan.reserve, plan.parameters) == (SMALL_KIB, Reserve.THERE, ())


def test_pages_of_another_guest_are_counted_on_top() -> None:
    plan = planned(host(pools=(HugePages(SMALL_KIB, 2048, 0),)), 4096)
    assert plan.parameters == ("hugepagesz=2M", "hugepages=4096")


def test_a_host_that_is_too_small_is_told_so() -> None:
    plan = planned(host(16, 12), 15360)
    assert plan.reserve is Reserve.NEVER
    assert (plan.parameters, plan.commands) == ((), ())
    assert "16384 MiB, of which 2048 MiB must stay" in plan.because[1]


NODES = (NodeMemory(0, 32 * GIB, 20 * GIB, NONE), NodeMemory(1, 16 * GIB, 15 * GIB, NONE))


def test_one_node_must_have_all_of_it() -> None:
    memory = host(48, 35)._replace(nodes=NODES)
    assert planned(memory, 24576, 0).parameters[-1] == "hugepages=0:24"
    assert planned(memory, 24576, 1).reserve is Reserve.NEVER
    assert planned(memory, 8192, 1, (5, 10)).parameters[-1] == "hugepages=16"


def test_a_node_has_its_own_pool() -> None:
    memory = host(48, 35)._replace(nodes=(NODES[0]._replace(huge_pages=ONLY_SMALL), NODES[1]))
    (command,) = planned(memory, 4096, 0).commands
    assert command[2] == "echo 2048 > /sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages"


@pytest.mark.parametrize("field", ["huge_pages", "total_kib", "nodes"])
def test_what_is_not_told_is_not_guessed(field: str) -> None:
    gap = Unread("proc/meminfo", Gap.DENIED)
    assert plan_huge_pages(host()._replace(**{field: gap}), 8192, 0) is gap


def test_a_kernel_without_huge_pages() -> None:
    assert isinstance(plan_huge_pages(host(pools=()), 8192), Unread)


def test_the_answer_gives_the_same_parameters() -> None:
    plan = planned(host(), 8192)
    assert plan.wish == HugePageWish(LARGE_KIB, 8)
    assert tuple(one.word for one in memory_parameters(plan.wish, good_machine())) == plan.parameters


@given(
    st.integers(1, 512),
    st.integers(0, 512),
    st.integers(1, 600 * 1024),
    st.integers(0, 1 << 18),
    st.integers(0, 256),
)
def test_the_host_always_keeps_its_part(total: int, free: int, mib: int, small: int, large: int) -> None:
    pools = (HugePages(SMALL_KIB, small, small // 2), HugePages(LARGE_KIB, large, large // 3))
    plan = planned(host(total, min(free, total), pools), mib)
    assert plan.size_kib * plan.pages >= mib << 10
    assert plan.size_kib * (plan.pages - 1) < mib << 10
    if plan.parameters:
        count = int(plan.parameters[-1].removeprefix("hugepages="))
        other = next(pool for pool in pools if pool.size_kib != plan.size_kib)
        assert count * plan.size_kib + other.size_kib * other.total + (2 << 20) <= total * GIB
