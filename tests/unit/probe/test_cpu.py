"""The processor: vendors, flags of the first block, lists of processors, topology."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import SysfsTree
from vfio_wizard.model.facts import Core, Cpu
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.probe.cpu import CPUS, read_cpu
from vfio_wizard.probe.numbers import cpu_list, from_decimal, from_hex
from vfio_wizard.system.host import RootHost

BLOCK = """processor\t: {number}
vendor_id\t: {vendor}
cpu family\t: 25
model\t\t: 33
model name\t: AMD Ryzen 9 5900X 12-Core Processor
stepping\t: 2
flags\t\t: fpu vme {flags}
address sizes\t: 48 bits physical, 48 bits virtual
"""


def processor(
    tree: SysfsTree, flags: str = "svm npt", vendor: str = "AuthenticAMD", count: int = 2
) -> SysfsTree:
    blocks = [BLOCK.format(number=n, vendor=vendor, flags=flags if n == 0 else "other") for n in range(count)]
    return tree.file("proc/cpuinfo", "\n".join(blocks) + "\n")


def cores(cpu: Cpu) -> tuple[Core, ...]:
    assert not isinstance(cpu.cores, Unread)
    return cpu.cores


def test_the_first_processor_speaks_for_all(tmp_path: Path) -> None:
    cpu = read_cpu(processor(SysfsTree(tmp_path), count=128).host())

    assert cpu.vendor == "amd"
    assert cpu.model == "AMD Ryzen 9 5900X 12-Core Processor"
    assert cpu.family == (25, 33, 2)
    assert cpu.flags == {"fpu", "vme", "svm", "npt"}
    assert cpu.address_bits == (48, 48)


@pytest.mark.parametrize(
    ("word", "vendor"),
    [
        ("GenuineIntel", "intel"),
        ("AuthenticAMD", "amd"),
        ("HygonGenuine", "amd"),
        ("CentaurHauls", "centaurhauls"),
    ],
)
def test_vendors_are_named_by_whose_virtualisation_they_have(tmp_path: Path, word: str, vendor: str) -> None:
    assert read_cpu(processor(SysfsTree(tmp_path), vendor=word).host()).vendor == vendor


def test_a_processor_of_another_kind_has_features_and_no_vendor(tmp_path: Path) -> None:
    tree = SysfsTree(tmp_path).file(
        "proc/cpuinfo", "processor\t: 0\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\n\n"
    )
    cpu = read_cpu(tree.host())
    assert cpu.flags == {"fp", "asimd"}
    assert isinstance(cpu.vendor, Unread)
    assert cpu.vendor.gap is Gap.ABSENT


@pytest.mark.parametrize("content", ["", "\n", "\0\0\0", "rubbish", ":", "flags\t:", "\x80" * 20000])
def test_no_text_of_cpuinfo_raises(tmp_path: Path, content: str) -> None:
    cpu = read_cpu(SysfsTree(tmp_path).file("proc/cpuinfo", content).host())
    assert isinstance(cpu.vendor, Unread)
    assert isinstance(cpu.family, Unread)


def test_without_cpuinfo_every_field_is_unread(tmp_path: Path) -> None:
    cpu = read_cpu(RootHost(str(tmp_path)))
    assert all(isinstance(fact, Unread) for fact in cpu[1:])


def smt(tree: SysfsTree, pairs: tuple[tuple[int, int], ...], l3: tuple[str, ...]) -> SysfsTree:
    """Cores of two threads; ``l3`` lists the processors below each level-3 cache."""
    tree.files(CPUS, online=f"0-{2 * len(pairs) - 1}", isolated="")
    for core, pair in enumerate(pairs):
        for cpu in pair:
            tree.cpu(
                cpu, core_cpus_list=f"{pair[0]},{pair[1]}", physical_package_id=0, die_id=0, core_id=core
            )
    for listed in l3:
        for cpu in cpu_list(listed) or ():
            tree.files(f"{CPUS}/cpu{cpu}/cache/index2", level=2, shared_cpu_list=cpu, size="512K")
            tree.files(f"{CPUS}/cpu{cpu}/cache/index3", level=3, shared_cpu_list=listed, size="32768K")
    return tree


def test_threads_know_their_siblings_and_their_cache(tmp_path: Path) -> None:
    tree = smt(processor(SysfsTree(tmp_path)), ((0, 4), (1, 5), (2, 6), (3, 7)), ("0-1,4-5", "2-3,6-7"))
    tree.files("sys/devices/system/node/node0", cpulist="0-7")
    found = cores(read_cpu(tree.host()))

    assert [core.cpu for core in found] == list(range(8))
    assert found[5] == Core(5, 0, 0, 1, (1, 5), (0, 1, 4, 5), 32768 << 10, 0, None)
    assert found[6].l3 == (2, 3, 6, 7)


def test_a_cache_is_known_by_its_level_and_not_by_its_number(tmp_path: Path) -> None:
    tree = smt(processor(SysfsTree(tmp_path)), ((0, 1),), ())
    tree.files(f"{CPUS}/cpu0/cache/index3", level=2, shared_cpu_list="0-1", size="2M")
    tree.files(f"{CPUS}/cpu0/cache/index1", level=3, shared_cpu_list="0-1", size="1M")
    assert cores(read_cpu(tree.host()))[0].l3_bytes == 1 << 20


def test_a_processor_without_level_three_has_none(tmp_path: Path) -> None:
    assert cores(read_cpu(smt(processor(SysfsTree(tmp_path)), ((0, 1),), ()).host()))[0].l3 is None


def test_kinds_of_cores_of_a_hybrid_processor(tmp_path: Path) -> None:
    tree = smt(processor(SysfsTree(tmp_path)), ((0, 1), (2, 3)), ())
    tree.files("sys/devices/cpu_core", cpus="0-1").files("sys/devices/cpu_atom", cpus="2-3")
    assert [core.kind for core in cores(read_cpu(tree.host()))] == ["performance"] * 2 + ["efficiency"] * 2


def test_an_older_kernel_names_siblings_otherwise(tmp_path: Path) -> None:
    tree = processor(SysfsTree(tmp_path)).files(CPUS, online="0-1")
    for cpu in (0, 1):
        tree.cpu(cpu, thread_siblings_list="0-1", physical_package_id=0, core_id=0)
    found = cores(read_cpu(tree.host()))
    assert [(core.siblings, core.die) for core in found] == [((0, 1), None)] * 2


def test_a_sibling_that_is_switched_off_is_no_core(tmp_path: Path) -> None:
    tree = smt(processor(SysfsTree(tmp_path)), ((0, 1),), ()).files(CPUS, online="0")
    assert [core.cpu for core in cores(read_cpu(tree.host()))] == [0]


def test_topology_that_was_not_asked_for_is_untold(tmp_path: Path) -> None:
    tree = smt(processor(SysfsTree(tmp_path)), ((0, 1),), ())
    found = read_cpu(tree.host(), topology=False).cores
    assert isinstance(found, Unread)
    assert found.gap is Gap.UNTOLD


@pytest.mark.parametrize("content", ["", "x", "0-", "\0", "1-0", "0-99999999999", "f" * 2_000_000])
@pytest.mark.parametrize("name", ["core_cpus_list", "physical_package_id", "die_id", "core_id"])
def test_a_spoiled_topology_never_raises(tmp_path: Path, name: str, content: str) -> None:
    tree = smt(processor(SysfsTree(tmp_path)), ((0, 1),), ()).file(f"{CPUS}/cpu0/topology/{name}", content)
    found = read_cpu(tree.host()).cores
    assert isinstance(found, Unread) or found[0].cpu == 0


def test_isolated_processors_are_listed_and_none_is_an_answer(tmp_path: Path) -> None:
    tree = processor(SysfsTree(tmp_path)).files(CPUS, isolated="2-3,10")
    assert read_cpu(tree.host()).isolated == (2, 3, 10)
    assert read_cpu(tree.files(CPUS, isolated="").host()).isolated == ()


@given(st.sets(st.integers(0, 4000), max_size=60))
def test_any_set_of_processors_survives_its_list_form(numbers: set[int]) -> None:
    assert cpu_list(",".join(map(str, numbers))) == tuple(sorted(numbers))


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 20)), max_size=8))
def test_ranges_of_processors_are_taken_whole(spans: list[tuple[int, int]]) -> None:
    text = ",".join(f"{low}-{low + more}" for low, more in spans)
    assert cpu_list(text) == tuple(sorted({n for low, more in spans for n in range(low, low + more + 1)}))


@settings(max_examples=300)
@given(st.text(max_size=20))
def test_no_text_raises_as_a_list_or_a_number(text: str) -> None:
    listed, decimal, number = cpu_list(text), from_decimal(text), from_hex(text, 8)
    assert listed is None or listed == tuple(sorted(set(listed)))
    assert decimal is None or int(text) == decimal
    assert number is None or 0 <= number < 1 << 32


@pytest.mark.parametrize("text", ["1_0", "+1", " 1", "٣", "0x", "0x_1", "-1", "ffffffff0"])
def test_forms_that_python_takes_and_the_kernel_never_writes(text: str) -> None:
    assert from_hex(text, 8) is None


@pytest.mark.live
def test_this_machine_has_a_core_for_each_processor_that_runs() -> None:
    cpu = read_cpu(RootHost("/"))
    online = cpu_list(Path("/sys/devices/system/cpu/online").read_text())
    assert tuple(core.cpu for core in cores(cpu)) == online
    assert isinstance(cpu.flags, frozenset)


def test_cpus_that_are_there_and_off_are_told_apart_from_those_that_could_be_plugged_in(
    tmp_path: Path,
) -> None:
    tree = SysfsTree(tmp_path).files(CPUS, online="0-1", present="0-3", offline="2-7", possible="0-7")
    for number in (0, 1):
        tree.cpu(number, core_cpus_list=number, physical_package_id=0, core_id=number)
    assert read_cpu(tree.host()).offline == (2, 3)
    assert isinstance(read_cpu(tree.host(), topology=False).offline, Unread)
