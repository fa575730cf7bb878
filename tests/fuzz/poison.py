"""A recorded machine whose every name says something to a terminal, a shell, Nix, XML, HTML or Markdown."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.fuzz.targets import FIXTURES

MACHINE = "rx5600xt-rx550-nixos"
GPU = "0000:2f:00.0"

PAYLOADS = {
    "terminal": "\x1b]0;pwned\x07\x1b[31m\x9b2J\r\b\u202e\u200b",
    "shell": "$(touch pwned)`touch pwned`;touch pwned|'\"&&\\",
    "nix": "\"''${builtins.abort \"pwned\"}${pwned}''\\",
    "xml": "]]>--><pwned a='\"&amp;&pwned;<!--<![CDATA[",
    "html": "<script>pwned()</script><img src=x onerror=pwned()>\"'>",
    "markdown": "](javascript:pwned) ```\n# pwned | `x` | ***",
    "line": "\npwned pwned=1\noptions pwned\n",
}
_WORD = re.compile(r"[A-Za-z]{3,}")
_STRUCTURE = ("/uevent", "/modalias", "/resource", "/vendor", "/device", "/class", "/type")
_NAMED = ("/driver", "/module")
_FREE = ("sys/class/dmi/", "etc/os-release", "proc/version", "run/booted-system", "sys/class/drm")


def poisoned(payload: str, *, everything: bool) -> str:
    """The record with the payload behind each name; ``everything``: behind all that holds a word."""
    document: dict[str, Any] = json.loads((FIXTURES / MACHINE / "host.json").read_text())
    for part in ("files", "links", "heads", "lines", "commands"):
        for path, value in document.get(part, {}).items():
            if path.endswith(_STRUCTURE) or (part == "links" and not path.endswith(_NAMED)):
                continue  # without these there would be no card whose names could be shown
            if everything or part in ("heads", "commands") or path.startswith(_FREE) or "log" in path:
                document[part][path] = _poison(value, payload)
    return json.dumps(document)


def _poison(value: Any, payload: str) -> Any:
    if isinstance(value, str):
        return _names(value, payload) or (value + payload if _WORD.search(value) else value)
    if isinstance(value, list):
        return [_poison(one, payload) for one in value]
    if isinstance(value, dict):
        return {key: one if key == "question" else _poison(one, payload) for key, one in value.items()}
    return value


def _names(value: str, payload: str) -> str | None:
    """The text of a table of names, each of them changed; None for any other text."""
    if not value.startswith("{"):
        return None
    return json.dumps({key: f"{name}{payload}" for key, name in json.loads(value).items()})
