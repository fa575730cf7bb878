"""Hosts as file trees: links stay inside the root, and each gap is told apart."""

from __future__ import annotations

import errno
import gzip
import os
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vfio_wizard.model.errors import NotLiveError
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.system import commands
from vfio_wizard.system.host import Command, Host, RootHost, chosen_lines, require_live

NOBODY = 65534


def gap_of(answer: object) -> Gap:
    """The gap of an answer that must be one."""
    assert isinstance(answer, Unread), answer
    return answer.gap


def write(root: Path, path: str, content: str | bytes = "") -> Path:
    """A file below a root."""
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content.encode() if isinstance(content, str) else content)
    return place


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Give up root for a while, where the tests run as root."""
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_root() -> Iterator[Path]:
    """A directory that an ordinary user may enter, unlike those that root's pytest makes."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        yield root


def test_absolute_links_stay_inside_the_root(tmp_path: Path) -> None:
    write(tmp_path, "nix/store/abc-os/os-release", "ID=nixos\n")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/static").symlink_to("/nix/store/abc-os")
    (tmp_path / "etc/os-release").symlink_to("/etc/static/os-release")
    host = RootHost(str(tmp_path))
    assert host.text("etc/os-release") == "ID=nixos"
    assert host.link("etc/os-release") == "nix/store/abc-os/os-release"
    assert host.names("etc/static") == ("os-release",)


def test_climbing_links_end_at_the_root(tmp_path: Path) -> None:
    write(tmp_path / "root", "secret", "inside")
    write(tmp_path, "secret", "outside")
    (tmp_path / "root/up").symlink_to("../../../../../secret")
    host = RootHost(str(tmp_path / "root"))
    assert host.text("up") == "inside"
    assert host.text("../secret") == "inside"
    assert host.link("up") == "secret"


def test_a_link_out_of_the_tree_reads_nothing_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").symlink_to("/../../../etc/passwd")
    (tmp_path / "etc/hosts").symlink_to("/proc/self/environ")
    host = RootHost(str(tmp_path))
    assert gap_of(host.text("etc/passwd")) is Gap.MALFORMED  # it leads to itself
    assert gap_of(host.text("etc/hosts")) is Gap.UNTOLD


def test_looping_links_are_malformed(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "c").symlink_to("c/c/c/c")
    host = RootHost(str(tmp_path))
    for path in ("a", "b", "a/x", "c", "c/d"):
        assert gap_of(host.text(path)) is Gap.MALFORMED
        assert gap_of(host.names(path)) is Gap.MALFORMED
        assert gap_of(host.stat(path)) is Gap.MALFORMED


def test_forty_links_in_a_row_are_followed_and_more_are_not(tmp_path: Path) -> None:
    write(tmp_path, "0", "end")
    for number in range(1, 60):
        (tmp_path / str(number)).symlink_to(str(number - 1))
    assert RootHost(str(tmp_path)).text("40") == "end"
    assert gap_of(RootHost(str(tmp_path)).text("59")) is Gap.MALFORMED


def test_links_of_sysfs_are_resolved_from_where_they_really_stand(tmp_path: Path) -> None:
    device = tmp_path / "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0"
    device.mkdir(parents=True)
    (device / "driver").symlink_to("../../../../bus/pci/drivers/vfio-pci")
    bus = tmp_path / "sys/bus/pci/devices"
    bus.mkdir(parents=True)
    (bus / "0000:01:00.0").symlink_to("../../../devices/pci0000:00/0000:00:01.0/0000:01:00.0")
    host = RootHost(str(tmp_path))
    assert host.link("sys/bus/pci/devices/0000:01:00.0/driver") == "sys/bus/pci/drivers/vfio-pci"
    assert host.link("sys/bus/pci/devices/0000:01:00.0") == "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0"


def test_a_link_whose_target_is_missing_is_still_named(tmp_path: Path) -> None:
    (tmp_path / "driver").symlink_to("bus/pci/drivers/nouveau")
    assert RootHost(str(tmp_path)).link("driver") == "bus/pci/drivers/nouveau"


def test_what_is_no_link_is_malformed_as_a_link(tmp_path: Path) -> None:
    write(tmp_path, "file")
    answer = RootHost(str(tmp_path)).link("file")
    assert answer == Unread("file", Gap.MALFORMED, "not a link")


def test_half_a_tree_says_nothing_of_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "sys/bus/pci/devices").mkdir(parents=True)
    host = RootHost(str(tmp_path))
    for path in ("sys/kernel/iommu_groups", "proc/cmdline", "etc/default/grub"):
        for answer in (host.text(path), host.names(path), host.stat(path), host.link(path)):
            assert gap_of(answer) is Gap.UNTOLD
    assert gap_of(host.names("sys/bus/pci/drivers")) is Gap.ABSENT
    assert gap_of(host.text("sys/kernel")) is Gap.ABSENT


