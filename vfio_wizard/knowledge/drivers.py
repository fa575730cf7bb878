"""PCI drivers whose name is not their module's, and what keeps a driver from starting at all."""

from __future__ import annotations

DRIVER_NAME: dict[str, str] = {
    "8250_pci": "serial",
    "amd_iommu": "AMD-Vi",
    "bochs": "bochs-drm",
    "ehci_pci": "ehci-pci",
    "i2c_i801": "i801_smbus",
    "i2c_nvidia_gpu": "nvidia-gpu",
    "i2c_piix4": "piix4_smbus",
    "intel_agp": "agpgart-intel",
    "nova_core": "NovaCore",
    "ohci_pci": "ohci-pci",
    "pci_stub": "pci-stub",
    "shpchp": "shpchp",
    "vfio_pci": "vfio-pci",
    "virtio_pci": "virtio-pci",
    "xhci_pci": "xhci_hcd",
}
"""By module. Source: the ``name`` of each ``struct pci_driver``, Linux 6.1 and 6.12. The others are called
like their module."""

NEEDS_MODESET: frozenset[str] = frozenset((
    "amdgpu", "ast", "bochs", "cirrus", "gma500_gfx", "hibmc_drm", "i915", "mgag200", "nouveau", "qxl",
    "radeon", "vboxvideo", "vmwgfx", "xe",
))  # fmt: skip
"""Modules whose driver does not start with ``nomodeset`` on the command line.
Source: drm_firmware_drivers_only() in each, Linux 6.1 and 6.12."""

MODESET_OFF: frozenset[str] = frozenset(("i915", "nouveau", "radeon"))
"""Modules that register no driver with their own ``modeset=0``.
Source: radeon_drv.c, nouveau_drm.c, i915_module.c, Linux 6.1 and 6.12."""

INITCALL: dict[str, str] = {
    "amdgpu": "amdgpu_init",
    "i915": "i915_init",
    "nouveau": "nouveau_drm_init",
    "pci_stub": "pci_stub_init",
    "radeon": "radeon_module_init",
    "snd_hda_intel": "azx_driver_init",
    "vfio_pci": "vfio_pci_init",
    "xe": "xe_init",
    "xhci_pci": "xhci_pci_init",
}
"""The function that ``initcall_blacklist=`` must name to keep a driver away. Source: Linux 6.12, by file."""

WITHOUT_TABLE: dict[str, str] = {
    "vfio_pci": "vfio-pci takes only ids that it is given, and functions whose driver_override names it",
    "pci_stub": "pci-stub takes only ids that it is given, and functions whose driver_override names it",
}
"""Modules with an empty id table."""

KEEPS_BRIDGES = "pcieport"
"""What root ports and switch ports are bound to. vfio-pci refuses the header type of a bridge."""

VFIO_DENIES: frozenset[str] = frozenset((
    "8086:0435", "8086:0443", "8086:0b25", "8086:0cfe", "8086:19e2", "8086:19e3", "8086:37c8", "8086:37c9",
))  # fmt: skip
"""What vfio-pci refuses unless ``disable_denylist=1``: Intel's QAT, DSA and IAX accelerators.
Source: linux 6.12:drivers/vfio/pci/vfio_pci.c vfio_pci_dev_in_denylist, include/linux/pci_ids.h."""
