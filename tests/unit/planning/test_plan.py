"""The plan as a whole: it converges, names what it could not know, and touches no more than it must."""

from __future__ import annotations

from typing import Any

import pytest

from tests.facts_builder import (
    AUDIO,
    GPU,
    IGPU,
    UNTOLD,
    at,
    card,
    good_machine,
    groups,
    integrated,
    make_facts,
    make_function,
    modprobe,
)
from tests.nix.machines import GUEST, TOOL, seed, seed_selection, twins
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.facts import HostFacts, User
from vfio_wizard.model.plan import BindBy
from vfio_wizard.model.selection import LibvirtWish, Offer, Selection, Strategy
from vfio_wizard.planning.plan import make_plan
from vfio_wizard.planning.plan_json import plan_json
from vfio_wizard.render import registry

CARD = Selection((at(GPU),), users=("somebody",))
IDS = "vfio-pci.ids=10de:2484,10de:228b"


def desktop(**told: Any) -> HostFacts:
    fields: dict[str, Any] = {
        "pci": (integrated(boot_vga=False), *card()),
        "groups": groups(g1=IGPU, g5=f"{GPU} {AUDIO}"),
    }
    return good_machine(**(fields | told))


def after(driver: str = "vfio-pci") -> HostFacts:
    """The same desktop when the plan has been carried out and the machine restarted."""
    return desktop(
        pci=(integrated(boot_vga=False), *card(driver)),
        configured=f"quiet {IDS}",
        modprobe=modprobe("softdep nouveau pre: vfio-pci", "softdep snd_hda_intel pre: vfio-pci"),
        files=(("etc/initramfs-tools/modules", "# mine\nvfio_pci\nvfio_iommu_type1\n"),),
    )


def changes(facts: HostFacts, selection: Selection = CARD) -> dict[str, Any]:
    plan = make_plan(facts, selection)
    rendered = registry.for_host(plan, {}, tool_version=TOOL)
    return plan_json(plan, rendered.artifacts, rendered.commands)


def test_planning_on_a_host_that_matches_already_changes_nothing() -> None:
    found = changes(after())
    assert (found["artifacts"], found["commands"]) == ([], [])
    assert found["kernel_parameters"] == {"add": [], "remove": []}
    assert make_plan(after(), CARD).settled


def test_before_there_is_something_to_do() -> None:
    found = changes(desktop())
    assert found["kernel_parameters"]["add"] == [IDS]
    assert [one["path"] for one in found["artifacts"]] == [
        "/etc/modprobe.d/vfio-wizard.conf",
        "/etc/initramfs-tools/modules",
        "/etc/default/grub.d/vfio-wizard.cfg",
    ]
    assert found["commands"] == [["update-initramfs", "-u", "-k", "all"], ["update-grub"]]


def test_written_but_not_restarted_is_not_yet_settled() -> None:
    plan = make_plan(after("nouveau"), CARD)
    assert not plan.settled
    assert plan.missing() == ()


def test_what_the_host_has_in_part_is_not_written_again() -> None:
    there = [f"softdep {name} pre: vfio_pci" for name in ("nouveau", "nvidia", "snd_hda_intel")]
    facts = desktop(modprobe=modprobe(*there))
    paths = [one["path"] for one in changes(facts)["artifacts"]]
    assert "/etc/modprobe.d/vfio-wizard.conf" not in paths


def test_a_softdep_after_the_module_is_not_one_before() -> None:
    facts = desktop(modprobe=modprobe("softdep nouveau post: vfio-pci"))
    assert not any(one.present for one in make_plan(facts, CARD).softdeps)


def test_the_plan_as_json_has_the_public_keys() -> None:
    found = changes(desktop())
    assert found["schema"] == "vfio-wizard/plan/1"
    assert found["bind"]["by"] == "id"
    assert found["bind"]["functions"] == [GPU, AUDIO]
    artifact = found["artifacts"][0]
    assert set(artifact) == {"path", "mode", "action", "text", "because"}
    assert (artifact["mode"], artifact["action"]) == ("0644", "create")


def test_a_working_binding_by_id_needs_no_softdep_of_ours() -> None:
    facts = desktop(pci=(integrated(), *card("vfio-pci")), configured=f"quiet {IDS}")
    assert make_plan(facts, CARD).settled


def test_a_card_that_libvirt_took_at_run_time_is_not_bound_for_the_next_boot() -> None:
    assert not make_plan(desktop(pci=(integrated(), *card("vfio-pci"))), CARD).settled


def test_each_module_that_would_claim_the_card_waits() -> None:
    assert [one.module for one in make_plan(seed(), seed_selection()).softdeps] == ["amdgpu", "snd_hda_intel"]


def test_a_listing_tells_no_modules_so_the_table_does() -> None:
    softdeps = [one.module for one in make_plan(desktop(), CARD).softdeps]
    assert softdeps == ["nouveau", "nvidia", "snd_hda_intel"]


@pytest.mark.parametrize(
    ("number", "expected"),
    [("1002:67b1", ["amdgpu", "radeon"]), ("1002:68f9", ["radeon"]), ("8086:56a0", ["i915", "xe"])],
)
def test_old_and_new_drivers_of_one_vendor_are_told_apart(number: str, expected: list[str]) -> None:
    told = {"group": 5, "parent": at("0000:00:01.0"), "physical_function": None}
    facts = desktop(pci=(integrated(), make_function(GPU, number, 0x030000, **told)))
    assert [one.module for one in make_plan(facts, CARD).softdeps] == expected


