"""Answers are read strictly, and what is written reads back as the same selection."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.facts_builder import at
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.selection import (
    CpuWish,
    DomainWish,
    GuestPart,
    GuestSystem,
    HookWish,
    HugePageWish,
    KernelPatch,
    KernelWish,
    LibvirtWish,
    LookingGlass,
    Mirror,
    NixosWish,
    Offer,
    Pinning,
    Selection,
    SoundWish,
    Strategy,
    Style,
)
from vfio_wizard.planning import answers

FULL = """
gpus = ["2f:00.0"]
also = ["0000:0a:00.3"]
bind = "address"
guest = "windows"
users = ["alice"]
vendor_reset = "on"
allow = ["display.only"]

[looking_glass]
mode = "kvmfr"
width = 3440
height = 1440
release = "idd"

[nixos]
style = "specialisation"
release = "25.11"

[kernel]
packages = "6.12"
acs_override = ["downstream"]
patches = { acs = "acs.patch" }
config = { KPROBES = "y" }

[libvirt]
tpm = false

[huge_pages]
pages = 16

[cpus]
guest = "2-5,8"

[domain]
system = "windows10"
memory_mib = 16384
disk = "default/windows.qcow2"
evdev = ["/dev/input/by-id/usb-kbd-event-kbd"]
sound = "pipewire"
"""


def test_every_answer_has_its_place() -> None:
    found = answers.parse(FULL)
    assert found.gpus == (at("0000:2f:00.0"),)
    assert found.also == (at("0000:0a:00.3"),)
    assert (found.bind, found.vendor_reset) == (Strategy.ADDRESS, Offer.ON)
    assert found.looking_glass == LookingGlass(Mirror.KVMFR, 3440, 1440, release=GuestPart.IDD)
    assert found.nixos == NixosWish(Style.SPECIALISATION, "25.11")
    assert found.kernel.patches == (KernelPatch("acs", "acs.patch"),)
    assert found.kernel.config == (("KPROBES", "y"),)
    assert not found.libvirt.tpm
    assert found.huge_pages == HugePageWish(1048576, 16)
    assert found.cpus == CpuWish((2, 3, 4, 5, 8), Pinning.HOOK)
    assert found.domain == DomainWish(
        system=GuestSystem.WINDOWS_10,
        memory_mib=16384,
        disk="default/windows.qcow2",
        evdev=("/dev/input/by-id/usb-kbd-event-kbd",),
        sound=SoundWish.PIPEWIRE,
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('gpu = ["2f:00.0"]', r"unknown key in the answers: gpu \(nearest: gpus\)"),
        ("[nixos]\nstile = 1", r"unknown key in the answers: nixos.stile \(nearest: nixos.style\)"),
        ('gpus = ["nonsense"]', "gpus in the answers: not a PCI address"),
        ('gpus = "2f:00.0"', "gpus in the answers must be a list of strings"),
        ("gpus = [1]", "must be a list of strings"),
        ('bind = "ids"', "bind in the answers must be one of auto, id, address"),
        ("[looking_glass]\nwidth = 0", "looking_glass.width in the answers must be a number from 1"),
        ("[looking_glass]\nwidth = true", "must be a number"),
        ('[libvirt]\ntpm = "yes"', "must be true or false"),
        ("nixos = 3", r"write \[nixos\]"),
        ("gpus = [", "are no TOML"),
        ("[huge_pages]\nsize_kib = 1048576", "pages is missing"),
        ("[huge_pages]\nsize_kib = 4096\npages = 1", "must be 2048 or 1048576"),
        ('[cpus]\nguest = "5-2"', "not a list of CPUs"),
        ('[cpus]\nguest = "0-99999"', "not a list of CPUs"),
        ('[cpus]\nhow = "hook"', "not a list of CPUs"),
        ('[kernel]\npatches = ["a"]', "must be a table of strings"),
        ("[domain]\nmemory = 1", r"unknown key in the answers: domain.memory \(nearest: domain.memory_mib\)"),
        ('[domain]\nsystem = "macos"', "must be one of windows11, windows10, linux"),
        ("[domain]\nvcpus = 0", "domain.vcpus in the answers must be a number from 1"),
        ('[looking_glass]\nrelease = "b8"', "must be one of auto, b7, idd"),
    ],
)
def test_a_wrong_answer_is_named(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        answers.parse(text)


WORDS = st.text(
    st.characters(exclude_categories=["Cs"]),
    max_size=20,
)
ADDRESSES = st.builds(
    PciAddress, st.integers(0, 0x10000), st.integers(0, 255), st.integers(0, 31), st.integers(0, 7)
)


@given(
    st.builds(
        Selection,
        gpus=st.lists(ADDRESSES, max_size=3).map(tuple),
        also=st.lists(ADDRESSES, max_size=3).map(tuple),
        bind=st.sampled_from(Strategy),
        guest=WORDS,
        users=st.lists(WORDS, max_size=3).map(tuple),
        looking_glass=st.builds(
            LookingGlass,
            st.sampled_from(Mirror),
            st.integers(1, 16384),
            st.integers(1, 16384),
            st.booleans(),
            st.sampled_from(GuestPart),
        ),
        nixos=st.builds(NixosWish, st.sampled_from(Style), st.none() | WORDS),
        kernel=st.builds(
            KernelWish,
            st.none() | WORDS,
            st.lists(st.builds(KernelPatch, WORDS, WORDS), max_size=2, unique_by=lambda one: one.name).map(
                tuple
            ),
            st.dictionaries(WORDS, WORDS, max_size=2).map(lambda found: tuple(found.items())),
            st.lists(WORDS, max_size=2).map(tuple),
        ),
        libvirt=st.builds(LibvirtWish, *[st.booleans()] * 4, st.lists(WORDS, max_size=2).map(tuple)),
        vendor_reset=st.sampled_from(Offer),
        huge_pages=st.none()
        | st.builds(HugePageWish, st.sampled_from((2048, 1048576)), st.integers(1, 9999)),
        cpus=st.none()
        | st.builds(
            CpuWish,
            st.sets(st.integers(0, 300), min_size=1).map(lambda found: tuple(sorted(found))),
            st.sampled_from(Pinning),
        ),
        hooks=st.builds(HookWish, st.booleans(), st.booleans(), st.integers(0, 600)),
        domain=st.builds(
            DomainWish,
            system=st.sampled_from(GuestSystem),
            memory_mib=st.none() | st.integers(1, 1 << 26),
            vcpus=st.none() | st.integers(1, 8192),
            disk=WORDS,
            disk_gib=st.none() | st.integers(1, 1 << 20),
            iso=WORDS,
            virtio_iso=WORDS,
            network=WORDS,
            rom=WORDS,
            evdev=st.lists(WORDS, max_size=2).map(tuple),
            usb=st.lists(WORDS, max_size=2).map(tuple),
            sound=st.sampled_from(SoundWish),
            spice=st.sampled_from(Offer),
            iommufd=st.sampled_from(Offer),
        ),
        allow=st.lists(WORDS, max_size=3).map(tuple),
    )
)
def test_what_is_written_reads_back_as_the_same_selection(selection: Selection) -> None:
    assert answers.parse(answers.print_answers(selection)) == selection


def test_a_lone_surrogate_is_refused_and_not_written() -> None:
    with pytest.raises(UsageError, match="it is no character"):
        answers.print_answers(Selection((), guest="\udc80"))


@given(st.text())
def test_no_text_is_a_traceback(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert isinstance(answers.parse(text), Selection)
