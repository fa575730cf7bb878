"""What a guest gets from facts and answers: sizes, whole cards, versions, and what is said about it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.cases import FAR, INTEL_PINS, KEYBOARD, MOUSE, NVME, USB, amd, crowded, modern
from tests.facts_builder import (
    AUDIO,
    GPU,
    IGPU,
    NIC,
    UNTOLD,
    at,
    card,
    cores,
    good_machine,
    groups,
    integrated,
    make_function,
    modprobe,
    port,
)
from vfio_wizard.model.domain import (
    Capabilities,
    DomainPlan,
    DomainSpec,
    Handed,
    NetworkKind,
    Screen,
    Sound,
    Versions,
)
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.facts import DeviceNode, Distribution, HostFacts, HugePages
from vfio_wizard.model.iommu import IommuUnit
from vfio_wizard.model.selection import (
    CpuWish,
    DomainWish,
    GuestPart,
    GuestSystem,
    HugePageWish,
    LibvirtWish,
    LookingGlass,
    Mirror,
    Offer,
    Selection,
    SoundWish,
)
from vfio_wizard.planning.domain import handed, plan_guest
from vfio_wizard.planning.domain_checklist import checklist
from vfio_wizard.render.domain_check import problems
from vfio_wizard.render.domain_xml import domain_xml

OLD, MIDDLE = Versions((9, 0, 0), (7, 2, 0)), Versions((11, 3, 0), (10, 0, 0))
NEW = Versions((12, 8, 0), (11, 1, 0))
CARD = Selection((at(GPU),), users=("alice",), looking_glass=LookingGlass(Mirror.OFF))


def planned(
    facts: HostFacts | None = None, selection: Selection = CARD, versions: Versions = NEW, **more: Any
) -> DomainPlan:
    return plan_guest(facts or good_machine(), selection, versions, **more)


def spec(selection: Selection = CARD, **told: Any) -> DomainSpec:
    return planned(good_machine(**told), selection).spec


def wish(**wishes: Any) -> Selection:
    return CARD._replace(domain=DomainWish(**wishes))


def refused(plan: DomainPlan) -> set[str]:
    return {one.id for one in plan.refusals}


def minded(plan: DomainPlan) -> set[str]:
    return {one.id for one in plan.warnings}


# -- memory and processors -------------------------------------------------------------------------


@pytest.mark.parametrize(("host", "guest"), [(8, 4), (16, 8), (32, 16), (64, 16), (256, 16)])
def test_a_guest_gets_half_of_the_host_and_not_more_than_it_can_use(host: int, guest: int) -> None:
    assert spec(total_kib=host << 20).memory.mib == guest << 10


def test_memory_that_leaves_the_host_too_little_is_refused_and_can_be_overruled() -> None:
    greedy = wish(memory_mib=31 << 10)
    assert refused(planned(selection=greedy)) == {"memory.too-much"}
    overruled = planned(selection=greedy._replace(allow=("memory.too-much",)))
    assert refused(overruled) == set()
    assert "memory.too-much" in minded(overruled)


def test_little_left_is_said() -> None:
    assert "memory.little-left" in minded(planned(selection=wish(memory_mib=29 << 10)))


def test_the_shared_picture_counts_as_memory_of_the_guest() -> None:
    facts = good_machine(total_kib=32 << 20, looking_glass=())
    just = wish(memory_mib=30 << 10)
    assert refused(planned(facts, just)) == set()
    mirrored = just._replace(looking_glass=LookingGlass(Mirror.SHM, 7680, 4320))
    assert refused(planned(facts, mirrored)) == {"memory.too-much"}


def test_memory_that_is_not_free_just_now_is_said_on_the_live_host_only() -> None:
    assert "memory.not-free" in minded(planned(good_machine(available_kib=1 << 20)))
    assert "memory.not-free" not in minded(planned(good_machine(available_kib=1 << 20, live=False)))


def test_a_host_whose_memory_is_not_known_gives_the_usual() -> None:
    plan = planned(good_machine(total_kib=UNTOLD))
    assert plan.spec.memory.mib == 8192
    assert "memory.unknown" in minded(plan)


def test_hugepages_set_aside_are_the_guests_memory() -> None:
    large = CARD._replace(huge_pages=HugePageWish(1048576, 12))
    plan = planned(selection=large)
    assert (plan.spec.memory.mib, plan.spec.memory.huge_page_kib) == (12 << 10, 1048576)
    assert "hugepages.missing" in minded(plan)
    there = good_machine(huge_pages=(HugePages(1048576, 12, 12),))
    assert "hugepages.missing" not in minded(planned(there, large))


@pytest.mark.parametrize(
    ("memory", "message"),
    [(12000, "no whole number of hugepages"), (16 << 10, "does not fit into the 12 hugepages")],
)
def test_memory_that_does_not_fit_into_the_hugepages_is_refused(memory: int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        planned(selection=wish(memory_mib=memory)._replace(huge_pages=HugePageWish(1048576, 12)))


def test_windows_with_too_little_memory_is_said() -> None:
    assert "memory.small" in minded(planned(selection=wish(memory_mib=2048)))
    assert "memory.small" not in minded(planned(selection=wish(memory_mib=2048, system=GuestSystem.LINUX)))


@given(st.integers(1, 32), st.none() | st.integers(1, 64))
def test_a_guest_never_gets_all_cpus(there: int, wanted: int | None) -> None:
    plan = planned(good_machine(cores=cores(range(there))), wish(vcpus=wanted))
    taken = plan.spec.cpus.topology.cpus
    assert taken < there or there == 1 or "cpu.all" in refused(plan)
    assert len(set(plan.spec.cpus.vcpus)) == len(plan.spec.cpus.vcpus) < there or there == 1


def test_cpus_of_the_answers_are_the_guests() -> None:
    plan = planned(selection=CARD._replace(cpus=CpuWish((4, 5, 6, 7))))
    assert plan.spec.cpus.vcpus == (4, 5, 6, 7)


def test_cores_that_are_not_known_leave_the_guest_unpinned_and_say_so() -> None:
    plan = planned(good_machine(cores=UNTOLD), wish(vcpus=6))
    assert (plan.spec.cpus.vcpus, plan.spec.cpus.topology.cpus) == ((), 6)
    assert "cpu.not-pinned" in minded(plan)


def test_a_host_whose_cpus_are_not_counted_gives_as_many_as_a_guest_can_use() -> None:
    plan = planned(good_machine(cores=UNTOLD))
    assert plan.spec.cpus.topology.cpus == 4
    assert "cpu.unknown" in minded(plan)
    assert "cpu.unknown" not in minded(planned(good_machine(cores=UNTOLD), wish(vcpus=6)))


def test_windows_11_with_one_cpu_is_said() -> None:
    assert "cpu.few" in minded(planned(good_machine(cores=UNTOLD), wish(vcpus=1)))
    assert "cpu.few" not in minded(planned(good_machine(cores=UNTOLD), wish(vcpus=2)))
    linux = wish(vcpus=1, system=GuestSystem.LINUX)
    assert "cpu.few" not in minded(planned(good_machine(cores=UNTOLD), linux))


def test_memory_that_was_asked_for_is_what_is_assumed_to_fit() -> None:
    plan = planned(good_machine(total_kib=UNTOLD), wish(memory_mib=24576))
    (text,) = [one.text for one in plan.warnings if one.id == "memory.unknown"]
    assert "24576 MiB" in text


def test_what_the_pins_cannot_give_is_said() -> None:
    assert "cpu.less" in minded(planned(selection=wish(vcpus=64)))


# -- cards -----------------------------------------------------------------------------------------


def test_the_whole_card_goes_to_one_slot() -> None:
    (one,) = spec().cards
    assert one.functions == (Handed(at(GPU), 0), Handed(at(AUDIO), 1))


def test_half_a_card_is_refused_whatever_is_allowed() -> None:
    apart = good_machine(
        pci=(integrated(), port(), card(driver=None)[0], card(driver=None)[1]._replace(group=6)),
        groups=groups(g1=IGPU, g5=GPU, g6=AUDIO),
    )
    half = CARD._replace(gpus=(), also=(at(AUDIO),))
    assert refused(planned(apart, half)) == {"card.half"}


def test_half_a_group_is_refused_whatever_is_allowed() -> None:
    nic = make_function(NIC, "8086:1533", 0x020000, group=5, driver="igb", parent=None)
    facts = good_machine(
        pci=(integrated(driver=None), port(), *card(driver=None), nic),
        groups=groups(g1=IGPU, g5=f"{GPU} {AUDIO} {NIC}"),
        network=(),
    )
    assert refused(planned(facts, CARD._replace(allow=("group.shared",)))) == {"group.shared"}
    assert refused(planned(facts, CARD._replace(also=(at(NIC),)))) == set()


def test_further_devices_have_slots_of_their_own_and_a_drive_is_started_from() -> None:
    plan = planned(crowded(), CARD._replace(also=(at(USB), at(NVME))))
    assert [one.functions for one in plan.spec.others] == [(Handed(at(USB), 0),), (Handed(at(NVME), 0),)]
    assert [one.bootable for one in plan.spec.others] == [False, True]
    assert plan.spec.disks == ()


@pytest.mark.parametrize(
    ("members", "numbers"),
    [
        (("0000:01:00.0", "0000:01:00.1", "0000:01:00.2", "0000:01:00.3"), (0, 1, 2, 3)),
        (("0000:01:00.0", "0000:01:00.3"), (0, 3)),
        (("0000:00:1f.3", "0000:00:1f.4"), (0, 1)),
        (("0000:03:00.0", "0000:04:00.0"), (0, 1)),
    ],
)
def test_function_numbers_stay_where_function_0_is_given_and_are_counted_elsewhere(
    members: tuple[str, ...], numbers: tuple[int, ...]
) -> None:
    addresses = tuple(at(one) for one in members)
    assert tuple(one.function for one in handed(addresses, addresses[0])) == numbers


@given(st.sets(st.tuples(st.integers(0, 3), st.integers(0, 7)), min_size=1, max_size=8))
def test_every_hand_has_a_function_0_and_no_number_twice(places: set[tuple[int, int]]) -> None:
    addresses = tuple(at(f"0000:01:0{slot}.{function}") for slot, function in sorted(places))
    numbers = [one.function for one in handed(addresses, addresses[-1])]
    assert 0 in numbers
    assert len(set(numbers)) == len(numbers) == len(addresses)
    assert max(numbers) < 8


def test_graphics_of_intels_processors_stay_where_their_driver_looks() -> None:
    facts = good_machine(pci=(integrated(driver="vfio-pci", boot_vga=False), port(), *card(driver="nouveau")))
    plan = planned(facts, CARD._replace(gpus=(at(IGPU),)))
    (one,) = plan.spec.cards
    assert (one.on_root, one.slot) == (True, 2)
    assert "gpu.no-firmware-picture" in minded(plan)


def test_a_rom_is_for_the_first_card() -> None:
    two = planned(crowded(), wish(rom="/srv/card.rom")._replace(gpus=(at(GPU), at(FAR)))).spec.cards
    assert [one.rom for one in two] == ["/srv/card.rom", None]


# -- versions --------------------------------------------------------------------------------------


def test_the_reach_of_the_iommu_is_told_where_libvirt_can_and_said_where_not() -> None:
    assert planned(modern(), versions=MIDDLE).spec.address_limit == 39
    old = planned(modern(), versions=OLD)
    assert old.spec.address_limit is None
    assert "host-phys-bits-limit=39" in next(
        one.text for one in old.warnings if one.id == "guest.address-limit"
    )


def test_an_emulated_processor_cannot_be_limited_and_that_is_said() -> None:
    plan = planned(modern(), wish(emulated=True), MIDDLE)
    (text,) = [one.text for one in plan.warnings if one.id == "guest.address-limit"]
    assert "reaches 39 address bits" in text
    assert "has 40" in text
    assert "maxphysaddr" not in domain_xml(plan.spec)


def test_an_iommu_that_reaches_as_far_as_the_processor_is_no_limit() -> None:
    plan = planned()
    assert plan.spec.address_limit is None
    assert "guest.address-limit" not in minded(plan)


def test_only_the_units_of_the_card_limit_it() -> None:
    near = IommuUnit("dmar0", "intel", "1c0000c40660462", "0", (IGPU,))
    far = IommuUnit("dmar1", "intel", "d2008c402d0462", "0", (GPU,))
    assert spec(units=(near, far)).address_limit is None
    assert spec(units=(near._replace(devices=UNTOLD), far._replace(devices=UNTOLD))).address_limit == 39


@pytest.mark.parametrize(("versions", "there"), [(OLD, False), (MIDDLE, False), (NEW, True)])
def test_iommufd_is_for_libvirts_that_know_it(versions: Versions, there: bool) -> None:
    assert planned(modern(), versions=versions).spec.iommufd is there


@pytest.mark.parametrize(
    "told",
    [
        {"iommu_node": None},
        {"iommu_node": UNTOLD},
        {"iommu_node": DeviceNode("dev/iommu", "file", 0o600, 0, 0)},
        {"config": {"VFIO_PCI": "m"}},
        {"config": UNTOLD},
    ],
)
def test_iommufd_needs_the_kernels_nodes(told: dict[str, Any]) -> None:
    fields: dict[str, Any] = {
        "iommu_node": DeviceNode("dev/iommu", "char", 0o600, 0, 0),
        "config": {"VFIO_DEVICE_CDEV": "y"},
    }
    assert spec(**fields).iommufd
    assert not spec(**(fields | told)).iommufd


def test_iommufd_can_be_left_or_demanded() -> None:
    assert "guest.iommufd" in minded(planned(modern()))
    off = planned(modern(), wish(iommufd=Offer.OFF))
    assert not off.spec.iommufd
    assert "guest.iommufd" not in minded(off)
    with pytest.raises(UsageError, match=r"iommufd needs libvirt 12\.1"):
        planned(modern(), wish(iommufd=Offer.ON), MIDDLE)
    assert planned(modern(), wish(iommufd=Offer.ON)).spec.iommufd


def test_a_qemu_that_is_not_known_gets_nothing_new() -> None:
    plan = planned(modern(), versions=Versions((12, 8, 0)))
    assert not plan.spec.iommufd
    assert "qemu.unknown" in minded(plan)


def test_a_libvirt_from_before_features_of_firmware_is_refused() -> None:
    with pytest.raises(UsageError, match=r"libvirt 6\.0\.0 is too old"):
        planned(versions=Versions((6, 0, 0)))


# -- firmware and programs -------------------------------------------------------------------------


@pytest.mark.parametrize("system", GuestSystem)
def test_secure_boot_is_for_windows(system: GuestSystem) -> None:
    assert spec(wish(system=system)).secure_boot is (system is not GuestSystem.LINUX)


def test_firmware_that_the_host_has_not_got_is_left_out_and_said() -> None:
    without = planned(capabilities=Capabilities(secure_boot=False))
    assert not without.spec.secure_boot
    assert "firmware.no-secure-boot" in minded(without)
    assert "firmware.no-keys" in minded(planned(capabilities=Capabilities(enrolled_keys=False)))


@pytest.mark.parametrize(
    ("system", "asked", "swtpm", "there"),
    [
        (GuestSystem.WINDOWS_11, True, None, True),
        (GuestSystem.WINDOWS_11, False, "usr/bin/swtpm", False),
        (GuestSystem.LINUX, True, None, False),
        (GuestSystem.LINUX, True, "usr/bin/swtpm", True),
        (GuestSystem.WINDOWS_10, True, UNTOLD, True),
    ],
)
def test_the_tpm_is_where_it_is_needed_or_can_be(
    system: GuestSystem, asked: bool, swtpm: Any, there: bool
) -> None:
    chosen = wish(system=system)._replace(libvirt=LibvirtWish(tpm=asked))
    plan = planned(good_machine(swtpm=swtpm), chosen)
    assert plan.spec.tpm is there
    assert ("tpm.missing" in minded(plan)) is (there and swtpm is None)


def test_missing_programs_are_named() -> None:
    assert {"kvm.missing", "firmware.missing"} <= minded(planned(good_machine(kvm=None, ovmf=())))
    assert "guest.emulated" in minded(planned(selection=wish(emulated=True)))


# -- screen, input, sound --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mirror", "evdev", "spice", "typed"),
    [
        (LookingGlass(Mirror.OFF), (), True, False),
        (LookingGlass(Mirror.OFF), (KEYBOARD,), False, False),
        (LookingGlass(Mirror.SHM, release=GuestPart.HOST), (KEYBOARD,), True, True),
        (LookingGlass(Mirror.SHM), (), True, True),
        (LookingGlass(Mirror.SHM, release=GuestPart.IDD), (), True, False),
    ],
)
def test_spice_is_there_for_whom_needs_it_and_virtio_input_only_for_the_host_application(
    mirror: LookingGlass, evdev: tuple[str, ...], spice: bool, typed: bool
) -> None:
    found = spec(wish(evdev=evdev)._replace(looking_glass=mirror), looking_glass=())
    assert (found.spice, found.spice_input) == (spice, typed)
    assert found.screen is (Screen.VGA if spice else Screen.NONE)


@pytest.mark.parametrize(
    ("told", "distribution", "window"),
    [
        (
            ("vnc", "spice"),
            Distribution("rocky", ("rhel", "centos", "fedora"), "9.4", "Rocky", None),
            "spice",
        ),
        ((), Distribution("debian", (), "13", "Debian", "trixie"), "spice"),
        ((), Distribution("rhel", ("fedora",), "8.10", "RHEL", None), "spice"),
        ((), Distribution("rhel", ("fedora",), "10.1", "RHEL", None), "vnc"),
        ((), Distribution("almalinux", ("rhel", "centos", "fedora"), "9.4", "Alma", None), "vnc"),
        (("sdl", "vnc"), Distribution("debian", (), "13", "Debian", "trixie"), "vnc"),
        (("egl-headless",), Distribution("debian", (), "13", "Debian", "trixie"), "none"),
    ],
)
def test_a_qemu_without_spice_gets_another_window(
    told: tuple[str, ...], distribution: Distribution, window: str
) -> None:
    facts = good_machine(distribution=distribution)
    plan = planned(facts, capabilities=Capabilities(graphics=told))
    assert (plan.spec.spice, plan.spec.vnc) == (window == "spice", window == "vnc")
    assert ("spice.missing" in minded(plan)) is (window == "vnc")
    assert ("input.none" in minded(plan)) is (window == "none")
    text = domain_xml(plan.spec)
    assert ("spicevmc" in text) is (window == "spice")
    assert ('<graphics type="vnc"' in text) is (window == "vnc")
    assert problems(text) == ()


def test_what_brings_spice_is_named_and_what_goes_without_it_is_said() -> None:
    vnc = Capabilities(graphics=("vnc",))
    debian = good_machine(distribution=Distribution("debian", (), "13", "Debian", "trixie"))
    ubuntu = good_machine(distribution=Distribution("ubuntu", ("debian",), "25.04", "Ubuntu", None))
    red_hat = good_machine(distribution=Distribution("centos", ("rhel", "fedora"), "9", "CentOS", None))
    glass = CARD._replace(looking_glass=LookingGlass(Mirror.SHM))
    for facts, word in (
        (debian, "qemu-system-modules-spice"),
        (ubuntu, "modules-spice"),
        (red_hat, "Red Hat"),
    ):
        plan = planned(facts, glass, capabilities=vnc)
        said = next(one.text for one in plan.warnings if one.id == "spice.missing")
        assert word in said
        assert "--evdev" in said
    assert not planned(debian, glass, capabilities=vnc).spec.spice_input
    client = checklist(planned(debian, glass, capabilities=vnc).spec).client
    assert "spice:enable=no" in str(client[0].command)
    assert "port 5900" not in str(client)
    desk = wish(evdev=("/dev/input/by-id/a-event-kbd",))
    assert not planned(debian, desk, capabilities=vnc).spec.vnc, "nobody asked for a window"
    for wanted in (wish(spice=Offer.ON), wish(sound=SoundWish.SPICE)):
        with pytest.raises(UsageError, match="SPICE"):
            planned(debian, wanted, capabilities=vnc)


def test_memory_that_the_host_has_already_is_used_unasked() -> None:
    there = (DeviceNode("dev/shm/looking-glass", "file", 0o660, 1000, 36, 32 << 20),)
    unasked = CARD._replace(looking_glass=LookingGlass())
    assert spec(unasked, looking_glass=()).mirroring is None
    found = spec(unasked, looking_glass=there).mirroring
    assert found is not None
    assert (found.mode, found.size_mib) == (Mirror.SHM, 32)


def test_the_first_keyboard_takes_the_others_along() -> None:
    found = spec(wish(evdev=(MOUSE, KEYBOARD, KEYBOARD))).evdev
    assert [(one.path, one.grabs) for one in found] == [(MOUSE, False), (KEYBOARD, True)]


def test_a_guest_that_nobody_can_type_to_is_said() -> None:
    silent = wish(spice=Offer.OFF)
    assert "input.none" in minded(planned(selection=silent))
    assert "input.none" not in minded(planned(crowded(), silent._replace(also=(at(USB),))))


def test_a_name_that_moves_is_said() -> None:
    assert "input.name-moves" in minded(planned(selection=wish(evdev=("/dev/input/event3",))))


def test_pipewire_is_for_libvirts_that_know_it_and_lets_qemu_into_the_users_folder() -> None:
    chosen = wish(sound=SoundWish.PIPEWIRE)
    plan = planned(selection=chosen, user_id=1234)
    assert (plan.spec.sound, plan.spec.runtime_dir) == (Sound.PIPEWIRE, "/run/user/1234")
    assert "sound.pipewire-user" in minded(plan)
    with pytest.raises(UsageError, match=r"needs libvirt 10\.0"):
        planned(selection=chosen, versions=OLD)


def test_sound_through_a_spice_that_is_off_is_refused() -> None:
    with pytest.raises(UsageError, match="needs SPICE"):
        planned(selection=wish(sound=SoundWish.SPICE, spice=Offer.OFF))


# -- words of the answers --------------------------------------------------------------------------


def test_a_disk_is_a_path_a_volume_or_none() -> None:
    assert [one.path for one in spec().disks] == ["/var/lib/libvirt/images/windows.qcow2"]
    (volume,) = spec(wish(disk="default/games.raw")).disks
    assert (volume.pool, volume.volume, volume.format.value) == ("default", "games.raw", "raw")
    assert spec(wish(disk="none")).disks == ()


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"disk": "games.qcow2"}, "not a disk"),
        ({"disk": "a/b/c"}, "not a disk"),
        ({"iso": "win.iso"}, "needs a whole path"),
        ({"network": "nat"}, "not a network"),
        ({"network": "bridge:"}, "not a network"),
        ({"evdev": ("/dev/sda",)}, "not an input device"),
        ({"evdev": ("/etc/passwd",)}, "not a device node"),
        ({"usb": ("logitech",)}, "not USB ids"),
    ],
)
def test_words_that_mean_nothing_are_refused(wishes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        planned(selection=wish(**wishes))


def test_the_cable_ends_where_it_was_told() -> None:
    assert [(one.kind, one.source) for one in spec().nics] == [(NetworkKind.NETWORK, "default")]
    plan = planned(selection=wish(network="direct:enp5s0"))
    assert [(one.kind, one.source) for one in plan.spec.nics] == [(NetworkKind.DIRECT, "enp5s0")]
    assert "network.direct" in minded(plan)
    assert spec(wish(network="none")).nics == ()


def test_windows_without_its_drivers_is_said() -> None:
    assert "guest.virtio-drivers" in minded(planned())
    assert "guest.virtio-drivers" not in minded(planned(selection=wish(virtio_iso="/srv/virtio-win.iso")))
    assert "guest.virtio-drivers" not in minded(planned(selection=wish(system=GuestSystem.LINUX)))


# -- traps of Looking Glass ------------------------------------------------------------------------


def test_an_ordinary_file_in_the_place_of_the_device_is_said() -> None:
    trap = (DeviceNode("dev/kvmfr0", "file", 0o644, 0, 0, 64 << 20),)
    chosen = CARD._replace(looking_glass=LookingGlass(Mirror.KVMFR))
    assert "kvmfr.regular-file" in minded(planned(good_machine(looking_glass=trap), chosen))


@pytest.mark.parametrize(("size", "said"), [(32, False), (0, False), (64, True)])
def test_memory_of_another_size_is_said(size: int, said: bool) -> None:
    there = (DeviceNode("dev/shm/looking-glass", "file", 0o660, 1000, 36, size << 20),)
    chosen = CARD._replace(looking_glass=LookingGlass(Mirror.SHM))
    plan = planned(good_machine(looking_glass=there), chosen)
    assert ("looking-glass.old-size" in minded(plan)) is said


@pytest.mark.parametrize(("option", "said"), [("static_size_mb=32", False), ("static_size_mb=64", True)])
def test_a_module_with_another_size_is_said(option: str, said: bool) -> None:
    chosen = CARD._replace(looking_glass=LookingGlass(Mirror.KVMFR))
    plan = planned(good_machine(modprobe=modprobe(f"options kvmfr {option}")), chosen)
    assert ("kvmfr.size" in minded(plan)) is said


def test_looking_glass_for_linux_is_said() -> None:
    chosen = wish(system=GuestSystem.LINUX)._replace(looking_glass=LookingGlass(Mirror.SHM))
    assert "looking-glass.linux" in minded(planned(selection=chosen))


# -- the checklist ---------------------------------------------------------------------------------


def said(selection: Selection) -> str:
    parts = checklist(planned(selection=selection).spec)
    return " ".join(step.text for part in parts for step in part)


def test_each_guest_part_has_its_own_steps() -> None:
    host = said(CARD._replace(looking_glass=LookingGlass(Mirror.SHM)))
    assert "dummy plug on the card" in host
    assert "looking-glass-host-setup.exe" in host
    idd = said(CARD._replace(looking_glass=LookingGlass(Mirror.SHM, release=GuestPart.IDD)))
    assert "No dummy plug" in idd
    assert "looking-glass-idd-setup.exe" in idd
    assert "Looking Glass" not in said(CARD)


def test_the_steps_fit_the_guests_system() -> None:
    assert "w11\\amd64" in said(CARD)
    assert "w10\\amd64" in said(wish(system=GuestSystem.WINDOWS_10))
    linux = said(wish(system=GuestSystem.LINUX))
    assert "qemu-guest-agent" in linux
    assert "Windows" not in linux


def test_the_disk_is_made_by_a_command_that_names_it() -> None:
    parts = checklist(planned(selection=wish(disk="/srv/my disk.qcow2", disk_gib=200)).spec)
    commands = [step.command for step in parts.host if step.command]
    assert ("sudo", "qemu-img", "create", "-f", "qcow2", "/srv/my disk.qcow2", "200G") in commands


# -- anything --------------------------------------------------------------------------------------

WISHES = st.builds(
    DomainWish,
    system=st.sampled_from(GuestSystem),
    memory_mib=st.none() | st.integers(1, 1 << 20),
    vcpus=st.none() | st.integers(1, 300),
    disk=st.sampled_from(("", "none", "/srv/a.img", "/dev/sdz", "pool/vol")),
    network=st.sampled_from(("auto", "none", "bridge:br0", "direct:x", "network:y")),
    evdev=st.sampled_from(((), (KEYBOARD,), (MOUSE, KEYBOARD))),
    usb=st.sampled_from(((), ("046d:c52b",))),
    spice=st.sampled_from(Offer),
    rom=st.sampled_from(("", "/srv/card.rom")),
    iso=st.sampled_from(("", "/srv/a.iso")),
    virtio_iso=st.just(""),
    disk_gib=st.none(),
    sound=st.sampled_from((SoundWish.AUTO, SoundWish.OFF)),
    iommufd=st.sampled_from((Offer.AUTO, Offer.OFF)),
    emulated=st.booleans(),
)


@given(
    WISHES,
    st.sampled_from((OLD, MIDDLE, NEW, Versions((9, 0, 0)))),
    st.sampled_from(
        (good_machine(), amd(), modern(), crowded(), good_machine(cores=UNTOLD, total_kib=UNTOLD))
    ),
    st.builds(
        LookingGlass, st.sampled_from(Mirror), st.integers(1, 9999), st.integers(1, 9999), st.booleans()
    ),
)
def test_any_wish_gives_a_guest_that_nothing_stands_against(
    domain: DomainWish, versions: Versions, facts: HostFacts, mirror: LookingGlass
) -> None:
    chosen = CARD._replace(domain=domain, looking_glass=mirror)
    plan = planned(facts, chosen, versions)
    told = facts.cpu.cores
    there = frozenset(one.cpu for one in told) if isinstance(told, tuple) else None
    assert problems(domain_xml(plan.spec), there) == ()


def test_pins_that_were_chosen_already_are_taken() -> None:
    assert planned(pins=INTEL_PINS).spec.cpus == INTEL_PINS
