"""The guided path: what a person sees, chooses and gets, on eight machines."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.tui.conftest import Machine
from tests.tui.driving import Wizard, drive
from tests.tui.machines import GUEST_CARD, HOST_CARD, MACHINES, SEED
from vfio_wizard.cli import main
from vfio_wizard.model.pci import PciAddress

HEALTHY = str(SEED)
CARD = PciAddress.parse(GUEST_CARD)

EXPECTED = {
    "healthy": ("READY", "can be given to a guest", "Space gives the card"),
    "blocked": ("BLOCKED", "hypervisor does not hand hardware virtualisation on", "BLOCK"),
    "single": ("READY", "the only display of this machine", "no other graphics"),
    "twins": ("READY", "can be given to a guest", "has a twin"),
    "laptop": ("READY", "screen on eDP-1", "built-in panel hangs on this card"),
    "no-iommu": ("BLOCKED", "no virtual IOMMU", "none, no IOMMU is active"),
    "server": ("", "can be given to a guest", "IOMMU groups, to give other devices along"),
    "denied": ("UNKNOWN", "could not be", "not known"),
}


@pytest.mark.parametrize("name", MACHINES)
def test_each_machine_is_told_in_its_own_words(machine: Machine, name: str) -> None:
    verdict, on_first_page, on_devices = EXPECTED[name]

    async def do(wizard: Wizard) -> None:
        assert wizard.static("#status").startswith(verdict)
        assert on_first_page in wizard.page
        await wizard.press("n")
        blocks = [row for row in wizard.rows if row.startswith("BLOCK")]
        assert bool(blocks) == (verdict == "BLOCKED")
        seen = wizard.page + " ".join(wizard.rows)
        await wizard.press("n")
        for _ in wizard.rows:
            seen += f" {wizard.row} {wizard.page}"
            await wizard.press("down")
        assert on_devices in seen + wizard.hint

    drive(do, machine(name))


def test_from_the_first_look_to_the_file_that_the_command_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = tmp_path / "gpu_passthrough.nix"
    shown: list[str] = []

    async def do(wizard: Wizard) -> None:
        await wizard.press("enter", "n")
        await wizard.to("2f:00.0")
        await wizard.press("space")
        assert "[x] 2f:00.0" in wizard.row
        await wizard.press("n", "n")
        await wizard.to("gpu_passthrough.nix")
        shown.append(wizard.app.pane.to_copy())
        assert "vfio-pci.ids=1002:731f,1002:ab38" in wizard.page
        await wizard.press("6", "enter")
        assert not wanted.exists()
        await wizard.press("5", "end", "enter", "n", "enter")
        await _answer(wizard, str(wanted))
        assert "wrote" in wizard.page
        assert wizard.row.startswith("[x]")

    drive(do, HEALTHY)
    assert main(["export", "--host", HEALTHY, "--gpu", GUEST_CARD]) == 0
    assert wanted.read_text() == shown[0] == capsys.readouterr().out


async def _answer(wizard: Wizard, text: str) -> None:
    """Write into the dialog's line instead of what stands there."""
    wizard.app.screen.query_one("#answer").value = text  # type: ignore[attr-defined]
    await wizard.press("enter")
    for _ in range(100):
        job = wizard.app.state.job
        if job is None or job.seconds is not None:
            return
        await wizard.pilot.pause(0.05)


def test_nothing_can_be_done_before_the_review_is_confirmed_and_each_change_locks_again() -> None:
    async def do(wizard: Wizard) -> None:
        await wizard.press("3", "down", "space", "6")
        assert wizard.row.startswith("[-]")
        assert "not confirmed yet" in wizard.page
        await wizard.press("enter")
        assert wizard.app.state.job is None
        await wizard.press("5", "end", "enter")
        assert "Confirmed" in wizard.hint
        await wizard.press("6")
        assert wizard.row.startswith("[ ]")
        await wizard.press("4")
        await wizard.to("Largest picture")
        await wizard.press("enter", "down", "enter", "6")
        assert wizard.row.startswith("[-]")

    drive(do, HEALTHY)


def test_the_hosts_card_is_refused_in_the_words_of_the_plan_and_can_be_overruled() -> None:
    async def do(wizard: Wizard) -> None:
        await wizard.press("3")
        assert "It is refused as things are" in wizard.page
        assert "The picture on DP-1" in wizard.page
        await wizard.press("space", "5")
        assert wizard.row.startswith("REFUSED")
        assert "Refused" in wizard.hint
        assert not [row for row in wizard.rows if "I have read this" in row]
        await wizard.press("enter")
        assert "Overrule" in wizard.screen_text()
        await wizard.press("enter")
        assert wizard.row.startswith("REFUSED")
        await wizard.press("enter", "down", "enter")
        assert wizard.app.state.selection.allow == ("group.shared",)
        assert [row for row in wizard.rows if "I have read this" in row]

    drive(do, HEALTHY)


def given(wizard: Wizard) -> tuple[str, ...]:
    """The devices that go along with the card."""
    return tuple(str(one) for one in wizard.app.state.selection.also)


