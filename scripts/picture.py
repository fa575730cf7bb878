"""Keeps the README's examples true: what they show is what the program prints.

    .venv/bin/python -m scripts.picture           write README.md and docs/check.svg
    .venv/bin/python -m scripts.picture --check   only say whether README.md is up to date

An example is a ``console`` block whose command looks at a fixture; ``| head -N`` at its end cuts it.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PICTURE = ROOT / "docs/check.svg"
PICTURED = "--check --host fixtures/rx5600xt-rx550-nixos/host.json --gpu 2f:00.0"
WIDTH = 82

_EXAMPLE = re.compile(
    r"```console\n\$ (?P<command>vfio-wizard (?P<words>[^\n|]*fixtures/[^\n|]*?)"
    r"(?: \| head -(?P<lines>\d+))?)\n.*?```\n",
    re.DOTALL,
)


def output_of(words: str, colour: bool = False) -> str:
    """What the program prints for these arguments. Raises RuntimeError where it refuses."""
    program = Path(sys.executable).parent / "vfio-wizard"
    env = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "NO_COLOR")}
    env |= {"FORCE_COLOR": "1"} if colour else {"NO_COLOR": "1"}
    done = subprocess.run(
        (program, *shlex.split(words)), check=False, capture_output=True, text=True, env=env, cwd=ROOT
    )
    if done.returncode not in (0, 1, 3):
        raise RuntimeError(done.stderr)
    return done.stdout


def renewed(text: str) -> str:
    """A document with the output of each example as it is now."""
    return _EXAMPLE.sub(_example, text)


def _example(match: re.Match[str]) -> str:
    output = output_of(match["words"])
    if match["lines"]:
        output = "".join(output.splitlines(keepends=True)[: int(match["lines"])])
    return f"```console\n$ {match['command']}\n{output}```\n"


def drawing(command: str, output: str) -> str:
    """A terminal window with a command and its output. Fonts are the reader's; nothing is fetched."""
    console = Console(record=True, width=WIDTH, file=StringIO(), color_system="truecolor")
    console.print(Text(f"$ {command}", style="bold"))
    console.print(Text.from_ansi(output))
    svg = console.export_svg(title="vfio-wizard", theme=MONOKAI, unique_id="vfio-wizard")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    return svg.replace("<svg ", '<svg xml:space="preserve" ', 1)  # some readers drop leading spaces


def main() -> int:
    """Write, or with ``--check`` compare."""
    current = README.read_text(encoding="utf-8")
    wanted = renewed(current)
    if "--check" in sys.argv[1:]:
        if current != wanted:
            print("the examples in README.md are out of date: make docs", file=sys.stderr)
        return int(current != wanted)
    README.write_text(wanted, encoding="utf-8")
    PICTURE.write_text(drawing(f"vfio-wizard {PICTURED}", output_of(PICTURED, colour=True)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
