"""Redaction: every private value becomes a placeholder, the same one each time, and nothing else changes."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vfio_wizard.system.people import People
from vfio_wizard.system.redact import ALWAYS, IN_PROSE, PUBLIC, Redactor, find
from vfio_wizard.system.reduced import reduced

HEX = "0123456789abcdef"


def digits(count: int) -> st.SearchStrategy[str]:
    """Hex digits, not all the same."""
    either_case = st.sampled_from((str.lower, str.upper))
    return st.builds(
        lambda text, case: case(text), st.text(HEX, min_size=count, max_size=count), either_case
    ).filter(lambda text: len(set(text.lower())) > 2)


def split(text: str, sizes: tuple[int, ...], by: str) -> str:
    """Digits in groups."""
    ends = [sum(sizes[: place + 1]) for place in range(len(sizes))]
    return by.join(text[end - size : end] for end, size in zip(ends, sizes, strict=True))


UUIDS = digits(32).map(lambda text: split(text, (8, 4, 4, 4, 12), "-"))
MACS = st.builds(lambda text, by: split(text, (2,) * 6, by), digits(12), st.sampled_from(":-"))
SERIALS = st.text("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789", min_size=8, max_size=20).map(lambda text: f"S{text}7")
ADDRESSES = st.tuples(*[st.integers(1, 254)] * 4).map(lambda parts: ".".join(map(str, parts)))

# Where such values stand in what probes read. Braces mark the value.
UUID_PLACES = (
    "root=UUID={} ro", "root=PARTUUID={}", "rd.luks.uuid={}", "luks.uuid=luks-{} quiet", "({})", "{}",
    "rd.luks.name={}=cryptroot", "BOOT_IMAGE=/boot/vmlinuz root=/dev/disk/by-uuid/{}", "'gnulinux-simple-{}'",
    "cryptdevice=UUID={}:cryptroot", "\t{}\n", "resume=UUID={}",
    "/dev/mapper/luks-{}", 'options "root=UUID={}"',
)  # fmt: skip
MAC_PLACES = (
    "ether {}",
    "BOOTIF=01-{}",
    "ifname=lan:{}",
    "e1000e 0000:00:1f.6 eth0: (PCI) {}",
    "[{}]",
    "{}\n",
    "mac={},x",
)
SERIAL_PLACES = (
    "SerialNumber: {}", "Serial Number: {}", "serial={}", "Serial#: {}",
    "/dev/disk/by-id/ata-X_{}",
    "root=/dev/disk/by-id/nvme-Samsung_SSD_970_{}-part2 ro", "by-id/usb-Kingston_{}-0:0",
)  # fmt: skip


@given(value=UUIDS, place=st.sampled_from(UUID_PLACES))
def test_uuids_never_survive(value: str, place: str) -> None:
    for redacted in (Redactor().kernel(place.format(value)), Redactor().prose(place.format(value))):
        assert value.lower() not in redacted.lower()
        assert "UUID-1" in redacted


@given(
    value=digits(32), place=st.sampled_from(("systemd.machine_id={}", "{}-6.12.conf", "/boot/{}/6.12/linux"))
)
def test_machine_ids_never_survive(value: str, place: str) -> None:
    redacted = Redactor().kernel(place.format(value))
    assert value.lower() not in redacted.lower()


@given(value=MACS, place=st.sampled_from(MAC_PLACES))
def test_hardware_addresses_never_survive(value: str, place: str) -> None:
    redacted = Redactor().kernel(place.format(value))
    assert value.lower() not in redacted.lower()
    assert "MAC-1" in redacted


@given(value=digits(12).map(str.lower))
def test_interfaces_that_are_named_by_address_lose_it(value: str) -> None:
    assert Redactor().kernel(f"enx{value}") == "enxMAC-1"


@given(value=SERIALS, place=st.sampled_from(SERIAL_PLACES))
def test_serial_numbers_never_survive(value: str, place: str) -> None:
    assert value not in Redactor().prose(place.format(value))


@given(value=ADDRESSES, place=st.sampled_from(("ip={}::x", "nfsroot={}:/srv", "from {} port", "inet {}/24")))
def test_ip_addresses_never_survive(value: str, place: str) -> None:
    if value not in PUBLIC:
        assert value not in Redactor().prose(place.format(value))


@given(
    value=st.from_regex(
        r"(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|2001:db8:[0-9a-f]{2,4}::[0-9a-f]{2,4}", fullmatch=True
    )
)
def test_long_ip_addresses_never_survive(value: str) -> None:
    assert value not in Redactor().prose(f"address {value}/64")


NAMES = st.from_regex(r"[a-z][a-z0-9_-]{4,10}[xyz]", fullmatch=True)


@given(
    name=NAMES,
    place=st.sampled_from(("# made by {}", "/home/{}/vm", "root@{}:~", "/dev/mapper/{}--vg-root", "{}")),
)
def test_names_of_user_and_host_never_survive(name: str, place: str) -> None:
    assert name not in Redactor(users=(name,)).prose(place.format(name))
    assert name not in Redactor(hosts=(f"{name}.example.org",)).prose(place.format(name))


@given(name=NAMES)
def test_homes_of_users_that_no_file_knows_lose_the_name(name: str) -> None:
    assert Redactor().prose(f"exec /home/{name}/hook") == "exec /home/USER-1/hook"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rd.luks.options=password=hunter2", "rd.luks.options=password=SECRET-1"),
        ('iscsi_password="two words" x', "iscsi_password=SECRET-1 x"),
        ("systemd.hostname=mordor quiet", "systemd.hostname=HOST quiet"),
        ("Linux version 6.1 (me@box) (gcc)", "Linux version 6.1 (BUILDER-1) (gcc)"),
        ("root=LABEL=frodos-disk", "root=LABEL=LABEL-1"),
        ("nvme_core: eui.0025385b21404f05", "nvme_core: eui.WWN-1"),
        ("wwn-0x5002538e40a12345-part1", "wwn-0xWWN-1"),
        ("root=UUID=ABCD-1234", "root=UUID=UUID-1"),
        ("rd.md.uuid=12345678:9abcdef0:12345678:9abcdef0", "rd.md.uuid=UUID-1"),
    ],
)
def test_each_kind_has_its_placeholder(text: str, told: str) -> None:
    assert Redactor().prose(text) == told


@pytest.mark.parametrize(
    "text",
    [
        "vfio-pci.ids=1002:731f,1002:ab38 video=efifb:off pcie_acs_override=downstream,multifunction",
        "vfio-pci.ids=10de:1b81:1043:85a1:030000:ff0000",
        "pci:v00001002d0000731Fsv00001458sd0000231Dbc03sc00i00",
        "0000:0b:00.0 10000:e0:06.0 0x00000000e0000000 0x00000000efffffff 0x000000000014220c",
        "BIOS F60 12/09/2024 6.12.9-arch1-1 gcc (Debian 14.2.0-19) 14.2.0",
        "amd_iommu=on iommu=pt isolcpus=2-7,10-15 hugepagesz=1G hugepages=16 nvme.poll_queues=4",
        "nix/store/r8p3b2zq7xw0n1v5k4m6c9d8f7g6h5j4-linux-6.12.9/lib/modules",
        "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
        "search --no-floppy --fs-uuid --set=root $uuid root=UUID=$root_uuid",
        "getty@tty1.service PCI:11@0:0:0 rootflags=subvol=@ ID=nixos ID_LIKE=debian",
        "Serial8250: ttyS0 at I/O 0x3f8 (irq = 4)",
        "drm:amdgpu_device_init [amdgpu]] *ERROR* 01:00:00 12:34:56",
    ],
)
def test_what_passthrough_is_about_is_left_alone(text: str) -> None:
    redactor = Redactor(users=("root", "user", "amd"), hosts=("nixos", "vfio", "debian", "pc"))
    assert redactor.prose(text) == text


TEXTS = st.text(alphabet=st.sampled_from("abf019:-. =/@\n(){}\"'xyzUIDuidHOMEhome"), max_size=60) | st.builds(
    lambda *parts: "".join(parts),
    *[
        UUIDS
        | MACS
        | ADDRESSES
        | st.sampled_from(("UUID=", "uuid=", "by-id/", "/home/", " ", ":", "label=", "-"))
    ]
    * 4,
)


@given(text=TEXTS)
@example("uuid=by-id/nvme-eui.0025385b21404f05")
@example("/home/by-uuid/x")
def test_nothing_is_found_in_what_was_redacted(text: str) -> None:
    redacted = Redactor(users=("frodo",), hosts=("gandalf",)).prose(text)
    assert list(find(redacted, (*ALWAYS, *IN_PROSE))) == [], redacted


@given(text=TEXTS)
def test_redacting_again_changes_nothing(text: str) -> None:
    redactor = Redactor(users=("frodo",))
    once = redactor.prose(text)
    assert redactor.prose(once) == once


@given(value=UUIDS)
def test_the_same_value_gets_the_same_placeholder_and_leads_back(value: str) -> None:
    redactor = Redactor()
    other = "11111111-2222-3333-4444-555555555555"
    told = redactor.kernel(f"{value} {other} {value.lower()}")
    assert re.fullmatch(r"(UUID-1) UUID-2 \1", told) or value.lower() == other
    assert redactor.real("boot/UUID-1/linux") == f"boot/{value}/linux"
    assert redactor.real("boot/UUID-3/linux") == "boot/UUID-3/linux"


PEOPLE = People(frozenset(("frodo", "sam")), frozenset(("root", "daemon", "frodo", "sam", "libvirt-qemu")))


def test_of_accounts_only_root_and_people_are_kept_without_their_names() -> None:
    text = (
        "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/:/usr/sbin/nologin\nbroken\n"
        "frodo:x:1000:1000:Frodo Baggins,Bag End:/home/frodo:/bin/zsh\nnobody:x:65534:65534::/:/x"
    )
    assert reduced("accounts", text, PEOPLE, Redactor()) == "root:x:0:0:::\nUSER-1:x:1000:1000:::"


def test_groups_keep_their_members_under_other_names() -> None:
    redactor = Redactor()
    redactor.placeholder("USER", "frodo")
    text = "libvirt:x:115:frodo,libvirt-qemu,ldap-user\nfrodo:x:1000:\nfellowship:x:2000:sam"
    expected = "libvirt:x:115:USER-1,libvirt-qemu,USER-2\nUSER-1:x:1000:\nGROUP-1:x:2000:USER-3"
    assert reduced("groups", text, PEOPLE, redactor) == expected


def test_of_routes_only_the_default_is_kept_and_not_its_gateway() -> None:
    old = "Iface\tDestination\tGateway\teth0\n" + "\t".join(
        ("eth0", "00000000", "0107A8C0", "0003", "0", "0", "100", "00000000", "0", "0", "0")
    )
    zeros = "0" * 32
    new = f"{zeros} 00 {zeros} 00 fe80000000000000021132fffe445566 00000400 1 0 00000003 eth0"
    local = f"fe80000000000000000000000000abcd 80 {zeros} 00 {zeros} 00000000 1 0 80200001 eth0"
    told = reduced("routes", f"{old}\n{new}\n{local}", PEOPLE, Redactor())
    assert told == (
        "eth0\t00000000\t00000000\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
        f"{zeros} 00 {zeros} 00 {zeros} 00000400 1 0 00000003 eth0"
    )


def test_mounts_of_people_and_addresses_of_the_kernel_are_left_out() -> None:
    mounts = "22 1 259:2 / / rw - ext4 /dev/x rw\n80 22 0:50 / /media/frodo/STICK rw - vfat /dev/sdb1 rw"
    assert reduced("mounts", mounts, PEOPLE, Redactor()) == mounts.partition("\n")[0]
    assert reduced("modules", "kvm 1 0 - Live 0xffffffffc0a00000", PEOPLE, Redactor()) == "kvm 1 0 -"
    regions = "e0000000-efffffff : BOOTFB\n  01000000-01e00fff : Kernel code"
    assert reduced("iomem", regions, PEOPLE, Redactor()) == "e0000000-efffffff : BOOTFB"
    status = "Name:\tbash\nUid:\t1000\t1000\nPid:\t4711\nGroups:\t27 1000"
    assert reduced("status", status, PEOPLE, Redactor()) == "Uid:\t1000\t1000\nGroups:\t27 1000"
