"""What a capture may hold: the paths, what is taken out of each, and how much of it is kept.

A path that no pattern names is neither read nor recorded while capturing: the probe is told that
the source does not speak of it, which is what the capture will tell later.

In patterns ``*`` is part of a name, ``**`` any number of names, ``{a,b}`` one of several.
"""

from __future__ import annotations

import re

from vfio_wizard.model.record import NamedTuple

KERNEL = "kernel"
"""Written by the kernel in its own words: only values such as UUIDs and MAC addresses are replaced."""
PROSE = "prose"
"""Written by people and programs: names of user and host, addresses and secrets are replaced too."""

SPECIAL = {
    "dev/kmsg": "log",
    "etc/passwd": "accounts",
    "etc/group": "groups",
    "proc/iomem": "iomem",
    "proc/modules": "modules",
    "proc/net/ipv6_route": "routes",
    "proc/net/route": "routes",
    "proc/self/mountinfo": "mounts",
    "proc/self/status": "status",
    "{etc,run,usr/lib,usr/local/lib}/systemd/system/*.service": "units",
}
"""Files (patterns too) of which only a part is kept, by the name of what is done to them (see recording)."""

_PCI_FILES = """
ari_enabled boot_vga class current_link_speed current_link_width d3cold_allowed device driver
driver_override drm enable firmware_node iommu iommu_group irq label local_cpulist max_link_speed
max_link_width modalias msi_bus numa_node physfn power/control power/runtime_status power_state
removable reset reset_method resource resource*_resize revision rom sriov_numvfs sriov_totalvfs
subsystem subsystem_device subsystem_vendor uevent vendor vfio-dev virtfn*
"""

_DMI_FILES = """
bios_date bios_release bios_vendor bios_version board_name board_vendor board_version chassis_type
chassis_vendor modalias product_family product_name product_sku product_version sys_vendor
"""


def _either(names: str) -> str:
    return ",".join(names.split())


_SYS = f"""
sys
sys/{{block,class,bus,dev,firmware,fs,hypervisor,kernel,module}}
sys/bus/pci{{,/devices,/devices/*,/drivers,/drivers/*,/drivers/*/module}}
sys/bus/pci/devices/*/{{{_either(_PCI_FILES)}}}
sys/bus/platform{{,/devices,/devices/*,/devices/*framebuffer*/*}}
sys/class/block{{,/*,/*/slaves,/*/slaves/*,/*/dev}}
sys/class/dmi{{,/id,/id/{{{_either(_DMI_FILES)}}}}}
sys/class/drm{{,/*,/*/device,/*/enabled,/*/status}}
sys/class/graphics{{,/*,/*/name}}
sys/class/iommu**
sys/class/net{{,/*,/*/device,/*/operstate,/*/phy80211,/*/type}}
sys/class/nvme-subsystem{{,/*,/*/nvme*}}
sys/class/vfio
sys/class/vtconsole{{,/*/bind,/*/name}}
sys/dev/block{{,/*}}
sys/devices
sys/devices/**/slaves{{,/*}}
sys/devices/**/{{{_either(_PCI_FILES)}}}
sys/devices/{{cpu_atom,cpu_core}}/cpus
sys/devices/system/clocksource/clocksource0/*
sys/devices/system/cpu{{,/*,/*/cache**,/*/cpufreq/*,/*/topology**}}
sys/devices/system/node{{,/*,/*/*}}
sys/firmware/acpi{{,/tables,/tables/DMAR,/tables/IVRS}}
sys/firmware/efi{{,/efivars,/fw_platform_size}}
sys/firmware/efi/efivars/{{SecureBoot,SetupMode,Loader*}}-*
sys/fs/btrfs{{,/*/devices,/*/devices/*}}
sys/fs/selinux{{,/enforce}}
sys/hypervisor/type
sys/kernel/iommu_groups**
sys/kernel/irq{{,/*/chip_name}}
sys/kernel/mm{{,/hugepages**,/transparent_hugepage/enabled}}
sys/kernel/security{{,/lockdown}}
sys/module/*{{,/parameters,/parameters/*,/version}}
sys/power/mem_sleep
"""

