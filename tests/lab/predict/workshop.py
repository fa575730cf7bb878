"""One set-up made real: files into the root, the image by the real generator, the prediction, the boot."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from tests.lab.machine import Boot, LabError, Machine
from tests.lab.predict import roots
from tests.lab.predict.roots import Root
from tests.lab.predict.setups import Setup

REPOSITORY = Path(__file__).resolve().parents[3]
SMALL = "MODULES=list\nCOMPRESS=gzip\nCOMPRESSLEVEL=1\n"
SMALL_MODULES = "virtio_pci\nvirtio_blk\next4\n"
TIMEOUT = 1800.0
"""A boot takes two minutes on an idle machine, and many times that on a busy one."""

GRUB = """\
set default="0"
menuentry 'Debian' {{
	linux	/boot/vmlinuz-{release} root=/dev/vda rw console=ttyS0 {words}
	initrd	/boot/initrd.img-{release}
}}
"""

SCRIPT = """\
set -e
mount -t overlay overlay -o lowerdir={lower},upperdir={run}/upper,workdir={run}/work {run}/root
cp -a {run}/files/. {run}/root/
mount --bind {run}/dev {run}/root/dev
mount -t proc proc {run}/root/proc
mount -t sysfs sysfs {run}/root/sys
chroot {run}/root {generate} >{run}/generator.log 2>&1 || {{ tail -5 {run}/generator.log >&2; exit 1; }}
umount {run}/root/dev {run}/root/proc {run}/root/sys
cp -a {run}/after/. {run}/root/
umount {run}/root
"""

PREDICT = """\
set -e
mount -t overlay overlay -o lowerdir={lower},upperdir={run}/upper,workdir={run}/work {run}/root
mount --bind {baseline}/sys {run}/root/sys
mount --bind {baseline}/proc {run}/root/proc
cd {repository}
{python} -m vfio_wizard predict --json --host {run}/root >{run}/predicted.json
{python} -m vfio_wizard predict --verbose --host {run}/root >{run}/predicted.txt
{python} -m vfio_wizard capture --host {run}/root -o {run}/capture.json 2>/dev/null
{python} -m vfio_wizard predict --json --host {run}/capture.json >{run}/predicted-from-capture.json
umount {run}/root/sys {run}/root/proc {run}/root
"""

DISK = """\
set -e
mount -t overlay overlay -o lowerdir={lower},upperdir={run}/upper,workdir={run}/work {run}/root
cp {run}/root/boot/initrd.img-{release} {run}/initrd
cp {run}/root/boot/vmlinuz-{release} {run}/vmlinuz
umount {run}/root
cp --sparse=always {disk} {run}/disk.img
mkdir -p {run}/mnt
mount -o loop {run}/disk.img {run}/mnt
for part in etc usr; do
    [ -d {run}/upper/$part ] && cp -a {run}/upper/$part/. {run}/mnt/$part/
