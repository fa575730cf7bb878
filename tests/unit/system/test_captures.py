"""Captures: what replays is what the recording run was told, and nothing private is in it."""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.builders import SysfsTree
from vfio_wizard.checks.registry import run_checks
from vfio_wizard.knowledge import bootchain
from vfio_wizard.model.errors import NotLiveError, WizardError
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.probe.gather import gather
from vfio_wizard.probe.kernel import LOG_WORDS as WANTED_WORDS
from vfio_wizard.system.allowed import LOG_WORDS, Matcher
from vfio_wizard.system.capture import SCHEMA, CaptureHost, capture_text
from vfio_wizard.system.files import write_whole
from vfio_wizard.system.host import Command, Host, RootHost, require_live
from vfio_wizard.system.record import capture, capture_document, leaks, write_capture
from vfio_wizard.system.recording import RecordingHost

GPU = "0000:01:00.0"
ROOT_UUID = "3b9aca00-1234-4abc-8def-0123456789ab"
MACHINE_ID = "0123456789abcdef0123456789abcdef"
MAC = "a8:a1:59:de:ad:01"
SERIAL = "S4EWNX0N123456"
PRIVATE = (ROOT_UUID, MACHINE_ID, MAC, "a8a159dead01", SERIAL, "gandalf", "frodo", "192.168.7.3", "hunter2")

LOADER_INFO = "LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
SELECTED = "LoaderEntrySelected-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
EFIVARS = "sys/firmware/efi/efivars"


def efi_text(text: str) -> bytes:
    """An EFI variable as efivarfs shows it."""
    return b"\x06\0\0\0" + (text + "\0").encode("utf-16-le")


def machine(root: Path) -> SysfsTree:
    """A desktop with systemd-boot whose every corner names its owner."""
    tree = SysfsTree(root)
    tree.pci("0000:00:01.0", device=0x1901, cls=0x060400, driver="pcieport", group=1)
    tree.pci(GPU, vendor=0x1002, device=0x731F, cls=0x030000, driver="amdgpu", group=1, parent="0000:00:01.0")
    tree.pci("0000:00:1f.6", vendor=0x8086, device=0x15B8, cls=0x020000, driver="e1000e", group=2)
    tree.net("enxa8a159dead01", "0000:00:1f.6")
    tree.disk("nvme0n1p2", "259:2", f"{tree.device('0000:00:01.0')}/nvme/nvme0/nvme0n1/nvme0n1p2")
    tree.file("proc/cmdline", f"root=UUID={ROOT_UUID} ro systemd.machine_id={MACHINE_ID} ip=192.168.7.3\n")
    tree.file("proc/sys/kernel/hostname", "gandalf\n").file("proc/sys/kernel/osrelease", "6.12.9-gandalf\n")
    tree.file("proc/version", "Linux version 6.12.9-gandalf (frodo@gandalf) (gcc 14) #1 SMP\n")
    tree.file("proc/cpuinfo", "processor\t: 0\nvendor_id\t: AuthenticAMD\nflags\t\t: fpu svm\n\n" * 200)
    tree.file("proc/self/mountinfo", f"22 1 259:2 / / rw - ext4 /dev/nvme0n1p2 rw\n{MOUNT_OF_A_PERSON}\n")
    tree.file("proc/net/route", ROUTES).file(
        "proc/self/status", "Name:\tpython\nUid:\t1000\t1000\nGroups:\t1000\n"
    )
    tree.file("proc/modules", "amdgpu 1 0 - Live 0xffffffffc0a00000\n")
    tree.file("etc/passwd", "root:x:0:0::/root:/bin/sh\nfrodo:x:1000:1000:Frodo B:/home/frodo:/bin/zsh\n")
    tree.file("etc/group", "root:x:0:\nlibvirt:x:115:frodo\nfrodo:x:1000:\n").file(
        "etc/hostname", "gandalf\n"
    )
    tree.file("etc/modprobe.d/frodo.conf", "# frodo on gandalf\noptions vfio-pci ids=1002:731f\n")
    tree.file("etc/kernel/cmdline", f"root=UUID={ROOT_UUID} rd.luks.options=password=hunter2\n")
    tree.file("etc/os-release", "ID=arch\nNAME=Arch\n")
    tree.file(
        f"boot/loader/entries/{MACHINE_ID}-6.12.9-gandalf.conf", "title Arch\nlinux /l\noptions quiet\n"
    )
    tree.file(f"{EFIVARS}/{LOADER_INFO}", efi_text("systemd-boot 256"))
    tree.file(f"{EFIVARS}/{SELECTED}", efi_text(f"{MACHINE_ID}-6.12.9-gandalf.conf"))
    tree.file(
        "lib/modules/6.12.9-gandalf/modules.builtin", "kernel/drivers/vfio/vfio.ko\nkernel/fs/ext4.ko\n"
    )
    tree.file("boot/config-6.12.9-gandalf", 'CONFIG_VFIO=m\nCONFIG_BUILD_SALT="frodo"\nCONFIG_KVM=y\n')
    tree.file("boot/vmlinuz-6.12.9-gandalf", "").link(f"dev/disk/by-id/nvme-Samsung_{SERIAL}", "dev/nvme0n1")
    tree.file("sys/class/dmi/id/product_serial", SERIAL).file("sys/class/dmi/id/board_name", "X570\n")
    return tree.file("sys/firmware/acpi/tables/IVRS", b"IVRS")


