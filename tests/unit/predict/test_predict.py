"""Each rule of the kernel, kmod and udev on a machine of which everything is told."""

from __future__ import annotations

import pytest

from tests.facts_builder import RELEASE, at
from tests.unit.predict.boots import (
    ALIASES,
    ALL,
    CARD,
    DEPENDS,
    IDS,
    IMAGE,
    ONBOARD,
    PORT,
    SOFTDEPS,
    SOUND,
    boot,
    drivers,
    functions,
    host,
    image,
    script,
    told,
    whole,
)
from vfio_wizard.model.facts import InstalledKernel, ModprobeLine
from vfio_wizard.model.image import BEFORE_UDEV, BESIDE_UDEV
from vfio_wizard.model.iommu import AcpiTables
from vfio_wizard.model.modules import OverrideText
from vfio_wizard.model.pci import PciId
from vfio_wizard.model.unread import Gap, Unread

VFIO = ("vfio-pci", "vfio-pci")
HOST = ("radeon", "snd_hda_intel")
WITH_HOST = frozenset(("radeon", "drm", "ttm", "snd_hda_intel", "snd", "vfio_pci", "vfio"))
OVERRIDE = (
    "#!/bin/sh\nfor d in 0000:01:00.0 0000:01:00.1; do\n"
    "  echo vfio-pci > /sys/bus/pci/devices/$d/driver_override\ndone\nmodprobe -i vfio-pci\n"
)


def test_without_configuration_the_host_drivers_come_on_the_root() -> None:
    card = told(host(), image())
    assert (card.driver, card.stage) == ("radeon", "root")
    assert drivers(host(), image()) == HOST


def test_ids_and_vfio_in_the_image_win() -> None:
    facts, seen = host(IDS, *SOFTDEPS), image(IDS, *SOFTDEPS, early=("vfio_pci",))
    card = told(facts, seen)
    assert (card.driver, card.stage) == ("vfio-pci", "initramfs")
    assert any(f"{IMAGE}:etc/modprobe.d/test.conf:2" in reason for reason in card.why)
    assert drivers(facts, seen) == VFIO
    assert told(facts, seen, address=ONBOARD).driver == "snd_hda_intel"


def test_ids_that_stay_outside_of_the_image_are_read_too_late() -> None:
    """dracut without host-only mode: vfio-pci is loaded early, its ids are on the root only."""
    facts = host(IDS, *SOFTDEPS)
    seen = image(early=("vfio_pci",), when=BEFORE_UDEV, made_by="dracut")
    assert drivers(facts, seen) == HOST
    assert any("not read: vfio-pci is loaded before without ids" in one for one in told(facts, seen).why)


def test_ids_on_the_command_line_without_anything_that_loads_vfio() -> None:
    facts = host(words="vfio-pci.ids=1002:5159,8086:293e")
    assert drivers(facts, image()) == HOST


def test_ids_on_the_command_line_reach_a_module_that_is_loaded_early() -> None:
    facts = host(words="vfio-pci.ids=1002:5159,8086:293e")
    assert drivers(facts, image(early=("vfio_pci",))) == VFIO


def test_command_line_ids_replace_those_of_the_file() -> None:
    facts = host(words="vfio-pci.ids=1002:5159")
    assert drivers(facts, image(IDS, early=("vfio_pci",))) == ("vfio-pci", "snd_hda_intel")


def test_of_two_option_lines_the_last_counts() -> None:
    seen = image("options vfio-pci ids=1002:5159", "options vfio-pci ids=8086:293e", early=("vfio_pci",))
    assert drivers(host(), seen) == ("radeon", "vfio-pci")


def test_host_driver_in_the_image_is_first_where_modules_are_listed_for_after_udev() -> None:
    seen = image(IDS, early=("vfio_pci",), modules=WITH_HOST)
    assert drivers(host(), seen) == HOST
    assert any("too late" in one for one in told(host(), seen).why)


