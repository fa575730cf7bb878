"""``apply`` on NixOS: the module goes where the user says, the import line is named, and nothing is run."""

from __future__ import annotations

import os
import sys

from vfio_wizard.cli.apply import Planned, confirm
from vfio_wizard.cli.exits import Exit
from vfio_wizard.cli.export import refuse_strangers
from vfio_wizard.cli.given import Given
from vfio_wizard.cli.look import print_json
from vfio_wizard.model.errors import UsageError
from vfio_wizard.render.nixos_steps import steps
from vfio_wizard.report.clean import clean
from vfio_wizard.system.files import write_whole

SCHEMA = "vfio-wizard/apply/1"


def place_module(given: Given, planned: Planned) -> int:
    """One file, whole or not at all. To take it back: the import line away, and rebuild."""
    path = given.text("output")
    if path is None:
        message = "on NixOS, say where the module goes: -o /etc/nixos/gpu_passthrough.nix, or into your flake"
        raise UsageError(message)
    module = planned.rendered.artifacts[0]
    place = os.path.join(path, module.path) if os.path.isdir(path) else path  # noqa: PTH112, PTH118 - as export
    content = module.text.encode()
    refuse_strangers(place, content, force=False)
    confirm(given, f"Write {clean(place)}?")
    write_whole(place, content)
    told = steps(planned.plan, path=place)
    if given.flag("json"):
        print_json(_document(planned, place, told))
        return Exit.OK
    sys.stdout.write(f"\nwrote {clean(place)}\n")
    for number, one in enumerate(told, 1):
        sys.stdout.write(f"{number}. {clean(one)}\n")
    sys.stdout.write("To take it back: remove the import line and rebuild, or boot an older generation.\n")
    return Exit.OK


def _document(planned: Planned, place: str, told: tuple[str, ...]) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "outcome": "written",
        "reasons": list(told),
        "transaction": None,
        "written": [place],
        "commands": [],
        "ways_back": list(planned.rendered.ways_back),
    }
