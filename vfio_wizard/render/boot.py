"""Kernel parameters as each boot chain takes them: drop-ins where they exist, else exact edits or commands.

Words of a plan hold no quotes and no blanks, so that they mean the same in shell, TOML and plain lines.
"""

from __future__ import annotations

from collections.abc import Callable

from vfio_wizard.knowledge.bootchain import LIMINE_CONF
from vfio_wizard.knowledge.changes import ENROLLED, ZFS_PROPERTY, ZFS_TOLD
from vfio_wizard.model.plan import Action, Artifact, Run, Stage
from vfio_wizard.render import ways_back
from vfio_wizard.render.boot_grub import grub, grub_bls, proxmox_grub
from vfio_wizard.render.edit import Change, EditError, edited_line, line_words, names_a_root
from vfio_wizard.render.entryfile import edited_entry, edited_limine, edited_refind
from vfio_wizard.render.lines import (
    BY_HAND,
    by_hand,
    entry_paths,
    kernel_install_runs,
    line_file,
    second_entry,
    second_image,
)
from vfio_wizard.render.outcome import HEAD, MARK, Rendered
from vfio_wizard.render.scene import Scene, command, replaced
from vfio_wizard.render.shellfile import assignment, assignments, edited, words_of

_BECAUSE = "gives the kernel the parameters of the plan"
_CMDLINE = "etc/kernel/cmdline"
_VENDOR_CMDLINE = "usr/lib/kernel/cmdline"
_CMDLINE_D = "etc/cmdline.d"


def _then(found: Rendered, runs: tuple[Run, ...], back: tuple[str, ...]) -> Rendered:
    """Commands follow unless the files are left to a person."""
    waits = any(one.startswith(BY_HAND) for one in found.notes) and not found.artifacts
    return found._replace(commands=(*found.commands, *(() if waits else runs)), ways_back=back)


# --- the whole line in one file -------------------------------------------------------------------


def kernel_install(scene: Scene) -> Rendered:
    """The entry, or the unified image, of every installed kernel is made anew."""
    found = line_file(scene, _CMDLINE, scene.text(_VENDOR_CMDLINE))
    if found.notes:
        return found._replace(ways_back=ways_back.systemd_boot(scene))
    unified = _layout(scene) == "uki"
    back = second_image(scene) if unified else second_entry(scene)
    words = ways_back.unified(scene) if unified else ways_back.systemd_boot(scene)
    return _then(back.joined(found), kernel_install_runs(scene, Stage.ENTRIES), words)._replace(
        notes=back.notes
    )


def _layout(scene: Scene) -> str:
    text = scene.text("etc/kernel/install.conf") or scene.text("usr/lib/kernel/install.conf") or ""
    values = [line.partition("=")[2].strip() for line in text.splitlines() if line.startswith("layout=")]
    return values[-1] if values else ""


def proxmox(scene: Scene) -> Rendered:
    """GRUB takes its drop-in; systemd-boot a line, copied to partitions that are not mounted."""
    source = scene.plan.machine.line_from or ""
    if source.endswith("grub.cfg") or not (scene.exported or scene.has(_CMDLINE)):
        return proxmox_grub(scene)
    if not source and not scene.exported:
        return by_hand(scene, f"/{_CMDLINE} or /etc/default/grub, as proxmox-boot-tool status tells")
    found = line_file(scene, _CMDLINE)
    refresh = ("proxmox-boot-tool", "refresh")
    run = command(*refresh, stage=Stage.ENTRIES, undo=(refresh,))
    pin = "Before you restart, pin another kernel once: proxmox-boot-tool kernel pin VERSION --next-boot."
    return _then(found, (run,), (pin, *ways_back.systemd_boot(scene)[1:]))


def sdbootutil(scene: Scene) -> Rendered:
    """openSUSE: the file, and its entries from it."""
    found = line_file(scene, _CMDLINE, scene.text(_VENDOR_CMDLINE))
    run = command("sdbootutil", "update-all-entries", stage=Stage.ENTRIES)
    back = Rendered() if found.notes else second_entry(scene, Stage.AFTER)
    found = _then(found.joined(back), (run,), ways_back.systemd_boot(scene))
    snapshot = "Or choose the entry of an older snapshot."
    return found._replace(ways_back=(*found.ways_back, snapshot))


