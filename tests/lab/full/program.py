"""The project's wheel as an installed system gets it: into its own environment, as a console command."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.lab.full.systems import VENV, Installed, link
from tests.lab.guest.rootfs import compile_tree
from tests.lab.predict.roots import run

COMMAND = """\
#!/{venv}/bin/python3
import sys
from vfio_wizard.cli import main
sys.exit(main())
"""


def packed(wheel: Path, place: Installed) -> Path:
    """A tar archive to be unpacked at the machine's root."""
    top = place.folder / "program"
    site = top / place.site
    shutil.rmtree(top, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-compile"]
    subprocess.run([*pip, "--no-deps", "--target", str(site), str(wheel)], check=True)
    shutil.rmtree(site / "bin", ignore_errors=True)
    compile_tree(place.root, site, top)
    command = top / VENV / "bin/vfio-wizard"
    command.parent.mkdir()
    command.write_text(COMMAND.format(venv=VENV))
    command.chmod(0o755)
    link(top / "usr/local/bin/vfio-wizard", f"/{VENV}/bin/vfio-wizard")
    archive = place.folder / "program.tar"
    run("tar", "--owner=0", "--group=0", "-C", str(top), "-cf", str(archive), ".")
    return archive
