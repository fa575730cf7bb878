"""A change as a whole: made, proven, refused, taken back."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.faults import tools
from tests.faults.machine import RELEASES, RUNNING, archive
from tests.faults.pen import Pen
from tests.faults.trial import Trusting, difference, snapshot
from tests.unit.apply.benches import Made
from vfio_wizard.apply import journal
from vfio_wizard.apply.disk import RootDisk, UntrustedPathError
from vfio_wizard.apply.locked import RefusedError
from vfio_wizard.apply.room import NoRoomError
from vfio_wizard.apply.runner import Interrupted
from vfio_wizard.apply.work import LOCK, STATE
from vfio_wizard.model.errors import WizardError


class FullDisk(RootDisk):
    """No room for any copy."""

    def copy(self, source: str, path: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", f"{source} to {path}")


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)


def same(made: Made) -> str:
    return difference(made.before, snapshot(made.root))


def test_the_change_is_made_and_proven_by_looking_into_images_and_the_menu(made: Made) -> None:
    result = made.apply(proof=made.prove())
    assert result.failure is None
    state = json.loads((made.root / STATE).read_text())
    assert state["prediction"][RUNNING] == {"0000:01:00.0": "vfio-pci", "0000:01:00.1": "vfio-pci"}
    assert {(one["release"], one["vfio"], one["early"]) for one in state["images"]} == {
        (release, True, True) for release in RELEASES
    }
    assert state["words"]["add"]
    assert all(word in (made.root / "boot/grub/grub.cfg").read_text() for word in state["words"]["add"])


def test_state_that_everybody_may_read_names_nobody(made: Made) -> None:
    made.apply(proof=made.prove())
    text = (made.root / STATE).read_text()
    assert "ann" not in json.dumps(json.loads(text), sort_keys=True).replace("channel", "")
    assert (made.root / STATE).stat().st_mode & 0o777 == 0o644
    assert (made.root / "var/lib/vfio-wizard/transactions").stat().st_mode & 0o777 == 0o700


def test_undo_brings_every_byte_mode_and_time_back(made: Made) -> None:
    made.apply(proof=made.prove())
    assert same(made)
    undone = made.undo()
    assert undone is not None
    assert undone.complete
    assert undone.compared >= 8
    assert same(made) == ""
    assert made.undo() is None


def test_an_image_without_its_module_stops_the_change_before_the_command_line(made: Made) -> None:
    def forgets(pen: Pen, argv: Sequence[str]) -> int:
        tools.update_initramfs(pen, argv)
        for release in RELEASES:
            pen.write(f"boot/initrd.img-{release}", archive(_with_the_hosts_driver(release)))
        return 0

    made.tools["update-initramfs"] = forgets
    result = made.apply(proof=made.prove())
    assert result.failure is not None
    assert "would not bind 0000:01:00.0 to vfio-pci but to radeon" in result.failure.text
    assert ("update-grub",) not in [tuple(one) for one in _ran(made)]
    assert result.undone is not None
    assert result.undone.complete
    assert same(made) == ""


def _with_the_hosts_driver(release: str) -> dict[str, str]:
    driver = f"usr/lib/modules/{release}/kernel/drivers/gpu/drm/radeon/radeon.ko"
    return {"init": "", "scripts/functions": "", "scripts/init-top/udev": "", "sbin/udevd": "", driver: ""}


def _ran(made: Made) -> list[list[str]]:
    folder = journal.numbers(made.disk)[-1][1]
    lines = (made.root / folder / "journal.jsonl").read_text().splitlines()
    return [line["argv"] for line in map(json.loads, lines) if line["step"] == "run"]


def test_a_menu_that_does_not_take_the_word_is_noticed_and_taken_back(made: Made) -> None:
    made.tools["update-grub"] = lambda _pen, _argv: 0
    result = made.apply(proof=made.prove())
    assert result.failure is not None
    assert "is not on the stored command line (boot/grub/grub.cfg)" in result.failure.text
    assert same(made) == ""


def test_a_command_that_fails_takes_everything_back(made: Made) -> None:
    made.tools["update-grub"] = lambda _pen, _argv: 7
    result = made.apply()
    assert result.failure is not None
    assert result.failure.text == "update-grub failed with exit code 7"
    assert result.undone is not None
    assert result.undone.complete
    assert same(made) == ""


def test_ctrl_c_while_a_command_runs_takes_everything_back(made: Made) -> None:
    def interrupted(pen: Pen, argv: Sequence[str]) -> int:
        tools.update_initramfs(pen, argv)
        raise Interrupted

    made.tools["update-initramfs"] = interrupted
    result = made.apply()
    assert result.failure is not None
    assert result.failure.interrupted
    assert same(made) == ""


def test_a_bug_in_the_program_leaves_nothing_half_done_either(made: Made) -> None:
    class Broken(Trusting):
        def entries(self) -> tuple[str, ...]:
            raise ZeroDivisionError

    result = made.apply(proof=Broken())
    assert result.failure is not None
    assert "ZeroDivisionError" in result.failure.text
    assert same(made) == ""


def test_a_target_that_changed_since_the_plan_is_not_touched(made: Made) -> None:
    made.put("etc/initramfs-tools/modules", "edited meanwhile\n")
    before = snapshot(made.root)
    with pytest.raises(RefusedError, match="/etc/initramfs-tools/modules changed since the plan"):
        made.apply()
    assert difference(before, snapshot(made.root)) == ""


def test_a_second_run_at_once_is_refused(made: Made) -> None:
    journal.make_store(made.disk)
    handle = made.disk.lock(LOCK)
    assert handle is not None
    with pytest.raises(RefusedError, match="another vfio-wizard is changing this machine"):
        made.apply()
    os.close(handle)
    assert made.apply().failure is None


def test_after_an_interrupted_change_comes_an_undo_first(made: Made) -> None:
    made.apply()
    folder = journal.numbers(made.disk)[-1][1]
    place = made.root / folder / "journal.jsonl"
    place.write_text(
        "".join(line + "\n" for line in place.read_text().splitlines() if '"applied"' not in line)
    )
    with pytest.raises(RefusedError, match="was interrupted; take it back first"):
        made.apply()


def test_a_program_that_is_missing_is_told_before_anything_is_touched(made: Made) -> None:
    del made.tools["update-grub"]
    with pytest.raises(RefusedError, match="needed for this change: update-grub"):
        made.apply()
    assert same(made) == ""


@pytest.mark.parametrize(
    ("free", "read_only", "says"), [(1 << 20, False, "too little room"), (1 << 40, True, "read-only")]
)
def test_a_full_or_closed_boot_is_refused_before_anything_is_touched(
    free: int, read_only: bool, says: str, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = made.disk.room

    def room(path: str) -> object:
        seen = real(path)
        if path.startswith("boot"):
            return seen._replace(device=-1, free=free, read_only=read_only)
        return seen._replace(free=1 << 40)

    monkeypatch.setattr(made.disk, "room", room)
    with pytest.raises(NoRoomError, match=f"{says}.*nothing was changed|/boot.*{says}"):
        made.apply()
    assert same(made) == ""


@pytest.mark.parametrize("folder", ["etc/modprobe.d", "etc", "boot"])
def test_a_folder_that_others_may_write_is_not_written_through(folder: str, made: Made) -> None:
    (made.root / folder).chmod(0o777)
    before = snapshot(made.root)
    with pytest.raises(UntrustedPathError, match=f"/{folder} can be written by others than root"):
        made.apply()
    assert difference(before, snapshot(made.root)) == ""


def test_a_link_on_the_way_to_a_folder_that_others_may_write_is_not_followed(made: Made) -> None:
    outside = made.root / "home/mallory"
    outside.mkdir(parents=True)
    outside.chmod(0o777)
    (made.root / "etc/default/grub").rename(outside / "grub")
    (made.root / "etc/default/grub").symlink_to("/home/mallory/grub")
    with pytest.raises(UntrustedPathError, match="/home/mallory can be written by others"):
        made.disk.append("etc/default/../../home/mallory/grub", b"x")


def test_a_link_to_a_file_in_a_closed_folder_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    def moved(root: Path) -> None:
        (root / "etc/real").mkdir()
        (root / "etc/default/grub").rename(root / "etc/real/grub")
        (root / "etc/default/grub").symlink_to("../real/grub")

    made = Made(tmp_path, moved)
    assert made.disk.resolve("etc/default/grub") == "etc/real/grub"


def test_an_error_while_keeping_leaves_nothing_behind(made: Made) -> None:
    made.disk = FullDisk(str(made.root))
    with pytest.raises(WizardError, match="cannot be kept: no space left"):
        made.apply()
    assert same(made) == ""
    assert journal.numbers(made.disk) == ()
