"""The initramfs: how each generator is told to load vfio-pci before udev loads graphics drivers."""

from __future__ import annotations

import re
from collections.abc import Callable

from vfio_wizard.model.plan import Action, Artifact, Plan, Run, Stage
from vfio_wizard.render import modprobe
from vfio_wizard.render.edit import appended, newline_of
from vfio_wizard.render.lines import kernel_install_runs
from vfio_wizard.render.outcome import HEAD, MARK, Rendered
from vfio_wizard.render.scene import Scene, command, note, replaced

_BECAUSE = "loads vfio-pci before any driver that would claim the card"
_BUILT_IN = "vfio-pci is compiled into this kernel: the initramfs needs nothing."
_DISPLAY, _SOUND = 0x03, 0x04


def initramfs_tools(scene: Scene) -> Rendered:
    """Debian, Ubuntu to 25.04, Proxmox: one name a line in the modules file, in a block of ours."""
    path = "etc/initramfs-tools/modules"
    block = f"{_BEGIN}\n" + "".join(f"{name}\n" for name in _names(scene.plan)) + f"{_END}\n"
    run = command("update-initramfs", "-u", "-k", "all", stage=Stage.IMAGE)
    if scene.exported:
        return Rendered((Artifact(f"/{path}", "0644", Action.APPEND, block, _BECAUSE),), (run,))
    if scene.is_closed(path):
        return note(f"By hand: /{path} could not be read. Put into it, a name a line: {_listed(scene)}")
    text = scene.text(path) or ""
    return replaced(scene, path, with_block(text, block), _BECAUSE)._replace(commands=(run,))


_BEGIN, _END = f"# {MARK}: begin", f"# {MARK}: end"


def with_block(text: str, block: str) -> str:
    """A text with our block in it: in the place where it stands already, else at the end."""
    found = re.search(rf"(?ms)^{re.escape(_BEGIN)}\r?\n.*?^{re.escape(_END)}(?:\r?\n|\Z)", text)
    if found is None:
        return appended(text, block)
    return text[: found.start()] + block.replace("\n", newline_of(text)) + text[found.end() :]


def dracut(scene: Scene) -> Rendered:
    """``force_drivers`` loads before udev (rd.driver.pre); ``add_drivers`` would only include.

    Without host-only mode etc/modprobe.d stays out of the image, so our file is named as well.
    """
    lines = f'force_drivers+=" {" ".join(_names(scene.plan))} "\n'
    if _has_modprobe(scene):
        lines += f'install_items+=" /{modprobe.FILE} "\n'
    path = f"etc/dracut.conf.d/{MARK}.conf"
    return replaced(scene, path, HEAD + lines, _BECAUSE)._replace(commands=_dracut_runs(scene))


def _has_modprobe(scene: Scene) -> bool:
    """Whether our file in modprobe.d is there, or will be."""
    return scene.text(modprobe.FILE) is not None or modprobe.text_of(scene.plan) is not None


def _dracut_runs(scene: Scene) -> tuple[Run, ...]:
    """Each image by its own name, which distributions choose differently; else those dracut itself finds.

    openSUSE's tool for entries has names of its own for them.
    """
    if scene.plan.machine.loader == "sdbootutil":
        return (command("sdbootutil", "mkinitrd", stage=Stage.IMAGE),)
    images = [(release, image) for release, image in scene.plan.machine.kernels if image]
    is_plain = images and all(image.startswith("boot/") and image.count("/") == 1 for _, image in images)
    if not is_plain or len(images) < len(scene.plan.machine.kernels):
        return _by_kernel_install(scene) or (
            command("dracut", "--force", "--regenerate-all", stage=Stage.IMAGE),
        )
    return tuple(
        command("dracut", "--force", f"/{image}", release, stage=Stage.IMAGE) for release, image in images
    )


def _by_kernel_install(scene: Scene) -> tuple[Run, ...]:
    """Where images only come into being when kernel-install puts them beside their kernels."""
    is_so = scene.plan.machine.loader == "systemd-boot-kernel-install"
    return kernel_install_runs(scene, Stage.IMAGE) if is_so else ()


