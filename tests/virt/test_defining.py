"""A real libvirt takes every guest that is printed; changes are kept, shown, made in place and taken back."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.domain.cases import CASES, Case, without_kvm
from tests.virt.domains import AUDIO, BY_HAND, CARD, GPU
from vfio_wizard.apply import domain_backup, libvirt
from vfio_wizard.apply.connection import connected, explained
from vfio_wizard.model.domain import Disk, DiskFormat, Evdev, NetworkKind, Nic
from vfio_wizard.model.errors import WizardError
from vfio_wizard.planning.domain import plan_guest
from vfio_wizard.planning.guest_network import HostLink, OwnNetwork, choose_network
from vfio_wizard.render.domain_edit import (
    AddCard,
    AddEvdev,
    Edit,
    NoBalloon,
    RemoveCard,
    SetSharedMemory,
    edit_domain,
    edits_for,
)
from vfio_wizard.render.domain_xml import domain_xml
from vfio_wizard.render.xml_diff import difference
from vfio_wizard.render.xml_text import Document
from vfio_wizard.system.libvirt_host import (
    LibvirtError,
    read_capabilities,
    read_offer,
)

pytestmark = pytest.mark.libvirtd

PLAIN = """\
<domain type='test'>
  <!-- mine -->
  <name>{name}</name>
  <memory unit='MiB'>512</memory>
  <vcpu>2</vcpu>
  <os><type arch='x86_64'>hvm</type></os>
  <devices>
    <interface type='network'><source network='default'/></interface>
  </devices>
