"""All files below the given folders, as JSON: path to kind, mode, owner, and hash or target."""

import hashlib
import json
import os
import stat
import sys
from pathlib import Path


def described(path: Path) -> list[str] | None:
    """``None`` for what is no file, link or folder."""
    status = path.lstat()
    mode, owner = f"{stat.S_IMODE(status.st_mode):04o}", f"{status.st_uid}:{status.st_gid}"
    if stat.S_ISLNK(status.st_mode):
        return ["link", mode, owner, str(path.readlink())]
    if stat.S_ISDIR(status.st_mode):
        return ["folder", mode, owner, ""]
    if stat.S_ISREG(status.st_mode):
        return ["file", mode, owner, hashlib.sha256(path.read_bytes()).hexdigest()]
    return None


def main(folders: list[str]) -> dict[str, list[str]]:
    """Everything below the folders, in order."""
    found = {}
    for folder in folders:
        for directory, below, files in os.walk(f"/{folder}"):
            for name in [*below, *files]:
                path = Path(directory) / name
                told = described(path)
                if told is not None:
                    found[str(path)] = told
    return dict(sorted(found.items()))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1:])))