def test_softdeps_in_the_image_put_vfio_before_the_host_drivers() -> None:
    assert drivers(host(), image(IDS, *SOFTDEPS, modules=WITH_HOST)) == VFIO


def test_vfio_before_udev_needs_no_softdep() -> None:
    seen = image(IDS, early=("vfio_pci",), when=BEFORE_UDEV, modules=WITH_HOST)
    assert drivers(host(), seen) == VFIO


def test_softdep_without_the_module_in_the_image_is_passed_over() -> None:
    seen = image(IDS, *SOFTDEPS, modules=WITH_HOST - {"vfio_pci"})
    assert drivers(host(), seen) == HOST


def test_softdeps_on_the_root_are_enough_when_the_image_has_no_host_driver() -> None:
    card = told(host(IDS, *SOFTDEPS), image(modules=frozenset()))
    assert (card.driver, card.stage) == ("vfio-pci", "root")


def test_one_softdep_for_two_drivers_is_a_race() -> None:
    """The onboard sound chip loads snd_hda_intel while the card's event loads vfio-pci."""
    sound = told(host(IDS, SOFTDEPS[0]), image(modules=frozenset()), address=SOUND)
    assert sound.driver == "unknown"
    assert "parallel" in sound.why[0]


def test_softdep_of_a_needed_module_comes_first_too() -> None:
    facts = host(IDS, "softdep drm pre: vfio-pci", "softdep snd pre: vfio-pci")
    assert drivers(facts, image(modules=frozenset())) == VFIO


def test_only_the_first_softdep_line_of_a_module_counts() -> None:
    facts = host(IDS, "softdep radeon pre: ttm", *SOFTDEPS)
    assert told(facts, image(modules=frozenset())).driver == "unknown"
    alone = host("options vfio-pci ids=1002:5159", "softdep radeon pre: ttm", "softdep radeon pre: vfio-pci")
    assert told(alone, image(modules=frozenset())).driver == "radeon"


def test_softdeps_of_the_kernels_own_table_go_before_those_of_files() -> None:
    tables = boot(softdeps=(ModprobeLine("modules.softdep:1", "softdep", "radeon", "pre: ttm"),))
    facts = host("options vfio-pci ids=1002:5159", "softdep radeon pre: vfio-pci")
    assert told(facts, image(modules=frozenset()), tables).driver == "radeon"


def test_wrong_ids_take_nothing() -> None:
    assert drivers(host(), image("options vfio-pci ids=10de:1b80", early=("vfio_pci",))) == HOST


def test_ids_with_a_subsystem_tell_two_makers_apart() -> None:
    other = image("options vfio-pci ids=1002:5159:1043:0001", early=("vfio_pci",))
    same = image("options vfio-pci ids=1002:5159:1af4:1100", early=("vfio_pci",))
    assert told(host(), other).driver == "radeon"
    assert told(host(), same).driver == "vfio-pci"


def test_blacklisted_host_drivers_leave_the_card_without() -> None:
    card = told(host("blacklist radeon", "blacklist snd_hda_intel"), image())
    assert (card.driver, card.stage) == (None, None)
    assert any("blacklist radeon" in reason for reason in card.why)


def test_blacklist_of_the_image_alone_delays_only() -> None:
    assert told(host(), image("blacklist radeon", modules=WITH_HOST)).stage == "root"


def test_blacklist_does_not_stop_a_load_by_name() -> None:
    seen = image("blacklist radeon", early=("radeon",), modules=WITH_HOST)
    assert told(host("blacklist radeon"), seen).driver == "radeon"


def test_blacklist_stops_modules_load() -> None:
    facts = host("blacklist radeon")
    assert told(facts, image(), boot(loads=("radeon",))).driver is None


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("modprobe.blacklist=radeon", None),
        ("module_blacklist=radeon", None),
        ("nomodeset", None),
        ("radeon.modeset=0", None),
        ("initcall_blacklist=radeon_module_init", None),
        ("blacklist=radeon", "radeon"),
        ("rd.driver.blacklist=radeon", "radeon"),
        ("module_blacklist=rade-on", "radeon"),
    ],
)
def test_parameters_that_keep_a_driver_away(words: str, expected: str | None) -> None:
    assert told(host(words=words), image(modules=WITH_HOST)).driver == expected


