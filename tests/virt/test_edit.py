"""Editing a domain in place: what is asked for appears, and no other byte moves."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree.ElementTree import canonicalize

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.virt.domains import AUDIO, BY_HAND, CARD, GPU, change, corpus_domains
from vfio_wizard.model.domain import Card, Evdev, Handed, Pins, Topology
from vfio_wizard.model.errors import WizardError
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.render.domain_edit import (
    AddCard,
    AddEvdev,
    DomainEditError,
    Edit,
    Ensure,
    NoBalloon,
    RemoveCard,
    RemoveEvdev,
    SetFirmware,
    SetMemory,
    SetPins,
    SetRom,
    SetSharedMemory,
    edit_domain,
    firmware_notes,
)
from vfio_wizard.render.xml_text import Document

PINS = Pins(
    Topology(1, 1, 3, 2),
    vcpus=(2, 8, 3, 9, 4, 10),
    emulator=(0, 1, 6, 7),
    iothreads=((0, 6),),
    topoext=True,
)
MOUSE = "/dev/input/by-id/usb-R&D_'Mouse'-event-mouse"
EDITS: tuple[Edit, ...] = (
    AddCard(CARD),
    SetRom(GPU, "/usr/share/vgabios/card.rom"),
    SetSharedMemory(64),
    SetPins(PINS),
    SetMemory(12288),
    AddEvdev(Evdev(MOUSE, grabs=False)),
    NoBalloon(),
    Ensure("features/kvm/hidden", (("state", "on"),)),
    SetFirmware(secure_boot=True),
)


def test_a_card_gets_a_root_port_and_one_slot() -> None:
    found = change(BY_HAND, edit_domain(BY_HAND, [AddCard(CARD)]))
    assert found.gone == []
    assert found.new == [
        "    <controller type='pci' index='5' model='pcie-root-port'/>",
        "    <hostdev mode='subsystem' type='pci' managed='yes'>",
        "      <source>",
        "        <address domain='0x0000' bus='0x0b' slot='0x00' function='0x0'/>",
        "      </source>",
        "      <address type='pci' domain='0x0000' bus='0x05' slot='0x00' function='0x0'"
        " multifunction='on'/>",
        "    </hostdev>",
        "    <hostdev mode='subsystem' type='pci' managed='yes'>",
        "      <source>",
        "        <address domain='0x0000' bus='0x0b' slot='0x00' function='0x1'/>",
        "      </source>",
        "      <address type='pci' domain='0x0000' bus='0x05' slot='0x00' function='0x1'/>",
        "    </hostdev>",
    ]


def test_adding_and_removing_leaves_only_the_root_port() -> None:
    there = edit_domain(BY_HAND, [AddCard(CARD)])
    gone = edit_domain(there, [RemoveCard((GPU, AUDIO))])
    assert change(BY_HAND, gone).new == ["    <controller type='pci' index='5' model='pcie-root-port'/>"]
    assert edit_domain(gone, [AddCard(CARD)]).count("pcie-root-port") == 1, "the port is used again"


def test_a_function_that_was_forgotten_joins_the_slot_of_its_card() -> None:
    alone = edit_domain(BY_HAND, [AddCard(Card((Handed(GPU, 0),)))])
    assert "multifunction" not in alone
    both = edit_domain(alone, [AddCard(CARD)])
    assert "bus='0x05' slot='0x00' function='0x0' multifunction='on'" in both
    assert "bus='0x05' slot='0x00' function='0x1'" in both
    assert both.count("pcie-root-port") == 1


def test_addresses_of_the_host_are_read_however_they_are_written() -> None:
    decimal = BY_HAND.replace(
        "    <memballoon",
        "    <hostdev type='pci' mode='subsystem'><source><address bus='11' slot='0' function='0'/></source>"
        "</hostdev>\n    <memballoon",
        1,
    )
    gone = edit_domain(decimal, [RemoveCard((GPU,))])
    assert gone == BY_HAND


@pytest.mark.parametrize("one", EDITS, ids=lambda one: type(one).__name__)
def test_each_edit_is_made_once(one: Edit) -> None:
    base = edit_domain(BY_HAND, [AddCard(CARD)])
    once = edit_domain(BY_HAND if isinstance(one, AddCard) else base, [one])
    assert once != base or isinstance(one, AddCard)
    assert once != BY_HAND
    assert edit_domain(once, [one]) == once


def test_all_edits_twice_are_all_edits_once() -> None:
    once = edit_domain(BY_HAND, EDITS)
    assert edit_domain(once, EDITS) == once


def test_what_nobody_asked_for_stays_to_the_byte() -> None:
    after = edit_domain(BY_HAND, EDITS)
    for kept in (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!-- my gaming guest -->\n<domain type="kvm" xmlns:qemu=',
        "<![CDATA[ < keep > ]]>",
        "</vcpu>   <!-- four -->",
        "<features><acpi/><apic/>",
        "it's &quot;it&quot;.qcow2",
        "    <!-- the system disk -->\n    <disk",
        "<qemu:arg value=\"{'driver':'ivshmem-plain'",
    ):
        assert kept in after


def test_the_rom_of_a_card() -> None:
    base = edit_domain(BY_HAND, [AddCard(CARD)])
    first = edit_domain(base, [SetRom(GPU, "/a&b.rom")])
    assert change(base, first) == ([], ["      <rom file='/a&amp;b.rom'/>"])
    assert "<rom file='/a&amp;b.rom' bar='off'/>" in edit_domain(first, [SetRom(GPU, "/a&b.rom", bar=False)])
    assert "<rom file='/b.rom'/>" in edit_domain(first, [SetRom(GPU, "/b.rom")])
    assert edit_domain(first, [SetRom(GPU)]) == base
    with pytest.raises(DomainEditError, match="add the card first"):
        edit_domain(BY_HAND, [SetRom(GPU, "/a.rom")])


@pytest.mark.parametrize(
    ("size", "same"),
    [
        ("<size unit='M'>64</size>", True),
        ("<size unit='KiB'>65536</size>", True),
        ("<size>67108864</size>", True),
        ("<size unit='M'>32</size>", False),
        ("<size unit='MB'>64</size>", False),
    ],
)
def test_the_size_of_shared_memory_in_any_unit(size: str, same: bool) -> None:
    there = (
        f"    <shmem name='looking-glass'>\n      <model type='ivshmem-plain'/>\n      {size}\n    </shmem>\n"
    )
    text = BY_HAND.replace("    <memballoon", f"{there}    <memballoon", 1)
    after = edit_domain(text, [SetSharedMemory(64)])
    assert (after == text) is same
    assert re.search(r"<size( unit='(M|KiB)')?>(64|65536|67108864)</size>", after)
    assert edit_domain(text, [SetSharedMemory(None)]) == BY_HAND


@pytest.mark.parametrize(
    ("value", "after"),
    [
        (
            '{"qom-type":"memory-backend-file","mem-path":"/dev/kvmfr0","size":33554432,"share":true}',
            '{"qom-type":"memory-backend-file","mem-path":"/dev/kvmfr0","size":67108864,"share":true}',
        ),
        (
            "memory-backend-file,id=looking-glass,mem-path=/dev/kvmfr0,size=32M,share=yes",
            "memory-backend-file,id=looking-glass,mem-path=/dev/kvmfr0,size=64M,share=yes",
        ),
    ],
)
def test_the_size_of_kvmfr_stands_in_qemus_own_words(value: str, after: str) -> None:
    def written(words: str) -> str:
        arg = f"    <qemu:arg value='{words}'/>\n"
        return BY_HAND.replace("  </qemu:commandline>", f"{arg}  </qemu:commandline>")

    assert edit_domain(written(value), [SetSharedMemory(64)]) == written(after)


def test_pins_replace_pins_and_keep_the_comments_between_them() -> None:
    tuned = (
        "  <cputune>\n    <vcpupin vcpu='0' cpuset='5'/> <!-- fast -->\n"
        "    <vcpupin vcpu='7' cpuset='5'/>\n    <shares>2048</shares>\n  </cputune>\n"
    )
    text = BY_HAND.replace('  <os firmware="efi">', f'{tuned}  <os firmware="efi">')
    after = edit_domain(text, [SetPins(PINS)])
    assert "<vcpupin vcpu='0' cpuset='2'/> <!-- fast -->" in after
    assert "<shares>2048</shares>" in after
    root = Document(after).root
    pins = [(one.attributes["vcpu"], one.attributes["cpuset"]) for one in root.all("cputune/vcpupin")]
    assert pins == [(str(number), str(cpu)) for number, cpu in enumerate(PINS.vcpus)]
    assert root.get("cputune/emulatorpin", "cpuset") == "0-1,6-7"
    assert root.get("cputune/iothreadpin", "cpuset") == "0,6"
    assert [one.words for one in root.all("iothreads")] == ["1"]
    assert [one.words for one in root.all("vcpu")] == ["6"]
    assert root.first("cpu/topology").attributes == {"sockets": "1", "cores": "3", "threads": "2"}  # type: ignore[union-attr]


def test_numa_cells_of_the_guest_are_not_guessed_at() -> None:
    cells = '<cpu mode="host-passthrough"><numa><cell id="0" cpus="0-3" memory="8" unit="GiB"/></numa></cpu>'
    text = BY_HAND.replace('<cpu mode="host-passthrough"/>', cells)
    with pytest.raises(DomainEditError, match="NUMA"):
        edit_domain(text, [SetPins(PINS)])
    with pytest.raises(DomainEditError, match="NUMA"):
        edit_domain(text, [SetMemory(4096)])


def test_firmware_is_chosen_anew_only_when_asked() -> None:
    fixed = BY_HAND.replace(
        '<os firmware="efi">',
        '<os>\n    <loader readonly="yes" type="pflash">/usr/share/ovmf/OVMF_CODE.fd</loader>'
        "\n    <nvram>/var/lib/libvirt/qemu/nvram/win_VARS.fd</nvram>",
    )
    after = edit_domain(fixed, [SetFirmware(secure_boot=True)])
    root = Document(after).root
    assert root.get("os", "firmware") == "efi"
    assert root.first("os/loader") is None
    assert [one.words for one in root.all("os/nvram")] == [
        "/var/lib/libvirt/qemu/nvram/win_secure-boot_VARS.fd"
    ]
    features = [tuple(one.attributes.values()) for one in root.all("os/firmware/feature")]
    assert features == [("yes", "secure-boot"), ("yes", "enrolled-keys")] or features == [
        ("yes", "enrolled-keys"),
        ("yes", "secure-boot"),
    ]
    assert root.get("features/smm", "state") == "on"


@pytest.mark.parametrize(
    ("old", "secure", "new"),
    [
        ("<nvram>/v/win_VARS.fd</nvram>", False, "<nvram>/v/win_uefi_VARS.fd</nvram>"),
        (
            "<nvram template='/t'>/v/a &amp; b.fd</nvram>",
            True,
            "<nvram>/v/a &amp; b_secure-boot_VARS.fd</nvram>",
        ),
        ("<nvram>/v/win_uefi_VARS.fd</nvram>", True, "<nvram>/v/win_secure-boot_VARS.fd</nvram>"),
        (
            "<nvram type='file' format='qcow2'><source file='/v/w.qcow2'/></nvram>",
            True,
            "<nvram format='qcow2'>/v/w_secure-boot_VARS.qcow2</nvram>",
        ),
        ("<nvram>/v/plain</nvram>", False, "<nvram>/v/plain_uefi_VARS</nvram>"),
        ("<nvram template='/t'/>", True, None),
    ],
)
def test_another_firmware_never_meets_the_variables_of_the_old_one(
    old: str, secure: bool, new: str | None
) -> None:
    text = BY_HAND.replace(
        '<os firmware="efi">', f"<os>\n    <loader type='pflash'>/usr/share/code.fd</loader>\n    {old}"
    )
    after = edit_domain(text, [SetFirmware(secure_boot=secure)])
    assert (new in after) if new else ("<nvram" not in after)
    assert edit_domain(after, [SetFirmware(secure_boot=secure)]) == after


def test_secure_boot_is_not_promised_to_an_old_machine() -> None:
    old = BY_HAND.replace('machine="q35"', 'machine="pc-i440fx-7.2"')
    with pytest.raises(DomainEditError, match="q35"):
        edit_domain(old, [SetFirmware(secure_boot=True)])
    assert edit_domain(old, [SetFirmware(secure_boot=False)]) == old, "libvirt chooses it already"


@pytest.mark.parametrize(
    ("os", "said"),
    [
        ("<os>", "mbr2gpt"),
        ("<os><loader type='rom'>/usr/share/seabios/bios.bin</loader>", "mbr2gpt"),
        ("<os firmware='bios'>", "mbr2gpt"),
        ("<os firmware='efi'>", "--reset-nvram"),
        ("<os><loader type='pflash'>/a</loader><nvram>/b.fd</nvram>", "kept for --undo"),
    ],
)
def test_what_another_firmware_means_is_said(os: str, said: str) -> None:
    before = BY_HAND.replace('<os firmware="efi">', os)
    (note,) = firmware_notes(before, edit_domain(before, [SetFirmware(secure_boot=True)]))
    assert said in note
    assert firmware_notes(before, edit_domain(before, [NoBalloon()])) == ()


def test_a_conventional_bus_gives_a_free_slot() -> None:
    old = BY_HAND.replace('machine="q35"', 'machine="pc-i440fx-7.2"')
    after = edit_domain(old, [AddCard(CARD)])
    assert "bus='0x00' slot='0x03' function='0x0' multifunction='on'" in after
    assert "bus='0x00' slot='0x03' function='0x1'" in after
    assert edit_domain(after, [RemoveCard((GPU, AUDIO))]) == old


def test_windows_line_ends_stay() -> None:
    text = BY_HAND.replace("\n", "\r\n")
    after = edit_domain(text, EDITS)
    assert after.count("\n") == after.count("\r\n")
    assert after.replace("\r\n", "\n") == edit_domain(BY_HAND, EDITS)


def test_evdev_comes_and_goes() -> None:
    there = edit_domain(BY_HAND, [AddEvdev(Evdev(MOUSE, grabs=True))])
    assert change(BY_HAND, there).new[1].strip() == (
        "<source dev='/dev/input/by-id/usb-R&amp;D_&apos;Mouse&apos;-event-mouse'"
        " grab='all' grabToggle='ctrl-ctrl' repeat='on'/>"
    )
    assert edit_domain(there, [RemoveEvdev(MOUSE)]) == BY_HAND


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not XML"),
        ("<domain>", "not XML"),
        ("<domain/><domain/>", "not XML"),
        ("<network><name>default</name></network>", "begins with <network>"),
        ("<!DOCTYPE domain [<!ENTITY a 'b'>]><domain>&a;</domain>", "DOCTYPE"),
        ("<a>" * 150 + "</a>" * 150, "nested deeper"),
        ("<domain>\udcff</domain>", "UTF-8"),
    ],
)
def test_what_is_no_domain_is_refused(text: str, why: str) -> None:
    with pytest.raises(WizardError, match=why):
        edit_domain(text, [NoBalloon()])


# -- real people's domains -------------------------------------------------------------------------


def _readable(path: Path) -> str:
    """One of them holds a comment within a comment, which is no XML; the test below says that we say so."""
    text = path.read_text()
    return text.replace("<!-- <tlbflush", "<!-- <tlbflush").replace("/> <!-- My host", "/> My host")


@pytest.mark.corpus
def test_domains_of_real_people_survive(shared: Path) -> None:
    for path in corpus_domains(shared):
        text = _readable(path)
        assert edit_domain(text, []) == text
        added = change(text, edit_domain(text, [AddCard(CARD)]))
        assert added.gone == [], path
        root = Document(edit_domain(text, [AddCard(CARD)])).root
        assert len(root.all("devices/hostdev")) == len(Document(text).root.all("devices/hostdev")) + 2
        taken = edit_domain(edit_domain(text, [AddCard(CARD)]), [RemoveCard((GPU, AUDIO))])
        left = change(text, taken)
        assert left.gone == []
        assert all("pcie-root-port" in line for line in left.new)
        evdev = AddEvdev(Evdev(MOUSE, grabs=True))
        assert edit_domain(edit_domain(text, [evdev]), [RemoveEvdev(MOUSE)]) == text
        assert edit_domain(edit_domain(text, [SetSharedMemory(128)]), [SetSharedMemory(128)]) == edit_domain(
            text, [SetSharedMemory(128)]
        )


@pytest.mark.corpus
def test_their_canonical_form_differs_only_in_what_was_asked(shared: Path) -> None:
    for path in corpus_domains(shared):
        text = _readable(path)
        after = edit_domain(text, [NoBalloon()])
        old = canonicalize(
            re.sub(r"<memballoon[^>]*?(/>|>.*?</memballoon>)", "<memballoon/>", text, flags=re.DOTALL)
        )
        new = canonicalize(re.sub(r"<memballoon[^>]*?/>", "<memballoon/>", after))
        if "<memballoon" in text:
            assert new == old
        else:
            assert change(text, after).new == ["    <memballoon model='none'/>"]


@pytest.mark.corpus
def test_the_firmware_of_a_real_domain_is_all_that_changes(shared: Path) -> None:
    for path in corpus_domains(shared):
        text = _readable(path)
        is_q35 = "q35" in str(Document(text).root.get("os/type", "machine"))
        after = edit_domain(text, [SetFirmware(secure_boot=is_q35)])
        assert edit_domain(after, [SetFirmware(secure_boot=is_q35)]) == after
        assert Document(after).root.get("os", "firmware") == "efi"
        assert Document(after).root.first("os/loader") is None
        found = change(text, after)
        assert all(re.search(r"<(os|loader|nvram)\b", line) for line in found.gone), path
        ours = r"<(/?firmware|os|feature|nvram|smm)\b"
        assert all(re.search(ours, line) for line in found.new), path
        assert without_firmware(after) == without_firmware(text)


def without_firmware(text: str) -> str:
    """The canonical form of all that another firmware leaves alone."""
    for part in ("loader", "nvram", "firmware"):
        text = re.sub(rf"\s*<{part}\b[^>]*>.*?</{part}>", "", text, flags=re.DOTALL)
    text = re.sub(r"\s*<smm\b[^>]*/>", "", text)
    return canonicalize(text.replace(" firmware='efi'", ""))


@pytest.mark.corpus
def test_a_card_that_a_real_domain_has_is_not_added_again(shared: Path) -> None:
    path = shared / "corpus/dual-xeon-e5-4gpu/vm-cpu1-0.xml"
    text = path.read_text()
    card = Card((Handed(PciAddress(0, 0x82, 0, 0), 0), Handed(PciAddress(0, 0x82, 0, 1), 1)))
    assert edit_domain(text, [AddCard(card)]) == text
    assert change(text, edit_domain(text, [RemoveCard((PciAddress(0, 0x82, 0, 1),))])).new == []


@pytest.mark.corpus
def test_a_comment_within_a_comment_is_told_with_its_line(shared: Path) -> None:
    text = (shared / "corpus/z170-gtx1070-hd530-tb3/Windows8.1.xml").read_text()
    with pytest.raises(WizardError, match=r"not XML: line \d+, column \d+"):
        edit_domain(text, [NoBalloon()])


# -- any domain ------------------------------------------------------------------------------------

NAMES = st.sampled_from(
    ("disk", "input", "x:thing", "memballoon", "hostdev", "shmem", "controller", "filler")
)
VALUES = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Cn"), exclude_characters="<&\"'\ufffe\uffff"), max_size=6
)
BLANKS = st.sampled_from(
    ("", " ", "\n", "\n      ", "\n\t", " <!-- a - b -->\n", "<?keep me?>", "<![CDATA[<x>]]>")
)


@st.composite
def elements(draw: st.DrawFn, depth: int = 2) -> str:
    name = draw(NAMES)
    mark = draw(st.sampled_from("'\""))
    attributes = "".join(
        draw(st.sampled_from((" ", "  ", "\n")))
        + key
        + draw(st.sampled_from(("=", " = ")))
        + f"{mark}{draw(VALUES)}{mark}"
        for key in draw(st.lists(st.sampled_from(("type", "model", "dev", "a.b")), unique=True, max_size=3))
    )
    if depth == 0 or draw(st.booleans()):
        return f"<{name}{attributes}{draw(st.sampled_from(('', ' ')))}/>"
    inside = "".join(draw(BLANKS) + one for one in draw(st.lists(elements(depth - 1), max_size=3)))
    return f"<{name}{attributes}>{inside}{draw(BLANKS)}</{name}>"


@st.composite
def domains(draw: st.DrawFn) -> str:
    devices = "".join(draw(BLANKS) + one for one in draw(st.lists(elements(), max_size=5)))
    around = [draw(BLANKS).replace("<![CDATA[<x>]]>", "") for _ in range(5)]
    return (
        f"<domain xmlns:x='urn:x'>{around[0]}<name>a</name>{around[1]}<vcpu>2</vcpu>{around[2]}"
        f"<os><type machine='q35'>hvm</type></os>{around[3]}<devices>{devices}{draw(BLANKS)}</devices>"
        f"{around[4]}"
        f"<x:own><deep/></x:own></domain>{draw(st.sampled_from(('', chr(10))))}"
    )


@given(domains(), st.sampled_from(EDITS))
@example("<domain><vcpu>2</vcpu><os/><devices/></domain>", EDITS[0])
@example("\ufeff<domain>\n  <vcpu>2</vcpu>\n  <os/>\n  <devices>\n  </devices>\n</domain>", EDITS[2])
@example("<domain>\n<devices\n/>\n</domain>", EDITS[6])
def test_any_domain_is_edited_once_and_stays_xml(text: str, one: Edit) -> None:
    edits: list[Edit] = [AddCard(CARD), one] if isinstance(one, SetRom) else [one]
    once = edit_domain(text, edits)
    canonicalize(once)
    assert edit_domain(once, edits) == once


@given(domains())
def test_what_is_added_to_any_domain_can_be_taken_out_again(text: str) -> None:
    evdev = "/dev/input/event7"
    there = edit_domain(text, [AddEvdev(Evdev(evdev, grabs=False))])
    assert there != text
    back = edit_domain(there, [RemoveEvdev(evdev)])
    assert canonicalize(back, strip_text=True, with_comments=True) == canonicalize(
        text, strip_text=True, with_comments=True
    )
    added = Document(there)
    found = [one for one in added.root.all("devices/input") if one.get("source", "dev") == evdev]
    assert len(found) == 1
    before, after = added.data[: found[0].start].decode(), added.data[found[0].end :].decode()
    kept = before.rstrip() + after.lstrip()
    stripped = re.sub(r"\s+", "", text)
    assert re.sub(r"\s+", "", kept) in (stripped, stripped.replace("<devices/>", "<devices></devices>"))
