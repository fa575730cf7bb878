"""The machines that the wizard is tried on: recordings, variants of one, and a made server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scripts import synthetic
from vfio_wizard.cli import main

REPOSITORY = Path(__file__).resolve().parents[2]
FIXTURES = REPOSITORY / "fixtures"
SEED = FIXTURES / "rx5600xt-rx550-nixos/host.json"
GUEST_CARD, HOST_CARD = "0000:2f:00.0", "0000:28:00.0"

Capture = dict[str, Any]


def _lab(name: str) -> Callable[[Path], str]:
    return lambda _folder: str(FIXTURES / f"lab-6.12-{name}/host.json")


def _variant(name: str, change: Callable[[Capture], None]) -> Callable[[Path], str]:
    """The seed's recording with something else in it."""

    def make(folder: Path) -> str:
        capture: Capture = json.loads(SEED.read_text())
        change(capture)
        path = folder / f"{name}.json"
        path.write_text(json.dumps(capture))
        return str(path)

    return make


def _laptop(capture: Capture) -> None:
    """The host's card drives the built-in panel."""
    whole = json.dumps(capture).replace("card0-DP-1", "card0-eDP-1")
    capture.update(json.loads(whole))
    capture["files"]["sys/class/dmi/id/chassis_type"] = "10"


_CLOSED = ("sys/kernel/iommu_groups", "sys/firmware/acpi", "proc/cmdline", "sys/class/drm", "sys/class/dmi")
_VERBS = {"files": "text", "links": "link", "directories": "names", "stats": "stat", "binary": "data"}


def _denied(capture: Capture) -> None:
    """What an ordinary user may see on a machine that is locked down."""
    gaps = capture.setdefault("gaps", {})
    for kind, verb in _VERBS.items():
        for path in [one for one in capture.get(kind, {}) if one.startswith(_CLOSED)]:
            del capture[kind][path]
            gaps[f"{verb} {path}"] = "denied"


def _server(folder: Path) -> str:
    path = folder / "server.json"
    tree = synthetic.make(folder / "server", 200)
    assert main(["capture", "--host", str(tree), "-o", str(path)]) == 0
    return str(path)


MACHINES: dict[str, Callable[[Path], str]] = {
    "healthy": lambda _folder: str(SEED),
    "blocked": _lab("no-svm"),
    "single": _lab("single-gpu"),
    "twins": _lab("twins"),
    "laptop": _variant("laptop", _laptop),
    "no-iommu": _lab("no-iommu"),
    "server": _server,
    "denied": _variant("denied", _denied),
}
