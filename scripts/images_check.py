"""Builds images with the real generators and compares what the reader finds with their own listers.

`python -m scripts.images_check [bookworm|trixie|trixie-initramfs-tools]`: Debian systems made by mmdebstrap
(needs root, a network, 1 GB below TMPDIR and ten minutes), in them an image for each packing and way of
building, and beside each the list of its files by lsinitramfs or lsinitrd. Exit code 1 when a list differs.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from vfio_wizard.model.image import InitramfsImage
from vfio_wizard.probe.images import read_image
from vfio_wizard.system.archive.budget import Budget
from vfio_wizard.system.archive.cpio import Entry, archives, entries
from vfio_wizard.system.archive.pe import MAGIC, sections
from vfio_wizard.system.archive.streams import Span
from vfio_wizard.system.host import RootHost

PACKAGES = "linux-image-amd64,systemd-sysv,udev,kmod,zstd,lz4,xz-utils,bzip2,cpio"

RECIPE = r"""
set -e
mkdir -p /out /etc/modprobe.d
K=$(ls /lib/modules | head -n 1)
echo 'options vfio-pci ids=1002:5159,8086:293e' > /etc/modprobe.d/vfio.conf
echo 'softdep radeon pre: vfio-pci' >> /etc/modprobe.d/vfio.conf
"""

INITRAMFS_TOOLS = (
    RECIPE
    + r"""
build() { # name, packing
    mkinitramfs -c "$2" -o "/out/$1.img" "$K"
    lsinitramfs "/out/$1.img" > "/out/$1.list"
}
build most zstd
sed -i 's/^MODULES=.*/MODULES=list/' /etc/initramfs-tools/initramfs.conf
printf 'vfio\nvfio_iommu_type1\nvfio_pci\nradeon\n' >> /etc/initramfs-tools/modules
cat > /etc/initramfs-tools/hooks/zz-microcode <<'END'
#!/bin/sh
[ "$1" != prereqs ] || exit 0
. /usr/share/initramfs-tools/hook-functions
mkdir -p /tmp/early/kernel/x86/microcode
head -c 70001 /dev/urandom > /tmp/early/kernel/x86/microcode/AuthenticAMD.bin
(cd /tmp/early && find . | cpio -o -H newc --quiet) > /tmp/early.cpio
prepend_earlyinitramfs /tmp/early.cpio
END
chmod +x /etc/initramfs-tools/hooks/zz-microcode
for packing in gzip xz zstd lz4 bzip2 lzma; do build "vfio-$packing" "$packing"; done
"""
)

DRACUT = (
    RECIPE
    + r"""
# Host-only images need a running machine: see tests/lab/predict/hostonly.py.
mount -t tmpfs tmpfs /run
mount --bind /dev /dev
echo 'force_drivers+=" vfio_pci vfio vfio_iommu_type1 "' > /etc/dracut.conf.d/vfio.conf
build() { # name, options
    name=$1; shift
    dracut --force --quiet "$@" "/out/$name.img" "$K"
    lsinitrd "/out/$name.img" > "/out/$name.long" 2>/dev/null
}
build generic --no-hostonly --zstd
build generic-xz --no-hostonly --xz
build installed --no-hostonly --lz4 --install /etc/modprobe.d/vfio.conf
build unified --no-hostonly --zstd --uefi --uefi-stub /usr/lib/systemd/boot/efi/linuxx64.efi.stub \
    --kernel-image "/boot/vmlinuz-$K" --kernel-cmdline "root=/dev/vda1 quiet"
umount /run /dev
"""
)


class System(NamedTuple):
    """A Debian to build images in."""

    suite: str
    packages: str
    recipe: str


SYSTEMS = {
    "bookworm": System("bookworm", f"{PACKAGES},initramfs-tools,lzma", INITRAMFS_TOOLS),
    "trixie": System("trixie", f"{PACKAGES},dracut,systemd-boot-efi,binutils", DRACUT),
    "trixie-initramfs-tools": System("trixie", f"{PACKAGES},initramfs-tools", INITRAMFS_TOOLS),
}


def main(names: list[str]) -> int:
    """Build and compare; a line for each image."""
    is_well = True
    with tempfile.TemporaryDirectory(prefix="vfio-wizard-images-") as folder:
        for name in names or list(SYSTEMS):
            out = Path(folder) / name
            out.mkdir()
            build(SYSTEMS[name], out)
            for image in sorted(out.glob("*.img")):
                is_well &= compare(name, image)
    return 0 if is_well else 1


def build(system: System, out: Path) -> None:
    """Make the system, run its recipe, and keep only what it left in /out."""
    recipe = out / "recipe"
    recipe.write_text(system.recipe)
    subprocess.run(
        [
            "mmdebstrap",
            "--quiet",
            "--variant=minbase",
            f"--include={system.packages}",
            f"--customize-hook=upload {recipe} /root/recipe",
            '--customize-hook=chroot "$1" sh /root/recipe >&2',
            f"--customize-hook=sync-out /out {out}",
            system.suite,
            "/dev/null",
        ],
        check=True,
    )


def compare(system: str, image: Path) -> bool:
    """Whether the reader lists what the lister lists, and reads the image whole."""
    start = time.process_time()
    told = read_image(RootHost(str(image.parent)), image.name)
    seconds = time.process_time() - start
    theirs = listed(image)
    same = bool(theirs) and set(names_in(image)) == theirs
    whole = isinstance(told, InitramfsImage) and told.is_complete
    words = described(told) if isinstance(told, InitramfsImage) else told.reason
    verdict = "same" if same and whole else "DIFFERS"
    size = image.stat().st_size >> 20
    print(
        f"{verdict:8}{system:24}{image.stem:14}{size:4} MiB {seconds:5.2f} s {len(theirs):5} files  {words}"
    )
    return same and whole


def described(image: InitramfsImage) -> str:
    """The findings that matter, in one line."""
    options = "ids inside" if image.modprobe.options("vfio_pci") else "no ids inside"
    early = ",".join(f"{one.module} {one.when}" for one in image.early[:1]) or "nothing loaded by name"
    return f"{image.made_by}, {'+'.join(image.compression)}, {len(image.modules)} modules, {options}, {early}"


def listed(image: Path) -> set[str]:
    """The names by the generator's own lister."""
    short = image.with_suffix(".list")
    if short.exists():
        names = short.read_text().splitlines()
    else:
        names = [
            _name(line) for line in image.with_suffix(".long").read_text().splitlines() if _LONG.match(line)
        ]
    return {name.removeprefix("./") for name in names} - {".", ""}


_LONG = re.compile(r"[-dlcbps][-rwxsStT]{9} +\d+ +\S+ +\S+ +(?:\d+, +)?\d+ +\S+ +\d+ +\S+ +")


def _name(line: str) -> str:
    return _LONG.sub("", line).partition(" -> ")[0]


def names_in(image: Path) -> Iterator[str]:
    """The names by the project's own reader."""
    with image.open("rb") as file:
        span = Span(file.fileno(), 0, os.fstat(file.fileno()).st_size, Budget())
        if span.peek(2) == MAGIC:
            initrd = next(section for section in sections(span) if section.name == ".initrd")
            span = Span(file.fileno(), initrd.start, initrd.start + initrd.size, span.budget)
        for packing, stream in archives(span):
            for entry, _ in entries(stream, span.budget, _nothing, alone=packing == "none"):
                if entry.name:
                    yield entry.name


def _nothing(_entry: Entry) -> bool:
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