def test_what_cannot_be_given_says_why_and_stays() -> None:
    async def do(wizard: Wizard) -> None:
        await wizard.press("3")
        await wizard.to("IOMMU groups")
        await wizard.press("right")
        await wizard.to("group 15")
        await wizard.press("right")
        await wizard.to("22:00.0")
        assert wizard.row.strip().startswith("[-]")
        assert "default route" in wizard.page
        await wizard.press("space")
        assert given(wizard) == ()
        await wizard.to("02:00.0", "up")
        await wizard.press("space")
        assert given(wizard) == ("0000:02:00.0",)
        await wizard.press("left", "left")
        assert "group 15" in wizard.row
        assert not [row for row in wizard.rows if "02:00.1" in row]

    drive(do, HEALTHY)


def test_twins_cannot_be_bound_by_id_and_the_choice_says_so(machine: Machine) -> None:
    async def do(wizard: Wizard) -> None:
        await wizard.press("3")
        await wizard.to("has a twin")
        await wizard.press("space", "4")
        assert "(-) by id" in wizard.page
        await wizard.press("enter", "down")
        assert "has an id that another device has too" in wizard.page
        await wizard.press("enter")
        assert wizard.dialog.row is not None, "a choice that cannot be had was taken"
        await wizard.press("escape", "n")
        assert any("bound by address" in row or "rests on addresses" in row for row in wizard.rows)

    drive(do, machine("twins"))


def test_answers_that_cannot_be_are_told_and_mended() -> None:
    async def do(wizard: Wizard) -> None:
        await wizard.press("4")
        await wizard.to("Name of the guest")
        await wizard.press("enter")
        await _answer(wizard, "a/b")
        assert "a/b" in wizard.static(".message")
        await _answer(wizard, "gaming")
        assert "gaming" in wizard.row
        assert wizard.app.state.selection.guest == "gaming"
        await wizard.to("CPUs of the host")
        assert "level-3 cache" in wizard.page
        await wizard.press("enter")
        await _answer(wizard, "900")
        await wizard.press("escape")

    drive(do, HEALTHY)


def test_explain_is_the_same_text_as_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    shown: list[str] = []

    async def do(wizard: Wizard) -> None:
        await wizard.press("2", "question_mark")
        shown.append(wizard.app.screen.text)  # type: ignore[attr-defined]
        await wizard.press("question_mark")
        shown.append(wizard.app.screen.text)  # type: ignore[attr-defined]
        await wizard.press("escape", "2")
        assert wizard.static("#steps").strip().startswith("1 Look [2 Check]")

    drive(do, HEALTHY)
    for text in shown:
        assert main(["explain", text.partition(":")[0]]) == 0
        assert text.split() == capsys.readouterr().out.split()


def test_what_is_copied_is_what_the_finding_says(machine: Machine) -> None:
    async def do(wizard: Wizard) -> None:
        await wizard.press("2")
        for _ in wizard.rows:
            if wizard.app.pane.to_copy():
                break
            await wizard.press("down")
        text = wizard.app.pane.to_copy()
        assert text
        await wizard.press("c")
        assert wizard.app.clipboard == text
        assert text.splitlines()[0].split()[0] in wizard.page

    drive(do, machine("denied"))


def test_arrows_and_enter_alone_lead_on() -> None:
    async def do(wizard: Wizard) -> None:
        await wizard.press("enter")
        assert "[2 Check]" in wizard.static("#steps")
        await wizard.press("end", "down")
        assert wizard.app.focused is not None
        assert wizard.app.focused.id == "next"
        await wizard.press("up", "down", "enter")
        assert "[3 Devices]" in wizard.static("#steps")

    drive(do, HEALTHY)


def test_a_name_with_terminal_escapes_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    listing = tmp_path / "groups.txt"
    listing.write_text(
        "IOMMU Group 1 04:00.0 VGA compatible controller [0300]: Evil \x1b]0;title\x07 [bold] [10de:1b81]\n"
    )

    async def do(wizard: Wizard) -> None:
        for key in ("1", "3"):
            await wizard.press(key)
            assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", wizard.screen_text())
            assert "[bold]" in wizard.screen_text()

    drive(do, str(listing))


def test_a_server_chip_cannot_be_chosen(tmp_path: Path) -> None:
    listing = tmp_path / "groups.txt"
    listing.write_text(
        "IOMMU Group 0 03:00.0 VGA compatible controller [0300]: ASPEED [1a03:2000] (rev 30)\n"
        "IOMMU Group 1 04:00.0 3D controller [0302]: NVIDIA Corporation GA100 [10de:20b0] (rev a1)\n"
    )

    async def do(wizard: Wizard) -> None:
        await wizard.press("3")
        assert wizard.row.strip().startswith("[ ] 04:00.0")
        await wizard.press("up")
        assert wizard.row.strip().startswith("[-] 03:00.0")
        assert "management graphics" in wizard.page
        await wizard.press("space")
        assert not wizard.app.state.has_choice
        await wizard.press("down", "space")
        assert wizard.app.state.has_choice

    drive(do, str(listing))


def test_host_card_constant_is_the_one_that_the_first_page_names() -> None:
    async def do(wizard: Wizard) -> None:
        assert HOST_CARD.removeprefix("0000:") in wizard.page

    drive(do, HEALTHY)


def test_without_a_terminal_it_says_what_to_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--host", HEALTHY]) == 2
    assert "needs a terminal" in capsys.readouterr().err
