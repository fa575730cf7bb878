"""All dialects by name, explicitly; and the set of them that changes a given host."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.plan import Action, Artifact, Plan, Run, Stage
from vfio_wizard.model.selection import Style
from vfio_wizard.render import boot, cpu_hook, initramfs, memory_files, modprobe, nixos, ways_back
from vfio_wizard.render.lines import by_hand
from vfio_wizard.render.nixos_target import FILE_NAME
from vfio_wizard.render.outcome import Rendered
from vfio_wizard.render.scene import Scene, command, note

NIXOS = "nixos"

RENDERERS: dict[str, Callable[[Scene], Rendered]] = {
    "modprobe": modprobe.render,
    **initramfs.GENERATORS,
    **boot.LOADERS,
    "looking-glass": memory_files.render,
    "kernel-parameters": boot.plain,
}

FORMATS: tuple[str, ...] = (NIXOS, *RENDERERS)
"""What ``--format`` takes, in the order of its help."""


def render_full(name: str, plan: Plan, *, tool_version: str) -> Rendered:
    """Everything that one dialect makes of the whole plan, also of what this host has already.

    Raises UsageError for a name that is no dialect.
    """
    if name == NIXOS:
        return _nixos(plan, tool_version)
    if name not in RENDERERS:
        msg = f"not a format: {name!r}. There are {', '.join(FORMATS)}"
        raise UsageError(msg)
    return RENDERERS[name](Scene(plan.as_if_new(), {}, exported=True))


def render(name: str, plan: Plan, *, tool_version: str) -> tuple[Artifact, ...]:
    """The files of one dialect."""
    return render_full(name, plan, tool_version=tool_version).artifacts


def for_host(plan: Plan, originals: Mapping[str, str], *, tool_version: str) -> Rendered:
    """What changes this host: nothing when it matches, one module on NixOS, else a part per dialect.

    ``originals`` has the exact texts of the files that dialects edit, by path without the first slash.
    """
    if plan.settled:
        return Rendered()
    if plan.machine.distribution == NIXOS:
        return _nixos(plan, tool_version)
    scene = Scene(plan, originals)
    first = _modprobe(scene)
    found = first.joined(_initramfs(scene, first))
    for part in (_boot(scene), _memory(scene), cpu_hook.render(scene), _groups(plan)):
        found = found.joined(part)
    return found


def _nixos(plan: Plan, tool_version: str) -> Rendered:
    text = nixos.render(plan, tool_version=tool_version)
    because = "the whole change as one module; import it, and take the import away to undo it"
    file = Artifact(FILE_NAME, "0644", Action.CREATE, text, because)
    back: tuple[str, ...] = ways_back.NIXOS
    if plan.nixos.style is Style.SPECIALISATION:
        back = (ways_back.NIXOS_SPECIALISATION, *back)
    return Rendered((file,), (Run(("nixos-rebuild", "boot"), Stage.ENTRIES),), nixos.notes(plan), back)


def _modprobe(scene: Scene) -> Rendered:
    plan = scene.plan
    waiting = all(one.present for one in plan.softdeps) and not plan.by_address
    memory = plan.looking_glass is not None and plan.looking_glass.wanted_here
    return Rendered() if waiting and not memory else modprobe.render(scene)


def _initramfs(scene: Scene, first: Rendered) -> Rendered:
    """What the images are built from, and the building of them where any of it changes."""
    plan = scene.plan
    is_told = all(one.present for one in plan.modules)
    if is_told and not first.artifacts and not plan.by_address:
        return Rendered()
    if plan.machine.loader in ("rpm-ostree", "bootc"):
        return Rendered()  # the image brings its own initramfs
    generator = initramfs.GENERATORS.get(plan.machine.initramfs or "")
    if generator is None:
        names = " ".join(one.name for one in plan.modules)
        return note(f"The initramfs generator is not known. Have it load, in this order: {names}")
    found = generator(scene)
    if is_told and not plan.by_address:
        found = found._replace(artifacts=tuple(one for one in found.artifacts if _is_ours_there(scene, one)))
    return found if found.artifacts or first.artifacts else found._replace(commands=())


def _is_ours_there(scene: Scene, artifact: Artifact) -> bool:
    """A file of ours that stands already is kept up to date; none is added to what the user wrote."""
    return scene.has(artifact.path.lstrip("/"))


def _boot(scene: Scene) -> Rendered:
    if not scene.change:
        return Rendered()
    loader = boot.LOADERS.get(scene.plan.machine.loader or "")
    if loader is None:
        found = by_hand(scene, "the kernel command line", "the boot loader is not known")
        return found._replace(ways_back=ways_back.other(scene))
    return loader(scene)


def _memory(scene: Scene) -> Rendered:
    memory = scene.plan.looking_glass
    return memory_files.render(scene) if memory is not None and memory.wanted_here else Rendered()


def _groups(plan: Plan) -> Rendered:
    return Rendered(
        commands=tuple(
            command(
                *("usermod", "-aG", one.group, one.user),
                stage=Stage.AFTER,
                undo=(("gpasswd", "-d", one.user, one.group),),
            )
            for one in plan.memberships
            if not one.present
        )
    )
