"""The second half of the table: the card as a whole, its windows and screens, the boot files, the guest."""

from __future__ import annotations

from typing import Any

from tests.facts_builder import (
    AUDIO,
    BRIDGE,
    FILES,
    GPU,
    IGPU,
    NIC,
    OWN_FILE,
    RELEASE,
    WINDOWS,
    at,
    card,
    cores,
    good_machine,
    groups,
    integrated,
    make_function,
    modprobe,
    port,
)
from tests.unit.checks.case import Case
from vfio_wizard.model.facts import (
    BootLoader,
    Connector,
    DeviceNode,
    Distribution,
    HostFacts,
    HugePages,
    InitramfsGenerator,
    InstalledKernel,
    NetworkLink,
    RomCopy,
    User,
)
from vfio_wizard.model.iommu import IommuUnit
from vfio_wizard.model.pci import Acs, Bar, Holder, PciFunction, PciId, ResizableBar
from vfio_wizard.model.unread import Gap, Unread, untold

BOUND, BOUND_AUDIO = card(driver="vfio-pci")
SHARED_GROUPS = groups(g1=IGPU, g5=f"{BRIDGE} {GPU} {AUDIO} {NIC}")
LAPTOP = {"chassis": "10"}
NIXOS = Distribution("nixos", (), "26.05", "NixOS", None)
KVMFR = DeviceNode("dev/kvmfr0", "char", 0o660, 1000, 106)
PANEL = Connector("card1-eDP-1", at(GPU), "connected", True)
SCREEN = Connector("card1-DP-1", at(GPU), "connected", True)
DRACUT = InitramfsGenerator("dracut", (("usr/bin/dracut", "present"),))
ROOT = "root=UUID=x quiet"
OLD_IMAGE = (("boot/initrd", 1_900_000_000), ("etc/modprobe.d/vfio.conf", 2_000_000_000))
VFIO_CONF = ("etc/modprobe.d/vfio.conf", "options vfio-pci ids=10de:2484\n")


def nic(driver: str | None) -> PciFunction:
    """A network controller in the group of the card."""
    return make_function(NIC, "8086:15f3", 0x020000, group=5, driver=driver, parent=at(BRIDGE))


def shared(acs: Acs | None | Unread, driver: str | None = "igc", **told: Any) -> HostFacts:
    """The card, its port and a network controller in one group; the port's access control as given."""
    pci = (integrated(driver=None, boot_vga=False), port(group=5, acs=acs), BOUND, BOUND_AUDIO, nic(driver))
    return good_machine(pci=pci, groups=SHARED_GROUPS, **told)


def files(*more: tuple[str, str], **told: Any) -> HostFacts:
    """The good machine with more files of the boot chain."""
    return good_machine(files=tuple(sorted((*FILES, *more))), **told)


def with_card(driver: str | None = "vfio-pci", **told: Any) -> HostFacts:
    """The good machine whose card has other attributes."""
    return good_machine(pci=(integrated(driver=None), port(), *card(driver=driver, **told)))


def looking_glass(*nodes: DeviceNode, **told: Any) -> HostFacts:
    """The good machine with other Looking Glass devices."""
    return good_machine(looking_glass=nodes, **told)


