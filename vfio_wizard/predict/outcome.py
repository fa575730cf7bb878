"""What a prediction says."""

from __future__ import annotations

from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.record import NamedTuple

UNKNOWN = "unknown"
"""The driver where the answer cannot be known; ``why`` says what is missing."""

BUILT_IN, INITRAMFS, ROOT = "built-in", "initramfs", "root"
"""The stages of a boot, in order."""


class FunctionPrediction(NamedTuple):
    """What will have one function once the machine is up."""

    address: PciAddress
    driver: str | None
    """The driver's name, None where nothing will claim it, or ``UNKNOWN``."""
    stage: str | None
    """When it is claimed; None where nothing claims it, or the moment cannot be known."""
    why: tuple[str, ...]

    @property
    def is_known(self) -> bool:
        """Whether the prediction names an answer."""
        return self.driver != UNKNOWN


class KernelPrediction(NamedTuple):
    """All functions of the machine, should this kernel be booted next."""

    release: str
    running: bool
    functions: tuple[FunctionPrediction, ...]
    notes: tuple[str, ...]
    """What the prediction rests on: where the command line was read, which image."""
