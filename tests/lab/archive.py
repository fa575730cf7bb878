"""Debian packages of another release than ours, fetched with apt into a folder of their own.

apt keeps its own books here (sources, lists, an empty dpkg status), so nothing on the machine that
runs the lab changes, and the signatures are checked as always.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import NamedTuple

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
KERNEL = "linux-image-amd64"
MOVING = "sid"
"""Its lists say until when they hold; a mirror that is a week behind is signed all the same."""


def sources(suite: str, security: bool = False) -> tuple[str, ...]:
    """The lines of a sources.list for a release, from where this machine gets its own packages.

    ``$LAB_MIRROR`` names another place. Raises RuntimeError where apt knows no Debian archive.
    """
    main = os.environ.get("LAB_MIRROR") or _mirror(is_security=False)
    if main is None:
        message = "apt has no archive of Debian packages here; name one with LAB_MIRROR"
        raise RuntimeError(message)
    lines = [f"{main} {suite} main"]
    second = _mirror(is_security=True) if security else None
    if second is not None:
        lines.append(f"{second} {suite}-security main")
    stands_still = " check-valid-until=no" if suite == MOVING else ""
    return tuple(f"deb [signed-by={KEYRING}{stands_still}] {line}" for line in lines)


def _mirror(*, is_security: bool) -> str | None:
    words = ("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages")
    told = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60).stdout
    places = [line.split() for line in told.splitlines() if len(line.split()) == 2]
    found = [place for place, release in places if release.endswith("-security") == is_security]
    return found[0].rstrip("/") if found else None


class Archive(NamedTuple):
    """One Debian release's archive and the folder for what comes from it."""

    suite: str
    folder: Path

    def refresh(self) -> None:
        """Read the release's package lists."""
        self._write_configuration()
        self._apt("apt-get", "update", "-q")

    def kernel_package(self) -> str:
        """The package that the release's kernel meta-package stands for today."""
        told = self._apt("apt-cache", "depends", KERNEL)
        names = [line.split()[-1] for line in told.splitlines() if "Depends: linux-image-" in line]
        if len(names) != 1:
            message = f"{self.suite}: {KERNEL} depends on {names or 'no image'}, not on one kernel image"
            raise RuntimeError(message)
        return names[0]

    def fetch_closure(self, packages: tuple[str, ...]) -> None:
        """Download packages with everything that they depend on."""
        self._apt("apt-get", "install", "-y", "-q", "--download-only", "--no-install-recommends", *packages)

    def fetch_alone(self, *packages: str) -> None:
        """Download packages without what they depend on."""
        self._apt("apt-get", "download", "-q", *packages)

    def package_files(self) -> dict[str, Path]:
        """The downloaded files by package name."""
        return {path.name.split("_")[0]: path for path in sorted(self._archives.glob("*.deb"))}

    @property
    def _archives(self) -> Path:
        return self.folder / "archives"

    def _write_configuration(self) -> None:
        for name in ("lists/partial", "archives/partial"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").touch()
        (self.folder / "sources.list").write_text("\n".join(sources(self.suite)) + "\n")
        (self.folder / "apt.conf").write_text(_CONFIGURATION.format(folder=self.folder))

    def _apt(self, *arguments: str) -> str:
        environment = {**os.environ, "APT_CONFIG": str(self.folder / "apt.conf"), "LC_ALL": "C"}
        done = subprocess.run(
            arguments,
            env=environment,
            cwd=self._archives,
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
        if done.returncode:
            message = f"{self.suite}: {' '.join(arguments)} failed: {done.stderr.strip()[-400:]}"
            raise RuntimeError(message)
        return done.stdout


_CONFIGURATION = """\
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State::lists "{folder}/lists";
Dir::State::status "{folder}/status";
Dir::Cache::archives "{folder}/archives";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
APT::Architecture "amd64";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "3";
"""


def unpack(package: Path, into: Path) -> None:
    """Unpack a package's files; directories that are links in ``into`` stay links."""
    into.mkdir(parents=True, exist_ok=True)
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE) as reader:
        subprocess.run(
            ["tar", "-x", "--keep-directory-symlink", "--no-same-owner", "-C", str(into)],
            stdin=reader.stdout,
            check=True,
        )
    if reader.returncode:
        message = f"{package.name}: not a Debian package"
        raise RuntimeError(message)
