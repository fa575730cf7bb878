"""Draws a terminal's screen as a small SVG: the reader's own monospaced font, nothing fetched, no script.

One screen is a still picture; several with their times are an animation, by CSS alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from rich.terminal_theme import TerminalTheme

CELL, LINE, SIZE, EDGE = 8.4, 17, 14, 8

NIGHT = TerminalTheme(
    (20, 24, 29),
    (216, 222, 228),
    [
        *((20, 24, 29), (255, 123, 114), (135, 215, 135), (229, 181, 103)),
        *((95, 175, 215), (215, 135, 215), (135, 175, 175), (216, 222, 228)),
    ],
)

Run = tuple[int, str, str]
"""Column, text, and the class of its style."""


class Look(NamedTuple):
    """What a style comes to on the screen."""

    fore: str
    back: str
    bold: bool
    underline: bool


class Frame(NamedTuple):
    """One screen, and how many seconds it stays."""

    lines: tuple[tuple[Segment, ...], ...]
    seconds: float = 0


class _Sheet:
    """Styles get a short class name, in the order in which they are met."""

    def __init__(self, theme: TerminalTheme) -> None:
        self.theme = theme
        self.names: dict[Look, str] = {}

    def name(self, style: Style | None) -> tuple[str, Look]:
        look = self._look(style or Style())
        return self.names.setdefault(look, f"s{len(self.names)}"), look

    def _look(self, style: Style) -> Look:
        fore = self._hex(style.color, self.theme.foreground_color)
        back = self._hex(style.bgcolor, self.theme.background_color)
        if style.reverse:
            fore, back = back, fore
        return Look(fore, back, bool(style.bold), bool(style.underline))

    def _hex(self, color: Color | None, default: tuple[int, int, int]) -> str:
        if color is None or color.is_default:
            return f"#{default[0]:02x}{default[1]:02x}{default[2]:02x}"
        return color.get_truecolor(self.theme).hex

    def css(self) -> str:
        return "".join(
            f".{name}{{fill:{look.fore}{';font-weight:bold' if look.bold else ''}"
            f"{';text-decoration:underline' if look.underline else ''}}}"
            for look, name in self.names.items()
        )


def svg(frames: Sequence[Frame], width: int, height: int, title: str, theme: TerminalTheme = NIGHT) -> str:
    """The whole picture; more than one frame makes it move, over and over."""
    sheet = _Sheet(theme)
    bodies = [list(_drawn(frame, sheet)) for frame in frames]
    wide, high = width * CELL + 2 * EDGE, height * LINE + 2 * EDGE
    ground = sheet._hex(None, theme.background_color)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:.0f} {high:.0f}" role="img" '
        f'xml:space="preserve"><title>{escape(title)}</title>',
        f"<style>text{{font:{SIZE}px ui-monospace,Menlo,Consolas,DejaVu Sans Mono,monospace;"
        f"white-space:pre}}{sheet.css()}{_motion(frames)}</style>",
        f'<rect width="100%" height="100%" rx="6" fill="{ground}"/>',
    ]
    for number, body in enumerate(bodies):
        group = f'<g class="f{number}">' if len(bodies) > 1 else "<g>"
        lines += [group, *body, "</g>"]
    return "\n".join([*lines, "</svg>"]) + "\n"


def _motion(frames: Sequence[Frame]) -> str:
    """Each frame is seen in its part of the whole time."""
    total = sum(frame.seconds for frame in frames)
    if len(frames) < 2 or not total:
        return ""
    rules, start = [], 0.0
    for number, frame in enumerate(frames):
        end = start + frame.seconds
        a, b = 100 * start / total, 100 * end / total
        before = f"0%,{a:.2f}%{{visibility:hidden}}" if start else ""
        rules.append(
            f"@keyframes k{number}{{{before}{a + 0.001:.3f}%,{b:.2f}%{{visibility:visible}}"
            f"{min(b + 0.001, 100):.3f}%,100%{{visibility:{'visible' if b >= 99.99 else 'hidden'}}}}}"
            f".f{number}{{visibility:hidden;animation:k{number} {total:.1f}s step-end infinite}}"
        )
        start = end
    return "".join(rules)


def _drawn(frame: Frame, sheet: _Sheet) -> Iterable[str]:
    for row, segments in enumerate(frame.lines):
        yield from _line(row, segments, sheet)


def _line(row: int, segments: tuple[Segment, ...], sheet: _Sheet) -> Iterable[str]:
    ground = sheet._hex(None, sheet.theme.background_color)
    column = 0
    top = EDGE + row * LINE
    for text, style in _joined(segments):
        name, look = sheet.name(style)
        left = EDGE + column * CELL
        if look.back != ground:
            yield (
                f'<rect x="{left:.1f}" y="{top}" width="{len(text) * CELL + 0.3:.1f}" height="{LINE}" '
                f'fill="{look.back}"/>'
            )
        shown = text.strip(" ")
        if shown:
            at = left + (len(text) - len(text.lstrip(" "))) * CELL
            yield (
                f'<text x="{at:.1f}" y="{top + 13}" class="{name}" textLength="{len(shown) * CELL:.1f}">'
                f"{escape(shown)}</text>"
            )
        column += len(text)


def _joined(segments: tuple[Segment, ...]) -> Iterable[tuple[str, Style | None]]:
    """Neighbours of one style as one."""
    held, last = "", None
    for text, style, control in segments:
        if control:
            continue
        if held and style != last:
            yield held, last
            held = ""
        held, last = held + text, style
    if held:
        yield held, last
