"""Kernel parameters that guides hand on and that do nothing, or the wrong thing, on today's kernels.

A row says from which kernel on it holds (``since``) and on what kind of host (``when``, a word of
the closed list below). Sources: the trees of Linux 6.1 and 6.12 as packaged by Debian, and named threads.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from vfio_wizard.model.version import KernelVersion


class When(StrEnum):
    """What must be true of the host for a row to hold."""

    ALWAYS = "always"
    AMD = "the processor is AMD's"
    INTEL = "the processor is Intel's"
    INTEL_DEFAULT_ON = "this kernel switches VT-d on by itself, integrated graphics included"
    REMAPPING_ON = "interrupt remapping works here"
    NOT_SUSE = "only SUSE kernels know it"
    NOT_DRACUT = "only dracut reads it, and this initramfs is made by another program"
    NOT_PATCHED = "this kernel has not got the ACS override patch"


class Stale(NamedTuple):
    """One parameter, or one value of it, and why it should go."""

    name: str
    value: str | None
    """One item of the comma-joined value; ``""`` for the bare word, None for any value."""
    since: KernelVersion | None
    """The first kernel on which it is stale; None: it never had a meaning there."""
    when: When
    harmless: bool
    """It says only what the kernel does anyway."""
    why: str
    instead: str
    source: str


_AMD_VALUES = "linux 6.12:drivers/iommu/amd/init.c parse_amd_iommu_options"
_INTEL_VALUES = "linux 6.12:drivers/iommu/intel/iommu.c intel_iommu_setup"
_IOMMU_VALUES = "linux 6.12:arch/x86/kernel/pci-dma.c iommu_setup"
_EVICTION = "linux 6.1:drivers/vfio/pci/vfio_pci_core.c vfio_pci_vga_init (reported for 6.0)"
_VIRQFD = "linux 6.12:drivers/vfio/Makefile; commit e2d55709398e"
_MODULE_NAME = "linux 6.12:kernel/params.c: a module's parameter has the form module.name=value"
_NESTED = "linux 6.12:arch/x86/kvm (nested defaults to on)"
_PT = "iommu=pt, if it was meant"

STALE: tuple[Stale, ...] = (
    Stale(
        "amd_iommu",
        "on",
        None,
        When.ALWAYS,
        False,
        "not a value in any kernel: the driver is on whenever the firmware offers it",
        "",
        _AMD_VALUES,
    ),
    Stale("amd_iommu", "1", None, When.ALWAYS, False, "not a value in any kernel", "", _AMD_VALUES),
    Stale("amd_iommu", "pt", None, When.ALWAYS, False, "not a value of this parameter", _PT, _AMD_VALUES),
    Stale("intel_iommu", "pt", None, When.ALWAYS, False, "not a value of this parameter", _PT, _INTEL_VALUES),
    Stale(
        "intel_iommu",
        "1",
        None,
        When.ALWAYS,
        False,
        "not a value of this parameter",
        "intel_iommu=on",
        _INTEL_VALUES,
    ),
    Stale("intel_iommu", None, None, When.AMD, False, "read only on Intel hosts", "", _INTEL_VALUES),
    Stale("amd_iommu", None, None, When.INTEL, False, "read only on AMD hosts", "", _AMD_VALUES),
    Stale(
        "intel_iommu",
        "on",
        None,
        When.INTEL_DEFAULT_ON,
        True,
        "this kernel switches VT-d on by itself",
        "",
        "linux 6.1:drivers/iommu/intel/Kconfig INTEL_IOMMU_DEFAULT_ON",
    ),
    Stale("iommu", "on", None, When.ALWAYS, False, "not a value of this parameter", "", _IOMMU_VALUES),
    Stale(
        "iommu",
        "1",
        None,
        When.ALWAYS,
        False,
        "not a value of this parameter, although old checkers suggest it",
        "",
        _IOMMU_VALUES,
    ),
    Stale(
        "video",
        "efifb:off",
        (6, 1),
        When.ALWAYS,
        False,
        "vfio-pci frees the card from the console by itself since about 6.0; this only blinds the boot",
        "",
        _EVICTION,
    ),
    Stale(
        "video",
        "vesafb:off",
        (6, 1),
        When.ALWAYS,
        False,
        "vfio-pci frees the card from the console by itself since about 6.0; this only blinds the boot",
        "",
        _EVICTION,
    ),
    Stale(
        "video",
        "simplefb:off",
        None,
        When.ALWAYS,
        False,
        "simpledrm does not read video=",
        "",
        "linux 6.12:drivers/gpu/drm/tiny/simpledrm.c",
    ),
    Stale(
        "initcall_blacklist",
        "sysfb_init",
        (6, 1),
        When.ALWAYS,
        False,
        "vfio-pci frees the card from the console by itself since about 6.0; this only blinds the boot",
        "",
        _EVICTION,
    ),
    Stale(
        "nosimplefb",
        None,
        None,
        When.NOT_SUSE,
        False,
        "known to SUSE kernels only",
        "",
        "openSUSE boo#1201392",
    ),
    Stale(
        "pcie_aspm_off",
        None,
        None,
        When.ALWAYS,
        False,
        "no such parameter",
        "pcie_aspm=off",
        "linux 6.12:Documentation/admin-guide/kernel-parameters.txt",
    ),
    Stale(
        "pcie_acs_override",
        "multfunction",
        None,
        When.ALWAYS,
        False,
        "misspelt in the patch's own text; its parser wants multifunction",
        "pcie_acs_override=multifunction",
        "CachyOS/kernel-patches:6.17/0004-cachy.patch",
    ),
    Stale(
        "pcie_acs_override",
        None,
        None,
        When.NOT_PATCHED,
        False,
        "this kernel has not got the patch and handed the word to init",
        "",
        "linux 6.12:init/main.c print_unknown_bootoptions",
    ),
    Stale(
        "vfio_iommu_type1.allow_unsafe_interrupts",
        None,
        None,
        When.REMAPPING_ON,
        False,
        "interrupt remapping works here, so this only takes protection away",
        "",
        "linux 6.12:drivers/vfio/vfio_iommu_type1.c",
    ),
    Stale(
        "rd.driver.pre",
        "vfio_virqfd",
        (6, 2),
        When.ALWAYS,
        False,
        "the module is part of vfio since 6.2",
        "",
        _VIRQFD,
    ),
    Stale(
        "rd.driver.pre",
        None,
        None,
        When.NOT_DRACUT,
        False,
        "only dracut reads it",
        "",
        "dracut-ng:man/dracut.cmdline.7",
    ),
    Stale(
        "modules_load",
        "vfio_virqfd",
        (6, 2),
        When.ALWAYS,
        False,
        "the module is part of vfio since 6.2",
        "",
        _VIRQFD,
    ),
    Stale(
        "rd.modules_load",
        "vfio_virqfd",
        (6, 2),
        When.ALWAYS,
        False,
        "the module is part of vfio since 6.2",
        "",
        _VIRQFD,
    ),
    Stale(
        "vfio_virqfd", "", None, When.ALWAYS, False, "a module's name alone loads nothing", "", _MODULE_NAME
    ),
    Stale("kvm_intel", "", None, When.ALWAYS, False, "a module's name alone loads nothing", "", _MODULE_NAME),
    Stale("kvm_amd", "", None, When.ALWAYS, False, "a module's name alone loads nothing", "", _MODULE_NAME),
    Stale("vfio", "", None, When.ALWAYS, False, "a module's name alone loads nothing", "", _MODULE_NAME),
    Stale("vfio_pci", "", None, When.ALWAYS, False, "a module's name alone loads nothing", "", _MODULE_NAME),
    Stale(
        "vfio_iommu_type1",
        "",
        None,
        When.ALWAYS,
        False,
        "a module's name alone loads nothing",
        "",
        _MODULE_NAME,
    ),
    Stale(
        "kvm_intel.nested", "1", (6, 12), When.ALWAYS, True, "nested guests are on by default", "", _NESTED
    ),
    Stale("kvm_amd.nested", "1", (6, 12), When.ALWAYS, True, "nested guests are on by default", "", _NESTED),
)

RELEVANT_NAMES = (
    "iommu",
    "vfio",
    "kvm",
    "pcie_acs",
    "pci_stub",
    "rd.driver",
    "modprobe.blacklist",
    "hugepages",
)
"""Parameters that matter for passthrough, by the beginning or a part of their name."""

UNSAFE: tuple[tuple[str, str, str, str], ...] = (
    (
        "vfio_iommu_type1.allow_unsafe_interrupts",
        "1",
        "a guest may forge interrupts into the host",
        "linux 6.12:drivers/vfio/vfio_iommu_type1.c",
    ),
    (
        "iommufd.allow_unsafe_interrupts",
        "1",
        "a guest may forge interrupts into the host",
        "linux 6.12:drivers/iommu/iommufd/device.c",
    ),
    (
        "vfio.enable_unsafe_noiommu_mode",
        "1",
        "devices may write anywhere in host memory; useless for guests",
        "linux 6.12:drivers/vfio/vfio_main.c",
    ),
    (
        "pci",
        "disable_acs_redir",
        "takes isolation away from the named ports and can merge groups",
        "linux 6.12:Documentation/admin-guide/kernel-parameters.txt",
    ),
)
"""(parameter, value or beginning of it, what it gives up, source)."""


class StaleModule(NamedTuple):
    """A module that lists still name although newer kernels have not got it."""

    name: str
    since: KernelVersion
    why: str
    source: str


STALE_MODULES: tuple[StaleModule, ...] = (
    StaleModule(
        "vfio_virqfd",
        (6, 2),
        "part of vfio since 6.2; mkinitcpio complains, dracut fails to build the image",
        _VIRQFD + "; HikariKnight/quickpassthrough#29; pavolelsig/passthrough_helper_fedora#2",
    ),
)
