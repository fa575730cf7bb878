"""Strings from hardware, files and users, made safe to print on a terminal.

No regex and no unicodedata: this is imported by every report, and a table of ranges is enough.
"""

from __future__ import annotations

_HIDDEN = (
    (0x00, 0x1F, "C0 controls: newlines, tabs and ESC, which starts terminal sequences"),
    (0x7F, 0x9F, "DEL and C1 controls: 0x9b is ESC [ in one character"),
    (0x00AD, 0x00AD, "soft hyphen"),
    (0x061C, 0x061C, "Arabic letter mark"),
    (0x180E, 0x180E, "Mongolian vowel separator"),
    (0x200B, 0x200F, "zero-width characters and direction marks"),
    (0x2028, 0x202E, "line and paragraph separators, direction embeddings and overrides"),
    (0x2060, 0x206F, "word joiner, invisible operators, direction isolates"),
    (0xD800, 0xDFFF, "lone surrogates: bytes that were no UTF-8, which stdout would refuse"),
    (0xFEFF, 0xFEFF, "byte order mark"),
    (0xFFF9, 0xFFFB, "interlinear annotation"),
    (0xE0000, 0xE007F, "invisible tag characters"),
)


def clean(text: str) -> str:
    """The text with everything that a terminal would obey or hide shown as ``\\x1b`` or ``\\u202e``."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(char) for char in text)


def _shown(char: str) -> str:
    code = ord(char)
    if not any(first <= code <= last for first, last, _ in _HIDDEN):
        return char
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
