"""GRUB whose menu is generated, and GRUB that reads entries of the boot loader specification."""

from __future__ import annotations

from collections.abc import Iterator

from vfio_wizard.model.plan import Action, Artifact, Stage
from vfio_wizard.render import ways_back
from vfio_wizard.render.edit import Change, EditError
from vfio_wizard.render.lines import by_hand, line_file, second_entry
from vfio_wizard.render.outcome import HEAD, MARK, Rendered
from vfio_wizard.render.scene import Scene, command, note, replaced
from vfio_wizard.render.shellfile import assignment, edited, is_set, words_of

DEFAULT = "etc/default/grub"
FOLDER = "etc/default/grub.d"
OWN = f"{FOLDER}/{MARK}.cfg"
NORMAL = "GRUB_CMDLINE_LINUX_DEFAULT"
EVERY = "GRUB_CMDLINE_LINUX"
_BECAUSE = "gives the kernel the parameters of the plan; recovery entries do not use this variable"
_REMOVES = "takes away what works against the plan"
_WITH_GRUB_D = frozenset(
    ("debian", "ubuntu", "linuxmint", "pop", "proxmox", "raspbian", "zorin", "elementary")
)


def grub(scene: Scene) -> Rendered:
    """Into the DEFAULT variable, which recovery entries do not use: they stay a way back."""
    return _generated(scene, ())


def proxmox_grub(scene: Scene) -> Rendered:
    """update-grub calls proxmox-boot-tool, whose partitions are not mounted: undo refreshes them."""
    return _generated(scene, (("proxmox-boot-tool", "refresh"),))


def _generated(scene: Scene, undo: tuple[tuple[str, ...], ...]) -> Rendered:
    taken, left = _removed(scene)
    found = taken.joined(_added(scene, taken))
    if found.notes and not found.artifacts:
        return found._replace(ways_back=ways_back.grub(scene))
    run = command(*_update(scene), stage=Stage.ENTRIES, undo=undo)
    return found._replace(commands=(run,), ways_back=ways_back.grub(scene), notes=(*found.notes, *left))


def reads_folder(scene: Scene) -> bool:
    """Whether grub-mkconfig here reads etc/default/grub.d, which not every GRUB does.

    Its own text tells; where that is not known, files in the folder, and else the distribution.
    """
    for name in ("grub-mkconfig", "grub2-mkconfig"):
        for place in ("sbin", "bin"):
            text = scene.text(f"usr/{place}/{name}")
            if text is not None:
                return "default/grub.d" in text
    return bool(scene.below(FOLDER)) or scene.plan.machine.distribution in _WITH_GRUB_D


def _added(scene: Scene, taken: Rendered) -> Rendered:
    words = tuple(scene.change.add)
    own = _own_words(scene)
    if not words and not (set(own) & set(scene.change.remove)):
        return Rendered()
    if reads_folder(scene):
        return _own_file(scene, own, words)
    if scene.text(DEFAULT) is None:
        if scene.exported:
            line = assignment(NORMAL, words, onto=True)
            text = f"# {MARK}\n{line}"
            return Rendered((Artifact(f"/{DEFAULT}", "0644", Action.APPEND, text, _BECAUSE, Stage.LOADER),))
        return by_hand(scene, f"{NORMAL} in /{DEFAULT}", f"/{DEFAULT} was not read")
    return _in_place(scene, words, taken)


def _own_words(scene: Scene) -> tuple[str, ...]:
    text = scene.text(OWN)
    if text is None:
        return ()
    try:
        return tuple(word for word in words_of(text, NORMAL) if word != f"${{{NORMAL}}}")
    except EditError:
        return ()


def _own_file(scene: Scene, own: tuple[str, ...], words: tuple[str, ...]) -> Rendered:
    """What stood in our file before stays, unless it is to go."""
    if scene.is_closed(OWN):
        return by_hand(scene, f"{NORMAL} in /{OWN}", "it could not be read")
    kept = [word for word in own if word not in scene.change.remove]
    every = tuple(dict.fromkeys((*kept, *words)))
    text = HEAD + (assignment(NORMAL, every, onto=True) if every else "")
    found = replaced(scene, OWN, text, _BECAUSE, Stage.LOADER)
    return found._replace(notes=tuple(_hidden(scene)))


