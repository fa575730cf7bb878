"""A terminal that knows nothing but ASCII, such as the Linux console or a serial line."""

from __future__ import annotations

from collections.abc import Mapping

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_LIKE = {
    "─━╌╍┄┅┈┉═▁▂▔": "-",
    "│┃┆┇┊┋║▏▎▍▌▋▊▕▐": "|",
    "┌┐└┘├┤┬┴┼╭╮╰╯╔╗╚╝╠╣╦╩╬┏┓┗┛": "+",
    "█▉▇▆▅▄▃▀■▪": "#",
    "░▒▓": ":",
    "•·∙●○◉◯": "*",
    "–—−‐‑": "-",
    "‘’‚‛′": "'",
    "“”„″«»": '"',
    "→▶▸❯›⮞": ">",
    "←◀◂❮‹": "<",
    "↑▲▴": "^",
    "↓▼▾": "v",
    "×✕✖✗✘": "x",
    "✓✔": "+",
    "\u00a0\u2002\u2003\u2009": " ",
    "…": ".",
    "é": "e",
    "ü": "u",
    "ö": "o",
    "ä": "a",
}
LOOKALIKES = {ord(char): plain for chars, plain in _LIKE.items() for char in chars}

PLAIN_TERMINALS = ("linux", "vt", "ansi", "cons", "pcansi", "dumb", "sun")


def is_plain(environment: Mapping[str, str], encoding: str | None) -> bool:
    """Whether to keep to ASCII: the bare console, a serial line, a locale without Unicode."""
    terminal = environment.get("TERM", "")
    return terminal.startswith(PLAIN_TERMINALS) or "utf" not in (encoding or "").lower()


def plain_text(text: str) -> str:
    """The same in ASCII, column for column."""
    if text.isascii():
        return text
    text = text.translate(LOOKALIKES)
    return text if text.isascii() else "".join(_plain_char(char) for char in text)


def _plain_char(char: str) -> str:
    return char if char.isascii() else "?" * cell_len(char)


class Plain(LineFilter):
    """Every character that leaves for the terminal, Textual's own borders and bars included."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """The same segments in ASCII."""
        return [Segment(plain_text(text), style, control) for text, style, control in segments]
