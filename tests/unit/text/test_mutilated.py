"""Whatever happens to a listing on its way here, no group is made up and nothing but a refusal is raised."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.unit.text import shapes
from tests.unit.text.shapes import LISTS, PATHS, TABLES, Machine, Printer, Told
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.unread import Unread
from vfio_wizard.probe.text.read import read_texts

KINDS = (
    ("0600", "Host bridge"),
    ("0604", "PCI bridge"),
    ("0300", "VGA compatible controller"),
    ("0302", "3D controller"),
    ("0403", "Audio device"),
    ("0c03", "USB controller"),
    ("0108", "Non-Volatile memory controller"),
    ("1300", "Non-Essential Instrumentation"),
)
NAMES = (
    "NVIDIA Corporation GP104 [GeForce GTX 1080]",
    "Advanced Micro Devices, Inc. [AMD/ATI] Navi 31 HDMI/DP Audio",
    "Intel Corporation Xeon E3-1200 v5/v6 (x16)",
    "ACME Corp. Group 7 Multi-Function: Device 14h; Function 3",
)

addresses = st.builds(
    "{:04x}:{:02x}:{:02x}.{:x}".format,
    st.sampled_from((0, 0, 0, 1, 0x10000)),
    st.integers(0, 255),
    st.integers(0, 31),
    st.integers(0, 7),
)


@st.composite
def machines(draw: st.DrawFn) -> Machine:
    """Functions in groups, members of a group together and in rising order, as sysfs lists them."""
    found = draw(st.lists(addresses, min_size=1, max_size=12, unique=True))
    numbers = [draw(st.integers(0, 40)) for _ in found]
    told = []
    for address, number in zip(found, numbers, strict=True):
        code, words = draw(st.sampled_from(KINDS))
        ids = f"{draw(st.integers(0, 0xFFFF)):04x}:{draw(st.integers(0, 0xFFFF)):04x}"
        told.append(Told(number, address, code, words, ids, draw(st.sampled_from(NAMES))))
    first = list(dict.fromkeys(one.group for one in told))
    return tuple(sorted(told, key=lambda one: (first.index(one.group), PciAddress.parse(one.address))))


def read_or_refusal(text: str) -> HostFacts | str:
    """The facts, or the words of the refusal; any other exception fails the test."""
    try:
        return read_texts([("x", text)])
    except UsageError as refusal:
        return str(refusal)


def grouping(facts: HostFacts) -> dict[str, int]:
    """Address to group, where told."""
    if isinstance(facts.pci, Unread):
        return {}
    return {str(one.address): one.group for one in facts.pci if isinstance(one.group, int)}


def truth(machine: Machine) -> dict[str, int]:
    return {one.address: one.group for one in machine}


@settings(max_examples=150, deadline=None)
@given(machine=machines(), printer=st.sampled_from([*LISTS, *PATHS, *TABLES]))
def test_what_is_printed_is_read_back(machine: Machine, printer: Printer) -> None:
    assert grouping(read_texts([("x", printer(machine))])) == truth(machine)


MUTATIONS = ("cut", "drop", "blank", "quote", "number", "colour", "crlf", "twice", "noise", "left")


def mutate(line: str, mutation: str, at: float, place: int) -> list[str]:
    """One line as it may arrive. Cuts leave the group number whole: a digit that is gone cannot be missed."""
    head = len(line) - len(line.lstrip()) + 20
    cut = max(head, int(len(line) * at))
    return {
        "cut": [line[:cut]],
        "drop": [],
        "blank": [line, ""],
        "quote": [f"> {line}"],
        "number": [f"{place}: {line}"],
        "colour": [f"\x1b[1;32m{line[:cut]}\x1b[0m{line[cut:]}"],
        "crlf": [line + "\r"],
        "twice": [line, line],
        "noise": [line, "and 0b:00.0 is the one that I want, group 5 I think"],
        "left": [line[int(len(line) * at) :]] if line.lstrip()[:5].lower() in ("iommu", "group") else [line],
    }[mutation]


damage = st.lists(st.tuples(st.integers(0, 200), st.sampled_from(MUTATIONS), st.floats(0, 1)), max_size=6)


@settings(max_examples=300, deadline=None)
@given(
    machine=machines(), printer=st.sampled_from([shapes.one_line, shapes.ls_iommu, shapes.find]), hurt=damage
)
def test_damaged_lines_never_put_a_function_in_a_wrong_group(
    machine: Machine, printer: Printer, hurt: list[tuple[int, str, float]]
) -> None:
    lines = [[line] for line in printer(machine).splitlines()]
    for index, mutation, at in hurt:
        place = index % len(lines)
        lines[place] = [new for line in lines[place] for new in mutate(line, mutation, at, place)]
    text = "\n".join(line for told in lines for line in told)
    assume("roup" in text)  # with every heading cut away, the digits left over look like whole numbers
    try:
        seen = grouping(read_texts([("x", text)]))
    except UsageError:
        return
    assert seen.items() <= truth(machine).items()


@settings(max_examples=200, deadline=None)
@given(
    machine=machines(),
    hurt=damage,
    printer=st.sampled_from([shapes.heading_tab, shapes.heading_spaced_colon]),
)
def test_damaged_members_below_whole_headings_stay_in_their_group_or_in_none(
    machine: Machine, printer: Printer, hurt: list[tuple[int, str, float]]
) -> None:
    lines = [[line] for line in printer(machine).splitlines()]
    for index, mutation, at in hurt:
        place = index % len(lines)
        if not lines[place] or lines[place][0].lstrip().startswith("IOMMU"):
            continue
        lines[place] = [new for line in lines[place] for new in mutate(line, mutation, at, place)]
    text = "\n".join(line for told in lines for line in told)
    try:
        seen = grouping(read_texts([("x", text)]))
    except UsageError:
        return
    assert seen.items() <= truth(machine).items()


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=400))
def test_any_text_is_read_or_refused(text: str) -> None:
    facts = read_or_refusal(text)
    assert isinstance(facts, HostFacts) or "\n" not in facts


FRAGMENTS = (
    *("IOMMU Group 1:", "IOMMU group 2 ", "Group 3:\t", "[8086:1901] ", "[R] ", "00:01.0 ", "0000:01:00.0 "),
    *(
        "VGA compatible controller [0300]: ",
        "[10de:1b80]",
        "(rev a1",
        ")",
        "\n",
        "\n\t",
        "> ",
        "12: ",
        "$ lspci\n",
    ),
    *(
        "Kernel driver in use: nouveau\n",
        "IOMMU group: 4\n",
        "\x1b[31m",
        "```\n",
        "/sys/kernel/iommu_groups/5/devices/",
    ),
    *(
        "P: /devices/pci0000:00/0000:00:01.0\n",
        "E: SUBSYSTEM=pci\n",
        "Slot:\t00:02.0\n",
        "iommugroup",
        "│",
        "|",
    ),
    *(
        "[    0.100000] pci 0000:00:02.0: Adding to iommu group 6\n",
        "Linux version 6.1\n",
        "BOOT_IMAGE=/x root=/y",
    ),
    *(
        "00: 86 80 00 2a 06 01 90 20 03 00 00 06 00 00 00 00\n",
        '"',
        "{",
        "}",
        "[",
        "]",
        "\0",
        "\u2028",
        "\ud800",
    ),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("".join))
def test_any_mixture_of_fragments_is_read_or_refused(text: str) -> None:
    facts = read_or_refusal(text)
    if isinstance(facts, str):
        assert "\n" not in facts
        return
    assert set(grouping(facts).values()) <= {1, 2, 3, 4, 5, 6, 12}
