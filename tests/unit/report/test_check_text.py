"""The report of a check run, as a tired person sees it at 80 columns."""

from __future__ import annotations

import pytest

from tests.facts_builder import (
    GPU,
    IGPU,
    at,
    card,
    good_machine,
    integrated,
    make_facts,
    make_function,
    port,
)
from tests.unit.checks.case import Case
from tests.unit.checks.cases import FAILS, NO_GROUPS
from vfio_wizard.checks.registry import run_checks
from vfio_wizard.model.facts import HostFacts, NetworkLink
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.report.check_text import check_text

TWO_BLOCKERS = good_machine(dmar=False, kvm=None, cmdline="amd_iommu=on", **NO_GROUPS)


def _text(facts: HostFacts, **options: bool) -> str:
    return check_text(facts, run_checks(facts), {at(GPU): "GeForce RTX 3070"}, **options)


def test_verdict_is_the_first_line() -> None:
    assert _text(good_machine()).startswith(
        "READY: nothing blocks GPU passthrough.\nthis machine, Linux 6.12.9"
    )
    assert _text(good_machine(kvm=None)).startswith(
        "BLOCKED: one thing stands in the way of GPU passthrough.\n"
    )
    assert _text(make_facts()).startswith("UNKNOWN: nothing is known to block, but 9 things that matter")


def test_a_machine_is_not_called_ready_by_a_few_checks() -> None:
    few = run_checks(good_machine(), only=("kvm.available",))
    text = check_text(good_machine(), few, narrowed=True)
    assert "READY" not in text
    assert text.startswith("Nothing blocks in the checks that were asked for. The others were left out.\n")
    blocked = run_checks(good_machine(kvm=None), only=("kvm.available",))
    assert check_text(good_machine(kvm=None), blocked, narrowed=True).startswith("BLOCKED: ")


def test_blockers_come_first_then_what_to_do_then_warnings_then_what_passed() -> None:
    text = _text(TWO_BLOCKERS)
    heads = [text.index(head) for head in ("BLOCKERS", "DO FIRST", "WARNINGS", "\npass ", "--verbose")]
    assert heads == sorted(heads)


def test_evidence_is_quoted_and_steps_are_numbered() -> None:
    text = _text(TWO_BLOCKERS)
    assert "seen: sys/kernel/iommu_groups: empty" in text
    assert "\n1. In the firmware setup enable VT-d" in text
    assert "[iommu.firmware] (in the\n   firmware)" in text or "[iommu.firmware] (in the firmware)" in text
    assert "   $ sudo modprobe kvm_intel" in text


def test_same_fix_of_two_checks_is_one_step() -> None:
    text = _text(good_machine(dmar=False, **NO_GROUPS))
    assert text.count("In the firmware setup enable VT-d") == 1


def test_passes_are_folded_unless_everything_is_asked_for() -> None:
    short, full = _text(good_machine()), _text(good_machine(), verbose=True)
    assert "ALL FINDINGS" not in short
    assert "seen: sys/firmware/acpi/tables/DMAR: present" not in short
    assert "seen: sys/firmware/acpi/tables/DMAR: present" in full


def test_short_report_of_a_ready_machine_fits_on_one_screen() -> None:
    assert len(_text(good_machine()).splitlines()) <= 24


def test_denied_facts_of_an_ordinary_user_say_what_to_run_as_root() -> None:
    gap = Unread("kernel log", Gap.DENIED, "dmesg_restrict")
    text = _text(good_machine(interrupt_remapping=gap, log=gap))
    assert "NOT MEASURED" in text
    assert "seen: kernel log: denied (dmesg_restrict)" in text
    assert "sudo vfio-wizard --check" in text
    assert "$ grep -m1 IR- /proc/interrupts" in text


def test_record_that_does_not_tell_asks_for_the_machine_once() -> None:
    text = _text(make_facts())
    assert text.count("This source does not tell") == 1
    assert "vfio-wizard capture -o FILE" in text


def test_what_could_not_be_measured_does_not_hide_what_fails() -> None:
    text = _text(good_machine(kvm=None, interrupt_remapping=Unread("kernel log", Gap.DENIED)))
    assert "NOT MEASURED" not in text
    assert "unknown  1: iommu.interrupt-remapping" in text


def test_fix_that_several_cards_share_is_said_once() -> None:
    third = make_function("0000:05:00.0", "10de:2484", 0x030000, group=9, parent=at("0000:00:03.0"))
    text = _text(good_machine(pci=(port(), *card(), third)))
    assert text.count("fail    gpu.twins") == 2
    assert text.count("Bind this card by address") == 1


def test_card_is_named_where_a_name_is_known() -> None:
    text = _text(good_machine(pci=(port(), *card()), interrupt_remapping=True))
    assert "GeForce" not in text  # nothing but notes is said of it
    twin = make_function("0000:05:00.0", "10de:2484", 0x030000, group=9, parent=at("0000:00:03.0"))
    text = _text(good_machine(pci=(port(), *card(boot_vga=True), twin)))
    assert f"gpu.twins {GPU} (GeForce RTX 3070)" in text
    assert text.count("GeForce RTX 3070") == 1


def test_notes_of_several_cards_are_one_line_and_a_single_one_says_what_was_seen() -> None:
    text = _text(good_machine(pci=(integrated(), port(), *card())))
    assert f"note    gpu.host-driver: {IGPU}, {GPU}\n" in text
    text = _text(good_machine(swtpm=None))
    assert "note    swtpm.installed: swtpm is not installed\n" in text


def test_each_step_says_how_to_see_that_it_worked() -> None:
    text = _text(good_machine(dmar=False, **NO_GROUPS))
    assert "   Afterwards ls /sys/firmware/acpi/tables shows DMAR or IVRS.\n" in text


def test_many_ids_are_counted_by_area_but_an_unknown_blocker_is_named() -> None:
    gap = Unread("x", Gap.DENIED)
    text = _text(make_facts(kvm=None, flags=gap, vendor="intel", architecture="x86_64"))
    line = " ".join(text[text.index("unknown ") :].split())
    assert "cpu.virtualization" in line
    assert "boot 1" in line
    assert "boot.loader-known" not in line


def test_colour_only_when_asked_and_never_the_only_signal() -> None:
    plain, coloured = _text(TWO_BLOCKERS), _text(TWO_BLOCKERS, colour=True)
    assert "\x1b" not in plain
    assert "\x1b[31mBLOCKED\x1b[0m: " in coloured
    stripped = coloured
    for code in ("31", "32", "33", "2", "0"):
        stripped = stripped.replace(f"\x1b[{code}m", "")
    assert stripped == plain


@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("case", FAILS, ids=lambda case: f"{case.id} {case.name}")
def test_no_line_is_wider_than_a_terminal(case: Case, verbose: bool) -> None:
    lines = check_text(case.facts, run_checks(case.facts, case.selection), verbose=verbose).splitlines()
    assert [line for line in lines if len(line) > 80] == []


def test_hostile_names_reach_the_terminal_as_visible_text() -> None:
    evil = "eth0\n\x1b]0;owned\x07\u202e"
    facts = good_machine(
        label="disk\x1b[2J", live=False, cmdline=f"quiet {evil} iommu=1\x1b[31m amd_iommu=on",
        network=(NetworkLink(evil, at(GPU), True, "ethernet"),), hypervisor=evil,
    )  # fmt: skip
    for verbose in (False, True):
        text = check_text(facts, run_checks(facts), {at(GPU): evil}, verbose=verbose)
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "\\x1b" in text
