"""What every part of the NixOS module looks at: the plan, the release, and the kernel it will run."""

from __future__ import annotations

from vfio_wizard.knowledge import nixos as known
from vfio_wizard.knowledge.nixos import Release
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.plan import Plan
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.selection import Mirror
from vfio_wizard.model.version import KernelVersion
from vfio_wizard.render.nix import Binding

FILE_NAME = "gpu_passthrough.nix"
_KERNEL_WORDS = {
    "default": "linuxPackages",
    "latest": "linuxPackages_latest",
    "zen": "linuxPackages_zen",
    "xanmod": "linuxPackages_xanmod",
    "hardened": "linuxPackages_hardened",
}


class Target(NamedTuple):
    """A plan for one release. ``kernel`` is None where it moves with its package set."""

    plan: Plan
    release: Release
    kernel: KernelVersion | None

    def has(self, option: str) -> bool:
        """Whether the release has an option."""
        return known.has_option(option, self.release)

    @property
    def has_kvmfr(self) -> bool:
        """Looking Glass by kvmfr is wanted, and the release packages it."""
        memory = self.plan.looking_glass
        return memory is not None and memory.mode is Mirror.KVMFR and self.release >= known.KVMFR_SINCE

    @property
    def has_vendor_reset(self) -> bool:
        """vendor-reset is wanted, and the release packages it."""
        return self.plan.vendor_reset is not None and self.release >= known.VENDOR_RESET_SINCE


class Part(NamedTuple):
    """Bindings for the configuration, and names that they need around it."""

    bindings: tuple[Binding, ...] = ()
    names: tuple[Binding, ...] = ()


def release_for(plan: Plan, wish: str | None = None) -> Release:
    """The release asked for, else the host's own, else the newest known. Raises UsageError."""
    text = wish or plan.nixos.release or plan.machine.nixos_release
    if text is None:
        return known.NEWEST
    found = known.release(text)
    if found is None:
        choices = ", ".join(str(one) for one in known.RELEASES)
        msg = f"not a NixOS release that the export knows: {text!r}. It knows {choices}"
        raise UsageError(msg)
    return found


def target_for(plan: Plan, wish: str | None = None) -> Target:
    """The plan seen for a release. Raises UsageError for one that is not known."""
    release = release_for(plan, wish)
    return Target(plan, release, _kernel_version(plan, release))


def _kernel_version(plan: Plan, release: Release) -> KernelVersion | None:
    """The kernel that the configuration will run; None where it moves with its package set."""
    if plan.kernel.packages not in (None, "default"):
        return _version_in(plan.kernel.packages or "")
    if plan.machine.nixos_release == str(release) and plan.running is not None:
        return plan.running
    return known.default_kernel(release)


def _version_in(words: str) -> KernelVersion | None:
    numbers = words.removeprefix("linuxPackages_").replace("_", ".").split(".")
    if len(numbers) == 2 and all(one.isdigit() for one in numbers):
        return (int(numbers[0]), int(numbers[1]))
    return None


def kernel_attribute(target: Target) -> str | None:
    """The attribute of pkgs for boot.kernelPackages; None where none is wanted or the release lacks it."""
    wish = target.plan.kernel.packages
    if wish is None or wish == "default":
        return None
    attribute = attribute_name(wish)
    return None if known.has_kernel_set(attribute, target.release) is False else attribute


def attribute_name(wish: str) -> str:
    """``linuxPackages_6_12`` for ``6.12``. Raises UsageError for what cannot be a kernel of nixpkgs."""
    if wish in _KERNEL_WORDS:
        return _KERNEL_WORDS[wish]
    version = _version_in(wish)
    name = f"linuxPackages_{version[0]}_{version[1]}" if version else wish
    if not (name.isascii() and name.startswith("linuxPackages") and name.replace("_", "").isalnum()):
        words = ", ".join(_KERNEL_WORDS)
        msg = f"not a kernel of nixpkgs: {wish!r}. Say {words}, a version like 6.12, or linuxPackages_…"
        raise UsageError(msg)
    return name


def sentence(text: str) -> str:
    """A reason as a comment: capital letter, full stop."""
    return text[:1].upper() + text[1:] + "."
