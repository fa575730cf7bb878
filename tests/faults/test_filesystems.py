"""FAT, which has no owners, modes, links or small times, and may be full; ext4 with all that it can hold."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import in_ci
from tests.faults.filesystems import ESPS

HERE = Path(__file__).resolve().parents[2]
PATH = "/usr/sbin:/sbin:/usr/bin:/bin"
MAKERS = {"vfat": "mkfs.vfat", "ext4": "mkfs.ext4", "casefold": "mkfs.ext4"}


@cache
def hindrance(kind: str) -> str:
    """Why this file system cannot be mounted here; empty where it can."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return "needs root and unshare"
    if shutil.which(MAKERS[kind], path=PATH) is None:
        return f"needs {MAKERS[kind]}"
    name = kind if kind == "vfat" else "ext4"
    if name not in _known() and not _loaded(name):
        return f"this kernel has no {name}"
    if not Path("/dev/loop-control").exists():
        return "this kernel has no loop devices"
    folds = Path("/sys/fs/ext4/features/casefold").exists()
    return "this kernel's ext4 cannot pass over capitals" if kind == "casefold" and not folds else ""


def _known() -> set[str]:
    return {line.split()[-1] for line in Path("/proc/filesystems").read_text().splitlines()}


def _loaded(name: str) -> bool:
    program = shutil.which("modprobe", path=PATH)
    return (
        program is not None
        and subprocess.run([program, name], check=False, capture_output=True).returncode == 0
    )


SPACE = (
    *("unshare", "--mount", "--propagation", "unchanged"),
    *("sh", "-c", 'mount --make-rprivate / 2>/dev/null; exec "$@"', "sh"),
)
"""Below chroot the root is no mount, and cannot be made private; nor is anything shared from there."""


def tried(trial: str, kind: str, chain: str, folder: Path) -> None:
    """In a mount namespace of its own."""
    why = hindrance(kind)
    if why.startswith("needs mkfs") and in_ci():
        pytest.fail(f"{why}, which scripts/install-test-tools.sh installs")
    if why:
        pytest.skip(why)
    argv = [*SPACE, sys.executable, "-m", "tests.faults.filesystems", trial, kind, chain, str(folder)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=HERE, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout == "as it was\n"


@pytest.mark.parametrize("kind", ["vfat", "ext4"])
@pytest.mark.parametrize("chain", ESPS)
@pytest.mark.parametrize("trial", ["there and back", "full before", "full meanwhile"])
def test_an_efi_partition(trial: str, chain: str, kind: str, tmp_path: Path) -> None:
    tried(trial, kind, chain, tmp_path)


@pytest.mark.parametrize("kind", ["vfat", "casefold"])
@pytest.mark.parametrize("chain", ["arch unified", "fedora unified"])
def test_an_efi_partition_with_its_names_in_capitals(chain: str, kind: str, tmp_path: Path) -> None:
    tried("other case", kind, chain, tmp_path)


@pytest.mark.parametrize("chain", ["debian 12 desktop", "arch grub", "fedora grub"])
def test_labels_and_access_lists_are_kept_by_the_edit_and_by_the_undo(chain: str, tmp_path: Path) -> None:
    tried("attributes", "ext4", chain, tmp_path)
