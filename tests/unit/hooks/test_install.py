"""The hook as a file of libvirt's, written as every change is and taken back as every change is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.facts_builder import AUDIO, GPU, at
from vfio_wizard.apply.disk import RootDisk
from vfio_wizard.apply.undo import undo_last
from vfio_wizard.cli.given import Given
from vfio_wizard.cli.hooks import Made, install
from vfio_wizard.cli.talk import Talk
from vfio_wizard.model.errors import UsageError, WizardError
from vfio_wizard.model.hook import Hook
from vfio_wizard.model.selection import Selection
from vfio_wizard.model.version import Release
from vfio_wizard.render import hooks

PLACE = "etc/libvirt/hooks/qemu.d/50-vfio-wizard-win11"
GIVEN = Given("hooks", {"install": True, "yes": True})


def made(libvirt: Release = (9, 0, 0), wait: int = 20) -> Made:
    hook = Hook("win11", (at(GPU), at(AUDIO)), display=False, wait=wait)
    return Made(Selection((at(GPU),), guest="win11"), hooks.render(hook, libvirt, tool_version="0"), ())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    (tmp_path / "etc/libvirt").mkdir(parents=True)
    return tmp_path


def test_installed_once_and_taken_back(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    disk = RootDisk(str(root))
    assert install(GIVEN, made(), disk) == 0
    file = root / PLACE
    assert file.read_text() == made().file.text
    assert file.stat().st_mode & 0o777 == 0o755
    assert "systemctl restart libvirtd" in capsys.readouterr().err
    assert install(GIVEN, made(), disk) == 0
    assert "is there already" in capsys.readouterr().err
    undone = undo_last(disk, None, Talk())
    assert undone is not None
    assert undone.complete
    assert not (root / "etc/libvirt/hooks").exists()


def test_our_own_older_script_is_replaced_and_comes_back(root: Path) -> None:
    disk = RootDisk(str(root))
    install(GIVEN, made(wait=5), disk)
    install(GIVEN, made(), disk)
    assert "wait=20" in (root / PLACE).read_text()
    undo_last(disk, None, Talk())
    assert "wait=5" in (root / PLACE).read_text()


def test_somebody_elses_only_script_stays(root: Path) -> None:
    (root / "etc/libvirt/hooks").mkdir()
    own = root / "etc/libvirt/hooks/qemu"
    own.write_text("#!/bin/sh\nexit 0\n")
    with pytest.raises(WizardError, match="not written by this program"):
        install(GIVEN, made((6, 0, 0)), RootDisk(str(root)))
    assert own.read_text() == "#!/bin/sh\nexit 0\n"


def test_nobody_to_ask_means_nothing_written(root: Path) -> None:
    with pytest.raises(UsageError, match="--yes"):
        install(Given("hooks", {"install": True}), made(), RootDisk(str(root)))
    assert not (root / "etc/libvirt/hooks").exists()
