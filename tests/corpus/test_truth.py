"""Recorded machines against a person's careful reading of them: groups, cards, isolation, twins.

The reading was done by hand before any code existed. Where the data is an IOMMU group listing, a
nixos-facter report or a sysfs tree, the program must say exactly the same; for every other kind of
data it may leave things open, but may not claim what is not so.
"""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.corpus.machines import CORPUS, FACTER, LISTING, TREE, Recorded, Truth, machines
from tests.unpacking import unpack
from vfio_wizard.model.errors import UsageError
from vfio_wizard.probe.gather import gather
from vfio_wizard.probe.text.read import read_texts
from vfio_wizard.report.groups_json import groups_json
from vfio_wizard.system.host import RootHost

Json = dict[str, Any]

MACHINES = machines()
GROUPED = [one for one in MACHINES if one.data in (LISTING, FACTER) and one.primary is not None]
TREES = [one for one in MACHINES if one.data == TREE]

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no recorded machines at {CORPUS} (VFIO_WIZARD_SHARED)"),
]


def _ids(found: list[Recorded]) -> list[str]:
    return [one.name for one in found]


def _from_text(parts: list[tuple[str, str]]) -> Json:
    return groups_json(read_texts(parts), {})


def _groups(seen: Json) -> dict[str, list[str]]:
    return {str(group["number"]): group["functions"] for group in seen["groups"] or []}


def _truth_groups(truth: Truth) -> dict[str, list[str]]:
    return {number: sorted(members, key=_place) for number, members in truth["groups"].items()}


def _place(address: str) -> tuple[int, ...]:
    domain, bus, rest = address.split(":")
    device, function = rest.split(".")
    return (int(domain, 16), int(bus, 16), int(device, 16), int(function, 16))


def _card(seen: Json) -> Json:
    """The part of a card that a listing must tell, in the words of the reading."""
    return {
        "bdf": seen["address"],
        "kind": seen["type"],
        "functions": sorted(seen["functions"]),
        "group": seen["group"],
        "others": seen["shares_with"],
        "isolated": seen["isolated"],
        "twins": seen["twins"],
    }


def _truth_card(gpu: Truth) -> Json:
    return {
        "bdf": gpu["bdf"],
        "kind": gpu["kind"],
        "functions": sorted(one["bdf"] for one in gpu["must_pass_together"]),
        "group": gpu["iommu_group"],
        "others": sorted(one["bdf"] for one in gpu["group_other_devices"]),
        "isolated": gpu["isolated"],
        "twins": sorted({address for shared in gpu["ids_shared_with"].values() for address in shared}),
    }


def _cards(seen: Json) -> list[Json]:
    return sorted((_card(one) for one in seen["gpus"]), key=lambda one: str(one["bdf"]))


def _truth_cards(truth: Truth) -> list[Json]:
    return sorted((_truth_card(one) for one in truth["gpus"]), key=lambda one: str(one["bdf"]))


def _functions(seen: Json) -> dict[str, Json]:
    return {one["address"]: one for one in seen["functions"]}


def _assert_card_functions(seen: Json, truth: Truth) -> None:
    """Ids and classes of every function of every card, as read by hand; null where the line is cut."""
    functions = _functions(seen)
    for gpu in truth["gpus"]:
        for own in gpu["must_pass_together"]:
            told = functions[own["bdf"]]
            ids = f"{told['vendor_id']}:{told['device_id']}" if told["vendor_id"] else None
            assert ids == own["id"], own
            assert told["class"][:4] == own["class"], own


def _assert_no_wrong_driver(seen: Json, truth: Truth) -> None:
    """A driver that is named is the one that was seen; silence is allowed here."""
    functions = _functions(seen)
    for gpu in truth["gpus"]:
        for own in gpu["must_pass_together"]:
            told = functions.get(own["bdf"], {"driver": None})["driver"]
            assert told is None or told == own["driver"], own