CLOSED = (
    "sys/class/dmi/id/product_serial",
    "sys/class/net/eth0/address",
    "sys/class/drm/card0-DP-1/edid",
    "sys/bus/pci/devices/0000:01:00.0/vpd",
    "dev/disk/by-id",
    "etc/machine-id",
    "etc/shadow",
    "home/frodo/.ssh/id_rsa",
    "run/libvirt/qemu/windows.xml",
    "proc/1/environ",
    "var/log/syslog",
)
MOUNT_OF_A_PERSON = "80 22 0:50 / /home/frodo/nas rw - fuse.sshfs frodo@10.0.0.7:/ rw"
ROUTES = (
    "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
    "enxa8a159dead01\t00000000\t0107A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
    "enxa8a159dead01\t0007A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
)


def probes(host: Host) -> HostFacts:
    """What a capture is made with."""
    return gather(host, holders=False, commands=True)


def without_source(facts: HostFacts) -> dict[str, Any]:
    """The facts but for where they are from."""
    return {name: value for name, value in facts._asdict().items() if name != "source"}


class Witness:
    """Asks a host and keeps each question with its answer."""

    def __init__(self, host: Host) -> None:
        self.inner = host
        self.heard: list[tuple[str, tuple[Any, ...], Any]] = []

    @property
    def live(self) -> bool:
        return self.inner.live

    @property
    def label(self) -> str:
        return self.inner.label

    @property
    def kind(self) -> str:
        return self.inner.kind

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        def ask(*arguments: Any) -> Any:
            answer = getattr(self.inner, verb)(*arguments)
            self.heard.append((verb, arguments, answer))
            return answer

        return ask


def test_every_question_is_answered_by_the_capture_as_it_was_by_the_machine(tmp_path: Path) -> None:
    recorder = RecordingHost(machine(tmp_path).host(), strict=True)
    witness: Any = Witness(recorder)
    probes(witness)
    replayed = CaptureHost(json.loads(json.dumps(capture_document(recorder))), "capture")
    assert len(witness.heard) > 200
    for verb, arguments, answer in witness.heard:
        assert getattr(replayed, verb)(*arguments) == answer, (verb, arguments)


