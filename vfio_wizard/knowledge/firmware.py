"""What the switches in firmware setup are called. Words only from manuals; nothing is guessed.

Where a board is not in the table, the general words are given and the search is left to its manual.
"""

from __future__ import annotations

from typing import NamedTuple


class Switch(NamedTuple):
    """How a maker spells one switch: ``purpose`` is cpu or iommu, ``maker`` a part of the DMI vendor."""

    purpose: str
    cpu_vendor: str
    maker: str
    """Lower case; empty for any maker."""
    words: str
    source: str


SWITCHES: tuple[Switch, ...] = (
    Switch(
        "iommu",
        "intel",
        "super micro",
        "Intel VT for Directed I/O (VT-d)",
        "Supermicro X11DDW-L manual, chapter 4",
    ),
    Switch(
        "iommu",
        "intel",
        "micro-star",
        "Intel VT for Directed I/O Configuration, then Intel(R) VT-d",
        "MSI MS-91E2 manual, page 3-13",
    ),
    Switch(
        "cpu",
        "intel",
        "asus",
        "Advanced, CPU Configuration, Intel Virtualization Technology",
        "informatiweb.net tutorial on VT-d, ASUS WS X299 SAGE",
    ),
    Switch(
        "iommu",
        "intel",
        "asus",
        "VT-d, below Advanced, System Agent (SA) Configuration",
        "ROG Maximus XII Formula BIOS manual, 6.3; informatiweb.net tutorial, ASUS WS X299 SAGE",
    ),
    Switch(
        "iommu",
        "intel",
        "",
        "VT-d (Intel Virtualization Technology for Directed I/O)",
        "Intel's name for it",
    ),
    Switch("iommu", "amd", "", "IOMMU (sometimes AMD-Vi)", "AMD's names for it"),
    Switch(
        "cpu",
        "intel",
        "",
        "Intel Virtualization Technology (VT-x, on some boards VMX)",
        "Intel's name for it",
    ),
    Switch(
        "cpu", "amd", "", "SVM Mode (on some boards Secure Virtual Machine or AMD-V)", "AMD's names for it"
    ),
)


def switch(purpose: str, cpu_vendor: str, maker: str) -> Switch | None:
    """The best row for a board, the maker's own before the general one; None for other vendors."""
    rows = [one for one in SWITCHES if (one.purpose, one.cpu_vendor) == (purpose, cpu_vendor)]
    own = [one for one in rows if one.maker and one.maker in maker.lower()]
    return next(iter(own or [one for one in rows if not one.maker]), None)
