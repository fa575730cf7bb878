"""A review against a machine: what it has, what it needs itself, and what an id would catch there."""

from __future__ import annotations

from tests.facts_builder import AUDIO, BRIDGE, GPU, at, card, good_machine, make_function, port
from tests.unit.lint.reviewing import only, read, rules
from vfio_wizard.knowledge.nixos import R2511
from vfio_wizard.lint.mistake import Severity
from vfio_wizard.lint.review import Review
from vfio_wizard.lint.situation import Situation
from vfio_wizard.model.facts import DiskUse, HostFacts

DRIVE, OTHER_DRIVE = "0000:04:00.0", "0000:05:00.0"


def on(facts: HostFacts, ids: str) -> Review:
    """A command line with these ids, reviewed for a machine."""
    return read(f"quiet vfio-pci.ids={ids}", "cmdline", Situation((6, 12), R2511, facts))


def test_a_whole_card_of_the_host_is_right() -> None:
    assert rules(on(good_machine(), "10de:2484,10de:228b")) == []


def test_an_id_that_the_host_has_not_got() -> None:
    assert only(on(good_machine(), "10de:2484,10de:228b,10de:1b80"), "lint.ids.absent").seen == "10de:1b80"


def test_an_excerpt_of_a_host_proves_no_absence() -> None:
    facts = good_machine()
    facts = facts._replace(source=facts.source._replace(complete=False))
    assert rules(on(facts, "10de:2484,10de:228b,10de:1b80")) == []


def test_the_audio_function_of_the_hosts_card_left_out() -> None:
    one = only(on(good_machine(), "10de:2484"), "lint.ids.half-card")
    assert (one.severity, one.replacement) == (Severity.WARNING, "10de:2484,10de:228b")


def test_an_address_is_translated_into_the_hosts_id() -> None:
    one = only(on(good_machine(), "10de:2484,01:00.1"), "lint.ids.address")
    assert one.replacement == "10de:228b"


def test_a_bridge_of_the_host() -> None:
    one = only(on(good_machine(), "10de:2484,10de:228b,8086:460d"), "lint.ids.bridge")
    assert BRIDGE in one.why


def test_the_only_display_of_the_host() -> None:
    facts = good_machine(pci=(port(), *card()))
    assert only(on(facts, "10de:2484,10de:228b"), "lint.ids.only-display").severity is Severity.ERROR


def test_twins_of_which_one_has_the_screen() -> None:
    first = card()
    second = tuple(
        one._replace(address=at(f"0000:06:00.{number}"), boot_vga=number == 0, group=9)
        for number, one in enumerate(first)
    )
    facts = good_machine(pci=(*good_machine_pci(), *second))
    one = only(on(facts, "10de:2484,10de:228b"), "lint.ids.twins")
    assert one.severity is Severity.ERROR
    assert "0000:06:00.0 with the host's screen" in one.why


def good_machine_pci() -> tuple[object, ...]:
    """The functions of the good machine."""
    found = good_machine().pci
    assert isinstance(found, tuple)
    return found


def test_a_drive_that_the_host_runs_from() -> None:
    drive = make_function(DRIVE, "144d:a808", 0x010802)
    disks = (DiskUse("/", "nvme0n1p2", (at(DRIVE),)),)
    facts = good_machine(pci=(*good_machine_pci(), drive), disks=disks)
    one = only(on(facts, "10de:2484,10de:228b,144d:a808"), "lint.ids.host-needs")
    assert "/ of this host is on 0000:04:00.0" in one.why


def test_two_drives_of_one_model() -> None:
    drives = tuple(make_function(address, "144d:a808", 0x010802) for address in (DRIVE, OTHER_DRIVE))
    facts = good_machine(pci=(*good_machine_pci(), *drives))
    one = only(on(facts, "10de:2484,10de:228b,144d:a808"), "lint.ids.drive")
    assert one.severity is Severity.WARNING
    assert DRIVE in one.why
    assert OTHER_DRIVE in one.why


def test_an_amd_parameter_on_an_intel_host() -> None:
    found = read("quiet amd_iommu=force_enable", "cmdline", Situation(facts=good_machine()))
    assert rules(found) == ["lint.parameter.not-here"]


def domain(*addresses: str) -> str:
    """A domain with these host devices."""
    parts = [
        f"<hostdev type='pci'><source><address domain='0x{one.domain:04x}' bus='0x{one.bus:02x}'"
        f" slot='0x{one.device:02x}' function='0x{one.function}'/></source></hostdev>"
        for one in map(at, addresses)
    ]
    return f"<domain><devices>{''.join(parts)}</devices></domain>"


def test_a_domain_with_the_whole_card() -> None:
    assert rules(read(domain(GPU, AUDIO), "vm.xml", Situation(facts=good_machine()))) == []


def test_a_domain_with_half_the_card() -> None:
    found = read(domain(GPU), "vm.xml", Situation(facts=good_machine()))
    assert AUDIO in only(found, "lint.domain.half-card").why


def test_a_domain_with_what_the_host_has_not_got() -> None:
    found = read(domain("0000:99:00.0"), "vm.xml", Situation(facts=good_machine()))
    assert "0000:99:00.0" in only(found, "lint.domain.absent").why


def test_a_domain_with_a_bridge() -> None:
    found = read(domain(GPU, AUDIO, BRIDGE), "vm.xml", Situation(facts=good_machine()))
    assert rules(found) == ["lint.domain.bridge"]