# --- unified images -------------------------------------------------------------------------------


def uki_mkinitcpio(scene: Scene) -> Rendered:
    """The first that exists counts: etc/kernel/cmdline, usr/lib/kernel/cmdline, then etc/cmdline.d."""
    presets = "\n".join(scene.files[path] for path in scene.below("etc/mkinitcpio.d", ".preset"))
    if any("cmdline" in line.partition("#")[0] for line in presets.splitlines()):
        return by_hand(scene, "the command line that the preset in /etc/mkinitcpio.d names")
    if scene.has(_CMDLINE) or scene.text(_VENDOR_CMDLINE) is not None:
        found = line_file(scene, _CMDLINE, scene.text(_VENDOR_CMDLINE))
    elif scene.below(_CMDLINE_D, ".conf"):
        found = _cmdline_d(scene)
    else:
        found = line_file(scene, _CMDLINE)
    build = command("mkinitcpio", "-P", stage=Stage.ENTRIES)
    if found.notes and not found.artifacts:
        return found._replace(ways_back=ways_back.unified(scene))
    return _then(second_image(scene).joined(found), (build,), ways_back.unified(scene))


def _cmdline_d(scene: Scene) -> Rendered:
    """A file of our own beside the others; what must go is taken out of theirs."""
    own = f"{_CMDLINE_D}/{MARK}.conf"
    found = Rendered()
    words: tuple[str, ...] = ()
    for path in scene.below(_CMDLINE_D, ".conf"):
        if path == own:
            continue
        try:
            text = edited_line(scene.files[path], Change((), scene.change.remove))
        except EditError as error:
            return by_hand(scene, f"the files in /{_CMDLINE_D}", str(error))
        words += line_words(text).words
        found = found.joined(
            replaced(scene, path, text, "takes away what works against the plan", Stage.LOADER)
        )
    kept = [one for one in line_words(scene.text(own) or "").words if one not in scene.change.remove]
    new = [one for one in scene.change.add if one not in words]
    every = tuple(dict.fromkeys((*kept, *new)))
    text = HEAD + "".join(f"{one}\n" for one in every)
    return found.joined(replaced(scene, own, text, _BECAUSE, Stage.LOADER)) if every or kept else found


_DRACUT_D = "etc/dracut.conf.d"


def uki_dracut(scene: Scene) -> Rendered:
    """dracut puts kernel_cmdline into its unified images; setting it where nothing did drops the rest.

    Then only the whole line that boots now may be written there.
    """
    own = f"{_DRACUT_D}/zz-{MARK}-cmdline.conf"
    try:
        stored = _dracut_words(scene, own)
    except EditError as error:
        return by_hand(scene, f"kernel_cmdline in /{_DRACUT_D}", str(error))
    removes = [one for one in scene.change.remove if one in stored]
    if removes:
        return by_hand(scene, f"kernel_cmdline in /{_DRACUT_D}")
    if stored:
        text = f'{HEAD}kernel_cmdline+=" {" ".join(scene.change.add)} "\n'
    elif scene.line is not None and names_a_root(scene.line):
        line = scene.whole.of(scene.line)
        text = f"{HEAD}{assignment('kernel_cmdline', (str(line),), onto=False)}"
    else:
        return by_hand(scene, f"kernel_cmdline in /{_DRACUT_D}", "no whole line is known")
    found = second_image(scene).joined(replaced(scene, own, text, _BECAUSE, Stage.LOADER))
    run = command("dracut", "--force", "--regenerate-all", stage=Stage.ENTRIES)
    return _then(found, (run,), ways_back.unified(scene))


def _dracut_words(scene: Scene, own: str) -> tuple[str, ...]:
    paths = ("etc/dracut.conf", *scene.below(_DRACUT_D, ".conf"))
    words: tuple[str, ...] = ()
    for path in paths:
        if path != own and scene.text(path) is not None:
            words += tuple(w for w in words_of(scene.files[path], "kernel_cmdline") if not w.startswith("${"))
    return words