def test_module_blacklist_compares_letter_by_letter() -> None:
    seen = image(IDS, early=("vfio_pci",))
    assert told(host(words="module_blacklist=vfio-pci"), seen).driver == "vfio-pci"
    assert told(host(words="module_blacklist=vfio_pci"), seen).driver == "radeon"


def test_a_needed_module_that_is_refused_stops_the_driver() -> None:
    assert told(host(words="module_blacklist=drm"), image()).driver is None


def test_rd_driver_pre_is_for_dracut() -> None:
    words = "rd.driver.pre=vfio-pci vfio-pci.ids=1002:5159,8086:293e"
    assert drivers(host(words=words), image(made_by="dracut", modules=WITH_HOST)) == VFIO
    assert drivers(host(words=words), image(modules=WITH_HOST)) == HOST


@pytest.mark.parametrize(("lasts", "expected"), [(True, None), (False, "radeon"), (None, "unknown")])
def test_rd_driver_blacklist_lasts_with_newer_dracut(lasts: bool | None, expected: str | None) -> None:
    tables = boot()._replace(keeps_rd_blacklist=lasts)
    card = told(host(words="rd.driver.blacklist=radeon"), image(made_by="dracut", modules=WITH_HOST), tables)
    assert card.driver == expected
    assert lasts is False or "rd.driver.blacklist=radeon" in card.why[0]


def test_modules_load_on_the_root_races_with_udev() -> None:
    facts = host(IDS)
    assert told(facts, image(modules=frozenset()), boot(loads=("vfio_pci",))).driver == "unknown"
    with_softdeps = host(IDS, *SOFTDEPS)
    assert drivers(with_softdeps, image(modules=frozenset()), boot(loads=("vfio_pci",))) == VFIO


def test_modules_load_in_a_systemd_image_races_too() -> None:
    seen = image(IDS, early=("vfio_pci",), when=BESIDE_UDEV, modules=WITH_HOST)
    assert told(host(), seen).driver == "unknown"


def test_pci_stub_takes_its_ids() -> None:
    seen = image("options pci-stub ids=1002:5159", early=("pci_stub",))
    assert told(host(), seen).driver == "pci-stub"


def test_install_line_in_place_of_a_driver() -> None:
    assert told(host("install radeon /bin/true"), image()).driver is None


def test_install_line_that_cannot_be_read_is_unknown() -> None:
    card = told(host("install radeon /usr/local/bin/decide"), image())
    assert card.driver == "unknown"
    assert "etc/modprobe.d/test.conf:2" in card.why[0]


def test_install_line_of_this_program_binds_by_address() -> None:
    line = (
        "install vfio-pci for device in 0000:01:00.0; do echo vfio-pci > "
        "/sys/bus/pci/devices/$device/driver_override; done; modprobe --ignore-install vfio-pci $CMDLINE_OPTS"
    )
    facts, seen = host(line, *SOFTDEPS), image(line, *SOFTDEPS, early=("vfio_pci",))
    assert drivers(facts, seen) == ("vfio-pci", "snd_hda_intel")
    assert told(host(line, SOFTDEPS[0]), image(modules=frozenset())).driver == "vfio-pci"


def test_script_before_udev_sets_the_override_in_time() -> None:
    seen = image(modules=WITH_HOST, scripts=(script("scripts/init-top/a_card", OVERRIDE),))
    assert drivers(host(), seen) == VFIO


def test_script_behind_udev_comes_too_late() -> None:
    seen = image(modules=WITH_HOST, scripts=(script("scripts/init-top/vfio", OVERRIDE),))
    assert drivers(host(), seen) == HOST


