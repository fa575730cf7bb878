"""The set-ups: what a person wrote where, right and wrong. What comes of it is for the boot to say.

``files`` are written into the root before the image is built, ``after`` once it is there: a configuration
that nobody brought into the image.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

CARD, AUDIO = "0000:01:00.0", "0000:01:00.1"
IDS = "1002:5159,8086:293e"
VFIO = "etc/modprobe.d/vfio.conf"
IT_MODULES = "etc/initramfs-tools/modules"
DRACUT = "etc/dracut.conf.d/vfio.conf"
OPTIONS = f"options vfio-pci ids={IDS}\n"
SOFTDEPS = "softdep radeon pre: vfio-pci\nsoftdep snd_hda_intel pre: vfio-pci\n"
OVERRIDE = """\
for device in 0000:01:00.0 0000:01:00.1; do
    echo vfio-pci > /sys/bus/pci/devices/$device/driver_override
done
modprobe -i vfio-pci
"""
WITH_DRIVERS = "radeon\nsnd_hda_intel\n"
"""In the image's list: what a splash screen or a full image brings along."""


class Setup(NamedTuple):
    """One way to have configured a machine."""

    name: str
    root: str
    files: Mapping[str, str] = {}
    after: Mapping[str, str] = {}
    words: str = ""
    """More of the kernel command line, stored and used."""
    topology: str = "one"
    most: bool = False
    """initramfs-tools' MODULES=most in place of a list; about 30 MB."""
    iommu: bool = True
    whole: bool = False
    """Let amdgpu load too, which looks at every AMD card and takes many emulated seconds."""
    quick: bool = False
    """Part of the sample that runs at every change: two systems, right and wrong ones."""

    @property
    def command_line(self) -> str:
        """What the boot loader's configuration holds beside the root."""
        return f"intel_iommu={'on' if self.iommu else 'off'} {self.words}".strip()


def init_top(name: str, prerequisite: str = "") -> dict[str, str]:
    """A script of initramfs-tools for init-top, as guides print it."""
    head = f'#!/bin/sh\nPREREQS="{prerequisite}"\ncase "$1" in prereqs) echo "$PREREQS"; exit 0;; esac\n'
    return {f"etc/initramfs-tools/scripts/init-top/{name}": head + OVERRIDE}


def unit(before: str) -> dict[str, str]:
    """A service that writes the overrides, ordered before something; enabled by its link."""
    text = f"""\
[Unit]
DefaultDependencies=no
{before}

[Service]
Type=oneshot
ExecStart=/usr/local/sbin/take-card

[Install]
WantedBy=sysinit.target
"""
    return {
        "etc/systemd/system/take-card.service": text,
        "etc/systemd/system/sysinit.target.wants/take-card.service": "-> ../take-card.service",
        "usr/local/sbin/take-card": f"#!/bin/sh\n{OVERRIDE}",
    }


D12, D13, D13D = "bookworm-it", "trixie-it", "trixie-dracut"

