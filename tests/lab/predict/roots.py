"""Whole Debian systems, each with the image generator that it really has, and a disk made of each.

Cached below ``.lab/predict``: a system takes about a minute, and only its files in ``/etc`` differ between
set-ups.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.lab.archive import sources
from tests.lab.machine import Boot, Machine
from tests.lab.topologies import port

TOOLS = ("systemd-sysv", "udev", "kmod", "zstd", "driverctl", "pciutils", "dbus")
DISK_MIB = 2600
CPU = "Nehalem"
"""Without the wide vector units, which cost time under emulation."""

PARAMETERS = (
    "BOOT_IMAGE=/boot/vmlinuz", "root=/dev/vda", "rw", "console=ttyS0", "quiet", "fsck.mode=skip",
    "no_timer_check", "panic=-1", "mitigations=off", "apparmor=0",
    "selinux=0", "audit=0", "random.trust_cpu=on",
    "drm_kms_helper.poll=0", "drm_kms_helper.fbdev_emulation=0",
)  # fmt: skip
"""What GRUB would pass, and what makes an emulated boot quick. radeon of 6.12 divides by zero on the emulated
card as soon as a console is drawn on it, so nothing may draw one."""

QUIET_UNITS = (
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_reap.service",
    "e2scrub_all.timer", "getty@tty1.service", "fstrim.timer", "serial-getty@ttyS0.service",
    "systemd-random-seed.service", "systemd-update-utmp.service", "systemd-pstore.service",
    "systemd-hwdb-update.service", "systemd-journal-catalog-update.service", "systemd-update-done.service",
    "systemd-journal-flush.service", "systemd-logind.service", "dbus.service", "dbus.socket",
    "systemd-sysusers.service", "systemd-binfmt.service", "modprobe@configfs.service",
    "modprobe@fuse.service",
    "systemd-tmpfiles-setup.service", "systemd-user-sessions.service", "ldconfig.service",
    "systemd-tmpfiles-clean.timer", "systemd-timesyncd.service", "systemd-update-utmp-runlevel.service",
)  # fmt: skip

REPORT_UNIT = """\
[Unit]
Description=Report who has which PCI function
After=multi-user.target

[Service]
Type=oneshot
ExecStart=/usr/local/sbin/lab-report

[Install]
WantedBy=multi-user.target
"""

REPORT = """\
#!/bin/sh
# udev is done with the devices, and so are the services that it asked for (driverctl).
udevadm settle
sleep 4
udevadm settle
if [ -e /lab/run ]; then
    mkdir -p /lab/out
    sh /lab/run >/lab/out/log 2>&1
    tar -C /lab/out -cf - . | gzip -1 >/lab/out.tar.gz
