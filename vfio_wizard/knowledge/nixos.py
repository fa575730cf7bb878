"""Which NixOS release has which option: only those that the export sets.

``since`` is the first release with the option and ``until`` the last (None: no limit seen from 20.09
to 26.05). Types are worded as in the option manual. Sources name nixpkgs' module files, read in complete
trees up to 20.09 and singly in later ones, or the pull request that made the change.
"""

from __future__ import annotations

from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.version import KernelVersion


class Release(NamedTuple):
    """A NixOS release by year and month; unstable comes after all of them."""

    year: int
    month: int

    def __str__(self) -> str:
        """``25.11``, or ``unstable``."""
        return "unstable" if self == UNSTABLE else f"{self.year:02d}.{self.month:02d}"


UNSTABLE = Release(99, 99)


class Option(NamedTuple):
    """One option: a ``*`` segment stands for any name."""

    path: str
    type: str
    since: Release | None
    until: Release | None
    source: str


class KernelSet(NamedTuple):
    """An attribute of pkgs that boot.kernelPackages can take."""

    attribute: str
    since: Release | None
    until: Release | None
    source: str


R2009 = Release(20, 9)
R2105 = Release(21, 5)
R2111 = Release(21, 11)
R2205 = Release(22, 5)
R2211 = Release(22, 11)
R2305 = Release(23, 5)
R2311 = Release(23, 11)
R2405 = Release(24, 5)
R2411 = Release(24, 11)
R2505 = Release(25, 5)
R2511 = Release(25, 11)
R2605 = Release(26, 5)

RELEASES: tuple[Release, ...] = (
    R2009,
    R2105,
    R2111,
    R2205,
    R2211,
    R2305,
    R2311,
    R2405,
    R2411,
    R2505,
    R2511,
    R2605,
    UNSTABLE,
)
NEWEST = R2605

_KERNEL = "nixos/modules/system/boot/kernel.nix"
_MODPROBE = "nixos/modules/system/boot/modprobe.nix"
_STAGE_1 = "nixos/modules/system/boot/stage-1.nix"
_SYSTEMD_STAGE_1 = "nixos/modules/system/boot/systemd/initrd.nix; NixOS/nixpkgs#164943"
_LIBVIRTD = "nixos/modules/virtualisation/libvirtd.nix"
_RENAMED = f"{_LIBVIRTD}; NixOS/nixpkgs#142032"
_NVIDIA = "nixos/modules/hardware/video/nvidia.nix"
_TOP_LEVEL = "nixos/modules/system/activation/top-level.nix"

BOOLEAN = "boolean"
STRINGS = "list of string"
LINES = 'strings concatenated with "\\n"'
PACKAGES = "list of package"

OPTIONS: tuple[Option, ...] = (
    Option("assertions", "list of unspecifieds", None, None, "nixos/modules/misc/assertions.nix"),
    Option("boot.extraModprobeConfig", LINES, None, None, _MODPROBE),
    Option("boot.extraModulePackages", PACKAGES, None, None, _KERNEL),
    Option("boot.initrd.kernelModules", STRINGS, None, None, _KERNEL),
    Option("boot.initrd.preDeviceCommands", LINES, None, None, _STAGE_1),
    Option("boot.initrd.systemd.enable", BOOLEAN, R2205, None, _SYSTEMD_STAGE_1),
    Option("boot.initrd.systemd.services", "attribute set of anything", R2205, None, _SYSTEMD_STAGE_1),
    Option("boot.kernelModules", STRINGS, None, None, _KERNEL),
    Option("boot.kernelPackages", "raw value", None, None, _KERNEL),
    Option("boot.kernelParams", "list of string, with spaces inside double quotes", None, None, _KERNEL),
    Option("boot.kernelPatches", "list of attribute set", None, None, _KERNEL),
    Option("environment.systemPackages", PACKAGES, None, None, "nixos/modules/config/system-path.nix"),
    Option(
        "hardware.amdgpu.initrd.enable", BOOLEAN, R2411, None, "nixos/modules/services/hardware/amdgpu.nix"
    ),
    Option("hardware.nvidia.prime.offload.enable", BOOLEAN, R2009, None, _NVIDIA),
    Option("hardware.nvidia.prime.sync.enable", BOOLEAN, R2009, None, _NVIDIA),
    Option("programs.dconf.enable", BOOLEAN, None, None, "nixos/modules/programs/dconf.nix"),
    Option("programs.virt-manager.enable", BOOLEAN, R2311, None, "NixOS/nixpkgs#261474"),
    Option("services.udev.extraRules", LINES, None, None, "nixos/modules/services/hardware/udev.nix"),
    Option("services.udev.packages", "list of path", None, None, "nixos/modules/services/hardware/udev.nix"),
    Option("services.xserver.videoDrivers", STRINGS, None, None, "nixos/modules/services/x11/xserver.nix"),
    Option("specialisation.*.configuration", "anything", R2009, None, _TOP_LEVEL),
    Option("systemd.tmpfiles.rules", STRINGS, None, None, "nixos/modules/system/boot/systemd.nix"),
    Option(
        "users.groups.*.members",
        "list of string, not containing newlines or colons",
        None,
        None,
        "nixos/modules/config/users-groups.nix",
    ),
    Option("virtualisation.libvirtd.enable", BOOLEAN, None, None, _LIBVIRTD),
    Option(
        "virtualisation.libvirtd.hooks.qemu", "attribute set of path", R2311, None, "NixOS/nixpkgs#232250"
    ),
    Option("virtualisation.libvirtd.onBoot", 'one of "start", "ignore"', None, None, _LIBVIRTD),
    Option("virtualisation.libvirtd.onShutdown", 'one of "shutdown", "suspend"', None, None, _LIBVIRTD),
    Option("virtualisation.libvirtd.qemu.runAsRoot", BOOLEAN, R2111, None, _RENAMED),
    Option("virtualisation.libvirtd.qemu.swtpm.enable", BOOLEAN, R2111, None, _RENAMED),
    Option("virtualisation.libvirtd.qemu.verbatimConfig", LINES, R2111, None, _RENAMED),
    Option("virtualisation.libvirtd.qemuRunAsRoot", BOOLEAN, None, R2105, _LIBVIRTD),
    Option("virtualisation.libvirtd.qemuVerbatimConfig", LINES, None, R2105, _LIBVIRTD),
    Option("virtualisation.spiceUSBRedirection.enable", BOOLEAN, R2105, None, "NixOS/nixpkgs#97826"),
)

