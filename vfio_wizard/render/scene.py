"""What every dialect looks at: the plan, and the exact texts of the files that stand on the host."""

from __future__ import annotations

from collections.abc import Mapping

from vfio_wizard.knowledge.changes import makes
from vfio_wizard.model.kargs import Kargs
from vfio_wizard.model.originals import is_closed, is_there
from vfio_wizard.model.plan import Action, Artifact, Plan, Run, Stage
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.render.edit import Change
from vfio_wizard.render.outcome import Rendered


class Scene(NamedTuple):
    """A plan and a host. ``exported`` is a text for whatever host: nothing of it is known then."""

    plan: Plan
    files: Mapping[str, str]
    exported: bool = False

    def text(self, path: str) -> str | None:
        """The exact text of a file; None when there is none, or it could not be read."""
        return self.files.get(path)

    def has(self, path: str) -> bool:
        """Whether a path is there."""
        return is_there(self.files, path)

    def is_closed(self, path: str) -> bool:
        """Whether a file is there and its text is not known."""
        return is_closed(self.files, path)

    def has_tool(self, name: str) -> bool:
        """Whether a program is installed."""
        return any(self.has(f"usr/{place}/{name}") for place in ("bin", "sbin"))

    def below(self, folder: str, ending: str = "") -> tuple[str, ...]:
        """The paths of files in a folder whose texts are known, sorted."""
        start = f"{folder}/"
        return tuple(
            sorted(
                path
                for path in self.files
                if path.startswith(start) and "/" not in path[len(start) :] and path.endswith(ending)
            )
        )

    @property
    def change(self) -> Change:
        """What the command line of the next boot still needs."""
        return Change((one.word for one in self.plan.missing()), (one.word for one in self.plan.remove))

    @property
    def whole(self) -> Change:
        """The same, with the words that are there already: for files that hold a line of their own."""
        wanted = (one.word for one in self.plan.wanted_here())
        return Change(wanted, (one.word for one in self.plan.remove))

    @property
    def line(self) -> Kargs | None:
        """The command line of the next boot as it is now."""
        return self.plan.line


def replaced(scene: Scene, path: str, text: str, because: str, stage: Stage = Stage.FILES) -> Rendered:
    """A file with a new text; nothing when it holds that text already."""
    before = scene.text(path)
    if before == text:
        return Rendered()
    action = Action.CREATE if before is None else Action.REPLACE
    return Rendered((Artifact(f"/{path}", "0644", action, text, because, stage),))


def command(*argv: str, stage: Stage, undo: tuple[tuple[str, ...], ...] = ()) -> Run:
    """A command with what it may write."""
    return Run(argv, stage, makes(argv), undo)


def note(text: str) -> Rendered:
    """Words for a person, and nothing else."""
    return Rendered(notes=(text,))
