"""Machines on which each check fails, and on which it cannot know: one table for all tests of checks.

The machine on which everything passes is ``facts_builder.good_machine``; a case breaks one thing of it.
"""

from __future__ import annotations

from tests.facts_builder import (
    AUDIO,
    BRIDGE,
    GPU,
    IGPU,
    NIC,
    RELEASE,
    USB,
    at,
    card,
    direct_region,
    good_machine,
    groups,
    integrated,
    make_function,
    modprobe,
    port,
)
from tests.unit.checks import drift_cases, more_cases
from tests.unit.checks.case import Case
from vfio_wizard.model.facts import (
    DeviceNode,
    DiskUse,
    Distribution,
    Framebuffer,
    HostFacts,
    InitramfsGenerator,
    InstalledKernel,
    NetworkLink,
    User,
)
from vfio_wizard.model.kargs import Kargs
from vfio_wizard.model.pci import PciFunction
from vfio_wizard.model.unread import Gap, Unread, untold


def nic(group: int, driver: str = "igc") -> PciFunction:
    """A network controller."""
    return make_function(NIC, "8086:15f3", 0x020000, group=group, driver=driver, parent=at(BRIDGE))


def usb(group: int) -> PciFunction:
    """A USB controller."""
    return make_function(USB, "1022:149c", 0x0C0330, group=group, driver="xhci_hcd", parent=at(BRIDGE))


def amd_card(number: str, methods: tuple[str, ...] = ("bus",)) -> PciFunction:
    """An AMD card without further functions."""
    return make_function(
        GPU,
        number,
        0x030000,
        group=5,
        driver="amdgpu",
        parent=at(BRIDGE),
        boot_vga=False,
        reset_methods=methods,
        physical_function=None,
        removable=False,
    )


NO_GROUPS = {"pci": (integrated(group=None), port(group=None), *card(group=None)), "groups": ()}
DIRTY = (integrated(), port(), *card(), nic(5))
DIRTY_GROUPS = groups(g1=IGPU, g2=BRIDGE, g5=f"{GPU} {AUDIO} {NIC}")
DENIED = Unread("kernel log", Gap.DENIED, "dmesg is for root")
DEFAULT_OFF = {"INTEL_IOMMU": "y", "INTEL_IOMMU_DEFAULT_ON": "n", "INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF": "n"}
AMD_HOST = {
    "vendor": "amd",
    "flags": frozenset({"svm"}),
    "dmar": False,
    "ivrs": True,
    "config": {"AMD_IOMMU": "y"},
}
TABLES = "neither DMAR nor IVRS"
DEBIAN_12 = {"INTEL_IOMMU": "y", "INTEL_IOMMU_DEFAULT_ON": "n", "INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF": "y"}
OLD_KERNEL = {"release": "5.15.0-91-generic", "kernels": ()}


def line(words: str, **told: object) -> HostFacts:
    """The good machine with another command line."""
    return good_machine(cmdline=words, **told)


