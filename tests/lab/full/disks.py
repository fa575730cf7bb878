"""Makes an installed system's disk: images by its own generator, its boot loader by the loader's own tools.

No loop device is needed: file systems are written straight into the image, and GRUB, which wants to see the
disk that it is installed on, is installed in a first boot with the kernel given by hand.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.lab.full.systems import (
    ESP_ID,
    PARAMETERS,
    ROOT_UUID,
    SYSTEMS,
    Installed,
    chroot,
    furnish,
    install,
    recipe,
)
from tests.lab.machine import Boot, LabError, Machine
from tests.lab.predict.roots import run
from tests.lab.scenario import firmware

CPU = "max,-avx,-avx2,-avx512f"
"""With SVM, so that KVM is there; without wide vector units, which cost time under emulation."""
MEMORY = 3072
"""MiB: a guest of 512 leaves the host the two GiB that it needs."""
SECTOR = 512
START = 2048
"""The first partition's first sector; GRUB lies before it, where there is no EFI system partition."""
MIB_SECTORS = 2048
OVMF = Path("/usr/share/OVMF/OVMF_CODE_4M.fd")

GRUB_DEFAULTS = {
    "GRUB_TIMEOUT": "3",
    "GRUB_CMDLINE_LINUX": f'"{" ".join(PARAMETERS)}"',
}
SERIAL = 'GRUB_TERMINAL=serial\nGRUB_SERIAL_COMMAND="serial --unit=0 --speed=115200"\n'

FIRST_BOOT = """\
#!/bin/sh
# First process of the boot that installs GRUB.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
mount -o remount,rw /
mount -t devpts devpts /dev/pts
[ -d /sys/firmware/efi ] && mount -t efivarfs efivarfs /sys/firmware/efi/efivars && mount /boot/efi
{install} && update-grub && echo "lab: installed"
mountpoint -q /boot/efi && umount /boot/efi
sync
mount -o remount,ro /
echo o >/proc/sysrq-trigger
sleep 60
"""
GRUB_INSTALL = {
    False: "grub-install --target=i386-pc /dev/vda",
    True: "grub-install --target=x86_64-efi --removable --no-nvram",
}

INTO_ESP = """\
export SYSTEMD_RELAX_ESP_CHECKS=1
mount -t tmpfs tmpfs /boot/efi
bootctl install --no-variables --esp-path=/boot/efi
kernel-install add {release} /boot/vmlinuz-{release}
printf 'timeout 3\\nconsole-mode keep\\n' >/boot/efi/loader/loader.conf
rm -rf /lab/esp
cp -r /boot/efi /lab/esp
"""
"""The tools insist on the root of a file system."""


def installed(name: str, lab: Path) -> Installed:
    """The system ready to boot from its disk, made anew when it is not there or is made differently now."""
    place = Installed(SYSTEMS[name], lab / name)
    stamp = place.folder / "recipe"
    if stamp.is_file() and stamp.read_text() == recipe(place.system) and place.disk.is_file():
        return place
    stamp.unlink(missing_ok=True)
    install(place)
    furnish(place)
    _configure(place)
    _write_disk(place)
    if place.system.has_grub:
        _first_boot(place)
    stamp.write_text(recipe(place.system))
    return place


def _configure(place: Installed) -> None:
    """The boot chain's configuration, and the images made with it by the system's own tools."""
    if not place.system.is_stock:
        modules = place.root / "etc/initramfs-tools/modules"
        if modules.is_file():
            modules.write_text(modules.read_text() + "virtio_pci\nvirtio_blk\next4\n")
    if place.system.has_grub:
        _configure_grub(place)
    else:
        _configure_systemd_boot(place)


def _configure_grub(place: Installed) -> None:
    path = place.root / "etc/default/grub"
    lines = path.read_text().splitlines()
    changed = [_replaced(line) for line in lines]
    path.write_text("\n".join(changed) + "\n" + SERIAL)
    _build_images(place)
    first = place.root / "lab/install"
    first.write_text(FIRST_BOOT.format(install=GRUB_INSTALL[place.system.is_uefi]))
    first.chmod(0o755)


def _replaced(line: str) -> str:
    name = line.split("=", maxsplit=1)[0]
    return f"{name}={GRUB_DEFAULTS[name]}" if name in GRUB_DEFAULTS else line