SETUPS = (
    Setup("nothing", D12, most=True, whole=True),
    Setup(
        "ids and softdeps, vfio in the image",
        D12,
        {VFIO: OPTIONS + SOFTDEPS, IT_MODULES: "vfio_pci\n"},
        quick=True,
        whole=True,
    ),
    Setup("ids on the command line only", D12, words=f"vfio-pci.ids={IDS}", quick=True, whole=True),
    Setup("ids and softdeps on the root only", D12, after={VFIO: OPTIONS + SOFTDEPS}),
    Setup("ids without softdeps, nothing early", D12, {VFIO: OPTIONS}),
    Setup("vfio early, no ids", D12, {IT_MODULES: "vfio_pci\n"}),
    Setup(
        "audio id missing",
        D12,
        {VFIO: "options vfio-pci ids=1002:5159\n", IT_MODULES: "vfio_pci\n"},
        quick=True,
        whole=True,
    ),
    Setup("wrong ids", D12, {VFIO: "options vfio-pci ids=10de:1b80,10de:10f0\n", IT_MODULES: "vfio_pci\n"}),
    Setup(
        "host driver in the image, vfio listed last",
        D12,
        {VFIO: OPTIONS, IT_MODULES: f"{WITH_DRIVERS}vfio_pci\n"},
    ),
    Setup(
        "host driver in the image, with softdeps",
        D12,
        {VFIO: OPTIONS + SOFTDEPS, IT_MODULES: f"{WITH_DRIVERS}vfio_pci\n"},
    ),
    Setup("host driver blacklisted", D12, {VFIO: "blacklist radeon\nblacklist snd_hda_intel\n"}, whole=True),
    Setup(
        "blacklist on the command line",
        D12,
        words="modprobe.blacklist=radeon,snd_hda_intel",
        quick=True,
        whole=True,
    ),
    Setup("module_blacklist", D12, words="module_blacklist=radeon"),
    Setup("module_blacklist with a dash", D12, words="module_blacklist=snd-hda-intel"),
    Setup(
        "ids twice, file and command line",
        D12,
        {VFIO: OPTIONS, IT_MODULES: "vfio_pci\n"},
        words="vfio-pci.ids=1002:5159",
    ),
    Setup(
        "ids in two files",
        D12,
        {
            VFIO: "options vfio-pci ids=1002:5159\n",
            "etc/modprobe.d/zz.conf": "options vfio-pci ids=8086:293e\n",
            IT_MODULES: "vfio_pci\n",
        },
    ),
    Setup("twins by id", D12, {VFIO: OPTIONS, IT_MODULES: "vfio_pci\n"}, topology="twins"),
    Setup(
        "twins by address, install line",
        D12,
        {
            VFIO: "install vfio-pci for device in 0000:01:00.0 0000:01:00.1; do echo vfio-pci > "
            "/sys/bus/pci/devices/$device/driver_override; done; "
            "modprobe --ignore-install vfio-pci $CMDLINE_OPTS\n" + SOFTDEPS,
            IT_MODULES: "vfio_pci\n",
        },
        topology="twins",
        quick=True,
    ),
    Setup(
        "override by a script before udev",
        D12,
        {**init_top("a_take_card"), IT_MODULES: f"{WITH_DRIVERS}vfio_pci\n"},
    ),
    Setup(
        "override by a script after udev", D12, {**init_top("vfio"), IT_MODULES: f"{WITH_DRIVERS}vfio_pci\n"}
    ),
    Setup(
        "override by an early unit",
        D12,
        unit("Before=systemd-modules-load.service systemd-udev-trigger.service"),
    ),
    Setup("driverctl", D12, {"etc/driverctl.d/pci-0000:01:00.0": "vfio-pci\n"}),
    Setup("install line that does nothing", D12, {VFIO: "install snd_hda_intel /bin/true\n"}),
    Setup("pci-stub", D12, {VFIO: f"options pci-stub ids={IDS}\n", IT_MODULES: "pci_stub\n"}),
    Setup(
        "id of a device with a built-in driver",
        D12,
        {VFIO: "options vfio-pci ids=1b36:0002,1002:5159\n", IT_MODULES: "vfio_pci\n"},
    ),
    Setup("no IOMMU", D12, {VFIO: OPTIONS + SOFTDEPS, IT_MODULES: "vfio_pci\n"}, iommu=False),
    Setup("nomodeset", D12, words="nomodeset"),
    Setup(
        "softdep on drm",
        D13,
        {VFIO: "options vfio-pci ids=1002:5159\nsoftdep drm pre: vfio-pci\n"},
        whole=True,
    ),
    Setup(
        "stale vfio_virqfd",
        D13,
        {VFIO: OPTIONS + SOFTDEPS, IT_MODULES: "vfio\nvfio_iommu_type1\nvfio_virqfd\nvfio_pci\n"},
    ),
    Setup(
        "modules-load.d with softdeps",
        D13,
        {VFIO: OPTIONS + SOFTDEPS, "etc/modules-load.d/vfio.conf": "vfio-pci\n"},
    ),
    Setup(
        "id shared with another card",
        D12,
        {VFIO: "options vfio-pci ids=1002:5159\n", IT_MODULES: "vfio_pci\n"},
        topology="twins",
    ),
    Setup(
        "alias line",
        D13,
        {VFIO: "alias pci:v00001002d00005159sv*sd*bc*sc*i* vfio-pci\noptions vfio-pci ids=1002:5159\n"},
    ),
    Setup("initcall_blacklist", D13, words="initcall_blacklist=radeon_module_init"),
    Setup(
        "two softdep lines",
        D13,
        {
            VFIO: OPTIONS
            + "softdep radeon pre: ttm\nsoftdep radeon pre: vfio-pci\nsoftdep snd_hda_intel pre: vfio-pci\n"
        },
    ),
    Setup("radeon.modeset=0", D13, words="radeon.modeset=0"),
    Setup("nothing, dracut", D13D),
    Setup(
        "force_drivers without install_items",
        D13D,
        {VFIO: OPTIONS + SOFTDEPS, DRACUT: 'force_drivers+=" vfio-pci "\n'},
        whole=True,
        quick=True,
    ),
    Setup(
        "force_drivers with install_items",
        D13D,
        {VFIO: OPTIONS + SOFTDEPS, DRACUT: f'force_drivers+=" vfio-pci "\ninstall_items+=" /{VFIO} "\n'},
    ),
    Setup(
        "rd.driver.pre and ids",
        D13D,
        {DRACUT: 'add_drivers+=" vfio-pci "\n'},
        words=f"rd.driver.pre=vfio-pci vfio-pci.ids={IDS}",
        quick=True,
    ),
    Setup(
        "rd.driver.pre, vfio not in the image",
        D13D,
        {DRACUT: 'omit_drivers+=" vfio-pci "\n'},
        words=f"rd.driver.pre=vfio-pci vfio-pci.ids={IDS}",
    ),
    Setup("rd.driver.blacklist", D13D, {VFIO: OPTIONS}, words="rd.driver.blacklist=radeon,snd_hda_intel"),
    Setup(
        "host drivers left out of the image",
        D13D,
        {VFIO: OPTIONS + SOFTDEPS, DRACUT: 'omit_drivers+=" radeon snd-hda-intel "\n'},
    ),
)
