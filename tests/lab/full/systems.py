"""Whole Debian systems that boot by themselves: which there are, and how each is installed.

A system is installed once by mmdebstrap into a folder and then furnished there; ``disks.py`` makes the disk.
Both are kept until their recipe changes.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import NamedTuple

from tests.lab.archive import sources
from tests.lab.guest.rootfs import install_dependencies
from tests.lab.predict.roots import run

INSIDE = Path(__file__).parent / "inside"
REPOSITORY = Path(__file__).resolve().parents[3]
VENV = "opt/vfio-wizard"
PASSWORD = "lab"  # noqa: S105 - the machine has no network
MACHINE_ID = "0123456789abcdef0123456789abcdef"
ROOT_UUID = "5f0a6c1e-2b7d-4c38-9f41-7d3e8a9b0c21"
ESP_ID = "1AB5F1D0"

ALWAYS = (
    "linux-image-amd64", "systemd-sysv", "udev", "kmod", "zstd", "dbus", "python3", "pciutils", "procps",
    "iproute2", "e2fsprogs", "login", "passwd",
)  # fmt: skip

LIBVIRT = (
    "libvirt-daemon-system", "libvirt-daemon-driver-qemu", "libvirt-clients", "qemu-system-x86", "qemu-utils",
    "ovmf", "swtpm", "swtpm-tools", "python3-libvirt", "busybox-static",
)  # fmt: skip
"""What a guest needs."""
SPICE = ("qemu-system-modules-spice",)
"""A package of its own after Debian 12."""

PARAMETERS = (
    "console=ttyS0", "no_timer_check", "panic=-1", "mitigations=off", "selinux=0", "audit=0",
    "random.trust_cpu=on", "fsck.mode=skip", "drm_kms_helper.poll=0", "drm_kms_helper.fbdev_emulation=0",
)  # fmt: skip
"""In every boot entry: what makes an emulated boot quick. radeon of 6.12 divides by zero on the emulated card
as soon as a console is drawn on it, so nothing may draw one."""

QUIET_UNITS = (
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_reap.service",
    "e2scrub_all.timer", "getty@tty1.service", "fstrim.timer", "systemd-pstore.service",
    "systemd-hwdb-update.service", "systemd-journal-catalog-update.service", "systemd-update-done.service",
    "systemd-timesyncd.service", "systemd-networkd.service", "systemd-networkd-wait-online.service",
    "ldconfig.service", "systemd-binfmt.service", "libvirt-guests.service",
    "systemd-boot-random-seed.service", "systemd-boot-update.service", "dev-hugepages.mount",
    "man-db.timer", "logrotate.timer", "systemd-tmpfiles-clean.timer", "systemd-tpm2-setup.service",
    "systemd-tpm2-setup-early.service",
)  # fmt: skip
"""Nothing that a boot chain or libvirt needs; together they cost a quarter of an emulated boot."""


class System(NamedTuple):
    """One installed Debian."""

    name: str
    suite: str
    loader: str
    """``grub``, ``systemd-boot`` or ``uki``."""
    generator: str = ""
    """``initramfs-tools`` or ``dracut``; the release's own choice where nothing is said."""
    is_uefi: bool = True
    has_guests: bool = False
    """libvirt and QEMU are installed."""
    is_stock: bool = False
    """The image generator keeps the distribution's settings, and is slow."""
    disk_mib: int = 3072
    esp_mib: int = 384

    @property
    def packages(self) -> tuple[str, ...]:
        """What is installed."""
        return (
            *ALWAYS,
            *((self.generator,) if self.generator else ()),
            *_LOADERS[self.loader, self.is_uefi],
            *(LIBVIRT if self.has_guests else ()),
            *(SPICE if self.has_guests and self.suite != "bookworm" else ()),
        )

    @property
    def has_grub(self) -> bool:
        """Whether GRUB shows the menu."""
        return self.loader == "grub"


_LOADERS = {
    ("grub", False): ("grub-pc",),
    ("grub", True): ("grub-efi-amd64", "dosfstools"),
    ("systemd-boot", True): ("systemd-boot", "dosfstools"),
    ("uki", True): ("systemd-boot", "systemd-boot-efi", "systemd-ukify", "dosfstools"),
}

SYSTEMS = {
    one.name: one
    for one in (
        System("bookworm-grub", "bookworm", "grub", "initramfs-tools", is_uefi=False, has_guests=True),
        System("trixie-sdboot", "trixie", "systemd-boot", "dracut"),
        System("trixie-grub", "trixie", "grub", "dracut", has_guests=True),
        System("trixie-uki", "trixie", "uki", "dracut"),
        System("sid-grub", "sid", "grub", is_uefi=False, is_stock=True),
    )
}


class Installed(NamedTuple):
    """A system's files on the machine that runs the lab."""

    system: System
    folder: Path

    @property
    def root(self) -> Path:
        """All of the system but its EFI system partition."""
        return self.folder / "root"

    @property
    def esp(self) -> Path:
        """What is in the EFI system partition."""
        return self.folder / "esp"

    @property
    def disk(self) -> Path:
        """The disk as it was installed; machines boot from overlays on it."""
        return self.folder / "disk.img"

    @property
    def release(self) -> str:
        """The installed kernel."""
        return next(path.name for path in (self.root / "lib/modules").iterdir())

    @property
    def python(self) -> str:
        """The installed Python, as ``3.11``."""
        found = next(path for path in (self.root / "usr/lib").glob("python3.*") if (path / "os.py").is_file())
        return found.name.removeprefix("python")

    @property
    def site(self) -> str:
        """Where the program's environment keeps its packages, from the root."""
        return f"{VENV}/lib/python{self.python}/site-packages"


