"""Addresses, ids and versions are read by hand, and exactly as these patterns would read them."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as some

from vfio_wizard.model.pci import PciAddress, PciId
from vfio_wizard.model.version import kernel_version, release

ADDRESS = re.compile(
    r"(?:(?P<domain>[0-9a-f]{4,8}):)?(?P<bus>[0-9a-f]{2}):(?P<device>[01][0-9a-f])\.(?P<function>[0-7])",
    re.ASCII | re.IGNORECASE,
)
ID = re.compile(r"(?:0x)?([0-9a-f]{4}):(?:0x)?([0-9a-f]{4})", re.ASCII | re.IGNORECASE)
NUMBER = re.compile(r"(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?", re.ASCII)

_ODD = "0123789aAfFgGxX:. _-+\n\t٣Ⅷ"
_ADDRESSES = some.from_regex(ADDRESS, fullmatch=True) | some.text(_ODD, max_size=14)
_IDS = some.from_regex(ID, fullmatch=True) | some.text(_ODD, max_size=12)
_VERSIONS = some.from_regex(NUMBER) | some.text("0123456789.-٣", max_size=25)


@given(_ADDRESSES)
def test_an_address_is_what_the_pattern_says(text: str) -> None:
    match = ADDRESS.fullmatch(text)
    try:
        read = PciAddress.parse(text)
    except ValueError:
        assert match is None
        return
    assert match is not None
    assert read == tuple(int(match[part] or "0", 16) for part in ("domain", "bus", "device", "function"))


@given(_IDS)
def test_an_id_is_what_the_pattern_says(text: str) -> None:
    match = ID.fullmatch(text)
    try:
        read = PciId.parse(text)
    except ValueError:
        assert match is None
        return
    assert match is not None
    assert read == (match[1].lower(), match[2].lower())


@given(_VERSIONS)
def test_a_version_is_what_the_pattern_says(text: str) -> None:
    match = NUMBER.match(text)
    assert release(text) == (None if match is None else tuple(int(one or 0) for one in match.groups()))
    assert kernel_version(text) == (None if match is None else (int(match[1]), int(match[2])))
