"""From what the dialects made of a plan to work that is spelled out to the byte."""

from __future__ import annotations

from vfio_wizard.apply.disk import Disk
from vfio_wizard.apply.kept import ABSENT, state_of
from vfio_wizard.apply.undo import kernels_of
from vfio_wizard.apply.work import Change, Json, Work
from vfio_wizard.model.plan import Action, Artifact
from vfio_wizard.render.outcome import Rendered


def prepare(rendered: Rendered, disk: Disk, about: Json) -> Work:
    """Paths resolved inside the root, contents whole, and the state that each target is in now."""
    changes = [_change(one, disk) for one in rendered.artifacts]
    # A file that is edited twice in a stage has both edits in its later text.
    last = {(one.path, one.stage): one for one in changes}
    return Work(tuple(last.values()), rendered.commands, about, kernels_of(disk))


def _change(artifact: Artifact, disk: Disk) -> Change:
    path = disk.resolve(artifact.path.lstrip("/"))
    before = state_of(disk, path)
    content = artifact.text.encode("utf-8", "surrogateescape")
    if artifact.action is Action.APPEND and before != ABSENT:
        old = disk.read(path)
        content = old + (b"" if not old or old.endswith(b"\n") else b"\n") + content
    return Change(path, content, int(artifact.mode, 8), artifact.stage, before)
