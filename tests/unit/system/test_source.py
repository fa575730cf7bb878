"""What ``--host`` may name, and the one line for what it may not."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import pytest

from vfio_wizard.model.errors import UsageError
from vfio_wizard.system.capture import SCHEMA, CaptureHost
from vfio_wizard.system.host import RootHost
from vfio_wizard.system.source import TextSource, open_source

LISTING = "IOMMU Group 1:\n\t00:01.0 PCI bridge [0604]: Intel [8086:1901]\n"
CAPTURE = json.dumps({"files": {"proc/version": "Linux"}, "schema": SCHEMA})


def refusal(argument: str) -> str:
    """The message with which a source is refused."""
    with pytest.raises(UsageError) as caught:
        open_source(argument)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def texts(argument: str) -> TextSource:
    """A source that must be texts."""
    source = open_source(argument)
    assert isinstance(source, TextSource)
    return source


def test_nothing_named_is_this_machine() -> None:
    source = open_source(None)
    assert isinstance(source, RootHost)
    assert source.live


@pytest.mark.parametrize("name", ["sys", "proc", "etc"])
def test_a_directory_with_a_root_in_it_is_a_machine(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / "notes.txt").write_text("x")
    source = open_source(str(tmp_path))
    assert isinstance(source, RootHost)
    assert (source.live, source.kind, source.label) == (False, "directory", str(tmp_path))


@pytest.mark.parametrize("spelling", ["/", "//", "/.", "/../"])
def test_this_machine_named_as_a_directory_cannot_be_changed(spelling: str) -> None:
    source = open_source(spelling)
    assert isinstance(source, RootHost)
    assert not source.live
    assert isinstance(source.text("proc/version"), str)


def test_a_folder_of_texts_is_read_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "lspci.txt").write_text("00:00.0 Host bridge")
    (tmp_path / "facter.json").write_text('{"version": 1, "hardware": {}}')
    (tmp_path / "about.json").write_text('{"machine": "mine"}')
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\0\0")
    (tmp_path / "state-two").mkdir()
    os.mkfifo(tmp_path / "pipe")
    source = texts(str(tmp_path))
    assert [label for label, _ in source.parts] == ["facter.json", "lspci.txt"]
    assert source.ignored == ("about.json", "empty.txt", "picture.png", "pipe", "state-two")


def test_of_a_huge_folder_only_so_much_is_read(tmp_path: Path) -> None:
    for number in range(80):
        (tmp_path / f"{number:02}.txt").write_text("x")
    (tmp_path / "00.txt").write_text("x" * (3 << 20))
    source = texts(str(tmp_path))
    assert len(source.parts) == 64
    assert "00.txt" in source.ignored


def test_an_empty_directory_says_what_was_looked_for(tmp_path: Path) -> None:
    assert "holds neither a root (sys/, proc/ or etc/) nor text files" in refusal(str(tmp_path))


def test_an_unpacked_or_packed_archive_gets_a_hint(tmp_path: Path) -> None:
    (tmp_path / "machine/sys").mkdir(parents=True)
    assert refusal(str(tmp_path)).endswith(f"; {tmp_path}/machine does")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/sysfs.tar.bz2").write_bytes(b"BZh9\0\0")
    assert refusal(str(tmp_path / "other")).endswith("; unpack sysfs.tar.bz2 first")


def test_a_capture_file_is_replayed(tmp_path: Path) -> None:
    place = tmp_path / "host.json"
    place.write_text(CAPTURE)
    source = open_source(str(place))
    assert isinstance(source, CaptureHost)
    assert source.text("proc/version") == "Linux"
    assert source.label == str(place)


def test_any_other_text_is_left_to_the_readers(tmp_path: Path) -> None:
    place = tmp_path / "iommu.txt"
    place.write_text(LISTING)
    assert texts(str(place)).parts == (("iommu.txt", LISTING),)
    place.write_bytes(LISTING.encode("utf-16"))
    assert texts(str(place)).parts == (("iommu.txt", LISTING),)


def test_standard_input_may_hold_either(monkeypatch: pytest.MonkeyPatch) -> None:
    def given(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    given(LISTING)
    assert texts("-").parts == (("standard input", LISTING),)
    given(CAPTURE)
    assert isinstance(open_source("-"), CaptureHost)
    given("  \n")
    assert refusal("-").startswith("standard input is empty")


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    assert "no such file or directory" in refusal(str(tmp_path / "nowhere"))
    (tmp_path / "binary").write_bytes(b"\x7fELF\0\0")
    assert "is binary" in refusal(str(tmp_path / "binary"))
    os.mkfifo(tmp_path / "pipe")
    assert "no regular file" in refusal(str(tmp_path / "pipe"))
    assert "no regular file" in refusal("/dev/null")


@pytest.mark.parametrize(
    "name", ["-oProxyCommand=touch x", "", "a b", "a;b", "$(x)", "a@b@c", "-l@host", "a\nb", "@x"]
)
def test_no_name_becomes_an_option_of_ssh(name: str) -> None:
    assert refusal(f"ssh://{name}").startswith("not a name for ssh: ")


def fake_ssh(directory: Path, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ssh that writes its arguments down and then does something."""
    program = directory / "ssh"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {directory}/asked\n{body}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}:/usr/bin:/bin")


def test_ssh_asks_for_a_capture_and_replays_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "answer").write_text(CAPTURE)
    fake_ssh(tmp_path, f"cat {tmp_path}/answer", monkeypatch)
    source = open_source("ssh://me@box.example")
    assert isinstance(source, CaptureHost)
    assert source.label == "ssh://me@box.example"
    asked = (tmp_path / "asked").read_text().split("\n")[:-1]
    assert asked == ["-o", "BatchMode=yes", "--", "me@box.example", "vfio-wizard", "capture", "-o", "-"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("exit 127", "vfio-wizard is not installed on box"),
        (
            "echo 'ssh: Could not resolve hostname box' >&2; exit 255",
            "ssh to box failed: ssh: Could not resolve",
        ),
        ("echo Welcome to box", "answered with something that is no capture"),
        ("exit 0", "ssh://box is empty"),
    ],
)
def test_a_machine_that_cannot_answer_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, message: str
) -> None:
    fake_ssh(tmp_path, body, monkeypatch)
    assert message in refusal("ssh://box")


def test_without_ssh_there_is_another_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "ssh is not installed here; take a capture there" in refusal("ssh://box")
