"""One file as it was before the change, as a line of the journal and a blob beside it."""

from __future__ import annotations

import base64
from typing import Any

from vfio_wizard.apply.disk import FILE, LINK, Disk, Look
from vfio_wizard.model.record import NamedTuple

ABSENT = "absent"

Json = dict[str, Any]


class Kept(NamedTuple):
    """What stood at a path; ``look`` is None where nothing did."""

    path: str
    look: Look | None
    sha256: str = ""
    """Of a regular file's content."""
    blob: str = ""
    """Its copy, relative to the transaction's folder."""

    @property
    def state(self) -> str:
        """What ``state_of`` says of the path while it is as it was."""
        if self.look is None:
            return ABSENT
        return f"link:{self.look.target}" if self.look.kind == LINK else self.sha256


def state_of(disk: Disk, path: str) -> str:
    """Content in a word that can be compared: a hash, ``link:…``, or ``absent``."""
    look = disk.look(path)
    if look is None:
        return ABSENT
    if look.kind == LINK:
        return f"link:{look.target}"
    return disk.digest(path) if look.kind == FILE else look.kind


def to_json(kept: Kept) -> Json:
    """For the journal."""
    line: Json = {"step": "keep", "path": kept.path, "kind": ABSENT}
    if kept.look is None:
        return line
    look = kept.look
    line |= {
        "kind": look.kind,
        "mode": f"{look.mode:04o}",
        "owner": look.owner,
        "group": look.group,
        "size": look.size,
        "mtime_ns": look.mtime_ns,
        "xattrs": {name: base64.b64encode(value).decode() for name, value in look.xattrs},
    }
    if look.kind == LINK:
        return line | {"target": look.target}
    return line | {"sha256": kept.sha256, "blob": kept.blob}


def from_json(line: Json) -> Kept:
    """From the journal. Raises KeyError, TypeError or ValueError for what is no such line."""
    if line["kind"] == ABSENT:
        return Kept(str(line["path"]), None)
    look = Look(
        kind=str(line["kind"]),
        mode=int(line["mode"], 8),
        owner=int(line["owner"]),
        group=int(line["group"]),
        size=int(line["size"]),
        mtime_ns=int(line["mtime_ns"]),
        xattrs=tuple((name, base64.b64decode(value)) for name, value in sorted(line["xattrs"].items())),
        target=str(line.get("target", "")),
    )
    return Kept(str(line["path"]), look, str(line.get("sha256", "")), str(line.get("blob", "")))
