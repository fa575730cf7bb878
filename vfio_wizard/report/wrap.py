"""Text in columns, without the price of importing textwrap and its regular expressions."""

from __future__ import annotations


def wrap(text: str, width: int, first: str = "", rest: str | None = None) -> list[str]:
    """Lines of at most ``width`` columns: ``first`` before the first, ``rest`` before the others.

    Words longer than a line are cut, so that nothing ever sticks out.
    """
    follow = " " * len(first) if rest is None else rest
    lines: list[str] = []
    line = first
    empty = True
    for word in _pieces(text, max(width - max(len(first), len(follow)), 8)):
        if not empty and len(line) + 1 + len(word) > width:
            lines.append(line)
            line, empty = follow, True
        line = line + word if empty else f"{line} {word}"
        empty = False
    lines.append(line.rstrip())
    return lines


def _pieces(text: str, room: int) -> list[str]:
    """The words, each cut into pieces that fit."""
    return [word[start : start + room] for word in text.split() for start in range(0, len(word), room)]
