"""Every option that a module sets exists in its release, with a type that its value fits."""

from __future__ import annotations

from typing import Any

import pytest

from tests.nix import options
from tests.nix.cases import CASES, RELEASES, Case
from tests.nix.test_evaluation import configuration
from vfio_wizard.knowledge import nixos as known
from vfio_wizard.knowledge.nixos import Release
from vfio_wizard.model.selection import Style

needs_shared = pytest.mark.skipif(
    not options.FILE.is_file(), reason=f"the shared reference data is not at {options.FILE}"
)


def release(text: str) -> Release:
    found = known.release(text)
    assert found is not None
    return found


@needs_shared
@pytest.mark.parametrize("wanted", RELEASES)
def test_every_option_of_every_case_exists_in_its_release_with_its_type(wanted: str) -> None:
    every = options.read()
    seen = 0
    for case in CASES:
        for systemd in (False, True):
            found = configuration(case.text(Style.MODULE, wanted), systemd=systemd)
            seen += check(every, found, release(wanted))
    assert seen > len(CASES) * 10


def check(every: dict[str, Any], found: Any, wanted: Release) -> int:
    """The number of options that were looked at."""
    count = 0
    for path, value in options.settings(found):
        name = options.leaf_of(every, path)
        if name is None:
            assert options.is_branch(every, path), f"no option {'.'.join(path)}"
            continue
        exact = len(name.split(".")) == len(path)
        assert options.exists_in(every[name], wanted), f"{name} is not in {wanted}"
        if exact and not options.is_branch(every, path):
            assert options.fits(value, every[name]["type"]), f"{name}: {value!r} is no {every[name]['type']}"
            count += 1
    return count


@needs_shared
def test_an_option_of_another_release_would_be_noticed() -> None:
    case = next(one for one in CASES if one.name == "seed")
    modern = configuration(case.text(Style.MODULE, "25.11"))
    with pytest.raises(AssertionError, match=r"is not in 20\.09"):
        check(options.read(), modern, release("20.09"))


@needs_shared
def test_a_value_of_the_wrong_type_would_be_noticed() -> None:
    every = options.read()
    for wrong in (
        {"boot": {"kernelParams": ["a b"]}},
        {"boot": {"kernelModules": "vfio"}},
        {"virtualisation": {"libvirtd": {"onBoot": "sometimes"}}},
        {"virtualisation": {"libvirtd": {"enable": "yes"}}},
        {"boot": {"nonsense": 1}},
    ):
        with pytest.raises(AssertionError):
            check(every, wrong, release("25.11"))


@needs_shared
def test_the_table_in_the_program_agrees_with_the_reference_data() -> None:
    every = options.read()
    for row in known.OPTIONS:
        name = options.leaf_of(every, tuple(row.path.split(".")))
        assert name is not None, row.path
        told = every[name]
        assert row.type == told["type"], row.path
        for one in known.RELEASES[:-1]:
            # nixpkgs' own tree of 20.09 has PRIME's options, which came in that cycle.
            assert known.has_option(row.path, one) == options.exists_in(told, one), (row.path, str(one))


def used_paths(case: Case, wanted: str) -> set[str]:
    found = configuration(case.text(Style.MODULE, wanted))
    rows = {known.option(path) for path, value in options.settings(found) if not isinstance(value, dict)}
    assert None not in rows, [path for path, _ in options.settings(found) if known.option(path) is None]
    return {row.path for row in rows if row is not None}


@pytest.mark.parametrize("wanted", RELEASES)
def test_every_option_is_in_the_program_s_own_table_for_the_release(wanted: str) -> None:
    for case in CASES:
        for path in used_paths(case, wanted):
            assert known.has_option(path, release(wanted)), (case.name, path)


def test_every_row_of_the_table_has_a_source_and_a_place_in_order() -> None:
    paths = [row.path for row in known.OPTIONS]
    assert paths == sorted(paths)
    assert len(set(paths)) == len(paths)
    assert all(row.source and row.type for row in known.OPTIONS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("25.11", "25.11"),
        ("unstable", "unstable"),
        ("26.11", "unstable"),
        ("30.05", "unstable"),
        ("19.09", "None"),
        ("25.07", "None"),
        ("25.11.1", "None"),
        ("٢٥.١١", "None"),
        ("", "None"),
    ],
)
def test_releases_are_read_or_refused(text: str, expected: str) -> None:
    assert str(known.release(text)) == expected


def test_the_default_kernel_of_a_release_is_at_least_known() -> None:
    assert known.default_kernel(release("20.09")) == (5, 4)
    assert known.default_kernel(release("25.11")) == (6, 12)
    assert known.default_kernel(known.UNSTABLE) == (6, 18)