FAILS: tuple[Case, ...] = (
    Case("a guest", "host.bare-metal", good_machine(hypervisor="qemu"), "guest under qemu", "outer"),
    Case(
        "SVM missing on a Zen processor is a firmware switch",
        "cpu.virtualization",
        good_machine(**(AMD_HOST | {"flags": frozenset({"sse2"}), "family": (0x19, 33, 0)})),
        "switched off in firmware",
        "SVM Mode",
    ),
    Case(
        "the log says that the firmware has VMX off",
        "cpu.virtualization",
        good_machine(flags=frozenset[str](), log=("x86/cpu: VMX (outside TXT) disabled by BIOS",)),
        "firmware has switched",
        "Intel Virtualization Technology",
    ),
    Case(
        "SVM flag kept by an old kernel although the firmware has it off",
        "cpu.virtualization",
        good_machine(**(AMD_HOST | {"log": ("kvm: SVM disabled (by BIOS) in MSR_VM_CR on CPU 0",)})),
        "firmware has switched",
        "SVM Mode",
    ),
    Case(
        "no VMX and no reason seen",
        "cpu.virtualization",
        good_machine(flags=frozenset[str]()),
        "off in firmware, or not in the processor",
        "data sheet",
    ),
    Case(
        "no VMX since the kernel has no KVM",
        "cpu.virtualization",
        good_machine(flags=frozenset[str](), config={"KVM_INTEL": "n"}),
        "built without KVM",
        "CONFIG_KVM_INTEL",
    ),
    Case(
        "a guest without nested virtualisation",
        "cpu.virtualization",
        good_machine(flags=frozenset[str](), hypervisor="qemu"),
        "hypervisor",
        "host-passthrough",
    ),
    Case(
        "no table on a PC",
        "iommu.firmware",
        good_machine(dmar=False, **NO_GROUPS),
        "the firmware offers no IOMMU",
        "VT-d",
    ),
    Case(
        "no table on an AMD PC",
        "iommu.firmware",
        good_machine(**(AMD_HOST | NO_GROUPS | {"ivrs": False})),
        "the firmware offers no IOMMU",
        "AMD-Vi",
    ),
    Case(
        "a guest without virtual IOMMU",
        "iommu.firmware",
        good_machine(dmar=False, hypervisor="kvm", **NO_GROUPS),
        "no virtual IOMMU",
        "the hypervisor must offer a virtual IOMMU",
    ),
    Case(
        "firmware switch off",
        "iommu.enabled",
        good_machine(dmar=False, **NO_GROUPS),
        "the firmware offers no IOMMU",
        "VT-d",
    ),
    Case(
        "kernel default off",
        "iommu.enabled",
        good_machine(config=DEFAULT_OFF, **NO_GROUPS),
        "leaves VT-d off",
        "Add intel_iommu=on",
    ),
    Case(
        "kernel default not known",
        "iommu.enabled",
        good_machine(config=untold("boot/config"), **NO_GROUPS),
        "default is not known",
        "Add intel_iommu=on",
    ),
    Case(
        "Intel's IOMMU offered to a guest on an AMD processor",
        "iommu.enabled",
        good_machine(
            **(AMD_HOST | NO_GROUPS | {"dmar": True, "ivrs": False}),
            cmdline=Kargs.parse("intel_iommu=off"),
        ),
        "intel_iommu=off is on the command line",
        "Take intel_iommu=off",
    ),
    Case(
        "switched off on the command line",
        "iommu.enabled",
        line("intel_iommu=on,off quiet", **NO_GROUPS),
        "intel_iommu=off is on the command line",
        "Take intel_iommu=off",
    ),
    Case(
        "iommu=off on an AMD host",
        "iommu.enabled",
        line("iommu=off", **(AMD_HOST | NO_GROUPS)),
        "iommu=off is on the command line",
        "Take iommu=off",
    ),
    Case(
        "driver not built",
        "iommu.enabled",
        good_machine(**(AMD_HOST | NO_GROUPS | {"config": {"AMD_IOMMU": "n"}})),
        "built without the IOMMU driver",
        "CONFIG_AMD_IOMMU",
    ),
    Case(
        "Stoney Ridge",
        "iommu.enabled",
        good_machine(
            **(
                AMD_HOST
                | {"groups": (), "pci": (make_function("0000:00:01.0", "1002:98e4", 0x030000, parent=None),)}
            )
        ),
        "Stoney Ridge",
        "force_enable",
    ),
    Case(
        "the driver gave up",
        "iommu.enabled",
        good_machine(
            **(AMD_HOST | NO_GROUPS | {"log": ("[Firmware Bug]: AMD-Vi: IOAPIC[4] not in IVRS table",)})
        ),
        "gave up",
        "update the firmware",
    ),
    Case(
        "VT-d on by default and still no groups",
        "iommu.enabled",
        good_machine(**NO_GROUPS),
        "nothing seen explains it",
        "kernel log",
    ),
    Case(
        "groups without members",
        "iommu.enabled",
        good_machine(pci=NO_GROUPS["pci"], groups=groups(g0="")),
        "no IOMMU group holds a device",
        "",
    ),
    Case(
        "an ARM host without groups",
        "iommu.enabled",
        good_machine(architecture="aarch64", vendor="arm", dmar=False, ivrs=False, **NO_GROUPS),
        "no IOMMU group holds a device",
        "kernel log",
    ),
    Case(
        "a kernel without IOMMU support",
        "iommu.enabled",
        good_machine(groups=Unread("sys/kernel/iommu_groups", Gap.ABSENT)),
        "no IOMMU support",
        "CONFIG_IOMMU_SUPPORT",
    ),
    Case(
        "remapping switched off on the line",
        "iommu.interrupt-remapping",
        line("intremap=off", interrupt_remapping=False),
        "not remapped",
        "Take intremap=off",
    ),
    Case(
        "remapping missing",
        "iommu.interrupt-remapping",
        good_machine(interrupt_remapping=False, log=("DMAR-IR: IRQ remapping was disabled",)),
        "not remapped",
        "only for guests that you trust",
    ),
    Case(
        "KVM module not loaded", "kvm.available", good_machine(kvm=None), "module is not loaded", "kvm_intel"
    ),
    Case(
        "no KVM since the firmware has it off",
        "kvm.available",
        good_machine(kvm=None, flags=frozenset[str]()),
        "virtualisation is off",
        "cpu.virtualization",
    ),
    Case(
        "a regular file at /dev/kvm",
        "kvm.available",
        good_machine(kvm=DeviceNode("dev/kvm", "file", 0o644, 0, 0)),
        "is a file",
        "remove it",
    ),
    Case(
        "only a management chip",
        "gpu.present",
        good_machine(pci=(make_function("0000:03:00.0", "1a03:2000", 0x030000, parent=at(BRIDGE), group=3),)),
        "no graphics card could",
        "Install a graphics card",
    ),
    Case(
        "no display at all",
        "gpu.present",
        good_machine(pci=(port(),)),
        "no graphics card could",
        "Install a graphics card",
    ),
    Case("the only card", "gpu.spare", good_machine(pci=(port(), *card())), "only one display device", "ssh"),
    Case(
        "a network card in the group",
        "group.isolated",
        good_machine(pci=DIRTY, groups=DIRTY_GROUPS),
        f"{NIC} (network)",
        "another slot",
        subject=GPU,
    ),
    Case(
        "the default route in the group",
        "group.neighbours",
        good_machine(
            pci=DIRTY, groups=DIRTY_GROUPS, network=(NetworkLink("enp2s0", at(NIC), True, "ethernet"),)
        ),
        "the default route (enp2s0)",
        "Free the group",
        subject=GPU,
    ),
    Case(
        "the root disk in the group",
        "group.neighbours",
        good_machine(pci=DIRTY, groups=DIRTY_GROUPS, disks=(DiskUse("/", "/dev/nvme0n1p2", (at(NIC),)),)),
        "the disk of /",
        "Free the group",
        subject=GPU,
    ),
    Case(
        "USB ports in the group",
        "group.neighbours",
        good_machine(pci=(integrated(), port(), *card(), usb(5))),
        "the USB ports of",
        "Free the group",
        subject=GPU,
    ),
    Case(
        "another display in the group",
        "group.neighbours",
        good_machine(pci=(integrated(group=5), port(), *card())),
        f"the display of {IGPU}",
        "Free the group",
        subject=GPU,
    ),
    Case(
        "an active override",
        "acs.override",
        line(
            "pcie_acs_override=downstream,multifunction",
            log=("PCIe ACS overrides enabled; This may allow non-IOMMU protected peer-to-peer DMA",),
        ),
        "may not be real",
        "only with guests that you trust",
        subject=GPU,
    ),
    Case(
        "memory tied to the firmware",
        "iommu.reserved-regions",
        good_machine(groups=(*groups(g1=IGPU, g2=BRIDGE), direct_region(groups(g5=f"{GPU} {AUDIO}")[0]))),
        "mapped 1:1",
        "Update the firmware",
        subject=GPU,
    ),
    Case(
        "the same on AMD before 6.6",
        "iommu.reserved-regions",
        good_machine(
            **(
                AMD_HOST
                | {"release": "6.1.0-56-amd64", "groups": (direct_region(groups(g5=f"{GPU} {AUDIO}")[0]),)}
            )
        ),
        "mapped 1:1",
        "from about 6.6",
        subject=GPU,
    ),
    Case(
        "identical cards",
        "gpu.twins",
        good_machine(
            pci=(
                *card(),
                make_function("0000:05:00.0", "10de:2484", 0x030000, group=9, parent=at("0000:00:03.0")),
            )
        ),
        "0000:05:00.0",
        "by address",
        subject=GPU,
    ),
    Case(
        "boot display by boot_vga",
        "gpu.boot-display",
        good_machine(pci=(port(), *card(boot_vga=True))),
        "shows the boot on this card",
        "primary display",
        subject=GPU,
    ),
    Case(
        "boot display by framebuffer",
        "gpu.boot-display",
        good_machine(framebuffers=(Framebuffer("efi-framebuffer.0", 0x4000000000, 0x40007FFFFF, at(GPU)),)),
        "shows the boot",
        "primary display",
        subject=GPU,
    ),
    Case(
        "console in a display controller that is not VGA",
        "gpu.framebuffer",
        good_machine(
            pci=(port(), make_function(GPU, "1002:1586", 0x038000, parent=at(BRIDGE), group=5)),
            framebuffers=(Framebuffer("simple-framebuffer.0", 1, 2, at(GPU)),),
        ),
        "only VGA-class",
        "primary display",
        subject=GPU,
    ),
    Case(
        "console in a VGA card on an old kernel",
        "gpu.framebuffer",
        good_machine(framebuffers=(Framebuffer("efi-framebuffer.0", 1, 2, at(GPU)),), **OLD_KERNEL),
        "does not free it",
        "video=efifb:off",
        subject=GPU,
    ),
    Case(
        "host driver has it",
        "gpu.host-driver",
        good_machine(pci=(port(), *card())),
        f"{GPU} by nouveau",
        "softdep nouveau pre: vfio-pci",
        subject=GPU,
    ),
    Case(
        "built-in host driver has it",
        "gpu.host-driver",
        good_machine(pci=(port(), *card()), builtin=frozenset({"nouveau"})),
        f"{GPU} by nouveau",
        "built into this kernel",
        subject=GPU,
    ),
    Case(
        "Navi 10 without vendor-reset",
        "gpu.reset",
        good_machine(pci=(port(), amd_card("1002:731f"))),
        "Navi 10",
        "vendor-reset",
        subject=GPU,
    ),
    Case(
        "Navi 31, which no module cures",
        "gpu.reset",
        good_machine(pci=(port(), amd_card("1002:744c"))),
        "reported not to reset",
        "No module cures it",
        subject=GPU,
    ),
    Case(
        "no reset method of its own",
        "gpu.reset",
        good_machine(pci=(port(), *card(reset_methods=()))),
        "no reset of this function",
        "all functions",
        subject=GPU,
    ),
    Case(
        "kernel without vfio-pci",
        "vfio.available",
        good_machine(loaded=frozenset[str](), kernels=(), config={"VFIO_PCI": "n"}),
        "built without vfio-pci",
        "CONFIG_VFIO_PCI",
        subject=RELEASE,
    ),
    Case(
        "module split off by the distribution",
        "vfio.available",
        good_machine(
            loaded=frozenset[str](), kernels=(InstalledKernel(RELEASE, True, frozenset(), {}, False, None),)
        ),
        "has no vfio-pci",
        "linux-modules-extra",
        subject=RELEASE,
    ),
    Case(
        "another kernel without vfio-pci",
        "vfio.available",
        good_machine(kernels=(InstalledKernel("6.1.0-1", False, frozenset(), {}, False, None),)),
        "has no vfio-pci",
        "linux-modules-extra",
        subject="6.1.0-1",
    ),
    Case(
        "selected and on its host driver",
        "vfio.bound",
        good_machine(pci=(port(), *card())),
        f"{GPU} by nouveau, {AUDIO} by snd_hda_intel",
        "plan",
        (at(AUDIO),),
        GPU,
    ),
    Case(
        "audio function forgotten",
        "vfio.bound",
        good_machine(pci=(port(), card(driver="vfio-pci")[0], card()[1])),
        f"{AUDIO} by snd_hda_intel",
        "plan",
        (at(GPU),),
        GPU,
    ),
    Case(
        "selected, and nothing has it",
        "vfio.bound",
        good_machine(pci=(port(), *card(driver=None))),
        "by no driver",
        "plan",
        (at(GPU),),
        GPU,
    ),
    Case(
        "a selected network card on its driver",
        "vfio.bound",
        good_machine(pci=(*card(), nic(7))),
        f"{NIC} by igc",
        "plan",
        (at(NIC),),
        NIC,
    ),
    Case(
        "unsafe interrupts on the line",
        "vfio.unsafe-options",
        line("vfio-iommu-type1.allow_unsafe_interrupts=1"),
        "allow_unsafe_interrupts",
        "forge interrupts",
    ),
    Case(
        "unsafe interrupts in modprobe.d",
        "vfio.unsafe-options",
        good_machine(modprobe=modprobe("options vfio-iommu-type1 allow_unsafe_interrupts=Y")),
        "allow_unsafe_interrupts",
        "forge interrupts",
    ),
    Case(
        "ACS taken away",
        "vfio.unsafe-options",
        line("pci=disable_acs_redir=pci:8086:460d"),
        "disable_acs_redir",
        "isolation",
    ),
    Case(
        "amd_iommu=on",
        "boot.stale-parameters",
        line("amd_iommu=on iommu=pt", **AMD_HOST),
        "amd_iommu=on",
        "Take it off",
    ),
    Case(
        "amd_iommu=pt", "boot.stale-parameters", line("amd_iommu=pt", **AMD_HOST), "amd_iommu=pt", "iommu=pt"
    ),
    Case(
        "intel_iommu on an AMD host",
        "boot.stale-parameters",
        line("intel_iommu=on", **AMD_HOST),
        "intel_iommu=on",
        "Take it off",
    ),
    Case(
        "amd_iommu on an Intel host",
        "boot.stale-parameters",
        line("amd_iommu=force_isolation"),
        "amd_iommu=force_isolation",
        "Take it off",
    ),
    Case("iommu=1", "boot.stale-parameters", line("iommu=1"), "iommu=1", "Take it off"),
    Case(
        "intel_iommu=on where it is the default",
        "boot.stale-parameters",
        line("intel_iommu=on", config={"INTEL_IOMMU_DEFAULT_ON": "y"}),
        "what the kernel does anyway",
        "Take it off",
    ),
    Case(
        "framebuffer parameters on a new kernel",
        "boot.stale-parameters",
        line("video=vesafb:off,efifb:off initcall_blacklist=sysfb_init"),
        "initcall_blacklist=sysfb_init",
        "Take them off",
    ),
    Case(
        "vfio_virqfd on the line",
        "boot.stale-parameters",
        line("rd.driver.pre=vfio-pci,vfio_virqfd", initramfs=InitramfsGenerator("dracut", ())),
        "vfio_virqfd",
        "Take it off",
    ),
    Case(
        "dracut's word on another generator",
        "boot.stale-parameters",
        line("rd.driver.pre=vfio-pci"),
        "rd.driver.pre",
        "Take it off",
    ),
    Case("a module's name as a word", "boot.stale-parameters", line("kvm-intel"), "kvm-intel", "Take it off"),
    Case("nosimplefb off SUSE", "boot.stale-parameters", line("nosimplefb=1"), "nosimplefb=1", "Take it off"),
    Case("pcie_aspm_off", "boot.stale-parameters", line("pcie_aspm_off"), "pcie_aspm_off", "pcie_aspm=off"),
    Case(
        "override on a kernel that lacks it",
        "boot.stale-parameters",
        line(
            "pcie_acs_override=downstream",
            log=('Unknown kernel command line parameters "pcie_acs_override=downstream", will be passed on',),
        ),
        "pcie_acs_override",
        "Take it off",
    ),
    Case(
        "override misspelt",
        "boot.stale-parameters",
        line("pcie_acs_override=downstream,multfunction"),
        "multfunction",
        "pcie_acs_override=multifunction",
    ),
    Case(
        "unsafe interrupts where remapping works",
        "boot.stale-parameters",
        line("vfio_iommu_type1.allow_unsafe_interrupts=1"),
        "allow_unsafe_interrupts",
        "Take it off",
    ),
    Case(
        "an address where ids belong",
        "boot.stale-parameters",
        line("vfio-pci.ids=10de:1e87,0000:02:00.0"),
        "vfio-pci.ids",
        "1002:731f",
    ),
    Case(
        "vfio_virqfd in a list of modules",
        "boot.stale-modules",
        good_machine(files=(("etc/initramfs-tools/modules", "vfio\nvfio_virqfd # old\n"),)),
        "vfio_virqfd",
        "Delete vfio_virqfd",
        subject="etc/initramfs-tools/modules",
    ),
    Case(
        "vfio_virqfd in a shell array",
        "boot.stale-modules",
        good_machine(files=(("etc/mkinitcpio.conf", "MODULES=(vfio_pci vfio vfio-virqfd)\n"),)),
        "vfio_virqfd",
        "Delete vfio_virqfd",
        subject="etc/mkinitcpio.conf",
    ),
    Case(
        "vfio_virqfd in a softdep",
        "boot.stale-modules",
        good_machine(modprobe=modprobe("softdep amdgpu pre: vfio-pci vfio_virqfd")),
        "vfio_virqfd",
        "Delete vfio_virqfd",
        subject="etc/modprobe.d/test.conf",
    ),
    Case(
        "stored for the next boot",
        "boot.pending-parameters",
        good_machine(configured="quiet vfio-pci.ids=10de:2484"),
        "vfio-pci.ids=10de:2484",
        "Reboot",
    ),
    Case(
        "an unknown boot loader",
        "boot.loader-known",
        good_machine(loader=Unread("boot", Gap.ABSENT)),
        "no known boot loader",
        "by hand",
    ),
    Case(
        "an unknown initramfs generator",
        "boot.initramfs-known",
        good_machine(initramfs=Unread("etc", Gap.ABSENT)),
        "no known initramfs",
        "by hand",
    ),
    Case(
        "lockdown",
        "firmware.secure-boot",
        good_machine(secure_boot=True, lockdown="integrity"),
        "unless signed",
        "mokutil",
    ),
    Case(
        "lockdown and a card that needs vendor-reset",
        "firmware.secure-boot",
        good_machine(lockdown="integrity", pci=(port(), amd_card("1002:731f"))),
        "unless signed",
        f"{GPU} may need vendor-reset",
    ),
    Case(
        "signatures enforced without lockdown",
        "firmware.secure-boot",
        line("module.sig_enforce=1"),
        "unless signed",
        "mokutil",
    ),
    Case("no QEMU on Debian", "qemu.installed", good_machine(qemu=None), "not installed", "qemu-system-x86"),
    Case(
        "no guest firmware on Arch",
        "qemu.firmware",
        good_machine(ovmf=(), distribution=Distribution("arch", (), None, "Arch", None)),
        "no UEFI firmware",
        "edk2-ovmf",
    ),
    Case(
        "no libvirt on NixOS",
        "libvirt.installed",
        good_machine(libvirt=None, distribution=Distribution("nixos", (), "26.05", "NixOS", None)),
        "not installed",
        "virtualisation.libvirtd.enable",
    ),
    Case(
        "no libvirt on a distribution that nobody knows",
        "libvirt.installed",
        good_machine(libvirt=None, distribution=Distribution("plan9", (), None, "Plan 9", None)),
        "not installed",
        "from your distribution",
    ),
    Case(
        "daemon does not listen",
        "libvirt.reachable",
        good_machine(libvirt_socket=None),
        "no libvirt daemon",
        "libvirtd.socket",
    ),
    Case(
        "user in no group",
        "user.groups",
        good_machine(user=User("somebody", ("users",), is_root=False)),
        "libvirt,kvm",
        "log in again",
    ),
    Case(
        "user in no group on NixOS",
        "user.groups",
        good_machine(
            user=User("somebody", ("kvm",), is_root=False),
            distribution=Distribution("nixos", (), None, "NixOS", None),
        ),
        "libvirtd",
        "extraGroups",
    ),
    *more_cases.FAILS,
    *drift_cases.FAILS,
)
"""Every fixed phrase here is what a user acts on."""

