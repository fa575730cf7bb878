"""Turn knowledge/data/*.toml into knowledge/tables.py, so that no run of the program parses TOML."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from vfio_wizard.knowledge.grammar import TABLES, Rows, parse  # noqa: E402 - found beside this script

DATA = ROOT / "vfio_wizard" / "knowledge" / "data"
COMPILED = ROOT / "vfio_wizard" / "knowledge" / "tables.py"
HEAD = '''"""Made from data/*.toml by scripts/compile_knowledge.py: change those files, not this one."""

# fmt: off
# ruff: noqa: E501 - one entry a line, as Python prints it
from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Rows = tuple[tuple[Any, ...], ...]
else:
    Rows = tuple
'''


def compiled(data: Path = DATA) -> str:
    """The text of the module. Raises ValueError that names file and fault."""
    rows: dict[str, Rows] = dict.fromkeys(TABLES, ())
    for path in sorted(data.glob("*.toml")):
        parsed = parse(path.read_text(encoding="utf-8"))
        if parsed.problems:
            message = "\n".join(f"{path.name}: {problem}" for problem in parsed.problems)
            raise ValueError(message)
        for table, found in parsed.rows.items():
            rows[table] += found
    parts = [f"\n{name.upper()}: Rows = (\n{_lines(found)})\n" for name, found in rows.items()]
    return HEAD + "".join(parts)


def _lines(rows: Rows) -> str:
    return "".join(f"    {row!r},\n" for row in rows)


def main() -> int:
    """Write the module; with ``--check`` only say whether it is up to date."""
    try:
        text = compiled()
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    if "--check" in sys.argv[1:]:
        current = COMPILED.read_text(encoding="utf-8") if COMPILED.exists() else ""
        if current != text:
            print("knowledge/tables.py is out of date: run scripts/compile_knowledge.py", file=sys.stderr)
        return int(current != text)
    COMPILED.write_text(text, encoding="utf-8")
    print(f"wrote {COMPILED.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
