"""The wizard on records of machines: what a person sees, chooses and gets."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import ContentSwitcher, Input, OptionList, Static, TextArea

from vfio_wizard.cli import main
from vfio_wizard.cli.look import look
from vfio_wizard.cli.wizard import brain
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.tui.app import SETTLES, WizardApp, make_app
from vfio_wizard.tui.panes.check import CheckPane
from vfio_wizard.tui.panes.review import ReviewPane
from vfio_wizard.tui.survey import Survey

REPOSITORY = Path(__file__).resolve().parents[2]
SEED = str(REPOSITORY / "fixtures/rx5600xt-rx550-nixos/host.json")
GUEST = "0000:2f:00.0"
SIZES = ((80, 24), (120, 40))

Step = Callable[[WizardApp, Pilot[int]], Awaitable[None]]


def drive(step: Step, source: str = SEED, size: tuple[int, int] = (80, 24)) -> None:
    """Run the wizard on a record without a terminal and do what a user would."""

    async def session() -> None:
        app = make_app(brain(source, look(source)))
        async with app.run_test(size=size) as pilot:
            await settled(app, pilot)
            await step(app, pilot)

    asyncio.run(session())


async def settled(app: WizardApp, pilot: Pilot[int]) -> None:
    """Until no worker is busy and every message was taken."""
    await app.workers.wait_for_complete()
    await pilot.pause()
    await app.workers.wait_for_complete()
    await pilot.pause()


def text_of(app: WizardApp, selector: str) -> str:
    return str(app.screen.query_one(selector, Static).render())


async def choose_guest(app: WizardApp, pilot: Pilot[int]) -> None:
    await pilot.press("2", "down", "space")
    await settled(app, pilot)


@pytest.mark.parametrize("size", SIZES)
def test_it_opens_on_the_findings_with_the_first_one_explained(size: tuple[int, int]) -> None:
    async def step(app: WizardApp, pilot: Pilot[int]) -> None:
        assert text_of(app, "#status") == "nothing blocks"
        current = app.query_one(CheckPane).current
        assert current is not None
        assert current.id in text_of(app, "#finding")
        assert "LOOK ONLY" in text_of(app, "#banner")

    drive(step, size=size)


def test_arrows_alone_show_another_finding_with_its_evidence() -> None:
    async def step(app: WizardApp, pilot: Pilot[int]) -> None:
        first = text_of(app, "#finding")
        await pilot.press("down")
        await pilot.pause()
        assert text_of(app, "#finding") != first
        for _ in range(20):
            if "gpu.reset" in text_of(app, "#finding"):
                break
            await pilot.press("down")
            await pilot.pause()
        assert "gpu.reset" in text_of(app, "#finding")

    drive(step)


def test_the_chosen_card_becomes_the_same_module_that_the_command_writes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown: list[str] = []

    async def step(app: WizardApp, pilot: Pilot[int]) -> None:
        await choose_guest(app, pilot)
        await pilot.press("3")
        shown.append(app.query_one("#file", TextArea).text)
        assert "vfio-wizard export --host" in text_of(app, "#summary")

    drive(step)
    assert main(["export", "--host", SEED, "--gpu", GUEST]) == 0
    assert shown == [capsys.readouterr().out]


def test_the_hosts_card_is_refused_with_the_reason_and_cannot_be_saved() -> None:
    async def step(app: WizardApp, pilot: Pilot[int]) -> None:
        await pilot.press("2", "space")
        await settled(app, pilot)
        await pilot.press("3", "s")
        await pilot.pause()
        assert "REFUSED group.shared" in text_of(app, "#summary")
        assert app.query_one("#file", TextArea).text == ""
        assert not app.screen.query(Input)

    drive(step)


def test_saving_asks_where_and_never_writes_over_a_strangers_file(tmp_path: Path) -> None:
    strange = tmp_path / "configuration.nix"
    strange.write_text("{ }\n")
    wanted = tmp_path / "gpu_passthrough.nix"

    async def step(app: WizardApp, pilot: Pilot[int]) -> None:
        await choose_guest(app, pilot)
        await pilot.press("s")
        await pilot.pause()
        path = app.screen.query_one(Input)
        path.value = str(strange)
        await pilot.press("enter")
        await pilot.pause()
        assert "is there already" in text_of(app, ".message")
        path.value = str(wanted)
        await pilot.press("enter")
        await pilot.pause()
        assert "wrote" in text_of(app, ".message")
        await pilot.press("escape")

    drive(step)
    assert strange.read_text() == "{ }\n"
    assert "vfio-pci.ids=1002:731f,1002:ab38" in wanted.read_text()


def test_giving_the_choice_back_takes_the_proposal_away() -> None:
    async def step(app: WizardApp, pilot: Pilot[int]) -> None:
        await choose_guest(app, pilot)
        assert app.query_one(ReviewPane).proposal is not None
        await pilot.press("space")
        await settled(app, pilot)
        assert app.query_one(ReviewPane).proposal is None

    drive(step)


def test_explain_is_the_same_text_as_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    shown: list[str] = []

    async def step(app: WizardApp, pilot: Pilot[int]) -> None:
        await pilot.press("question_mark")
        await pilot.pause()
        shown.append(text_of(app, ".dialog Static"))
        await pilot.press("escape")
        await pilot.pause()
        assert app.query_one(ContentSwitcher).current == "check"

    drive(step)
    assert main(["explain", shown[0].partition(":")[0]]) == 0
    assert "".join(shown[0].split()) == "".join(capsys.readouterr().out.split())


def test_steps_go_forward_and_back_and_stop_at_the_ends() -> None:
    async def step(app: WizardApp, pilot: Pilot[int]) -> None:
        switcher = app.query_one(ContentSwitcher)
        seen = []
        for key in ("b", "n", "n", "n", "b"):
            await pilot.press(key)
            await pilot.pause()
            seen.append(switcher.current)
        assert seen == ["check", "devices", "review", "review", "devices"]
        assert "[2 Devices]" in text_of(app, "#steps")

    drive(step)


def test_a_server_chip_cannot_be_chosen(tmp_path: Path) -> None:
    listing = tmp_path / "groups.txt"
    listing.write_text(
        "IOMMU Group 0 03:00.0 VGA compatible controller [0300]: ASPEED [1a03:2000] (rev 30)\n"
        "IOMMU Group 1 04:00.0 3D controller [0302]: NVIDIA Corporation GA100 [10de:20b0] (rev a1)\n"
    )

    async def step(app: WizardApp, pilot: Pilot[int]) -> None:
        cards = app.query_one("#cards", OptionList)
        assert cards.get_option_at_index(0).disabled
        assert not cards.get_option_at_index(1).disabled

    drive(step, str(listing))


def test_a_name_with_terminal_escapes_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    listing = tmp_path / "groups.txt"
    listing.write_text(
        "IOMMU Group 1 04:00.0 VGA compatible controller [0300]: Evil \x1b]0;title\x07 [bold] [10de:1b81]\n"
    )

    async def step(app: WizardApp, pilot: Pilot[int]) -> None:
        await pilot.press("2")
        await pilot.pause()
        assert "\x1b" not in app.export_screenshot()

    drive(step, str(listing))


def test_a_change_of_a_device_is_told_and_looked_at_again() -> None:
    happen = threading.Event()
    looks: list[int] = []
    calm = brain(SEED, look(SEED))

    def changes(stopped: Callable[[], bool]) -> Iterator[str]:
        while not stopped() and not happen.wait(0.02):
            pass
        if not stopped():
            yield "0000:2f:00.0: bind (vfio-pci)"

    def counted(chosen: tuple[PciAddress, ...]) -> Survey:
        looks.append(1)
        return calm.look(chosen)

    async def session() -> None:
        app = make_app(calm._replace(changes=changes, look=counted))
        async with app.run_test() as pilot:
            await pilot.pause(0.3)
            before = len(looks)
            happen.set()
            await pilot.pause(SETTLES / 2)
            assert "bind (vfio-pci)" in text_of(app, "#status")
            await pilot.pause(SETTLES * 2)
            await settled(app, pilot)
            assert len(looks) == before + 1

    asyncio.run(session())


def test_without_a_terminal_it_says_what_to_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--host", SEED]) == 2
    assert "needs a terminal" in capsys.readouterr().err