# --- entries ----------------------------------------------------------------------------------------


def plain_entries(scene: Scene) -> Rendered:
    """The options of each entry that starts Linux, and a copy of one that stays as it was."""
    paths = entry_paths(scene)
    if not paths:
        return by_hand(scene, "the options line of the boot entry", "no entry could be read")
    found = second_entry(scene)
    for path in paths:
        try:
            text = edited_entry(scene.files[path], scene.whole)
        except EditError as error:
            return by_hand(scene, f"the options line of /{path}", str(error))
        found = found.joined(replaced(scene, path, text, _BECAUSE, Stage.LOADER))
    return _then(found, (), ways_back.systemd_boot(scene))


def kernelstub(scene: Scene) -> Rendered:
    """Pop!_OS: one call for each parameter."""
    gone = tuple(command("kernelstub", "-d", one, stage=Stage.ENTRIES) for one in scene.change.remove)
    added = tuple(command("kernelstub", "-a", one, stage=Stage.ENTRIES) for one in scene.change.add)
    return _then(second_entry(scene), (*gone, *added), ways_back.systemd_boot(scene))


def sdboot_manage(scene: Scene) -> Rendered:
    """CachyOS: the file is read by a shell. Its fallback entries have options of their own."""
    path, name = "etc/sdboot-manage.conf", "LINUX_OPTIONS"
    text = scene.text(path)
    if text is None and scene.exported:
        line = f"# {MARK}\n{assignment(name, scene.change.add, onto=True)}"
        found = Rendered((Artifact(f"/{path}", "0644", Action.APPEND, line, _BECAUSE, Stage.LOADER),))
    elif text is None:
        return by_hand(scene, f"{name} in /{path}", "it was not read")
    else:
        try:
            found = replaced(scene, path, edited(text, name, scene.whole), _BECAUSE, Stage.LOADER)
        except EditError as error:
            return by_hand(scene, f"{name} in /{path}", str(error))
    run = command("sdboot-manage", "gen", stage=Stage.ENTRIES)
    return _then(found, (run,), ways_back.fallback(scene))


# --- Limine, rEFInd -------------------------------------------------------------------------------


_LIMINE_NAME = "KERNEL_CMDLINE[default]"
_LIMINE_LAST = "etc/default/limine"


def limine_entry_tool(scene: Scene) -> Rendered:
    """A drop-in, or etc/default/limine itself, which is read last, where it sets the line anew.

    += joins text, not words: without a blank on both sides, our words would become one with their neighbours.
    """
    own = f"etc/limine-entry-tool.d/{MARK}.conf"
    found = _limine_removed(scene, own)
    kept = [one for one in _limine_own(scene, own) if one not in scene.change.remove]
    every = tuple(dict.fromkeys((*kept, *scene.change.add)))
    if _limine_hides(scene):
        found = found.joined(_limine_in_place(scene, found))
    elif every or kept:
        text = f'{HEAD}{_LIMINE_NAME}+=" {" ".join(every)} "\n'
        found = found.joined(replaced(scene, own, text, _BECAUSE, Stage.LOADER))
    return _then(found, (command(_limine_update(scene), stage=Stage.ENTRIES),), ways_back.limine(scene))


def _limine_hides(scene: Scene) -> bool:
    """Whether etc/default/limine drops what the drop-ins said."""
    text = scene.text(_LIMINE_LAST)
    try:
        first = next((one for one in assignments(text or "") if one.name == _LIMINE_NAME), None)
    except EditError:
        return False
    return first is not None and not first.adds


def _limine_in_place(scene: Scene, taken: Rendered) -> Rendered:
    path = f"/{_LIMINE_LAST}"
    before = next((one.text for one in taken.artifacts if one.path == path), scene.files[_LIMINE_LAST])
    try:
        text = edited(before, _LIMINE_NAME, Change(scene.change.add))
    except EditError as error:
        return by_hand(scene, f"{_LIMINE_NAME} in {path}", str(error))
    return replaced(scene, _LIMINE_LAST, text, _BECAUSE, Stage.LOADER)