def mkinitcpio(scene: Scene) -> Rendered:
    """A drop-in, where they are read: not with a configuration that a preset names itself.

    A plain assignment would replace the list; vfio-pci goes before what is in it.
    """
    presets = scene.exported or scene.below("etc/mkinitcpio.d", ".preset")
    build = () if presets else _by_kernel_install(scene)
    build = build or (command("mkinitcpio", "-P", stage=Stage.IMAGE),)
    if _names_configuration(scene):
        return _in_place(scene)._replace(commands=build)
    names = " ".join(_names(scene.plan))
    old = "${MODULES[@]}" if re.search(r"(?m)^\s*MODULES=[\"']", _configuration(scene)) else '"${MODULES[@]}"'
    text = f"{HEAD}MODULES=({names} {old})\n{_extra(scene)}"
    path = f"etc/mkinitcpio.conf.d/{MARK}.conf"
    return replaced(scene, path, text, _BECAUSE)._replace(commands=build)


def _names_configuration(scene: Scene) -> bool:
    """``-c`` leaves the drop-ins out (mkinitcpio 41); so does an mkinitcpio that knows no such folder."""
    knows = scene.has("etc/mkinitcpio.conf.d") or bool(scene.below("etc/mkinitcpio.conf.d"))
    is_old = scene.text("etc/mkinitcpio.conf") is not None and scene.has_tool("mkinitcpio") and not knows
    return bool(_named(scene)) or is_old


def _named(scene: Scene) -> tuple[str, ...]:
    """The configurations that presets name: ALL_config, or one of their own."""
    presets = "\n".join(scene.files[path] for path in scene.below("etc/mkinitcpio.d", ".preset"))
    return tuple(re.findall(r"(?m)^\s*\w+_config=[\"']?([^\"'\s#]+)", presets))


def _configuration(scene: Scene) -> str:
    paths = ("etc/mkinitcpio.conf", *scene.below("etc/mkinitcpio.conf.d", ".conf"))
    return "\n".join(scene.files[path] for path in paths if path in scene.files and MARK not in path)


def _hooks(scene: Scene) -> tuple[str, ...] | None:
    found = re.findall(r"(?m)^\s*HOOKS=[(\"']([^)\"']*)[)\"']", _configuration(scene))
    return tuple(found[-1].split()) if found else None


def _extra(scene: Scene) -> str:
    """What the hook modconf would bring, and a shell for the install line where no hook brings one."""
    hooks = _hooks(scene)
    if hooks is None:
        return ""
    lines = ""
    if "modconf" not in hooks and _has_modprobe(scene):
        lines += f"FILES+=(/{modprobe.FILE})\n"
    if "base" not in hooks and scene.plan.by_address:
        lines += "BINARIES+=(sh)\n"
    return lines


def _in_place(scene: Scene) -> Rendered:
    path = "etc/mkinitcpio.conf"
    others = sorted({one for one in _named(scene) if one != f"/{path}"})
    if others:
        return note(
            f"By hand: put into the list MODULES of {', '.join(others)}, before all: {_listed(scene)}"
        )
    text = scene.text(path)
    found = re.findall(r"(?m)^[ \t]*MODULES=\(", text or "")
    if text is None or len(found) != 1:
        return note(f"By hand: put into the list MODULES of /{path}, before all others: {_listed(scene)}")
    inside = re.search(r"(?ms)^[ \t]*MODULES=\(([^)]*)\)", text)
    there = inside[1].split() if inside else []
    names = [name for name in _names(scene.plan) if name not in there]
    start = re.search(r"(?m)^[ \t]*MODULES=\(", text)
    place = start.end() if start else 0
    gap = " " if there and not (inside and inside[1][:1].isspace()) else ""
    new = text[:place] + " ".join(names) + (gap if names else "") + text[place:]
    changed = replaced(scene, path, new, _BECAUSE)
    hooks = _hooks(scene) or ()
    missing = hooks and "modconf" not in hooks and _has_modprobe(scene)
    words = f"By hand: HOOKS in /{path} lacks modconf, which brings /{modprobe.FILE} into the image."
    return changed._replace(notes=(words,)) if missing else changed


