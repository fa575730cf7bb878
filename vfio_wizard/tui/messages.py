"""What the panes tell the application."""

from __future__ import annotations

from textual.message import Message

from vfio_wizard.model.pci import PciAddress
from vfio_wizard.tui.survey import Proposal, Survey


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
        """What would be written."""
        super().__init__()
        self.proposal = proposal


class Chosen(Message):
    """The user chose, or gave up, a card."""

    def __init__(self, cards: tuple[PciAddress, ...]) -> None:
        """All cards that are chosen now."""
        super().__init__()
        self.cards = cards


class Changed(Message):
    """Something happened to a device; ``happened`` is a sentence about it."""

    def __init__(self, happened: str) -> None:
        """The sentence."""
        super().__init__()
        self.happened = happened
