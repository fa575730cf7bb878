"""What stands against a card is known before it is chosen, in the words of the plan."""

from __future__ import annotations

from tests.facts_builder import at, card, good_machine, groups, integrated, make_function
from vfio_wizard.model.facts import User
from vfio_wizard.model.selection import Selection
from vfio_wizard.planning.plan import make_plan
from vfio_wizard.planning.standing import never, standing, still_here, with_user

GPU, AUDIO, IGPU, NIC = "0000:01:00.0", "0000:01:00.1", "0000:00:02.0", "0000:02:00.0"


def test_a_card_that_can_be_given_has_nothing_against_it() -> None:
    assert standing(good_machine())[at(GPU)] == ()


def test_the_reasons_are_those_of_the_plan() -> None:
    stranger = make_function(NIC, "8086:15f3", 0x020000, group=5, name="I225-V")
    facts = good_machine(pci=(integrated(), *card(), stranger), groups=groups(g5=f"{GPU} {AUDIO} {NIC}"))
    assert standing(facts)[at(GPU)] == make_plan(facts, Selection((at(GPU),))).refusals != ()


def test_bridges_are_never_given() -> None:
    facts = good_machine()
    assert {one.id for why in never(facts).values() for one in why} == {"device.bridge"}


def test_many_virtual_functions_are_not_all_judged_ahead_but_the_chosen_one_is() -> None:
    many = tuple(make_function(f"0000:{bus:02x}:00.0", "1002:73a1", 0x030000) for bus in range(0x20, 0x80))
    facts = good_machine(pci=(integrated(), *card(), *many))
    last = at("0000:7f:00.0")
    assert last not in standing(facts)
    assert last in standing(facts, (last,))


def test_what_is_gone_is_left_out_and_named() -> None:
    kept, gone = still_here(good_machine(), Selection((at(GPU), at("0000:99:00.0")), (at(NIC),)))
    assert kept == Selection((at(GPU),))
    assert [str(one) for one in gone] == ["0000:99:00.0", NIC]


def test_who_chooses_on_this_machine_is_named_in_the_answers() -> None:
    assert with_user(Selection(()), good_machine()).users == ("somebody",)
    assert with_user(Selection((), users=("else",)), good_machine()).users == ("else",)
    assert with_user(Selection(()), good_machine(live=False)).users == ()
    root = User("root", (), is_root=True)
    assert with_user(Selection(()), good_machine(user=root)).users == ()