def _limine_update(scene: Scene) -> str:
    for name in ("limine-mkinitcpio", "limine-update"):
        if scene.has_tool(name):
            return name
    return "limine-mkinitcpio" if scene.plan.machine.initramfs == "mkinitcpio" else "limine-update"


def _limine_own(scene: Scene, own: str) -> tuple[str, ...]:
    try:
        return tuple(one for one in words_of(scene.text(own) or "", _LIMINE_NAME) if not one.startswith("${"))
    except EditError:
        return ()


def _limine_removed(scene: Scene, own: str) -> Rendered:
    found = Rendered()
    left = set(scene.change.remove) - set(_limine_own(scene, own))
    for path in (
        "etc/limine-entry-tool.conf",
        *scene.below("etc/limine-entry-tool.d", ".conf"),
        "etc/default/limine",
    ):
        text = scene.text(path)
        if text is None or path == own or not left:
            continue
        try:
            there = [one for one in scene.change.remove if one in words_of(text, _LIMINE_NAME)]
            new = edited(text, _LIMINE_NAME, Change((), there)) if there else text
        except EditError:
            continue  # told below as a thing to do by hand
        left -= set(there)
        found = found.joined(
            replaced(scene, path, new, "takes away what works against the plan", Stage.LOADER)
        )
    notes = tuple(
        f"Take {one.word} off the kernel command line: {one.because}."
        for one in scene.plan.remove
        if one.word in left
    )
    return found._replace(notes=(*found.notes, *notes))


def limine(scene: Scene) -> Rendered:
    """limine.conf itself, where no tool writes it and no hash of it is enrolled."""
    paths = [path for path in LIMINE_CONF if scene.has(path)]
    where = "cmdline of the entry in limine.conf"
    if len(paths) != 1 or scene.text(paths[0]) is None:
        why = "there are several, of which one is in use" if len(paths) > 1 else "it could not be read"
        return by_hand(scene, where, why)
    enrolled = [path for path in scene.files if path.endswith(ENROLLED)]
    if any(set(scene.files[path]) - {"0"} for path in enrolled):
        return by_hand(scene, where, "a hash of it is enrolled in Limine, which refuses a changed one")
    try:
        text = edited_limine(scene.files[paths[0]], scene.whole)
    except EditError as error:
        return by_hand(scene, where, str(error))
    return _then(replaced(scene, paths[0], text, _BECAUSE, Stage.LOADER), (), ways_back.limine(scene))


def refind(scene: Scene) -> Rendered:
    """The first line of refind_linux.conf boots by default."""
    path = "boot/refind_linux.conf"
    where = f"the first line of /{path}"
    text = scene.text(path)
    if text is None:
        return by_hand(scene, where, "it was not read")
    try:
        new = edited_refind(text, scene.whole)
    except EditError as error:
        return by_hand(scene, where, str(error))
    return _then(replaced(scene, path, new, _BECAUSE, Stage.LOADER), (), ways_back.refind(scene))


# --- what is not in files ---------------------------------------------------------------------------


def rpm_ostree(scene: Scene) -> Rendered:
    """Kernel arguments make a new deployment; by address, the file with the install line goes along."""
    words = [f"--append-if-missing={one}" for one in scene.change.add]
    words += [f"--delete-if-present={one}" for one in scene.change.remove]
    back = [f"--delete-if-present={one}" for one in scene.change.add]
    back += [f"--append-if-missing={one}" for one in scene.change.remove]
    kargs = Run(("rpm-ostree", "kargs", *words), Stage.ENTRIES, undo=(("rpm-ostree", "kargs", *back),))
    track = (kargs,) if not scene.plan.by_address else (_track(), kargs)
    return Rendered(commands=track, ways_back=ways_back.ostree(scene))


def _track() -> Run:
    file = f"/etc/modprobe.d/{MARK}.conf"
    undo = (("rpm-ostree", "initramfs-etc", f"--untrack={file}"),)
    return Run(("rpm-ostree", "initramfs-etc", f"--track={file}"), Stage.IMAGE, undo=undo)


