"""Every shape in which people print IOMMU groups tells the same machine."""

from __future__ import annotations

import pytest

from tests.unit.text import shapes
from tests.unit.text.shapes import LISTS, MACHINE, PATHS, TABLES, Machine, Printer
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.pci import PciAddress, PciId
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.probe.text.read import read_texts

Groups = dict[int, list[str]]


def read(text: str) -> HostFacts:
    return read_texts([("listing.txt", text)])


def groups(facts: HostFacts) -> Groups:
    assert not isinstance(facts.iommu.groups, Unread)
    return {group.number: [str(one) for one in group.members] for group in facts.iommu.groups}


def true_groups(machine: Machine) -> Groups:
    return {
        number: sorted((one.address for one in members), key=PciAddress.parse)
        for number, members in shapes.by_group(machine)
    }


def name(printer: Printer) -> str:
    return printer.__name__


@pytest.mark.parametrize("printer", [*LISTS, *PATHS, *TABLES], ids=name)
def test_every_shape_tells_the_same_groups(printer: Printer) -> None:
    assert groups(read(printer(MACHINE))) == true_groups(MACHINE)


@pytest.mark.parametrize("printer", [*LISTS, *TABLES], ids=name)
def test_every_listing_tells_the_same_ids_and_classes(printer: Printer) -> None:
    facts = read(printer(MACHINE))
    for one in MACHINE:
        function = facts.function(PciAddress.parse(one.address))
        assert function is not None
        assert function.id == PciId.parse(one.ids)
        assert str(function.cls)[:4] == one.code


WITH_NAMES = [one for one in (*LISTS, *TABLES) if one not in (shapes.numeric, shapes.address_twice)]


@pytest.mark.parametrize("printer", WITH_NAMES, ids=name)
def test_names_come_without_class_ids_and_notes(printer: Printer) -> None:
    facts = read(printer(MACHINE))
    for one in MACHINE:
        function = facts.function(PciAddress.parse(one.address))
        assert function is not None
        assert function.name == one.name


@pytest.mark.parametrize("printer", LISTS, ids=name)
@pytest.mark.parametrize("prefix", ["> ", ">> ", "> > ", "  "])
def test_a_quoted_listing_tells_the_same(printer: Printer, prefix: str) -> None:
    quoted = "".join(f"{prefix}{line}\n" for line in printer(MACHINE).splitlines())
    assert groups(read(quoted)) == true_groups(MACHINE)


@pytest.mark.parametrize("printer", [*LISTS, *PATHS], ids=name)
@pytest.mark.parametrize("form", ["{}: {}", "{:6}\t{}", "{:3}  {}", "{}:{}"])
def test_a_listing_with_line_numbers_tells_the_same(printer: Printer, form: str) -> None:
    lines = printer(MACHINE).splitlines()
    numbered = "".join(form.format(number, line) + "\n" for number, line in enumerate(lines, 1))
    assert groups(read(numbered)) == true_groups(MACHINE)


@pytest.mark.parametrize("printer", [*LISTS, *PATHS, *TABLES], ids=name)
def test_windows_line_ends_tell_the_same(printer: Printer) -> None:
    assert groups(read(printer(MACHINE).replace("\n", "\r\n"))) == true_groups(MACHINE)


def wrapped(text: str, width: int) -> str:
    """As a mail client wraps: at blanks, the rest at the left margin."""
    rows: list[str] = []
    for line in text.splitlines():
        row = line
        while len(row) > width and (cut := row.rfind(" ", 20, width)) > 0:
            rows.append(row[:cut] + " ")
            row = row[cut + 1 :]
        rows.append(row)
    return "\n".join(rows) + "\n"


@pytest.mark.parametrize("width", [60, 66, 72, 76])
@pytest.mark.parametrize("printer", [shapes.one_line, shapes.heading_tab, shapes.ls_iommu], ids=name)
def test_lines_wrapped_by_a_mail_client_are_joined(printer: Printer, width: int) -> None:
    facts = read(wrapped(printer(MACHINE), width))
    assert groups(facts) == true_groups(MACHINE)
    for one in MACHINE:
        function = facts.function(PciAddress.parse(one.address))
        assert function is not None
        assert function.id == PciId.parse(one.ids)
        assert function.name == one.name