def test_a_driver_whose_name_is_not_its_module_is_translated() -> None:
    graphics, sound = card("nvidia", modules=("nouveau", "nvidia"))
    ports = make_function(
        "0000:01:00.3", "10de:1ad9", 0x0C8000, group=5, driver="nvidia-gpu", parent=graphics.parent
    )
    facts = desktop(pci=(integrated(), graphics, sound, ports))
    assert "i2c_nvidia_gpu" in [one.module for one in make_plan(facts, CARD).softdeps]


def test_a_compiled_in_driver_cannot_wait_and_is_told() -> None:
    plan = make_plan(desktop(builtin=frozenset({"snd_hda_intel"})), CARD)
    assert "snd_hda_intel" not in [one.module for one in plan.softdeps]
    assert [one.id for one in plan.warnings if one.id == "bind.built-in"]


def test_a_compiled_in_vfio_pci_needs_no_initramfs() -> None:
    plan = make_plan(desktop(builtin=frozenset({"vfio_pci"})), CARD)
    assert (plan.modules, plan.softdeps) == ((), ())


def test_vfio_virqfd_is_listed_for_no_kernel() -> None:
    for release in ("5.4.0", "6.1.0", "6.2.0", "6.18.1"):
        names = [one.name for one in make_plan(desktop(release=release), CARD).modules]
        assert names == ["vfio_pci", "vfio_iommu_type1"]


def test_who_runs_it_on_the_live_host_is_the_user() -> None:
    plan = make_plan(desktop(), Selection((at(GPU),)))
    assert plan.users == ("somebody",)
    assert plan.memberships[0].present


def test_a_record_names_nobody() -> None:
    plan = make_plan(seed(user=User("redacted", (), is_root=False)), seed_selection(users=()))
    assert plan.users == ()
    assert "user.unknown" in {one.id for one in plan.warnings}


@pytest.mark.parametrize("name", ["a b", "root:x", "", "é", "x\ny", "${lib}", "-x", "a" * 33, "a'b"])
def test_what_no_user_can_be_called_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="not a user name"):
        make_plan(seed(), seed_selection(users=(name,)))


@pytest.mark.parametrize("name", ["", "  ", "a/b", "a\nb", ".hidden", "\x1b[31m"])
def test_what_no_guest_can_be_called_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="not a name for a guest"):
        make_plan(seed(), seed_selection(guest=name))


@pytest.mark.parametrize("path", ["/etc/shadow", "/dev/../etc", '/dev/"', "/dev/$x", "/dev//sda", "dev/sda"])
def test_what_is_no_device_node_is_refused(path: str) -> None:
    with pytest.raises(UsageError, match="not a device node"):
        make_plan(seed(), seed_selection(libvirt=LibvirtWish(devices=(path,))))


def test_vendor_reset_is_added_when_asked_for() -> None:
    plan = make_plan(seed(), seed_selection(vendor_reset=Offer.ON))
    assert plan.vendor_reset is not None
    assert [str(one) for one in plan.vendor_reset.ids] == ["1002:731f"]
    assert plan.vendor_reset.functions == (at(GUEST),)


def test_the_last_nvidia_card_takes_its_driver_from_the_screens() -> None:
    plan = make_plan(desktop(pci=(integrated(), *card("nvidia"))), CARD)
    assert plan.host_settings is not None
    assert plan.host_settings.hybrid
    assert make_plan(desktop(), CARD).host_settings is None


def test_without_functions_nothing_can_be_planned() -> None:
    with pytest.raises(UsageError, match="no PCI functions were read"):
        make_plan(make_facts(pci=UNTOLD), CARD)


def test_a_binding_by_address_is_written_for_every_image_builder() -> None:
    plan = make_plan(twins(), Selection((at("0000:27:00.0"),), users=("alice",)))
    text = registry.render("modprobe", plan, tool_version=TOOL)[0].text
    assert "for one in 0000:27:00.0/0x1002:0x67df 0000:27:00.1/0x1002:0xaaf0; do" in text
    assert "softdep amdgpu pre: vfio-pci" in text


def taken(facts: HostFacts) -> HostFacts:
    """The twins with the card on bus 27 on vfio-pci, by override."""
    assert isinstance(facts.pci, tuple)
    told: dict[str, Any] = {"driver": "vfio-pci", "driver_override": "vfio-pci"}
    return facts._replace(
        pci=tuple(one._replace(**told) if one.address.bus == 0x27 else one for one in facts.pci)
    )


def test_an_address_binding_that_holds_on_nixos_is_settled() -> None:
    plan = make_plan(taken(twins()), Selection((at("0000:27:00.0"),), bind=Strategy.AUTO))
    assert plan.bind.by is BindBy.ADDRESS
    assert plan.settled


def test_elsewhere_an_override_alone_may_be_a_running_guest() -> None:
    own: dict[str, Any] = {"distribution": good_machine().boot.distribution}
    override = modprobe("install vfio-pci for device in 0000:27:00.0 0000:27:00.1; do true; done")
    chosen = Selection((at("0000:27:00.0"),))
    assert not make_plan(taken(twins(modprobe=modprobe(), **own)), chosen).settled
    assert make_plan(taken(twins(modprobe=override, **own)), chosen).settled


def test_names_from_the_id_database_are_taken_where_the_source_has_none() -> None:
    plan = make_plan(desktop(), CARD, {at(GPU): "GA104 [GeForce RTX 3070]"})
    assert plan.functions[0].name == "GA104 [GeForce RTX 3070]"