def recipe(system: System) -> str:
    """A name for how the system is made now."""
    from tests.lab.full import disks  # noqa: PLC0415 - disks builds on this module

    words = [system, system.packages, PARAMETERS, QUIET_UNITS, PASSWORD, _dependencies()]
    code = [inspect.getsource(one) for one in (install, _generator_settings, furnish, disks)]
    code += [path.read_text() for path in _inside()]
    return hashlib.sha256(json.dumps([words, code]).encode()).hexdigest()[:16]


def _inside() -> list[Path]:
    """What the lab brings into the machine."""
    return sorted(path for path in INSIDE.iterdir() if path.is_file() and path.name != "__init__.py")


def _dependencies() -> list[str]:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    return list(project["dependencies"])


def install(place: Installed) -> None:
    """Install the packages. The images that are built on the way are small: they are built again later."""
    system = place.system
    shutil.rmtree(place.root, ignore_errors=True)
    place.folder.mkdir(parents=True, exist_ok=True)
    listed = place.folder / "sources.list"
    listed.write_text("\n".join(sources(system.suite, security=system.suite != "sid")) + "\n")
    early = place.folder / "early"
    shutil.rmtree(early, ignore_errors=True)
    _write(early, _generator_settings(system))
    run(
        "mmdebstrap", "--variant=minbase", f"--include={','.join(system.packages)}",
        f"--essential-hook=cp -rT {early} \"$1\"",
        system.suite, str(place.root), str(listed),
    )  # fmt: skip


def _generator_settings(system: System) -> dict[str, str]:
    """Small images, quickly packed: emulated, the distribution's settings take four minutes for each."""
    if system.is_stock:
        return {"etc/lab": "stock\n"}
    return {
        "etc/initramfs-tools/conf.d/lab": "MODULES=list\nCOMPRESS=gzip\nCOMPRESSLEVEL=1\n",
        "etc/dracut.conf.d/lab.conf": 'compress="gzip -1"\n',
    }


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755 if text.startswith("#!") else 0o644)


def furnish(place: Installed) -> None:
    """Make the installed files a system with a name, a password, a console, and the lab's agent."""
    root = place.root
    for name in ("usr/share/doc", "usr/share/man", "usr/share/locale", "var/cache/apt", "var/lib/apt/lists"):
        shutil.rmtree(root / name, ignore_errors=True)
    units = root / "etc/systemd/system"
    for unit in QUIET_UNITS:
        link(units / unit, "/dev/null")
    (root / "lab").mkdir(exist_ok=True)
    for path in _inside():
        target = units if path.suffix == ".service" else root / "lab"
        shutil.copy(path, target / path.name)
    for wanted in ("multi-user", "rescue", "emergency"):
        link(units / f"{wanted}.target.wants/lab-agent.service", "/etc/systemd/system/lab-agent.service")
    esp = f"UUID={ESP_ID[:4]}-{ESP_ID[4:]} /boot/efi vfat umask=0077 0 2\n" if place.system.is_uefi else ""
    _write(root, {
        "etc/machine-id": f"{MACHINE_ID}\n",
        "etc/hostname": "lab\n",
        "etc/hosts": "127.0.0.1 localhost lab\n",
        "etc/fstab": f"UUID={ROOT_UUID} / ext4 defaults 0 1\n{esp}",
    })  # fmt: skip
    (root / "boot/efi").mkdir(exist_ok=True)
    chroot(root, f"echo root:{PASSWORD} | chpasswd")
    chroot(root, f"python3 -m venv --without-pip --system-site-packages /{VENV}")
    install_dependencies_of_the_wheel(place)


def install_dependencies_of_the_wheel(place: Installed) -> None:
    """Into the environment that the console command will run in, compiled."""
    target = place.root / place.site
    install_dependencies(place.root, place.python)
    run("cp", "-r", f"{place.root}/opt/lab/deps/.", str(target))
    shutil.rmtree(place.root / "opt/lab")
    chroot(place.root, f"python3 -m compileall -q --invalidation-mode unchecked-hash /{place.site}")


def chroot(root: Path, script: str) -> str:
    """Run a script inside, with the mounts that a package's own scripts have; nobody else sees them."""
    mounts = (
        f"mount -t proc proc {root}/proc; mount -t sysfs sysfs {root}/sys; mount --rbind /dev {root}/dev; "
    )
    inner = f"export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8; set -e; {script}"
    words = ("unshare", "-m", "sh", "-c", f'{mounts} exec chroot {root} sh -c "$0"', inner)
    done = subprocess.run(words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        message = f"in {root}: {script[:120]} failed: {(done.stderr or done.stdout).strip()[-600:]}"
        raise RuntimeError(message)
    return done.stdout


def link(path: Path, target: str) -> None:
    """A symbolic link, in place of whatever was there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target)
