"""Whether there is room for the change, and for taking it back, before anything is begun."""

from __future__ import annotations

from vfio_wizard.apply.disk import Disk, Room
from vfio_wizard.apply.patterns import matching
from vfio_wizard.apply.work import STORE, Work
from vfio_wizard.model.errors import WizardError

MIB = 1 << 20
SPARE = 8 * MIB
"""For journals, entries and everything small."""


class NoRoomError(WizardError):
    """A file system is too full, or closed to writing."""


def check(work: Work, disk: Disk) -> None:
    """Raises NoRoomError with the numbers."""
    sizes = {path: _size(disk, path) for path in matching(disk, work.patterns)}
    sizes |= {one.path: len(one.content) + _size(disk, one.path) for one in work.changes}
    sizes |= {argv[3].lstrip("/"): _size(disk, argv[2].lstrip("/")) for argv in _copies(work)}
    rooms: dict[int, Room] = {}
    needs: dict[int, int] = {}
    places: dict[int, str] = {}
    for path, size in sizes.items():
        room = disk.room(path)
        _refuse_closed(room, path.rpartition("/")[0])
        rooms[room.device] = room
        places.setdefault(room.device, path.rpartition("/")[0])
        # A generator writes the new image beside the old one, and so does undo: one at a time.
        needs[room.device] = max(needs.get(room.device, 0), size + size // 4)
    store = disk.room(STORE)
    _refuse_closed(store, STORE)
    rooms[store.device] = store
    places[store.device] = STORE
    needs[store.device] = needs.get(store.device, 0) + sum(_size(disk, path) for path in sizes) + SPARE
    for device, need in needs.items():
        _check_one(rooms[device], places[device], need + MIB)


def _copies(work: Work) -> list[tuple[str, ...]]:
    """``cp --no-clobber FROM TO``: a second image beside the first."""
    return [run.argv for run in work.runs if run.argv[0] == "cp"]


def _size(disk: Disk, path: str) -> int:
    look = disk.look(path)
    return 0 if look is None else look.size


def _refuse_closed(room: Room, place: str) -> None:
    """Asked for each path: a part of a writable file system may be mounted read-only."""
    if room.read_only:
        message = f"the file system of /{place} is mounted read-only; nothing was changed"
        raise NoRoomError(message)


def _check_one(room: Room, place: str, need: int) -> None:
    if room.free < need:
        message = (
            f"too little room on the file system of /{place}: {room.free // MIB} MiB free, "
            f"{need // MIB} MiB needed for a second copy while files are replaced; nothing was changed"
        )
        raise NoRoomError(message)
