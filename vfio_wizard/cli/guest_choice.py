"""The guest's options over the answers of the file."""

from __future__ import annotations

import re

from vfio_wizard.cli.given import Given
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.selection import DomainWish, FirmwareWish, GuestSystem, Selection, SoundWish

_MEMORY = re.compile(r"(\d{1,8})([GM])(iB)?", re.ASCII)
_MIB = {"G": 1024, "M": 1}


def with_guest(given: Given, chosen: Selection) -> Selection:
    """The selection with what was said of the guest; without a name it has that of its system."""
    wish = _wish(given, chosen.domain)
    name = given.text("name") or chosen.guest
    if not given.text("name") and not wish.system.is_windows and name == Selection(()).guest:
        name = wish.system.value
    return chosen._replace(guest=name, domain=wish)


def _wish(given: Given, wish: DomainWish) -> DomainWish:
    return wish._replace(
        system=GuestSystem(given.text("guest") or wish.system.value),
        memory_mib=_memory(given.text("memory")) or wish.memory_mib,
        vcpus=_count(given, "vcpus") or wish.vcpus,
        disk=_disk(given.text("disk")) or wish.disk,
        disk_gib=_count(given, "disk_size") or wish.disk_gib,
        iso=_whole(given.text("iso")) or wish.iso,
        virtio_iso=_whole(given.text("virtio_iso")) or wish.virtio_iso,
        network=given.text("network") or wish.network,
        rom=_whole(given.text("rom")) or wish.rom,
        evdev=given.list("evdev") or wish.evdev,
        usb=given.list("usb") or wish.usb,
        sound=SoundWish(given.text("sound") or wish.sound.value),
        firmware=FirmwareWish(given.text("firmware") or wish.firmware.value),
        emulated=given.flag("emulated") or wish.emulated,
    )


def _memory(text: str | None) -> int | None:
    if text is None:
        return None
    match = _MEMORY.fullmatch(text)
    if match is None or not int(match[1]):
        message = f"--memory: not a size: {text!r} (expected a form like 16G or 12288M)"
        raise UsageError(message)
    return int(match[1]) * _MIB[match[2]]


def _count(given: Given, name: str) -> int | None:
    text = given.text(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 6 and int(text)):
        message = f"--{name.replace('_', '-')}: not a number: {text!r}"
        raise UsageError(message)
    return int(text)


def _whole(text: str | None) -> str | None:
    """libvirt does not know the folder that this was typed in."""
    if not text:
        return None
    from pathlib import Path  # noqa: PLC0415 - only where a path was given

    return str(Path(text).expanduser().absolute())


def _disk(text: str | None) -> str | None:
    """``POOL/VOLUME`` stays; what looks like a path becomes a whole one."""
    return _whole(text) if text and text.startswith((".", "~", "/")) else text
