"""The Debians in which scripts/boot_tools_check runs the real tools of boot chains."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from vfio_wizard.model.image import InitramfsImage
from vfio_wizard.model.kargs import Kargs
from vfio_wizard.probe.images import read_image
from vfio_wizard.system.host import RootHost

_EVERYWHERE = (
    "linux-image-amd64 dracut systemd-sysv udev kmod zstd cpio binutils grub-common python3 kbd e2fsprogs "
    "refind systemd-boot-efi"
)
PACKAGES = {
    "bookworm": _EVERYWHERE,
    "trixie": (
        f"{_EVERYWHERE} systemd-ukify systemd-boot-tools python3-pefile busybox meson gawk "
        "bsdextrautils libarchive-tools sudo pkexec polkitd systemd-container"
    ),
    "sid": f"{_EVERYWHERE} systemd-ukify systemd-boot-tools python3-pefile",
}
"""By suite. dracut, since it makes no image of its own before it is told how."""

MKINITCPIO = "v41"
"""No Debian has it; it is built from a clone of its source."""

_BUILD = """
set -e
cd /usr/src/mkinitcpio
sed -i "s/version: run_command.*/version: '41',/" meson.build
export PATH="$PATH:/usr/lib/systemd"
meson setup build --prefix=/usr --libdir=lib --sysconfdir=/etc -Dsystemd=disabled -Dalpm=false -Ddocs=false
meson install -C build
# As Arch has it: one folder for programs, one for libraries, its own busybox, a compiled hardware database.
for one in /usr/sbin/*; do [ -e "/usr/bin/${one##*/}" ] || ln -s "$one" /usr/bin/; done
ln -sf /usr/bin/busybox /usr/lib/initcpio/busybox
ln -sf x86_64-linux-gnu/libkmod.so.2 /usr/lib/
systemd-hwdb update
mkdir -p /etc/mkinitcpio.d /etc/mkinitcpio.conf.d
# In a chroot there is no disk to look at.
sed -i 's/ autodetect / /' /etc/mkinitcpio.conf
"""


class UnexpectedError(Exception):
    """A tool made something else than the plan wants."""


def expect(is_so: bool, told: object) -> None:
    """Raises UnexpectedError with what was seen."""
    if not is_so:
        raise UnexpectedError(told)


class System(NamedTuple):
    """The root of the Debian, its suite, and the release of its kernel."""

    root: Path
    suite: str
    release: str

    def put(self, path: str, text: str) -> None:
        """Write a file in it."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode("utf-8", "surrogateescape"))

    def text(self, path: str) -> str:
        """Read a file of it."""
        return (self.root / path).read_text(encoding="utf-8")

    def has(self, path: str) -> bool:
        """Whether a file is there."""
        return (self.root / path).exists()

    def run(self, command: str) -> str:
        """Run a command in it, with its own /proc, /sys and /dev, and give what it printed."""
        script = (
            f"mount --rbind /dev '{self.root}/dev'; mount -t proc proc '{self.root}/proc'; "
            f"mount -t sysfs -o ro sysfs '{self.root}/sys'; mount -t tmpfs tmpfs '{self.root}/run'; "
            f"exec chroot '{self.root}' sh -c \"$1\""
        )
        done = subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "sh", "-c", script, "sh", command],
            check=True,
            capture_output=True,
            timeout=500,
        )
        return done.stdout.decode(errors="replace")

    def image(self, path: str) -> InitramfsImage:
        """What is in an image, as the program reads it."""
        told = read_image(RootHost(str(self.root)), path)
        if not isinstance(told, InitramfsImage):
            raise UnexpectedError(told.reason)
        return told


class Case(NamedTuple):
    """What is run, and where."""

    suites: tuple[str, ...]
    run: Callable[[System], str]
    needs: str = ""
    """A program that no Debian has."""


def line_in(image: InitramfsImage) -> Kargs:
    """The command line inside of a unified image."""
    return Kargs.parse(image.cmdline) if isinstance(image.cmdline, str) else Kargs(())


def make(folder: Path, suite: str, mkinitcpio: Path | None) -> System:
    """The Debian of a suite; one that is there already is taken."""
    root = folder / suite
    if not (root / "usr/bin/dracut").exists():
        packages = ",".join(PACKAGES[suite].split())
        argv = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={packages}", suite, str(root)]
        subprocess.run(argv, check=True)
    release = next(path.name for path in sorted((root / "usr/lib/modules").iterdir()))
    system = System(root, suite, release)
    if mkinitcpio is not None and suite == "trixie" and not system.has("usr/lib/initcpio/busybox"):
        _build(system, mkinitcpio)
    return system


def _build(system: System, clone: Path) -> None:
    source = system.root / "usr/src/mkinitcpio"
    source.mkdir(parents=True, exist_ok=True)
    archive = subprocess.run(
        ["git", "-C", str(clone), "archive", MKINITCPIO], check=True, capture_output=True
    ).stdout
    subprocess.run(["tar", "-x", "-C", str(source)], input=archive, check=True)
    system.run(_BUILD)
