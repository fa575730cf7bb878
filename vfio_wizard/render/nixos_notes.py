"""What a release cannot do and what a module cannot take away, in words."""

from __future__ import annotations

from collections.abc import Iterator

from vfio_wizard.model.selection import Mirror, Pinning
from vfio_wizard.render.nixos_target import Target, attribute_name, kernel_attribute


def notes(target: Target) -> Iterator[str]:
    """One sentence for each wish that the release cannot meet, and for each word that must go elsewhere."""
    plan = target.plan
    release = target.release
    wish = plan.kernel.packages
    if wish not in (None, "default") and kernel_attribute(target) is None:
        yield f"Not in NixOS {release}: pkgs.{attribute_name(wish or '')}. The release's own kernel is used."
    if plan.vendor_reset and not target.has_vendor_reset:
        yield f"Not in NixOS {release}: vendor-reset, which came with 21.05."
    if plan.looking_glass and plan.looking_glass.mode is Mirror.KVMFR and not target.has_kvmfr:
        yield f"Not in NixOS {release}: kvmfr, which came with 21.11. Looking Glass uses /dev/shm here."
    if plan.libvirt.tpm and not target.has("virtualisation.libvirtd.qemu.swtpm.enable"):
        yield f"Not in NixOS {release}: an option for a virtual TPM (21.11 and later have one)."
    if plan.libvirt.usb_redirection and not target.has("virtualisation.spiceUSBRedirection.enable"):
        yield f"Not in NixOS {release}: SPICE USB redirection, which came with 21.05."
    hook = plan.cpus is not None and plan.cpus.how is Pinning.HOOK
    if hook and not target.has("virtualisation.libvirtd.hooks.qemu"):
        yield (
            f"Not in NixOS {release}: hooks for libvirt, which came with 23.11. The CPUs are not kept free; "
            "isolcpus can do it here."
        )
    yield from _to_take_out(target)
    if not plan.users:
        yield (
            'No user is named. Add yours with users.groups.libvirtd.members = [ "NAME" ]; and put the name '
            "in place of root where Looking Glass has one, or export again with --user NAME."
        )


def _to_take_out(target: Target) -> Iterator[str]:
    """A module can add kernel parameters, never take one away that another file sets."""
    for one in target.plan.remove:
        yield f"Take {one.word} out of boot.kernelParams where you set it: {one.because}."
