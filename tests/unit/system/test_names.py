"""Names from the PCI id database: the lines of a model, wherever they stand in the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.facts_builder import good_machine
from vfio_wizard.model.pci import PciId
from vfio_wizard.system.host import RootHost
from vfio_wizard.system.lspci import DATABASES, database_names, function_names

DATABASE = """# a comment
1002  Advanced Micro Devices, Inc. [AMD/ATI]
\t67df  Ellesmere
\t\t1043 0001  A board
# in between
\t731f  Navi 10
1003  A vendor without devices
10de  NVIDIA Corporation
\t1b80  GP104
8086  Intel Corporation
\t1901  PCIe Controller
\t9a49  Tiger Lake
0f00  Out of order
\t0001  One

C 03  Display controller
\t00  VGA compatible controller
"""


def _named(tmp_path: Path, text: str, *models: str) -> dict[str, str]:
    place = tmp_path / DATABASES[0]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    found = database_names(RootHost(str(tmp_path)), [PciId.parse(one) for one in models])
    return {str(model): name for model, name in found.items()}


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("1002:67df", "Advanced Micro Devices, Inc. [AMD/ATI] Ellesmere"),
        ("1002:731f", "Advanced Micro Devices, Inc. [AMD/ATI] Navi 10"),
        ("1002:1b80", "Advanced Micro Devices, Inc. [AMD/ATI] Device 1b80"),
        ("1003:1b80", "A vendor without devices Device 1b80"),
        ("8086:9a49", "Intel Corporation Tiger Lake"),
        ("8086:0001", "Intel Corporation Device 0001"),
        ("0f00:0001", "Out of order One"),
        ("1234:0001", None),
    ],
)
def test_a_model_has_the_name_in_its_vendors_block(tmp_path: Path, model: str, name: str | None) -> None:
    assert _named(tmp_path, DATABASE, model).get(model) == name


def test_many_at_once_have_the_names_that_each_has_alone(tmp_path: Path) -> None:
    models = ("8086:9a49", "0f00:0001", "1002:731f", "1002:67df", "1003:0001", "8086:1901", "ffff:ffff")
    alone = [_named(tmp_path, DATABASE, model) for model in models]
    assert _named(tmp_path, DATABASE, *models) == {name: text for one in alone for name, text in one.items()}


_IDS = some.sampled_from(["0001", "00ff", "1002", "10de", "8086", "8087", "fff0"])


@given(
    some.lists(some.tuples(_IDS, some.lists(_IDS, unique=True)), unique_by=lambda one: one[0]), some.data()
)
def test_no_order_of_the_file_changes_a_name(
    tmp_path_factory: pytest.TempPathFactory,
    vendors: list[tuple[str, list[str]]],
    data: some.DataObject,
) -> None:
    text = "\n" + "".join(
        f"{vendor}  V{vendor}\n" + "".join(f"\t{device}  D{vendor}{device}\n" for device in devices)
        for vendor, devices in vendors
    )
    asked = data.draw(some.lists(some.tuples(_IDS, _IDS), min_size=1))
    expected = {
        f"{vendor}:{device}": f"V{vendor} "
        + (f"D{vendor}{device}" if device in known else f"Device {device}")
        for vendor, known in vendors
        for one, device in asked
        if one == vendor
    }
    found = _named(tmp_path_factory.mktemp("ids"), text, *(f"{one}:{device}" for one, device in asked))
    assert found == expected


def test_only_the_wanted_functions_are_named() -> None:
    seen = good_machine()
    assert isinstance(seen.pci, tuple)
    one = seen.pci[0]
    named = seen._replace(pci=tuple(each._replace(name=f"Card {each.address}") for each in seen.pci))
    assert function_names(None, named, {str(one.address), "no address"}) == {
        one.address: f"Card {one.address}"
    }