GAPS: dict[str, HostFacts] = (
    {
        "host.bare-metal": good_machine(hypervisor=untold("x")),
        "cpu.virtualization": good_machine(flags=untold("x")),
        "iommu.firmware": good_machine(dmar=untold("x"), groups=untold("x")),
        "iommu.enabled": good_machine(groups=untold("x")),
        "iommu.interrupt-remapping": good_machine(interrupt_remapping=DENIED),
        "kvm.available": good_machine(kvm=untold("x")),
        "gpu.present": good_machine(pci=untold("x")),
        "gpu.spare": good_machine(pci=(port(), *card()), complete=untold("x")),
        "group.isolated": good_machine(pci=(port(), *card(group=None)), groups=()),
        "group.neighbours": good_machine(pci=DIRTY, network=untold("x")),
        "acs.override": good_machine(cmdline=Kargs.parse("pcie_acs_override=downstream"), log=DENIED),
        "iommu.reserved-regions": good_machine(groups=untold("x")),
        "gpu.twins": good_machine(complete=False),
        "gpu.boot-display": good_machine(pci=(*card(boot_vga=untold("x")),)),
        "gpu.framebuffer": good_machine(framebuffers=(Framebuffer("efi-framebuffer.0", None, None, None),)),
        "gpu.host-driver": good_machine(pci=(card(driver=None)[0], card()[1]._replace(driver=untold("x")))),
        "gpu.reset": good_machine(pci=(port(), amd_card("1002:73bf", ("bus",)))),
        "vfio.available": good_machine(loaded=frozenset[str](), kernels=untold("x"), config=untold("x")),
        "vfio.bound": good_machine(pci=untold("x")),
        "vfio.unsafe-options": good_machine(modprobe=untold("x")),
        "boot.stale-parameters": good_machine(cmdline="intel_iommu=on", config=untold("x")),
        "boot.stale-modules": good_machine(files=()),
        "boot.pending-parameters": good_machine(configured=untold("x")),
        "boot.loader-known": good_machine(loader=untold("x")),
        "boot.initramfs-known": good_machine(initramfs=untold("x")),
        "firmware.secure-boot": good_machine(lockdown=untold("x"), secure_boot=True),
        "qemu.installed": good_machine(qemu=untold("x")),
        "qemu.firmware": good_machine(ovmf=untold("x")),
        "libvirt.installed": good_machine(libvirt=untold("x")),
        "libvirt.reachable": good_machine(libvirt_socket=untold("x")),
        "user.groups": good_machine(user=untold("x")),
    }
    | more_cases.GAPS
    | drift_cases.GAPS
)