done
umount {run}/mnt
"""


class Compared(NamedTuple):
    """One function of one run."""

    address: str
    predicted: str
    stage: str
    actual: str
    why: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """``hit``, ``miss`` or ``unknown``."""
        if self.predicted == "unknown":
            return "unknown"
        return "hit" if self.predicted == self.actual else "miss"


class Outcome(NamedTuple):
    """What became of one set-up."""

    setup: Setup
    functions: tuple[Compared, ...]
    problem: str
    seconds: float

    @property
    def is_good(self) -> bool:
        """No miss, and nothing went wrong."""
        return not self.problem and all(one.verdict != "miss" for one in self.functions)


def run(setup: Setup, root: Root, lab: Path, *, again: bool = True) -> Outcome:
    """Build, predict, boot, compare; without ``again``, predict anew for a boot of an earlier run."""
    started = time.monotonic()
    folder = folder_of(setup, lab)
    release = root.release(lab)
    is_there = is_booted(setup, lab) and not again
    try:
        if not is_there:
            _prepare(setup, root, lab, folder)
            _shell(SCRIPT, setup, root, lab, folder)
        _shell(PREDICT, setup, root, lab, folder)
        if not is_there:
            _shell(DISK, setup, root, lab, folder)
            _boot(setup, folder)
        predicted = json.loads((folder / "predicted.json").read_text())
        compared = _compare(predicted, release, _actual(folder))
        problem = _other_from_capture(predicted, folder)
    except (LabError, RuntimeError, OSError, ValueError, StopIteration) as error:
        compared, problem = (), f"{error}; see {folder}"
    for name in ("disk.img", "initrd", "vmlinuz"):
        (folder / name).unlink(missing_ok=True)
    return Outcome(setup, compared, problem, time.monotonic() - started)


def folder_of(setup: Setup, lab: Path) -> Path:
    """Where everything about a set-up is kept."""
    return lab / "runs" / f"{setup.root} {setup.name}".replace(" ", "-").replace(",", "")


def is_booted(setup: Setup, lab: Path) -> bool:
    """Whether an earlier run left what sysfs showed, and the root that it showed it of."""
    folder = folder_of(setup, lab)
    return (folder / "out/answer").is_file() and (folder / "upper/boot").is_dir()


def _prepare(setup: Setup, root: Root, lab: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("upper", "work", "root", "files", "after", "dev"):
        (folder / name).mkdir(parents=True)
    for name in ("null", "zero", "urandom", "random", "console"):
        number = {"null": 3, "zero": 5, "random": 8, "urandom": 9, "console": 3}[name]
        os.mknod(folder / "dev" / name, 0o020666, os.makedev(1, number))
    release = root.release(lab)
    files = dict(setup.files)
    if root.generator == "initramfs-tools" and not setup.most:
        files["etc/initramfs-tools/conf.d/lab.conf"] = SMALL
        files["etc/initramfs-tools/modules"] = SMALL_MODULES + files.get("etc/initramfs-tools/modules", "")
    if not setup.whole:
        files["etc/modprobe.d/lab.conf"] = (
            "# amdgpu looks at every AMD card; loading it takes long here.\nblacklist amdgpu\n"
        )
    grub = GRUB.format(release=release, words=setup.command_line)
    files["etc/default/grub"] = f'GRUB_CMDLINE_LINUX_DEFAULT="{setup.command_line}"\n'
    files["boot/grub/grub.cfg"] = grub
    _write(folder / "files", files)
    _write(folder / "after", dict(setup.after))


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text.startswith("-> "):
            path.symlink_to(text[3:].strip())
            continue
        path.write_text(text)
        path.chmod(0o755 if text.startswith("#!") else 0o644)


def _shell(script: str, setup: Setup, root: Root, lab: Path, folder: Path) -> None:
    """Run one of the scripts with mounts that nobody else sees."""
    release = root.release(lab)
    generate = {
        "initramfs-tools": f"update-initramfs -u -k {release}",
        "dracut": f"dracut --force /boot/initrd.img-{release} {release}",
    }[root.generator]
    text = script.format(
        lower=root.folder(lab),
        run=folder,
        generate=generate,
        release=release,
        baseline=roots.baseline(root, setup.topology, release, lab),
        repository=REPOSITORY,
        python=sys.executable,
        disk=root.disk(lab),
    )
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", text], capture_output=True, text=True, check=False, timeout=900
    )
    if done.returncode:
        message = f"could not be built: {done.stderr.strip()[-600:]}"
        raise RuntimeError(message)


def _boot(setup: Setup, folder: Path) -> None:
    words = (*roots.PARAMETERS, *setup.command_line.split())
    start = Boot(folder / "vmlinuz", folder / "initrd", words)
    devices = roots.devices(folder / "disk.img", setup.topology)
    with Machine(folder, start, devices, cpu=roots.CPU, memory=1536) as machine:
        machine.wait_for_power_off(TIMEOUT)
    roots.fetch(folder / "disk.img", folder / "out")


def _other_from_capture(predicted: dict[str, Any], folder: Path) -> str:
    """Whoever gets the capture in place of the machine must be told the same, reasons included."""
    told = json.loads((folder / "predicted-from-capture.json").read_text())
    return "" if told == predicted else f"predicted otherwise from the capture; see {folder}"


def _actual(folder: Path) -> dict[str, str]:
    lines = (folder / "out/answer").read_text().splitlines()
    return {address: driver or "-" for address, _, driver in (line.partition(" ") for line in lines)}


def _compare(predicted: dict[str, Any], release: str, actual: dict[str, str]) -> tuple[Compared, ...]:
    kernel = next(one for one in predicted["kernels"] if one["release"] == release)
    told = {one["address"]: one for one in kernel["functions"]}
    return tuple(
        Compared(
            address,
            str(told[address]["driver"] or "-") if address in told else "not predicted",
            str(told[address]["stage"] or "") if address in told else "",
            driver,
            tuple(told[address]["why"]) if address in told else (),
        )
        for address, driver in sorted(actual.items())
    )