@pytest.mark.parametrize("width", [66, 72, 80])
def test_lines_wrapped_hard_by_a_narrow_terminal_are_joined(width: int) -> None:
    text = shapes.heading_tab(MACHINE).replace("\t", "  ")
    hard = "".join(
        line[at : at + width] + "\n" for line in text.splitlines() for at in range(0, len(line), width)
    )
    facts = read(hard)
    assert groups(facts) == true_groups(MACHINE)
    for one in MACHINE:
        function = facts.function(PciAddress.parse(one.address))
        assert function is not None
        assert function.id == PciId.parse(one.ids)


def test_a_line_cut_off_in_its_ids_keeps_address_class_and_group() -> None:
    text = shapes.heading_tab(MACHINE).replace("[10de:10f0] (rev a1)", "[10de:1...")
    function = read(text).function(PciAddress.parse("01:00.1"))
    assert function is not None
    assert isinstance(function.id, Unread)
    assert function.id.gap is Gap.MALFORMED
    assert (function.group, str(function.cls)[:4]) == (1, "0403")
    assert function.name == "NVIDIA Corporation GP104 HD Audio"


def test_a_line_cut_off_in_its_class_words_is_still_a_display_controller() -> None:
    function = read("IOMMU Group 13 01:00.0 VGA comp\n").function(PciAddress.parse("01:00.0"))
    assert function is not None
    assert function.is_display
    assert isinstance(function.id, Unread)


def test_a_heading_that_lost_its_end_lends_its_number_to_nobody() -> None:
    text = shapes.heading_tab(MACHINE).replace("IOMMU Group 12:", "IOMMU Group 1")
    facts = read(text)
    nvme = facts.function(PciAddress.parse("10000:e1:00.0"))
    assert nvme is not None
    assert isinstance(nvme.group, Unread)
    assert nvme.group.gap is Gap.MALFORMED
    assert groups(facts)[1] == true_groups(MACHINE)[1]


def test_a_line_without_its_group_between_lines_that_have_one_gets_no_group() -> None:
    text = shapes.one_line(MACHINE).replace("IOMMU Group 2 ", "")
    function = read(text).function(PciAddress.parse("00:02.0"))
    assert function is not None
    assert isinstance(function.group, Unread)


@pytest.mark.parametrize("printer", [shapes.heading_tab, shapes.heading_squashed, shapes.unraid], ids=name)
def test_lspci_pasted_behind_a_listing_adds_functions_but_no_members(printer: Printer) -> None:
    lspci = "00:00.2 IOMMU [0806]: Some Vendor IOMMU [1022:1481]\n" + "".join(
        shapes.lspci_nn(one) + "\n" for one in MACHINE
    )
    facts = read(printer(MACHINE) + "\n" + "user@host:~$ lspci -nn\n" + lspci)
    assert groups(facts) == true_groups(MACHINE)
    iommu = facts.function(PciAddress.parse("00:00.2"))
    assert iommu is not None
    assert isinstance(iommu.group, Unread)


def test_lspci_right_behind_an_indented_listing_is_no_part_of_its_last_group() -> None:
    facts = read(shapes.heading_tab(MACHINE) + "00:00.2 IOMMU [0806]: Some Vendor IOMMU [1022:1481]\n")
    assert groups(facts) == true_groups(MACHINE)


def test_bare_numbers_that_repeat_are_groups() -> None:
    text = "".join(f"{one.group} {shapes.lspci_nn(one)}\n" for one in MACHINE)
    assert groups(read(text)) == true_groups(MACHINE)


def test_bare_numbers_that_only_rise_are_line_numbers() -> None:
    text = "".join(f"{number} {shapes.lspci_nn(one)}\n" for number, one in enumerate(MACHINE, 1))
    facts = read(text)
    assert isinstance(facts.iommu.groups, Unread)
    assert facts.source.kind == "lspci"
    assert not isinstance(facts.pci, Unread)
    assert len(facts.pci) == len(MACHINE)


def test_paths_with_remarks_tell_the_classes() -> None:
    text = "".join(
        f"{line} # {one.words}\n"
        for line, one in zip(shapes.find(MACHINE).splitlines(), MACHINE, strict=True)
    )
    gpu = read(text).function(PciAddress.parse("01:00.0"))
    assert gpu is not None
    assert gpu.is_display


def test_duplicate_lines_count_once() -> None:
    text = shapes.one_line(MACHINE)
    assert groups(read(text + text)) == true_groups(MACHINE)


