"""For what a text is judged: a kernel, a NixOS release, a host; each may be unknown."""

from __future__ import annotations

from vfio_wizard.knowledge.nixos import NEWEST, Release
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.pci import PciAddress, PciFunction, PciId
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Unread
from vfio_wizard.model.version import KernelVersion


class Situation(NamedTuple):
    """What the reviewer knows besides the text."""

    kernel: KernelVersion | None = None
    """None: any kernel; then a finding names the range that it holds for."""
    release: Release | None = None
    """None: not told; Nix modules are then judged for the newest known."""
    facts: HostFacts | None = None

    @property
    def nixos(self) -> Release:
        """The release that Nix modules are judged for."""
        return self.release or NEWEST

    @property
    def functions(self) -> tuple[PciFunction, ...]:
        """The host's PCI functions; none without a host."""
        if self.facts is None or isinstance(self.facts.pci, Unread):
            return ()
        return self.facts.pci

    def with_id(self, wanted: PciId) -> tuple[PciFunction, ...]:
        """The host's functions of one model."""
        return tuple(one for one in self.functions if one.id == wanted)

    def at(self, address: PciAddress) -> PciFunction | None:
        """The host's function at an address."""
        return next((one for one in self.functions if one.address == address), None)

    @property
    def is_complete(self) -> bool:
        """Whether the host's functions are all known, so that a missing one is missing."""
        return bool(self.functions) and self.facts is not None and self.facts.source.complete is True

    def kernel_has(self, since: KernelVersion | None) -> bool:
        """Whether something that holds from a kernel on may hold here; an unknown kernel is a new one."""
        return since is None or self.kernel is None or self.kernel >= since

    @property
    def cpu(self) -> str | None:
        """``amd`` or ``intel``, where known."""
        if self.facts is None or isinstance(self.facts.cpu.vendor, Unread):
            return None
        return self.facts.cpu.vendor
