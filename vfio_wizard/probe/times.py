"""When initramfs images were built, and when what goes into them was last written."""

from __future__ import annotations

from vfio_wizard.model.facts import InstalledKernel
from vfio_wizard.model.unread import Unread, known
from vfio_wizard.system.host import Host

BUILT_IN = (
    "etc/booster.yaml",
    "etc/dracut.conf",
    "etc/initramfs-tools/",
    "etc/mkinitcpio.conf",
    "etc/modprobe.d/",
)
"""Configuration that the generators copy into the image or obey while they build it."""

_OLDEST = 86_400 * 366
"""Earlier than this is a store that keeps no times (Nix and OSTree write 0 or 1)."""


def read_times(
    host: Host, kernels: tuple[InstalledKernel, ...] | Unread, files: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, int], ...]:
    """Seconds since 1970 of each image and of each file that is built in, as far as they are told."""
    images = {one.initramfs for one in known(kernels, ()) if isinstance(one.initramfs, str)}
    paths = images | {path for path, _ in files if path.startswith(BUILT_IN)}
    found = []
    for path in sorted(paths):
        seen = host.stat(path)
        if not isinstance(seen, Unread) and seen.mtime > _OLDEST:
            found.append((path, seen.mtime))
    return tuple(found)
