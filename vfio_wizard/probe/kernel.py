"""The running kernel: release, command line, the options and modules that matter to passthrough, its log."""

from __future__ import annotations

from vfio_wizard.model.facts import Kernel
from vfio_wizard.model.kargs import Kargs
from vfio_wizard.model.unread import Gap, Unread, untold
from vfio_wizard.system.host import KERNEL_LOG, Command, Host

RELEASE = "proc/sys/kernel/osrelease"
CMDLINE = "proc/cmdline"

CONFIG_OPTIONS = (
    "64BIT",
    "ACPI",
    "AMD_IOMMU",
    "ARM64",
    "DRM_AMDGPU",
    "DRM_AST",
    "DRM_EFIDRM",
    "DRM_I915",
    "DRM_NOUVEAU",
    "DRM_NOVA",
    "DRM_RADEON",
    "DRM_SIMPLEDRM",
    "DRM_VESADRM",
    "DRM_XE",
    "DYNAMIC_FTRACE",
    "EFI_STUB",
    "FB_EFI",
    "FB_SIMPLE",
    "FB_VESA",
    "FTRACE",
    "FUNCTION_TRACER",
    "HUGETLBFS",
    "IKCONFIG",
    "IKCONFIG_PROC",
    "INTEL_IOMMU",
    "INTEL_IOMMU_DEFAULT_ON",
    "INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF",
    "INTEL_IOMMU_SCALABLE_MODE_DEFAULT_ON",
    "IOMMUFD",
    "IOMMUFD_VFIO_CONTAINER",
    "IOMMU_DEFAULT_DMA_LAZY",
    "IOMMU_DEFAULT_DMA_STRICT",
    "IOMMU_DEFAULT_PASSTHROUGH",
    "IRQ_REMAP",
    "KALLSYMS",
    "KALLSYMS_ALL",
    "KPROBES",
    "KVM",
    "KVM_AMD",
    "KVM_INTEL",
    "KVM_VFIO",
    "LOCK_DOWN_KERNEL_FORCE_CONFIDENTIALITY",
    "LOCK_DOWN_KERNEL_FORCE_INTEGRITY",
    "MODULES",
    "MODULE_SIG",
    "MODULE_SIG_FORCE",
    "PCI",
    "PCI_QUIRKS",
    "PCI_STUB",
    "SND_HDA_INTEL",
    "SYSFB_SIMPLEFB",
    "TYPEC_UCSI",
    "UCSI_CCG",
    "USB_XHCI_PCI",
    "VFIO",
    "VFIO_CONTAINER",
    "VFIO_DEVICE_CDEV",
    "VFIO_GROUP",
    "VFIO_IOMMU_TYPE1",
    "VFIO_NOIOMMU",
    "VFIO_PCI",
    "VFIO_PCI_CORE",
    "VFIO_PCI_IGD",
    "VFIO_PCI_VGA",
    "VFIO_VIRQFD",
    "X86_64",
)
"""Options that a check or a prediction asks for, sorted."""

CONFIG_PREFIXES = tuple(f"CONFIG_{option}=" for option in CONFIG_OPTIONS)

BUILTIN_PREFIXES = (
    "kernel/arch/x86/kvm/",
    "kernel/drivers/ata/",
    "kernel/drivers/gpu/drm/",
    "kernel/drivers/i2c/busses/i2c-nvidia-gpu",
    "kernel/drivers/iommu/",
    "kernel/drivers/net/ethernet/",
    "kernel/drivers/nvme/host/",
    "kernel/drivers/pci/",
    "kernel/drivers/thunderbolt/",
    "kernel/drivers/usb/host/",
    "kernel/drivers/usb/typec/",
    "kernel/drivers/vfio/",
    "kernel/drivers/video/",
    "kernel/sound/hda/",
    "kernel/sound/pci/hda/",
    "kernel/virt/",
)
"""Folders of modules.builtin that are read: drivers that may hold a function of a GPU, a disk, a
network card or a USB controller, and what passthrough itself needs. A module from any other folder
is in no ``builtin`` set, compiled in or not."""

LOG_WORDS = (
    "; giving up",
    "AMD-Vi",
    "DMAR",
    "IOMMU",
    "Invalid PCI ROM",
    "Unknown kernel command line parameters",
    "Unknown option -",
    "VFIO",
    "VMX (outside TXT) disabled",
    "ACS overrides",
    "RLIMIT_MEMLOCK",
    "RMRR",
    "can't reserve",
    "device inaccessible",
    "disabled (by BIOS)",
    "disabled by BIOS",
    "iommu",
    "kvmfr",
    "remapping",
    "vfio",
    "x2apic",
)
"""A kernel log line is kept when it holds one of these."""

_FIRST_LINE = "Linux version "
"""Each boot's log begins with this line; where it is missing, older lines were overwritten."""

