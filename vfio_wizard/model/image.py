"""What is inside a built initramfs image, as far as it decides which driver claims a device first."""

from __future__ import annotations

from vfio_wizard.model.facts import ModprobeConfig
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Unread

BEFORE_UDEV = "before-udev"
"""Loaded, one after the other, before udev looks at the devices that are already there."""
BESIDE_UDEV = "beside-udev"
"""Loaded while udev looks at devices: who comes first is not settled (systemd's modules-load.d)."""
AFTER_UDEV = "after-udev"
"""Loaded once udev is done with the devices that are already there."""


class EarlyLoad(NamedTuple):
    """A module that the image loads by name, whether or not a device asks for it."""

    module: str
    """With underscores."""
    options: str
    """Words behind the name, given to the module as they stand; modprobe.d's options come on top."""
    origin: str
    """``boot/initrd.img-6.1.0-9-amd64:conf/modules:3``"""
    when: str
    """``BEFORE_UDEV``, ``BESIDE_UDEV`` or ``AFTER_UDEV``."""


class ImageScript(NamedTuple):
    """A small text inside an image that writes ``driver_override``: what it does is for a person to read."""

    path: str
    """Inside the image: ``scripts/init-top/vfio``."""
    text: str


class InitramfsImage(NamedTuple):
    """One built image: initramfs, unified kernel image or NixOS initrd.

    Paths inside carry no leading slash. Module names are with underscores.
    """

    path: str
    size: int
    """Bytes of the file, packed."""
    made_by: str | Unread
    """initramfs-tools, dracut, mkinitcpio, booster or nixos, told from the content."""
    compression: tuple[str, ...]
    """Of each archive in it, in order: ``("none", "zstd")`` is microcode and then the main archive."""
    kernels: tuple[str, ...]
    """Releases below lib/modules; empty where the image holds no modules."""
    modules: frozenset[str]
    """Module files inside."""
    builtin: frozenset[str] | Unread
    """From modules.builtin inside; absent where the image has no such list."""
    modprobe: ModprobeConfig
    """The effective modprobe.d lines inside, in kmod's order; origin ``IMAGE:etc/modprobe.d/x.conf:3``.

    dracut's ``rd.driver.blacklist=`` from etc/cmdline.d is among them as ``blacklist``, as dracut writes it.
    """
    early: tuple[EarlyLoad, ...]
    """Modules loaded by name, in the order in which the image loads them."""
    has_udev: bool
    """Whether udev (or what booster has in its place) loads modules for devices by their modalias."""
    systemd: bool
    """Whether systemd is the init of the image."""
    scripts: tuple[ImageScript, ...]
    cmdline: str | Unread | None
    """A unified image's own command line; None where there is none inside."""
    mtime: int | Unread
    """When the image was written, in seconds since 1970."""
    gaps: tuple[Unread, ...] = ()
    """What could not be read of it; where not empty, nothing may be concluded from what is missing."""

    @property
    def is_complete(self) -> bool:
        """Whether all of it was read, so that a module that is not in ``modules`` is not in the image."""
        return not self.gaps


class ConfigurationFile(NamedTuple):
    """A file that goes into images when they are built, and when it was last written."""

    path: str
    mtime: int
    """Seconds since 1970."""


class KernelImage(NamedTuple):
    """The image that goes with an installed kernel."""

    release: str
    image: InitramfsImage | None | Unread
    """None where the kernel boots without one."""
