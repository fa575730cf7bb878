"""Any name and any path reads back as it was said, or is refused in one line."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.cases import CASES, INTEL_PINS
from tests.domain.schemas import STACKS
from tests.facts_builder import GPU, at, good_machine
from vfio_wizard.model.domain import DomainSpec, Nic, Versions
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.selection import DomainWish, Selection
from vfio_wizard.planning.domain import plan_guest
from vfio_wizard.render.domain_tree import node, to_text
from vfio_wizard.render.domain_xml import domain_xml

NEWEST = STACKS[-1].versions
ODD = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0xD800, 0xDFFF, 0xFFFE, 0xFFFF)]
PRINTABLE = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn"], exclude_characters="\ufffe\uffff"))


def read(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)  # noqa: S314 - our own output


@given(PRINTABLE, PRINTABLE)
def test_what_is_said_reads_back_the_same(text: str, value: str) -> None:
    printed = to_text(node("a", node("b", text=text, value=value)))
    inner = read(printed).find("b")
    assert inner is not None
    assert (inner.text or "", inner.get("value")) == (text, value)


@pytest.mark.parametrize("char", ODD, ids=[f"U+{ord(char):04X}" for char in ODD])
def test_what_xml_cannot_hold_is_refused_in_one_line(char: str) -> None:
    for said in ({"text": f"x{char}"}, {"value": f"{char}x"}):
        with pytest.raises(UsageError) as caught:
            node("a", **said)
        assert "\n" not in str(caught.value)
        assert str(caught.value).isprintable()


def spec(**wishes: str) -> DomainSpec:
    name = wishes.pop("name", "windows")
    chosen = Selection((at(GPU),), users=("alice",), guest=name, domain=DomainWish(**wishes))  # type: ignore[arg-type]
    return plan_guest(good_machine(), chosen, NEWEST, pins=INTEL_PINS).spec


WORDS = PRINTABLE.filter(lambda text: bool(text) and text.isprintable())
PATH = WORDS.map(lambda text: f"/{text}")
NAMES = WORDS.filter(
    lambda text: "/" not in text and text.strip() != "" and text[0] != "." and len(text) < 30
)


@given(NAMES, PATH, PATH, PATH, PATH, WORDS)
def test_every_word_of_the_answers_reads_back_from_the_domain(
    name: str, disk: str, iso: str, drivers: str, rom: str, bridge: str
) -> None:
    words = {"disk": disk, "iso": iso, "virtio_iso": drivers, "rom": rom, "network": f"bridge:{bridge}"}
    root = read(domain_xml(spec(name=name, **words)))
    sources = [one.attrib for one in root.findall("devices/disk/source")]
    assert root.findtext("name") == name
    assert [next(iter(one.values())) for one in sources] == [disk, iso, drivers]
    assert [one.get("file") for one in root.findall("devices/hostdev/rom")] == [rom]
    assert [one.get("bridge") for one in root.findall("devices/interface/source")] == [bridge]


@pytest.mark.parametrize("key", ["disk", "iso", "virtio_iso", "rom"])
@pytest.mark.parametrize("odd", ["/a\nb", "/a\x00b", "/a\x1b[31m", "/\udc80", "relative"])
def test_a_path_that_could_not_stand_there_is_refused_in_one_line(key: str, odd: str) -> None:
    with pytest.raises(UsageError) as caught:
        spec(**{key: odd})
    assert "\n" not in str(caught.value)


@given(
    st.lists(
        st.builds(
            PciAddress, st.integers(0, 0xFFFFFFFF), st.integers(0, 255), st.integers(0, 31), st.integers(0, 7)
        ),
        min_size=1,
        max_size=4,
        unique=True,
    )
)
def test_every_address_is_hex_and_reads_back(addresses: list[PciAddress]) -> None:
    base = CASES[0].plan(NEWEST).spec
    cards = tuple(
        base.cards[0]._replace(functions=(base.cards[0].functions[0]._replace(host=one),))
        for one in addresses
    )
    root = read(domain_xml(base._replace(cards=cards)))
    found = [one.attrib for one in root.findall("devices/hostdev/source/address")]
    assert all(value.startswith("0x") for one in found for value in one.values())
    back = [
        PciAddress(*(int(one[name], 16) for name in ("domain", "bus", "slot", "function"))) for one in found
    ]
    assert back == addresses


def test_an_emulated_guest_asks_nothing_that_only_kvm_has() -> None:
    root = read(domain_xml(CASES[0].plan(NEWEST).spec._replace(emulated=True)))
    assert root.get("type") == "qemu"
    assert root.find("features/hyperv") is None
    assert root.find("features/ioapic") is None
    cpu = root.find("cpu")
    assert cpu is not None
    assert cpu.get("mode") == "maximum"
    assert [one.tag for one in cpu] == ["topology"]


def test_each_device_says_iommufd_where_the_domain_cannot_yet() -> None:
    base = CASES[0].plan(NEWEST).spec._replace(iommufd=True, versions=Versions((12, 1, 0), (10, 0, 0)))
    root = read(domain_xml(base))
    assert root.find("iommufd") is None
    assert [one.get("iommufd") for one in root.findall("devices/hostdev/driver")] == ["yes", "yes"]


def test_kvmfr_is_told_in_the_old_form_where_libvirt_writes_no_json() -> None:
    case = next(one for one in CASES if one.name == "windows11-kvmfr")
    old = case.plan(NEWEST).spec._replace(versions=Versions((9, 0, 0), (6, 1, 0)))
    root = read(domain_xml(old))
    words = [value for one in root for arg in one if (value := arg.get("value")) and "commandline" in one.tag]
    assert words == [
        "-device",
        "ivshmem-plain,id=shmem0,memdev=looking-glass",
        "-object",
        "memory-backend-file,id=looking-glass,mem-path=/dev/kvmfr0,size=268435456,share=yes",
    ]


def test_a_direct_network_is_a_bridge_of_macvtap() -> None:
    made = spec()._replace(nics=(Nic(*_direct()),))
    source = read(domain_xml(made)).find("devices/interface/source")
    assert source is not None
    assert source.attrib == {"dev": "enp5s0", "mode": "bridge"}


def _direct() -> Nic:
    return spec(network="direct:enp5s0").nics[0]
