"""Keeps the capture of a boot as a fixture, with a note on where it comes from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.lab.scenario import Outcome

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"

NOTE = """\
# An emulated machine that really booted; recorded by `python -m tests.lab.run --save`.
title = {title}
kind = "emulated"
kernel = {kernel}
parameters = {parameters}
modprobe = {modprobe}
qemu = {devices}
gpus = {gpus}
"""


def save(outcome: Outcome) -> None:
    """Replace the fixture by this boot's capture; a boot that failed its expectations is not kept."""
    if outcome.problems:
        return
    folder = FIXTURES / outcome.name
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(outcome.folder / "out/host.json", folder / "host.json")
    (folder / "machine.toml").write_text(_note(outcome))


def _note(outcome: Outcome) -> str:
    """TOML, whose strings and lists of strings are those of JSON."""
    said = json.loads((outcome.folder / "out/check").read_text())
    topology = outcome.topology
    values = {
        "title": topology.title,
        "kernel": said["host"]["kernel"],
        "parameters": topology.parameters,
        "modprobe": topology.modprobe,
        "devices": topology.devices,
        "gpus": topology.gpus,
    }
    return NOTE.format(**{name: json.dumps(value, ensure_ascii=False) for name, value in values.items()})
