"""Hostile plan files of every kind, and the fixed lists behind them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.apply.benches import Made
from vfio_wizard.apply import allowed, planfile
from vfio_wizard.apply.locked import RefusedError
from vfio_wizard.apply.work import Change
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.plan import Run, Stage
from vfio_wizard.model.selection import Selection
from vfio_wizard.planning.answers import print_answers
from vfio_wizard.planning.plan_json import plan_json

ME = (os.geteuid(),)
Json = dict[str, Any]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(tmp_path_factory.mktemp("desktop"))


def document(made: Made) -> Json:
    return plan_json(made.plan, *made.rendered)


def handed(made: Made) -> Json:
    text = planfile.to_text(document(made), print_answers(Selection(())), made.work)
    told: Json = json.loads(text)
    return told


def parsed(told: Json) -> planfile.HandedPlan:
    return planfile.parse(json.dumps(told).encode())


def test_the_plan_that_was_made_is_taken_and_is_the_same(made: Made) -> None:
    assert planfile.differences(parsed(handed(made)), document(made), made.work) == ()


def _set(*path: str | int, value: Any) -> Callable[[Json], None]:
    def change(told: Json) -> None:
        here: Any = told
        for step in path[:-1]:
            here = here[step]
        here[path[-1]] = value

    return change


ALTERED: dict[str, tuple[Callable[[Json], None], str]] = {
    "another text": (_set("artifacts", 0, "text", value="install vfio-pci rm -rf /\n"), "its text differs"),
    "another mode": (_set("artifacts", 0, "mode", value="4755"), "its mode differs"),
    "another path": (_set("artifacts", 0, "path", value="/etc/shadow"), "it writes /etc/shadow"),
    "traversal": (_set("artifacts", 0, "path", value="/etc/modprobe.d/../shadow"), "not in the plan"),
    "another command": (_set("commands", 0, value=["sh", "-c", "id"]), "its commands differ"),
    "one word more": (
        _set("commands", 0, value=["update-initramfs", "-u", "-k", "all", "-b", "/home"]),
        "its commands differ",
    ),
    "another thing to keep": (_set("steps", 0, "files", value=[]), "its steps differ"),
    "no commands": (_set("commands", value=[]), "its commands differ"),
    "another state": (_set("before", "etc/default/grub", value="absent"), "files changed since it was made"),
    "a file more": (
        lambda told: told["artifacts"].append({**told["artifacts"][0], "path": "/etc/cron.d/x"}),
        "it writes /etc/cron.d/x",
    ),
    "a file twice": (lambda told: told["artifacts"].append(told["artifacts"][0]), "stands twice"),
    "a file less": (lambda told: told["artifacts"].pop(), "it does not write"),
}


@pytest.mark.parametrize(("change", "says"), ALTERED.values(), ids=ALTERED.keys())
def test_an_altered_plan_differs_from_the_one_that_root_makes(
    change: Callable[[Json], None], says: str, made: Made
) -> None:
    told = handed(made)
    change(told)
    found = planfile.differences(parsed(told), document(made), made.work)
    assert any(says in one for one in found), found


MALFORMED: dict[str, tuple[Callable[[Json], None], str]] = {
    "a key more": (
        _set("environment", value={"LD_PRELOAD": "/home/mallory/x.so"}),
        "unknown or missing: environment",
    ),
    "a key less": (lambda told: told.pop("answers"), "unknown or missing: answers"),
    "another schema": (_set("schema", value="vfio-wizard/plan/2"), "schema"),
    "an artifact with more": (_set("artifacts", 0, "owner", value="root"), "an artifact"),
    "an artifact that is none": (_set("artifacts", 0, value=7), "an artifact"),
    "text that is a number": (_set("artifacts", 0, "text", value=1e308), "an artifact"),
    "a path with a NUL": (_set("artifacts", 0, "path", value="/etc/x\0y"), "an artifact"),
    "a command that is a string": (_set("commands", 0, value="rm -rf /"), "no list of words"),
    "a command without words": (_set("commands", 0, value=[]), "no list of words"),
    "a command with a list in it": (_set("commands", 0, value=[["sh"]]), "no list of words"),
    "answers that are a list": (_set("answers", value=[]), "answers is of the wrong kind"),
    "huge answers": (_set("answers", value="#" * (planfile.ANSWERS_LIMIT + 1)), "longer than"),
    "a state that is null": (_set("before", "etc/default/grub", value=None), "before"),
}


@pytest.mark.parametrize(("change", "says"), MALFORMED.values(), ids=MALFORMED.keys())
def test_a_plan_of_another_form_is_not_taken(change: Callable[[Json], None], says: str, made: Made) -> None:
    told = handed(made)
    change(told)
    with pytest.raises(UsageError, match=f"the plan file is not taken: .*{says}"):
        parsed(told)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no JSON"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b"[]", "no JSON object"),
        (b'{"schema": NaN}', "NaN is no number"),
        (b'{"schema": -Infinity}', "is no number"),
        (b'{"schema": "a", "schema": "b"}', "a key stands twice"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "nested too deeply"),
        (b'{"schema": "' + b"[" * 5000 + b'"}', "unknown or missing"),
        (b"1" * 5000, "no JSON"),
    ],
)
def test_junk_is_not_taken(content: bytes, says: str) -> None:
    with pytest.raises(UsageError, match=f"the plan file is not taken: .*{says}"):
        planfile.parse(content)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_and_no_traceback(content: bytes) -> None:
    with pytest.raises(UsageError):
        planfile.parse(content)


# -- the file itself --------------------------------------------------------------------------------


def written(folder: Path, made: Made) -> Path:
    path = folder / "plan.json"
    path.write_text(json.dumps(handed(made)))
    path.chmod(0o600)
    return path


def test_a_private_file_of_the_caller_is_read(made: Made, tmp_path: Path) -> None:
    assert planfile.read(str(written(tmp_path, made)), ME).commands


def test_a_link_to_a_plan_is_not_followed(made: Made, tmp_path: Path) -> None:
    written(tmp_path, made)
    (tmp_path / "link.json").symlink_to("plan.json")
    with pytest.raises(UsageError, match="it is a link"):
        planfile.read(str(tmp_path / "link.json"), ME)


def test_a_plan_with_a_second_name_is_not_taken(made: Made, tmp_path: Path) -> None:
    (tmp_path / "other.json").hardlink_to(written(tmp_path, made))
    with pytest.raises(UsageError, match="hard link"):
        planfile.read(str(tmp_path / "plan.json"), ME)


def test_a_plan_that_others_may_write_is_not_taken(made: Made, tmp_path: Path) -> None:
    path = written(tmp_path, made)
    path.chmod(0o622)
    with pytest.raises(UsageError, match="others may write it"):
        planfile.read(str(path), ME)


def test_a_plan_of_somebody_else_is_not_taken(made: Made, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="who did not call this"):
        planfile.read(str(written(tmp_path, made)), (ME[0] + 1,))


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="no regular file"):
        planfile.read(str(tmp_path / "pipe"), ME)


def test_a_huge_plan_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    path.write_bytes(b" " * (planfile.SIZE_LIMIT + 1))
    path.chmod(0o600)
    with pytest.raises(UsageError, match="larger than"):
        planfile.read(str(path), ME)


def test_a_plan_that_is_not_there_is_a_message(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        planfile.read(str(tmp_path / "none.json"), ME)


# -- the fixed lists ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "etc/shadow",
        "etc/modprobe.d/../shadow",
        "etc/modprobe.d/sub/x.conf",
        "etc/modprobe.d/x.sh",
        "etc/cron.d/x",
        "root/.ssh/authorized_keys",
        "boot/grub/grub.cfg",
        "usr/bin/x",
        "etc/systemd/system/sshd.service",
    ],
)
def test_other_paths_are_refused(path: str, made: Made) -> None:
    change = Change(path, b"", 0o644, Stage.FILES, "absent")
    with pytest.raises(RefusedError, match="no file that this program changes"):
        allowed.check(made.work._replace(changes=(change,)))


@pytest.mark.parametrize(
    "argv",
    [
        ("sh", "-c", "id"),
        ("update-initramfs", "-u", "-k", "all", "extra"),
        ("dracut", "--force", "/boot/../etc/passwd", "6.1.0"),
        ("dracut", "--force", "/boot/x", "6.1.0;id"),
        ("grubby", "--update-kernel=ALL", "--args=init=/bin/sh\nx"),
        ("kernelstub", "-o", "quiet"),
        ("cp", "--no-clobber", "/etc/shadow", "/efi/EFI/Linux/x.efi"),
        ("cp", "--no-clobber", "/efi/EFI/Linux/x.efi", "/etc/x.efi"),
        ("usermod", "-aG", "sudo", "mallory"),
        ("usermod", "-aG", "libvirt", "-R/tmp"),
        ("zfs", "set", "org.zfsbootmenu:commandline=x", "-r"),
        ("rpm-ostree", "kargs"),
        ("rpm-ostree", "kargs", "--replace=x"),
        ("systemctl", "enable", "sshd.service"),
        ("/tmp/update-grub",),  # noqa: S108 - a path that must be refused
    ],
)
def test_other_commands_are_refused(argv: tuple[str, ...], made: Made) -> None:
    with pytest.raises(RefusedError, match="not a command that this program runs"):
        allowed.check(made.work._replace(runs=(Run(argv, Stage.ENTRIES),)))


def test_a_command_hidden_as_a_way_back_is_refused(made: Made) -> None:
    run = Run(("update-grub",), Stage.ENTRIES, undo=(("sh", "-c", "id"),))
    with pytest.raises(RefusedError, match="not a command that this program runs"):
        allowed.check(made.work._replace(runs=(run,)))