def test_capture_and_machine_give_the_same_facts(tmp_path: Path) -> None:
    tree = machine(tmp_path)
    recorder = RecordingHost(tree.host(), strict=True)
    recorded = probes(recorder)
    replayed = probes(CaptureHost(capture_document(recorder), "capture"))
    assert without_source(recorded) == without_source(replayed)
    live = probes(tree.host())
    assert [one.address for one in _functions(replayed)] == [one.address for one in _functions(live)]
    assert [one.driver for one in _functions(replayed)] == [one.driver for one in _functions(live)]
    assert (replayed.cpu.vendor, replayed.cpu.flags) == (live.cpu.vendor, live.cpu.flags)
    assert replayed.iommu.groups == live.iommu.groups
    assert replayed.disks == live.disks
    assert replayed.kernel.config == live.kernel.config
    assert isinstance(replayed.boot.loader, type(live.boot.loader))
    assert getattr(replayed.boot.loader, "name", None) == getattr(live.boot.loader, "name", None)


@pytest.mark.parametrize("kind", ["directory", "live"])
def test_capture_and_machine_give_the_same_findings(tmp_path: Path, kind: str) -> None:
    host = machine(tmp_path).host() if kind == "directory" else RootHost()
    replayed = run_checks(probes(CaptureHost.parse(capture_text(host, probes), "capture")))
    seen = run_checks(probes(host))
    brief = [(one.id, one.outcome.status, _redacted(one.outcome.subject)) for one in seen]
    assert brief == [(one.id, one.outcome.status, one.outcome.subject) for one in replayed]
    assert len(brief) > 15


def _redacted(subject: str | None) -> str | None:
    return subject and subject.replace("gandalf", "HOST")


def _functions(facts: HostFacts) -> tuple[Any, ...]:
    assert isinstance(facts.pci, tuple)
    return facts.pci


def test_nothing_private_is_in_the_file(tmp_path: Path) -> None:
    text = capture_text(machine(tmp_path).host(), probes)
    packed = base64.b64encode(MACHINE_ID.encode("utf-16-le")).decode()[:24]
    for secret in (*PRIVATE, packed, "Frodo"):
        assert secret not in text, secret
    assert leaks(json.loads(text)) == []


def test_relations_survive_redaction(tmp_path: Path) -> None:
    replayed = CaptureHost.parse(capture_text(machine(tmp_path).host(), probes), "capture")
    facts = probes(replayed)
    assert facts.virt.libvirt_group == ("USER-1",)
    assert not isinstance(facts.virt.user, Unread)
    assert facts.virt.user.name == "USER-1"
    assert "libvirt" in facts.virt.user.groups
    assert isinstance(facts.network, tuple)
    (link,) = facts.network
    assert (link.name, link.default_route) == ("enxMAC-1", True)
    assert facts.kernel.release == "6.12.9-HOST"
    assert [one.release for one in facts.kernels if one.running] == ["6.12.9-HOST"]  # type: ignore[union-attr]
    assert isinstance(replayed.text("boot/loader/entries/UUID-2-6.12.9-HOST.conf"), str)


def test_a_capture_of_a_capture_is_the_same(tmp_path: Path) -> None:
    once = capture(machine(tmp_path).host(), probes)
    twice = capture(CaptureHost(once, "capture"), probes)
    assert json.dumps(once, sort_keys=True) == json.dumps(twice, sort_keys=True)


def test_the_running_user_and_host_are_not_named() -> None:
    text = capture_text(RootHost(), probes)
    names = {os.uname().nodename, os.environ.get("SUDO_USER", ""), os.environ.get("USER", "")}
    telling = [name for name in names if len(name) > 2 and name not in ("root", "localhost", "debian")]
    for name in telling:
        assert f" {name} " not in text
        assert f'"{name}"' not in text
    assert leaks(json.loads(text)) == []


def test_this_machine_and_its_capture_give_the_same_facts() -> None:
    recorder = RecordingHost(RootHost(), strict=True)
    recorded = probes(recorder)
    assert without_source(recorded) == without_source(probes(CaptureHost(capture_document(recorder), "c")))


def test_a_capture_is_neither_live_nor_can_be_changed() -> None:
    host = CaptureHost({"schema": SCHEMA}, "x.json")
    assert not host.live
    assert not RecordingHost(RootHost()).live
    for record in (host, RecordingHost(RootHost())):
        with pytest.raises(NotLiveError):
            require_live(record, "apply")


