"""The questions of the wizard: each can be answered, each answer reads back, each "no" has its reason."""

from __future__ import annotations

import pytest

from tests.facts_builder import GPU, card, good_machine, groups, integrated, make_function, port
from vfio_wizard.checks.registry import find as find_check
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.facts import (
    DeviceNode,
    Distribution,
    HostFacts,
    NetworkLink,
    Peripherals,
    PluggedUsb,
    RomCopy,
)
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.selection import DomainWish, Offer, Selection, SoundWish
from vfio_wizard.planning.answers import parse, print_answers
from vfio_wizard.planning.option import Option
from vfio_wizard.planning.options import answer, find, options

DESK = Peripherals(
    inputs=("/dev/input/by-id/a-event-kbd", "/dev/input/by-id/b-event-mouse"),
    usb=(PluggedUsb("046d:c52b", "Logitech Receiver", None), PluggedUsb("1532:0084", "", None)),
    bridges=("br0", "br1", "virbr0", "br-0123456789ab"),
)
LINKS = (
    NetworkLink("br0", None, True, "virtual"),
    NetworkLink("br1", None, False, "virtual"),
    NetworkLink("virbr0", None, False, "virtual"),
    NetworkLink("br-0123456789ab", None, False, "virtual"),
    NetworkLink("enp3s0", None, True, "wired"),
    NetworkLink("wlp2s0", None, False, "wireless"),
)
FACTS = good_machine(peripherals=DESK, network=LINKS)
CHOSEN = Selection((PciAddress.parse("0000:01:00.0"),))
EVERY = options(FACTS)
WRITTEN = {
    "users": "alice bob",
    "guest": "gaming",
    "cpus.guest": "2-3",
    "domain.disk": "default/windows.qcow2",
    "domain.iso": "/isos/windows.iso",
    "domain.virtio_iso": "/isos/virtio-win.iso",
    "domain.evdev": "/dev/input/by-id/a-event-kbd /dev/input/event3",
    "domain.usb": "046d:c52b 1234:5678",
    "also": "0000:03:00.0",
    "domain.network": "bridge:lan",
    "domain.rom": "/srv/card.rom",
}


@pytest.mark.parametrize("option", EVERY, ids=lambda one: one.key)
def test_every_answer_reads_back_and_survives_the_answers_file(option: Option) -> None:
    choices = option.choices(FACTS, CHOSEN)
    values = [one.value for one in choices if not one.why_not] or [WRITTEN[option.key], ""]
    for value in values:
        if value == "" and option.key == "guest":
            continue
        chosen = answer(option, FACTS, CHOSEN, value)
        assert option.get(chosen) == value
        assert parse(print_answers(chosen)) == chosen


@pytest.mark.parametrize("option", EVERY, ids=lambda one: one.key)
def test_what_is_answered_without_asking_is_among_the_choices(option: Option) -> None:
    choices = option.choices(FACTS, CHOSEN)
    assert not choices or option.get(CHOSEN) in [one.value for one in choices]


@pytest.mark.parametrize("option", EVERY, ids=lambda one: one.key)
def test_the_check_that_tells_more_exists(option: Option) -> None:
    assert not option.explains or find_check(option.explains)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("bind", "by-magic"),
        ("users", "Robert'); DROP"),
        ("guest", "a/b"),
        ("guest", ""),
        ("domain.system", "beos"),
        ("domain.memory_mib", "lots"),
        ("domain.memory_mib", "12"),
        ("domain.vcpus", "0"),
        ("cpus.guest", "2-"),
        ("looking_glass.mode", "yes"),
        ("looking_glass.size", "99999999x1"),
        ("looking_glass.size", "1920"),
        ("looking_glass.release", "b6"),
        ("vendor_reset", "maybe"),
        ("nixos.style", "flake"),
        ("domain.evdev", "/dev/sda"),
        ("domain.usb", "receiver"),
        ("also", "second"),
        ("domain.network", "wifi"),
        ("domain.rom", "card.rom"),
        ("domain.spice", "perhaps"),
        ("domain.sound", "loud"),
        ("domain.iommufd", "yes"),
        ("domain.firmware", "bios"),
    ],
)
def test_an_answer_that_cannot_be_is_refused_in_words(key: str, value: str) -> None:
    with pytest.raises(UsageError):
        answer(find(key), FACTS, CHOSEN, value)


def test_memory_that_the_host_has_not_is_offered_with_the_reason_and_not_taken() -> None:
    option = find("domain.memory_mib")
    last = option.choices(FACTS, CHOSEN)[-1]
    assert last.value == str(32 << 10)
    assert "32 GiB" in last.why_not
    with pytest.raises(UsageError, match="needs some itself"):
        answer(option, FACTS, CHOSEN, last.value)


def test_more_cpus_than_there_are_have_a_reason() -> None:
    last = find("domain.vcpus").choices(FACTS, CHOSEN)[-1]
    assert (last.value, last.why_not) == ("10", "this machine has 8 logical CPUs")


def test_a_question_that_nobody_asks_is_an_error() -> None:
    with pytest.raises(UsageError, match="no option"):
        find("domain.colour")


# -- beside the card -------------------------------------------------------------------------------

FREE = ("domain.evdev", "domain.usb", "also", "domain.network", "domain.rom")
USB = "0000:03:00.0"


@pytest.mark.parametrize("key", FREE)
def test_what_is_written_reads_back_beside_the_choices(key: str) -> None:
    option = find(key)
    assert option.free
    chosen = answer(option, FACTS, CHOSEN, WRITTEN[key])
    assert option.get(chosen) == WRITTEN[key]
    assert parse(print_answers(chosen)) == chosen
    choices = option.choices(FACTS, chosen)
    assert WRITTEN[key] in [one.value for one in choices], "the present answer is one of them"
    assert len({one.value for one in choices}) == len(choices)


