"""The step Options: what this machine has for a guest is offered, what cannot be has its reason beside it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from tests.tui.driving import SIZES, Wizard, drive
from tests.tui.machines import GUEST_CARD, SEED
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.selection import DomainWish, Offer, Selection, SoundWish
from vfio_wizard.planning.answers import print_answers
from vfio_wizard.report.pages.rows import row_text

CARD = Selection((PciAddress.parse(GUEST_CARD),))
OWN_GROUP, SHARED_GROUP = "0000:31:00.3", "0000:02:00.0"
BY_ID = "/dev/input/by-id"
KEYBOARD = f"{BY_ID}/usb-Some_Keyboard_0123-event-kbd"
PATHS = {
    OWN_GROUP: f"sys/devices/pci0000:00/0000:00:08.1/{OWN_GROUP}",
    SHARED_GROUP: f"sys/devices/pci0000:00/0000:00:01.3/{SHARED_GROUP}",
}
PLUGGED = {
    "1-1": ("046d", "c52b", "Logitech", "USB Receiver", SHARED_GROUP),
    "1-2": ("05e3", "0608", "Genesys", "Hub", SHARED_GROUP),
    "3-1": ("1532", "0084", "Razer", "DeathAdder", OWN_GROUP),
    "3-2": ("0951", "1666", "Kingston", "Stick", OWN_GROUP),
    "3-3": ("0951", "1666", "Kingston", "Stick", OWN_GROUP),
}


@pytest.fixture
def desk(tmp_path: Path) -> str:
    """The machine of the story with a keyboard, a mouse, sticks and a bridge."""
    capture = json.loads(SEED.read_text())
    directories, files, links = capture["directories"], capture["files"], capture["links"]
    directories["dev/input/by-id"] = [
        "usb-Some_Keyboard_0123-event-kbd", "usb-Some_Keyboard_0123-event-if01", "usb-Some_Mouse-event-mouse",
    ]  # fmt: skip
    directories["sys/bus/usb/devices"] = ["usb1", "1-1:1.0", *PLUGGED]
    for name, (vendor, product, maker, words, controller) in PLUGGED.items():
        place = f"sys/bus/usb/devices/{name}"
        files |= {f"{place}/idVendor": vendor, f"{place}/idProduct": product, f"{place}/manufacturer": maker}
        files |= {f"{place}/product": words, f"{place}/bDeviceClass": "09" if words == "Hub" else "00"}
        links[place] = f"{PATHS[controller]}/usb{name[0]}/{name}"
    directories["sys/class/net"] = ["br0", "enp34s0", "virbr0", "wlp1s0"]
    for name in ("br0", "virbr0"):
        links[f"sys/class/net/{name}"] = f"sys/devices/virtual/net/{name}"
        capture["stats"][f"sys/class/net/{name}/bridge"] = "directory 0755 0 0 0 0"
    links["sys/class/net/wlp1s0"] = "sys/devices/pci0000:00/0000:00:02.1/0000:01:00.0/net/wlp1s0"
    capture["stats"]["sys/class/net/wlp1s0/phy80211"] = "directory 0755 0 0 0 0"
    path = tmp_path / "desk.json"
    path.write_text(json.dumps(capture))
    return str(path)


async def choices(wizard: Wizard, title: str) -> list[str]:
    """Open a question; its answers in words."""
    await wizard.press("4", "home")
    await wizard.to(title)
    await wizard.press("enter")
    return [row_text(one, 200) for one in wizard.dialog.rows]


async def choose(wizard: Wizard, title: str, words: str) -> None:
    """Answer a question by the first answer that holds the words."""
    await choices(wizard, title)
    keys = [one.key for one in wizard.dialog.rows if words in row_text(one, 200)]
    wizard.dialog.go_to(keys[0])
    await wizard.press("enter")


async def write(wizard: Wizard, text: str) -> None:
    """Write into the line of the dialog in front."""
    wizard.app.screen.query_one("#answer").value = text  # type: ignore[attr-defined]
    await wizard.press("enter")


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_every_question_about_the_guest_is_answered_by_keys_alone(desk: str, size: tuple[int, int]) -> None:
    async def do(wizard: Wizard) -> None:
        await choose(wizard, "Keyboard and mouse", "Some_Keyboard")
        await choose(wizard, "Keyboard and mouse", "also usb-Some_Mouse")
        await choose(wizard, "USB devices", "Logitech USB Receiver")
        await choose(wizard, "USB controller", OWN_GROUP)
        await choose(wizard, "Network", "macvtap on enp34s0")
        await choose(wizard, "SPICE window", "no: keys")
        await choose(wizard, "Sound", "PipeWire")
        await choose(wizard, "iommufd", "the older way")
        await choose(wizard, "Firmware", "without Secure Boot")
        await choose(wizard, "ROM of the card", "write another")
        await write(wizard, "/srv/card.rom")
        chosen = wizard.app.state.selection
        assert tuple(str(one) for one in chosen.also) == (OWN_GROUP,)
        told = tomllib.loads(print_answers(chosen))["domain"]
        assert told["evdev"] == [KEYBOARD, f"{BY_ID}/usb-Some_Mouse-event-mouse"]
        assert told["usb"] == ["046d:c52b"]
        assert told["network"] == "direct:enp34s0"
        assert (told["spice"], told["sound"], told["iommufd"]) == ("off", "pipewire", "off")
        assert (told["firmware"], told["rom"]) == ("uefi", "/srv/card.rom")
        await choose(wizard, "Keyboard and mouse", "without usb-Some_Mouse")
        assert wizard.app.state.selection.domain.evdev == (KEYBOARD,)

    drive(do, desk, size, selection=CARD)


@pytest.mark.parametrize(
    ("title", "words", "reason"),
    [
        ("USB controller", SHARED_GROUP, "IOMMU group 15 holds"),
        ("USB devices", "Kingston", "2 devices have this id"),
        ("Network", "wlp1s0", "one address only"),
    ],
)
def test_what_cannot_be_says_why_and_is_not_taken(desk: str, title: str, words: str, reason: str) -> None:
    async def do(wizard: Wizard) -> None:
        before = wizard.app.state.selection
        await choose(wizard, title, words)
        assert reason in wizard.page
        assert reason[:12] in wizard.screen_text()
        assert len(wizard.app.screen.query("#choices")) == 1, "the dialog stays"
        await wizard.press("escape")
        assert wizard.app.state.selection == before

    drive(do, desk, selection=CARD)


def test_one_answer_can_stand_against_another(desk: str) -> None:
    spice = CARD._replace(domain=DomainWish(sound=SoundWish.SPICE, usb=("1532:0084",)))

    async def do(wizard: Wizard) -> None:
        await choose(wizard, "SPICE window", "no: keys")
        assert "sound goes through it" in wizard.page
        await wizard.press("escape")
        await choose(wizard, "USB controller", OWN_GROUP)
        rows = await choices(wizard, "USB devices")
        assert [one for one in rows if "Razer DeathAdder (1532:0084)" in one]
        await wizard.press("escape")

    drive(do, desk, selection=spice)
    quiet = CARD._replace(domain=DomainWish(spice=Offer.OFF), also=(PciAddress.parse(OWN_GROUP),))

    async def again(wizard: Wizard) -> None:
        await choose(wizard, "Sound", "through SPICE")
        await wizard.press("escape")
        await choose(wizard, "Sound", "(-)")
        assert "SPICE is off" in wizard.page
        await wizard.press("escape")
        await choose(wizard, "USB devices", "Razer")
        assert "goes to the guest as a whole" in wizard.page
        await wizard.press("escape")

    drive(again, desk, selection=quiet)


def test_what_is_written_is_looked_at_before_it_is_taken(desk: str) -> None:
    async def do(wizard: Wizard) -> None:
        for title, wrong, right in (
            ("Keyboard and mouse", "/dev/sda", KEYBOARD),
            ("USB devices", "keyboard", "046d:c52b"),
            ("USB controller", "first", OWN_GROUP),
            ("Network", "wifi", "bridge:lan"),
            ("ROM of the card", "card.rom", "/srv/card.rom"),
        ):
            await choose(wizard, title, "write another")
            await write(wizard, wrong)
            assert wizard.static(".message"), title
            await write(wizard, right)
            assert not wizard.app.screen.query("#answer"), title
        domain = wizard.app.state.selection.domain
        assert (domain.evdev, domain.usb, domain.network) == ((KEYBOARD,), ("046d:c52b",), "bridge:lan")
        assert [one for one in await choices(wizard, "Network") if "bridge:lan" in one]

    drive(do, desk, selection=CARD)


def test_a_record_without_peripherals_lets_them_be_written() -> None:
    async def do(wizard: Wizard) -> None:
        await wizard.press("4")
        await wizard.to("Keyboard and mouse")
        assert "Enter: write the answer. In the answers file: domain.evdev" in wizard.page
        await wizard.press("enter")
        await write(wizard, KEYBOARD)
        assert wizard.app.state.selection.domain.evdev == (KEYBOARD,)

    drive(do, str(SEED), selection=CARD)


def test_at_80_by_24_nothing_stands_outside_and_the_reason_is_seen(desk: str) -> None:
    async def do(wizard: Wizard) -> None:
        await wizard.press("4")
        while "Program in the guest" not in wizard.row:
            await wizard.press("down")
            assert all(len(line) <= 80 for line in wizard.screen_text().splitlines())
        await choose(wizard, "USB controller", SHARED_GROUP)
        text = wizard.screen_text()
        assert len(text.splitlines()) == 24
        assert "Not here: IOMMU group 15 holds" in text
        assert "Escape leaves it as it was" in text

    drive(do, desk, (80, 24), selection=CARD)
