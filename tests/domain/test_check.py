"""What the schema lets pass is found: each rule by a domain that breaks it, and by one that does not."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import shared_directory
from vfio_wizard.render.domain_check import problems

GOLDEN = Path(__file__).parent / "golden"
CPUS = frozenset(range(8))


def golden(name: str = "windows11-shm-9.0") -> str:
    return (GOLDEN / f"{name}.xml").read_text(encoding="utf-8")


BROKEN = [
    ("windows11-shm-9.0", '<size unit="M">64', '<size unit="M">48', "powers of two from 1 MiB on"),
    ("windows11-shm-9.0", 'retries="8191"', 'retries="4094"', "4095 or more"),
    ("windows11-shm-9.0", '<smm state="on"/>', '<smm state="off"/>', "System Management Mode, which is off"),
    ("windows11-shm-9.0", 'name="secure-boot"', 'name="other"', "enrolled keys are of use with Secure Boot"),
    ("windows11-shm-9.0", '<vpindex state="on"/>', "", "hyperv synic needs vpindex"),
    ("windows11-shm-9.0", '<synic state="on"/>', '<synic state="off"/>', "hyperv stimer needs synic"),
    ("windows11-shm-9.0", 'vcpu="3" cpuset="7"', 'vcpu="3" cpuset="8"', "the host has no CPU 8"),
    ("windows11-shm-9.0", 'vcpu="3" cpuset="7"', 'vcpu="4" cpuset="7"', "the guest has no such CPU"),
    ("windows11-shm-9.0", 'vcpu="3" cpuset="7"', 'vcpu="2" cpuset="7"', "CPU 2 of the guest is pinned twice"),
    ("windows11-shm-9.0", 'emulatorpin cpuset="0-1"', 'emulatorpin cpuset="7-9"', "the host has no CPU 8, 9"),
    ("windows11-shm-9.0", 'emulatorpin cpuset="0-1"', 'emulatorpin cpuset="a"', "not a list of CPUs"),
    ("windows11-shm-9.0", 'iothread="1" cpuset', 'iothread="2" cpuset', "1 I/O thread"),
    ("windows11-shm-9.0", "<iothreads>1", "<iothreads>0", "no I/O threads"),
    ("windows11-shm-9.0", 'cores="4"', 'cores="3"', "the topology has 3 CPUs, <vcpu> says 4"),
    (
        "windows11-shm-9.0",
        'function="0x1"/>\n    </hostdev>',
        'function="0x0"/>\n    </hostdev>',
        "function 0",
    ),
    ("windows11-shm-9.0", ' multifunction="on"', "", "lacks multifunction='on'"),
    (
        "windows11-shm-9.0",
        'bus="0x01" slot="0x00" function="0x0" multifunction="on"',
        'bus="0x01" slot="0x00" function="0x2"',
        "nothing is function 0 at 0000:01:00",
    ),
    (
        "iommufd-39-bits-9.0",
        'type="pci" domain="0x0000" bus="0x01" slot="0x00"',
        'type="pci" domain="0x0000" bus="0x01" slot="0x01"',
        "a root port has only slot 0",
    ),
    ("windows11-shm-9.0", '<boot order="2"/>', '<boot order="1"/>', "two devices are number 1"),
    ("windows11-shm-9.0", "</os>", '<boot dev="hd"/></os>', "the boot order is told twice"),
    ("windows11-shm-9.0", 'dev="sdb"', 'dev="sda"', "two drives are sda"),
    ("windows11-shm-9.0", '<audio id="1" type="spice"/>', "", "the domain has no such audio"),
    ("windows11-shm-9.0", 'version="2.0"', 'version="1.2"', "the backend is a 1.2"),
    (
        "windows11-shm-9.0",
        '<currentMemory unit="KiB">16777216',
        '<currentMemory unit="KiB">16777217',
        "more than",
    ),
    (
        "ryzen-hugepages-9.0",
        '<memory unit="KiB">16777216',
        '<memory unit="KiB">16777218',
        "no whole number of",
    ),
    ("windows11-kvmfr-9.0", "&quot;size&quot;: 268435456", "&quot;size&quot;: 268435457", "bytes for kvmfr"),
    (
        "linux-evdev-block-9.0",
        'event-mouse"/>',
        'event-mouse" grab="all"/>',
        "two input devices grab all others",
    ),
    ("windows11-shm-9.0", "</domain>", "", "line"),
]


@pytest.mark.parametrize(("name", "old", "new", "said"), BROKEN, ids=[f"{one[3]}" for one in BROKEN])
def test_a_domain_that_would_not_start_is_refused(name: str, old: str, new: str, said: str) -> None:
    text = golden(name)
    assert old in text
    assert problems(text, CPUS | frozenset(range(16)) if "ryzen" in name else CPUS) == ()
    found = problems(text.replace(old, new), CPUS)
    assert any(said in one for one in found), found


def test_shared_memory_of_the_same_name_twice() -> None:
    memory = re.search("<shmem.*</shmem>", golden(), re.DOTALL)
    assert memory is not None
    text = golden().replace(memory[0], memory[0] * 2)
    assert problems(text, CPUS) == ("two shared memories are called looking-glass",)


def test_cpus_of_the_host_are_only_judged_where_they_are_known() -> None:
    assert problems(golden().replace('cpuset="7"', 'cpuset="700"')) == ()


def test_a_chipset_device_of_the_guest_may_have_any_function() -> None:
    place = '<address type="pci" domain="0x0000" bus="0x00" slot="0x1f" function="0x2"/>'
    text = golden().replace("<devices>", f'<devices><controller type="sata" index="0">{place}</controller>')
    assert problems(text, CPUS) == ()


@pytest.mark.corpus
@pytest.mark.parametrize("name", ["b550m-4750g-gtx970/libvirt_vm.xml", "dual-xeon-e5-4gpu/vm-cpu0-0.xml"])
def test_domains_that_people_run_are_not_refused(name: str) -> None:
    text = (shared_directory() / "corpus" / name).read_text(encoding="utf-8")
    assert problems(text, frozenset(range(32))) == ()


@given(st.text())
def test_no_text_is_a_traceback(text: str) -> None:
    assert problems(text)


@given(st.sampled_from(tuple(product(BROKEN, range(40)))), st.text(max_size=6))
def test_a_domain_with_anything_in_it_is_judged(at: tuple[tuple[str, str, str, str], int], junk: str) -> None:
    (name, old, _, _), offset = at
    text = golden(name)
    where = text.index(old) + min(offset, len(old))
    assert isinstance(problems(text[:where] + junk + text[where:], CPUS), tuple)
