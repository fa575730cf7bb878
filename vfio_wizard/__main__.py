"""``python -m vfio_wizard``."""

import sys

from vfio_wizard.cli import main

if __name__ == "__main__":
    sys.exit(main())
