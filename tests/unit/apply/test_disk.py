"""Files as they were: attributes, modes, links, line ends; and one way to root that is there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.trial import difference, snapshot
from tests.unit.apply.benches import Made
from vfio_wizard.apply.disk import RootDisk
from vfio_wizard.apply.prepare import prepare
from vfio_wizard.cli import elevate
from vfio_wizard.cli.given import Given
from vfio_wizard.model.errors import WizardError
from vfio_wizard.model.plan import Action, Artifact, Stage
from vfio_wizard.render.outcome import Rendered

GRUB = "etc/default/grub"
CRLF = b'# by hand\r\nGRUB_DEFAULT=0\r\nGRUB_CMDLINE_LINUX_DEFAULT="quiet"'


def test_carriage_returns_and_a_missing_newline_come_back_to_the_byte(tmp_path: Path) -> None:
    def edited(root: Path) -> None:
        (root / GRUB).write_bytes(CRLF)
        (root / "usr/sbin/grub-mkconfig").write_text("#!/bin/sh\n. ${sysconfdir}/default/grub\n")

    made = Made(tmp_path, edited)
    assert [one.path for one in made.work.changes if one.path == GRUB] == [GRUB]
    assert made.apply().failure is None
    new = (tmp_path / GRUB).read_bytes()
    assert new != CRLF
    assert new.startswith(b"# by hand\r\nGRUB_DEFAULT=0\r\n")
    undone = made.undo()
    assert undone is not None
    assert undone.complete
    assert (tmp_path / GRUB).read_bytes() == CRLF


def test_text_behind_a_file_without_a_final_newline_begins_a_line(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/x.conf").write_text("a=1")
    artifact = Artifact("/etc/x.conf", "0644", Action.APPEND, "b=2\n", "", Stage.FILES)
    work = prepare(Rendered((artifact,)), RootDisk(str(tmp_path)), {})
    assert work.changes[0].content == b"a=1\nb=2\n"


def test_mode_owner_and_attributes_of_a_changed_file_stay(tmp_path: Path) -> None:
    made = Made(tmp_path)
    place = tmp_path / "etc/initramfs-tools/modules"
    place.chmod(0o640)
    try:
        os.setxattr(place, "user.label", b"kept")
    except OSError:
        pytest.skip("no extended attributes on this file system")
    made.work = prepare(made.rendered, made.disk, {})
    before = snapshot(tmp_path)
    assert made.apply().failure is None
    assert place.stat().st_mode & 0o777 == 0o640
    assert os.getxattr(place, "user.label") == b"kept"
    assert (tmp_path / "etc/modprobe.d/vfio-wizard.conf").stat().st_mode & 0o777 == 0o644
    assert made.undo() is not None
    assert os.getxattr(place, "user.label") == b"kept"
    assert difference(before, snapshot(tmp_path)) == ""


def test_links_are_resolved_inside_the_root_and_never_outside(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/static").symlink_to("/store/etc")
    (tmp_path / "store/etc").mkdir(parents=True)
    (tmp_path / "up").symlink_to("../../../../..")
    disk = RootDisk(str(tmp_path))
    assert disk.resolve("etc/static/x") == "store/etc/x"
    assert disk.resolve("up/etc/passwd") == "etc/passwd"
    disk.create("etc/static/x", b"inside")
    assert (tmp_path / "store/etc/x").read_bytes() == b"inside"
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="circle"):
        disk.resolve("a/x")


def test_the_last_name_is_never_followed_when_written(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"untouched")
    (tmp_path / "link").symlink_to("target")
    disk = RootDisk(str(tmp_path))
    for step in (
        lambda: disk.create("link", b"x"),
        lambda: disk.append("link", b"x"),
        lambda: disk.read("link"),
    ):
        with pytest.raises(OSError):  # noqa: PT011 - exists, or a link too many: the file decides which
            step()
    assert (tmp_path / "target").read_bytes() == b"untouched"


# -- from an ordinary user to root ------------------------------------------------------------------


def _given() -> Given:
    return Given("apply", {"yes": True, "json": True})


def _program(folder: Path, name: str) -> None:
    (folder / name).write_text(f'#!/bin/sh\necho {name} "$@" >> {folder}/called\nexit 5\n')
    (folder / name).chmod(0o755)


@pytest.mark.parametrize(
    ("there", "called"),
    [(("pkexec", "run0", "sudo"), "sudo"), (("pkexec", "run0"), "run0"), (("pkexec",), "pkexec")],
)
def test_the_first_way_that_is_there_is_taken_and_its_code_is_given(
    there: tuple[str, ...], called: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in there:
        _program(tmp_path, name)
    monkeypatch.setattr(elevate, "PATH", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert elevate.as_root("{}", _given()) == 5
    words = (tmp_path / "called").read_text().split()
    assert words[0] == called
    assert "--plan" in words
    assert "--json" in words
    assert not list(tmp_path.glob("vfio-wizard-*")), "the private folder is gone afterwards"


def test_without_any_way_to_root_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elevate, "PATH", str(tmp_path))
    with pytest.raises(WizardError, match="none of sudo, run0, pkexec is installed"):
        elevate.as_root("{}", _given())


def test_the_environment_of_the_caller_does_not_reach_what_runs_as_root(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("LD_PRELOAD", "PYTHONPATH", "BASH_ENV", "IFS", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, "/home/mallory")
    monkeypatch.setenv("PATH", "/home/mallory/bin")
    monkeypatch.setenv("NO_COLOR", "1")
    kept = dict(os.environ)
    try:
        elevate.clean_environment()
        assert "mallory" not in " ".join(os.environ.values())
        assert os.environ["NO_COLOR"] == "1"
    finally:
        os.environ.clear()
        os.environ.update(kept)


def test_who_may_own_a_plan_is_root_and_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PKEXEC_UID", raising=False)
    monkeypatch.setenv("SUDO_UID", "1000")
    assert elevate.callers() == (0, 1000)
    monkeypatch.setenv("SUDO_UID", "١٠٠٠")
    assert elevate.callers() == (0,)
