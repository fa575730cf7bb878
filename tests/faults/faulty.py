"""A disk on which every step can be struck: before it, and in the middle of what is written."""

from __future__ import annotations

import errno
import os

from tests.faults.pen import Strike
from vfio_wizard.apply.disk import Look, Room, RootDisk


class FaultyDisk:
    """The real disk, with ``strike`` called before each step that changes something or reads content."""

    def __init__(self, root: str, strike: Strike) -> None:
        self.real = RootDisk(root)
        self.strike = strike

    def look(self, path: str) -> Look | None:
        return self.real.look(path)

    def resolve(self, path: str) -> str:
        return self.real.resolve(path)

    def trust(self, path: str) -> None:
        self.real.trust(path)

    def read(self, path: str) -> bytes:
        self.strike(f"read {path}")
        return self.real.read(path)

    def digest(self, path: str) -> str:
        self.strike(f"digest {path}")
        return self.real.digest(path)

    def names(self, path: str) -> tuple[str, ...]:
        return self.real.names(path)

    def room(self, path: str) -> Room:
        return self.real.room(path)

    def create(self, path: str, content: bytes) -> None:
        self.strike(f"create {path}")
        self.real.create(path, content[: len(content) // 2])
        self.strike(f"write {path}")
        self.real.append(path, content[len(content) // 2 :])

    def append(self, path: str, content: bytes) -> None:
        self.strike(f"open {path}")
        self.real.append(path, content[: len(content) // 2])
        self.strike(f"append {path}")
        self.real.append(path, content[len(content) // 2 :])

    def copy(self, source: str, path: str) -> None:
        self.create(path, self.real.read(source))

    def link(self, path: str, target: str) -> None:
        self.strike(f"link {path}")
        self.real.link(path, target)

    def dress(self, path: str, look: Look, *, times: bool) -> None:
        self.strike(f"dress {path}")
        self.real.dress(path, look, times=times)

    def sync(self, path: str) -> None:
        self.strike(f"sync {path}")
        self.real.sync(path)

    def rename(self, old: str, new: str) -> None:
        self.strike(f"rename {old}")
        self.real.rename(old, new)

    def sync_folder(self, path: str) -> None:
        self.strike(f"sync-folder {path}")
        self.real.sync_folder(path)

    def remove(self, path: str) -> None:
        self.strike(f"remove {path}")
        self.real.remove(path)

    def make_folder(self, path: str, mode: int) -> None:
        self.strike(f"make-folder {path}")
        self.real.make_folder(path, mode)

    def remove_folder(self, path: str) -> bool:
        self.strike(f"remove-folder {path}")
        return self.real.remove_folder(path)


class Counter:
    """Names every step, and strikes none."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def __call__(self, step: str) -> None:
        self.steps.append(step)


class Killer(Counter):
    """Ends the process at one step, as SIGKILL does: no ``except`` and no ``finally`` runs."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    def __call__(self, step: str) -> None:
        if len(self.steps) == self.at:
            os._exit(9)
        super().__call__(step)


class Refuser(Counter):
    """The system refuses one step, or with ``lasting`` that one and all after it."""

    def __init__(self, at: int, number: int, *, lasting: bool = False) -> None:
        super().__init__()
        self.at = at
        self.number = number
        self.lasting = lasting

    def __call__(self, step: str) -> None:
        super().__call__(step)
        now = len(self.steps) - 1
        if now == self.at or (self.lasting and now > self.at and self._concerns(step)):
            raise OSError(self.number, os.strerror(self.number), step)

    def _concerns(self, step: str) -> bool:
        """A full disk still renames, removes and reads."""
        return self.number != errno.ENOSPC or step.split(maxsplit=1)[0] in (
            "create",
            "write",
            "append",
            "make-folder",
            "tool",
        )
