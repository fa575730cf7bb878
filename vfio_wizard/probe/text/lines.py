"""Pasted text, line by line: without colours, quote marks and other traces of the way it came."""

from __future__ import annotations

import re
from collections.abc import Iterator

from vfio_wizard.model.record import NamedTuple

# Terminal escapes: with the real ESC, with "^[" as some editors save it, or with the ESC lost.
_ESCAPES = re.compile(
    r"(?:\x1b|\^\[|␛)(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)?|[@-Z\\^_])?"
    r"|\[\d{1,3}(?:;\d{1,3})*m"
)
_TAGS = (
    r"(?ai)\[/?(?:b|i|u|s|code|quote|spoiler|html|list|left|center|color|size|font|url|pre)(?:=[^\]\n]{0,80})?\]"
    r"|</?(?:pre|code|span|b|i|em|strong|p|br|div|li|ul|ol|font|blockquote)(?: [^>\n]{0,200})?/?>"
)
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&"))
_QUOTES = re.compile(r"(?:\s{0,8}>)+ ?")
_TREE = str.maketrans(dict.fromkeys("│├└─┬┤┌┐┘╰╭╞╪╡╤╧═━┃|", " "))
_CONTROL = r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200b\ufeff\ud800-\udfff]"
_NUMBERED = r"\s{0,8}(?!(?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[01][0-9a-f]\.[0-7])(\d{1,5})(?:[:.)|] ?|\t|\s{1,2}|$)"

LINE_LIMIT = 2000
"""Characters of a line that are looked at; a longer one is no listing."""


class Line(NamedTuple):
    """One line as its author meant it: its number in the text, its indent, and its words."""

    number: int
    indent: int
    text: str


def clean_lines(text: str) -> Iterator[Line]:
    """All lines, blank ones too (their text is empty)."""
    rows = _untagged(_ESCAPES.sub("", text)).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    numbered = _is_numbered(rows)
    for number, row in enumerate(rows, 1):
        yield _clean(number, row[:LINE_LIMIT], numbered)


def _untagged(text: str) -> str:
    """Without the marks of forums and web pages, where a closing one shows that there are some."""
    if "[/" in text or "</" in text:
        text = re.sub(_TAGS, "", text)
        for entity, plain in _ENTITIES:
            text = text.replace(entity, plain)
    return text


def words(text: str) -> str:
    """Words of a device name on one line, without control characters and repeated blanks."""
    plain = text if text.isprintable() else re.sub(_CONTROL, " ", text)
    return " ".join(plain.split())


def _clean(number: int, row: str, numbered: bool) -> Line:
    if ">" in row[:9] and (quote := _QUOTES.match(row)):
        row = row[quote.end() :]
    if numbered and (prefix := re.match(_NUMBERED, row)):
        row = row[prefix.end() :]
    row = row.translate(_TREE).replace("\xa0", " ").expandtabs(8).rstrip()
    if not row.isprintable():
        row = re.sub(_CONTROL, "", row)
    bare = row.lstrip(" ")
    return Line(number, len(row) - len(bare), bare)


def _is_numbered(rows: list[str]) -> bool:
    """Whether the lines begin with rising numbers, as ``cat -n`` and ``grep -n`` print them.

    Addresses do not count: ``01:00.0`` over ``02:00.0`` is a listing, not line 1 over line 2.
    """
    last = -1
    for row in rows:
        bare = _QUOTES.sub("", row, count=1)
        if not bare.strip():
            continue
        found = re.match(_NUMBERED, bare)
        if found is None or int(found[1]) <= last:
            return False
        last = int(found[1])
    return last > 0