LOG_COMMANDS = (
    ("dmesg",),
    ("journalctl", "--boot", "--dmesg", "--no-pager", "--output=short-monotonic"),
)

MODULE_PARENTS = (
    "lib/modules",
    "usr/lib/modules",
    "run/booted-system/kernel-modules/lib/modules",
    "run/current-system/kernel-modules/lib/modules",
    "nix/var/nix/profiles/system/kernel-modules/lib/modules",
)
"""Folders that hold one folder for each kernel release; the last three are NixOS."""

_HYPERVISORS = (
    ("qemu", "qemu"),
    ("kvm", "kvm"),
    ("vmware", "vmware"),
    ("innotek", "virtualbox"),
    ("virtualbox", "virtualbox"),
    ("microsoft corporation virtual machine", "hyper-v"),
    ("amazon ec2", "amazon-ec2"),
    ("google compute engine", "google-compute-engine"),
    ("xen", "xen"),
    ("parallels", "parallels"),
    ("bhyve", "bhyve"),
    ("openstack", "openstack"),
    ("hetzner vserver", "hetzner"),
)
"""Words in "sys_vendor product_name" of DMI, and the hypervisor (systemd's src/basic/virt.c has the like)."""

_CONFIG_FILES = ("boot/config-{}", "lib/modules/{}/config", "usr/lib/modules/{}/config")
_CPUINFO_HEAD = 8192
"""As much as the processor's facts ask for, so that a capture holds it once."""


def read_kernel(host: Host, commands: bool = False, log_words: tuple[str, ...] = ()) -> Kernel:
    """What proc, the module folders and the kernel log say.

    ``commands`` lets programs tell the log where ``dev/kmsg`` does not: what a capture may wait for.
    ``log_words`` are further words that a line of the log is kept for.
    """
    release = _always_there(host.text(RELEASE))
    cmdline = _always_there(host.text(CMDLINE))
    config = kernel_config(host, release)
    log, log_gap = kernel_log(host, commands or host.kind == "capture", log_words)
    return Kernel(
        release=release,
        version=_always_there(host.text("proc/version")),
        architecture=_architecture(host, config),
        cmdline=cmdline if isinstance(cmdline, Unread) else Kargs.parse(cmdline),
        config=config,
        builtin=builtin_modules(host, release),
        loaded=_loaded(host),
        log=log,
        hypervisor=_hypervisor(host),
        cmdline_origin=CMDLINE,
        log_gap=log_gap,
    )


def _always_there(fact: str | Unread) -> str | Unread:
    """Each Linux has these files: where one is missing, the source does not hold proc."""
    if isinstance(fact, Unread) and fact.gap is Gap.ABSENT:
        return untold(fact.path, "proc is not part of this source")
    return fact


def kernel_config(host: Host, release: str | Unread, running: bool = True) -> dict[str, str] | Unread:
    """``CONFIG_OPTIONS`` of a kernel, each y, m, n or its text; n also where it does not know the option.

    ``proc/config.gz`` speaks of the running kernel only.
    """
    if isinstance(release, Unread):
        return release
    gaps: list[Unread] = []
    for path in (form.format(release) for form in _CONFIG_FILES):
        seen = host.lines(path, CONFIG_PREFIXES)
        if not isinstance(seen, Unread):
            return parse_config(path, seen)
        gaps.append(seen)
    packed = _config_gz(host) if running else None
    if isinstance(packed, dict):
        return packed
    return gaps[0]


def _config_gz(host: Host) -> dict[str, str] | Unread:
    path = "proc/config.gz"
    lines = host.lines(path, CONFIG_PREFIXES)  # which unpacks it
    return lines if isinstance(lines, Unread) else parse_config(path, lines)


def parse_config(path: str, lines: tuple[str, ...]) -> dict[str, str] | Unread:
    """The lines of a kernel configuration that begin like ``CONFIG_PREFIXES``."""
    pairs = (line.strip().removeprefix("CONFIG_").partition("=") for line in lines)
    options = frozenset(CONFIG_OPTIONS)
    told = {name: value.strip('"') for name, _, value in pairs if name in options}
    if not told:
        return Unread(path, Gap.MALFORMED, "none of the options of a kernel configuration")
    return dict.fromkeys(CONFIG_OPTIONS, "n") | told


def builtin_modules(host: Host, release: str | Unread) -> frozenset[str] | Unread:
    """Modules compiled into a kernel, with underscores, from the folders of ``BUILTIN_PREFIXES``."""
    if isinstance(release, Unread):
        return release
    gaps: list[Unread] = []
    for parent in MODULE_PARENTS:
        seen = host.lines(f"{parent}/{release}/modules.builtin", BUILTIN_PREFIXES)
        if not isinstance(seen, Unread):
            return frozenset(map(module_name, seen))
        gaps.append(seen)
    return gaps[0]


