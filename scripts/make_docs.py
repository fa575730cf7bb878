"""Write the pages that are generated from the program: docs/checks.md."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from vfio_wizard.report.explain import checks_markdown  # noqa: E402 - the package is found beside this script


def main() -> int:
    """Write the page; with ``--check`` only say whether it is up to date."""
    page = ROOT / "docs" / "checks.md"
    text = checks_markdown()
    if "--check" in sys.argv[1:]:
        current = page.read_text(encoding="utf-8") if page.exists() else ""
        if current != text:
            print("docs/checks.md is out of date: run scripts/make_docs.py", file=sys.stderr)
        return int(current != text)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(text, encoding="utf-8")
    print(f"wrote {page.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
