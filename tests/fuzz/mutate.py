"""Inputs made from seeds, the same for the same number: where no coverage-guided fuzzer is installed."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

LONGEST = 1 << 13
_REPEATS = (2, 16, 300, 2000)
_NUMBERS = (
    b"0",
    b"-1",
    b"255",
    b"65536",
    b"4294967296",
    b"99999999999999999999",
    b"0x",
    b"1e999",
    b"\xd9\xa3",
)
_PIECES = (
    b"\0",
    b"\n",
    b"\r\n",
    b"\t",
    b" ",
    b"\x1b[2J",
    b"\x1b]0;x\x07",
    b"\x9b31m",
    b"\xff",
    b"\xc3",
    b"\xe2\x80\xae",
    b'"',
    b"'",
    b"\\",
    b"`",
    b"$(",
    b"${",
    b"}",
    b"<",
    b">",
    b"&",
    b"]]>",
    b"--",
    b"#",
    b"=",
    b":",
    b";",
    b",",
    b"../",
    b"%s",
    b"{0}",
    b"\xef\xbb\xbf",
    b"\xf0\x9f\x92\xa9",
    b"\xed\xa0\x80",
)


def mutated(number: int, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """Input ``number``: a seed with one to eight changes."""
    dice = random.Random(number)  # noqa: S311 - repeatable on purpose
    data = bytearray(dice.choice(seeds) if seeds else b"")
    for _ in range(dice.choice((1, 1, 2, 3, 8))):
        dice.choice(_CHANGES)(dice, data, seeds, (*words, *_PIECES, *_NUMBERS))
    return bytes(data[:LONGEST])


Change = Callable[[random.Random, bytearray, Sequence[bytes], Sequence[bytes]], None]


def _place(dice: random.Random, data: bytearray) -> int:
    return dice.randrange(len(data) + 1)


def _span(dice: random.Random, data: bytearray) -> tuple[int, int]:
    start = _place(dice, data)
    return start, min(start + dice.choice((1, 2, 4, 16, 64, 1024)), len(data))


def _flip(dice: random.Random, data: bytearray, _seeds: Sequence[bytes], _words: Sequence[bytes]) -> None:
    if data:
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)


def _set(dice: random.Random, data: bytearray, _seeds: Sequence[bytes], _words: Sequence[bytes]) -> None:
    if data:
        data[dice.randrange(len(data))] = dice.choice((0, 1, 0x7F, 0x80, 0xFF, dice.randrange(256)))


def _cut(dice: random.Random, data: bytearray, _seeds: Sequence[bytes], _words: Sequence[bytes]) -> None:
    start, end = _span(dice, data)
    del data[start:end]


def _end(dice: random.Random, data: bytearray, _seeds: Sequence[bytes], _words: Sequence[bytes]) -> None:
    del data[_place(dice, data) :]


def _insert(dice: random.Random, data: bytearray, _seeds: Sequence[bytes], words: Sequence[bytes]) -> None:
    at = _place(dice, data)
    data[at:at] = dice.choice(words)


def _replace(dice: random.Random, data: bytearray, _seeds: Sequence[bytes], words: Sequence[bytes]) -> None:
    start, end = _span(dice, data)
    data[start:end] = dice.choice(words)


def _repeat(dice: random.Random, data: bytearray, _seeds: Sequence[bytes], _words: Sequence[bytes]) -> None:
    start, end = _span(dice, data)
    times = dice.choice(_REPEATS)
    data[start:end] = bytes(data[start:end]) * min(times, LONGEST // max(end - start, 1))


def _swap(dice: random.Random, data: bytearray, _seeds: Sequence[bytes], _words: Sequence[bytes]) -> None:
    """Two lines change places."""
    lines = data.split(b"\n")
    first, second = dice.randrange(len(lines)), dice.randrange(len(lines))
    lines[first], lines[second] = lines[second], lines[first]
    data[:] = b"\n".join(lines)


def _splice(dice: random.Random, data: bytearray, seeds: Sequence[bytes], _words: Sequence[bytes]) -> None:
    other = dice.choice(seeds) if seeds else b""
    start = dice.randrange(len(other) + 1)
    at = _place(dice, data)
    data[at:] = other[start:]


_CHANGES: tuple[Change, ...] = (_flip, _set, _cut, _end, _insert, _insert, _replace, _repeat, _swap, _splice)