KERNEL_SETS: tuple[KernelSet, ...] = (
    KernelSet("linuxPackages", None, None, "pkgs/top-level/linux-kernels.nix"),
    KernelSet("linuxPackages_latest", None, None, "pkgs/top-level/linux-kernels.nix"),
    KernelSet("linuxPackages_5_4", None, R2505, "gone by 25.11"),
    KernelSet("linuxPackages_5_10", R2105, None, "long-term kernel"),
    KernelSet("linuxPackages_5_15", R2205, None, "long-term kernel"),
    KernelSet("linuxPackages_6_1", R2305, None, "long-term kernel"),
    KernelSet("linuxPackages_6_6", R2405, None, "long-term kernel"),
    KernelSet("linuxPackages_6_12", R2505, None, "long-term kernel"),
    KernelSet("linuxPackages_6_18", R2605, None, "long-term kernel"),
    KernelSet("linuxPackages_zen", R2105, None, "carries the ACS override patch"),
    KernelSet("linuxPackages_xanmod", R2105, None, "pkgs/top-level/linux-kernels.nix"),
    KernelSet("linuxPackages_hardened", None, R2511, "NixOS/nixpkgs#502342"),
)

DEFAULT_KERNEL: tuple[tuple[Release, KernelVersion], ...] = (
    (R2009, (5, 4)),
    (R2105, (5, 10)),
    (R2205, (5, 15)),
    (R2305, (6, 1)),
    (R2405, (6, 6)),
    (R2505, (6, 12)),
    (R2605, (6, 18)),
)
"""The kernel of pkgs.linuxPackages, from a release on (release notes; between two rows the older holds)."""

VENDOR_RESET_SINCE = R2105
"""NixOS/nixpkgs#103816; the package has no udev rule (NixOS/nixpkgs#332270)."""
KVMFR_SINCE = R2111
"""NixOS/nixpkgs#129460; nixpkgs has no option for it."""
STAGE_1_MODPROBE_SINCE = R2205
"""boot.extraModprobeConfig reaches stage 1: NixOS/nixpkgs#157839 (scripted), #191491 (systemd, 22.11)."""
SYSTEMD_STAGE_1_SINCE = R2205
SYSTEMD_STAGE_1_DEFAULT_SINCE = R2605
"""NixOS/nixpkgs#435781; the scripted stage 1 is announced to go in 26.11."""
STRUCTURED_EXTRA_CONFIG_SINCE = R2505
"""Before, the key of boot.kernelPatches is extraStructuredConfig: NixOS/nixpkgs#436219, #431115."""


def release(text: str) -> Release | None:
    """``25.11`` or ``unstable``; a release after the newest known is unstable; None for anything else."""
    if text == "unstable":
        return UNSTABLE
    year, dot, month = text.partition(".")
    if not (
        dot and len(year) == 2 and len(month) == 2 and text.replace(".", "").isdigit() and text.isascii()
    ):
        return None
    found = Release(int(year), int(month))
    if found in RELEASES:
        return found
    return UNSTABLE if found > NEWEST and found.month in (5, 11) else None


def has_option(path: str, wanted: Release) -> bool:
    """Whether a release has an option of the table. Raises KeyError for a path that is not in it."""
    row = _BY_PATH[path]
    return (row.since is None or row.since <= wanted) and (row.until is None or wanted <= row.until)


def option(path: tuple[str, ...]) -> Option | None:
    """The row for an attribute path, longest first; a path below a row belongs to its value."""
    for length in range(len(path), 0, -1):
        for row in OPTIONS:
            parts = row.path.split(".")
            if len(parts) == length and all(a in ("*", b) for a, b in zip(parts, path[:length], strict=True)):
                return row
    return None


def has_kernel_set(attribute: str, wanted: Release) -> bool | None:
    """Whether pkgs of a release has a kernel set; None when the table does not know it."""
    for row in KERNEL_SETS:
        if row.attribute == attribute:
            return (row.since is None or row.since <= wanted) and (row.until is None or wanted <= row.until)
    return None


def default_kernel(wanted: Release) -> KernelVersion:
    """The version of the default kernel of a release, at least."""
    return [version for since, version in DEFAULT_KERNEL if since <= wanted][-1]


_BY_PATH = {row.path: row for row in OPTIONS}
