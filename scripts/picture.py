"""Draws what the program really prints, as an SVG for the README.

.venv/bin/python -m scripts.picture docs/check.svg --check --host FIXTURE
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

WIDTH = 82


def output_of(arguments: list[str]) -> str:
    """The program's standard output as on a terminal with colour."""
    program = Path(sys.executable).parent / "vfio-wizard"
    env = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(WIDTH)}
    env.pop("NO_COLOR", None)
    done = subprocess.run((program, *arguments), check=False, capture_output=True, text=True, env=env)
    if done.returncode not in (0, 1, 3):
        sys.exit(done.stderr)
    return done.stdout


def drawing(command: str, output: str) -> str:
    """A terminal window with this command and its output. Fonts are the reader's; nothing is fetched."""
    console = Console(record=True, width=WIDTH, file=open(os.devnull, "w"), color_system="truecolor")  # noqa: PTH123, SIM115 - only the record is wanted
    console.print(Text(f"$ {command}", style="bold"))
    console.print(Text.from_ansi(output))
    svg = console.export_svg(title="vfio-wizard", theme=MONOKAI, unique_id="vfio-wizard")
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


def main() -> None:
    """Write the picture of one command."""
    target, *arguments = sys.argv[1:]
    shown = " ".join(["vfio-wizard", *arguments])
    Path(target).write_text(drawing(shown, output_of(arguments)), encoding="utf-8")


if __name__ == "__main__":
    main()
