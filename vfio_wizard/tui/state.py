"""Everything that the panes show, in one record; the application replaces it, nobody changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.selection import Selection
from vfio_wizard.report.pages.rows import Line, Tone, said
from vfio_wizard.report.pages.steps import Standing
from vfio_wizard.report.pages.ways import Situation, Way, afterwards, command_lines, doing
from vfio_wizard.tui.survey import Progress, Survey

if TYPE_CHECKING:
    from vfio_wizard.report.pages.review import Proposal


class Job(NamedTuple):
    """Long work, while it runs and after it."""

    way: Way
    began: float
    progress: Progress = Progress(0, 0, "")
    lines: tuple[Line, ...] = ()
    seconds: float | None = None
    """How long it took; None while it runs."""
    stopping: bool = False

    def page(self, now: float, width: int) -> list[Line]:
        """The bar, the time, and what was said."""
        took = self.seconds if self.seconds is not None else now - self.began
        lines = [Line(self.way.title, Tone.HEAD), *command_lines(self.way, width)]
        if self.seconds is None:
            lines.append(Line(f"{_bar(self.progress, width)}{took:5.1f} s", Tone.NOTE))
            lines.append(Line("stopping ..." if self.stopping else "Escape stops it safely", Tone.FAINT))
        else:
            lines.append(Line(f"took {took:.1f} s", Tone.FAINT))
        return [*lines, Line(""), *(part for line in self.lines for part in _wrapped(line, width))]


def _wrapped(line: Line, width: int) -> list[Line]:
    """A line of a log within the width, its indent kept."""
    indent = line.text[: len(line.text) - len(line.text.lstrip(" |"))]
    return said(line.text.lstrip(" |"), width, line.tone, indent, " " * len(indent))


def _bar(progress: Progress, width: int) -> str:
    if not progress.total:
        return ""
    room = min(max(width - 24, 10), 40)
    full = room * min(progress.done, progress.total) // progress.total
    return f"[{'#' * full}{'.' * (room - full)}] {progress.done}/{progress.total} "


class State(NamedTuple):
    """What is known, chosen and done."""

    label: str
    look_only: bool
    survey: Survey | None = None
    problem: str = ""
    """Why the last look or proposal failed."""
    selection: Selection = Selection(())
    proposal: Proposal | None = None
    mark: str = ""
    """Of the proposal that was confirmed."""
    opened: frozenset[str] = frozenset()
    done: tuple[tuple[str, bool], ...] = ()
    """How each way ended that was gone."""
    job: Job | None = None
    situation: Situation | None = None

    @property
    def has_choice(self) -> bool:
        """Whether anything is to leave the host."""
        return bool(self.selection.gpus or self.selection.also)

    @property
    def confirmed(self) -> bool:
        """The proposal that stands now is the one that was read."""
        made = self.proposal
        return made is not None and not made.plan.refusals and made.mark == self.mark

    @property
    def standing(self) -> Standing:
        """For the hint about what comes next."""
        plan = self.proposal.plan if self.proposal else None
        return Standing(
            verdict=self.survey.verdict if self.survey else None,
            chosen=self.has_choice,
            has_card=self.survey is None or self.survey.shelf.has_card,
            refusals=len(plan.refusals) if plan else 0,
            settled=bool(plan and plan.settled),
            confirmed=self.confirmed,
            look_only=self.look_only,
            applied=bool(self.situation and self.situation.applied),
            restarted=bool(self.situation and self.situation.restarted),
        )

    def ways(self, step: str) -> tuple[Way, ...]:
        """What can be done on a step."""
        if self.situation is None:
            return ()
        plan = self.proposal.plan if self.proposal else None
        at = self.situation._replace(confirmed=self.confirmed, settled=bool(plan and plan.settled))
        return doing(at) if step == "do" else afterwards(at)
