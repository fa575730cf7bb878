"""Put the program's pure-Python libraries into a folder: ``vendor.py FOLDER [--without NAME…]``.

For packages that bring along what the system has not. Versions are the newest that pyproject.toml allows;
what is compiled (zstandard) is left out, since the program does without.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
DROPPED = ("bin", "share")
"""Scripts and manuals of libraries: nobody calls them from here."""


def requirements(without: frozenset[str]) -> list[str]:
    """The program's own requirements that need no compiler: those without a marker."""
    wanted = tomllib.loads(PROJECT.read_text())["project"]["dependencies"]
    return [one for one in wanted if ";" not in one and _name(one) not in without]


def _name(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower()


def vendor(folder: Path, without: frozenset[str]) -> None:
    """Install into the folder. Raises RuntimeError when one of the libraries is not pure Python."""
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    wanted = requirements(without)
    target = ["install", "--no-compile", "--only-binary=:all:", "--target", str(folder)]
    subprocess.run([*pip, *target, *wanted], check=True)
    compiled = [path.name for path in folder.rglob("*.so")]
    if compiled:
        message = f"these are for one machine only: {', '.join(compiled)}"
        raise RuntimeError(message)
    for name in DROPPED:
        shutil.rmtree(folder / name, ignore_errors=True)
    _forget_the_installation(folder)


def _forget_the_installation(folder: Path) -> None:
    """Take out what pip notes about this run, which differs from one to the next."""
    for pattern in ("*.dist-info/RECORD", "*.dist-info/direct_url.json", "*.dist-info/REQUESTED"):
        for path in folder.glob(pattern):
            path.unlink()


def main() -> int:
    """Fill the folder that was named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--without", action="append", default=[], metavar="NAME")
    arguments = parser.parse_args()
    vendor(arguments.folder, frozenset(arguments.without))
    return 0


if __name__ == "__main__":
    sys.exit(main())