def test_script_with_computed_addresses_is_unknown_for_cards_only() -> None:
    text = (
        "#!/bin/sh\nfor d in $(find_gpus); do echo vfio-pci > /sys/bus/pci/devices/$d/driver_override; done\n"
    )
    seen = image(scripts=(script("scripts/init-top/a_card", text),))
    assert drivers(host(), seen) == ("unknown", "unknown")
    assert told(host(), seen, address=ONBOARD).driver == "snd_hda_intel"


def test_early_unit_of_the_root_binds_by_address() -> None:
    text = f"[Unit]\nBefore=systemd-udev-trigger.service\n[Service]\nExecStart=/usr/local/sbin/x\n{OVERRIDE}"
    tables = boot(overrides=(OverrideText("etc/systemd/system/x.service", text, enabled=True),))
    assert drivers(host(), image(), tables) == VFIO


def test_late_unit_that_unbinds_moves_the_card() -> None:
    text = (
        "[Service]\necho 0000:01:00.0 > /sys/bus/pci/devices/0000:01:00.0/driver/unbind\n"
        "modprobe vfio-pci\necho vfio-pci > /sys/bus/pci/devices/0000:01:00.0/driver_override\n"
        "echo 0000:01:00.0 > /sys/bus/pci/drivers_probe\n"
    )
    tables = boot(overrides=(OverrideText("etc/systemd/system/x.service", text, enabled=True),))
    assert drivers(host(), image(), tables) == ("vfio-pci", "snd_hda_intel")


def test_late_unit_without_unbinding_changes_nothing() -> None:
    tables = boot(
        overrides=(OverrideText("etc/systemd/system/x.service", f"[Service]\n{OVERRIDE}", enabled=True),)
    )
    assert drivers(host(), image(), tables) == HOST


def test_udev_rule_that_loads_vfio_for_its_own_function() -> None:
    rule = (
        'ACTION=="add", SUBSYSTEM=="pci", KERNEL=="0000:01:00.0", ATTR{driver_override}="vfio-pci",'
        ' RUN+="/sbin/modprobe vfio-pci"\n'
    )
    tables = boot(overrides=(OverrideText("etc/udev/rules.d/10-vfio.rules", rule, enabled=True),))
    assert drivers(host(), image(), tables) == ("vfio-pci", "snd_hda_intel")


def test_udev_rule_that_nothing_loads_vfio_for_leaves_the_function_free() -> None:
    rule = 'SUBSYSTEM=="pci", KERNEL=="0000:01:00.0", ATTR{driver_override}="vfio-pci"\n'
    tables = boot(overrides=(OverrideText("etc/udev/rules.d/10-vfio.rules", rule, enabled=True),))
    assert told(host(), image(), tables).driver is None


def test_udev_rule_against_a_driver_that_another_device_loads_is_unknown() -> None:
    rule = 'SUBSYSTEM=="pci", KERNEL=="0000:01:00.1", ATTR{driver_override}="vfio-pci"\n'
    tables = boot(overrides=(OverrideText("etc/udev/rules.d/10-vfio.rules", rule, enabled=True),))
    assert told(host(), image(), tables, SOUND).driver == "unknown"


def test_driverctl_takes_the_card_from_its_driver() -> None:
    card = told(host(), image(), boot(driverctl=((CARD, "vfio-pci"),)))
    assert (card.driver, card.stage) == ("vfio-pci", "root")
    assert any("taken away from radeon" in reason for reason in card.why)


def test_override_that_was_written_by_hand_does_not_survive() -> None:
    facts = host(pci=functions(driver="vfio-pci", driver_override="vfio-pci"))
    assert drivers(facts, image()) == HOST


def test_without_a_group_vfio_cannot_bind() -> None:
    facts = host(pci=functions(group=None))
    card = told(facts, image(IDS, early=("vfio_pci",)))
    assert card.driver == "radeon"
    assert any("no IOMMU group" in reason for reason in card.why)


def test_iommu_off_on_the_stored_line_counts_at_the_next_boot() -> None:
    assert told(host(words="intel_iommu=off"), image(IDS, early=("vfio_pci",))).driver == "radeon"


