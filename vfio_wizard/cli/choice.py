"""From options and an answers file to a selection."""

from __future__ import annotations

import re

from vfio_wizard.cli.given import Given
from vfio_wizard.cli.look import Seen, addresses
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.selection import GuestPart, LookingGlass, Mirror, Selection, Strategy, Style
from vfio_wizard.planning.suggest import suggest


def selection(given: Given, seen: Seen) -> Selection:
    """The answers of the file, overruled by the options; without any GPU, the one that is likely meant."""
    chosen = answers(str(given.text("answers"))) if given.text("answers") else Selection(())
    chosen = chosen._replace(
        gpus=addresses(given, "gpu") or chosen.gpus,
        also=addresses(given, "also") or chosen.also,
        users=given.list("user") or chosen.users,
        allow=(*chosen.allow, *given.list("allow")),
        bind=Strategy(given.text("bind") or chosen.bind.value),
        looking_glass=_looking_glass(given.text("looking_glass")) or chosen.looking_glass,
        nixos=chosen.nixos._replace(
            style=Style(given.text("style") or chosen.nixos.style.value),
            release=given.text("nixos_release") or chosen.nixos.release,
        ),
    )
    if chosen.gpus or chosen.also:
        return chosen
    return chosen._replace(gpus=(suggest(seen.facts),))


def answers(path: str) -> Selection:
    """The selection of an answers file. Raises UsageError with the file's name."""
    from vfio_wizard.planning.answers import parse  # noqa: PLC0415 - reads TOML
    from vfio_wizard.system.source import read_text  # noqa: PLC0415

    try:
        return parse(read_text(path))
    except UsageError as error:
        message = f"{path}: {error}" if path not in str(error) else str(error)
        raise UsageError(message) from None


_PICTURE = re.compile(r"(\d{3,5})[xX](\d{3,5})(@hdr)?(@kvmfr)?(?:@(b7|idd))?", re.ASCII)


def _looking_glass(text: str | None) -> LookingGlass | None:
    if text is None:
        return None
    if text == "off":
        return LookingGlass(Mirror.OFF)
    match = _PICTURE.fullmatch(text)
    if match is None:
        message = f"--looking-glass: not a picture size: {text!r} (expected a form like 2560x1440, or off)"
        raise UsageError(message)
    mode = Mirror.KVMFR if match[4] else Mirror.SHM
    part = GuestPart(match[5] or GuestPart.AUTO)
    return LookingGlass(mode, int(match[1]), int(match[2]), bool(match[3]), part)