def booster(scene: Scene) -> Rendered:
    """booster takes ``options`` out of modprobe.d, but neither softdep nor install.

    generator/kmod.go, parseModprobe. It begins with modules_force_load, but modules for devices are loaded
    beside it, each in a goroutine, and all are waited for only before the real root (init/main.go:
    udevListener, loadModules, loadingModulesWg; init/module.go; anatol/booster#103). So the drivers that
    would claim the card stay out of its image (docs/manpage.md: ``modules`` with a minus sign), and the real
    root, which reads all of modprobe.d, loads them in order. By address vfio-pci stays out as well: once
    loaded, no install line runs.
    """
    path = "etc/booster.yaml"
    if scene.is_closed(path):
        return note(f"By hand: /{path} could not be read. Put into modules_force_load: {_listed(scene)}")
    text = scene.text(path) or ""
    new: str | None = text
    out = [f"-{name}" for name in _kept_out(scene.plan)]
    if not scene.plan.by_address:
        new = _with_key(text, "modules_force_load", _names(scene.plan))
    new = _with_key(new, "modules", out) if new is not None and out else new
    if new is None:
        words = f"modules_force_load: {','.join(_names(scene.plan))} and modules: {','.join(out)}"
        return note(f"By hand: /{path} is written in a way that is not edited here. It needs {words}")
    run = command("/usr/lib/booster/regenerate_images", stage=Stage.IMAGE)
    found = replaced(scene, path, new, _BECAUSE)._replace(commands=(run,))
    late = sorted(set(_claimants(scene.plan)) - set(_kept_out(scene.plan)))
    words = (
        f"booster's image may load {', '.join(late)} before vfio-pci; libvirt takes those functions later."
    )
    return found._replace(notes=(words,)) if late and scene.plan.by_address else found


def _claimants(plan: Plan) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for one in plan.functions for name in one.claimants))


def _kept_out(plan: Plan) -> tuple[str, ...]:
    """Drivers of screens and sound; without those of USB and disks the root might not be found."""
    found = (
        name
        for one in plan.functions
        if one.cls is not None and one.cls.base in (_DISPLAY, _SOUND)
        for name in one.claimants
    )
    return tuple(dict.fromkeys(found))


def _with_key(text: str, key: str, names: tuple[str, ...] | list[str]) -> str | None:
    """booster.yaml with names in a comma-separated list; None where the list has another form."""
    lines = list(re.finditer(rf"(?m)^{key}:[ \t]*([^#\r\n]*?)[ \t]*(?:#[^\r\n]*)?\r?$", text))
    if not lines:
        return None if re.search(rf"(?m)^[\"']{key}", text) else appended(text, f"{key}: {','.join(names)}\n")
    value = lines[0][1]
    if len(lines) != 1 or not re.fullmatch(r"[\w*./,\- ]+", value) or value.startswith("- "):
        return None
    there = [one.strip() for one in value.split(",")]
    missing = [one for one in names if one not in there]
    if not missing:
        return text
    start, end = lines[0].span(1)
    joined = ",".join((*missing, value)) if key == "modules_force_load" else ",".join((value, *missing))
    return text[:start] + joined + text[end:]


def _names(plan: Plan) -> tuple[str, ...]:
    return tuple(one.name for one in plan.modules)


def _listed(scene: Scene) -> str:
    return " ".join(_names(scene.plan))


def _unless_built_in(dialect: Callable[[Scene], Rendered]) -> Callable[[Scene], Rendered]:
    def render(scene: Scene) -> Rendered:
        return dialect(scene) if scene.plan.modules else note(_BUILT_IN)

    return render


GENERATORS: dict[str, Callable[[Scene], Rendered]] = {
    "initramfs-tools": _unless_built_in(initramfs_tools),
    "dracut": _unless_built_in(dracut),
    "mkinitcpio": _unless_built_in(mkinitcpio),
    "booster": _unless_built_in(booster),
}
"""By the names that the boot probe gives."""
