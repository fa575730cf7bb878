"""``domain --define`` and its companions, as a user calls them, on libvirt's own drivers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import published
from tests.domain.cases import CASES, without_kvm
from vfio_wizard.apply import libvirt
from vfio_wizard.cli import domain_define, main
from vfio_wizard.cli.given import Given
from vfio_wizard.cli.look import Seen
from vfio_wizard.model.domain import Capabilities, DomainPlan, Versions
from vfio_wizard.model.errors import NotLiveError, UsageError
from vfio_wizard.model.plan import Refusal
from vfio_wizard.model.selection import FirmwareWish
from vfio_wizard.planning.domain import plan_guest
from vfio_wizard.render.domain_xml import domain_xml
from vfio_wizard.system.host import RootHost
from vfio_wizard.system.libvirt_host import read_offer

pytestmark = pytest.mark.libvirtd

CHANGE = "vfio-wizard/domain-change/1"
CASE = next(case for case in CASES if case.name == "linux-shm")


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))


@pytest.fixture
def planned(real: Any) -> DomainPlan:
    """A guest for the daemon of the tests."""
    offer = read_offer(real)
    return plan_guest(CASE.facts, without_kvm(CASE.selection), offer.versions, offer.capabilities, CASE.pins)


def _run(planned: DomainPlan, uri: str, host: RootHost | None = None, **values: Any) -> int:
    given = Given("domain", {"connect": uri, **values})
    return domain_define.run(given, planned, domain_xml(planned.spec), Seen(CASE.facts, host or RootHost()))


def test_define_then_nothing_to_do_then_undo(
    planned: DomainPlan, real: Any, daemon_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name = planned.spec.name
    assert _run(planned, daemon_uri, define=True) == 0
    assert f"the guest {name} is made" in capsys.readouterr().err
    assert _run(planned, daemon_uri, define=True) == 0
    assert "is so already; nothing was changed" in capsys.readouterr().err
    assert main(["domain", "--undo", "--name", name, "--connect", daemon_uri]) == 0
    assert "is gone again" in capsys.readouterr().err
    assert libvirt.find(real, name) is None


def test_diff_shows_and_changes_nothing(
    planned: DomainPlan, real: Any, daemon_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(planned, daemon_uri, diff=True) == 0
    first = capsys.readouterr()
    assert "+<domain" in first.out
    assert "--define makes it" in first.err
    assert libvirt.find(real, planned.spec.name) is None
    _run(planned, daemon_uri, define=True)
    capsys.readouterr()
    mirroring = planned.spec.mirroring
    assert mirroring is not None
    larger = planned._replace(spec=planned.spec._replace(mirroring=mirroring._replace(size_mib=512)))
    assert _run(larger, daemon_uri, diff=True) == 0
    out = capsys.readouterr().out
    changed = [
        line.strip("+- ") for line in out.splitlines() if line[:1] in "+-" and line[:3] not in ("---", "+++")
    ]
    assert len(changed) == 2
    assert changed[1] == "<size unit='M'>512</size>"
    assert "<size unit='M'>512" not in _text(real, planned)
    assert _run(larger, daemon_uri, define=True) == 0
    assert "<size unit='M'>512" in _text(real, planned)


def _text(connection: Any, planned: DomainPlan) -> str:
    found = libvirt.find(connection, planned.spec.name)
    assert found is not None
    return found.text


def test_replace_compares_as_libvirt_would_store_it(
    planned: DomainPlan, daemon_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(planned, daemon_uri, define=True)
    capsys.readouterr()
    assert _run(planned, daemon_uri, diff=True, replace=True) == 0
    assert capsys.readouterr().out == ""
    smaller = planned._replace(spec=planned.spec._replace(memory=planned.spec.memory._replace(mib=1024)))
    assert _run(smaller, daemon_uri, diff=True, replace=True) == 0
    assert "+  <memory unit='KiB'>1048576</memory>" in capsys.readouterr().out


def test_json_says_what_happened(
    planned: DomainPlan, daemon_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(planned, daemon_uri, define=True, json=True) == 0
    document = published.document(capsys.readouterr().out, CHANGE)
    assert document["existed"] is False
    assert document["state"] == "shut off"
    assert document["difference"][0].startswith("+<domain")
    assert _run(planned, daemon_uri, define=True, json=True) == 0
    assert published.document(capsys.readouterr().out, CHANGE)["difference"] == []
    assert _run(planned, daemon_uri, diff=True, json=True) == 0
    assert published.document(capsys.readouterr().out, CHANGE)["in_place"] is True
    refused = planned._replace(refusals=(Refusal("memory.too-much", "more than the host has"),))
    assert _run(refused, daemon_uri, define=True, json=True) == 1
    assert published.document(capsys.readouterr().out, CHANGE)["refusals"][0]["id"] == "memory.too-much"
    name = planned.spec.name
    assert main(["domain", "--undo", "--name", name, "--connect", daemon_uri, "--json"]) == 0
    assert published.document(capsys.readouterr().out, CHANGE)["uuid"] is None


def test_refusals_and_records_change_nothing(planned: DomainPlan, real: Any, daemon_uri: str) -> None:
    refused = planned._replace(refusals=(Refusal("memory.too-much", "more than the host has"),))
    assert _run(refused, daemon_uri, define=True) == 1
    with pytest.raises(NotLiveError):
        _run(planned, daemon_uri, RootHost("/", is_record=True), define=True)
    with pytest.raises(UsageError, match="not a size"):
        _run(planned, daemon_uri, define=True, create_disk="big")
    assert libvirt.find(real, planned.spec.name) is None


BIOS = """\
<domain type='test'>
  <name>old</name>
  <title>It's &lt;mine&gt;</title>
  <metadata>
    <m:notes xmlns:m='urn:mine'>kept</m:notes>
  </metadata>
  <memory unit='KiB'>4194304</memory>
  <currentMemory unit='KiB'>4194304</currentMemory>
  <vcpu placement='static'>2</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <boot dev='hd'/>
    <bootmenu enable='yes'/>
  </os>
  <features>
    <acpi/>
  </features>
  <devices>
    <memballoon model='none'/>
  </devices>
