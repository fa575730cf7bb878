"""The steps that give the prepared machine's card to a guest: they run after ``verify`` and before ``undo``.

When they begin, both functions of the card are on vfio-pci, and libvirt and QEMU are installed. The guest is
what ``vfio-wizard domain`` makes of the machine, with two additions that no user has: it boots the machine's
own kernel with a small initramfs that says what is on its PCI bus, and it has a serial port to say it on.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tests.lab import cpio
from tests.lab.full.machines import AUDIO, CARD
from tests.lab.full.steps import Ask, Drivers, Run, Step
from tests.lab.full.systems import Installed

MAKE = (
    "vfio-wizard domain --gpu 01:00.0 --guest linux --name lab-guest --memory 512M --vcpus 1 --disk none"
    " --network none --sound off --looking-glass 1920x1080 --emulated"
)
"""Emulated within the emulation: QEMU 7.2, which runs the lab, ends itself when it emulates SVM for a guest
that takes interrupts."""
MEMORY = 32 << 20
"""Bytes for 1920x1080: two frames of 8 MB and 10 MiB, up to the next power of two."""
WORD = "0x4c616221"
"""What the guest writes into the first bytes of the shared memory: ``!baL`` as they lie there."""

INIT = """\
#!/bin/busybox sh
/bin/busybox mkdir -p /bin /proc /sys /dev /etc/acpi/PWRF /var/log /var/run
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
say() { echo "guest: $*" >/dev/ttyS0; }
for module in /modules/*; do insmod $module; done
cd /sys/bus/pci/devices
for one in *; do
    say "$one $(cat $one/vendor):$(cat $one/device) class $(cat $one/class)"
    if [ "$(cat $one/vendor)$(cat $one/device)" = 0x1af40x1110 ]; then
        echo 1 >$one/enable
        address=$(sed -n 3p $one/resource | cut -d' ' -f1)
        devmem $address 32 WORD && say "wrote into the shared memory"
    fi
done
printf '#!/bin/sh\\nsay() { echo "guest: $*" >/dev/ttyS0; }\\nsay asked to shut down\\npoweroff -f\\n' \
    >/etc/acpi/PWRF/00000080
chmod +x /etc/acpi/PWRF/00000080
say "all said"
acpid -f
""".replace("WORD", WORD)
"""The guest's first process, and all that it runs."""

GIVE_KERNEL = """\
set -e
cp /run/share/guest-initrd /var/lib/libvirt/images/
virsh dumpxml --inactive lab-guest >/run/guest.xml
python3 - <<'END'
from pathlib import Path
from xml.etree import ElementTree
tree = ElementTree.parse("/run/guest.xml")
system = tree.find("os")
kernel = next(Path("/boot").glob("vmlinuz-*"))
for name, text in (
    ("kernel", str(kernel)),
    ("initrd", "/var/lib/libvirt/images/guest-initrd"),
    ("cmdline", "LINE"),
):
    ElementTree.SubElement(system, name).text = text
port = ElementTree.SubElement(tree.find("devices"), "serial", type="file")
ElementTree.SubElement(port, "source", path="/var/log/libvirt/qemu/lab-guest-says.log")
ElementTree.SubElement(port, "target", port="0")
tree.write("/run/guest.xml")
END
virsh define /run/guest.xml
""".replace(
    "LINE",
    "console=ttyS0 quiet no_timer_check mitigations=off nokaslr lpj=4000000 cryptomgr.notests nowatchdog"
    " random.trust_cpu=on",
)
"""Nothing is measured, tested or shuffled at boot: each of these takes minutes when it is emulated twice."""

LISTEN = """\
for try in $(seq 2300); do
    grep -q "guest: all said" /var/log/libvirt/qemu/lab-guest-says.log && break
    virsh domstate lab-guest | grep -q running || break
    sleep 1
done
cat /var/log/libvirt/qemu/lab-guest-says.log
virsh domstate lab-guest
tail -n 50 /var/log/libvirt/qemu/lab-guest.log | grep qemu: >&2 || true
"""

HELD = (
    "group=$(basename $(readlink /sys/bus/pci/devices/0000:01:00.0/iommu_group));"
    " ls -l /proc/$(pidof qemu-system-x86_64)/fd | grep -w /dev/vfio/$group"
)


class Initramfs(NamedTuple):
    """What the guest boots is put on the share: busybox, two modules for the power button, and ``INIT``."""

    name: str = "an initramfs for the guest is made"

    def perform(self, run: Run) -> list[str]:
        """Write it."""
        place = run.machine.place
        with (run.machine.share / "guest-initrd").open("wb") as out:
            archive = cpio.Archive(out)
            for folder in ("bin", "modules", "dev"):
                archive.directory(folder)
            archive.console()
            archive.file("init", INIT.encode(), 0o755)
            archive.file("bin/busybox", _busybox(place).read_bytes(), 0o755)
            for path in _modules(place):
                archive.file(f"modules/{path.name}", path.read_bytes())
            archive.close()
        return []


def _busybox(place: Installed) -> Path:
    return next(
        path for path in (place.root / "usr/bin/busybox", place.root / "bin/busybox") if path.exists()
    )


def _modules(place: Installed) -> list[Path]:
    drivers = place.root / "usr/lib/modules" / place.release / "kernel/drivers"
    return [
        next((drivers / folder).glob(f"{name}.ko*"))
        for folder, name in (("acpi", "button"), ("input", "evdev"))
    ]


_DEFINED = Ask("domain --define hands a guest to libvirt", f"{MAKE} --define && virsh dominfo lab-guest")
_STARTED: tuple[Step, ...] = (
    Ask("the guest starts", "vfio-wizard domain --name lab-guest --start", shows=("running",)),
    Ask("QEMU holds the card's group", HELD, shows=("/dev/vfio/",)),
    Ask(
        "Looking Glass' memory has the computed size",
        "stat -c 'bytes %s' /dev/shm/looking-glass",
        shows=(f"bytes {MEMORY}",),
    ),
)
_GONE: tuple[Step, ...] = (
    Drivers("vfio-pci has both functions again", {CARD: "vfio-pci", AUDIO: "vfio-pci"}),
    Ask(
        "the guest is taken out of libvirt",
        "virsh undefine lab-guest --nvram; rm -f /var/lib/libvirt/images/guest-initrd /dev/shm/looking-glass;"
        " virsh list --all",
        lacks=("lab-guest  ",),
    ),
)

RUNNING: tuple[Step, ...] = (
    Ask(
        "it still runs when its firmware has placed all windows",
        "sleep 75; virsh domstate lab-guest",
        shows=("running",),
    ),
    Ask(
        "QEMU gives it both functions",
        "virsh qemu-monitor-command lab-guest --hmp 'info qtree' | grep 'host = '",
        shows=("0000:01:00.0", "0000:01:00.1"),
    ),
    Ask("it is cut off", "virsh destroy lab-guest && virsh domstate lab-guest", shows=("shut off",)),
    *_GONE,
)
"""A guest that was started: that it has all that it is given, and gives it back."""

STEPS: tuple[Step, ...] = (_DEFINED, *_STARTED, *RUNNING)
"""A guest with nothing to boot."""

LINUX: tuple[Step, ...] = (
    Initramfs(),
    _DEFINED,
    Ask("the guest gets a kernel and a serial port", GIVE_KERNEL),
    Ask("a second --define keeps what others added", f"{MAKE} --define", shows=("is so already",)),
    *_STARTED,
    Ask(
        "Linux in the guest finds the card on its bus",
        LISTEN,
        shows=("0x1002:0x5159 class 0x030000", "0x8086:0x293e class 0x040300", "all said", "running"),
    ),
    Ask(
        "QEMU shows both functions to the guest",
        "virsh qemu-monitor-command lab-guest --hmp 'info pci'",
        shows=("1002:5159", "8086:293e"),
    ),
    Ask(
        "what the guest wrote is in Looking Glass' memory",
        "od -A n -t x4 -N 4 /dev/shm/looking-glass",
        shows=(WORD.removeprefix("0x"),),
    ),
    Ask("the guest shuts down when asked", "vfio-wizard domain --name lab-guest --stop", shows=("shut",)),
    *_GONE,
)
"""The guest boots, which takes many minutes: it is emulated within the emulation."""
