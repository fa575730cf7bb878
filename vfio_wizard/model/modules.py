"""What decides which driver comes first, beyond the image: module tables, and the files of the root."""

from __future__ import annotations

from collections.abc import Mapping

from vfio_wizard.model.facts import ModprobeLine
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Unread


class KernelModules(NamedTuple):
    """The module tables of one installed kernel, as far as they speak of this machine.

    Module names are with underscores.
    """

    release: str
    origin: str
    """The folder: ``lib/modules/6.1.0-9-amd64``."""
    matches: Mapping[PciAddress, tuple[str, ...]] | Unread
    """The modules whose alias covers each function, files and built-ins alike."""
    builtin: tuple[str, ...] | Unread
    """Those of the named modules that are compiled in, in the order in which the kernel starts them."""
    depends: Mapping[str, tuple[str, ...]] | Unread
    """Module files, and what each needs, in loading order; what is no key has no file."""
    softdeps: tuple[ModprobeLine, ...]
    """The soft dependencies that modules bring along (modules.softdep)."""


class NamedLoad(NamedTuple):
    """A module that the root file system loads by name."""

    module: str
    origin: str


class OverrideText(NamedTuple):
    """A unit, udev rule or script of the root that writes ``driver_override`` or binds by hand."""

    path: str
    text: str
    """With the text of the scripts that a unit starts behind its own."""
    enabled: bool


class DriverctlLine(NamedTuple):
    """A saved override of driverctl."""

    address: PciAddress
    driver: str
    origin: str


class RootConfiguration(NamedTuple):
    """What happens once the real root is there."""

    loads: tuple[NamedLoad, ...]
    """modules-load.d, in order."""
    overrides: tuple[OverrideText, ...]
    driverctl: tuple[DriverctlLine, ...]
    closed: tuple[Unread, ...]
    """What could not be looked into."""


class NextBoot(NamedTuple):
    """All that a prediction needs and that ``HostFacts`` does not hold."""

    kernels: tuple[KernelModules, ...]
    root: RootConfiguration
    driver_modules: Mapping[str, str]
    """The module behind each driver that is registered now; one that is compiled in has none."""
    keeps_rd_blacklist: bool | None = None
    """Whether dracut's ``rd.driver.blacklist=`` lasts beyond the initramfs, as since it is written to /run;
    None where the host's dracut was not seen."""
