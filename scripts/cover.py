"""Branch coverage of the pure floors, one by one, from the data of a test run; fails where one is too low.

make cover                the floors' own tests, and this
python -m scripts.cover   only this, of the last run
"""

from __future__ import annotations

import io
import sys

from coverage import Coverage
from coverage.exceptions import NoDataError

FLOORS = ("model", "knowledge", "cards", "predict", "checks", "planning", "lint", "render")
"""What decides, and does no input or output: nothing keeps a test from reaching any of its branches."""

LEAST = 95.0


def percent(measured: Coverage, floor: str) -> float:
    """Lines and branches of a floor that some test went through, in percent."""
    try:
        return measured.report(include=[f"*/vfio_wizard/{floor}/*"], file=io.StringIO(), skip_covered=False)
    except NoDataError:
        return 0.0


def main() -> int:
    """Print a line for each floor; 1 where one is below the limit."""
    measured = Coverage()
    measured.load()
    told = {floor: percent(measured, floor) for floor in FLOORS}
    for floor, share in told.items():
        print(f"{floor:10} {share:5.1f} %{'' if share >= LEAST else f'  below {LEAST:.0f}'}")
    return int(any(share < LEAST for share in told.values()))


if __name__ == "__main__":
    sys.exit(main())
