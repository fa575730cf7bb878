"""What the panes and the workers tell the application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from vfio_wizard.model.selection import Selection
    from vfio_wizard.report.pages.review import Proposal
    from vfio_wizard.report.pages.ways import Way
    from vfio_wizard.tui.survey import Done, Progress, Survey


class Looked(Message):
    """A look at the machine is complete."""

    def __init__(self, survey: Survey) -> None:
        """``survey`` is what was seen."""
        super().__init__()
        self.survey = survey


class Failed(Message):
    """A look or a proposal ended with an error; ``reason`` is its one line."""

    def __init__(self, reason: str) -> None:
        """The line of the error."""
        super().__init__()
        self.reason = reason


class Proposed(Message):
    """A proposal for the present choice is ready."""

    def __init__(self, proposal: Proposal) -> None:
        """What would be done."""
        super().__init__()
        self.proposal = proposal


class Chosen(Message):
    """The user chose, gave up, or answered something."""

    def __init__(self, selection: Selection, devices: bool = False) -> None:
        """The whole selection as it is now; ``devices`` says that another device leaves."""
        super().__init__()
        self.selection = selection
        self.devices = devices


class Confirmed(Message):
    """The review was confirmed, or the confirmation taken back."""

    def __init__(self, mark: str) -> None:
        """The mark of the proposal; empty for none."""
        super().__init__()
        self.mark = mark


class Folded(Message):
    """A row with others below it was opened or closed."""

    def __init__(self, key: str, opened: bool) -> None:
        """The key of the row."""
        super().__init__()
        self.key = key
        self.opened = opened


class Wanted(Message):
    """The user wants to go a way."""

    def __init__(self, way: Way) -> None:
        """The way."""
        super().__init__()
        self.way = way


class Went(Message):
    """Long work is a step further."""

    def __init__(self, progress: Progress) -> None:
        """How far."""
        super().__init__()
        self.progress = progress


class Ended(Message):
    """Long work came to its end."""

    def __init__(self, way: Way, done: Done) -> None:
        """The way, and how it ended."""
        super().__init__()
        self.way = way
        self.done = done


class Onward(Message):
    """A click on the line that goes on."""


class Changed(Message):
    """Something happened to a device; ``happened`` is a sentence about it."""

    def __init__(self, happened: str) -> None:
        """The sentence."""
        super().__init__()
        self.happened = happened
