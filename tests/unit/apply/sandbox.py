"""This system with another machine laid over it, in a mount namespace: ``/`` is live, and nothing lasts.

Needs root, unshare and overlayfs. The program runs as it does for a user, on ``/``, with real processes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.apply.benches import DESKTOP

HERE = Path(__file__).resolve().parents[3]
_MOUNT = """
mount -t overlay overlay -o lowerdir=/,upperdir=$0/upper,workdir=$0/work "$0/merged" || exit 99
mount --rbind /dev "$0/merged/dev" || exit 99
echo ready; exec cat
"""
_TOOL = """#!{python}
import sys, time
from pathlib import Path
sys.path.insert(0, {here!r})
from tests.faults import tools
from tests.faults.pen import Pen

Path({place!r}, "begun").touch()
while Path({place!r}, "hold").exists():
    time.sleep(0.02)
sys.exit(tools.{name}(Pen(Path("/")), sys.argv))
"""


class Sandbox:
    """The desktop over this system."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.upper = place / "upper"
        for name in ("upper/usr/lib", "work", "merged"):
            (place / name).mkdir(parents=True)
        if Path("/lib").is_symlink():
            (self.upper / "lib").symlink_to("usr/lib")
        (self.upper / "var/tmp").mkdir(parents=True)
        (self.upper / "var/tmp").chmod(0o1777)
        DESKTOP.build(self.upper)
        for name in ("update-initramfs", "update-grub"):
            text = _TOOL.format(
                python=sys.executable, here=str(HERE), name=name.replace("-", "_"), place=str(place)
            )
            self.program(name, text)
        for name in ("usermod", "gpasswd"):
            (self.upper / f"usr/sbin/{name}").unlink()  # this system's own
        for path in ("etc/passwd", "etc/group", "etc/shadow", "etc/gshadow", "etc/group-", "etc/gshadow-"):
            if Path(f"/{path}").exists():
                shutil.copy2(f"/{path}", self.upper / path)
        self._group("libvirt")

    def _group(self, name: str) -> None:
        for path, line in (("etc/group", f"{name}:x:64055:\n"), ("etc/gshadow", f"{name}:!::\n")):
            place = self.upper / path
            if place.exists() and f"{name}:" not in place.read_text():
                place.write_text(place.read_text() + line)

    def program(self, name: str, text: str) -> None:
        place = self.upper / f"usr/sbin/{name}"
        place.write_text(text)
        place.chmod(0o755)

    def open(self) -> str:
        """Lay it over; why that cannot be done, or nothing. Locks count within one such mount."""
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", _MOUNT, str(self.place)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.holder.stdout is not None
        if self.holder.stdout.readline() == "ready\n":
            return ""
        return self.holder.communicate()[1].strip()[:100] or "the mount failed"

    def close(self) -> None:
        """The namespace and all that was mounted in it go with its last process."""
        self.holder.communicate("")

    @property
    def root(self) -> Path:
        """The machine as its processes see it, for changes from outside."""
        return Path(f"/proc/{self.holder.pid}/root{self.place}/merged")

    def command(self, *argv: str) -> list[str]:
        space = f"/proc/{self.holder.pid}/ns/mnt"
        return ["nsenter", f"--mount={space}", "chroot", str(self.place / "merged"), *argv]

    def wizard(self, *words: str, python: str = sys.executable) -> list[str]:
        return ["env", f"PYTHONPATH={HERE}", python, "-m", "vfio_wizard", *words]

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """The program as root."""
        argv = self.command(*self.wizard(*words))
        return subprocess.run(
            argv,
            capture_output=True,
            text=True,
            env=os.environ | environment,
            timeout=120,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def start(self, *words: str) -> subprocess.Popen[str]:
        """The same, not waited for."""
        argv = self.command(*self.wizard(*words))
        return subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL
        )


def usable() -> str:
    """Why there can be no sandbox here; empty where there can."""
    if os.geteuid() != 0:
        return "needs root"
    if shutil.which("unshare") is None:
        return "needs unshare"
    done = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    return "" if done.returncode == 0 else "needs the right to make a mount namespace"


def sandbox(place: Path) -> Sandbox:
    """One, or the test is skipped with the reason."""
    why = usable()
    if why:
        pytest.skip(why)
    made = Sandbox(place)
    why = made.open()
    if why:
        pytest.skip(f"needs overlayfs over /: {why}")
    return made
