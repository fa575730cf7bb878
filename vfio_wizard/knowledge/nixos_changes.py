"""NixOS options that guides still set: renamed, removed, or never where they are looked for.

Sources: nixpkgs' module files as read at 20.09, 25.05, 25.11 and 26.05, and pull requests.
"""

from __future__ import annotations

from vfio_wizard.knowledge.nixos import R2111, R2305, R2311, R2411, R2505, R2511, R2605, Release
from vfio_wizard.model.record import NamedTuple


class Change(NamedTuple):
    """What became of an option, or of all below it (``.*`` at the end)."""

    path: str
    since: Release | None
    """The first release with the change; None: the option was never there, or is gone for long."""
    gone: bool
    """Evaluation fails (or the word does nothing); else the old name works with a warning."""
    right: str | None
    """The option to set instead; None: nothing is needed."""
    why: str
    source: str


_LIBVIRTD = "nixos/modules/virtualisation/libvirtd.nix"
_OVMF = "all OVMF images of QEMU are there without it"

CHANGES: tuple[Change, ...] = (
    Change(
        "virtualisation.libvirtd.qemu.ovmf.*",
        R2511,
        True,
        None,
        f"the submodule was removed: {_OVMF}",
        "NixOS/nixpkgs#421549",
    ),
    Change(
        "virtualisation.libvirtd.qemuOvmf", R2511, True, None, f"removed: {_OVMF}", "NixOS/nixpkgs#421549"
    ),
    Change(
        "virtualisation.libvirtd.qemuOvmf",
        R2111,
        False,
        "virtualisation.libvirtd.qemu.ovmf.enable",
        "renamed",
        "NixOS/nixpkgs#142032",
    ),
    Change(
        "virtualisation.libvirtd.qemuOvmfPackage",
        R2511,
        True,
        None,
        f"removed: {_OVMF}",
        "NixOS/nixpkgs#421549",
    ),
    Change(
        "virtualisation.libvirtd.qemuPackage",
        R2111,
        False,
        "virtualisation.libvirtd.qemu.package",
        "renamed",
        "NixOS/nixpkgs#142032",
    ),
    Change(
        "virtualisation.libvirtd.qemuRunAsRoot",
        R2111,
        False,
        "virtualisation.libvirtd.qemu.runAsRoot",
        "renamed",
        "NixOS/nixpkgs#142032",
    ),
    Change(
        "virtualisation.libvirtd.qemuSwtpm",
        R2111,
        False,
        "virtualisation.libvirtd.qemu.swtpm.enable",
        "renamed",
        "NixOS/nixpkgs#142032",
    ),
    Change(
        "virtualisation.libvirtd.qemuVerbatimConfig",
        R2111,
        False,
        "virtualisation.libvirtd.qemu.verbatimConfig",
        "renamed",
        "NixOS/nixpkgs#142032",
    ),
    Change(
        "virtualisation.libvirtd.enableKVM",
        None,
        True,
        "virtualisation.libvirtd.qemu.package",
        "removed before 19.09",
        _LIBVIRTD,
    ),
    Change(
        "virtualisation.qemu.enable",
        None,
        True,
        "virtualisation.libvirtd.enable",
        "there is no such option; libvirt keeps its QEMU settings below libvirtd",
        _LIBVIRTD,
    ),
    Change(
        "virtualisation.qemu.runAsRoot",
        None,
        True,
        "virtualisation.libvirtd.qemu.runAsRoot",
        "there is no such option; libvirt keeps its QEMU settings below libvirtd",
        _LIBVIRTD,
    ),
    Change(
        "virtualisation.qemu.verbatimConfig",
        None,
        True,
        "virtualisation.libvirtd.qemu.verbatimConfig",
        "there is no such option; libvirt keeps its QEMU settings below libvirtd",
        _LIBVIRTD,
    ),
    Change(
        "virtualisation.qemu.swtpm.*",
        None,
        True,
        "virtualisation.libvirtd.qemu.swtpm.enable",
        "there is no such option; libvirt keeps its QEMU settings below libvirtd",
        _LIBVIRTD,
    ),
    Change(
        "virtualisation.qemu.ovmf.*",
        None,
        True,
        None,
        f"there is no such option, and from 25.11 on {_OVMF}",
        _LIBVIRTD,
    ),
    Change(
        "hardware.opengl.driSupport", R2411, True, None, "removed: it is always on", "NixOS/nixpkgs#320228"
    ),
    Change(
        "hardware.opengl.setLdLibraryPath",
        R2411,
        True,
        None,
        "removed without a notice",
        "NixOS/nixpkgs#320228",
    ),
    Change(
        "hardware.opengl.driSupport32Bit",
        R2411,
        False,
        "hardware.graphics.enable32Bit",
        "renamed",
        "NixOS/nixpkgs#320228",
    ),
    Change(
        "hardware.opengl.enable", R2411, False, "hardware.graphics.enable", "renamed", "NixOS/nixpkgs#320228"
    ),
    Change(
        "hardware.opengl.extraPackages",
        R2411,
        False,
        "hardware.graphics.extraPackages",
        "renamed",
        "NixOS/nixpkgs#320228",
    ),
    Change(
        "hardware.opengl.extraPackages32",
        R2411,
        False,
        "hardware.graphics.extraPackages32",
        "renamed",
        "NixOS/nixpkgs#320228",
    ),
    Change(
        "hardware.opengl.package",
        R2411,
        False,
        "hardware.graphics.package",
        "renamed",
        "NixOS/nixpkgs#320228",
    ),
    Change(
        "hardware.opengl.package32",
        R2411,
        False,
        "hardware.graphics.package32",
        "renamed",
        "NixOS/nixpkgs#320228",
    ),
    Change(
        "boot.tmpOnTmpfs", R2305, False, "boot.tmp.useTmpfs", "renamed", "NixOS/nixpkgs: rename.nix, 23.05"
    ),
    Change(
        "nesting.clone",
        Release(20, 9),
        True,
        "specialisation.NAME.configuration",
        "removed",
        "nixos/modules/system/activation/top-level.nix",
    ),
    Change(
        "nesting.children",
        Release(20, 9),
        True,
        "specialisation.NAME.configuration",
        "removed",
        "nixos/modules/system/activation/top-level.nix",
    ),
)