def test_what_was_not_asked_is_untold_and_what_was_absent_is_absent(tmp_path: Path) -> None:
    recorder = RecordingHost(SysfsTree(tmp_path).file("etc/hosts", "x").host())
    recorder.text("etc/modules")
    replayed = CaptureHost(capture_document(recorder), "c")
    assert replayed.text("etc/modules") == Unread("etc/modules", Gap.ABSENT)
    assert replayed.stat("etc/modules") == Unread("etc/modules", Gap.ABSENT)
    for answer in (replayed.text("etc/NIXOS"), replayed.names("etc"), replayed.run(Command(("dmesg",)))):
        assert isinstance(answer, Unread)
        assert answer.gap is Gap.UNTOLD


def test_denial_is_kept_for_the_verb_that_met_it() -> None:
    class Closed(RootHost):
        """A machine whose ACPI table is there and cannot be read."""

        def text(self, path: str, limit: int = 1 << 20) -> str | Unread:
            assert limit
            return Unread(path, Gap.DENIED, "run as root")

    recorder = RecordingHost(Closed())
    path = "proc/cmdline"
    assert recorder.text(path) == Unread(path, Gap.DENIED, "run as root")
    seen = recorder.stat(path)
    replayed = CaptureHost(capture_document(recorder), "c")
    assert replayed.text(path) == Unread(path, Gap.DENIED, "run as root")
    assert replayed.stat(path) == seen


def test_a_path_off_the_allow_list_is_untold_or_refused(tmp_path: Path) -> None:
    tree = machine(tmp_path)
    loose = RecordingHost(tree.host())
    for path in CLOSED:
        for answer in (loose.text(path), loose.stat(path), loose.data(path), loose.lines(path, ("",))):
            assert isinstance(answer, Unread)
            assert answer.gap is Gap.UNTOLD
        with pytest.raises(WizardError, match="not on the allow-list"):
            RecordingHost(tree.host(), strict=True).text(path)
    assert SERIAL not in json.dumps(capture_document(loose))


def test_climbing_does_not_get_around_the_allow_list() -> None:
    assert Matcher().treatment("sys/bus/pci/devices/../../../../etc/shadow") is None
    assert Matcher().treatment("boot/grub/../../home/x") is None


def test_lines_of_several_questions_replay_for_each_of_them(tmp_path: Path) -> None:
    recorder = RecordingHost(machine(tmp_path).host())
    path = "boot/config-6.12.9-HOST"
    recorder.text("proc/sys/kernel/osrelease")
    assert recorder.lines(path, ("CONFIG_KVM=",)) == ("CONFIG_KVM=y",)
    assert recorder.lines(path, ("CONFIG_VFIO=",)) == ("CONFIG_VFIO=m",)
    replayed = CaptureHost(capture_document(recorder), "c")
    assert replayed.lines(path, ("CONFIG_KVM=",)) == ("CONFIG_KVM=y",)
    assert replayed.lines(path, ("CONFIG_VFIO=", "CONFIG_KVM=")) == ("CONFIG_VFIO=m", "CONFIG_KVM=y")
    never_asked = replayed.lines(path, ("CONFIG_BUILD_SALT=",))
    assert isinstance(never_asked, Unread)
    assert never_asked.gap is Gap.UNTOLD


def test_more_bytes_than_were_recorded_are_untold(tmp_path: Path) -> None:
    path = "sys/bus/pci/devices/0000:01:00.0/config"
    tree = machine(tmp_path)
    tree.file(f"{tree.device(GPU)}/config", bytes(range(256)) * 16)
    recorder = RecordingHost(tree.host())
    assert recorder.data(path, 64) == bytes(range(64))
    replayed = CaptureHost(capture_document(recorder), "c")
    assert replayed.data(path, 16) == bytes(range(16))
    more = replayed.data(path, 128)
    assert isinstance(more, Unread)
    assert more.gap is Gap.UNTOLD


