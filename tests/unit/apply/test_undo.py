"""Taking back: after others changed things, twice, from a rescue system, from an older version's journal."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.faults import tools
from tests.faults.machine import RELEASES
from tests.faults.trial import difference, snapshot
from tests.unit.apply.benches import Made
from vfio_wizard.apply import journal
from vfio_wizard.apply.disk import RootDisk
from vfio_wizard.apply.journal import JournalError

NEWER = "6.1.0-42-amd64"
HERE = Path(__file__).parent


@pytest.fixture
def made(tmp_path: Path) -> Made:
    made = Made(tmp_path)
    assert made.apply().failure is None
    return made


def same(made: Made) -> str:
    return difference(made.before, snapshot(made.root))


def kernel_update(made: Made) -> None:
    """A package brings a kernel: its image is built, the menu is made anew."""
    made.put(f"boot/vmlinuz-{NEWER}", "newer kernel")
    tools.update_initramfs(made.runner().pen, ())
    tools.update_grub(made.runner().pen, ())


def test_after_a_kernel_update_the_menu_is_made_again_and_the_new_kernel_stays(made: Made) -> None:
    kernel_update(made)
    undone = made.undo()
    assert undone is not None
    assert undone.complete
    assert undone.remade == ("update-initramfs -u -k all", "update-grub")
    menu = (made.root / "boot/grub/grub.cfg").read_text()
    assert NEWER in menu
    assert "vfio" not in menu
    assert b"vfio-wizard" not in (made.root / f"boot/initrd.img-{NEWER}").read_bytes()
    assert b"vfio-wizard" not in (made.root / f"boot/initrd.img-{RELEASES[0]}").read_bytes()


def test_a_kernel_that_was_removed_does_not_come_back(made: Made) -> None:
    old = RELEASES[0]
    for path in (f"boot/vmlinuz-{old}", f"boot/initrd.img-{old}", f"var/lib/initramfs-tools/{old}"):
        (made.root / path).unlink()
    tools.update_grub(made.runner().pen, ())
    undone = made.undo()
    assert undone is not None
    assert undone.complete
    assert not (made.root / f"boot/initrd.img-{old}").exists()
    assert old not in (made.root / "boot/grub/grub.cfg").read_text()


def test_a_file_that_somebody_edited_since_is_a_conflict_and_nothing_is_done(made: Made) -> None:
    path = made.root / "etc/initramfs-tools/modules"
    path.write_text(path.read_text() + "mine\n")
    before = snapshot(made.root)
    undone = made.undo()
    assert undone is not None
    assert [one.path for one in undone.conflicts] == ["etc/initramfs-tools/modules"]
    assert difference(before, snapshot(made.root)) == ""
    forced = made.undo(force=True)
    assert forced is not None
    assert forced.complete
    assert same(made) == ""


def test_a_drop_in_that_somebody_deleted_already_is_no_conflict(made: Made) -> None:
    (made.root / "etc/modprobe.d/vfio-wizard.conf").unlink()
    undone = made.undo()
    assert undone is not None
    assert undone.complete
    assert same(made) == ""


def test_a_generator_that_fails_in_an_undo_is_run_again_by_the_next(made: Made) -> None:
    kernel_update(made)
    made.tools["update-grub"] = lambda _pen, _argv: 1
    for _ in range(2):
        undone = made.undo()
        assert undone is not None
        assert undone.problems == ("update-grub failed with exit code 1",)
    made.tools["update-grub"] = tools.update_grub
    finished = made.undo()
    assert finished is not None
    assert finished.complete
    assert "vfio" not in (made.root / "boot/grub/grub.cfg").read_text()


def test_from_a_rescue_system_files_come_back_and_commands_are_named(made: Made) -> None:
    undone = made.undo(live=False)
    assert undone is not None
    assert undone.by_hand == ()
    assert same(made) == ""


def test_from_a_rescue_system_what_others_generated_is_named_for_the_installed_one(made: Made) -> None:
    kernel_update(made)
    undone = made.undo(live=False)
    assert undone is not None
    assert undone.by_hand == ("update-initramfs -u -k all", "update-grub")
    finished = made.undo()
    assert finished is not None
    assert finished.complete


def test_two_changes_are_taken_back_one_after_the_other(made: Made) -> None:
    first = snapshot(made.root)
    made.work = made.work._replace(
        changes=tuple(
            one._replace(content=one.content + b"# again\n", before=journal.hash_of(one.content))
            for one in made.work.changes
        ),
        runs=(),
    )
    assert made.apply().failure is None
    assert made.undo() is not None
    assert difference(first, snapshot(made.root)) == ""
    assert made.undo() is not None
    assert same(made) == ""


@pytest.mark.parametrize(
    "shell", [("dash",), ("busybox", "sh"), ("bash", "--posix")], ids=lambda words: words[0]
)
def test_the_script_needs_nothing_but_a_shell(shell: tuple[str, ...], made: Made) -> None:
    if shutil.which(shell[0]) is None:
        pytest.skip(f"{shell[0]} is not installed")
    folder = journal.numbers(made.disk)[0][1]
    done = subprocess.run(
        [*shell, f"{made.root}/{folder}/undo.sh"],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/bin:/bin"},
    )
    assert "files are as before the change" in done.stdout
    assert difference(_timeless(made), snapshot(made.root, times=False)) == ""
    finished = made.undo()
    assert finished is not None
    assert finished.complete


def test_the_script_leaves_alone_what_was_edited_and_says_so(made: Made) -> None:
    path = made.root / "etc/initramfs-tools/modules"
    path.write_text("mine\n")
    folder = journal.numbers(made.disk)[0][1]
    done = subprocess.run(
        ["dash", f"{made.root}/{folder}/undo.sh"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 4
    assert "left alone, since it changed after the change: /etc/initramfs-tools/modules" in done.stdout
    assert path.read_text() == "mine\n"
    subprocess.run(["dash", f"{made.root}/{folder}/undo.sh", "--force"], capture_output=True, check=True)
    assert difference(_timeless(made), snapshot(made.root, times=False)) == ""


def _timeless(made: Made) -> dict[str, tuple[str, str, int, int, int]]:
    return {path: (*entry[:4], 0) for path, entry in made.before.items()}


# -- journals of other versions, and damaged ones ---------------------------------------------------


def test_a_journal_of_the_first_version_is_taken_back(tmp_path: Path) -> None:
    """Kept as it was written by the version that had this form first: later ones must be able to undo it."""
    shutil.copytree(HERE / "journal-1", tmp_path / "root")
    root = tmp_path / "root"
    folder = root / "var/lib/vfio-wizard/transactions/0001"
    text = (folder / "journal.jsonl").read_text()
    mine = text.replace('"owner": 0', f'"owner": {os.geteuid()}').replace(
        '"group": 0', f'"group": {os.getegid()}'
    )
    (folder / "journal.jsonl").write_text(mine)
    disk = RootDisk(str(root))
    change = journal.transactions(disk)[0]
    assert change.status == journal.APPLIED
    from tests.unit.apply.benches import Listener  # noqa: PLC0415 - as above
    from vfio_wizard.apply.undo import undo_last  # noqa: PLC0415 - beside its only use

    undone = undo_last(disk, None, Listener())
    assert undone is not None
    assert undone.problems == ()
    assert undone.compared == 3
    assert (root / "etc/default/grub").read_text() == 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\n'
    assert (root / "boot/grub/grub.cfg").read_text() == "linux /vmlinuz quiet\n"
    assert not (root / "etc/modprobe.d/vfio-wizard.conf").exists()


def test_a_journal_of_a_later_version_is_refused_with_the_script_named(made: Made) -> None:
    folder = journal.numbers(made.disk)[0][1]
    place = made.root / folder / "journal.jsonl"
    place.write_text(place.read_text().replace("vfio-wizard/journal/1", "vfio-wizard/journal/9"))
    with pytest.raises(JournalError, match=r"another version .*undo\.sh"):
        made.undo()


def test_damage_in_the_middle_of_a_journal_is_not_passed_over(made: Made) -> None:
    folder = journal.numbers(made.disk)[0][1]
    place = made.root / folder / "journal.jsonl"
    lines = place.read_text().splitlines()
    lines[3] = lines[3][:10]
    place.write_text("\n".join(lines) + "\n")
    with pytest.raises(JournalError, match="damaged in line 4"):
        made.undo()


def test_a_torn_last_line_was_never_acted_upon(made: Made) -> None:
    folder = journal.numbers(made.disk)[0][1]
    with (made.root / folder / "journal.jsonl").open("a") as stream:
        stream.write('{"step": "undoing", "argv": ["re')
    undone = made.undo()
    assert undone is not None
    assert undone.complete
    assert same(made) == ""


@pytest.mark.parametrize("junk", ["[]\n", "null\n", '{"step": 1}\n', '{"schema": "vfio-wizard/journal/1"}\n'])
def test_junk_for_a_journal_is_a_message(junk: str, made: Made) -> None:
    folder = journal.numbers(made.disk)[0][1]
    (made.root / folder / "journal.jsonl").write_text(junk)
    with pytest.raises(JournalError, match=r"undo\.sh"):
        made.undo()
