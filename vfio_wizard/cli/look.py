"""From the options of a call to a machine that was looked at."""

from __future__ import annotations

import os
import sys

from vfio_wizard.cli.given import Given
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.system.host import Host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from vfio_wizard.system.source import TextSource

Names = dict[PciAddress, str]


class Seen(NamedTuple):
    """Facts, and the host behind them (None for pasted text)."""

    facts: HostFacts
    host: Host | None


def look(source_argument: str | None, **wants: bool) -> Seen:
    """Read the machine that was asked for. Raises UsageError for a source that cannot be read."""
    from vfio_wizard.system.source import open_source  # noqa: PLC0415

    return look_at(open_source(source_argument), **wants)


def look_at(source: Host | TextSource, **wants: bool) -> Seen:
    """Read a source that was opened already."""
    from vfio_wizard.system.source import TextSource  # noqa: PLC0415

    if isinstance(source, TextSource):
        from vfio_wizard.probe.text.read import read_texts  # noqa: PLC0415 - text readers only for texts

        return Seen(read_texts(source.parts), None)
    from vfio_wizard.probe.gather import gather  # noqa: PLC0415 - probes only for hosts

    return Seen(gather(source, **wants), source)


def names_of(seen: Seen, wanted: Collection[str] | None = None) -> Names:
    """Words for every function or the wanted ones: the source's own, else those of the PCI id database."""
    from vfio_wizard.system.lspci import function_names  # noqa: PLC0415 - only for people

    return function_names(seen.host, seen.facts, wanted)


def short_names_of(seen: Seen, wanted: Collection[str] | None = None) -> Names:
    """The same with vendors in short, for a screen."""
    from vfio_wizard.cards.names import short_name  # noqa: PLC0415

    return {address: short_name(name) for address, name in names_of(seen, wanted).items()}


def addresses(given: Given, option: str) -> tuple[PciAddress, ...]:
    """The addresses of ``--gpu`` or ``--also``. Raises UsageError for what is none."""
    found = []
    for text in given.list(option):
        try:
            found.append(PciAddress.parse(text))
        except ValueError as error:
            message = f"--{option}: {error}; vfio-wizard groups lists the addresses"
            raise UsageError(message) from None
    return tuple(found)


def on_host(seen: Seen, wanted: tuple[PciAddress, ...], option: str) -> tuple[PciAddress, ...]:
    """The same addresses, all of which the host has. Raises UsageError otherwise."""
    for address in wanted:
        if isinstance(seen.facts.pci, tuple) and seen.facts.function(address) is None:
            message = (
                f"--{option}: there is no function {address} here; vfio-wizard groups lists the addresses"
            )
            raise UsageError(message)
    return wanted


def print_json(document: dict[str, Any]) -> None:
    """To standard output."""
    sys.stdout.write(json_text(document))


def json_text(document: dict[str, Any]) -> str:
    """One object, keys sorted, plain ASCII so that no terminal obeys a name."""
    from vfio_wizard.report import json_text as printer  # noqa: PLC0415 - text reports do without

    return printer.json_text(document)


def wants_colour() -> bool:
    """On a terminal, unless NO_COLOR; everywhere with FORCE_COLOR (no-color.org, force-color.org)."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (sys.stdout.isatty() and os.environ.get("TERM") != "dumb")


def width() -> int:
    """Columns of the terminal, between 60 and 100; 80 where there is none."""
    try:
        columns = os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):
        return 80
    return min(max(columns or 80, 60), 100)