FAILS: tuple[Case, ...] = (
    Case(
        "audio left behind without a selection",
        "gpu.whole",
        good_machine(pci=(port(), BOUND, card()[1])),
        f"{AUDIO} with snd_hda_intel",
        "All functions",
        subject=GPU,
    ),
    Case(
        "a bound card whose neighbour is not",
        "group.viable",
        shared(None),
        f"{NIC} by igc",
        "Give these to vfio-pci",
        subject=GPU,
    ),
    Case(
        "disks behind VMD",
        "host.no-vmd",
        good_machine(pci=(BOUND, BOUND_AUDIO, make_function("10000:e1:00.0", "144d:a808", 0x010802))),
        "10000:e1:00.0",
        "switch VMD off",
    ),
    Case(
        "ACS off on a kernel that can switch it on",
        "acs.enabled",
        shared(Acs(0x1F, 0)),
        f"switched off: {BRIDGE}",
        f"pci=config_acs=xx111x1@{BRIDGE}",
        subject=GPU,
    ),
    Case(
        "ACS off on an older kernel",
        "acs.enabled",
        shared(Acs(0x1F, 0x01), release="6.1.0-56-amd64", cmdline="pci=config_acs=1@x"),
        "switched off",
        "is ignored by this kernel",
        subject=GPU,
    ),
    Case(
        "VT-d reaches less far than the processor",
        "iommu.address-width",
        good_machine(units=(IommuUnit("dmar0", "intel", "1c0000c40660462", "x", untold("x")),)),
        "reaches 39 address bits, the processor 46",
        "limit='39'",
    ),
    Case(
        "the laptop's panel",
        "gpu.panel",
        good_machine(connectors=(PANEL,), **LAPTOP),
        "card1-eDP-1",
        "MUX",
        subject=GPU,
    ),
    Case(
        "a screen in use",
        "gpu.screens",
        good_machine(pci=(port(), *card()), connectors=(SCREEN,)),
        "card1-DP-1",
        "goes dark",
        subject=GPU,
    ),
    Case(
        "a 3D controller",
        "gpu.outputs",
        good_machine(
            pci=(port(), make_function(GPU, "10de:25a2", 0x030200, parent=at(BRIDGE), group=5, **WINDOWS))
        ),
        "no outputs of its own",
        "Looking Glass",
        subject=GPU,
    ),
    Case(
        "an external card",
        "gpu.built-in",
        with_card(removable=True),
        "hot-plug port",
        "never unplug",
        subject=GPU,
    ),
    Case(
        "the desktop has it open",
        "gpu.in-use",
        with_card(
            "nvidia",
            holders=(Holder(812, "Xorg", "dev/dri/card1"), Holder(812, "Xorg", "dev/dri/renderD129")),
        ),
        "open: Xorg (812)",
        "hang the host",
        (at(GPU),),
        GPU,
    ),
    Case("no ROM", "gpu.rom", with_card(rom=False), "no expansion ROM", "from a file", subject=GPU),
    Case(
        "a window of 128 GiB",
        "gpu.bar-size",
        with_card(bars=(Bar(1, 1 << 40, 128 << 30, 0x14220C),)),
        "(128 GiB)",
        "X-PciMmio64Mb",
        subject=GPU,
    ),
    Case(
        "Resizable BAR unused",
        "firmware.above-four-gib",
        with_card(
            bars=(Bar(1, 0xD0000000, 1 << 28, 0x14220C),),
            resizable_bars=(ResizableBar(1, (1 << 28, 16 << 30)),),
        ),
        "below 4 GiB",
        "Above 4G Decoding",
        subject=GPU,
    ),
    Case("NVIDIA in a laptop", "gpu.guest-driver", good_machine(**LAPTOP), "code 43", "battery", subject=GPU),
    Case(
        "options of a built-in driver",
        "vfio.options",
        good_machine(builtin=frozenset({"vfio_pci"}), modprobe=modprobe("options vfio-pci ids=10de:2484")),
        "built into this kernel",
        "vfio-pci.ids=10de:2484",
    ),
    Case(
        "image older than its configuration",
        "boot.initramfs-fresh",
        files(VFIO_CONF, times=OLD_IMAGE),
        "boot/initrd",
        "Build the images again",
    ),
    Case(
        "typed in the boot menu",
        "boot.unstored-parameters",
        good_machine(cmdline="quiet vfio-pci.ids=10de:2484"),
        "vfio-pci.ids=10de:2484",
        "The next boot goes without",
    ),
    Case(
        "traces of GRUB beside systemd-boot",
        "boot.one-loader",
        good_machine(others=(BootLoader("grub-mkconfig", (("boot/grub/grub.cfg", "present"),)),)),
        "traces of grub-mkconfig",
        "Change parameters only where",
    ),
    Case(
        "initramfs-tools under dracut",
        "boot.files-read",
        files(("etc/initramfs-tools/modules", "vfio_pci\n"), initramfs=DRACUT),
        "etc/initramfs-tools/modules",
        "dracut",
    ),
    Case(
        "modprobe.d on an image-based system",
        "boot.files-read",
        files(VFIO_CONF, initramfs=InitramfsGenerator("ostree-prebuilt", ())),
        "etc/modprobe.d/vfio.conf",
        "take it out",
    ),
    Case(
        "GRUB's file under systemd-boot",
        "boot.files-read",
        files(
            ("etc/default/grub", 'GRUB_CMDLINE_LINUX_DEFAULT="vfio-pci.ids=10de:2484"\n'),
            loader=BootLoader("systemd-boot-kernel-install", ()),
        ),
        "etc/default/grub",
        "systemd-boot",
    ),
    Case(
        "a command line file without root",
        "boot.cmdline-complete",
        files(("etc/kernel/cmdline", "intel_iommu=on\n"), cmdline=ROOT),
        "lacks root=UUID=x",
        "whole command line",
        subject="etc/kernel/cmdline",
    ),
    Case(
        "plain QEMU with the usual limit",
        "user.memlock",
        good_machine(memlock_kib=8192, libvirt=None),
        "only 8192 KiB",
        "limits.d",
    ),
    Case(
        "plain QEMU on NixOS",
        "user.memlock",
        good_machine(memlock_kib=8192, libvirt=None, distribution=NIXOS),
        "only 8192 KiB",
        "loginLimits",
    ),
    Case(
        "fewer huge pages than asked for",
        "memory.huge-pages",
        good_machine(cmdline="hugepagesz=1G hugepages=16", huge_pages=(HugePages(1 << 20, 9, 9),)),
        "9 of 16 pages",
        "fewer",
    ),
    Case(
        "huge pages take everything",
        "memory.huge-pages",
        good_machine(huge_pages=(HugePages(1 << 20, 31, 31),)),
        "almost nothing",
        "no more pages",
    ),
    Case(
        "two caches",
        "cpu.topology",
        good_machine(cores=cores(range(4), range(4, 8))),
        "0-3, 4-7",
        "within one of these sets",
    ),
    Case(
        "two kinds of core",
        "cpu.topology",
        good_machine(cores=(*cores(range(4), kind="performance"), *cores(range(4, 8), kind="efficiency"))),
        "0-3 (performance), 4-7 (efficiency)",
        "Pin",
    ),
    Case(
        "no network for guests",
        "libvirt.network",
        good_machine(network=(NetworkLink("enp2s0", at(NIC), True, "wired"),)),
        "not running",
        "Start the network",
    ),
    Case("no swtpm", "swtpm.installed", good_machine(swtpm=None), "not installed", "swtpm"),
    Case(
        "no swtpm on NixOS",
        "swtpm.installed",
        good_machine(swtpm=None, distribution=NIXOS),
        "not installed",
        "swtpm.enable",
    ),
    Case(
        "a file where the device should be",
        "kvmfr.device",
        looking_glass(KVMFR._replace(kind="file", size=64 << 20)),
        "no device but a file",
        "delete the file",
    ),
    Case("set up and absent", "kvmfr.device", looking_glass(), "there is no /dev/kvmfr0", "Load the module"),
    Case(
        "set up in a list and absent",
        "kvmfr.device",
        files(("etc/modules-load.d/kvmfr.conf", "kvmfr # mirror\n"), looking_glass=(), modprobe=modprobe()),
        "there is no /dev/kvmfr0",
        "Load the module",
    ),
    Case(
        "too small",
        "kvmfr.size",
        good_machine(modprobe=modprobe("options kvmfr static_size_mb=16,64")),
        "16 MiB",
        "next power of two",
    ),
    Case(
        "shared memory that is no power of two",
        "kvmfr.size",
        looking_glass(
            DeviceNode("dev/shm/looking-glass", "file", 0o660, 1000, 106, 48 << 20), modprobe=modprobe()
        ),
        "48 MiB",
        "next power of two",
    ),
    Case(
        "only root",
        "kvmfr.access",
        looking_glass(KVMFR._replace(owner=0, group=0, mode=0o600)),
        "only root",
        "udev",
    ),
    Case("everyone", "kvmfr.access", looking_glass(KVMFR._replace(mode=0o666)), "everyone", "0660"),
    Case(
        "everyone on NixOS",
        "kvmfr.access",
        looking_glass(KVMFR._replace(mode=0o666), distribution=NIXOS),
        "everyone",
        "extraRules",
    ),
    Case(
        "not in libvirt's list",
        "kvmfr.allowed",
        good_machine(files=(("etc/libvirt/qemu.conf", "user = 'me'"), ("etc/modules", "#"))),
        "cgroup rules",
        "cgroup_device_acl",
    ),
    Case(
        "not in AppArmor's profile",
        "kvmfr.allowed",
        files(
            ("etc/apparmor.d/abstractions/libvirt-qemu", "# /dev/kvmfr0 rw,\n/dev/kvm rw,\n"),
            confinement=("apparmor",),
        ),
        "AppArmor",
        "/dev/kvmfr0 rw,",
    ),
    Case(
        "a window that is held",
        "kernel.log-clean",
        good_machine(
            log=("vfio-pci 0000:01:00.0: BAR 1: can't reserve [mem 0x4000000000-0x400fffffff 64bit pref]",)
        ),
        "memory window",
        "gpu.framebuffer",
    ),
    Case(
        "a device that did not come back",
        "kernel.log-clean",
        good_machine(log=("vfio-pci 0000:01:00.0: not ready 65535ms after bus reset; giving up",)),
        "did not come back",
        "power cycle",
    ),
    Case(
        "a ROM for BIOS only",
        "gpu.rom-image",
        good_machine(roms=(RomCopy("usr/share/vgabios/x.rom", "10de", "2484", ("bios", "uefi-other")),)),
        "holds no UEFI image",
        "SeaBIOS",
        subject=GPU,
    ),
    Case(
        "a file of modprobe.d without its ending",
        "boot.files-read",
        good_machine(misnamed=(("etc/modprobe.d/vfio", "options vfio-pci ids=10de:2484"),)),
        "nothing reads files of such a name: etc/modprobe.d/vfio",
        "ends in .conf",
    ),
    Case(
        "an unsafe option for the next boot",
        "vfio.unsafe-options",
        good_machine(configured="quiet vfio_iommu_type1.allow_unsafe_interrupts=1"),
        "allow_unsafe_interrupts=1",
        "Remove them",
    ),
    Case(
        "a kernel that came after what is known here",
        "kernel.verified",
        good_machine(release="7.4.1-arch1"),
        "7.4.1-arch1",
        "keep an older kernel",
    ),
    Case(
        "a newer kernel for the next boot",
        "kernel.verified",
        good_machine(
            kernels=(
                InstalledKernel(RELEASE, True, frozenset(), {}, True, "boot/initrd"),
                InstalledKernel("6.18.2-1", False, frozenset(), {}, True, "boot/initrd-6.18"),
            )
        ),
        "6.18.2-1",
        "keep an older kernel",
    ),
    Case(
        "an unknown word in a file of one's own",
        "knowledge.own-files",
        good_machine(own=((OWN_FILE, '[[reset]]\nfamly = "x"\n'),)),
        "did you mean 'family'",
        "Correct the entry",
        subject=OWN_FILE,
    ),
    Case(
        "no TOML at all",
        "knowledge.own-files",
        good_machine(own=((OWN_FILE, "[[reset]\n"),)),
        "no TOML",
        "Correct the entry",
        subject=OWN_FILE,
    ),
    Case(
        "integrated graphics left out of VT-d",
        "group.isolated",
        good_machine(
            pci=(integrated(group=None), port(), BOUND, BOUND_AUDIO),
            config={
                "INTEL_IOMMU": "y",
                "INTEL_IOMMU_DEFAULT_ON": "n",
                "INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF": "y",
            },
        ),
        "leaves integrated graphics out",
        "intel_iommu=on",
        subject=IGPU,
    ),
    Case(
        "a network interface without the default route in the group",
        "group.neighbours",
        shared(None, network=(NetworkLink("enp2s0", at(NIC), False, "wired"),)),
        "the network interface enp2s0",
        "Free the group",
        subject=GPU,
    ),
)
"""Every fixed phrase here is what a user acts on."""

