"""The schemas of three libvirts, from the packages of three Debian releases, kept between runs.

The oldest is Debian 12's, the newest whatever Debian's unstable has today.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import REPOSITORY, in_ci
from tests.lab.archive import Archive, unpack
from vfio_wizard.model.domain import Versions
from vfio_wizard.model.version import Release, release

CACHE = REPOSITORY / ".lab" / "schemas"
_PLACE = "usr/share/libvirt/schemas/domain.rng"


class Stack(NamedTuple):
    """One release of libvirt with the QEMU that Debian ships beside it, and where its schema comes from."""

    name: str
    versions: Versions
    suite: str
    package: str

    def schema(self) -> Path:
        """The schema file, fetched on first use. Where that fails the test is skipped, and fails in CI."""
        folder = CACHE / self.suite
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / _PLACE).exists():
                self._fetch(folder)
        return folder / _PLACE

    def _fetch(self, folder: Path) -> None:
        archive = Archive(self.suite, folder / "apt")
        try:
            archive.refresh()
            archive.fetch_alone(self.package)
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            reason = f"no schema of libvirt {self.name}: {error}"
            if in_ci():
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)
        package = archive.package_files()[self.package]
        (folder / "version").write_text(package.name.split("_")[1], encoding="utf-8")
        unpack(package, folder)
        shutil.rmtree(folder / "apt")  # the lists of all packages are many times the schema's size

    def packaged(self) -> Release:
        """The version that the schema is of."""
        self.schema()
        found = release((CACHE / self.suite / "version").read_text(encoding="utf-8"))
        assert found is not None
        return found

    def complaint(self, file: Path) -> str:
        """What the schema says against a domain; empty when it is valid."""
        words = ["xmllint", "--noout", "--relaxng", str(self.schema()), str(file)]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
        return "" if done.returncode == 0 else done.stderr


STACKS = (
    Stack("9.0", Versions((9, 0, 0), (7, 2, 0)), "bookworm", "libvirt0"),
    Stack("11.3", Versions((11, 3, 0), (10, 0, 0)), "trixie", "libvirt-common"),
    Stack("12.8", Versions((12, 8, 0), (11, 1, 0)), "sid", "libvirt-common"),
)