def test_empty_mount_points_of_a_mounted_disk_tell_nothing(tmp_path: Path) -> None:
    for name in ("sys", "proc", "dev", "run", "etc"):
        (tmp_path / name).mkdir()
    host = RootHost(str(tmp_path))
    assert gap_of(host.text("proc/cmdline")) is Gap.UNTOLD
    assert gap_of(host.names("proc")) is Gap.UNTOLD
    assert gap_of(host.stat("dev/kvm")) is Gap.UNTOLD
    assert gap_of(host.text("etc/hostname")) is Gap.ABSENT
    assert host.names("etc") == ()


def test_this_machine_answers_absent_for_what_it_lacks() -> None:
    host = RootHost()
    assert gap_of(host.text("no/such/file")) is Gap.ABSENT
    assert gap_of(host.names("no-such-directory")) is Gap.ABSENT


def test_a_closed_file_is_denied_and_not_absent(open_root: Path) -> None:
    write(open_root, "closed", "x").chmod(0)
    (open_root / "shut").mkdir(mode=0o700)
    write(open_root, "shut/file", "x")
    host = RootHost(str(open_root))
    with ordinary_user():
        answers = [host.text("closed"), host.data("closed"), host.text("shut/file"), host.names("shut")]
    assert [gap_of(answer) for answer in answers] == [Gap.DENIED] * 4


def test_a_long_file_is_malformed_quickly(tmp_path: Path) -> None:
    write(tmp_path, "vendor", b"0" * (10 << 20))
    started = time.perf_counter()
    answer = RootHost(str(tmp_path)).text("vendor")
    assert time.perf_counter() - started < 0.5
    assert answer == Unread("vendor", Gap.MALFORMED, f"longer than {1 << 20} bytes")


def test_data_and_head_give_the_beginning_of_a_long_file(tmp_path: Path) -> None:
    write(tmp_path, "config", b"0123456789" * 10)
    host = RootHost(str(tmp_path))
    assert host.data("config", 4) == b"0123"
    assert host.head("config", 12) == "012345678901"


def test_pipes_sockets_and_devices_are_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "sock"))
    host = RootHost(str(tmp_path))
    started = time.perf_counter()
    assert host.text("pipe") == Unread("pipe", Gap.MALFORMED, "not a file but a pipe")
    assert host.data("pipe") == Unread("pipe", Gap.MALFORMED, "not a file but a pipe")
    assert host.text("sock") == Unread("sock", Gap.MALFORMED, "not a file but a socket")
    assert RootHost().text("dev/zero") == Unread("dev/zero", Gap.MALFORMED, "not a file but a char")
    assert time.perf_counter() - started < 0.5


def test_directories_and_files_are_told_apart(tmp_path: Path) -> None:
    write(tmp_path, "d/f", "x")
    host = RootHost(str(tmp_path))
    assert host.text("d") == Unread("d", Gap.MALFORMED, "not a file but a directory")
    assert host.names("d/f") == Unread("d/f", Gap.MALFORMED, "not a directory")
    seen = host.stat("d")
    assert not isinstance(seen, Unread)
    assert seen.kind == "directory"


@pytest.mark.parametrize("code", [errno.ENODEV, errno.ENXIO, errno.ENOENT, errno.ESRCH])
def test_a_function_that_vanishes_while_it_is_read_is_absent(code: int) -> None:
    assert gap_of(RootHost()._gap("sys/x", OSError(code, "gone"))) is Gap.ABSENT


def test_a_file_whose_reading_fails_is_malformed() -> None:
    answer = RootHost().text("proc/self/mem")  # its first page is not mapped
    assert answer == Unread("proc/self/mem", Gap.MALFORMED, "input/output error")


@pytest.mark.parametrize("path", ["a\0b", "a\ud800b", "x" * 5000, "", "/", "..", "../../..", "./.", "a//b"])
def test_impossible_paths_are_gaps_and_never_exceptions(tmp_path: Path, path: str) -> None:
    (tmp_path / "root").mkdir()
    for host in (RootHost(str(tmp_path / "root")), RootHost()):
        for answer in (host.text(path), host.data(path), host.link(path)):
            assert isinstance(answer, Unread)
        host.names(path)
        host.stat(path)


@given(path=st.text(max_size=30))
def test_no_path_leads_out_of_the_root(path: str) -> None:
    host = RootHost("/nonexistent-root-of-a-test")
    assert isinstance(host.text(path), Unread)
    assert isinstance(host.names(path), Unread)


