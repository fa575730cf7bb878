"""Unpacks archives with Python's own filters, which Debian 12's Python 3.11.2 has not got yet."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Literal


def unpack(packed: tarfile.TarFile, place: Path, rule: Literal["tar", "data"]) -> None:
    """``tar`` keeps links as they are, ``data`` refuses those that leave the folder (PEP 706).

    Before 3.11.4 nothing is refused: what is unpacked here is our own or lies beside the project.
    """
    if hasattr(tarfile, "data_filter"):
        packed.extractall(place, filter=rule)  # noqa: S202 - with a rule
    else:
        packed.extractall(place)  # noqa: S202 - see above
