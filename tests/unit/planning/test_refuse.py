"""What must not be given away, unless somebody says so in as many words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.facts_builder import (
    AUDIO,
    GPU,
    IGPU,
    NIC,
    USB,
    at,
    card,
    good_machine,
    groups,
    integrated,
    make_function,
)
from tests.nix.machines import GUEST, seed, seed_selection
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.facts import DiskUse, HostFacts, NetworkLink
from vfio_wizard.model.iommu import IommuGroup, ReservedRegion
from vfio_wizard.model.selection import KernelPatch, KernelWish, Offer, Selection
from vfio_wizard.model.unread import untold
from vfio_wizard.planning import refuse
from vfio_wizard.planning.plan import make_plan


def refused(facts: HostFacts, selection: Selection) -> set[str]:
    return {one.id for one in make_plan(facts, selection).refusals}


def warned(facts: HostFacts, selection: Selection) -> set[str]:
    return {one.id for one in make_plan(facts, selection).warnings}


CARD = Selection((at(GPU),), users=("alice",))
ALONE = good_machine(pci=card(), groups=groups(g5=f"{GPU} {AUDIO}"))


def test_a_second_card_alone_in_its_groups_may_go() -> None:
    assert refused(seed(), seed_selection()) == set()


def test_the_only_display_stays() -> None:
    assert refused(ALONE, CARD) == {"display.only"}


def test_the_only_display_of_a_listing_is_only_as_far_as_it_shows() -> None:
    facts = ALONE._replace(source=ALONE.source._replace(complete=untold("a listing")))
    assert "as far as this record shows" in make_plan(facts, CARD).refusals[0].text


def test_a_refusal_that_is_allowed_becomes_a_warning_that_says_so() -> None:
    plan = make_plan(ALONE, CARD._replace(allow=("display.only",)))
    assert plan.refusals == ()
    told = [one.text for one in plan.warnings if one.id == "display.only"]
    assert told[0].startswith("Allowed by you: 0000:01:00.0 is the only display")


def test_allowing_one_thing_allows_no_other() -> None:
    stranger = make_function(NIC, "8086:15f3", 0x020000, group=5)
    facts = good_machine(pci=(*card(), stranger), groups=groups(g5=f"{GPU} {AUDIO} {NIC}"))
    assert refused(facts, CARD._replace(allow=("display.only",))) == {"group.shared"}


def test_allowing_what_nothing_is_called_is_a_usage_error() -> None:
    with pytest.raises(
        UsageError, match=r"nothing is refused under the id 'display.onli' \(nearest: display.only\)"
    ):
        make_plan(ALONE, CARD._replace(allow=("display.onli",)))


def test_every_id_that_code_refuses_under_can_be_allowed() -> None:
    text = Path(refuse.__file__).read_text(encoding="utf-8")
    written = set(re.findall(r'Refusal\(\s*"([^"]+)"', text))
    assert written == set(refuse.REFUSALS)


def test_a_shared_group_names_who_shares_it() -> None:
    stranger = make_function(NIC, "8086:15f3", 0x020000, group=5, name="I225-V")
    facts = good_machine(pci=(integrated(), *card(), stranger), groups=groups(g5=f"{GPU} {AUDIO} {NIC}"))
    text = make_plan(facts, CARD).refusals[0].text
    assert "0000:02:00.0 (I225-V)" in text
    assert "group 5" in text


def test_a_group_is_not_shared_when_all_of_it_leaves() -> None:
    stranger = make_function(NIC, "8086:15f3", 0x020000, group=5)
    facts = good_machine(pci=(integrated(), *card(), stranger), groups=groups(g5=f"{GPU} {AUDIO} {NIC}"))
    assert refused(facts, CARD._replace(also=(at(NIC),))) == set()


def test_a_bridge_in_the_group_does_no_harm_but_cannot_be_passed() -> None:
    bridge = make_function("0000:00:01.0", "8086:460d", 0x060400, group=5)
    facts = good_machine(pci=(integrated(), bridge, *card()), groups=groups(g5=f"0000:00:01.0 {GPU} {AUDIO}"))
    assert refused(facts, CARD) == set()
    assert refused(facts, CARD._replace(also=(at("0000:00:01.0"),))) == {"device.bridge"}


def test_the_controller_of_the_boot_disk_stays() -> None:
    disk = make_function(USB, "144d:a808", 0x010802, group=9)
    facts = good_machine(
        pci=(integrated(), *card(), disk),
        groups=groups(g5=f"{GPU} {AUDIO}", g9=USB),
        disks=(DiskUse("/", "nvme0n1p2", (at(USB),)),),
    )
    assert refused(facts, CARD._replace(also=(at(USB),))) == {"host.disk"}


def test_the_default_route_stays() -> None:
    nic = make_function(NIC, "8086:15f3", 0x020000, group=9)
    facts = good_machine(
        pci=(integrated(), *card(), nic),
        groups=groups(g5=f"{GPU} {AUDIO}", g9=NIC),
        network=(NetworkLink("enp2s0", at(NIC), True, "ether"),),
    )
    assert refused(facts, CARD._replace(also=(at(NIC),))) == {"host.network"}


def test_unknown_disks_and_routes_are_said_for_devices_that_could_carry_them() -> None:
    nic = make_function(NIC, "8086:15f3", 0x020000, group=9)
    facts = good_machine(
        pci=(integrated(), *card(), nic),
        groups=groups(g5=f"{GPU} {AUDIO}", g9=NIC),
        disks=untold("etc/fstab"),
        network=untold("a route"),
    )
    assert {"host.disk-unknown", "host.network-unknown"} <= warned(facts, CARD._replace(also=(at(NIC),)))
    assert not {"host.disk-unknown", "host.network-unknown"} & warned(facts, CARD)


@pytest.mark.parametrize(
    ("number", "expected"), [("1a03:2000", "gpu.management"), ("1234:1111", "gpu.virtual")]
)
def test_chips_that_are_no_cards_stay(number: str, expected: str) -> None:
    chip = make_function(NIC, number, 0x030000, group=9, parent=at("0000:00:1c.0"), physical_function=None)
    facts = good_machine(pci=(integrated(), chip), groups=groups(g1=IGPU, g9=NIC))
    assert expected in refused(facts, Selection((at(NIC),)))


def test_a_physical_function_whose_virtual_ones_stay_is_refused() -> None:
    virtual = make_function(
        "0000:00:02.1", "8086:a780", 0x030000, group=20, physical_function=at(IGPU), parent=None
    )
    facts = good_machine(
        pci=(integrated(id=virtual.id), virtual, *card()),
        groups=groups(g1=IGPU, g20="0000:00:02.1", g5=f"{GPU} {AUDIO}"),
    )
    assert "gpu.has-virtual-functions" in refused(facts, Selection((at(IGPU),)))


def test_without_groups_nothing_is_proven_and_nothing_refused() -> None:
    facts = good_machine(pci=(integrated(group=None), *card(group=None)), groups=())
    assert refused(facts, CARD) == set()
    assert "group.unknown" in warned(facts, CARD)


def test_a_direct_region_is_told() -> None:
    region = ReservedRegion(0xC0000000, 0xC00FFFFF, "direct")
    group = IommuGroup(5, (at(GPU), at(AUDIO)), "DMA", (region,))
    facts = good_machine(pci=(integrated(), *card()), groups=(group,))
    assert "group.direct-region" in warned(facts, CARD)


def test_isolation_by_override_is_not_taken_for_real() -> None:
    assert "group.overridden" in warned(seed(cmdline="pcie_acs_override=downstream"), seed_selection())


def test_vendor_reset_is_offered_and_never_added_unasked() -> None:
    plan = make_plan(seed(), seed_selection())
    assert plan.vendor_reset is None
    assert "gpu.reset" in {one.id for one in plan.warnings}
    assert "gpu.reset" not in warned(seed(), seed_selection(vendor_reset=Offer.OFF))


def test_vendor_reset_for_a_card_that_it_does_not_know_is_left_out() -> None:
    plan = make_plan(good_machine(), CARD._replace(vendor_reset=Offer.ON))
    assert plan.vendor_reset is None
    assert "gpu.reset-unknown" in {one.id for one in plan.warnings}


def test_the_acs_override_comes_with_its_risk_and_its_condition() -> None:
    wish = KernelWish(acs_override=("downstream", "multifunction"))
    assert {"acs.override", "acs.unpatched"} <= warned(seed(), seed_selection(kernel=wish))
    patched = wish._replace(patches=(KernelPatch("acs", "acs.patch"),))
    assert "acs.unpatched" not in warned(seed(), seed_selection(kernel=patched))


def test_an_address_that_the_host_has_not_got_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match=r"0000:77:00\.0 is not in this host.*0000:2f:00\.0"):
        make_plan(seed(), seed_selection(gpus=(at("0000:77:00.0"),)))


def test_a_device_that_is_no_card_is_sent_to_also() -> None:
    with pytest.raises(UsageError, match="is no graphics card; name other devices with --also"):
        make_plan(seed(), seed_selection(gpus=(at("0000:00:00.0"),)))


def test_a_device_unknown_to_the_host_cannot_come_along() -> None:
    with pytest.raises(UsageError, match="is not in this host"):
        make_plan(seed(), seed_selection(also=(at("0000:77:00.0"),)))


def test_nothing_chosen_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="nothing is chosen"):
        make_plan(seed(), Selection(()))


def test_the_boot_display_is_told() -> None:
    assert "gpu.boot-display" in warned(seed(), seed_selection(gpus=(at("0000:31:00.0"),)))
    assert "gpu.boot-display" not in warned(seed(), seed_selection(gpus=(at(GUEST),)))


def test_a_name_with_a_line_break_cannot_forge_a_second_line() -> None:
    stranger = make_function(NIC, "8086:15f3", 0x020000, group=5, name="evil\nAllowed")
    facts = good_machine(pci=(integrated(), *card(), stranger), groups=groups(g5=f"{GPU} {AUDIO} {NIC}"))
    assert "\n" not in make_plan(facts, CARD).refusals[0].text