def test_of_two_contradicting_listings_in_one_text_the_fuller_one_counts() -> None:
    moved = tuple(one._replace(group=one.group + 5) for one in MACHINE[:4])
    assert groups(read(shapes.one_line(moved) + "\nafter:\n" + shapes.one_line(MACHINE))) == true_groups(
        MACHINE
    )
    assert groups(read(shapes.one_line(MACHINE) + "\nbefore:\n" + shapes.one_line(moved))) == true_groups(
        MACHINE
    )


def test_rearranged_headings_tell_the_same() -> None:
    backwards = tuple(one for _, members in reversed(shapes.by_group(MACHINE)) for one in members)
    assert groups(read(shapes.heading_tab(backwards))) == true_groups(MACHINE)


def test_remarks_between_the_groups_change_nothing() -> None:
    text = shapes.heading_tab(MACHINE).replace("IOMMU Group 2:", "\n## PASS THIS ONE\n\nIOMMU Group 2:")
    assert groups(read(text)) == true_groups(MACHINE)


def test_drivers_are_told_and_their_silence_too() -> None:
    facts = read(shapes.with_drivers(MACHINE))
    told = {str(one.address): one.driver for one in facts.pci} if not isinstance(facts.pci, Unread) else {}
    assert told["0000:01:00.0"] == "vfio-pci"
    assert told["0000:01:00.1"] is None
    gpu = facts.function(PciAddress.parse("01:00.0"))
    assert gpu is not None
    assert gpu.modules == ("nouveau", "nvidiafb")
    assert gpu.subsystem == PciId("1043", "85ac")


@pytest.mark.parametrize("word", ["Driver: nvidia", "Kernel driver: nvidia", "Driver in use: nvidia"])
def test_the_shorter_words_of_scripts_for_a_driver_are_read(word: str) -> None:
    text = shapes.heading_tab(MACHINE).replace(
        " [10de:1b80] (rev a1)\n", f" [10de:1b80] (rev a1)\n\t\t{word}\n"
    )
    gpu = read(text).function(PciAddress.parse("01:00.0"))
    assert gpu is not None
    assert gpu.driver == "nvidia"


def test_a_listing_without_driver_lines_tells_no_driver() -> None:
    facts = read(shapes.one_line(MACHINE))
    assert not isinstance(facts.pci, Unread)
    assert all(isinstance(one.driver, Unread) for one in facts.pci)


@pytest.mark.parametrize("printer", [shapes.columns, shapes.reset_in_front, shapes.unraid_reset], ids=name)
def test_missing_reset_marks_tell_that_there_is_no_reset_where_others_have_one(printer: Printer) -> None:
    facts = read(printer(MACHINE))
    audio, gpu = (facts.function(PciAddress.parse(text)) for text in ("01:00.1", "01:00.0"))
    assert audio is not None
    assert gpu is not None
    assert audio.reset_methods == ()
    assert isinstance(gpu.reset_methods, Unread)


def test_each_function_remembers_its_line() -> None:
    function = read(shapes.heading_tab(MACHINE)).function(PciAddress.parse("01:00.0"))
    assert function is not None
    assert function.origin == "listing.txt line 5"


def test_members_that_are_no_pci_functions_are_kept_by_name() -> None:
    text = shapes.find(MACHINE) + "/sys/kernel/iommu_groups/40/devices/fe000000.usb\n"
    facts = read(text)
    assert not isinstance(facts.iommu.groups, Unread)
    assert facts.iommu.groups[-1].others == ("fe000000.usb",)


def test_gaps_in_the_numbers_show_that_a_listing_is_an_excerpt() -> None:
    assert read(shapes.one_line(MACHINE)).source.complete is False
    whole = tuple(one for one in MACHINE if one.group < 4)
    assert isinstance(read(shapes.one_line(whole)).source.complete, Unread)


def test_a_command_line_pasted_along_is_read() -> None:
    text = (
        "root@pve:~# cat /proc/cmdline\nBOOT_IMAGE=/vmlinuz root=/dev/sda1 ro quiet intel_iommu=on iommu=pt\n"
    )
    facts = read(text + shapes.one_line(MACHINE))
    assert not isinstance(facts.kernel.cmdline, Unread)
    assert facts.kernel.cmdline.value("intel_iommu") == "on"
    assert facts.kernel.cmdline_origin == "listing.txt line 2"
    assert groups(facts) == true_groups(MACHINE)