</domain>
"""


def emulated(case: Case, connection: Any) -> str:
    """The guest for this libvirt, without KVM."""
    offer = read_offer(connection)
    plan = plan_guest(case.facts, without_kvm(case.selection), offer.versions, offer.capabilities, case.pins)
    return domain_xml(plan.spec)


# -- the real daemon with QEMU ---------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_real_libvirt_takes_every_guest(case: Case, real: Any, tmp_path: Path) -> None:
    text = emulated(case, real)
    made = libvirt.define(real, text, str(tmp_path))
    assert not made.was_there
    root = Document(made.guest.text).root
    asked = Document(text).root
    assert root.get("os/type", "machine") == asked.get("os/type", "machine")
    hostdevs = [one for one in root.all("devices/hostdev") if one.attributes["type"] == "pci"]
    wanted = [one for one in asked.all("devices/hostdev") if one.attributes["type"] == "pci"]
    assert [_places(one) for one in hostdevs] == [_places(one) for one in wanted]
    assert root.get("devices/memballoon", "model") == "none"
    again = libvirt.define(real, text, str(tmp_path))
    assert again.was_there
    assert again.guest.uuid == made.guest.uuid


def _places(hostdev: Any) -> tuple[dict[str, str], ...]:
    return tuple(
        {key: value for key, value in one.attributes.items() if key != "multifunction"}
        for path in ("source/address", "address")
        for one in hostdev.all(path)
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_libvirt_stored_needs_no_edit_to_be_the_guest(case: Case, real: Any, tmp_path: Path) -> None:
    """A guest that this program made is settled: its own edits find nothing to do."""
    offer = read_offer(real)
    plan = plan_guest(case.facts, without_kvm(case.selection), offer.versions, offer.capabilities, case.pins)
    stored = libvirt.define(real, domain_xml(plan.spec), str(tmp_path)).guest.text
    assert edit_domain(stored, edits_for(plan.spec, firmware=True, memory=True)) == stored


def test_a_guest_by_hand_gets_a_card_in_place_and_back(real: Any, tmp_path: Path) -> None:
    by_hand = BY_HAND.replace('type="kvm"', 'type="qemu"').replace(
        'mode="host-passthrough"', 'mode="maximum"'
    )
    first = libvirt.define(real, by_hand, str(tmp_path))
    stored = first.guest.text
    edits: list[Edit] = [
        AddCard(CARD),
        SetSharedMemory(64),
        NoBalloon(),
        AddEvdev(Evdev("/dev/input/event0", grabs=True)),
    ]
    second = libvirt.define(real, edit_domain(stored, edits), str(tmp_path))
    assert second.was_there
    assert edit_domain(second.guest.text, edits) == second.guest.text, (
        "libvirt rewrote it; still nothing to do"
    )
    assert "urn:mine" in second.guest.text
    assert "ivshmem-plain" in second.guest.text
    assert "qemu:arg value='-device'" in second.guest.text
    bare = edit_domain(second.guest.text, [RemoveCard((GPU, AUDIO))])
    assert "hostdev" not in bare
    undone = libvirt.undo(real, "win & more", str(tmp_path))
    assert undone.before == stored
    assert difference(stored, _text(real, "win & more")) == ()
    libvirt.undo(real, "win & more", str(tmp_path))
    assert libvirt.find(real, "win & more") is None
    with pytest.raises(WizardError, match="nothing to take back"):
        libvirt.undo(real, "win & more", str(tmp_path))


def _text(connection: Any, name: str) -> str:
    found = libvirt.find(connection, name)
    assert found is not None
    return found.text


def test_libvirts_own_defaults_are_no_difference(real: Any, tmp_path: Path) -> None:
    text = emulated(CASES[0], real)
    stored = libvirt.define(real, text, str(tmp_path)).guest.text
    assert difference(stored, text), "libvirt adds addresses and controllers"
    name = libvirt.name_of(text)
    same = libvirt.stored_form(real, libvirt.with_identity(text, stored))
    assert difference(stored, same) == ()
    larger = text.replace("<vcpu", "<description>more</description><vcpu", 1)
    lines = difference(stored, libvirt.stored_form(real, libvirt.with_identity(larger, stored)))
    assert [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")] == [
        "+  <description>more</description>"
    ]
    assert [one.name() for one in real.listAllDomains()] == [name], "the passing guest is gone"


def test_what_this_libvirt_offers(real: Any) -> None:
    offer = read_offer(real)
    assert offer.versions.libvirt >= (9, 0, 0)
    assert offer.versions.qemu is not None
    assert offer.versions.qemu >= (7, 2, 0)
    assert offer.capabilities.emulator == "/usr/bin/qemu-system-x86_64"
    assert offer.capabilities.machines[0].startswith("pc-q35-")
    assert offer.capabilities.secure_boot is True
    assert offer.capabilities.enrolled_keys is True


def test_a_guest_runs_and_stops_when_it_wants_to(real: Any, tmp_path: Path) -> None:
    """Without a system the guest does not hear the request; it is left running, and said so."""
    text = (
        "<domain type='qemu'><name>runs</name><memory unit='MiB'>32</memory><vcpu>1</vcpu><os>"
        "<type arch='x86_64' machine='q35'>hvm</type></os><devices><memballoon "
        "model='none'/></devices></domain>"
    )
    libvirt.define(real, text, str(tmp_path))
    assert libvirt.start(real, "runs").state == "running"
    assert libvirt.start(real, "runs").is_active
    assert libvirt.stop(real, "runs", 1.0).is_active
    with pytest.raises(WizardError, match="shut it down first"):
        libvirt.undo(real, "runs", str(tmp_path))
    real.lookupByName("runs").destroy()
    assert not libvirt.stop(real, "runs", 1.0).is_active
    libvirt.undo(real, "runs", str(tmp_path))


# -- libvirt's test driver -------------------------------------------------------------------------


def test_undo_brings_back_what_was_there(mock: Any, tmp_path: Path) -> None:
    name = "a..b ü"
    first = libvirt.define(mock, PLAIN.format(name=name), str(tmp_path))
    more = first.guest.text.replace("<vcpu placement='static'>2<", "<vcpu placement='static'>1<")
    assert more != first.guest.text
    second = libvirt.define(mock, more, str(tmp_path))
    assert second.backup.before == first.guest.text
    assert second.backup.uuid == first.guest.uuid
    libvirt.undo(mock, name, str(tmp_path))
    assert difference(first.guest.text, _text(mock, name)) == ()
    libvirt.undo(mock, name, str(tmp_path))
    assert libvirt.find(mock, name) is None
    assert [one.name for one in tmp_path.iterdir()] == ["a%2e%2eb%20%c3%bc"]


def test_undo_refuses_what_somebody_else_changed_and_shows_it(mock: Any, tmp_path: Path) -> None:
    first = libvirt.define(mock, PLAIN.format(name="changed"), str(tmp_path))
    mock.defineXML(first.guest.text.replace("512", "256").replace("524288", "262144"))
    with pytest.raises(libvirt.ChangedSinceError, match="262144"):
        libvirt.undo(mock, "changed", str(tmp_path))
    libvirt.undo(mock, "changed", str(tmp_path), force=True)
    assert libvirt.find(mock, "changed") is None


def test_a_refused_domain_leaves_nothing_to_take_back(mock: Any, tmp_path: Path) -> None:
    bad = PLAIN.format(name="bad").replace("<vcpu>2</vcpu>", "<vcpu>none</vcpu>")
    with connected("test:///default") as connection, pytest.raises(Exception, match="vcpu"):
        libvirt.define(connection, bad, str(tmp_path))
    assert domain_backup.last(str(tmp_path), "bad", mock.getURI()) is None


def test_the_identity_of_the_guest_that_is_there_is_kept(mock: Any, tmp_path: Path) -> None:
    first = libvirt.define(mock, PLAIN.format(name="same"), str(tmp_path))
    again = libvirt.define(mock, PLAIN.format(name="same"), str(tmp_path))
    assert again.guest.uuid == first.guest.uuid
    old, new = Document(first.guest.text).root, Document(again.guest.text).root
    assert old.get("devices/interface/mac", "address") == new.get("devices/interface/mac", "address")


def test_backups_are_files_that_a_person_can_use(mock: Any, tmp_path: Path) -> None:
    libvirt.define(mock, PLAIN.format(name="kept"), str(tmp_path))
    libvirt.define(mock, PLAIN.format(name="kept").replace("512", "256"), str(tmp_path))
    paths = sorted((tmp_path / "kept").iterdir())
    assert [one.name for one in paths] == ["000001.json", "000002.json"]
    document = json.loads(paths[1].read_text())
    assert document["schema"] == "vfio-wizard/domain-backup/1"
    assert document["name"] == "kept"
    assert document["uuid"] in document["before"]
    assert document["time"] > 0
    assert (paths[1].stat().st_mode & 0o777) == 0o600


def test_a_guests_name_leads_nowhere_else() -> None:
    assert domain_backup.file_name("a/../b") == "a%2f%2e%2e%2fb"
    assert domain_backup.file_name("..") == "%2e%2e"
    assert domain_backup.file_name("win_11-x") == "win_11-x"


def test_a_backup_that_cannot_be_read_stops_undo(mock: Any, tmp_path: Path) -> None:
    libvirt.define(mock, PLAIN.format(name="torn"), str(tmp_path))
    (tmp_path / "torn/000001.json").write_text("{")
    with pytest.raises(WizardError, match="no backup of this program"):
        libvirt.undo(mock, "torn", str(tmp_path))


def test_without_room_for_the_backup_nothing_is_changed(mock: Any, tmp_path: Path) -> None:
    (tmp_path / "no").write_text("a file where the folder should be")
    with pytest.raises(WizardError, match="so it is not changed"):
        libvirt.define(mock, PLAIN.format(name="never"), str(tmp_path / "no"))
    assert libvirt.find(mock, "never") is None


def test_a_disk_is_made_once(mock: Any) -> None:
    disk = Disk(None, "default-pool", "games.qcow2", DiskFormat.QCOW2)
    path = libvirt.create_disk(mock, disk, 1)
    try:
        assert path.endswith("games.qcow2")
        with pytest.raises(WizardError, match="not written over"):
            libvirt.create_disk(mock, disk, 1)
    finally:
        mock.storageVolLookupByPath(path).delete()


def test_a_disk_in_a_folder_of_a_pool_is_made_in_that_pool(mock: Any) -> None:
    path = libvirt.create_disk(mock, Disk("/default-pool/other.raw", format=DiskFormat.RAW), 2)
    volume = mock.storageVolLookupByPath(path)
    try:
        assert volume.info()[1] == 2 << 30
        assert "<format type='raw'/>" in volume.XMLDesc()
    finally:
        volume.delete()


def test_a_block_device_cannot_be_made(mock: Any) -> None:
    with pytest.raises(WizardError, match="cannot be created"):
        libvirt.create_disk(mock, Disk("/dev/disk/by-id/ata-x"), 1)


# -- errors, provoked ------------------------------------------------------------------------------


def _refused(connection: Any, text: str, folder: Path) -> str:
    with pytest.raises(Exception, match=r".") as caught:
        libvirt.define(connection, text, str(folder))
    return explained(str(caught.value))


def test_libvirt_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LibvirtError, match=r"systemctl enable --now libvirtd\.socket"):  # noqa: SIM117
        with connected(f"qemu+unix:///session?socket={tmp_path}/none"):
            pass


def test_real_errors_say_what_to_do(real: Any, tmp_path: Path) -> None:
    text = emulated(CASES[0], real)
    cases = {
        text.replace(
            "/usr/bin/qemu-system-x86_64", "/usr/bin/no-qemu"
        ): "install it (Debian: qemu-system-x86)",
        text.replace("<vcpu ", "<surprise/><vcpu "): "does not know something",
        text.replace(
            Document(text).root.get("os/type", "machine") or "", "pc-q35-99.0"
        ): "no machine pc-q35-99.0",
    }
    if not read_offer(real).kvm:
        cases[text.replace('type="qemu"', 'type="kvm"')] = "KVM is not available"
    for wrong, advice in cases.items():
        assert wrong != text
        assert advice in _refused(real, wrong, tmp_path)


def test_a_name_with_another_identity(real: Any, tmp_path: Path) -> None:
    text = emulated(CASES[0], real)
    made = libvirt.define(real, text, str(tmp_path))
    other = "11111111-2222-3333-4444-555555555555"
    renamed = text.replace("</name>", f"</name><uuid>{other}</uuid>", 1)
    assert made.guest.uuid in _refused(real, renamed, tmp_path)
    assert "another guest has this name or identity" in _refused(real, renamed, tmp_path)


@pytest.mark.parametrize(
    ("name", "left_out", "advice"),
    [
        ("windows11-off", "hostdev", "virsh net-list --all|libvirt-daemon-driver-network"),
        ("twins", "hostdev|interface", "virsh pool-list --all|libvirt-daemon-driver-storage"),
        ("linux-evdev-block", "interface", "--only iommu.enabled"),
        ("linux-off", "hostdev|interface", "--create-disk SIZE makes a disk that is missing"),
    ],
)
def test_errors_of_starting(name: str, left_out: str, advice: str, real: Any, tmp_path: Path) -> None:
    """Newer releases have parts of libvirt in packages of their own, which need not be installed."""
    text = emulated(next(case for case in CASES if case.name.startswith(name)), real)
    text = re.sub(rf"<({left_out})\b.*?</\1>", "", text, flags=re.DOTALL)
    libvirt.define(real, text, str(tmp_path))
    with pytest.raises(Exception, match=r".") as caught:
        libvirt.start(real, libvirt.name_of(text))
    assert re.search(advice, explained(str(caught.value))), caught.value


def test_an_inactive_network_of_the_test_driver(mock: Any) -> None:
    network = mock.networkLookupByName("default")
    network.destroy()
    try:
        offer = read_offer(mock)
        assert [(one.name, one.active) for one in offer.networks] == [("default", False)]
    finally:
        network.create()


# -- what libvirt offers, and the network ----------------------------------------------------------


def test_capabilities_of_newer_libvirt_name_firmware_features() -> None:
    """From 12.1 on they are listed; images tell nothing then."""
    text = """<domainCapabilities><path>/usr/bin/q</path><machine>pc-q35-11.0</machine>
      <os supported='yes'><firmwareFeatures supported='yes'>
        <enum name='secureBoot'><value>no</value></enum><enum name='enrolledKeys'><value>no</value></enum>
      </firmwareFeatures><loader supported='yes'><value>/x/OVMF_CODE.ms.fd</value>
        <enum name='secure'><value>yes</value></enum></loader></os>
      <devices><tpm supported='no'/></devices>
      <features><hyperv supported='yes'><enum name='features'><value>relaxed</value><value>avic</value></enum>
      </hyperv></features></domainCapabilities>"""
    found = read_capabilities(text)
    assert found.secure_boot is False
    assert found.enrolled_keys is False
    assert found.hyperv == ("relaxed", "avic")
    assert found.tpm_models == ()
    assert found.graphics == ()
    with pytest.raises(WizardError):
        read_capabilities("<domainCapabilities>")


def test_capabilities_name_the_windows_that_qemu_has(real: Any) -> None:
    assert "vnc" in read_offer(real).capabilities.graphics
    listed = "<enum name='type'><value>sdl</value><value>vnc</value></enum>"
    for supported, expected in (("yes", ("sdl", "vnc")), ("no", ())):
        text = f"<domainCapabilities><devices><graphics supported='{supported}'>{listed}</graphics></devices>"
        assert read_capabilities(f"{text}</domainCapabilities>").graphics == expected


ACTIVE, STOPPED = OwnNetwork("default", True, True), OwnNetwork("default", False, False)
BRIDGE, WIRED = HostLink("br0", "bridge", True), HostLink("enp3s0", "", True)
VIRBR, WIFI = HostLink("virbr0", "bridge", False), HostLink("wlp2s0", "", True)
VLAN, TUNNEL = HostLink("enp3s0.5", "vlan", True), HostLink("tun0", "tun", True)


@pytest.mark.parametrize(
    ("networks", "links", "nic", "note"),
    [
        ((ACTIVE,), (BRIDGE,), Nic(NetworkKind.NETWORK, "default"), None),
        ((STOPPED,), (VIRBR, WIRED), Nic(NetworkKind.NETWORK, "default"), "virsh net-start default"),
        ((STOPPED,), (BRIDGE, WIRED), Nic(NetworkKind.BRIDGE, "br0"), "bridge br0"),
        ((), (VIRBR, WIRED), Nic(NetworkKind.DIRECT, "enp3s0"), "guest and host cannot reach each other"),
        ((), (WIRED, VLAN), Nic(NetworkKind.DIRECT, "enp3s0.5"), "macvtap"),
        ((), (WIFI,), None, "wireless"),
        ((), (TUNNEL,), None, "no Ethernet interface"),
        ((), (), None, "no Ethernet interface"),
    ],
)
def test_the_network_that_exists_is_chosen(
    networks: tuple[OwnNetwork, ...], links: tuple[HostLink, ...], nic: Nic | None, note: str | None
) -> None:
    choice = choose_network(networks, links)
    assert choice.nic == nic
    assert any(note in one for one in choice.notes) if note else not choice.notes
