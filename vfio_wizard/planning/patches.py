"""Whether a file that the user names is a kernel patch; the file itself is read and copied elsewhere."""

from __future__ import annotations

from itertools import pairwise

_LARGEST = 4 << 20


def problem(text: str) -> str | None:
    """Why a text is no patch that ``patch -p1`` could apply, in one clause; None when it is one."""
    if len(text) > _LARGEST:
        return "it is larger than 4 MiB"
    if "\0" in text:
        return "it holds NUL bytes, so it is no text"
    lines = text.splitlines()
    heads = [
        (before, after)
        for before, after in pairwise(lines)
        if before.startswith("--- ") and after.startswith("+++ ")
    ]
    if not heads:
        return "it has no '--- ' and '+++ ' lines, as a patch names its files"
    if not any(line.startswith("@@ -") for line in lines):
        return "it changes nothing: no '@@ ' line"
    if not any(_has_strip_level(after) for _, after in heads):
        return "its file names have no leading folder (a/ and b/), which patch -p1 takes away"
    return None


def _has_strip_level(line: str) -> bool:
    name = line.removeprefix("+++ ").split("\t")[0].strip()
    return name == "/dev/null" or ("/" in name and not name.startswith("/"))