def reasons(key: str, facts: HostFacts = FACTS, chosen: Selection = CHOSEN) -> dict[str, str]:
    """Why each answer cannot be; those that can are left out."""
    return {one.value: one.why_not for one in find(key).choices(facts, chosen) if one.why_not}


def test_cables_end_where_they_lead_somewhere() -> None:
    told = reasons("domain.network")
    assert set(told) == {"bridge:br1", "direct:wlp2s0"}
    assert "way out" in told["bridge:br1"]
    offered = [one.value for one in find("domain.network").choices(FACTS, CHOSEN)]
    assert offered == [
        "auto", "network:default", "bridge:br0", "bridge:br1", "direct:enp3s0", "direct:wlp2s0", "none",
    ]  # fmt: skip
    leaving = NetworkLink("enp4s0", PciAddress.parse(USB), True, "wired")
    also = CHOSEN._replace(also=(PciAddress.parse(USB),))
    assert (
        "its card goes" in reasons("domain.network", good_machine(network=(leaving,)), also)["direct:enp4s0"]
    )


def test_usb_that_libvirt_could_not_tell_apart_or_that_goes_with_its_controller() -> None:
    home = PciAddress.parse(USB)
    twins = (PluggedUsb("0951:1666", "Stick", None),) * 2
    facts = good_machine(peripherals=Peripherals((), (*twins, PluggedUsb("1532:0084", "Mouse", home)), ()))
    assert "2 devices have this id" in reasons("domain.usb", facts)["0951:1666"]
    whole = CHOSEN._replace(also=(home,))
    assert f"hangs on {USB}" in reasons("domain.usb", facts, whole)["1532:0084"]
    with pytest.raises(UsageError, match="would not know which"):
        answer(find("domain.usb"), facts, CHOSEN, "0951:1666")


def controller(group: int) -> HostFacts:
    usb = make_function(USB, "1b73:1100", 0x0C0330, group=group, driver="xhci_hcd")
    disk = make_function("0000:03:00.1", "1b73:1101", 0x010601, group=7, driver="ahci")
    pci = (integrated(driver=None), port(), *card(driver="vfio-pci"), usb, disk)
    home = PciAddress.parse(USB)
    plugged = Peripherals((), (PluggedUsb("046d:c52b", "Logitech Receiver", home),), ())
    return good_machine(pci=pci, groups=groups(g7="0000:03:00.1"), peripherals=plugged)


def test_a_controller_that_shares_its_group_names_what_would_stay() -> None:
    assert reasons("also", controller(8)) == {}
    labels = [one.label for one in find("also").choices(controller(8), CHOSEN)]
    assert labels == ["none", f"{USB} with Logitech Receiver"]
    assert reasons("also", controller(7))[USB] == "IOMMU group 7 holds 0000:03:00.1 as well"
    both = CHOSEN._replace(also=(PciAddress.parse("0000:03:00.1"),))
    assert reasons("also", controller(7), both) == {}, "all of the group leaves"


def test_spice_and_sound_stand_by_each_other() -> None:
    heard = CHOSEN._replace(domain=DomainWish(sound=SoundWish.SPICE))
    assert "sound goes through it" in reasons("domain.spice", chosen=heard)["off"]
    quiet = CHOSEN._replace(domain=DomainWish(spice=Offer.OFF))
    assert "SPICE is off" in reasons("domain.sound", chosen=quiet)["spice"]
    red_hat = good_machine(distribution=Distribution("rhel", ("fedora",), "9.4", "RHEL", None))
    assert "no SPICE" in reasons("domain.spice", red_hat)["on"]
    assert "no SPICE" in reasons("domain.sound", red_hat)["spice"]


def test_what_this_libvirt_or_kernel_has_not_says_from_when_on() -> None:
    old = good_machine(libvirt="9.0.0")
    assert reasons("domain.sound", old) == {"pipewire": "it takes libvirt 10.0, and here is 9.0"}
    assert "no /dev/iommu" in reasons("domain.iommufd", good_machine(iommu_node=None))["on"]
    ready = {"iommu_node": node("char"), "config": {"VFIO_DEVICE_CDEV": "y"}}
    assert reasons("domain.iommufd", good_machine(**ready)) == {
        "on": "it takes libvirt 12.1, and here is 11.3"
    }
    assert reasons("domain.iommufd", good_machine(**ready, libvirt="12.8.0")) == {}
    without = ready | {"config": {"VFIO_DEVICE_CDEV": "n"}}
    assert "VFIO_DEVICE_CDEV" in reasons("domain.iommufd", good_machine(**without))["on"]


def node(kind: str) -> DeviceNode:
    return DeviceNode("dev/iommu", kind, 0o600, 0, 0)


def test_the_rom_of_another_card_is_not_taken() -> None:
    mine = RomCopy(f"usr/share/vgabios/{GPU}.rom", "10de", "2484", ("bios", "uefi-x64"))
    other = RomCopy("usr/share/vgabios/other.rom", "1002", "731f", ("bios",))
    told = reasons("domain.rom", good_machine(roms=(mine, other)))
    assert told == {"/usr/share/vgabios/other.rom": "it is for 1002:731f, and the card is 10de:2484"}


def test_what_nobody_looked_for_is_written() -> None:
    bare = good_machine(peripherals=None)
    assert find("domain.evdev").choices(bare, CHOSEN) == ()
    assert find("domain.usb").choices(bare, CHOSEN) == ()
    assert answer(find("domain.usb"), bare, CHOSEN, "046d:c52b").domain.usb == ("046d:c52b",)
