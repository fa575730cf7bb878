"""Kernel parameters: only those that this kernel and this hardware need, each with its reason.

Never added: ``amd_iommu=on`` (no value that any kernel knows, AMD-Vi is on by itself), ``iommu=pt``
(changes only how the host's own drivers map memory; a guest's device is mapped either way, and the
host loses protection from its devices), ``video=efifb:off`` from Linux 6.0 on (vfio-pci frees a VGA
card from the console itself), ``vfio_virqfd``.
"""

from __future__ import annotations

from collections.abc import Iterable

from vfio_wizard.knowledge.changes import SWITCH
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.iommu import IommuGroup
from vfio_wizard.model.kargs import Kargs
from vfio_wizard.model.pci import PciClass, PciFunction, PciId
from vfio_wizard.model.plan import (
    BindBy,
    Binding,
    CpuIsolation,
    Parameter,
    System,
)
from vfio_wizard.model.selection import HugePageWish, Pinning
from vfio_wizard.model.unread import Unread, known

IDS = "vfio-pci.ids"
_EVICTION = (6, 0)
"""vfio-pci frees a VGA card from firmware framebuffers (linux 6.1 vfio_pci_core.c; reported for 6.0)."""
_SWITCHED_OFF = (
    ("intel_iommu", "switches VT-d off"),
    ("amd_iommu", "switches AMD-Vi off"),
    ("iommu", "switches the IOMMU off"),
)


def next_line(facts: HostFacts) -> Kargs:
    """The command line of the next boot where it is stored, else the running one, else an empty one."""
    if isinstance(facts.boot.configured, Kargs):
        return facts.boot.configured
    return known(facts.kernel.cmdline, Kargs(()))


def binding_parameters(
    bind: Binding, facts: HostFacts
) -> tuple[tuple[Parameter, ...], tuple[Parameter, ...]]:
    """(to add, to remove) for a binding. Ids that are on the line already stay, in one parameter.

    The kernel keeps only the last ``vfio-pci.ids=``, so a second one would undo the first.
    """
    line = next_line(facts)
    words = tuple(word for word in line.kernel_words if Kargs((word,)).value(IDS) is not None)
    there = _split_ids(line.values(IDS))
    if bind.by is not BindBy.ID:
        return _by_address(bind, facts, words, there)
    from_modprobe = _modprobe_ids(facts)
    if set(bind.ids) <= set(there or from_modprobe):
        return (Parameter(f"{IDS}={','.join(bind.ids)}", bind.because, present=True),), ()
    merged = tuple(dict.fromkeys((*there, *from_modprobe, *bind.ids)))
    reason = bind.because if merged == bind.ids else f"{bind.because}; the other ids were there already"
    add = Parameter(f"{IDS}={','.join(merged)}", reason, present=False)
    gone = tuple(
        Parameter(word, "its ids move into the one parameter that counts", present=True) for word in words
    )
    return (add,), gone


def _by_address(
    bind: Binding, facts: HostFacts, words: tuple[str, ...], there: tuple[str, ...]
) -> tuple[tuple[Parameter, ...], tuple[Parameter, ...]]:
    """The word that switches the binding on; ids of the same chips, which would take their twins too, go."""
    switch = Parameter(SWITCH, _SWITCHES, next_line(facts).has(SWITCH), (System.HOST,))
    chips = {str(one.id) for one in known(facts.pci, ()) if one.address in bind.functions}
    kept = tuple(one for one in there if ":".join(one.split(":")[:2]) not in chips)
    if kept == there:
        return (switch,), ()
    gone = tuple(Parameter(word, "it would also take cards that stay", present=True) for word in words)
    rest = Parameter(f"{IDS}={','.join(kept)}", "the other ids were there already", present=False)
    return (switch, rest) if kept else (switch,), gone


_SWITCHES = "without it the binding by address does nothing, so that a boot entry without it frees the cards"


def early_parameters(facts: HostFacts) -> tuple[Parameter, ...]:
    """Where the initramfs comes ready-made, its dracut is told by parameter what to load first."""
    generator = facts.boot.initramfs
    if isinstance(generator, Unread) or generator.name != "ostree-prebuilt":
        return ()
    word = "rd.driver.pre=vfio-pci"
    why = "loads vfio-pci from the initramfs of the image, before any driver that would claim the card"
    return (Parameter(word, why, next_line(facts).has(word), (System.HOST,)),)


def _split_ids(values: Iterable[str]) -> tuple[str, ...]:
    """Ids that vfio-pci would read; anything else on the line is no id, and goes into no file of ours."""
    words = (one.strip().lower() for value in values for one in value.split(","))
    return tuple(one for one in words if ":" in one and set(one) <= set("0123456789abcdef:x"))


def _modprobe_ids(facts: HostFacts) -> tuple[str, ...]:
    """Ids from ``options vfio-pci ids=…``; a parameter on the command line overrides them."""
    if isinstance(facts.modprobe, Unread):
        return ()
    words = [word for line in facts.modprobe.options("vfio_pci") for word in line.rest.split()]
    return _split_ids(word[4:].strip('"') for word in words if word.startswith("ids="))


def iommu_parameters(passed: tuple[PciFunction, ...], facts: HostFacts) -> tuple[Parameter, ...]:
    """``intel_iommu=on`` where VT-d would stay off without it; AMD needs nothing."""
    if processor(facts) != "intel":
        return ()
    reasons = {System.HOST: _host_reason(passed, facts), System.NIXOS: _nixos_reason(facts)}
    systems = tuple(system for system, reason in reasons.items() if reason)
    if not systems:
        return ()
    reason = reasons[System.HOST] if systems == (System.HOST,) else reasons[System.NIXOS]
    present = "on" in _items(next_line(facts), "intel_iommu")
    return (Parameter("intel_iommu=on", reason or "", present, systems),)


