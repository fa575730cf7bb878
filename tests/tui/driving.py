"""Runs the wizard on a machine without a terminal, and does what a user would."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from rich.segment import Segment
from textual.pilot import Pilot
from textual.widgets import Static

from vfio_wizard.cli.wizard import brain
from vfio_wizard.model.selection import Selection
from vfio_wizard.report.pages.rows import row_text
from vfio_wizard.system.source import open_source
from vfio_wizard.tui.app import WizardApp, make_app
from vfio_wizard.tui.drawn import Page, Rows
from vfio_wizard.tui.survey import Brain

SIZES = ((80, 24), (120, 40))

Do = Callable[["Wizard"], Awaitable[None]]


class Wizard:
    """The running wizard, as a person has it before them."""

    def __init__(self, app: WizardApp, pilot: Pilot[int]) -> None:
        self.app = app
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        """Press keys one after the other, each when the one before has had its effect."""
        for key in keys:
            await self.pilot.press(key)
            await self.settle()

    async def settle(self) -> None:
        """Until no worker is busy, but for the one that waits for devices, and every message was taken."""
        await self.pilot.pause()
        while busy := [one for one in self.app.workers if one.group != "watch" and not one.is_finished]:
            await self.app.workers.wait_for_complete(busy)
            await self.pilot.pause()

    @property
    def rows(self) -> list[str]:
        """The rows of the list, in words."""
        return [row_text(one, 200) for one in self.app.pane.chooser.rows]

    @property
    def row(self) -> str:
        """The row under the cursor."""
        row = self.app.pane.row
        return row_text(row, 200) if row else ""

    @property
    def page(self) -> str:
        """The text beside the list, with its lines joined."""
        return " ".join(self.app.screen.query(Page).last().text.split())

    @property
    def hint(self) -> str:
        """What comes next."""
        return self.static("#next")

    def static(self, selector: str) -> str:
        """The text of a line of the frame."""
        return str(self.app.screen.query_one(selector, Static).render())

    @property
    def dialog(self) -> Rows:
        """The choices of the dialog in front."""
        return self.app.screen.query_one("#choices", Rows)

    def screen_text(self) -> str:
        """All that stands on the screen, as the terminal gets it."""
        return "\n".join("".join(one.text for one in line) for line in self.strips())

    def strips(self) -> list[tuple[Segment, ...]]:
        """The screen's lines as segments, after the filters that a terminal would get them through."""
        return [tuple(strip) for strip in self.app.screen._compositor.render_strips()]

    async def to(self, words: str, down: str = "down") -> None:
        """Go down to the row that begins with, or holds, these words."""
        for _ in range(len(self.rows) + 1):
            if words in self.row:
                return
            await self.press(down)
        message = f"no row with {words!r} among {self.rows}"
        raise AssertionError(message)


def wise(source: str | None) -> Brain:
    """A brain over a source."""
    return brain(source, open_source(source))


def drive(
    do: Do,
    source: str | None = None,
    size: tuple[int, int] = (80, 24),
    *,
    own: Brain | None = None,
    selection: Selection | None = None,
) -> None:
    """Open the wizard on a machine, wait for the first look, and do."""

    async def session() -> None:
        app = make_app(own or wise(source), selection)
        async with app.run_test(size=size) as pilot:
            wizard = Wizard(app, pilot)
            await wizard.settle()
            await do(wizard)

    asyncio.run(session())
