"""Write docs/corpus.md from the tests' tables and the recorded machines beside the project."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.corpus.machines import CORPUS
from tests.corpus.report import page

PAGE = Path(__file__).resolve().parent.parent / "docs" / "corpus.md"


def main() -> int:
    """Write the page; 2 without the recorded machines."""
    if not CORPUS.is_dir():
        print("the recorded machines are not there (VFIO_WIZARD_SHARED)", file=sys.stderr)
        return 2
    PAGE.write_text(page(), encoding="utf-8")
    print("wrote docs/corpus.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