def test_only_lines_of_the_kernel_log_that_matter_are_kept() -> None:
    class Talking(RootHost):
        """A machine with a kernel log."""

        def run(self, command: Command) -> str | Unread:
            assert command.argv == ("dmesg",)
            return f"[1.0] usb 1-2: SerialNumber: {SERIAL}\n[1.1] DMAR: IOMMU enabled\n[2] {MAC} iommu\n"

    recorder = RecordingHost(Talking())
    told = recorder.run(Command(("dmesg",)))
    assert told == "[1.1] DMAR: IOMMU enabled\n[2] MAC-1 iommu"
    assert CaptureHost(capture_document(recorder), "c").run(Command(("dmesg",))) == told


def test_every_word_that_the_probe_wants_from_the_log_is_kept() -> None:
    lost = [word for word in WANTED_WORDS if not any(kept in word.lower() for kept in LOG_WORDS)]
    assert lost == []


def test_every_sign_of_a_boot_chain_may_be_captured() -> None:
    matcher = Matcher()
    proofs = (*bootchain.LOADER_PROOFS, *bootchain.LOADER_TRACES, *bootchain.GENERATOR_PROOFS)
    signs = [sign for proof in proofs for sign in proof.signs]
    paths = {
        where for sign in signs if sign.kind in ("path", "absent", "line", "no-line") for where in sign.where
    }
    assert len(paths) > 20
    assert [path for path in sorted(paths) if matcher.treatment(path) is None] == []


def test_a_capture_with_a_private_value_is_not_written(tmp_path: Path) -> None:
    def careless(host: Host) -> None:
        assert isinstance(host, RecordingHost)
        host.sections["files"]["etc/motd"] = f"welcome, {MAC}"

    with pytest.raises(WizardError, match="not written, since it still holds what may be private"):
        capture(SysfsTree(tmp_path).host(), careless)


def test_a_capture_is_sorted_reviewable_and_plain(tmp_path: Path) -> None:
    text = capture_text(machine(tmp_path).host(), probes, note="a desktop made for a test")
    document = json.loads(text)
    assert text.isascii()
    assert list(document) == sorted(document)
    assert (document["schema"], document["note"]) == (SCHEMA, "a desktop made for a test")
    assert document["tool"]["name"] == "vfio-wizard"
    assert max(map(len, text.splitlines())) < 1000


def test_reading_a_capture_takes_milliseconds() -> None:
    paths = [
        f"sys/bus/pci/devices/0000:{bus:02x}:00.0/{name}"
        for bus in range(51)
        for name in "abcdefghijklmnopqrstuvwxyzABCD"
    ]
    text = json.dumps({"schema": SCHEMA, "files": dict.fromkeys(paths, "0x1002")})

    def once() -> float:
        started = time.perf_counter()
        host = CaptureHost.parse(text, "c")
        assert all(host.text(path) == "0x1002" for path in paths)
        return time.perf_counter() - started

    assert min(once() for _ in range(5)) < 0.02


def test_a_capture_is_written_whole_and_readable_by_all(tmp_path: Path) -> None:
    place = tmp_path / "host.json"
    place.write_text("an older one")
    write_capture(machine(tmp_path / "root").host(), probes, str(place))
    assert CaptureHost.parse(place.read_text(), "c").text("etc/os-release") == "ID=arch\nNAME=Arch"
    assert place.stat().st_mode & 0o777 == 0o644 & ~_umask()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["host.json", "root"]


def test_a_capture_to_standard_output_is_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    host = machine(tmp_path).host()
    write_capture(host, probes, "-")
    assert capsys.readouterr().out == capture_text(host, probes)


def test_what_is_no_file_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole(str(pipe), b"told")
        assert os.read(reader, 10) == b"told"
    finally:
        os.close(reader)
    assert pipe.is_fifo()
    assert [one.name for one in tmp_path.iterdir()] == ["pipe"]


def test_a_place_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    with pytest.raises(WizardError, match=r"cannot write .*no such file or directory"):
        write_capture(machine(tmp_path).host(), probes, str(tmp_path / "no/where.json"))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