def test_iommu_that_the_stored_line_turns_on_is_said_to_be_needed() -> None:
    facts = host(words="intel_iommu=on", pci=functions(group=None))
    card = told(facts, image(IDS, early=("vfio_pci",)))
    assert card.driver == "vfio-pci"
    assert any("turns the IOMMU on" in reason for reason in card.why)
    without = facts._replace(iommu=facts.iommu._replace(tables=AcpiTables(dmar=False, ivrs=False)))
    assert told(without, image(IDS, early=("vfio_pci",))).driver == "radeon"


def test_alias_line_replaces_the_kernels_own_aliases() -> None:
    facts = host("alias pci:v00001002d00005159* vfio-pci", "options vfio-pci ids=1002:5159")
    assert told(facts, image(modules=frozenset())).driver == "vfio-pci"


def test_two_host_drivers_for_one_function_are_decided_by_today() -> None:
    matches = {at(address): modules for address, modules in ALIASES.items()} | {at(CARD): ("newer", "radeon")}
    tables = boot(matches=matches, depends=DEPENDS | {"newer": ("drm",)})
    assert told(host(), image(), tables).driver == "radeon"
    today = host(pci=functions(driver="vfio-pci"))
    assert told(today, image(), tables).driver == "unknown"


def test_amdgpu_names_every_amd_display_and_leaves_old_ones_to_radeon() -> None:
    matches = {at(address): modules for address, modules in ALIASES.items()} | {
        at(CARD): ("amdgpu", "radeon")
    }
    tables = boot(matches=matches, depends=DEPENDS | {"amdgpu": ("drm",)})
    today = host("blacklist radeon", pci=functions(driver="vfio-pci"))
    card = told(today, image(), tables)
    assert card.driver is None
    assert any("amdgpu leaves 1002:5159 to radeon" in reason for reason in card.why)


def test_a_loaded_driver_that_leaves_a_function_alone_is_believed() -> None:
    facts = host(pci=functions(driver=None))
    card = told(facts, image())
    assert card.driver is None
    assert any("leaves it alone" in reason for reason in card.why)


def test_a_port_keeps_its_built_in_driver() -> None:
    port = told(host(), image("options vfio-pci ids=1b36:000c", early=("vfio_pci",)), address=PORT)
    assert (port.driver, port.stage) == ("pcieport", "built-in")


def test_a_built_in_host_driver_is_before_everything() -> None:
    depends = {name: needs for name, needs in DEPENDS.items() if name != "radeon"}
    tables = boot(builtin=("radeon",), depends=depends)._replace(driver_modules={})
    card = told(host(IDS), image(IDS, early=("vfio_pci",)), tables)
    assert (card.driver, card.stage) == ("radeon", "built-in")


def test_built_in_vfio_reads_the_command_line_only() -> None:
    depends = {name: needs for name, needs in DEPENDS.items() if name != "vfio_pci"}
    tables = boot(builtin=("vfio_pci",), depends=depends)
    assert drivers(host(IDS, *SOFTDEPS), image(IDS, *SOFTDEPS), tables) == HOST
    card = told(host(words="vfio-pci.ids=1002:5159"), image(), tables)
    assert (card.driver, card.stage) == ("vfio-pci", "built-in")


@pytest.mark.parametrize(
    ("order", "expected"), [(("radeon", "vfio_pci"), "radeon"), (("vfio_pci", "radeon"), "vfio-pci")]
)
def test_two_built_in_drivers_start_in_the_order_of_the_kernels_list(
    order: tuple[str, ...], expected: str
) -> None:
    depends = {name: needs for name, needs in DEPENDS.items() if name not in order}
    tables = boot(builtin=order, depends=depends)
    assert told(host(words="vfio-pci.ids=1002:5159"), image(), tables).driver == expected


