"""What the wizard knows of the machine after one look, and what it can ask the floors below."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.selection import Selection

if TYPE_CHECKING:  # the first paint waits for none of these
    from vfio_wizard.model.finding import Finding, Verdict
    from vfio_wizard.report.pages.devices import Shelf
    from vfio_wizard.report.pages.review import Proposal
    from vfio_wizard.report.pages.rows import Line
    from vfio_wizard.report.pages.ways import Situation, Way


class Survey(NamedTuple):
    """One look at a machine: its devices laid out, findings and the verdict."""

    shelf: Shelf
    findings: tuple[Finding, ...]
    verdict: Verdict
    selection: Selection
    """What is chosen, as far as the machine still has it."""
    gone: tuple[str, ...] = ()
    """What was chosen before and is not there any more."""


class Memory(NamedTuple):
    """Where the user was, and what was chosen: kept when the wizard is left, also across a restart."""

    step: str = "look"
    selection: Selection = Selection(())
    confirmed: str = ""
    """The mark of the proposal that was confirmed."""
    theme: str = ""
    proven: int = 0
    """The number of the last change that was proven to hold."""


class Progress(NamedTuple):
    """How far long work is; ``total`` is 0 where that cannot be known."""

    done: int
    total: int
    text: str


class Done(NamedTuple):
    """How it ended."""

    ok: bool
    lines: tuple[Line, ...]
    look_again: bool = False
    """The machine may be another now."""


class Order(NamedTuple):
    """One way, with all that it needs to be gone."""

    way: Way
    answer: str
    """What the user answered, such as a file name."""
    selection: Selection
    proposal: Proposal | None


Tell = Callable[[Progress], None]
Stopped = Callable[[], bool]


class Brain(NamedTuple):
    """The questions that the wizard asks; the command line answers them with the same functions."""

    look: Callable[[Selection], Survey]
    """Look at the machine, with this selection."""
    propose: Callable[[Survey, Selection], Proposal]
    situation: Callable[[Selection], Situation]
    """What decides which ways are open."""
    act: Callable[[Order, Tell, Stopped], Done]
    """Go a way in the background. Raises WizardError."""
    in_terminal: Callable[[Order], Done]
    """Go a way in the terminal itself, while the wizard's screen is away."""
    explain: Callable[[str], str]
    label: str
    changes: Callable[[Stopped], Iterator[str]]
    """What happens to devices from now on, as sentences, until the given question says stop."""
    look_only: bool
    """A record of another machine: nothing can be changed there."""
    memory: Memory
    """Step and theme as they were left; the selection is recalled with the first look."""
    recall: Callable[[], Selection]
    keep: Callable[[Memory], None]
    """Raises WizardError where it cannot be kept."""
