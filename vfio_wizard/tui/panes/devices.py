"""Step 2: the cards as units, what stands in their way, and the groups that they sit in."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from vfio_wizard.cards.units import Gpu, candidates, cards, gpus
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.unread import Unread
from vfio_wizard.report.clean import clean
from vfio_wizard.report.groups_text import gpu_text, groups_text
from vfio_wizard.tui.messages import Chosen
from vfio_wizard.tui.panes.check import in_reading_order, sentence
from vfio_wizard.tui.survey import Survey


class DevicesPane(Widget):
    """Cards with a box each; the groups of the machine below them."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space", "give", "Give")]

    def __init__(self) -> None:
        super().__init__(id="devices", classes="pane")
        self._survey: Survey | None = None
        self._cards: tuple[Gpu, ...] = ()
        self._chosen: set[PciAddress] = set()

    def compose(self) -> ComposeResult:
        """A list of cards and the text about the one under the cursor."""
        with Horizontal():
            yield OptionList(id="cards", classes="list", markup=False)
            with VerticalScroll(classes="detail", can_focus=True):
                yield Static("", id="card", markup=False)

    def show(self, survey: Survey, chosen: tuple[PciAddress, ...]) -> None:
        """Fill the list from a look; cards that nobody could give away are there, but disabled."""
        self._survey = survey
        found = gpus(survey.facts)
        self._cards = () if isinstance(found, Unread) else cards(found)
        possible = () if isinstance(found, Unread) else candidates(found)
        self._chosen = {one.address for one in possible if one.address in chosen}
        options = self.query_one("#cards", OptionList)
        place = options.highlighted
        options.clear_options()
        for one in self._cards:
            options.add_option(Option(self._line(one), disabled=one not in possible))
        options.add_option(Option(Text("All IOMMU groups")))
        options.highlighted = place if place is not None and place < options.option_count else 0
        self._show_detail()

    def action_give(self) -> None:
        """Choose the card under the cursor, or give it back."""
        card = self._current
        if card is None:
            return
        self._chosen ^= {card.address}
        self.post_message(Chosen(tuple(sorted(self._chosen))))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter does what space does."""
        event.stop()
        self.action_give()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show what is under the cursor."""
        event.stop()
        self._show_detail()

    @property
    def _current(self) -> Gpu | None:
        place = self.query_one("#cards", OptionList).highlighted
        return self._cards[place] if place is not None and place < len(self._cards) else None

    def _line(self, card: Gpu) -> Text:
        box = "[x]" if card.address in self._chosen else "[ ]"
        name = self._survey.names.get(card.address, "") if self._survey else ""
        line = Text(f"{box} {str(card.address).removeprefix('0000:')} ")
        line.append(clean(name), style="dim")
        return line

    def _show_detail(self) -> None:
        if self._survey is None:
            return
        width = max(40, self.query_one(".detail").size.width - 2)
        card = self._current
        if card is None:
            text = groups_text(self._survey.facts, self._survey.names, width)
        else:
            text = (
                gpu_text(card, self._survey.facts, self._survey.names, width) + "\n\n" + self._findings(card)
            )
        self.query_one("#card", Static).update(Text(text))

    def _findings(self, card: Gpu) -> str:
        """What the checks say about this card: the same words as on the first step."""
        if self._survey is None:
            return ""
        subjects = {str(one) for one in card.functions}
        return "\n\n".join(
            f"{one.outcome.status.value.upper()} {clean(one.id)}\n{sentence(one.outcome.summary)}"
            for one in in_reading_order(self._survey.findings)
            if one.outcome.subject in subjects
        )
