"""By id only where no other function is meant by it."""

from __future__ import annotations

from tests.facts_builder import at
from tests.nix.machines import GUEST, GUEST_AUDIO, seed, seed_selection, twins, with_subsystems
from vfio_wizard.model.plan import BindBy
from vfio_wizard.model.selection import Selection, Strategy
from vfio_wizard.model.unread import untold
from vfio_wizard.planning.plan import make_plan

LEFT = "0000:27:00.0"


def test_a_card_with_ids_of_its_own_is_bound_by_exactly_these() -> None:
    bind = make_plan(seed(), seed_selection()).bind
    assert (bind.by, bind.ids) == (BindBy.ID, ("1002:731f", "1002:ab38"))
    assert bind.functions == (at(GUEST), at(GUEST_AUDIO))


def test_any_function_names_its_card() -> None:
    assert make_plan(seed(), seed_selection(gpus=(at(GUEST_AUDIO),))).bind.functions[0] == at(GUEST)


def test_twin_gpus_are_bound_by_address() -> None:
    bind = make_plan(twins(), Selection((at(LEFT),))).bind
    assert (bind.by, bind.ids) == (BindBy.ADDRESS, ())
    assert "0000:26:00.0" in bind.because


def test_twins_that_both_leave_need_no_addresses() -> None:
    bind = make_plan(twins(), Selection((at(LEFT), at("0000:26:00.0")))).bind
    assert (bind.by, bind.ids) == (BindBy.ID, ("1002:67df", "1002:aaf0"))


def test_an_audio_id_shared_with_the_host_card_is_enough_for_addresses() -> None:
    facts = seed()
    assert isinstance(facts.pci, tuple)
    shared = tuple(
        one._replace(id=facts.pci[2].id) if one.address == at("0000:31:00.1") else one for one in facts.pci
    )
    assert make_plan(facts._replace(pci=shared), seed_selection()).bind.by is BindBy.ADDRESS


def test_board_vendors_tell_two_cards_of_one_chip_apart() -> None:
    facts = with_subsystems(twins(), b26="1043:0519", b27="1682:c580")
    bind = make_plan(facts, Selection((at(LEFT),))).bind
    assert bind.ids == ("1002:67df:1682:c580", "1002:aaf0:1682:c580")


def test_equal_boards_are_told_apart_by_address_only() -> None:
    facts = with_subsystems(twins(), b26="1682:c580", b27="1682:c580")
    assert make_plan(facts, Selection((at(LEFT),))).bind.by is BindBy.ADDRESS


def test_an_unknown_id_means_address() -> None:
    facts = seed()
    assert isinstance(facts.pci, tuple)
    blind = tuple(one._replace(id=untold("a listing")) for one in facts.pci)
    bind = make_plan(facts._replace(pci=blind), seed_selection()).bind
    assert bind.by is BindBy.ADDRESS
    assert "is not known" in bind.because


def test_an_address_asked_for_is_an_address_given() -> None:
    bind = make_plan(seed(), seed_selection(bind=Strategy.ADDRESS)).bind
    assert (bind.by, bind.because) == (BindBy.ADDRESS, "asked for")


def test_ids_asked_for_although_shared_are_refused() -> None:
    plan = make_plan(twins(), Selection((at(LEFT),), bind=Strategy.ID))
    assert {one.id for one in plan.refusals} == {"bind.id-shared"}
    assert "0000:26:00.0" in plan.refusals[0].text
