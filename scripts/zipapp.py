"""Make dist/vfio-wizard.pyz: the program and its pure-Python libraries as one file that Python runs.

The same commit and the same libraries give the same bytes: names are sorted, and every time in the
archive is SOURCE_DATE_EPOCH, or that of the last commit.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import BinaryIO

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.vendor import vendor  # noqa: E402 - the package is found beside this script

START = """\
import sys

if sys.version_info < (3, 11):
    sys.exit("vfio-wizard needs Python 3.11 or later; this is " + sys.version.split()[0])
from vfio_wizard.cli import main

sys.exit(main())
"""
SHEBANG = b"#!/usr/bin/env python3\n"


def make(target: Path) -> None:
    """Write the archive, and make it executable."""
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place)
        vendor(tree, frozenset())
        ignored = shutil.ignore_patterns("__pycache__", "*.toml")
        shutil.copytree(ROOT / "vfio_wizard", tree / "vfio_wizard", ignore=ignored)
        (tree / "__main__.py").write_text(START)
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as out:
            out.write(SHEBANG)
            _pack(tree, out)
    target.chmod(0o755)


def _pack(tree: Path, out: BinaryIO) -> None:
    moment = time.gmtime(epoch())[:6]
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(tree.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(str(path.relative_to(tree)), moment)
                entry.external_attr = 0o644 << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, path.read_bytes())


def epoch() -> int:
    """The time that the archive says it is from, in seconds since 1970."""
    told = os.environ.get("SOURCE_DATE_EPOCH")
    if told:
        return int(told)
    log = ("git", "-C", str(ROOT), "log", "-1", "--format=%ct")
    return int(subprocess.run(log, capture_output=True, text=True, check=True).stdout)


def main() -> int:
    """Make the archive where the argument says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "dist/vfio-wizard.pyz")
    target: Path = parser.parse_args().output
    make(target)
    print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
