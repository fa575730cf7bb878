"""One call of the program: its command and options, and the calls that are read without argparse.

The parser (arguments.py) is the one source of truth; argparse costs a third of a whole check. What is asked
for most often, and by scripts, is read here word by word, to the same result: ``--check``, ``check`` and
``groups``, with ``--host SOURCE`` and switches. Anything else, and anything wrong, is the parser's.
"""

from __future__ import annotations

import sys

from vfio_wizard.model.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_FIRST = {"--check": "check", "check": "check", "groups": "groups"}
_SWITCHES = {
    "check": {"--json": "json", "--strict": "strict", "--verbose": "verbose"},
    "groups": {"--json": "json"},
}
_HOST = "--host"


class Given(NamedTuple):
    """The options of one call; what was not given has its default here and nowhere else."""

    command: str
    values: dict[str, Any]

    def flag(self, name: str) -> bool:
        """Whether a switch was given."""
        return bool(self.values.get(name))

    def text(self, name: str) -> str | None:
        """The value of an option, or None."""
        value = self.values.get(name)
        return value if isinstance(value, str) else None

    def list(self, name: str) -> tuple[str, ...]:
        """All values of an option that may be repeated."""
        return tuple(self.values.get(name) or ())

    def run(self) -> int:
        """Import the command's module and carry it out."""
        name = f"vfio_wizard.cli.{_MODULES.get(self.command, self.command)}"
        __import__(name)
        runner: Callable[[Given], int] = sys.modules[name].run
        return runner(self)


_MODULES = {"checks": "explain"}
"""Commands that are not in the module of their name."""


def understood(words: list[str]) -> Given:
    """What the words of a call ask for. Leaves with code 2 and a usage line where it cannot."""
    plain = plain_call(words)
    if plain is not None:
        return plain
    from vfio_wizard.cli.arguments import parse  # noqa: PLC0415 - costs more than reading a machine

    return parse(words)


def plain_call(words: list[str]) -> Given | None:
    """What the parser would make of one of the usual calls; None for all others."""
    command = _FIRST.get(words[0]) if words else None
    if command is None:
        return None
    switches = _SWITCHES[command]
    values: dict[str, Any] = {}
    left = iter(words[1:])
    for word in left:
        if word == _HOST:
            source = next(left, "")
            if not source or source.startswith("-"):
                return None
            values["host"] = source
        elif word in switches:
            values[switches[word]] = True
        else:
            return None
    return Given(command, values)
