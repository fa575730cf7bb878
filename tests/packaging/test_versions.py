"""Every package says the same version, and names every library that the program needs."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from vfio_wizard import __version__

PLACES = {
    "packaging/debian/changelog": rf"\Avfio-wizard \({re.escape(__version__)}\) ",
    "packaging/arch/PKGBUILD": rf"^pkgver={re.escape(__version__)}$",
    "packaging/rpm/vfio-wizard.spec": rf"^Version: +{re.escape(__version__)}$",
    "CHANGELOG.md": rf"^## \[{re.escape(__version__)}\]",
}


def test_every_package_is_of_this_version(repository: Path) -> None:
    for place, pattern in PLACES.items():
        assert re.search(pattern, (repository / place).read_text(), re.MULTILINE), place


def test_every_required_library_is_named_by_every_package(repository: Path) -> None:
    """Debian's package brings along what it does not name; pylspci has no package anywhere."""
    wanted = tomllib.loads((repository / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.split(r"[^a-z0-9]", one, maxsplit=1)[0] for one in wanted}
    assert names == {"pylspci", "pyroute2", "pyudev", "textual", "zstandard"}
    for place in ("packaging/arch/PKGBUILD", "packaging/rpm/vfio-wizard.spec"):
        text = (repository / place).read_text()
        assert all(name in text for name in names - {"pylspci"}), place
    control = (repository / "packaging/debian/control").read_text()
    assert all(f"python3-{name}" in control for name in ("pyroute2", "pyudev", "zstandard", "libvirt"))
