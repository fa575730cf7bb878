"""ROM files: what is in them, and whether a guest can be given one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.facts_builder import GPU, at, card, good_machine, make_function
from tests.rom_builder import BIOS, BLOCK, CARD, GOP, NVGI, WHOLE, X86, Image, rom
from vfio_wizard.cards.dump import dump_refusal
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.pci import Holder, PciId
from vfio_wizard.model.rom import LARGEST, Efi, parse_rom
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.planning.rom import display_function, judge

OTHER = PciId("10de", "2484")
IPXE = Path("/usr/lib/ipxe/qemu")
SEABIOS = Path("/usr/share/seabios")


# -- what is in it --------------------------------------------------------------------------------


def test_a_chain_of_two_images() -> None:
    found = parse_rom(WHOLE)
    bios, gop = found.images
    assert (found.start, found.is_ended, found.problems, found.end) == (0, True, (), len(WHOLE))
    assert (bios.code, bios.ids, str(bios.cls), bios.sums_to_zero, bios.efi) == (
        0,
        (CARD,),
        "030000",
        True,
        None,
    )
    assert (gop.start, gop.efi, gop.sums_to_zero, gop.is_last) == (1024, Efi(0x8664, 11, False), None, True)


def test_a_header_of_the_makers_tools_is_told() -> None:
    found = parse_rom(NVGI + WHOLE)
    assert (found.start, found.wrapper, len(found.images)) == (0x600, "NVIDIA's flash tools", 2)
    assert parse_rom(bytes(77) + WHOLE).wrapper is None


def test_of_several_roms_the_wanted_one_is_taken() -> None:
    both = rom(Image(ids=OTHER)) + WHOLE
    assert parse_rom(both).images[0].ids == (OTHER,)
    assert parse_rom(both, CARD).start == 1024


def test_a_list_of_devices_is_read() -> None:
    found = parse_rom(rom(Image(more_devices=(0x7310, 0x7312))))
    assert [one.device for one in found.images[0].ids] == ["731f", "7310", "7312"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"\xff" * 4096, "every byte is the same"),
        (bytes(4096), "every byte is the same"),
        (b"MZ" * 100, "the bytes 55 aa are not there"),
        (b"\x55\xaa" + bytes(600) + b"x", "no PCI data structure"),
    ],
)
def test_what_is_no_rom_says_why(content: bytes, words: str) -> None:
    found = parse_rom(content)
    assert found.images == ()
    assert words in found.problems[0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (WHOLE[:-1], "image 1 is cut: 1023 of 1024 bytes"),
        (rom(BIOS._replace(last=False)), "after image 0 another one should follow: the file ends"),
        (rom(BIOS._replace(last=False)) + bytes(512), "another one should follow: no 55 aa at 0x400"),
        (rom(Image(last=False, blocks=1)) * 40, "more than 32 images"),
        (rom(BIOS, GOP._replace(says_blocks=0)), "has a length of 0 bytes"),
        (rom(BIOS, GOP._replace(pointer=0xFFFF)), "no PCI data structure for the image at 0x400"),
    ],
)
def test_a_broken_chain_is_told_where_it_breaks(content: bytes, words: str) -> None:
    found = parse_rom(content)
    assert words in found.problems[0]
    assert not found.is_ended


def test_an_image_that_overlaps_its_own_data_is_none() -> None:
    inside = bytearray(rom(Image(blocks=1)))
    inside[0x18:0x1A] = (0x1F8).to_bytes(2, "little")
    inside += rom(Image())[0x40:0x80]
    assert parse_rom(bytes(inside)).images == ()


def test_padding_behind_the_end_is_harmless() -> None:
    found = parse_rom(WHOLE + b"\xff" * 5000)
    assert (found.is_ended, found.problems, found.end) == (True, (), len(WHOLE))
    assert judge(found, CARD).usable


# -- verdicts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "card_id", "fault"),
    [
        (WHOLE, OTHER, "it is for 1002:731f, and the card is 10de:2484"),
        (NVGI + WHOLE, CARD, "1536 bytes of header of NVIDIA's flash tools precede the ROM"),
        (rom(Image(cls=0x020000)), None, "it is of no graphics card: its class is 020000"),
        (WHOLE[:700], CARD, "its first image is cut"),
        (rom(Image(code=1)), CARD, "no image in it is for a BIOS or for UEFI on x64"),
        (rom(GOP._replace(machine=X86)), CARD, "no image in it is for a BIOS or for UEFI on x64"),
        (rom(Image(right_sum=False)), CARD, "its checksum is wrong, and there is no UEFI image"),
        (b"", None, "the file is empty"),
    ],
)
def test_not_usable(content: bytes, card_id: PciId | None, fault: str) -> None:
    verdict = judge(parse_rom(content, card_id), card_id)
    assert not verdict.usable
    assert fault in "\n".join(verdict.faults)
    assert verdict.remedy


@pytest.mark.parametrize(
    ("content", "doubt"),
    [
        (rom(BIOS), "no UEFI image (GOP) for x64"),
        (rom(BIOS, GOP._replace(signature=0)), "no UEFI image (GOP) for x64"),
        (rom(BIOS._replace(last=False)), "looks like the copy that firmware makes for the boot display"),
        (rom(Image(right_sum=False), GOP), "the checksum of its BIOS image is wrong: harmless with UEFI"),
        (rom(BIOS, GOP._replace(ids=OTHER)), "its images are of different devices"),
        (rom(BIOS, GOP, Image(last=False)), "after image 2 another one should follow"),
    ],
)
def test_usable_with_a_doubt(content: bytes, doubt: str) -> None:
    verdict = judge(parse_rom(content, CARD), CARD)
    assert verdict.usable
    assert doubt in "\n".join(verdict.doubts)
    assert verdict.remedy is None


def test_a_good_rom_has_no_doubts() -> None:
    assert judge(parse_rom(WHOLE, CARD), CARD) == (True, (), (), None)


def test_a_list_of_devices_counts() -> None:
    content = rom(Image(ids=OTHER, more_devices=(0x1234,)))
    assert judge(parse_rom(content), PciId("10de", "1234")).usable


def test_a_header_alone_is_cut_off() -> None:
    verdict = judge(parse_rom(NVGI + WHOLE, CARD), CARD)
    assert verdict.remedy is not None
    assert "--strip" in verdict.remedy


# -- any bytes ------------------------------------------------------------------------------------

images = st.builds(
    Image,
    ids=st.sampled_from([CARD, OTHER]),
    cls=st.sampled_from([0x030000, 0x020000]),
    subsystem=st.integers(0, 0xFFFF),
    compressed=st.booleans(),
    signature=st.sampled_from([0x0EF1, 0]),
    right_sum=st.booleans(),
    code=st.sampled_from([0, 1, 3, 0xE0]),
    more_devices=st.sampled_from([(), (1, 2), (0xFFFF,) * 150]),
    blocks=st.integers(1, 4),
    says_blocks=st.one_of(st.none(), st.integers(0, 0xFFFF)),
    machine=st.integers(0, 0xFFFF),
    pointer=st.one_of(st.just(0x40), st.integers(0, 0xFFFF)),
    last=st.one_of(st.none(), st.booleans()),
)


@given(st.binary(max_size=300), st.lists(images, min_size=1, max_size=5), st.data())
def test_no_bytes_are_read_past_the_end(before: bytes, parts: list[Image], data: st.DataObject) -> None:
    content = bytearray(before + rom(*parts))
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(content[: data.draw(st.integers(0, len(content)))])
    found = parse_rom(cut, data.draw(st.sampled_from([None, CARD, OTHER])))
    at_least = found.start
    for image in found.images:
        assert image.start == at_least, "images follow each other"
        assert 0 < image.held <= image.length
        assert image.start + image.held <= len(cut)
        at_least = image.start + image.length
    assert found.images or found.problems
    verdict = judge(found, CARD)
    assert verdict.usable or verdict.faults
    assert all(text.isascii() for text in (*verdict.faults, *verdict.doubts))


@given(st.binary(max_size=4096))
def test_any_bytes_have_a_verdict(content: bytes) -> None:
    assert isinstance(judge(parse_rom(content)).usable, bool)


def test_the_largest_file_of_signatures_takes_no_time() -> None:
    assert parse_rom(b"\x55\xaa" * (LARGEST // 2)).images == ()
    one = bytearray(rom(Image(blocks=1, last=False)))
    assert len(parse_rom(bytes(one) * (LARGEST // BLOCK)).images) == 32


# -- real ROMs ------------------------------------------------------------------------------------


def test_roms_of_qemus_network_cards() -> None:
    found = sorted(IPXE.glob("efi-*.rom"))
    if not found:
        pytest.skip("QEMU's option ROMs are not installed")
    for file in found:
        parsed = parse_rom(file.read_bytes())
        assert [(one.code, one.is_uefi_x64) for one in parsed.images] == [(0, False), (3, True)], file
        assert (parsed.problems, parsed.images[0].sums_to_zero) == ((), True), file
    assert parse_rom((IPXE / "efi-e1000.rom").read_bytes()).images[1].ids == (PciId("8086", "100e"),)


def test_roms_of_qemus_graphics_cards() -> None:
    if not (SEABIOS / "vgabios-stdvga.bin").exists():
        pytest.skip("SeaBIOS' ROMs are not installed")
    for name, number in (("stdvga", "1234:1111"), ("cirrus", "1013:00b8"), ("virtio", "1af4:1050")):
        card_id = PciId.parse(number)
        verdict = judge(parse_rom((SEABIOS / f"vgabios-{name}.bin").read_bytes()), card_id)
        assert verdict.usable
        assert "no UEFI image" in verdict.doubts[0]


# -- may the card be read now ---------------------------------------------------------------------

SPARE: dict[str, Any] = {"driver": None, "power_state": "D0"}


def refusal(**told: Any) -> str:
    refused = dump_refusal(card()[0]._replace(**(SPARE | told)))
    return "" if refused is None else f"{refused.why}: {refused.instead}"


@pytest.mark.parametrize("driver", [None, "vfio-pci"])
def test_a_spare_card_may_be_read(driver: str | None) -> None:
    assert refusal(driver=driver) == ""


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"boot_vga": True}, "the boot display"),
        ({"boot_vga": Unread("boot_vga", Gap.DENIED)}, "whether it is the boot display is not known"),
        ({"driver": "nvidia"}, "nvidia uses it"),
        ({"driver": "amdgpu"}, "amdgpu_vbios"),
        ({"driver": Unread("driver", Gap.UNTOLD)}, "its driver is not known"),
        ({"driver": "vfio-pci", "holders": (Holder(1, "qemu", "dev/vfio/5"),)}, "a process has it open"),
        ({"holders": Unread("proc", Gap.DENIED)}, "who has it open is not known"),
        ({"rom": False}, "no ROM on it"),
        ({"power_state": "D3cold"}, "it sleeps"),
    ],
)
def test_a_card_that_is_needed_or_asleep_may_not(told: dict[str, Any], words: str) -> None:
    assert words in refusal(**told)


def test_any_function_of_the_card_names_it() -> None:
    facts: HostFacts = good_machine()
    assert display_function(facts, at("0000:01:00.1")) == at(GPU)
    lonely = make_function("0000:09:00.0")
    assert display_function(facts, lonely.address) == lonely.address