@pytest.mark.parametrize("table", ["depends", "matches"])
def test_silence_about_the_modules_is_not_their_absence(table: str) -> None:
    gap = Unread("lib/modules/x/modules.dep", Gap.UNTOLD)
    tables = boot(depends=gap) if table == "depends" else boot(matches=gap)
    card = told(host(), image(), tables)
    assert (card.driver, card.stage) == ("unknown", None)
    assert "modules.dep" in card.why[0]
    assert told(host(), image(), tables, PORT).driver == "pcieport"


def test_closed_configuration_of_modprobe_is_not_an_empty_one() -> None:
    facts = host(modprobe=Unread("etc/modprobe.d/x.conf", Gap.DENIED, "run as root"))
    assert told(facts, image()).driver == "unknown"


def test_unread_image_leaves_what_it_decides_unknown() -> None:
    gap = Unread(IMAGE, Gap.DENIED, "run as root")
    facts = host(IDS)
    assert told(facts, gap).driver == "unknown"
    onboard = told(facts, gap, address=ONBOARD)
    assert (onboard.driver, onboard.stage) == ("snd_hda_intel", None)


def test_partly_read_image_proves_no_absence() -> None:
    seen = image(gaps=(Unread(IMAGE, Gap.MALFORMED, "cut off"),))
    assert told(host(), seen).driver == "unknown"


def test_kernel_without_an_image_goes_straight_to_the_root() -> None:
    assert told(host(IDS, *SOFTDEPS), None).driver == "vfio-pci"


def test_unified_image_brings_its_own_command_line() -> None:
    seen = image(early=("vfio_pci",), cmdline="vfio-pci.ids=1002:5159,8086:293e")
    kernel = whole(host(), seen)
    assert {one.driver for one in kernel.functions if str(one.address) in (CARD, SOUND)} == {"vfio-pci"}
    assert any(".cmdline" in note for note in kernel.notes)


def test_unknown_stored_line_is_said_to_be_replaced_by_the_running_one() -> None:
    facts = host(configured=Unread("boot/grub/grub.cfg", Gap.DENIED), cmdline="vfio-pci.ids=1002:5159")
    kernel = whole(facts, image(early=("vfio_pci",)))
    assert any("could not be read" in note for note in kernel.notes)
    assert next(one for one in kernel.functions if one.address == at(CARD)).driver == "vfio-pci"


def test_each_kernel_has_its_own_prediction() -> None:
    from vfio_wizard.predict.predict import predict  # noqa: PLC0415 - the one test with two kernels

    old = InstalledKernel("6.1.0-1", False, frozenset(), {}, True, "boot/old")
    facts = host(IDS, *SOFTDEPS)
    kernels = (old, *(facts.kernels if isinstance(facts.kernels, tuple) else ()))
    tables = boot()
    both = tables._replace(kernels=(tables.kernels[0]._replace(release="6.1.0-1"), *tables.kernels))
    images = {"6.1.0-1": image(modules=ALL), RELEASE: image(IDS, *SOFTDEPS, modules=ALL)}
    first, second = predict(facts._replace(kernels=kernels), images, both)
    assert [one.driver for one in first.functions if one.address == at(CARD)] == ["radeon"]
    assert [one.driver for one in second.functions if one.address == at(CARD)] == ["vfio-pci"]


@pytest.mark.parametrize(
    ("allowed", "driver"),
    [({}, None), ({"words": "vfio-pci.disable_denylist=1"}, "vfio-pci")],
    ids=["as it is", "with the option that allows them"],
)
def test_vfio_pci_refuses_the_accelerators_on_its_list(allowed: dict[str, str], driver: str | None) -> None:
    devices = tuple(
        one._replace(id=PciId("8086", "37c8"), driver=None) if str(one.address) == SOUND else one
        for one in functions()
    )
    ids = "options vfio-pci ids=8086:37c8"
    tables = boot(matches={at(CARD): ("radeon",), at(SOUND): ()})
    facts = host(ids, pci=devices, **allowed)
    assert told(facts, image(ids, early=("vfio_pci",)), tables, SOUND).driver == driver