GAPS: dict[str, HostFacts] = {
    "gpu.whole": good_machine(pci=(port(), BOUND, BOUND_AUDIO._replace(driver=untold("x")))),
    "group.viable": good_machine(complete=untold("x")),
    "host.no-vmd": good_machine(complete=untold("x")),
    "acs.enabled": shared(Unread("config", Gap.DENIED)),
    "iommu.address-width": good_machine(units=untold("x")),
    "gpu.panel": good_machine(chassis=untold("x")),
    "gpu.screens": good_machine(connectors=untold("x")),
    "gpu.outputs": good_machine(pci=(make_function(GPU, "10de:2484"),)),
    "gpu.built-in": with_card(removable=untold("x")),
    "gpu.in-use": with_card(holders=untold("x")),
    "gpu.rom": with_card(rom=untold("x")),
    "gpu.bar-size": with_card(bars=untold("x")),
    "firmware.above-four-gib": with_card(
        bars=(Bar(1, 0xD0000000, 1 << 28, 0x200),), resizable_bars=untold("x")
    ),
    "gpu.guest-driver": good_machine(chassis=untold("x")),
    "vfio.options": good_machine(modprobe=untold("x")),
    "boot.initramfs-fresh": good_machine(times=()),
    "boot.unstored-parameters": good_machine(configured=untold("x")),
    "boot.one-loader": good_machine(loader=untold("x")),
    "boot.files-read": files(VFIO_CONF, initramfs=untold("x")),
    "boot.cmdline-complete": good_machine(files=()),
    "user.memlock": good_machine(memlock_kib=untold("x")),
    "memory.huge-pages": good_machine(huge_pages=untold("x")),
    "cpu.topology": good_machine(cores=untold("x")),
    "libvirt.network": good_machine(network=untold("x")),
    "swtpm.installed": good_machine(swtpm=untold("x")),
    "kvmfr.device": good_machine(looking_glass=untold("x")),
    "kvmfr.size": good_machine(modprobe=modprobe()),
    "kvmfr.access": good_machine(looking_glass=untold("x")),
    "kvmfr.allowed": good_machine(confinement=("selinux",)),
    "kernel.log-clean": good_machine(log=untold("x")),
    "gpu.rom-image": good_machine(roms=()),
    "kernel.verified": good_machine(release=untold("x")),
    "knowledge.own-files": good_machine(own=((OWN_FILE, Unread(OWN_FILE, Gap.DENIED)),)),
}