def bootc(scene: Scene) -> Rendered:
    """Kernel arguments belong to the image: a file for its build."""
    quoted = ", ".join(f'"{one}"' for one in scene.change.add)
    text = f"{HEAD}kargs = [{quoted}]\n"
    path = f"usr/lib/bootc/kargs.d/{MARK}.toml"
    words = "This file goes into the build of the image, not onto this host."
    if not scene.exported:
        return by_hand(scene, f"kargs in /{path} of the image that is built")._replace(
            ways_back=("bootc rollback, or the second entry of the boot menu: the image before.",)
        )
    return replaced(scene, path, text, _BECAUSE, Stage.LOADER)._replace(notes=(words,))


def zfsbootmenu(scene: Scene) -> Rendered:
    """A property of the boot environment; ``%{parent}`` brings in what is inherited."""
    told = scene.text(ZFS_TOLD)
    data_set = _boot_environment(scene)
    where = f"the property {ZFS_PROPERTY} of the boot environment"
    row = next((one for one in _zfs_rows(told or "") if one[0] == data_set), None)
    if row is None or data_set is None:
        return by_hand(scene, where, "its value is not known")._replace(
            ways_back=ways_back.zfsbootmenu(scene)
        )
    value, source = row[1], row[2]
    old = (
        value if source in ("local", "received") else ("%{parent}" if source.startswith("inherited") else "")
    )
    try:
        new = edited_line(old, scene.whole) if old else " ".join(scene.whole.add)
    except EditError as error:
        return by_hand(scene, where, str(error))
    if source.startswith("inherited") and scene.change.remove:
        return by_hand(scene, f"{where}, or of the one above it")
    undo = ("zfs", "set", f"{ZFS_PROPERTY}={value}", data_set) if source == "local" else (
        "zfs", "inherit", ZFS_PROPERTY, data_set
    )  # fmt: skip
    run = Run(("zfs", "set", f"{ZFS_PROPERTY}={new}", data_set), Stage.LOADER, undo=(undo,))
    return Rendered(commands=(run,), ways_back=ways_back.zfsbootmenu(scene))


def _boot_environment(scene: Scene) -> str | None:
    for word in scene.line.words if scene.line else ():
        for start in ("root=zfs:", "root=ZFS=", "zfs="):
            if word.startswith(start) and "/" in word:
                return word.removeprefix(start)
    return None


def _zfs_rows(told: str) -> list[tuple[str, str, str]]:
    rows = (line.split("\t") for line in told.splitlines())
    return [(row[0], row[1], row[2]) for row in rows if len(row) == 3]


def efistub(scene: Scene) -> Rendered:
    """Never the only entry: a second one, tried once."""
    found = by_hand(scene, "a second boot entry in the firmware, made with efibootmgr --create --unicode")
    words = "Try it once with efibootmgr --bootnext NUMBER; the entry that boots now stays as it is."
    return found._replace(
        notes=(*found.notes, words),
        ways_back=("Without the new entry the machine starts from the old one, which is untouched.",),
    )


def plain(scene: Scene) -> Rendered:
    """The words alone, one a line, for a chain that this tool does not write."""
    text = "".join(f"{one}\n" for one in scene.change.add)
    return Rendered((Artifact("kernel-parameters.txt", "0644", Action.CREATE, text, _BECAUSE, Stage.LOADER),))


LOADERS: dict[str, Callable[[Scene], Rendered]] = {
    "grub-mkconfig": grub,
    "grub-bls": grub_bls,
    "systemd-boot-kernel-install": kernel_install,
    "systemd-boot-manual-entries": plain_entries,
    "uki-mkinitcpio": uki_mkinitcpio,
    "uki-dracut": uki_dracut,
    "proxmox-boot-tool": proxmox,
    "sdbootutil": sdbootutil,
    "sdboot-manage": sdboot_manage,
    "kernelstub": kernelstub,
    "rpm-ostree": rpm_ostree,
    "bootc": bootc,
    "limine-entry-tool": limine_entry_tool,
    "limine": limine,
    "refind": refind,
    "zfsbootmenu": zfsbootmenu,
    "efistub-nvram": efistub,
}
"""By the names that the boot probe gives."""