_KERNEL = f"""{_SYS}
dev
dev/{{dri,vfio}}**
dev/{{kvm,kvmfr*,iommu}}
dev/shm{{,/looking-glass*}}
dev/snd
proc
proc/{{cpuinfo,filesystems,interrupts,meminfo,swaps}}
proc/self/{{limits,loginuid}}
proc/sys/kernel/{{arch,ostype,sched_rt_runtime_us}}
proc/sys/vm/{{max_map_count,nr_hugepages,overcommit_memory}}
"""

_MODULES = "{lib,usr/lib,run/booted-system/kernel-modules/lib,run/current-system/kernel-modules/lib}/modules"
_ETC = """
NIXOS apparmor.d/{abstractions,local/abstractions}/libvirt-qemu
booster.yaml cmdline.d** default{,/grub,/grub.d,/grub.d/*,/limine} dracut.conf dracut.conf.d**
driverctl.d{,/*} grub.d initramfs-tools** kernel** kernelstub** limine-entry-tool.d** mkinitcpio.conf
mkinitcpio.conf.d** mkinitcpio.d** modprobe.d** modules modules-load.d** os-release pacman.d/hooks**
sdboot-manage.conf sysconfig/{bootloader,grub} tmpfiles.d/*looking* udev/rules.d{,/*}
libvirt{,/qemu.conf,/hooks/qemu.d,/hooks/qemu.d/40-vfio-wizard-cpus-*} qemu/firmware**
vfio-wizard{,/quirks.d,/quirks.d/*} zfsbootmenu**
"""

_PROSE = f"""
boot{{,/*}}
boot/{{grub,grub2}}**
{{boot,boot/efi,efi}}{{,/*,/EFI,/EFI/*,/EFI/Linux/*,/EFI/*/limine.conf,/loader,/loader/*,/limine/*}}
{{boot,boot/efi,efi}}/loader/{{addons,entries}}/*
dev/{{*,mapper/*,disk/by-*/*}}
etc
etc/{{{_either(_ETC)}}}
{{bin,efi,lib,lib64,nix,ostree,run,sbin,usr,limine.conf,limine/*}}
{_MODULES}{{,/*,/*/config,/*/initrd,/*/kernel**,/*/modules.*,/*/pkgbase,/*/vmlinuz}}
lib/modprobe.d**
{{run,usr/lib,usr/local/lib}}/udev/rules.d{{,/*}}
{{etc,run,usr/lib,usr/local/lib}}/systemd/system{{,/*,/*/*}}
{{run,usr/local/lib}}/modules-load.d{{,/*}}
{{nix/store/*/bin,nix/store/*/sbin,opt/**}}/*
{{nix/var/nix/profiles/system,run/booted-system,run/current-system}}{{,/*,/kernel-modules**,/sw/**}}
proc/{{cmdline,config.gz,version}}
proc/driver/nvidia/version
proc/sys/kernel/{{osrelease,version}}
run/libvirt{{,/*-sock,/nix-ovmf**}}
run/modprobe.d**
run/{{ostree-booted,systemd}}
sys/{{class/block/*,devices/**}}/dm/name
usr/{{bin,etc,lib,lib64,libexec,local,sbin,share}}
usr/{{bin,libexec,local/bin,local/sbin,sbin}}/*
usr/lib/{{*,*/libvirt.so*,bootc/**,dracut/**,initcpio/**,kernel/**,modprobe.d/*,modules-load.d/*}}
usr/lib64/{{*,libvirt.so*}}
usr/local/lib/modprobe.d**
usr/share/libalpm/hooks**
{{usr/share/vgabios,usr/share/kvm,var/lib/libvirt/vbios}}
usr/share/{{OVMF,edk2*,initramfs-tools,ovmf,qemu}}**
var/lib/dpkg/info/*.list
var/lib/vfio-wizard/state.json
"""

