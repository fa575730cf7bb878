"""CPUs for a guest: real processors by name, and any topology at all."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.topologies import (
    CORE_I5_1235U,
    CORE_I9_13900K,
    DUAL_XEON_6248_SNC,
    DUAL_XEON_E5_2680_V4,
    DUAL_XEON_INTERLEAVED,
    HALF_OFFLINE_8700,
    ISOLATED_5950X,
    LAPTOP_4C8T,
    MACHINES,
    NOSMT_5950X,
    ONE_CORE,
    RYZEN_5600X,
    RYZEN_5950X,
    RYZEN_7950X3D,
    THREADRIPPER_1950X,
    THREADRIPPER_3970X,
    TWO_CORES,
    Die,
    far,
    make_cpu,
    near,
)
from vfio_wizard.model.domain import Topology
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.facts import Core, Cpu, NodeMemory
from vfio_wizard.model.pins import PinPlan
from vfio_wizard.model.unread import Gap, Unread, known
from vfio_wizard.planning.cpus import parse_cpu_list
from vfio_wizard.planning.pinning import pin, pin_given

TWO_NODES = (NodeMemory(0, 32 << 20, 30 << 20, ()), NodeMemory(1, 32 << 20, 31 << 20, ()))


def planned(cpu: Cpu, vcpus: int | None = None, node: int | None = None) -> PinPlan:
    plan = pin(cpu, node, vcpus, TWO_NODES)
    assert isinstance(plan, PinPlan)
    return plan


def said(plan: PinPlan) -> str:
    return "\n".join((*plan.pins.because, *plan.losses))


@pytest.mark.parametrize(
    ("cpu", "wish", "node", "topology", "cpus"),
    [
        (RYZEN_5600X, None, None, (1, 1, 4, 2), "2-5,8-11"),
        (RYZEN_5600X, 6, None, (1, 1, 3, 2), "3-5,9-11"),
        (RYZEN_5950X, None, None, (1, 1, 8, 2), "8-15,24-31"),
        (RYZEN_5950X, 24, None, (1, 2, 6, 2), "2-7,10-15,18-23,26-31"),
        (RYZEN_7950X3D, None, None, (1, 1, 7, 2), "1-7,17-23"),
        (RYZEN_7950X3D, 16, None, (1, 1, 8, 2), "8-15,24-31"),
        (THREADRIPPER_1950X, None, 1, (1, 1, 4, 2), "8-11,24-27"),
        (THREADRIPPER_1950X, 16, 1, (1, 2, 4, 2), "8-15,24-31"),
        (THREADRIPPER_3970X, 24, None, (1, 3, 4, 2), "4-15,36-47"),
        (CORE_I9_13900K, None, None, (1, 1, 7, 2), "2-15"),
        (CORE_I5_1235U, 8, None, (1, 1, 8, 1), "4-11"),
        (DUAL_XEON_E5_2680_V4, None, 1, (1, 1, 14, 2), "14-27,42-55"),
        (DUAL_XEON_E5_2680_V4, None, 0, (1, 1, 13, 2), "1-13,29-41"),
        (DUAL_XEON_INTERLEAVED, 8, 1, (1, 1, 4, 2), "13,15,17,19,33,35,37,39"),
        (DUAL_XEON_6248_SNC, None, 2, (1, 1, 10, 2), "20-29,60-69"),
        (LAPTOP_4C8T, None, None, (1, 1, 2, 2), "2-3,6-7"),
        (TWO_CORES, None, None, (1, 1, 1, 1), "1"),
        (NOSMT_5950X, None, None, (1, 1, 8, 1), "8-15"),
        (HALF_OFFLINE_8700, None, None, (1, 1, 2, 2), "2-3,8-9"),
        (ISOLATED_5950X, None, None, (1, 1, 4, 2), "4-7,20-23"),
    ],
)
def test_known_processors(
    cpu: Cpu, wish: int | None, node: int | None, topology: tuple[int, ...], cpus: str
) -> None:
    pins = planned(cpu, wish, node).pins
    assert (pins.topology, tuple(sorted(pins.vcpus))) == (Topology(*topology), parse_cpu_list(cpus))


def test_siblings_follow_each_other_as_the_guest_counts_threads() -> None:
    assert planned(RYZEN_5600X).pins.vcpus == (2, 8, 3, 9, 4, 10, 5, 11)
    assert planned(CORE_I9_13900K, 4).pins.vcpus == (12, 13, 14, 15)


def test_the_larger_cache_is_said_and_so_is_its_loss() -> None:
    assert "largest (96 MiB)" in said(planned(RYZEN_7950X3D))
    assert "larger cache (96 MiB) has not as many cores free" in said(planned(RYZEN_7950X3D, 16))


def test_amd_guests_are_told_of_their_threads() -> None:
    assert planned(RYZEN_5600X).pins.topoext
    assert not planned(NOSMT_5950X).pins.topoext
    assert not planned(CORE_I9_13900K).pins.topoext


def test_parts_of_caches_are_not_passed_through() -> None:
    assert planned(THREADRIPPER_3970X, 24).pins.cache_passthrough
    assert not planned(RYZEN_5950X, 24).pins.cache_passthrough


def test_qemu_runs_on_efficiency_cores_where_there_are_some() -> None:
    pins = planned(CORE_I9_13900K).pins
    assert (pins.emulator, pins.iothreads) == ((16, 17, 18, 19), ((20,),))


def test_cores_are_not_split_for_an_odd_number() -> None:
    plan = planned(RYZEN_5950X, 5)
    assert plan.pins.topology.cpus == 6
    assert "5 CPUs were asked for, and the guest gets 6: cores are not split" in plan.losses


def test_fewer_than_asked_says_why() -> None:
    assert "asked for, and the guest gets 8: the host keeps 2 cores" in said(planned(RYZEN_5600X, 12))
    assert "no more fit on one NUMA node" in said(planned(DUAL_XEON_E5_2680_V4, 40, 1))
    assert "no more cores of one kind" in said(planned(CORE_I9_13900K, 32))


def test_a_small_host_says_what_it_loses() -> None:
    assert "the host is left with one core, where it should have 2" in planned(TWO_CORES).losses


def test_a_single_core_is_not_pinned() -> None:
    plan = planned(ONE_CORE)
    assert not plan.pinned
    assert (plan.pins.topology, plan.host) == (Topology(1, 1, 1, 2), (0, 1))
    assert plan.losses


def test_a_card_whose_node_nobody_tells() -> None:
    words = said(planned(DUAL_XEON_E5_2680_V4, node=-1))
    assert "firmware does not tell the card's NUMA node" in words


def test_a_node_without_cpus_is_not_followed() -> None:
    plan = planned(DUAL_XEON_E5_2680_V4, node=4)
    assert "the card's NUMA node 4 has no CPU to spare" in said(plan)
    assert plan.pinned


def test_memory_comes_from_the_node_of_the_cpus_where_it_has_any() -> None:
    assert planned(DUAL_XEON_E5_2680_V4, node=1).pins.numa_node == 1
    empty = (TWO_NODES[0], NodeMemory(1, 0, 0, ()))
    plan = pin(DUAL_XEON_E5_2680_V4, 1, None, empty)
    assert isinstance(plan, PinPlan)
    assert plan.pins.numa_node is None
    assert "node 1 has no memory" in said(plan)


def test_switched_off_and_isolated_cpus_are_named() -> None:
    assert "switched off: CPUs 16-31" in said(planned(NOSMT_5950X))
    assert "isolated already, and so meant for a guest: CPUs 4-7,20-23" in said(planned(ISOLATED_5950X))
    assert "isolated, but not enough or not near each other" in said(planned(ISOLATED_5950X, 16))


def test_unknown_topologies_give_the_gap_and_nothing_else() -> None:
    gap = Unread("sys/devices/system/cpu/online", Gap.DENIED)
    assert pin(RYZEN_5600X._replace(cores=gap), None) is gap
    assert pin_given(RYZEN_5600X._replace(cores=gap), (1,)) is gap
    assert isinstance(pin(RYZEN_5600X._replace(cores=()), None), Unread)


def test_siblings_that_contradict_each_other_are_no_topology() -> None:
    first = Core(0, 0, None, 0, (0, 1), None, None, 0, None)
    second = Core(1, 0, None, 1, (1, 2), None, None, 0, None)
    third = Core(2, 0, None, 2, (2,), None, None, 0, None)
    answer = pin(RYZEN_5600X._replace(cores=(first, second, third)), None)
    assert isinstance(answer, Unread)
    assert answer.gap is Gap.MALFORMED


# -- chosen by hand -------------------------------------------------------------------------------


def by_hand(cpu: Cpu, cpus: str) -> PinPlan:
    plan = pin_given(cpu, parse_cpu_list(cpus), TWO_NODES)
    assert isinstance(plan, PinPlan)
    return plan


def test_whole_cores_by_hand_keep_their_threads() -> None:
    plan = by_hand(RYZEN_5950X, "4-7,20-23")
    assert plan.pins.topology == Topology(1, 1, 4, 2)
    assert plan.pins.vcpus == (4, 20, 5, 21, 6, 22, 7, 23)
    assert plan.losses == ()


def test_equal_parts_by_hand_become_dies() -> None:
    assert by_hand(RYZEN_5950X, "6-9,22-25").pins.topology == Topology(1, 2, 2, 2)


def test_a_split_core_by_hand_is_said() -> None:
    plan = by_hand(RYZEN_5600X, "4-5")
    assert plan.pins.topology == Topology(1, 1, 2, 1)
    assert plan.losses == (
        "the host keeps threads of the guest's cores, and each slows the other: CPUs 10-11",
    )


@pytest.mark.parametrize(
    ("cpu", "cpus", "word"),
    [
        (CORE_I9_13900K, "14-17", "performance and efficiency cores are mixed"),
        (DUAL_XEON_E5_2680_V4, "13-14,41-42", "several NUMA nodes"),
        (RYZEN_5950X, "7-9,23-25", "below several caches"),
    ],
)
def test_a_bad_choice_by_hand_is_said(cpu: Cpu, cpus: str, word: str) -> None:
    assert word in "\n".join(by_hand(cpu, cpus).losses)


@pytest.mark.parametrize(
    ("cpus", "word"),
    [((40,), "no CPU 40"), (tuple(range(12)), "no CPU would be left"), ((), "no CPU was named")],
)
def test_impossible_choices_are_refused(cpus: tuple[int, ...], word: str) -> None:
    with pytest.raises(UsageError, match=word):
        pin_given(RYZEN_5600X, cpus)


# -- any topology ---------------------------------------------------------------------------------


@st.composite
def topologies(draw: Callable[..., object]) -> Cpu:
    """Packages, dies, caches, SMT or none or mixed, holes, offline and isolated CPUs, any nodes."""

    def number(low: int, high: int) -> int:
        value = draw(st.integers(low, high))
        assert isinstance(value, int)
        return value

    islands: list[list[tuple[int, ...]]] = []
    kinds: list[str | None] = []
    hybrid = number(0, 3) == 0
    cpu = number(0, 1)
    for _ in range(number(1, 6)):
        threads = number(1, 4)
        island = []
        for _ in range(number(1, 6)):
            island.append(tuple(range(cpu, cpu + threads)))
            cpu += threads + (number(1, 3) if number(0, 5) == 0 else 0)
        islands.append(island)
        kinds.append(("performance", "efficiency")[number(0, 1)] if hybrid else None)
    every = [one for island in islands for core in island for one in core]
    off = {every[number(0, len(every) - 1)] for _ in range(number(0, 5))} - {every[-1]}
    nodes = number(1, 3)
    whole = number(0, 2) == 0
    dies = []
    for at, island in enumerate(islands):
        cores = [left for core in island if (left := tuple(one for one in core if one not in off))]
        if cores:
            size = (None, 8 << 20, 32 << 20)[number(0, 2)]
            place = at % nodes
            cache = tuple(every) if whole else None
            dies.append(Die(cores, size, place, (place, None)[number(0, 5) == 0], kinds[at], at, cache))
    aside = tuple(sorted({every[number(0, len(every) - 1)] for _ in range(number(0, 6))}))
    return make_cpu(*dies, isolated=aside, offline=tuple(sorted(off)), vendor=("amd", "intel")[number(0, 1)])


wishes = st.one_of(st.none(), st.integers(1, 40), st.just(8192))
card_nodes = st.sampled_from([None, -1, 0, 1, 2, 7])
memories = st.sampled_from(
    [
        (),
        TWO_NODES,
        (NodeMemory(0, 0, 0, ()), NodeMemory(1, 1 << 20, 1 << 20, ()), NodeMemory(2, 0, 0, ())),
        Unread("sys/devices/system/node", Gap.UNTOLD),
    ]
)


@given(topologies(), wishes, card_nodes, memories)
def test_no_topology_gives_invalid_pins(
    cpu: Cpu, wish: int | None, node: int | None, memory: tuple[NodeMemory, ...] | Unread
) -> None:
    plan = pin(cpu, node, wish, memory)
    assert isinstance(plan, PinPlan)
    pins, told = plan.pins, {core.cpu: core for core in known(cpu.cores, ())}
    guest = set(pins.vcpus)
    if not plan.pinned:
        assert len({core.siblings for core in told.values()}) == 1
        return
    assert len(guest) == len(pins.vcpus) == pins.topology.cpus, "duplicates, or another number of CPUs"
    assert guest < set(told), "offline, not there, or all of them"
    assert min(told) not in guest
    assert set(plan.host) == set(told) - guest
    for cpu_number in guest:
        assert guest.issuperset(told[cpu_number].siblings), "a split core"
    whole = {tuple(sorted(core.siblings)) for core in told.values()}
    left = sum(not guest.issuperset(core) for core in whole)
    assert left >= min(2, len(whole) - 1) or all(set(known(cpu.isolated, ())) >= {one} for one in guest)
    assert left >= 2 or plan.losses
    assert _as_the_guest_counts(pins.vcpus, pins.topology) <= whole
    _near(pins.topology, [told[one] for one in pins.vcpus])
    helpers = {*pins.emulator, *(one for thread in pins.iothreads for one in thread)}
    assert helpers <= set(plan.host)
    assert not helpers & set(known(cpu.isolated, ()))
    if wish is not None and pins.topology.cpus != wish:
        assert plan.losses
    if pins.numa_node is not None:
        assert {told[one].numa_node for one in guest} == {pins.numa_node}
        assert any(one.total_kib for one in known(memory, ()) if one.node == pins.numa_node)
    assert pins.because


def _as_the_guest_counts(vcpus: tuple[int, ...], topology: Topology) -> set[tuple[int, ...]]:
    step = topology.threads
    return {tuple(sorted(vcpus[start : start + step])) for start in range(0, len(vcpus), step)}


def _near(topology: Topology, cores: list[Core]) -> None:
    """One kind, one node, one package; and each die of the guest below one cache."""
    assert len({(core.kind, core.numa_node, core.package) for core in cores}) == 1
    size = topology.cores * topology.threads
    for start in range(0, len(cores), size):
        die = cores[start : start + size]
        assert len({core.l3 if core.l3 is not None else ("die", core.die) for core in die}) == 1


@given(topologies(), card_nodes)
def test_a_wish_that_one_cache_can_fulfil_stays_below_one(cpu: Cpu, node: int | None) -> None:
    auto = pin(cpu, node)
    assert isinstance(auto, PinPlan)
    if not auto.pinned or known(cpu.isolated, ()):
        return
    asked = pin(cpu, node, auto.pins.topology.cpus)
    assert isinstance(asked, PinPlan)
    assert asked.pins.topology.dies == 1
    assert asked.pins.topology.cpus >= auto.pins.topology.cpus


@given(topologies(), st.sets(st.integers(0, 100)))
def test_cpus_by_hand_are_taken_or_refused(cpu: Cpu, chosen: set[int]) -> None:
    told = {core.cpu for core in known(cpu.cores, ())}
    try:
        plan = pin_given(cpu, tuple(chosen))
    except UsageError:
        assert not chosen or not chosen <= told or chosen == told
        return
    assert isinstance(plan, PinPlan)
    assert set(plan.pins.vcpus) == chosen
    assert plan.pins.topology.cpus == len(chosen) == len(plan.pins.vcpus)
    assert not set(plan.pins.emulator) & chosen


@pytest.mark.parametrize("name", MACHINES)
@given(wish=wishes)
def test_planning_twice_is_planning_once(name: str, wish: int | None) -> None:
    assert pin(MACHINES[name], 0, wish) == pin(MACHINES[name], 0, wish)


def test_neighbours_and_distant_siblings_are_both_cores() -> None:
    for cores in (near(range(6)), far(range(6), 6)):
        assert planned(make_cpu(Die(cores))).pins.topology == Topology(1, 1, 4, 2)