SKIPS: tuple[Case, ...] = (
    Case("nothing is bound", "group.viable", good_machine(pci=(port(), *card())), "no card is on vfio-pci"),
    Case("AMD has no VT-d", "iommu.address-width", good_machine(vendor="amd"), "Intel's VT-d"),
    Case(
        "only integrated graphics have no ROM of their own",
        "gpu.rom",
        good_machine(pci=(integrated(),)),
        "no graphics card with a ROM",
    ),
    Case(
        "NixOS builds images as a whole",
        "boot.initramfs-fresh",
        good_machine(initramfs=InitramfsGenerator("nixos", ())),
        "built as a whole",
    ),
    Case(
        "root has no limit",
        "user.memlock",
        good_machine(user=User("root", (), is_root=True)),
        "root may lock",
    ),
    Case("no libvirt, no network of its own", "libvirt.network", good_machine(libvirt=None), "not installed"),
    Case("no Looking Glass", "kvmfr.device", looking_glass(modprobe=modprobe()), "not set up"),
    Case("no Looking Glass, no size", "kvmfr.size", looking_glass(modprobe=modprobe()), "not set up"),
    Case("no Looking Glass, no owner", "kvmfr.access", looking_glass(), "kvmfr.device"),
    Case("no Looking Glass, nothing to allow", "kvmfr.allowed", looking_glass(), "kvmfr.device"),
    Case("no files of one's own", "knowledge.own-files", good_machine(own=()), "no files of your own"),
)