def _build_images(place: Installed) -> None:
    """dracut of sid builds for the machine that it runs on, which is not the one that this is for."""
    generator = "update-initramfs -u -k all"
    if (place.root / "usr/bin/dracut").exists():
        generator = f"dracut --force --no-hostonly /boot/initrd.img-{place.release} {place.release}"
    chroot(place.root, generator)


def _configure_systemd_boot(place: Installed) -> None:
    kernel = place.root / "etc/kernel"
    kernel.mkdir(exist_ok=True)
    (kernel / "cmdline").write_text(f"root=UUID={ROOT_UUID} rw quiet {' '.join(PARAMETERS)}\n")
    layout = "uki" if place.system.loader == "uki" else "bls"
    (kernel / "install.conf").write_text(f"layout={layout}\n")
    _build_images(place)
    chroot(place.root, INTO_ESP.format(release=place.release))


def _write_disk(place: Installed) -> None:
    system, root = place.system, place.root
    place.disk.unlink(missing_ok=True)
    with place.disk.open("wb") as disk:
        disk.truncate((system.disk_mib + 1) << 20)
    begin = START
    if system.is_uefi:
        begin += system.esp_mib * MIB_SECTORS
    _partition(place, begin)
    shutil.rmtree(place.esp, ignore_errors=True)
    if (root / "lab/esp").is_dir():
        shutil.move(root / "lab/esp", place.esp)
    size = ((system.disk_mib + 1) * MIB_SECTORS - begin - 64) * SECTOR // 1024
    run(
        "mke2fs", "-q", "-F", "-t", "ext4", "-O", "^metadata_csum_seed,^orphan_file", "-U", ROOT_UUID,
        "-d", str(root), "-E", f"offset={begin * SECTOR}", str(place.disk), f"{size}k",
    )  # fmt: skip
    if system.is_uefi:
        _write_esp(place)


def _partition(place: Installed, begin: int) -> None:
    table = f"label: dos\nstart={begin}, type=83, bootable\n"
    if place.system.is_uefi:
        last = (place.system.disk_mib + 1) * MIB_SECTORS - 64 - begin
        table = (
            f"label: gpt\nstart={START}, size={begin - START}, type=U\nstart={begin}, size={last}, type=L\n"
        )
    script = place.folder / "partitions"
    script.write_text(table)
    run("sh", "-c", 'sfdisk -q "$0" <"$1"', str(place.disk), str(script))


def _write_esp(place: Installed) -> None:
    image = place.folder / "esp.img"
    image.unlink(missing_ok=True)
    run("mkfs.vfat", "-F", "32", "-i", ESP_ID, "-C", str(image), str(place.system.esp_mib * 1024))
    if place.esp.is_dir():
        found = sorted(str(path) for path in place.esp.iterdir())
        run("mcopy", "-s", "-m", "-i", str(image), *found, "::/")
    run("dd", f"if={image}", f"of={place.disk}", "bs=1M", "seek=1", "conv=notrunc,sparse")
    image.unlink()


def _first_boot(place: Installed) -> None:
    folder = place.folder / "first-boot"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    boot = place.root / "boot"
    words = (f"root=UUID={ROOT_UUID}", "rw", *PARAMETERS, "quiet", "init=/lab/install")
    start = Boot(boot / f"vmlinuz-{place.release}", boot / f"initrd.img-{place.release}", words)
    devices = (*(firmware(folder) if place.system.is_uefi else ()), *disk_device(place.disk, "raw"))
    with Machine(folder, start, devices, cpu=CPU, cores="2", memory=MEMORY) as machine:
        machine.wait_for_power_off(900)
        if "lab: installed" not in machine.shown():
            message = f"GRUB was not installed; see {machine.console}"
            raise LabError(message)


def disk_device(disk: Path, form: str) -> tuple[str, ...]:
    """The machine's disk: what the system itself has not yet flushed is lost when the power is cut."""
    return (
        "-drive", f"file={disk},format={form},if=none,id=root,cache=writeback,discard=unmap",
        "-device", "virtio-blk-pci,drive=root,addr=0x10,bootindex=1",
    )  # fmt: skip


def overlay(place: Installed, folder: Path) -> Path:
    """A disk that begins as the installed one, and takes all changes."""
    path = folder / "disk.qcow2"
    path.unlink(missing_ok=True)
    back = os.path.relpath(place.disk, folder)
    run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", back, str(path))
    return path
