"""Writing files of a machine as its tools do, with a moment before each step at which a test can strike."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

Strike = Callable[[str], None]
"""Called before each step with its name; may raise, or end the process."""


def never(_step: str) -> None:
    """No fault."""


class Pen:
    """The file operations of a tool."""

    def __init__(self, root: Path, strike: Strike = never) -> None:
        self.root = root
        self.strike = strike

    def text(self, path: str) -> str:
        return (self.root / path).read_text(errors="surrogateescape")

    def there(self, path: str) -> bool:
        return (self.root / path).exists()

    def names(self, folder: str) -> list[str]:
        place = self.root / folder
        return sorted(one.name for one in place.iterdir()) if place.is_dir() else []

    def write(self, path: str, content: bytes | str) -> None:
        """In place: cut off and written in two halves, as a shell's ``>`` does."""
        data = content.encode(errors="surrogateescape") if isinstance(content, str) else content
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        self.strike(f"tool opens {path}")
        with place.open("wb") as stream:
            stream.write(data[: len(data) // 2])
            stream.flush()
            self.strike(f"tool writes {path}")
            stream.write(data[len(data) // 2 :])

    def whole(self, path: str, content: bytes | str, beside: str) -> None:
        """Beside it first, then renamed."""
        self.write(beside, content)
        self.rename(beside, path)

    def rename(self, old: str, new: str) -> None:
        self.strike(f"tool renames {old}")
        (self.root / old).rename(self.root / new)

    def remove(self, path: str) -> None:
        self.strike(f"tool removes {path}")
        (self.root / path).unlink(missing_ok=True)

    def digest(self, path: str) -> str:
        return hashlib.sha1((self.root / path).read_bytes(), usedforsecurity=False).hexdigest()