def _hidden(scene: Scene) -> Iterator[str]:
    """Files that are read later and set the variable anew."""
    for path in scene.below(FOLDER, ".cfg"):
        if path > OWN and NORMAL in scene.files[path] and f"${NORMAL}" not in scene.files[path]:
            yield (
                f"/{path} is read after /{OWN} and sets {NORMAL} anew: add to it, inside of the quotation "
                f"marks: {' '.join(scene.change.add)}"
            )


def _in_place(scene: Scene, words: tuple[str, ...], taken: Rendered) -> Rendered:
    """Behind the last assignment of the file, which may have lost words already."""
    before = next((one.text for one in taken.artifacts if one.path == f"/{DEFAULT}"), scene.files[DEFAULT])
    try:
        text = edited(before, NORMAL, Change(words))
    except EditError as error:
        return by_hand(scene, f"{NORMAL} in /{DEFAULT}", str(error))
    return replaced(scene, DEFAULT, text, _BECAUSE, Stage.LOADER)


def _removed(scene: Scene) -> tuple[Rendered, tuple[str, ...]]:
    """Words that go, in whatever file they stand; and notes about those that stand nowhere."""
    left = set(scene.change.remove) - set(_own_words(scene))
    found = Rendered()
    for path in (DEFAULT, *(one for one in scene.below(FOLDER, ".cfg") if one != OWN)):
        text = scene.text(path)
        if text is None:
            continue
        new = text
        for name in (NORMAL, EVERY):
            try:
                there = [word for word in scene.change.remove if word in words_of(new, name)]
                new = edited(new, name, Change((), there)) if there else new
                left -= set(there)
            except EditError:
                continue  # what cannot be taken out here is told as a thing to do by hand
        found = found.joined(replaced(scene, path, new, _REMOVES, Stage.LOADER))
    return found, tuple(_to_take_off(scene, left))


def _to_take_off(scene: Scene, left: set[str]) -> Iterator[str]:
    for one in scene.plan.remove:
        if one.word in left:
            yield f"Take {one.word} off the kernel command line: {one.because}."


def _update(scene: Scene) -> tuple[str, ...]:
    if scene.has_tool("update-grub"):
        return ("update-grub",)
    if scene.has_tool("grub2-mkconfig") or scene.has("boot/grub2/grub.cfg"):
        return ("grub2-mkconfig", "-o", "/boot/grub2/grub.cfg")
    if not scene.has_tool("grub-mkconfig") and scene.plan.machine.distribution in _WITH_GRUB_D:
        return ("update-grub",)
    return ("grub-mkconfig", "-o", "/boot/grub/grub.cfg")


# --- entries of the boot loader specification -----------------------------------------------------


def grub_bls(scene: Scene) -> Rendered:
    """Fedora and RHEL keep the line in boot entries; grub2-mkconfig leaves those alone.

    GRUB_CMDLINE_LINUX and etc/kernel/cmdline are kept in step, since new kernels get theirs from there.
    """
    change = scene.change
    words = ["grubby", "--update-kernel=ALL"]
    if change.add:
        words.append(f"--args={' '.join(change.add)}")
    if change.remove:
        words.append(f"--remove-args={' '.join(change.remove)}")
    if not change:
        return Rendered()
    found = _in_step(scene)
    if scene.text("etc/kernel/cmdline") is not None:
        found = found.joined(line_file(scene, "etc/kernel/cmdline"))
    run = command(*words, stage=Stage.ENTRIES)
    found = found._replace(commands=(run,))
    return found.joined(second_entry(scene, Stage.AFTER))._replace(ways_back=ways_back.bls(scene))


def _in_step(scene: Scene) -> Rendered:
    text = scene.text(DEFAULT)
    if text is None:
        return Rendered()
    try:
        new = edited(text, EVERY, scene.change) if is_set(text, EVERY) else text
    except EditError as error:
        return note(
            f"/{DEFAULT} could not be kept in step ({error}); grubby changes the entries all the same."
        )
    return replaced(scene, DEFAULT, new, "new kernels get their parameters from here", Stage.LOADER)