def processor(facts: HostFacts) -> str | None:
    """``intel`` or ``amd``; from the host bridge where the processor itself is not described."""
    if not isinstance(facts.cpu.vendor, Unread):
        return facts.cpu.vendor
    if not isinstance(facts.pci, tuple):
        return None
    for one in facts.pci:
        if one.address[1:] == (0, 0, 0) and isinstance(one.id, PciId):
            return {"8086": "intel", "1022": "amd"}.get(one.id.vendor)
    return None


def _groups(facts: HostFacts) -> tuple[IommuGroup, ...] | None:
    found = facts.iommu.groups
    return None if isinstance(found, Unread) else found


def _host_reason(passed: tuple[PciFunction, ...], facts: HostFacts) -> str | None:
    """Why this host's kernel needs the parameter; None when it does not."""
    if "on" in _items(next_line(facts), "intel_iommu"):
        return "switches VT-d on"
    graphics = any(_is_integrated(one) and not isinstance(one.group, int) for one in passed)
    if _groups(facts):
        return "this kernel leaves the integrated graphics out of VT-d without it" if graphics else None
    config = facts.kernel.config
    if isinstance(config, Unread):
        return "VT-d is off; whether this kernel switches it on by itself is not known"
    if config.get("INTEL_IOMMU_DEFAULT_ON") == "y":
        return None
    if config.get("INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF") == "y":
        return "this kernel leaves the integrated graphics out of VT-d without it" if graphics else None
    return "this kernel leaves VT-d off without it"


def _nixos_reason(facts: HostFacts) -> str | None:
    """nixpkgs builds its kernels from x86_64_defconfig, which leaves INTEL_IOMMU_DEFAULT_ON unset."""
    on_by_itself = (
        _is_nixos(facts)
        and _groups(facts)
        and isinstance(facts.kernel.cmdline, Kargs)
        and not _items(next_line(facts), "intel_iommu")
    )
    return None if on_by_itself else "NixOS kernels leave VT-d off without it"


def _is_nixos(facts: HostFacts) -> bool:
    return not isinstance(facts.boot.distribution, Unread) and facts.boot.distribution.id == "nixos"


def _is_integrated(function: PciFunction) -> bool:
    return function.is_display and function.parent is None


def blocking_parameters(facts: HostFacts) -> tuple[Parameter, ...]:
    """Parameters on the line that keep the IOMMU off and must go."""
    line = next_line(facts)
    return tuple(
        Parameter(word, why, present=True)
        for word in line.kernel_words
        for name, why in _SWITCHED_OFF
        if "off" in _items(Kargs((word,)), name)
    )


def _items(line: Kargs, name: str) -> tuple[str, ...]:
    """The comma-separated items of all values of a parameter."""
    return tuple(item for value in line.values(name) for item in value.split(",") if item)


def console_parameters(passed: tuple[PciFunction, ...], facts: HostFacts) -> tuple[Parameter, ...]:
    """What frees the card from the firmware's console, where vfio-pci does not do it itself."""
    found = []
    holds_console = {one.address for one in passed if _holds_console(one, facts)}
    for one in passed:
        if one.address not in holds_console or not isinstance(one.cls, PciClass):
            continue
        if one.cls.is_vga:
            found.append(_console("video=efifb:off", _OLD_KERNEL, facts, _EVICTION))
        else:
            found.append(_console("initcall_blacklist=sysfb_init", _NOT_VGA, facts, None))
    return tuple(dict.fromkeys(found))


_OLD_KERNEL = "kernels before 6.0 keep the firmware's console on this card"
_NOT_VGA = "the firmware's console sits on this card, and vfio-pci frees only cards of class VGA from it"


def _console(word: str, why: str, facts: HostFacts, before: tuple[int, int] | None) -> Parameter:
    return Parameter(word, why, next_line(facts).has(word), before=before)


def _holds_console(function: PciFunction, facts: HostFacts) -> bool:
    if function.boot_vga is True:
        return True
    buffers = known(facts.display.framebuffers, ())
    return any(one.function == function.address for one in buffers)


def acs_parameters(values: tuple[str, ...], facts: HostFacts) -> tuple[Parameter, ...]:
    """The ACS override that the user asked for."""
    if not values:
        return ()
    word = "pcie_acs_override=" + ",".join(values)
    why = "calls groups separate which the hardware may not keep apart: only for guests that you trust"
    return (Parameter(word, why, next_line(facts).has(word)),)


def memory_parameters(wish: HugePageWish | None, facts: HostFacts) -> tuple[Parameter, ...]:
    """Huge pages set aside at boot, when memory is not yet in pieces."""
    if wish is None:
        return ()
    line = next_line(facts)
    size = {2048: "2M", 1048576: "1G"}[wish.size_kib]
    words = [f"hugepagesz={size}", f"hugepages={wish.pages}"]
    if size == "1G":
        # /dev/hugepages is mounted with the default size, and libvirt looks for pages in mounts.
        words.insert(0, f"default_hugepagesz={size}")
    why = f"{wish.pages * wish.size_kib // 1024} MiB of guest memory in pages of {size}iB"
    return tuple(Parameter(word, why, line.has(word)) for word in words)


def cpu_parameters(isolation: CpuIsolation | None, facts: HostFacts) -> tuple[Parameter, ...]:
    """``isolcpus=`` where it was asked for instead of the hook."""
    if isolation is None or isolation.how is not Pinning.PARAMETER:
        return ()
    word = f"isolcpus={isolation.guest}"
    return (Parameter(word, isolation.because, next_line(facts).has(word)),)
