"""For everybody's terminal: themes, colours, plain ASCII, and colour never alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.color import Color
from textual.theme import Theme

from tests.tui.driving import Wizard, drive
from tests.tui.machines import SEED
from vfio_wizard.tui import themes
from vfio_wizard.tui.plain import is_plain, plain_text

HEALTHY = str(SEED)
MODERN = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}


@pytest.mark.parametrize(
    ("environment", "wanted", "theme"),
    [
        (MODERN, "", themes.DARK),
        (MODERN | {"COLORFGBG": "0;15"}, "", themes.LIGHT),
        (MODERN, themes.LIGHT, themes.LIGHT),
        (MODERN, "no-such-theme", themes.DARK),
        (MODERN | {"NO_COLOR": "1"}, themes.DARK, themes.TERMINAL_DARK),
        ({"TERM": "linux"}, themes.DARK, themes.TERMINAL_DARK),
        ({"TERM": "linux", "COLORTERM": "truecolor"}, "", themes.TERMINAL_DARK),
        ({"TERM": "xterm", "COLORFGBG": "0;15"}, "", themes.TERMINAL_LIGHT),
        ({"TERM": "screen-256color"}, "", themes.DARK),
        ({}, "", themes.TERMINAL_DARK),
    ],
)
def test_the_theme_fits_the_terminal(environment: dict[str, str], wanted: str, theme: str) -> None:
    assert themes.fitting(environment, wanted) == theme


@pytest.mark.parametrize(
    ("terminal", "encoding", "plain"),
    [
        ("linux", "utf-8", True),
        ("vt220", "UTF-8", True),
        ("xterm-256color", "utf-8", False),
        ("xterm", "ANSI_X3.4-1968", True),
        ("xterm", None, True),
        ("tmux-256color", "UTF-8", False),
    ],
)
def test_the_console_and_a_serial_line_are_plain(terminal: str, encoding: str | None, plain: bool) -> None:
    assert is_plain({"TERM": terminal}, encoding) is plain


@pytest.mark.parametrize("text", ["plain", "┌─┐│ │└─┘", "a … b", "日本語", "▁▂▃█", "e\u0301x", "→ ✓ “x”"])
def test_plain_text_keeps_its_columns(text: str) -> None:
    shown = plain_text(text)
    assert shown.isascii()
    assert cell_len(shown) == cell_len(text)


@pytest.mark.parametrize("terminal", ["linux", "vt220"])
def test_on_the_console_every_screen_and_dialog_is_ascii(
    terminal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", terminal)
    monkeypatch.delenv("COLORTERM")

    async def do(wizard: Wizard) -> None:
        await wizard.press("3", "down", "space")
        for key in ("1", "2", "4", "5", "6", "7"):
            await wizard.press(key)
            assert wizard.screen_text().isascii()
        for keys in (("2", "question_mark"), ("4", "enter"), ("s",), ("ctrl+p",)):
            await wizard.press(*keys)
            assert wizard.screen_text().isascii()
            await wizard.press("escape")

    drive(do, HEALTHY)


def test_what_colours_say_the_words_say_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same screens with all colours and with none have the same characters."""
    seen: list[list[str]] = []

    async def do(wizard: Wizard) -> None:
        screens = []
        await wizard.press("3", "down", "space")
        for key in ("1", "2", "3", "5", "6"):
            await wizard.press(key)
            screens.append(wizard.screen_text())
        seen.append(screens)

    drive(do, HEALTHY)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))
    drive(do, HEALTHY)
    assert seen[0] == seen[1]


def test_without_colour_no_segment_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def do(wizard: Wizard) -> None:
        for key in ("1", "2", "3", "4"):
            await wizard.press(key)
            styles = [one.style for line in wizard.strips() for one in line if one.style]
            assert all(one.color is None or one.color.is_default for one in styles)
            assert all(one.bgcolor is None or one.bgcolor.is_default for one in styles)
            assert any(one.reverse for one in styles), "where the cursor stands cannot be seen"

    drive(do, HEALTHY)


def test_the_theme_key_goes_round_and_is_remembered() -> None:
    async def first(wizard: Wizard) -> None:
        met = []
        for _ in themes.ORDER:
            met.append(wizard.app.theme)
            await wizard.press("t")
        assert tuple(met) == themes.ORDER
        assert wizard.app.theme == themes.DARK
        await wizard.press("t")

    async def second(wizard: Wizard) -> None:
        assert wizard.app.theme == themes.LIGHT

    drive(first, HEALTHY)
    drive(second, HEALTHY)


@pytest.mark.parametrize("theme", themes.OWN, ids=lambda theme: theme.name)
def test_text_stands_out_from_its_ground(theme: Theme) -> None:
    """WCAG's 4.5 to 1 for every tone, on the ground and on the panel."""
    for name in ("foreground", "primary", "secondary", "accent", "warning", "error", "success"):
        for ground in ("background", "panel"):
            text, back = (Color.parse(getattr(theme, one)) for one in (name, ground))
            assert _contrast(text, back) >= 4.5, f"{name} on {ground}"


def _contrast(one: Color, other: Color) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: Color) -> float:
    parts = [value / 255 for value in color.rgb]
    red, green, blue = (one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
