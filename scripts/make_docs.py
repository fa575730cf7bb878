"""Write the pages that are generated from the program's own tables and texts."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from vfio_wizard.report.explain import checks_markdown  # noqa: E402 - the package is found beside this script
from vfio_wizard.report.stale import stale_markdown  # noqa: E402
from vfio_wizard.report.symptoms import symptoms_markdown  # noqa: E402

PAGES = {
    "docs/checks.md": checks_markdown,
    "docs/symptoms.md": symptoms_markdown,
    "docs/stale-advice.md": stale_markdown,
}


def main() -> int:
    """Write the pages; with ``--check`` only say which are out of date."""
    stale = {name: make() for name, make in PAGES.items() if _current(name) != make()}
    for name, text in stale.items():
        if "--check" in sys.argv[1:]:
            print(f"{name} is out of date: run make docs", file=sys.stderr)
            continue
        (ROOT / name).write_text(text, encoding="utf-8")
        print(f"wrote {name}")
    return int(bool(stale) and "--check" in sys.argv[1:])


def _current(name: str) -> str:
    page = ROOT / name
    return page.read_text(encoding="utf-8") if page.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
