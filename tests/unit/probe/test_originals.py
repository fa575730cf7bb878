"""The exact texts: every byte comes back, what could not be read is known to be there."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.probe.boot_trees import Tree
from vfio_wizard.knowledge.changes import ENROLLED, LIMINE_HASH, ZFS_COMMAND, ZFS_TOLD
from vfio_wizard.model.facts import BootLoader
from vfio_wizard.model.originals import Originals, is_closed, is_there
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.probe.gather import gather
from vfio_wizard.probe.originals import read_originals
from vfio_wizard.system.capture import CaptureHost, capture_text
from vfio_wizard.system.commands import COMMANDS
from vfio_wizard.system.host import TEXT_LIMIT, Command, Host, RootHost


def originals(host: Host) -> Originals:
    return read_originals(host, gather(host))


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"a", b"a\r\nb\r\n", b"caf\xe9 \xff\xfe", "ü\n".encode(), b"a\n\n\n"],
)
def test_every_byte_comes_back(content: bytes, tmp_path: Path) -> None:
    host = Tree(tmp_path).put("etc/default/grub", content).host
    text = originals(host)["etc/default/grub"]
    assert text.encode("utf-8", "surrogateescape") == content


@given(st.binary(max_size=40).filter(lambda content: b"\0" not in content))
def test_texts_survive_json_and_come_back(content: bytes) -> None:
    text = content.decode("utf-8", "surrogateescape")
    assert json.loads(json.dumps(text)).encode("utf-8", "surrogateescape") == content


@pytest.mark.parametrize("content", [b"a\0b", b"x" * (TEXT_LIMIT + 1)], ids=["NUL", "too long"])
def test_what_is_no_text_is_only_there(content: bytes, tmp_path: Path) -> None:
    found = originals(Tree(tmp_path).put("etc/default/grub", content).host)
    assert "etc/default/grub" not in found
    assert is_closed(found, "etc/default/grub")


class Closed(RootHost):
    """A host on which the EFI partition is closed."""

    def data(self, path: str, limit: int = TEXT_LIMIT) -> bytes | Unread:
        return Unread(path, Gap.DENIED) if path == "etc/kernel/cmdline" else super().data(path, limit)


def test_a_closed_file_is_not_taken_for_a_missing_one(tmp_path: Path) -> None:
    Tree(tmp_path).put("etc/kernel/cmdline", "root=1\n")
    found = originals(Closed(str(tmp_path)))
    assert is_closed(found, "etc/kernel/cmdline")
    assert not is_there(found, "etc/default/grub")


def test_folders_give_the_names_that_are_read(tmp_path: Path) -> None:
    tree = Tree(tmp_path).put("etc/default/grub.d/a.cfg", "A=1\n").put("etc/default/grub.d/a.cfg.bak", "no\n")
    tree.put("boot/vmlinuz-6.1").put("usr/lib/modules/6.2/vmlinuz").put("efi/loader/entries/a.conf", "x\n")
    found = originals(tree.host)
    assert found["etc/default/grub.d/a.cfg"] == "A=1\n"
    assert "etc/default/grub.d/a.cfg.bak" not in found
    assert {"boot/vmlinuz-6.1", "usr/lib/modules/6.2/vmlinuz"} <= found.there
    assert found["efi/loader/entries/a.conf"] == "x\n"


def test_a_capture_shows_what_it_holds(tmp_path: Path) -> None:
    tree = (
        Tree(tmp_path)
        .os("debian")
        .running("BOOT_IMAGE=/vmlinuz root=1 quiet")
        .put("etc/default/grub", "A=1\n")
    )
    tree.put("boot/grub/grub.cfg", "x\n").tools("grub-mkconfig")
    host = CaptureHost.parse(capture_text(tree.host, gather), "x")
    found = read_originals(host, gather(host))
    assert found["etc/default/grub"] == "A=1\n"
    assert "boot/grub/grub.cfg" in found.there


def test_pasted_files_are_told_from_the_facts(tmp_path: Path) -> None:
    facts = gather(Tree(tmp_path).host)._replace(files=(("etc/default/grub", "A=1"),))
    assert read_originals(None, facts) == {"etc/default/grub": "A=1\n"}


@pytest.mark.parametrize(("digits", "enrolled"), [(b"0" * 128, False), (b"ab" * 64, True)])
def test_the_hash_that_limine_insists_on_is_seen(digits: bytes, enrolled: bool, tmp_path: Path) -> None:
    program = b"MZ\0\0" + os.urandom(50) + LIMINE_HASH + digits + b"\0end"
    found = originals(Tree(tmp_path).put("boot/EFI/limine/BOOTX64.EFI", program).host)
    assert (set(found[f"boot/EFI/limine/BOOTX64.EFI{ENROLLED}"]) != {"0"}) is enrolled


class Zfs(RootHost):
    """A host whose zfs answers."""

    def run(self, command: Command) -> str | Unread:
        return "a\tb\tlocal" if command.argv == ZFS_COMMAND else super().run(command)


def test_zfs_is_asked_only_where_zfsbootmenu_starts_the_system(tmp_path: Path) -> None:
    host = Zfs(str(Tree(tmp_path).root))
    facts = gather(host)
    assert ZFS_TOLD not in read_originals(host, facts)
    menu = facts._replace(boot=facts.boot._replace(loader=BootLoader("zfsbootmenu", ())))
    assert read_originals(host, menu)[ZFS_TOLD] == "a\tb\tlocal"
    assert ZFS_COMMAND in COMMANDS