ALLOWED = (
    *((path, treatment) for path, treatment in SPECIAL.items()),
    *((pattern, PROSE) for pattern in _PROSE.split()),
    *((pattern, KERNEL) for pattern in _KERNEL.split()),
)
"""Patterns and treatments; the first that fits counts. None lets through a file with a serial number,
a UUID or an address as its content, VPD, the content of a ROM, an EDID, or anything below ``home``."""


class Bytes(NamedTuple):
    """A binary file that may be kept, how much of it, and whether it is EFI text, which is redacted."""

    pattern: str
    limit: int
    is_efi_text: bool = False


BINARY = (
    Bytes("sys/firmware/efi/efivars/{SecureBoot,SetupMode}-*", 64),
    Bytes("sys/firmware/efi/efivars/Loader*-*", 1024, is_efi_text=True),
    Bytes("sys/bus/pci/devices/*/config", 256),
)

_WANTS = r".*\.(?:wants|requires)"
FILTERED = {
    "dev": re.compile("kvm.*"),
    "dev/shm": re.compile("looking-glass.*"),
    "etc/libvirt/hooks/qemu.d": re.compile("40-vfio-wizard-cpus-.*"),
    "etc/systemd/system": re.compile(_WANTS),
    "run/systemd/system": re.compile(_WANTS),
    "usr/lib/systemd/system": re.compile(_WANTS),
    "usr/local/lib/systemd/system": re.compile(_WANTS),
}
"""Directories of which only such names are kept: the others say what a user does, or nothing."""

LOGS = frozenset(("dmesg", "journalctl"))
"""Programs whose output is a kernel log."""

LOG_WORDS = (
    *("; giving up", "acs override", "amd-vi", "amdgpu", "apparmor=", "bar ", "bios", "bootfb"),
    *("can't reserve", "command line:", "device inaccessible", "disabled", "dmar", "drm", "efifb", "i915"),
    *("invalid pci rom", "iommu", "ivrs", "kvm", "lockdown", "nouveau", "nvidia", "nvrm", "pci-stub"),
    *("radeon", "remapping", "rlimit_memlock", "rmrr", "secure boot", "secureboot", "simple-framebuffer"),
    *("svm", "sysfb", "unknown kernel command line parameters"),
    *("unknown option", "vendor-reset", "vfio", "vgaarb", "vmx", "x2apic", "xe "),
)
"""A line of a kernel log is kept when it holds one of these, whatever its case."""


class Matcher:
    """Looks paths up in the tables."""

    def __init__(self) -> None:
        """Compiles them, which takes some milliseconds and happens for captures only."""
        self._patterns = [(compiled(pattern), treatment) for pattern, treatment in ALLOWED]
        self._bytes = [(compiled(row.pattern), row) for row in BINARY]
        self._known: dict[str, str | None] = {}

    def treatment(self, path: str) -> str | None:
        """What is done to a path, or None when it is not let through."""
        if path not in self._known:
            fits = (treatment for pattern, treatment in self._patterns if pattern.fullmatch(path))
            self._known[path] = None if ".." in path.split("/") else next(fits, None)
        return self._known[path]

    def binary(self, path: str) -> Bytes | None:
        """The row for the bytes of a path, or None."""
        return next((row for pattern, row in self._bytes if pattern.fullmatch(path)), None)


_MEANING = {"**": ".*", "*": "[^/]*", "{": "(?:", "}": ")", ",": "|"}


def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern of the tables as a regular expression for the whole path."""
    parts = re.split(r"(\*\*|[*{},])", pattern)
    return re.compile("".join([_MEANING.get(part) or re.escape(part) for part in parts]), re.DOTALL)
