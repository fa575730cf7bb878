"""pylspci as a second opinion on what lspci prints unchanged."""

from __future__ import annotations

import pytest
from pylspci.parsers.simple import SimpleParser
from pylspci.parsers.verbose import VerboseParser

from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.pci import PciClass, PciFunction, PciId
from vfio_wizard.probe.text.read import read_texts

RECORDS = """\
Slot:\t0000:00:01.0
Class:\tPCI bridge [0604]
Vendor:\tIntel Corporation [8086]
Device:\tXeon PCIe Controller (x16) [1901]
Rev:\t05
Driver:\tpcieport

Slot:\t0000:01:00.0
Class:\tVGA compatible controller [0300]
Vendor:\tNVIDIA Corporation [10de]
Device:\tGP104 [GeForce GTX 1080] [1b80]
SVendor:\tGigabyte Technology Co., Ltd [1458]
SDevice:\tDevice [3702]
Rev:\ta1
Driver:\tnouveau
Module:\tnvidiafb
Module:\tnouveau

"""

QUOTED = (
    '00:01.0 "PCI bridge [0604]" "Intel Corporation [8086]" "Xeon PCIe Controller (x16) [1901]" -r05 "" ""\n'
    '01:00.0 "VGA compatible controller [0300]" "NVIDIA Corporation [10de]" "GP104 [GeForce GTX 1080] [1b80]"'
    ' -ra1 "Gigabyte Technology Co., Ltd [1458]" "Device [3702]"\n'
)


def ours(text: str) -> dict[str, PciFunction]:
    facts: HostFacts = read_texts([("text", text)])
    assert isinstance(facts.pci, tuple)
    return {str(one.address): one for one in facts.pci}


@pytest.mark.parametrize(
    ("text", "parser"),
    [(RECORDS, VerboseParser), (QUOTED, SimpleParser)],
    ids=["records", "quoted"],
)
def test_both_read_the_same_functions(text: str, parser: type) -> None:
    mine = ours(text)
    theirs = list(parser().parse(text))

    assert len(theirs) == len(mine) == 2
    for device in theirs:
        slot = device.slot
        one = mine[f"{slot.domain:04x}:{slot.bus:02x}:{slot.device:02x}.{slot.function:x}"]
        assert one.id == PciId(f"{device.vendor.id:04x}", f"{device.device.id:04x}")
        assert isinstance(one.cls, PciClass)
        assert (one.cls.base << 8 | one.cls.sub) == device.cls.id
        if device.driver:
            assert one.driver == device.driver


@pytest.mark.parametrize("text", [RECORDS, QUOTED], ids=["records", "quoted"])
def test_a_prompt_above_the_output_changes_nothing(text: str) -> None:
    pasted = f"user@host:~$ lspci\n{text}"

    assert ours(pasted).keys() == ours(text).keys()
