"""``rom``: is this file a ROM for that card; and the card's own ROM, where it can be read safely."""

from __future__ import annotations

import os
import sys

from vfio_wizard.cards.dump import Refused, dump_refusal
from vfio_wizard.cli.exits import Exit
from vfio_wizard.cli.given import Given
from vfio_wizard.cli.look import Seen, addresses, look, on_host, print_json, width
from vfio_wizard.model.errors import UsageError, WizardError
from vfio_wizard.model.pci import PciAddress, PciFunction, PciId
from vfio_wizard.model.rom import parse_rom
from vfio_wizard.model.unread import Unread
from vfio_wizard.planning.rom import display_function, judge


def run(given: Given) -> int:
    """Judge a file, or dump and judge; 1 when it is not usable, or must not be read."""
    return _dump(given) if given.flag("dump") else _judge(given)


def _judge(given: Given) -> int:
    from vfio_wizard.probe.rom import read_rom  # noqa: PLC0415
    from vfio_wizard.system.host import RootHost  # noqa: PLC0415

    path = given.text("file")
    if not path:
        message = "rom needs a file, or --dump --gpu ADDRESS -o FILE"
        raise UsageError(message)
    if given.flag("strip") != (given.text("output") is not None):
        message = "--strip and -o FILE belong together: the ROM without its header is written there"
        raise UsageError(message)
    card = _card(given)
    content = read_rom(RootHost("/"), os.path.abspath(path).lstrip("/"))  # noqa: PTH100 - no pathlib for a word
    if isinstance(content, Unread):
        message = f"{path} cannot be read: {content.detail or content.gap.value}"
        raise UsageError(message)
    if given.flag("strip"):
        _check_output(given)
        content = _stripped(content, card, path)
        _write(given, content)
        path = str(given.text("output"))
    return _told(given, path, content, card)


def _card(given: Given) -> PciId | None:
    """The ids of the card that was named; raises UsageError where it has none."""
    wanted = addresses(given, "gpu")
    if not wanted:
        return None
    function = _function(look(given.text("host"), topology=False, holders=False), wanted)
    if isinstance(function.id, Unread):
        message = f"the ids of {function.address} are not known: {function.id.reason}"
        raise UsageError(message)
    return function.id


def _function(seen: Seen, wanted: tuple[PciAddress, ...]) -> PciFunction:
    """The function with the ROM, whichever function of the card was named."""
    (named, *more) = on_host(seen, wanted, "gpu")
    function = seen.facts.function(display_function(seen.facts, named))
    if more or function is None:
        message = "--gpu: one card, please" if more else "--gpu: no PCI functions were read"
        raise UsageError(message)
    return function


def _stripped(content: bytes, card: PciId | None, path: str) -> bytes:
    rom = parse_rom(content, card)
    if not rom.images:
        message = f"{path}: {rom.problems[0]}; nothing was written"
        raise UsageError(message)
    return content[rom.start : rom.end]


def _write(given: Given, content: bytes) -> None:
    from vfio_wizard.system.files import write_whole  # noqa: PLC0415

    path = str(given.text("output"))
    write_whole(path, content, 0o644)
    sys.stderr.write(f"wrote {_clean(path)}\n")


def _check_output(given: Given) -> None:
    """Never over a file that is there: a dump cannot be made again on every day."""
    path = str(given.text("output"))
    if os.path.lexists(path) and not given.flag("force"):
        message = f"{path} is there already; choose another name, or --force"
        raise WizardError(message)


def _told(given: Given, path: str, content: bytes, card: PciId | None) -> int:
    rom = parse_rom(content, card)
    verdict = judge(rom, card)
    if given.flag("json"):
        from vfio_wizard.report.rom_json import rom_json  # noqa: PLC0415

        print_json(rom_json(rom, verdict, card))
    else:
        from vfio_wizard.report.rom_text import rom_text  # noqa: PLC0415

        sys.stdout.write(rom_text(path, rom, verdict, width()))
    return Exit.OK if verdict.usable else Exit.BLOCKED


def _dump(given: Given) -> int:
    from vfio_wizard.system.host import RootHost, require_live  # noqa: PLC0415

    wanted, output = addresses(given, "gpu"), given.text("output")
    if not wanted or not output or given.text("file"):
        message = "--dump needs --gpu ADDRESS and -o FILE, and no other file"
        raise UsageError(message)
    seen = look(given.text("host"), topology=False)
    require_live(seen.host or RootHost("/", is_record=True), "dump a ROM")
    function = _function(seen, wanted)
    refused = dump_refusal(function)
    if refused is not None:
        return _refused(given, refused)
    if os.geteuid() != 0:
        message = "only root may read the ROM of a card; run it with sudo"
        raise UsageError(message)
    _check_output(given)
    from vfio_wizard.apply.rom import dump_rom  # noqa: PLC0415 - the only part that writes to the machine

    content = dump_rom(function.address)
    _write(given, content)
    number = function.id
    return _told(given, output, content, None if isinstance(number, Unread) else number)


def _refused(given: Given, refused: Refused) -> int:
    sys.stderr.write(f"refused: {_clean(refused.why)}\n  instead: {_clean(refused.instead)}\n")
    if given.flag("json"):
        from vfio_wizard.report.rom_json import refused_json  # noqa: PLC0415

        print_json(refused_json(refused))
    return Exit.BLOCKED


def _clean(text: str) -> str:
    from vfio_wizard.report.clean import clean  # noqa: PLC0415

    return clean(text)