def module_name(path: str) -> str:
    """The name with underscores: ``kernel/drivers/vfio/pci/vfio-pci.ko.xz`` is vfio_pci."""
    return path.strip().rpartition("/")[2].partition(".ko")[0].replace("-", "_")


def _loaded(host: Host) -> frozenset[str] | Unread:
    seen = host.text("proc/modules")
    if isinstance(seen, Unread):
        return _no_modules(host, seen)
    return frozenset(line.partition(" ")[0].replace("-", "_") for line in seen.splitlines() if line.strip())


def _no_modules(host: Host, gap: Unread) -> frozenset[str] | Unread:
    """A kernel without module support has no proc/modules; a source without proc tells nothing."""
    if gap.gap is not Gap.ABSENT:
        return gap
    if isinstance(host.stat(RELEASE), Unread):
        return untold(gap.path, "proc is not part of this source")
    return frozenset()


def _architecture(host: Host, config: dict[str, str] | Unread) -> str | Unread:
    """``proc/sys/kernel/arch`` is there from Linux 6.1; before, the configuration tells."""
    told = host.text("proc/sys/kernel/arch")
    if isinstance(told, str) or isinstance(config, Unread):
        return told
    if config["X86_64"] == "y":
        return "x86_64"
    return "aarch64" if config["ARM64"] == "y" else told


Log = tuple[tuple[str, ...] | Unread, Unread | None]
"""The lines that matter, and why there may have been more of them."""


def kernel_log(host: Host, commands: bool, more: tuple[str, ...] = ()) -> Log:
    """The lines of ``LOG_WORDS`` from ``dev/kmsg``, which takes no process, or as programs print them."""
    words = (*LOG_WORDS, *more)
    seen = host.lines(KERNEL_LOG, (), (_FIRST_LINE, *words))
    if not isinstance(seen, Unread):
        lines = relevant_lines("\n".join(seen), words)
        return lines, None if any(_FIRST_LINE in line for line in seen) else _overwritten()
    gaps = [seen]
    for argv in LOG_COMMANDS if commands else ():
        told = host.run(Command(argv))
        if isinstance(told, str):
            return relevant_lines(told, words), None
        gaps.append(told)
    return next((gap for gap in gaps if gap.gap is not Gap.UNTOLD), seen), None


def _overwritten() -> Unread:
    return untold(KERNEL_LOG, "the kernel has overwritten the beginning of its log")


def relevant_lines(log: str, words: tuple[str, ...] = LOG_WORDS) -> tuple[str, ...]:
    """The lines that matter here, without priority, time and host name."""
    wanted = (line for line in log.splitlines() if any(word in line for word in words))
    return tuple(_message(line) for line in wanted)


def _message(line: str) -> str:
    """The text behind ``<6>``, ``[    1.234567]``, ``[    T1]``, ``6,339,514,-;`` and ``host kernel:``."""
    line = line.strip()
    record, semicolon, said = line.partition(";")
    if semicolon and record[:1].isdigit() and record.count(",") >= _RECORD_COMMAS:
        return said
    if line.startswith("<") and line[1:2].isdigit():
        line = line.partition(">")[2].lstrip()
    while line.startswith("["):
        stamp, _, rest = line[1:].partition("]")
        if stamp.strip(" 0123456789.TC") and stamp.count(":") != 2:
            break
        line = rest.lstrip()
    before, said, after = line.partition(" kernel: ")
    return after if said and " " not in before else line


_RECORD_COMMAS = 3


def _hypervisor(host: Host) -> str | None | Unread:
    """What this machine runs under; None needs a processor that was asked and shows no hypervisor."""
    kind = host.text("sys/hypervisor/type")
    if isinstance(kind, str) and kind:
        return kind
    named = _hypervisor_by_dmi(host)
    if named is not None:
        return named
    flags = _cpu_flags(host)
    if isinstance(flags, Unread):
        return flags
    return "unknown" if "hypervisor" in flags else None


def _hypervisor_by_dmi(host: Host) -> str | None:
    words = [host.text(f"sys/class/dmi/id/{name}") for name in ("sys_vendor", "product_name")]
    known = " ".join(word for word in words if isinstance(word, str)).lower()
    return next((name for mark, name in _HYPERVISORS if mark in known), None)


def _cpu_flags(host: Host) -> list[str] | Unread:
    """The flags of the first processor; only x86 has them, so elsewhere nothing is told."""
    seen = _always_there(host.head("proc/cpuinfo", _CPUINFO_HEAD))
    if isinstance(seen, Unread):
        return seen
    for line in seen.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "flags":
            return value.split()
    return untold("proc/cpuinfo", "no flags line")