def test_text_is_decoded_leniently_and_trimmed(tmp_path: Path) -> None:
    write(tmp_path, "a", b"caf\xe9 \xe2\x82\xac\n\n")
    write(tmp_path, "b", b"compatible\0")
    write(tmp_path, "c", b"")
    host = RootHost(str(tmp_path))
    assert host.text("a") == "caf\\xe9 \N{EURO SIGN}"
    assert host.text("b") == "compatible"
    assert host.text("c") == ""


def test_names_that_are_not_utf8_can_be_shown(tmp_path: Path) -> None:
    with open(os.fsencode(tmp_path) + b"/x\xff", "wb"):  # noqa: PTH123 - a name that no str path spells
        pass
    assert RootHost(str(tmp_path)).names("") == ("x\\xff",)


def test_lines_are_chosen_from_packed_files_too(tmp_path: Path) -> None:
    text = "# a comment\nCONFIG_VFIO=m\nCONFIG_KVM=y\n"
    write(tmp_path, "config", text)
    write(tmp_path, "config.gz", gzip.compress(text.encode()))
    write(tmp_path, "broken.gz", "CONFIG_VFIO=m\n")
    host = RootHost(str(tmp_path))
    for path in ("config", "config.gz"):
        assert host.lines(path, ("CONFIG_VFIO=",)) == ("CONFIG_VFIO=m",)
        assert host.lines(path, (), ("KVM",)) == ("CONFIG_KVM=y",)
    assert host.lines("broken.gz", ("CONFIG",)) == Unread("broken.gz", Gap.MALFORMED, "not in gzip form")


@given(
    lines=st.lists(st.text(alphabet="ab:\0", max_size=6), max_size=12),
    starts=st.lists(st.text(alphabet="ab:", max_size=3), max_size=3),
    holds=st.lists(st.text(alphabet="ab:", max_size=3), max_size=3),
)
def test_chosen_lines_are_those_that_start_or_hold(
    lines: list[str], starts: list[str], holds: list[str]
) -> None:
    text = "\n".join(lines)
    parts = text.replace("\0", "\n").split("\n")
    expected = [one for one in parts if one.startswith(tuple(starts)) or any(hold in one for hold in holds)]
    assert chosen_lines(text, tuple(starts), tuple(holds)) == tuple(expected)


def test_only_this_machine_is_live(tmp_path: Path) -> None:
    assert RootHost().live
    assert RootHost().kind == "live"
    assert not RootHost(str(tmp_path)).live
    assert not RootHost("/", is_record=True).live
    assert RootHost("/", is_record=True).label == "/"


def test_a_record_cannot_be_changed(tmp_path: Path) -> None:
    require_live(RootHost(), "apply the plan")
    with pytest.raises(NotLiveError, match=r"cannot apply the plan on .*it is a record, not this machine"):
        require_live(RootHost(str(tmp_path)), "apply the plan")
    with pytest.raises(NotLiveError):
        require_live(RootHost("/", is_record=True), "apply the plan")


def test_a_directory_runs_nothing(tmp_path: Path) -> None:
    assert gap_of(RootHost(str(tmp_path)).run(Command(("dmesg",)))) is Gap.UNTOLD


def test_only_commands_of_the_table_are_run(tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    host: Host = RootHost()
    assert gap_of(host.run(Command(("touch", str(witness))))) is Gap.UNTOLD
    assert gap_of(host.run(Command(("dmesg", "--clear")))) is Gap.UNTOLD
    assert gap_of(host.run(Command(("sh", "-c", f"touch {witness}")))) is Gap.UNTOLD
    assert not witness.exists()


def test_a_command_of_the_table_answers_with_its_output() -> None:
    assert RootHost().run(Command(("uname", "-r"))) == os.uname().release


def test_a_command_that_is_not_installed_is_absent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(commands, "_PATH", str(tmp_path))
    answer = RootHost().run(Command(("swtpm", "--version")))
    assert answer == Unread("swtpm --version", Gap.ABSENT, "swtpm is not installed")


def test_a_command_that_hangs_or_fails_is_a_gap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, body in (
        ("dmesg", "echo 'dmesg: Operation not permitted' >&2; exit 1"),
        ("uname", "exec /bin/sleep 5"),
    ):
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(commands, "_PATH", str(tmp_path))
    assert gap_of(RootHost().run(Command(("dmesg",)))) is Gap.DENIED
    late = RootHost().run(Command(("uname", "-r"), timeout=0.2))
    assert late == Unread("uname -r", Gap.MALFORMED, "no answer in 0.2 s")