elif [ -e /lab/dump ]; then
    cd /
    functions=$(for function in /sys/bus/pci/devices/*; do readlink -f "$function"; done)
    {
        find $functions -maxdepth 1 \\( -type l -o -type f -readable \\) \
            ! -name 'resource[0-9]*' ! -name rom ! -name vpd ! -name config ! -name reset
        find /sys/bus/pci/devices /sys/bus/pci/drivers /sys/kernel/iommu_groups /sys/class/iommu \
            /sys/class/drm -maxdepth 3 \\( -type l -o -name type -o -name reserved_regions \\)
        find /sys/module -maxdepth 1
        find /sys/firmware -maxdepth 1
    } 2>/dev/null | sed 's,^/,,' >/run/names
    for name in cmdline cpuinfo meminfo modules version sys/kernel/osrelease filesystems; do
        mkdir -p "/run/dump/proc/$(dirname $name)"
        cat /proc/$name >/run/dump/proc/$name
    done
    tar -C / -cf /run/dump.tar --no-recursion --ignore-failed-read -T /run/names 2>/run/complaints
    tar -rf /run/dump.tar -C /run/dump proc
    gzip -1 </run/dump.tar >/lab/out.tar.gz
else
    for function in /sys/bus/pci/devices/*; do
        driver=$(readlink "$function/driver")
        echo "${function##*/} ${driver##*/}"
    done >/run/answer
    cat /proc/cmdline >/run/cmdline
    dmesg >/run/dmesg
    tar -C /run -cz answer cmdline dmesg >/lab/out.tar.gz
fi
sync
mount -o remount,ro /
systemctl poweroff --force --force
"""


class Root(NamedTuple):
    """One installed Debian."""

    name: str
    suite: str
    generator: str
    """``initramfs-tools`` or ``dracut``: the package."""

    def folder(self, lab: Path) -> Path:
        """The system's files."""
        return lab / self.name

    def disk(self, lab: Path) -> Path:
        """An ext4 file system with the same files."""
        return lab / f"{self.name}.img"

    def release(self, lab: Path) -> str:
        """The installed kernel."""
        return next(path.name for path in (self.folder(lab) / "lib/modules").iterdir())


def build(root: Root, lab: Path) -> None:
    """Install the system and make its disk, unless both are there."""
    recipe = json.dumps([root, TOOLS, QUIET_UNITS, REPORT, REPORT_UNIT, DISK_MIB])
    stamp = lab / f"{root.name}.recipe"
    if stamp.is_file() and stamp.read_text() == recipe and root.disk(lab).is_file():
        return
    if not root.folder(lab).is_dir():
        _install(root, lab)
    _furnish(root.folder(lab))
    _make_disk(root, lab)
    stamp.write_text(recipe)


def _install(root: Root, lab: Path) -> None:
    lab.mkdir(parents=True, exist_ok=True)
    places = lab / f"{root.name}.list"
    places.write_text("\n".join(sources(root.suite, security=True)) + "\n")
    packages = ",".join(("linux-image-amd64", root.generator, *TOOLS))
    tar = lab / f"{root.name}.tar"
    run("mmdebstrap", "--variant=minbase", f"--include={packages}", root.suite, str(tar), str(places))
    root.folder(lab).mkdir()
    run("tar", "-C", str(root.folder(lab)), "-xf", str(tar), "--exclude=./dev/*")
    tar.unlink()


def _furnish(folder: Path) -> None:
    for name in ("usr/share/doc", "usr/share/man", "usr/share/locale", "var/cache/apt", "var/lib/apt/lists"):
        shutil.rmtree(folder / name, ignore_errors=True)
    units = folder / "etc/systemd/system"
    for unit in QUIET_UNITS:
        _link(units / unit, "/dev/null")
    (folder / "lab").mkdir(exist_ok=True)
    report = folder / "usr/local/sbin/lab-report"
    report.write_text(REPORT)
    report.chmod(0o755)
    (units / "lab-report.service").write_text(REPORT_UNIT)
    _link(units / "multi-user.target.wants/lab-report.service", "/etc/systemd/system/lab-report.service")
    (folder / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    (folder / "etc/fstab").write_text("/dev/vda / ext4 defaults 0 1\n")
    (folder / "etc/hostname").write_text("emulated\n")


def _link(path: Path, target: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def _make_disk(root: Root, lab: Path) -> None:
    disk = root.disk(lab)
    disk.unlink(missing_ok=True)
    run(
        "mke2fs",
        "-q",
        "-t",
        "ext4",
        "-O",
        "^has_journal",
        "-d",
        str(root.folder(lab)),
        str(disk),
        f"{DISK_MIB}M",
    )


def devices(disk: Path, topology: str) -> tuple[str, ...]:
    """The machine: a display of its own, a card with sound, neighbours; ``twins`` has the card twice."""
    cards = ("1", "2") if topology == "twins" else ("1",)
    words = [
        "-device", "intel-iommu,intremap=on",
        "-drive", f"file={disk},format=raw,if=none,id=root,cache=unsafe",
        "-device", "virtio-blk-pci,drive=root,addr=0x10",
        "-device", "VGA,addr=0x2",
    ]  # fmt: skip
    for number in cards:
        words += [
            *port(f"rp{number}", f"0x{2 + int(number)}"),
            "-device", f"ati-vga,model=rv100,bus=rp{number},addr=0.0,multifunction=on",
            "-device", f"ich9-intel-hda,bus=rp{number},addr=0.1",
        ]  # fmt: skip
    if topology == "one":
        words += [
            "-device", "ich9-intel-hda,addr=0x1b",
            "-device", "qemu-xhci,addr=0x14",
            "-device", "e1000e,addr=0x19",
            "-chardev", "null,id=nothing",
            "-device", "pci-serial,chardev=nothing,addr=0x16",
        ]  # fmt: skip
    return tuple(words)


def baseline(root: Root, topology: str, release: str, lab: Path) -> Path:
    """What sysfs and procfs show on this machine before any set-up; booted once for each release."""
    kept = lab / f"{root.suite}-{topology}-baseline"
    if (kept / "proc/cmdline").is_file():
        return kept
    folder = lab / f"{root.suite}-{topology}-first-boot"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    disk = folder / "disk.img"
    run("cp", "--sparse=always", str(root.disk(lab)), str(disk))
    touch = folder / "dump"
    touch.touch()
    leave(touch, "dump", disk)
    boot = root.folder(lab) / "boot"
    start = Boot(boot / f"vmlinuz-{release}", boot / f"initrd.img-{release}", PARAMETERS)
    with Machine(folder, start, devices(disk, topology), cpu=CPU, memory=1536) as machine:
        machine.wait_for_power_off(600)
    fetch(disk, kept)
    disk.unlink()
    return kept


def leave(file: Path, name: str, disk: Path) -> None:
    """Put a file into ``/lab`` of a disk, where the machine's report finds it."""
    run("debugfs", "-w", "-R", f"write {file} lab/{name}", str(disk))


def fetch(disk: Path, folder: Path) -> None:
    """Unpack what the machine left on its disk."""
    packed = folder.with_suffix(".tar.gz")
    run("debugfs", "-R", f"dump /lab/out.tar.gz {packed}", str(disk))
    folder.mkdir(exist_ok=True)
    run("tar", "-C", str(folder), "-xzf", str(packed))
    packed.unlink()


def run(*command: str) -> str:
    """Run a tool; its last words are the message when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        message = f"{' '.join(command)[:200]} failed: {(done.stderr or done.stdout).strip()[-600:]}"
        raise RuntimeError(message)
    return done.stdout