@pytest.mark.parametrize("machine", GROUPED, ids=_ids(GROUPED))
def test_the_listing_or_report_alone_tells_the_groups_and_the_cards(machine: Recorded) -> None:
    assert machine.primary is not None
    seen = _from_text([(machine.primary.name, machine.primary.read_text(errors="replace"))])

    assert _groups(seen) == _truth_groups(machine.truth)
    assert len(_groups(seen)) == machine.truth["groups_total"]
    assert _cards(seen) == _truth_cards(machine.truth)
    _assert_card_functions(seen, machine.truth)
    _assert_no_wrong_driver(seen, machine.truth)


@pytest.mark.parametrize("machine", GROUPED, ids=_ids(GROUPED))
def test_all_files_of_the_machine_together_tell_the_whole_truth(machine: Recorded) -> None:
    seen = _from_text(machine.parts)

    assert _groups(seen) == _truth_groups(machine.truth)
    assert len(seen["functions"]) == machine.truth["devices_total"]
    assert _cards(seen) == _truth_cards(machine.truth)
    alone = [one["address"] for one in seen["functions"] if one["group"] is None]
    if machine.truth.get("devices_without_group") is not None:
        assert alone == machine.truth["devices_without_group"]
    _assert_card_functions(seen, machine.truth)
    _assert_no_wrong_driver(seen, machine.truth)


REPORTS = [one for one in GROUPED if one.data == FACTER]


@pytest.mark.parametrize("machine", REPORTS, ids=_ids(REPORTS))
def test_a_facter_report_names_the_driver_of_every_card_function(machine: Recorded) -> None:
    functions = _functions(_from_text(machine.parts))

    for gpu in machine.truth["gpus"]:
        for own in gpu["must_pass_together"]:
            assert functions[own["bdf"]]["driver"] == own["driver"], own
            assert "driver" not in functions[own["bdf"]]["unread"]


OTHERS = [one for one in MACHINES if one.data not in (LISTING, FACTER, TREE)]


@pytest.mark.parametrize("machine", OTHERS, ids=_ids(OTHERS))
def test_other_kinds_of_data_are_read_as_far_as_they_go_and_never_wrongly(machine: Recorded) -> None:
    try:
        seen = _from_text(machine.parts)
    except UsageError:
        assert machine.listing == "log only"
        return

    truth = machine.truth
    assert all(_truth_groups(truth).get(number) == members for number, members in _groups(seen).items())
    expected = {one["bdf"]: one for one in _truth_cards(truth)}
    for card in _cards(seen):
        wanted = expected.pop(card["bdf"])
        wrong = {key: value for key, value in card.items() if value is not None and value != wanted[key]}
        assert not wrong
    if machine.listing != "log only":
        assert not expected, "a display controller that a person found is missing"
    _assert_no_wrong_driver(seen, truth)
    _assert_boot_display(seen, truth)


def _assert_boot_display(seen: Json, truth: Truth) -> None:
    told = {one["address"]: one["boot_vga"] for one in seen["gpus"]}
    for gpu in truth["gpus"]:
        assert told.get(gpu["bdf"]) in (None, gpu["boot_vga"])


@pytest.mark.parametrize("machine", TREES, ids=_ids(TREES))
def test_an_unpacked_sysfs_tree_is_read_like_a_host(machine: Recorded, tmp_path: Path) -> None:
    archive = next(path for path in machine.files if path.suffix == ".bz2")
    with tarfile.open(archive) as packed:
        unpack(packed, tmp_path, "tar")
    root = next(path.parent for path in sorted(tmp_path.rglob("sys")) if (path / "bus").is_dir())

    seen = groups_json(gather(RootHost(str(root))), {})

    assert _groups(seen) == _truth_groups(machine.truth)
    assert len(seen["functions"]) == machine.truth["devices_total"]
    wanted = {one["bdf"]: one for one in machine.truth["gpus"]}
    for card in seen["gpus"]:
        told = wanted.pop(card["address"])
        assert card["type"] == told["kind"]
        assert card["boot_vga"] == told["boot_vga"]
        assert card["isolated"] == told["isolated"]
        assert card["functions"] == [one["bdf"] for one in told["must_pass_together"]]
    assert not wanted


def test_no_two_recorded_machines_are_silently_skipped() -> None:
    kinds = {one.data for one in MACHINES}
    assert {LISTING, FACTER, TREE} <= kinds
    assert len([one for one in MACHINES if ":" not in one.name]) == len(list(CORPUS.glob("*/about.json")))