LIBVIRTD_CHILDREN: tuple[str, ...] = (
    "allowedBridges",
    "dbus",
    "enable",
    "extraConfig",
    "extraOptions",
    "firewallBackend",
    "hooks",
    "nss",
    "onBoot",
    "onShutdown",
    "package",
    "parallelShutdown",
    "qemu",
    "shutdownTimeout",
    "sshProxy",
    "startDelay",
)
QEMU_CHILDREN: tuple[str, ...] = ("package", "runAsRoot", "swtpm", "verbatimConfig", "vhostUserPackages")
"""What stands below virtualisation.libvirtd, and below its qemu, at 25.11 (dbus from 26.05)."""

SINCE: tuple[tuple[str, Release, str], ...] = (
    ("virtualisation.libvirtd.qemu", R2111, "NixOS/nixpkgs#142032"),
    ("virtualisation.libvirtd.hooks", R2311, "NixOS/nixpkgs#232250"),
    ("programs.virt-manager", R2311, "NixOS/nixpkgs#261474"),
    ("hardware.graphics", R2411, "NixOS/nixpkgs#320228"),
    ("virtualisation.libvirtd.dbus", R2605, "NixOS/nixpkgs#452735"),
)
"""Options that a given release may not have yet."""

SCRIPTED_STAGE_1: tuple[str, ...] = (
    "preFailCommands",
    "preDeviceCommands",
    "preLVMCommands",
    "postDeviceCommands",
    "postResumeCommands",
    "postMountCommands",
    "extraUdevRulesCommands",
    "extraUtilsCommands",
)
"""Below boot.initrd: the systemd stage 1 refuses each (nixos/modules/system/boot/stage-1.nix)."""

PATCH_KEY_OLD_GONE_SINCE = R2511
PATCH_KEY_NEW_SINCE = R2505
"""extraStructuredConfig and structuredExtraConfig of boot.kernelPatches: NixOS/nixpkgs#436219, #431115."""
SPACES_REFUSED_SINCE = R2111
"""Elements of boot.kernelParams hold no blank outside double quotes: NixOS/nixpkgs#133625."""