PASSES: tuple[Case, ...] = (
    Case("no port has ACS", "acs.enabled", shared(None), "no port above it", subject=GPU),
    Case("all ACS is on", "acs.enabled", shared(Acs(0x1F, 0x1D)), "no port above it", subject=GPU),
    Case(
        "what a port cannot control counts as on",
        "acs.enabled",
        shared(Acs(0x04, 0x04)),
        "no port above it",
        subject=GPU,
    ),
    Case(
        "neighbours on pci-stub are out of the way",
        "group.viable",
        shared(None, "pci-stub"),
        "nothing in its group",
        subject=GPU,
    ),
    Case(
        "the panel hangs on the other card",
        "gpu.panel",
        good_machine(connectors=(SCREEN, PANEL._replace(status="disconnected")), **LAPTOP),
        "no built-in panel",
        subject=GPU,
    ),
    Case(
        "outputs without a screen",
        "gpu.screens",
        good_machine(
            pci=(port(), *card()), connectors=(SCREEN._replace(status="disconnected", enabled=False),)
        ),
        "no screen of the host",
        subject=GPU,
    ),
    Case(
        "a guest has it open",
        "gpu.in-use",
        with_card(holders=(Holder(9, "qemu", "dev/vfio/5"),)),
        "no program of the host",
        subject=GPU,
    ),
    Case(
        "no large window to have",
        "firmware.above-four-gib",
        with_card(bars=(Bar(1, 0xD0000000, 1 << 28, 0x200),)),
        "no room above",
        subject=GPU,
    ),
    Case(
        "an AMD card",
        "gpu.guest-driver",
        good_machine(pci=(port(), card()[0]._replace(id=PciId("1002", "731f"))), **LAPTOP),
        "not an NVIDIA",
        subject=GPU,
    ),
    Case(
        "an external NVIDIA card on a laptop",
        "gpu.guest-driver",
        good_machine(pci=(port(), *card(removable=True)), **LAPTOP),
        "run in guests",
        subject=GPU,
    ),
    Case(
        "options of a module",
        "vfio.options",
        good_machine(modprobe=modprobe("options vfio-pci disable_vga=1")),
        "is a module",
    ),
    Case(
        "a young file that has nothing to do with cards",
        "boot.initramfs-fresh",
        files(
            ("etc/modprobe.d/sound.conf", "options snd_usb_audio nrpacks=1"),
            times=(("boot/initrd", 1_900_000_000), ("etc/modprobe.d/sound.conf", 2_000_000_000)),
        ),
        "younger than",
    ),
    Case(
        "dracut reads its own",
        "boot.files-read",
        files(("etc/dracut.conf.d/vfio.conf", 'force_drivers+=" vfio_pci "'), initramfs=DRACUT),
        "is one that",
    ),
    Case(
        "a comment about vfio",
        "boot.files-read",
        files(("etc/mkinitcpio.conf", "# MODULES=(vfio_pci)")),
        "is one that",
    ),
    Case(
        "a whole line",
        "boot.cmdline-complete",
        files(("etc/kernel/cmdline", "# mine\nroot=UUID=x quiet"), cmdline=ROOT),
        "is whole",
    ),
    Case(
        "root found by its partition type",
        "boot.cmdline-complete",
        files(("etc/kernel/cmdline", "quiet")),
        "is whole",
    ),
    Case("libvirt raises the limit", "user.memlock", good_machine(memlock_kib=8192), "libvirt raises"),
    Case(
        "all pages are there",
        "memory.huge-pages",
        good_machine(cmdline="hugepages=512", huge_pages=(HugePages(2048, 512, 512),)),
        "all that were asked for",
    ),
    Case(
        "isolated CPUs within one cache",
        "cpu.topology",
        good_machine(cores=cores(range(4), range(4, 8)), isolated=(4, 5)),
        "isolated CPUs",
    ),
    Case(
        "a bridge of the host",
        "libvirt.network",
        good_machine(network=(NetworkLink("br0", None, True, "virtual"),)),
        "br0",
    ),
    Case(
        "a rule for AppArmor",
        "kvmfr.allowed",
        files(
            ("etc/apparmor.d/local/abstractions/libvirt-qemu", "/dev/kvmfr0 rw,"), confinement=("apparmor",)
        ),
        "may open it",
    ),
    Case(
        "kernel of another release has no image to compare",
        "boot.initramfs-fresh",
        good_machine(
            kernels=(
                InstalledKernel(RELEASE, True, frozenset(), {}, True, "boot/initrd"),
                InstalledKernel("6.1.0", False, frozenset(), {}, True, None),
            )
        ),
        "younger than",
    ),
)
