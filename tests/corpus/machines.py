"""The recorded machines beside the project (shared reference data), as their owners published them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

Truth = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("VFIO_WIZARD_SHARED", str(ROOT.parent / "shared")))
CORPUS = SHARED / "corpus"

LISTING = "IOMMU group listing"
FACTER = "nixos-facter report"
TREE = "sysfs tarball"


class Recorded(NamedTuple):
    """One state of one machine: its raw files, and how a person read them."""

    name: str
    data: str
    listing: str
    files: tuple[Path, ...]
    truth: Truth

    @property
    def primary(self) -> Path | None:
        """The file that alone holds the grouping: the listing or the report."""
        names = ("iommu-", "facter.json")
        return next((path for path in self.files if path.name.startswith(names)), None)

    @property
    def parts(self) -> list[tuple[str, str]]:
        """All text files as (label, text)."""
        return [(path.name, path.read_text(errors="replace")) for path in self.files if path.suffix != ".bz2"]


def machines() -> list[Recorded]:
    """Every state of every machine, by name; none when the reference data is not there."""
    return [state for folder in sorted(CORPUS.glob("*/about.json")) for state in _states(folder.parent)]


def _states(folder: Path) -> list[Recorded]:
    about = json.loads((folder / "about.json").read_text())
    truth = about["truth"]
    main = tuple(path for path in sorted(folder.iterdir()) if path.is_file() and path.name != "about.json")
    kind, listing = about["data"], about["listing"]
    found = [Recorded(folder.name, kind, listing, main, truth)]
    for name, state in truth.get("states", {}).items():
        files = tuple(folder / file for file in state["files"])
        found.append(Recorded(f"{folder.name}:{name}", kind, listing, files, state))
    return found
