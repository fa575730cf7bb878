"""Host-only images of dracut, built inside a booted machine: ``python -m tests.lab.predict.hostonly``.

dracut leaves out what the running machine does not use, which it learns from /proc/modules and /sys. In a
container without those it falls back to a generic image, so ``scripts.images_check`` cannot build one.
"""

from __future__ import annotations

import shutil
import sys

from scripts.images_check import compare
from tests.lab.machine import Boot, Machine
from tests.lab.predict import roots
from tests.lab.predict.run import LAB, ROOTS

BUILD = """\
mkdir -p /etc/modprobe.d
echo 'options vfio-pci ids=1002:5159,8086:293e' >/etc/modprobe.d/vfio.conf
echo 'softdep radeon pre: vfio-pci' >>/etc/modprobe.d/vfio.conf
K=$(uname -r)
dracut --force --hostonly --gzip /lab/out/hostonly.img $K
echo 'force_drivers+=" vfio-pci "' >/etc/dracut.conf.d/vfio.conf
dracut --force --hostonly --hostonly-mode strict --zstd /lab/out/hostonly-strict-forced.img $K
"""
TIMEOUT = 1800.0


def main() -> int:
    """Build two images and compare what is read in them with lsinitrd; 1 when something differs."""
    root = next(one for one in ROOTS if one.generator == "dracut")
    roots.build(root, LAB)
    out = LAB / "hostonly"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    disk = out / "disk.img"
    roots.run("cp", "--sparse=always", str(root.disk(LAB)), str(disk))
    script = out / "script"
    script.write_text(BUILD)
    roots.leave(script, "run", disk)
    boot, release = root.folder(LAB) / "boot", root.release(LAB)
    start = Boot(boot / f"vmlinuz-{release}", boot / f"initrd.img-{release}", roots.PARAMETERS)
    devices = roots.devices(disk, "one")
    with Machine(out, start, devices, cpu=roots.CPU, cores="2", memory=1536) as machine:
        sys.stdout.write(f"built after {machine.wait_for_power_off(TIMEOUT):.0f} s\n")
    roots.fetch(disk, out / "built")
    disk.unlink()
    images = sorted((out / "built").glob("*.img"))
    for image in images:
        inside = root.folder(LAB) / "lab" / image.name
        shutil.copy(image, inside)
        told = roots.run("chroot", str(root.folder(LAB)), "lsinitrd", f"/lab/{image.name}")
        inside.unlink()
        image.with_suffix(".long").write_text(told)
    same = [compare("trixie", image) for image in images]
    return 0 if len(same) == 2 and all(same) else 1


if __name__ == "__main__":
    sys.exit(main())
