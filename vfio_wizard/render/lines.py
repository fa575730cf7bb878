"""What several boot chains share: files with the whole line, a second entry, and words for a person."""

from __future__ import annotations

from vfio_wizard.knowledge.bootchain import ESPS, WAY_BACK
from vfio_wizard.knowledge.changes import SWITCH
from vfio_wizard.model.kargs import Kargs
from vfio_wizard.model.plan import Action, Artifact, Run, Stage
from vfio_wizard.planning.parameters import IDS
from vfio_wizard.render.edit import (
    Change,
    EditError,
    edited_command_line,
    keep_root,
    line_words,
    names_a_root,
)
from vfio_wizard.render.entryfile import edited_entry, entry_without, entry_words, starts_linux
from vfio_wizard.render.outcome import Rendered
from vfio_wizard.render.scene import Scene, command, note, replaced

BY_HAND = "By hand"
"""How a note begins that tells a person to do what no file here is changed for."""

BECAUSE = "gives the kernel the parameters of the plan; what leads to the root file system stays"
ENTRY = f"{WAY_BACK}.conf"
UNIFIED = f"{WAY_BACK}.efi"


def by_hand(scene: Scene, where: str, why: str = "") -> Rendered:
    """What a person has to do where no file is touched."""
    change = scene.change
    found = Rendered()
    reason = f" ({why})" if why else ""
    if change.add:
        found = note(f"{BY_HAND}{reason}: add to {where}, keeping all that is there: {' '.join(change.add)}")
    for one in scene.plan.remove:
        found = found.joined(note(f"{BY_HAND}{reason}: take {one.word} out of {where}: {one.because}."))
    return found


def line_file(scene: Scene, path: str, base: str | None = None) -> Rendered:
    """A file that holds the whole command line.

    Where it is missing it is made from ``base``, another such file, or from the whole line that boots now;
    never from a part of one.
    """
    if scene.is_closed(path):
        return by_hand(scene, f"the line in /{path}", "it could not be read")
    text = scene.text(path) if scene.text(path) is not None else base
    if text is None:
        return _made(scene, path)
    try:
        new = edited_command_line(text, scene.whole)
        if not names_a_root(line_words(text)):
            keep_root(_running_root(scene, path), line_words(new))
    except EditError as error:
        return by_hand(scene, f"the line in /{path}", str(error))
    return replaced(scene, path, new, BECAUSE, Stage.LOADER)


def _running_root(scene: Scene, path: str) -> Kargs:
    """What leads to the root now, where the line that boots is made from this file alone."""
    line = scene.line
    if line is None or scene.below("etc/kernel/cmdline.d") or not path.startswith("etc/kernel/"):
        return Kargs(())
    return Kargs(tuple(word for word in line.words if word.startswith(("root=", "zfs=", "boot=zfs"))))


def _made(scene: Scene, path: str) -> Rendered:
    line = scene.line
    if line is None or not names_a_root(line):
        return by_hand(scene, f"the line in /{path}", "there is no such file, and no whole line is known")
    text = f"{scene.whole.of(line)}\n"
    because = "holds the whole line that boots now, and the parameters of the plan"
    return Rendered((Artifact(f"/{path}", "0644", Action.CREATE, text, because, Stage.LOADER),))


# --- kernel-install ---------------------------------------------------------------------------------


def kernel_install_runs(scene: Scene, stage: Stage) -> tuple[Run, ...]:
    """One call for every installed kernel; it builds the image too, where it has the generator do so."""
    machine = scene.plan.machine
    releases = [release for release, _ in machine.kernels] or ([machine.kernel] if machine.kernel else [])
    return tuple(
        command("kernel-install", "add", release, image, stage=stage)
        for release in releases
        if (image := _kernel_image(scene, release)) is not None
    )


def _kernel_image(scene: Scene, release: str) -> str | None:
    """Where the kernel of a release is; where nothing was listed, where its distribution has it."""
    debian, other = f"boot/vmlinuz-{release}", f"usr/lib/modules/{release}/vmlinuz"
    for path in (debian, other):
        if scene.has(path):
            return f"/{path}"
    if any(scene.has(f"usr/lib/modules/{one}") for one, _ in scene.plan.machine.kernels):
        return None
    is_debian = scene.plan.machine.distribution in ("debian", "ubuntu", "linuxmint", "pop", "proxmox")
    return f"/{debian}" if is_debian else f"/{other}"


# --- a second entry -------------------------------------------------------------------------------


def entry_paths(scene: Scene) -> tuple[str, ...]:
    """The entries that start Linux, our own left out, on the first partition that has some."""
    for esp in ESPS:
        found = tuple(
            path
            for path in scene.below(f"{esp}/loader/entries", ".conf")
            if starts_linux(scene.files[path]) and not path.endswith(f"/{ENTRY}")
        )
        if found:
            return found
    return ()


def second_entry(scene: Scene, stage: Stage = Stage.FILES) -> Rendered:
    """A copy of the entry that boots now, without the parameters of the plan; an older copy stays."""
    paths = entry_paths(scene)
    if scene.exported:
        return Rendered()
    if not paths:
        return note("The boot entries could not be read, so that none is copied as a way back: plan as root.")
    source = scene.plan.machine.line_from
    chosen = source if source in paths else paths[-1]
    place = f"{chosen.rpartition('/')[0]}/{ENTRY}"
    if scene.has(place):
        return Rendered()
    if "$kernelopts" in scene.files[chosen]:
        return note("No second entry is made: its options would change with the variable kernelopts.")
    try:
        text = entry_without(_clean_entry(scene, scene.files[chosen]))
    except EditError as error:
        return note(f"No second entry is made: {error}.")
    because = f"a second entry, as {chosen.rpartition('/')[2]} was before: the way back"
    return Rendered((Artifact(f"/{place}", "0644", Action.CREATE, text, because, stage),))


def _clean_entry(scene: Scene, text: str) -> str:
    """Without what an earlier plan of ours put there."""
    ours = {one.word for one in scene.plan.parameters}
    words = entry_words(text).words
    gone = [word for word in words if word in ours or word == SWITCH or Kargs((word,)).value(IDS) is not None]
    return edited_entry(text, Change((), gone)) if gone else text


def second_image(scene: Scene) -> Rendered:
    """A copy of the unified image that boots now, made before it is built anew."""
    images = _unified(scene)
    if scene.exported:
        return Rendered()
    if not images:
        return note("No unified image was found to copy as a way back: first keep a copy of yours beside it.")
    source = images[0]
    place = f"{source.rpartition('/')[0]}/{UNIFIED}"
    if scene.has(place):
        return Rendered()
    run = command("cp", "--no-clobber", f"/{source}", f"/{place}", stage=Stage.FILES)
    return Rendered(commands=(run._replace(makes=(place,)),))


def _unified(scene: Scene) -> tuple[str, ...]:
    """Unified images, the one of the running kernel or of a preset's default first."""
    there = getattr(scene.files, "there", frozenset[str]())
    found = [
        path
        for path in sorted((*scene.files, *there))
        if path.lower().endswith(".efi") and "/EFI/Linux/" in path and not path.endswith(UNIFIED)
    ]
    release = scene.plan.machine.kernel or "?"
    presets = "\n".join(scene.files[path] for path in scene.below("etc/mkinitcpio.d", ".preset"))

    def rank(path: str) -> tuple[bool, bool, bool]:
        name = path.rpartition("/")[2]
        return ("fallback" in name, release not in name, name not in presets)

    return tuple(sorted(found, key=rank))
