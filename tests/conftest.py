"""What every test may ask for, and when a test may be skipped.

A missing tool skips a test on a laptop, with the reason, and fails it where ``CI=true``: there
`make test` has installed every tool. The recorded machines that lie beside the project are the
one exception; they are not part of the repository.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).resolve().parent.parent

TOOLS_OF_MARKER = {
    "browser": ("chromium",),
    "nix": ("nix-instantiate",),
    "packers": ("bzip2", "cpio", "gzip", "lz4", "xz", "zstd"),
    "shells": ("fish", "groff", "zsh"),
    "terminal": ("tmux",),
    "virt": ("virsh", "virt-xml-validate", "xmllint"),
    "libvirtd": ("libvirtd", "qemu-system-x86_64"),
    "scripts": ("busybox", "dash", "shellcheck"),
}

# In CI the same examples every time: a change must not fail for what another one brought in.
settings.register_profile("default", deadline=None, max_examples=60, derandomize="CI" in os.environ)
settings.register_profile(
    "fuzz", deadline=None, max_examples=5000, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("default")


def in_ci() -> bool:
    """Whether missing tools are failures."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false")


def shared_directory() -> Path:
    """Where the shared reference data would be: $VFIO_WIZARD_SHARED, or beside the repository."""
    return Path(os.environ.get("VFIO_WIZARD_SHARED") or REPOSITORY.parent / "shared")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip or fail a marked test whose tools or data are missing."""
    for marker, tools in TOOLS_OF_MARKER.items():
        if item.get_closest_marker(marker):
            _need(*tools)
    if item.get_closest_marker("corpus") and not (shared_directory() / "corpus").is_dir():
        pytest.skip(f"the recorded machines are not at {shared_directory() / 'corpus'}")


def _need(*tools: str) -> None:
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if not missing:
        return
    reason = f"{', '.join(missing)} not installed; `make test` installs it where it may"
    if in_ci():
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture
def repository() -> Path:
    """The root of the work tree."""
    return REPOSITORY


@pytest.fixture
def shared() -> Path:
    """The shared reference data beside the project; without it the test is skipped."""
    directory = shared_directory()
    if not directory.is_dir():
        pytest.skip(f"no shared reference data at {directory}")
    return directory
