"""Cards as units: the rules of groups/1, one situation a test."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vfio_wizard.cards.kinds import kind
from vfio_wizard.cards.units import Gpu, candidates, cards, gpu_of, gpus
from vfio_wizard.model.pci import PciAddress, PciClass, PciFunction, PciId
from vfio_wizard.model.unread import Unread, untold

GAP = untold("test")


def function(
    address: str,
    ids: str | None,
    cls: str,
    *,
    group: int | Unread | None = GAP,
    parent: str | Unread | None = GAP,
    boot_vga: bool | None = None,
    physical: str | Unread | None = GAP,
) -> PciFunction:
    return PciFunction(
        address=PciAddress.parse(address),
        origin="listing line 1",
        id=PciId.parse(ids) if ids else GAP,
        cls=PciClass(int(cls[:2], 16), int(cls[2:4], 16)),
        subsystem=GAP,
        revision=GAP,
        driver=GAP,
        group=group,
        parent=PciAddress.parse(parent) if isinstance(parent, str) else parent,
        modules=GAP,
        modalias=GAP,
        boot_vga=boot_vga,
        reset_methods=GAP,
        driver_override=GAP,
        bars=GAP,
        resizable_bars=GAP,
        rom=GAP,
        link=GAP,
        power_state=GAP,
        numa_node=GAP,
        physical_function=PciAddress.parse(physical) if isinstance(physical, str) else physical,
        removable=GAP,
        holders=GAP,
        name=None,
    )


class _Facts:
    """Only what cards look at."""

    def __init__(self, *functions: PciFunction) -> None:
        self.pci = functions


def units(*functions: PciFunction) -> tuple[Gpu, ...]:
    found = gpus(_Facts(*functions))  # type: ignore[arg-type]  # cards look at pci alone
    assert not isinstance(found, Unread)
    return found


def texts(addresses: tuple[PciAddress, ...]) -> list[str]:
    return [str(one) for one in addresses]


NAVI = (
    function("0000:2d:00.0", "1002:1478", "0604", group=22, parent="0000:00:03.1"),
    function("0000:2e:00.0", "1002:1479", "0604", group=23, parent="0000:2d:00.0"),
    function("0000:2f:00.0", "1002:731f", "0300", group=24, parent="0000:2e:00.0", boot_vga=False),
    function("0000:2f:00.1", "1002:ab38", "0403", group=25, parent="0000:2e:00.0"),
)


def test_card_with_audio_in_another_group_is_isolated_across_both() -> None:
    (gpu,) = units(*NAVI)
    assert texts(gpu.functions) == ["0000:2f:00.0", "0000:2f:00.1"]
    assert gpu.groups == (24, 25)
    assert gpu.isolated is True
    assert (gpu.type, gpu.boot_vga, gpu.twins) == ("discrete", False, ())


def test_bridges_in_the_group_do_not_count_but_an_isa_bridge_does() -> None:
    card = function("01:00.0", "10de:1b81", "0300", group=1)
    port = function("00:01.0", "8086:1901", "0604", group=1)
    assert units(port, card)[0].isolated is True
    isa = function("00:1f.0", "8086:1e44", "0601", group=1)
    (gpu,) = units(port, isa, card)
    assert gpu.isolated is False
    assert texts(gpu.shares_with) == ["0000:00:1f.0"]


def test_groups_that_nobody_told_leave_isolation_unknown() -> None:
    (gpu,) = units(function("01:00.0", "10de:1b81", "0300"))
    assert gpu.isolated is None
    assert gpu.group is None


def test_a_card_half_in_unknown_groups_is_not_called_isolated() -> None:
    video = function("01:00.0", "10de:1b81", "0300", group=1)
    audio = function("01:00.1", "10de:10f0", "0403", group=None)
    assert units(video, audio)[0].isolated is None


def test_a_stranger_in_the_known_group_is_told_even_if_another_group_is_unknown() -> None:
    video = function("01:00.0", "10de:1b81", "0300", group=1)
    audio = function("01:00.1", "10de:10f0", "0403", group=None)
    nic = function("02:00.0", "8086:1533", "0200", group=1)
    assert units(video, audio, nic)[0].isolated is False


def test_twins_are_named_function_by_function_in_both_directions() -> None:
    first = (
        function("26:00.0", "1002:67df", "0300", group=16),
        function("26:00.1", "1002:aaf0", "0403", group=16),
    )
    second = (
        function("27:00.0", "1002:67df", "0300", group=17),
        function("27:00.1", "1002:aaf0", "0403", group=17),
    )
    one, two = units(*first, *second)
    assert texts(one.twins) == ["0000:27:00.0", "0000:27:00.1"]
    assert texts(two.twins) == ["0000:26:00.0", "0000:26:00.1"]


def test_apu_takes_its_hdmi_audio_and_leaves_the_processor_functions() -> None:
    slot = (
        function("08:00.0", "1002:1636", "0300", group=7),
        function("08:00.1", "1002:1637", "0403", group=7),
        function("08:00.2", "1022:15df", "1080", group=7),
        function("08:00.3", "1022:1639", "0c03", group=7),
        function("08:00.6", "1022:15e3", "0403", group=7),
    )
    (gpu,) = units(*slot)
    assert gpu.type == "integrated"
    assert texts(gpu.functions) == ["0000:08:00.0", "0000:08:00.1"]
    assert texts(gpu.shares_with) == ["0000:08:00.2", "0000:08:00.3", "0000:08:00.6"]


def test_an_apu_newer_than_the_table_is_known_by_its_slot_mates() -> None:
    slot = (function("c5:00.0", "1002:ffff", "0300"), function("c5:00.2", "1022:ffff", "1080"))
    assert units(*slot)[0].type == "integrated"


def test_intel_integrated_graphics_stand_alone() -> None:
    igpu = function("00:02.0", "8086:5912", "0300", group=0, parent=None)
    audio = function("00:1f.3", "8086:a2f0", "0403", group=8, parent=None)
    (gpu,) = units(igpu, audio)
    assert (gpu.type, texts(gpu.functions)) == ("integrated", ["0000:00:02.0"])


def test_two_display_functions_of_one_chipset_are_two_entries_and_one_card() -> None:
    both = (function("00:02.0", "8086:2a02", "0300"), function("00:02.1", "8086:2a03", "0380"))
    found = units(*both)
    assert [texts(one.functions) for one in found] == [["0000:00:02.0", "0000:00:02.1"]] * 2
    assert texts(tuple(one.address for one in cards(found))) == ["0000:00:02.0"]


def test_virtual_functions_are_their_own_and_the_real_one_keeps_its_type() -> None:
    slot = tuple(function(f"00:02.{n}", "8086:a780", "0300") for n in range(4))
    found = units(*slot)
    assert [one.type for one in found] == ["integrated", "vf", "vf", "vf"]
    assert all(len(one.functions) == 1 for one in found)
    assert texts(found[0].twins) == ["0000:00:02.1", "0000:00:02.2", "0000:00:02.3"]


def test_virtual_function_by_physfn_in_another_slot() -> None:
    card = function("3b:00.0", "10de:20b0", "0302", parent="3a:00.0", physical=None)
    copy = function("3b:01.2", "10de:20b0", "0302", parent="3a:00.0", physical="3b:00.0")
    assert [one.type for one in units(card, copy)] == ["discrete", "vf"]


ARC = (
    function("00:03.1", "1022:1483", "0604", group=9, parent=None),
    function("21:00.0", "8086:4fa1", "0604", group=43, parent="00:03.1"),
    function("22:01.0", "8086:4fa4", "0604", group=44, parent="21:00.0"),
    function("22:04.0", "8086:4fa4", "0604", group=45, parent="21:00.0"),
    function("23:00.0", "8086:56a0", "0300", group=46, parent="22:01.0"),
    function("24:00.0", "8086:4f90", "0403", group=47, parent="22:04.0"),
)


def test_arc_audio_behind_the_cards_own_switch_belongs_to_it() -> None:
    (gpu,) = units(*ARC)
    assert gpu.type == "discrete"
    assert texts(gpu.functions) == ["0000:23:00.0", "0000:24:00.0"]
    assert gpu.groups == (46, 47)


def test_arc_audio_is_found_in_a_listing_that_tells_no_parents() -> None:
    listing = tuple(one._replace(parent=GAP) for one in ARC)
    assert texts(units(*listing)[0].functions) == ["0000:23:00.0", "0000:24:00.0"]


def test_two_arc_cards_do_not_take_each_others_audio() -> None:
    shift = {0x21: 0x31, 0x22: 0x32, 0x23: 0x33, 0x24: 0x34}

    def moved(address: PciAddress) -> PciAddress:
        return address._replace(bus=shift.get(address.bus, address.bus))

    second = tuple(
        one._replace(
            address=moved(one.address),
            parent=moved(one.parent) if isinstance(one.parent, PciAddress) else one.parent,
        )
        for one in ARC[1:]
    )
    found = units(*ARC, *second)
    assert [texts(one.functions)[1] for one in found] == ["0000:24:00.0", "0000:34:00.0"]


def test_server_chip_and_emulated_card_are_no_candidates() -> None:
    found = units(
        function("03:00.0", "102b:0536", "0300"),
        function("05:00.0", "1a03:2000", "0300"),
        function("06:00.0", "1234:1111", "0300"),
        function("07:00.0", "10de:2321", "0302"),
    )
    assert [one.type for one in found] == ["bmc", "bmc", "virtual", "discrete"]
    assert texts(tuple(one.address for one in candidates(found))) == ["0000:07:00.0"]


def test_ilo_functions_beside_a_server_chip_are_not_part_of_it() -> None:
    slot = (
        function("01:00.0", "103c:3306", "0880", group=3),
        function("01:00.1", "102b:0533", "0300", group=3),
        function("01:00.4", "103c:3300", "0c03", group=3),
    )
    (gpu,) = units(*slot)
    assert (gpu.type, texts(gpu.functions)) == ("bmc", ["0000:01:00.1"])


def test_four_functions_of_a_turing_card_go_together() -> None:
    slot = tuple(
        function(f"01:00.{n}", ids, cls, group=1)
        for n, (ids, cls) in enumerate(
            [("10de:1e84", "0300"), ("10de:10f8", "0403"), ("10de:1ad8", "0c03"), ("10de:1ad9", "0c80")]
        )
    )
    (gpu,) = units(*slot)
    assert len(gpu.functions) == 4
    assert gpu_of((gpu,), PciAddress.parse("01:00.2")) == gpu


def test_a_cut_off_id_leaves_type_unknown_and_does_not_match_other_cut_off_ids() -> None:
    found = units(function("05:00.0", None, "0300"), function("06:00.0", None, "0300"))
    assert [(one.type, one.twins) for one in found] == [(None, ()), (None, ())]


def test_a_loop_of_parents_in_a_forged_record_ends() -> None:
    looped = (
        function("05:00.0", "8086:56a0", "0300", parent="06:00.0"),
        function("06:00.0", "8086:4fa1", "0604", parent="07:00.0"),
        function("07:00.0", "8086:4fa1", "0604", parent="06:00.0"),
    )
    assert texts(units(*looped)[0].functions) == ["0000:05:00.0"]


def test_kinds_speak_the_contract() -> None:
    words = {"030000": "gpu", "040300": "audio", "0c0330": "usb", "0c8000": "usb-c", "060400": "bridge"}
    for code, word in words.items():
        assert kind(PciClass(*bytes.fromhex(code))) == word
    assert kind(PciClass(0xFF, 0x00)) == "other"


addresses = st.builds(PciAddress, st.integers(0, 2), st.integers(0, 4), st.integers(0, 2), st.integers(0, 7))
functions = st.builds(
    lambda address, ids, cls, group: function(str(address), ids, cls, group=group),
    addresses,
    st.sampled_from(["1002:731f", "1002:ab38", "8086:56a0", "8086:4f90", "10de:1b81", "1022:1483", None]),
    st.sampled_from(["0300", "0302", "0380", "0403", "0604", "0600", "0200"]),
    st.one_of(st.none(), st.just(GAP), st.integers(0, 3)),
)


@given(st.lists(functions, max_size=24, unique_by=lambda one: one.address))
def test_whatever_the_machine_isolation_follows_its_definition(machine: list[PciFunction]) -> None:
    by_address = {one.address: one for one in machine}
    for gpu in units(*machine):
        assert gpu.address in gpu.functions
        own = [by_address[one] for one in gpu.functions]
        strangers = {
            one.address
            for one in machine
            if one.group in {mine.group for mine in own if isinstance(mine.group, int)}
            and isinstance(one.group, int)
            and one.address not in gpu.functions
            and not one.is_bridge
        }
        assert set(gpu.shares_with) == strangers
        if gpu.isolated:
            assert not strangers
            assert all(isinstance(mine.group, int) for mine in own)
        assert not set(gpu.twins) & set(gpu.functions)
