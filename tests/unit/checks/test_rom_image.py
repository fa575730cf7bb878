"""How a copy of the card's ROM is got: by the command that looks first, and never by hand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.facts_builder import GPU, at, card, good_machine, integrated, port
from vfio_wizard.checks.registry import run_checks
from vfio_wizard.model.finding import Outcome
from vfio_wizard.model.unread import untold

COPY = f"/usr/share/vgabios/{GPU}.rom"
DUMP = ("sudo", "vfio-wizard", "rom", "--dump", "--gpu", GPU, "-o", COPY)
SPARE: dict[str, Any] = {
    "driver": "vfio-pci", "boot_vga": False, "holders": (), "power_state": "D0", "rom": True,
}  # fmt: skip


def said(**told: Any) -> Outcome:
    gpu, *others = card(**(SPARE | told))
    facts = good_machine(pci=(integrated(driver="i915"), port(), gpu, *others), roms=())
    (found,) = run_checks(facts, (at(GPU),), only=("gpu.rom-image",))
    return found.outcome


@pytest.mark.parametrize("told", [{}, {"driver": None}, {"holders": untold("proc")}])
def test_where_it_is_safe_the_command_is_named(told: dict[str, Any]) -> None:
    fix = said(**told).fix
    assert fix is not None
    assert fix.commands[-1] == DUMP


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"boot_vga": True}, "it is the boot display"),
        ({"driver": "nouveau"}, "nouveau uses it"),
        ({"driver": "amdgpu"}, "amdgpu_vbios"),
        ({"boot_vga": untold("x")}, "whether it is the boot display is not known"),
        ({"power_state": "D3cold"}, "it sleeps"),
        ({"rom": False}, "no ROM"),
    ],
)
def test_where_it_is_not_safe_the_reason_and_another_way(told: dict[str, Any], why: str) -> None:
    fix = said(**told).fix
    assert fix is not None
    assert fix.commands == ()
    assert why in fix.text
    assert "Instead: " in fix.text
