"""Light, dark, and the terminal's own 16 colours."""

from __future__ import annotations

from collections.abc import Mapping

from textual.theme import Theme

from vfio_wizard.tui.plain import PLAIN_TERMINALS

DARK, LIGHT, TERMINAL_DARK, TERMINAL_LIGHT = "vfio-dark", "vfio-light", "ansi-dark", "ansi-light"
ORDER = (DARK, LIGHT, TERMINAL_DARK, TERMINAL_LIGHT)

OWN = (
    Theme(
        name=DARK,
        primary="#5fafd7",
        secondary="#87afaf",
        accent="#d7af5f",
        warning="#e5b567",
        error="#ff7b72",
        success="#87d787",
        foreground="#d8dee4",
        background="#14181d",
        surface="#191e24",
        panel="#222931",
        dark=True,
    ),
    Theme(
        name=LIGHT,
        primary="#005f87",
        secondary="#3a6b6b",
        accent="#875f00",
        warning="#7a4d00",
        error="#a40e26",
        success="#116329",
        foreground="#1c2128",
        background="#fbfbf8",
        surface="#f3f3ee",
        panel="#e6e6de",
        dark=False,
    ),
)


def has_many_colours(environment: Mapping[str, str]) -> bool:
    """Whether the terminal says that it has more than 16."""
    terminal = environment.get("TERM", "")
    if terminal.startswith(PLAIN_TERMINALS):
        return False  # whatever COLORTERM says: it was inherited from another terminal
    if environment.get("COLORTERM") in ("truecolor", "24bit"):
        return True
    return "256color" in terminal or "direct" in terminal or terminal.startswith(("xterm-kitty", "alacritty"))


def is_light(environment: Mapping[str, str]) -> bool:
    """What some terminals tell in COLORFGBG: the number of the background's colour comes last."""
    return environment.get("COLORFGBG", "").rpartition(";")[2] in ("7", "15")


def fitting(environment: Mapping[str, str], wanted: str = "") -> str:
    """The theme for a terminal: the one that was wanted last time, where the terminal can show it."""
    terminal = TERMINAL_LIGHT if is_light(environment) else TERMINAL_DARK
    if environment.get("NO_COLOR") or not has_many_colours(environment):
        return terminal
    if wanted in ORDER:
        return wanted
    return LIGHT if is_light(environment) else DARK
