"""All dialects by name, explicitly; and the set of them that changes a given host."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vfio_wizard.knowledge.changes import makes
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.plan import Action, Artifact, Plan, Run, Stage
from vfio_wizard.render import boot, initramfs, memory_files, modprobe, nixos
from vfio_wizard.render.nixos_target import FILE_NAME
from vfio_wizard.render.outcome import Rendered

NIXOS = "nixos"

RENDERERS: dict[str, Callable[[Plan], Rendered]] = {
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
    return RENDERERS[name](plan.as_if_new())


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
    found = Rendered()
    for part in (_modprobe(plan), _initramfs(plan), _boot(plan), _memory(plan), _groups(plan)):
        found = found.joined(part)
    return found._replace(commands=tuple(_with_makes(one) for one in found.commands))


def _with_makes(run: Run) -> Run:
    return run if run.makes else run._replace(makes=makes(run.argv))


def _nixos(plan: Plan, tool_version: str) -> Rendered:
    text = nixos.render(plan, tool_version=tool_version)
    because = "the whole change as one module; import it, and take the import away to undo it"
    file = Artifact(FILE_NAME, "0644", Action.CREATE, text, because)
    return Rendered((file,), (Run(("nixos-rebuild", "boot"), Stage.ENTRIES),), nixos.notes(plan))


def _modprobe(plan: Plan) -> Rendered:
    waiting = all(one.present for one in plan.softdeps)
    memory = plan.looking_glass is not None and plan.looking_glass.wanted_here
    return Rendered() if waiting and not memory else modprobe.render(plan)


def _initramfs(plan: Plan) -> Rendered:
    if all(one.present for one in plan.modules):
        return Rendered()
    if plan.machine.loader in ("rpm-ostree", "bootc"):
        return Rendered()  # the image brings its own initramfs
    generator = initramfs.GENERATORS.get(plan.machine.initramfs or "")
    if generator is None:
        names = " ".join(one.name for one in plan.modules)
        return Rendered(
            notes=(f"The initramfs generator is not known. Have it load, in this order: {names}",)
        )
    return generator(plan)


def _boot(plan: Plan) -> Rendered:
    if not plan.missing() and not plan.remove:
        return Rendered()
    loader = boot.LOADERS.get(plan.machine.loader or "")
    if loader is None:
        words = " ".join(one.word for one in plan.missing())
        return Rendered(notes=(f"The boot loader is not known. Kernel parameters to add: {words}",))
    return loader(plan)


def _memory(plan: Plan) -> Rendered:
    memory = plan.looking_glass
    return memory_files.render(plan) if memory is not None and memory.wanted_here else Rendered()


def _groups(plan: Plan) -> Rendered:
    return Rendered(
        commands=tuple(
            Run(
                ("usermod", "-aG", one.group, one.user),
                Stage.AFTER,
                undo=(("gpasswd", "-d", one.user, one.group),),
            )
            for one in plan.memberships
            if not one.present
        )
    )
