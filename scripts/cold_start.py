"""Prints what starting a command costs: milliseconds and modules, the dearest modules first.

    .venv/bin/python -m scripts.cold_start --check --json --host FILE

For people who wonder why a command became slower; no test fails on milliseconds.
"""

from __future__ import annotations

import subprocess
import sys
import time
from typing import NamedTuple


class Import(NamedTuple):
    """One imported module and the microseconds that it took without its own imports."""

    name: str
    own: int


def imports_of(trace: str) -> list[Import]:
    """What ``python -X importtime`` wrote, dearest first."""
    rows = [
        line.split(":", 1)[1].split("|") for line in trace.splitlines() if line.startswith("import time:")
    ]
    found = [Import(row[2].strip(), int(row[0])) for row in rows if row[0].strip().isdigit()]
    return sorted(found, key=lambda one: -one.own)


def main() -> None:
    """Run the program once with the given arguments and print its cost."""
    argv = [sys.executable, "-X", "importtime", "-m", "vfio_wizard", *sys.argv[1:]]
    start = time.perf_counter()
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    took = (time.perf_counter() - start) * 1000
    imports = imports_of(done.stderr)
    print(f"{took:.0f} ms with tracing, {len(imports)} modules, exit code {done.returncode}")
    for one in imports[:25]:
        print(f"{one.own / 1000:8.2f} ms  {one.name}")


if __name__ == "__main__":
    main()
