"""Numbers and lists as the kernel writes them into one-line files."""

from __future__ import annotations

from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.system.host import Host

MOST_CPUS = 1 << 16
"""No list of processors is longer; a wild range must not fill the memory."""


def from_hex(text: str, digits: int) -> int | None:
    """A number of at most ``digits`` hex digits, ``0x`` allowed; None for any other text."""
    bare = text[2:] if text[:2] in ("0x", "0X") else text
    if not 0 < len(bare) <= digits or not (bare.isascii() and bare.isalnum()):
        return None
    try:
        return int(bare, 16)
    except ValueError:
        return None


def from_decimal(text: str) -> int | None:
    """A decimal number, perhaps negative, of at most 19 digits; None for any other text."""
    bare = text.removeprefix("-")
    return int(text) if len(bare) < 20 and bare.isascii() and bare.isdigit() else None


def cpu_list(text: str) -> tuple[int, ...] | None:
    """The list form ``0-3,8``, ascending and without repetition; None for any other text."""
    found: set[int] = set()
    for part in text.strip().split(",") if text.strip() else ():
        low, dash, high = part.partition("-")
        first, last = from_decimal(low), from_decimal(high if dash else low)
        if first is None or last is None or not 0 <= first <= last < MOST_CPUS:
            return None
        found.update(range(first, last + 1))
    return tuple(sorted(found))


def read_number(host: Host, path: str) -> int | Unread:
    """The decimal number that is all of a file."""
    text = host.text(path)
    if isinstance(text, Unread):
        return text
    number = from_decimal(text.strip())
    return Unread(path, Gap.MALFORMED, "not a number") if number is None else number


def read_cpu_list(host: Host, path: str) -> tuple[int, ...] | Unread:
    """The list of processors that is all of a file."""
    text = host.text(path)
    if isinstance(text, Unread):
        return text
    listed = cpu_list(text)
    return Unread(path, Gap.MALFORMED, "not a list of processors") if listed is None else listed