</domain>
"""


@pytest.mark.parametrize(("firmware", "secure"), [("secure-boot", "yes"), ("uefi", "no")])
def test_firmware_of_a_guest_that_is_there_changes_when_asked_and_comes_back(
    firmware: str, secure: str, mock: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = "test:///default"
    before = mock.defineXML(BIOS).XMLDesc(2)
    plain = plan_guest(CASE.facts, CASE.selection._replace(guest="old"), Versions((9, 0, 0)), pins=CASE.pins)
    assert _run(plain, uri, define=True) == 0
    first = str(mock.lookupByName("old").XMLDesc(2))
    assert "firmware" not in first, "only when it was asked for"
    wish = CASE.selection.domain._replace(firmware=FirmwareWish(firmware))
    chosen = CASE.selection._replace(guest="old", domain=wish)
    asked = plan_guest(CASE.facts, chosen, Versions((9, 0, 0)), pins=CASE.pins)
    capsys.readouterr()
    assert _run(asked, uri, diff=True) == 0
    shown = capsys.readouterr()
    assert "+  <os firmware='efi'>" in shown.out
    assert "mbr2gpt" in shown.err
    assert _run(asked, uri, define=True) == 0
    assert "mbr2gpt" in capsys.readouterr().err
    after = str(mock.lookupByName("old").XMLDesc(2))
    assert f"<feature enabled='{secure}' name='secure-boot'/>" in after
    assert ("<smm state='on'/>" in after) is (secure == "yes")
    for kept in ("It&apos;s &lt;mine&gt;", "urn:mine", "<bootmenu enable='yes'/>", "<boot dev='hd'/>"):
        assert kept in after
    assert _run(asked, uri, define=True) == 0
    assert "is so already" in capsys.readouterr().err
    for expected in (first, before):
        assert main(["domain", "--undo", "--name", "old", "--connect", uri]) == 0
        assert mock.lookupByName("old").XMLDesc(2) == expected


def test_secure_boot_needs_firmware_that_libvirt_has() -> None:
    wish = CASE.selection.domain._replace(firmware=FirmwareWish.SECURE_BOOT)
    chosen = CASE.selection._replace(domain=wish)
    made = plan_guest(CASE.facts, chosen, Versions((9, 0, 0)), pins=CASE.pins)
    assert made.spec.secure_boot, "a Linux guest has none unless it is asked for"
    assert '<feature enabled="yes" name="secure-boot"/>' in domain_xml(made.spec)
    with pytest.raises(UsageError, match="take uefi"):
        plan_guest(CASE.facts, chosen, Versions((9, 0, 0)), Capabilities(secure_boot=False))


def test_start_and_stop_by_name(mock: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["domain", "--start", "--name", "test", "--connect", "test:///default"]) == 0
    assert "the guest test is running" in capsys.readouterr().err
    assert main(["domain", "--stop", "--name", "test", "--connect", "test:///default"]) == 0
    assert "shut off" in capsys.readouterr().err
    assert main(["domain", "--start", "--name", "test", "--connect", "test:///default", "--json"]) == 0
    assert published.document(capsys.readouterr().out, CHANGE)["state"] == "running"
    assert main(["domain", "--start", "--name", "none", "--connect", "test:///default"]) == 1
    assert "--define makes it" in capsys.readouterr().err
    assert main(["domain", "--stop", "--name", "x", "--host", "/", "--connect", "test:///default"]) == 2