SKIPS: tuple[Case, ...] = (
    Case(
        "an ARM host",
        "cpu.virtualization",
        good_machine(architecture="aarch64", flags=frozenset({"fp"})),
        "not an x86",
    ),
    Case(
        "an ARM host has no DMAR",
        "iommu.firmware",
        good_machine(architecture="aarch64", dmar=False, ivrs=False),
        "no x86",
    ),
    Case("groups without a table (virtio-iommu)", "iommu.firmware", good_machine(dmar=False), "another kind"),
    Case("no PCI", "iommu.firmware", good_machine(dmar=False, groups=(), pci=()), "no PCI"),
    Case(
        "remapping comes with the IOMMU",
        "iommu.interrupt-remapping",
        good_machine(interrupt_remapping=False, **NO_GROUPS),
        "iommu.enabled",
    ),
    Case("regions come with the IOMMU", "iommu.reserved-regions", good_machine(**NO_GROUPS), "iommu.enabled"),
    Case("no card, no twins", "gpu.twins", good_machine(pci=(port(),)), "no graphics card"),
    Case("no display at all", "gpu.spare", good_machine(pci=(port(),)), "gpu.present"),
    Case("nothing selected", "vfio.bound", good_machine(), "--gpu"),
    Case(
        "no libvirt, no daemon",
        "libvirt.reachable",
        good_machine(libvirt=None, libvirt_socket=None),
        "not installed",
    ),
    Case(
        "root",
        "user.groups",
        good_machine(user=User("root", ("root",), is_root=True)),
        "root needs no groups",
    ),
    *more_cases.SKIPS,
)

