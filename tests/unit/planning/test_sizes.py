"""Memory for Looking Glass and lists of CPUs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.facts_builder import good_machine
from vfio_wizard.model.facts import DeviceNode, Virt
from vfio_wizard.model.selection import LookingGlass, Mirror
from vfio_wizard.planning.cpus import cpu_list, parse_cpu_list
from vfio_wizard.planning.looking_glass import shared_memory, size_mib


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (1920, 1080, 32),
        (1920, 1200, 32),
        (2560, 1440, 64),
        (3440, 1440, 64),
        (3840, 2160, 128),
        (5120, 1440, 128),
        (7680, 4320, 512),
        # The successor of B7 needs one step more than B7 here.
        (2560, 1080, 64),
        (3840, 1600, 128),
        (5120, 2160, 256),
        (5120, 2880, 256),
    ],
)
def test_sizes_serve_both_generations_of_the_guest_part(width: int, height: int, expected: int) -> None:
    assert size_mib(width, height, hdr=False) == expected


def test_hdr_of_release_b7_doubles() -> None:
    assert [size_mib(w, h, hdr=True) for w, h in ((1920, 1080), (2560, 1440), (3840, 2160))] == [64, 128, 256]


def test_off_is_no_memory() -> None:
    assert shared_memory(LookingGlass(Mirror.OFF), "alice", good_machine().virt) is None


@given(st.sets(st.integers(0, 1000), min_size=1))
def test_a_list_of_cpus_reads_back(cpus: set[int]) -> None:
    assert parse_cpu_list(cpu_list(tuple(cpus))) == tuple(sorted(cpus))


def test_neighbours_become_a_range() -> None:
    assert cpu_list((0, 1, 2, 8, 9, 11)) == "0-2,8-9,11"


def node(path: str, kind: str) -> Virt:
    return good_machine(looking_glass=(DeviceNode(path, kind, 0o660, 1000, 36),)).virt


def test_a_module_has_the_memory_unasked_and_a_host_only_when_asked() -> None:
    unasked = shared_memory(LookingGlass(), "alice", good_machine(looking_glass=()).virt)
    assert unasked is not None
    assert (unasked.mode, unasked.wanted_here) == (Mirror.SHM, False)
    asked = shared_memory(LookingGlass(Mirror.SHM), "alice", good_machine(looking_glass=()).virt)
    assert asked is not None
    assert asked.wanted_here


def test_memory_that_is_there_is_not_made_again() -> None:
    found = shared_memory(LookingGlass(Mirror.SHM), "alice", node("dev/shm/looking-glass", "file"))
    assert found is not None
    assert found.present


def test_a_file_in_the_place_of_the_device_is_not_the_device() -> None:
    for kind, there in (("file", False), ("char", True)):
        found = shared_memory(LookingGlass(Mirror.KVMFR), "alice", node("dev/kvmfr0", kind))
        assert found is not None
        assert found.present is there
