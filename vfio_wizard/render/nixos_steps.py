"""What a person does with the exported module, and what the running system has of it already."""

from __future__ import annotations

from collections.abc import Iterator

from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.plan import Plan
from vfio_wizard.model.selection import Style
from vfio_wizard.model.unread import known
from vfio_wizard.render.nixos_target import FILE_NAME, target_for

CONFIGURATION = "/etc/nixos/configuration.nix"


def steps(plan: Plan, *, style: Style | None = None, path: str = FILE_NAME) -> tuple[str, ...]:
    """Where the file goes, the one import line, and how to try it, in order. Nothing is edited."""
    return tuple(_steps(plan, style or plan.nixos.style, path))


def _steps(plan: Plan, style: Style, path: str) -> Iterator[str]:
    name = path.rpartition("/")[2]
    yield f"Put {name} beside your configuration ({CONFIGURATION}; with a flake, git add it)."
    yield f"Add ./{name} to the imports of that file: imports = [ ./{name} ];"
    if style is Style.OPTION:
        yield "Switch it on there: gpuPassthrough.enable = true;"
    if plan.kernel.patches:
        yield "Keep the copied patch files beside it; the module names them by path."
    yield "Build it for the next boot, so that this session stays as it is: sudo nixos-rebuild boot"
    if style is Style.SPECIALISATION:
        yield "Restart and choose the entry gpu-passthrough; the default entry is your system as it was."
    else:
        yield "Restart. The way back is the previous generation in the boot menu."


def already_set(plan: Plan, facts: HostFacts) -> tuple[str, ...]:
    """What the running NixOS has from elsewhere, as far as facts show it; no more than that is claimed."""
    if plan.machine.distribution != "nixos":
        return ()
    return (*_already(plan), *_running(plan, facts))


def _running(plan: Plan, facts: HostFacts) -> Iterator[str]:
    loaded = known(facts.kernel.loaded, frozenset[str]())
    if isinstance(facts.virt.libvirt_socket, str):
        yield "libvirtd runs already; its settings in the module join those that are there."
    for module in ("kvmfr", "vendor_reset"):
        if module in loaded:
            yield f"the module {module} is loaded already, so another file asks for it."
    if plan.looking_glass is not None and plan.looking_glass.present:
        yield "Looking Glass' memory is there already; one rule for it is enough."
    for pool in known(facts.memory.huge_pages, ()):
        if pool.total:
            yield f"{pool.total} huge pages of {pool.size_kib} KiB are set aside already."


def _already(plan: Plan) -> Iterator[str]:
    for one in plan.parameters:
        if one.present:
            yield f"{one.word} is on the kernel command line already; saying it twice does no harm."
    for dep in plan.softdeps:
        if dep.present:
            yield f"modprobe knows already that {dep.module} waits for vfio-pci."
    for member in plan.memberships:
        if member.present:
            yield f"{member.user} is in the group {member.group} already."
    if plan.bound:
        yield "vfio-pci has every chosen function already."
    release = target_for(plan).release
    if plan.machine.nixos_release not in (None, str(release)):
        yield f"This system is NixOS {plan.machine.nixos_release}; the module is for {release}."