PASSES: tuple[Case, ...] = (
    Case("AMD table", "iommu.firmware", good_machine(**AMD_HOST), "AMD-Vi"),
    Case("tables not told, groups there", "iommu.firmware", good_machine(dmar=untold("x")), "is in use"),
    Case(
        "Debian 12 leaves only the iGPU out: the parameter has a meaning",
        "boot.stale-parameters",
        line("intel_iommu=on", config=DEBIAN_12),
        "nothing stale",
    ),
    Case(
        "old kernel still needs the framebuffer parameter",
        "boot.stale-parameters",
        line("video=efifb:off", **OLD_KERNEL),
        "nothing stale",
    ),
    Case(
        "nosimplefb on openSUSE",
        "boot.stale-parameters",
        line(
            "nosimplefb=1",
            distribution=Distribution("opensuse-tumbleweed", ("suse",), None, "openSUSE", None),
        ),
        "nothing stale",
    ),
    Case(
        "dracut reads its own word",
        "boot.stale-parameters",
        line("rd.driver.pre=vfio-pci", initramfs=InitramfsGenerator("dracut", ())),
        "nothing stale",
    ),
    Case(
        "words behind -- belong to init",
        "boot.stale-parameters",
        line("quiet -- amd_iommu=on"),
        "nothing stale",
    ),
    Case(
        "ids with subsystem and class",
        "boot.stale-parameters",
        line("vfio-pci.ids=10DE:2484:1458:4055,1002:ab28"),
        "nothing stale",
    ),
    Case(
        "kernel 6.1 still has the module",
        "boot.stale-modules",
        good_machine(release="6.1.0-56-amd64", kernels=(), files=(("etc/modules", "vfio_virqfd\n"),)),
        "no list",
    ),
    Case(
        "an older kernel is still installed",
        "boot.stale-modules",
        good_machine(
            kernels=(InstalledKernel("6.1.0-1", False, frozenset(), {}, True, None),),
            files=(("etc/modules", "vfio_virqfd\n"),),
        ),
        "no list",
    ),
    Case(
        "a comment names it",
        "boot.stale-modules",
        good_machine(files=(("etc/modules", "# vfio_virqfd\n"),)),
        "no list",
    ),
    Case(
        "3D controller cannot be the boot display",
        "gpu.boot-display",
        good_machine(
            pci=(port(), make_function(GPU, "10de:1d10", 0x030200, parent=at(BRIDGE), group=5, boot_vga=None))
        ),
        "not a VGA controller",
    ),
    Case(
        "override refused by the kernel",
        "acs.override",
        line(
            "pcie_acs_override=downstream",
            log=('Unknown kernel command line parameters "pcie_acs_override=downstream"',),
        ),
        "does not know it",
    ),
    Case(
        "override cannot touch the root bus",
        "acs.override",
        line("pcie_acs_override=downstream", log=("PCIe ACS overrides enabled",), pci=(integrated(),)),
        "root bus",
    ),
    Case(
        "vendor-reset at work",
        "gpu.reset",
        good_machine(pci=(port(), amd_card("1002:731f", ("device_specific", "bus")))),
        "a reset made for this card",
    ),
    Case(
        "vfio-pci built in",
        "vfio.available",
        good_machine(loaded=frozenset[str](), builtin=frozenset({"vfio_pci"})),
        "built into",
    ),
    Case(
        "kernel has the module file", "vfio.available", good_machine(loaded=frozenset[str]()), "has vfio-pci"
    ),
    Case("selected and bound", "vfio.bound", good_machine(), "all 2 functions", "", (at(GPU),), GPU),
    Case(
        "BIOS boot cannot enforce signatures",
        "firmware.secure-boot",
        good_machine(type="bios", lockdown=untold("x"), secure_boot=untold("x")),
        "no lockdown",
    ),
    Case(
        "harmless neighbour",
        "group.neighbours",
        good_machine(pci=(integrated(), port(), *card(), nic(5))),
        "not",
        subject=GPU,
    ),
    Case(
        "console in a VGA card",
        "gpu.framebuffer",
        good_machine(framebuffers=(Framebuffer("efi-framebuffer.0", 1, 2, at(GPU)),)),
        "frees it by itself",
        subject=GPU,
    ),
    Case(
        "/dev/kvm open to all",
        "user.groups",
        good_machine(
            kvm=DeviceNode("dev/kvm", "char", 0o666, 0, 0), user=User("somebody", ("libvirt",), is_root=False)
        ),
        "may use",
    ),
    *more_cases.PASSES,
    *drift_cases.PASSES,
)
