"""Host memory and huge pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import SysfsTree
from vfio_wizard.model.facts import HugePages, NodeMemory
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.probe.memory import POOLS, read_memory
from vfio_wizard.system.host import RootHost

INFO = "MemTotal:       32768000 kB\nMemFree:         1000 kB\nMemAvailable:   20000000 kB\n"


def test_total_and_available_are_in_kib(tmp_path: Path) -> None:
    memory = read_memory(SysfsTree(tmp_path).file("proc/meminfo", INFO).host())
    assert (memory.total_kib, memory.available_kib) == (32768000, 20000000)


def test_pools_come_by_page_size(tmp_path: Path) -> None:
    tree = SysfsTree(tmp_path)
    tree.files(f"{POOLS}/hugepages-1048576kB", nr_hugepages=8, free_hugepages=3)
    tree.files(f"{POOLS}/hugepages-2048kB", nr_hugepages=0, free_hugepages=0)
    assert read_memory(tree.host()).huge_pages == (HugePages(2048, 0, 0), HugePages(1048576, 8, 3))


def test_without_proc_nothing_is_known(tmp_path: Path) -> None:
    memory = read_memory(RootHost(str(tmp_path)))
    assert all(isinstance(fact, Unread) for fact in memory)


@pytest.mark.parametrize("text", ["", "MemTotal:", "MemTotal: many kB", "MemTotal: -", "\0" * 50])
def test_memory_that_is_no_number_is_a_gap(tmp_path: Path, text: str) -> None:
    total = read_memory(SysfsTree(tmp_path).file("proc/meminfo", text).host()).total_kib
    assert isinstance(total, Unread)
    assert total.gap in (Gap.MALFORMED, Gap.ABSENT)


def test_a_pool_with_a_strange_name_or_number_is_passed_over(tmp_path: Path) -> None:
    tree = SysfsTree(tmp_path).files(f"{POOLS}/hugepages-2048kB", nr_hugepages="x", free_hugepages=0)
    tree.directory(f"{POOLS}/hugepages-manykB").directory(f"{POOLS}/hugepages-64kB")
    assert read_memory(tree.host()).huge_pages == ()


@pytest.mark.live
def test_this_machine_has_memory() -> None:
    total = read_memory(RootHost("/")).total_kib
    assert isinstance(total, int)
    assert total > 0


def _node(tree: SysfsTree, number: int, total: str = "", pages: int = 0) -> None:
    here = f"sys/devices/system/node/node{number}"
    tree.directory(here)
    if total:
        lines = f"\nNode {number} MemTotal:       {total} kB\nNode {number} MemFree:  100 kB\n"
        tree.file(f"{here}/meminfo", lines)
    pool = f"{here}/hugepages/hugepages-2048kB"
    tree.files(pool, nr_hugepages=pages, free_hugepages=pages)


def test_each_of_several_nodes_tells_its_memory(tmp_path: Path) -> None:
    tree = SysfsTree(tmp_path)
    _node(tree, 0, "2048", 4)
    _node(tree, 10)
    tree.file("sys/devices/system/node/has_cpu", "0\n")
    assert read_memory(tree.host()).nodes == (
        NodeMemory(0, 2048, 100, (HugePages(2048, 4, 4),)),
        NodeMemory(10, 0, 0, (HugePages(2048, 0, 0),)),
    )


def test_a_single_node_has_nothing_to_tell_apart(tmp_path: Path) -> None:
    tree = SysfsTree(tmp_path)
    _node(tree, 0, "2048")
    assert read_memory(tree.host()).nodes == ()
