"""Which modules must be early, and which must wait for vfio-pci."""

from __future__ import annotations

import re

from vfio_wizard.knowledge import claims
from vfio_wizard.model.facts import HostFacts, ModprobeConfig
from vfio_wizard.model.pci import PciClass, PciFunction, PciId
from vfio_wizard.model.plan import BindBy, EarlyModule, Passed, Softdep
from vfio_wizard.model.unread import Unread

VFIO_PCI = "vfio_pci"
EARLY = (
    (VFIO_PCI, "takes the functions before any other driver sees them"),
    ("vfio_iommu_type1", "maps guest memory for the IOMMU; nothing loads it later by itself"),
)
"""vfio itself comes with vfio_pci, which needs it.

vfio_virqfd is never listed: before Linux 6.2 vfio_pci needs its symbols and brings it along; since then it
is a part of vfio, and image builders stop at the name.
"""


def claimants(function: PciFunction) -> tuple[str, ...]:
    """Modules that would claim a function if vfio-pci did not; from the host's alias table where known."""
    known = _known_claimants(function)
    names = [*known, *_of_driver(function.driver)]
    return tuple(dict.fromkeys(name for name in names if not _is_vfio(name)))


def _known_claimants(function: PciFunction) -> tuple[str, ...]:
    if not isinstance(function.modules, Unread):
        return function.modules
    if not isinstance(function.cls, PciClass):
        return ()
    vendor, device = function.id if isinstance(function.id, PciId) else ("", "0")
    return claims.claimants(vendor, device, function.cls.base, function.cls.sub)


def _of_driver(driver: str | None | Unread) -> tuple[str, ...]:
    if driver is None or isinstance(driver, Unread):
        return ()
    return (claims.DRIVER_MODULE.get(driver, driver.replace("-", "_")),)


def _is_vfio(module: str) -> bool:
    return module in ("vfio_pci", "pci_stub") or module.endswith("_vfio_pci")


def softdeps(
    passed: tuple[Passed, ...], facts: HostFacts, by: BindBy, *, achieved: bool
) -> tuple[Softdep, ...]:
    """One soft dependency for each module that could be quicker than vfio-pci.

    ``achieved`` says that the host binds the functions already, so nothing is missing. A built-in driver
    has no module to wait.
    """
    if VFIO_PCI in _builtin(facts) and by is BindBy.ID:
        return ()
    found: dict[str, list[str]] = {}
    for one in passed:
        for module in one.claimants:
            if module not in _builtin(facts):
                found.setdefault(module, []).append(str(one.address))
    return tuple(
        Softdep(
            module, f"would claim {' and '.join(addresses)}", achieved or _has_softdep(facts.modprobe, module)
        )
        for module, addresses in found.items()
    )


def built_in_claimants(passed: tuple[Passed, ...], facts: HostFacts) -> tuple[tuple[str, str], ...]:
    """(address, module) where the module is compiled into the kernel and so always first."""
    return tuple(
        (str(one.address), module) for one in passed for module in one.claimants if module in _builtin(facts)
    )


def early_modules(facts: HostFacts, *, achieved: bool) -> tuple[EarlyModule, ...]:
    """The VFIO modules for the initramfs; none where vfio-pci is compiled in, or the image ready-made."""
    if VFIO_PCI in _builtin(facts) or _is_ready_made(facts):
        return ()
    return tuple(
        EarlyModule(name, because, achieved or _listed(facts.files, name)) for name, because in EARLY
    )


def _is_ready_made(facts: HostFacts) -> bool:
    """The initramfs comes with the image of the system, and takes its orders from the command line."""
    generator = facts.boot.initramfs
    return not isinstance(generator, Unread) and generator.name == "ostree-prebuilt"


def _builtin(facts: HostFacts) -> frozenset[str]:
    return frozenset() if isinstance(facts.kernel.builtin, Unread) else facts.kernel.builtin


def _has_softdep(modprobe: ModprobeConfig | Unread, module: str) -> bool:
    if isinstance(modprobe, Unread):
        return False
    return any(_is_pre_vfio(line.rest) for line in modprobe.softdeps(module))


def _is_pre_vfio(rest: str) -> bool:
    """``pre: vfio-pci`` among the words, before any ``post:``."""
    head = rest.partition("post:")[0]
    return VFIO_PCI in head.replace("-", "_").replace("pre:", " ").split()


_INITRAMFS = ("etc/initramfs-tools/modules", "etc/mkinitcpio.conf", "etc/dracut.conf", "etc/booster.yaml")


def _listed(files: tuple[tuple[str, str], ...], module: str) -> bool:
    """Whether the configuration of the initramfs names a module outside of comments."""
    pattern = re.compile(rf"(?<![\w-]){module.replace('_', '[-_]')}(?![\w-])")
    return any(
        pattern.search(line.partition("#")[0])
        for path, text in files
        if path.lstrip("/").startswith(_INITRAMFS)
        for line in text.splitlines()
    )
