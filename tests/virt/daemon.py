"""A libvirt daemon of the tests' own: its own folders and socket, nothing of the system's.

As root it runs as an ordinary user, since a daemon of root's would be the system's one, with its folders.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = "libvirtd"
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_STARTS_WITHIN = 60.0
_USER = "nobody"


@contextmanager
def running() -> Iterator[str]:
    """Start it, and give the URI of its session driver for QEMU."""
    # pytest's own folders are closed to other users, and a socket's path is short
    with tempfile.TemporaryDirectory(prefix="lv", dir="/tmp") as name:
        home = Path(name)
        home.chmod(0o755)
        for folder in ("run", "config", "cache", "home"):
            (home / folder).mkdir()
        is_root = os.geteuid() == 0
        if is_root:
            for path in (home, *home.iterdir()):
                shutil.chown(path, _USER, "nogroup")
        with (home / "messages").open("wb") as messages:
            process = subprocess.Popen(
                [NAME, "--timeout", "600"],
                env=_environment(home),
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=messages,
                stderr=messages,
                user=_USER if is_root else None,
                group="nogroup" if is_root else None,
                extra_groups=[] if is_root else None,
            )
        try:
            yield _uri(home, process)
        finally:
            process.terminate()
            process.wait(30)


def _environment(home: Path) -> dict[str, str]:
    folders = {
        "XDG_RUNTIME_DIR": "run",
        "XDG_CONFIG_HOME": "config",
        "XDG_CACHE_HOME": "cache",
        "HOME": "home",
    }
    return {"PATH": _PATH, "LC_ALL": "C.UTF-8", **{key: str(home / value) for key, value in folders.items()}}


def _uri(home: Path, process: subprocess.Popen[bytes]) -> str:
    socket = home / "run/libvirt/libvirt-sock"
    end = time.monotonic() + _STARTS_WITHIN
    while not socket.exists():
        if process.poll() is not None or time.monotonic() > end:
            message = f"{NAME} did not start:\n{(home / 'messages').read_text()}"
            raise RuntimeError(message)
        time.sleep(0.05)
    return f"qemu+unix:///session?socket={socket}"
