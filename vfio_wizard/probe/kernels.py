"""Every kernel that could be booted next, and the initramfs image that goes with it."""

from __future__ import annotations

from itertools import groupby

from vfio_wizard.knowledge.bootchain import ESPS
from vfio_wizard.model.facts import InstalledKernel, Kernel
from vfio_wizard.model.unread import Gap, Unread, known
from vfio_wizard.probe.kernel import MODULE_PARENTS, builtin_modules, kernel_config
from vfio_wizard.probe.numbers import from_decimal
from vfio_wizard.system.host import Host

BOOT = "boot"

_IMAGE_NAMES = ("initrd.img-{}", "initramfs-{}.img", "initrd-{}", "initramfs-{}", "booster-{}.img")
"""Debian, Fedora, openSUSE, Alpine and Gentoo, booster. On Arch the package's name stands for the release."""

_NIXOS_SYSTEMS = ("nix/var/nix/profiles/system", "run/current-system", "run/booted-system")
"""The system that boots next, the one in use, and the one that was booted."""

_VFIO_PCI = ("vfio-pci.ko", "vfio_pci.ko")


def read_kernels(host: Host, kernel: Kernel) -> tuple[InstalledKernel, ...] | Unread:
    """The kernels with a module folder or an image in boot, oldest release first."""
    parents = _module_folders(host)
    if isinstance(parents, Unread):
        return parents
    boot = host.names(BOOT)
    releases = {*parents, *_images(known(boot, ()))}
    found = [_installed(host, kernel, release, parents.get(release), boot) for release in releases]
    return tuple(sorted((one for one in found if one is not None), key=lambda one: by_version(one.release)))


def by_version(release: str) -> tuple[tuple[int, str], ...]:
    """A key that sorts numbers as numbers: 6.9 before 6.12."""
    return tuple(_part(part) for part in _parts(release))


def _part(part: str) -> tuple[int, str]:
    number = from_decimal(part)
    return (-1, part) if number is None else (number, "")


def _parts(release: str) -> list[str]:
    """Runs of digits and what is between them."""
    return ["".join(run) for _, run in groupby(release, "0123456789".__contains__)]


def _module_folders(host: Host) -> dict[str, str] | Unread:
    """The folder of each release that has one; Unread where nothing tells what is installed."""
    folders: dict[str, str] = {}
    gaps: list[Unread] = []
    for parent in MODULE_PARENTS:
        names = host.names(parent)
        if isinstance(names, Unread):
            gaps.append(names)
            continue
        for name in names:
            if name[:1].isdigit():
                folders.setdefault(name, f"{parent}/{name}")
    if len(gaps) == len(MODULE_PARENTS) and all(gap.gap is not Gap.ABSENT for gap in gaps):
        return gaps[0]
    return folders


def _images(names: tuple[str, ...]) -> set[str]:
    """The releases of ``vmlinuz-…`` in boot; rescue images and Arch's package names are none."""
    releases = {name.removeprefix("vmlinuz-") for name in names if name.startswith("vmlinuz-")}
    return {name for name in releases if name[:1].isdigit() and not name.startswith("0-rescue")}


def _installed(
    host: Host, kernel: Kernel, release: str, folder: str | None, boot: tuple[str, ...] | Unread
) -> InstalledKernel | None:
    """None for a module folder that a removed kernel left behind."""
    running = release == kernel.release
    builtin = kernel.builtin if running else builtin_modules(host, release)
    is_left_over = isinstance(builtin, Unread) and builtin.gap is Gap.ABSENT
    if is_left_over and not running and f"vmlinuz-{release}" not in known(boot, ()):
        return None
    return InstalledKernel(
        release=release,
        running=running,
        builtin=builtin,
        config=kernel.config if running else kernel_config(host, release, running=False),
        has_vfio_pci=_has_vfio_pci(host, builtin, release, folder),
        initramfs=_initramfs(host, release, folder, boot),
    )


def _has_vfio_pci(
    host: Host, builtin: frozenset[str] | Unread, release: str, folder: str | None
) -> bool | Unread:
    if "vfio_pci" in known(builtin, frozenset()):
        return True
    path = f"{folder or MODULE_PARENTS[0] + '/' + release}/kernel/drivers/vfio/pci"
    names = host.names(path)
    if not isinstance(names, Unread):
        return any(name.startswith(_VFIO_PCI) for name in names)
    is_proven = names.gap is Gap.ABSENT or (folder is not None and not isinstance(host.names(folder), Unread))
    return False if is_proven and not isinstance(builtin, Unread) else names


def _initramfs(
    host: Host, release: str, folder: str | None, boot: tuple[str, ...] | Unread
) -> str | None | Unread:
    """The image that the release boots with; None when boot was read and holds none."""
    if folder is not None and folder.startswith(("nix/", "run/")):
        return _nixos_initrd(host, folder)
    if isinstance(boot, Unread):
        return boot
    names = _image_names(host, release, folder)
    found = next((name for name in names if name in boot), None)
    return f"{BOOT}/{found}" if found else _on_esp(host, release, names)


def _image_names(host: Host, release: str, folder: str | None) -> tuple[str, ...]:
    base = host.text(f"{folder}/pkgbase") if folder else None
    stems = (release, base.strip()) if isinstance(base, str) else (release,)
    return tuple(form.format(stem) for stem in stems for form in _IMAGE_NAMES)


def _nixos_initrd(host: Host, folder: str) -> str | None | Unread:
    release = folder.rpartition("/")[2]
    for system in _NIXOS_SYSTEMS:
        names = host.names(f"{system}/kernel-modules/lib/modules")
        if release in known(names, ()) and not isinstance(host.stat(f"{system}/initrd"), Unread):
            return f"{system}/initrd"
    return None


def _on_esp(host: Host, release: str, images: tuple[str, ...]) -> str | None | Unread:
    """On an EFI partition: beside the kernel in token/release/, as its entry says, or a unified image."""
    closed: Unread | None = None
    for esp in ESPS:
        entries = host.names(f"{esp}/loader/entries")
        unified = host.names(f"{esp}/EFI/Linux")
        for gap in (entries, unified):
            if isinstance(gap, Unread) and gap.gap is Gap.DENIED:
                closed = gap
        found = _of_entry(host, esp, known(entries, ()), release)
        found = found or _unified(known(unified, ()), release, images)
        if found:
            return f"{esp}/{found}"
    return closed


def _of_entry(host: Host, esp: str, names: tuple[str, ...], release: str) -> str | None:
    for name in names:
        if f"-{release}" not in name or not name.endswith(".conf"):
            continue
        for line in known(host.text(f"{esp}/loader/entries/{name}"), "").splitlines():
            key, _, value = line.strip().partition(" ")
            if key == "initrd" and value.strip():
                return value.strip().lstrip("/")
    return None


def _unified(names: tuple[str, ...], release: str, images: tuple[str, ...]) -> str | None:
    """``token-release.efi``, or Arch's ``arch-linux.efi`` for the package linux."""
    stems = {release} | {name.removeprefix("initramfs-").removesuffix(".img") for name in images}
    for name in names:
        stem = name.removesuffix(".efi")
        if name.endswith(".efi") and any(stem == one or stem.endswith(f"-{one}") for one in stems):
            return f"EFI/Linux/{name}"
    return None
