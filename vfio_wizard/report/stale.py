"""docs/stale-advice.md: what guides hand on, and the kernels for which it was right."""

from __future__ import annotations

from vfio_wizard.knowledge.parameters import STALE, STALE_MODULES, UNSAFE, Stale, When
from vfio_wizard.model.version import KernelVersion


def stale_markdown() -> str:
    """The whole page."""
    lines = [
        "# Advice that was right once, or never",
        "",
        "Generated from `knowledge/data/parameters.toml` by `scripts/make_docs.py`: edit that file.",
        "",
        "`vfio-wizard --check` names these where they stand on a command line, `vfio-wizard lint FILE` in",
        "files that you have. Each row says from which kernel on it holds, and where that can be read.",
        "",
        "## Kernel parameters",
        "",
        "| parameter | stale | why | instead | source |",
        "|---|---|---|---|---|",
        *(_row(one) for one in STALE),
        "",
        "## Modules",
        "",
        "| module | stale | why | source |",
        "|---|---|---|---|",
        *(
            f"| `{one.name}` | from {_version(one.since)} | {one.why} | {one.source} |"
            for one in STALE_MODULES
        ),
        "",
        "## What gives up protection",
        "",
        "These do what they say, and each has a price. No plan ever holds one unasked.",
        "",
        "| parameter | what it gives up | source |",
        "|---|---|---|",
        *(
            f"| `{name}={value}` | {why} | {source} |" if value else f"| `{name}` | {why} | {source} |"
            for name, value, why, source in UNSAFE
        ),
    ]
    return "\n".join(lines) + "\n"


def _row(one: Stale) -> str:
    word = one.name if one.value in (None, "") else f"{one.name}={one.value}"
    word = f"{one.name}=…" if one.value is None else word
    harmless = "harmless: " if one.harmless else ""
    return f"| `{word}` | {_when(one)} | {harmless}{one.why} | {one.instead} | {one.source} |"


def _when(one: Stale) -> str:
    since = "on every kernel" if one.since is None else f"from {_version(one.since)} on"
    return since if one.when is When.ALWAYS else f"{since}, where {one.when.value}"


def _version(version: KernelVersion) -> str:
    return ".".join(str(part) for part in version)
