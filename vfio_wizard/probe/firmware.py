"""How the machine was started: UEFI or BIOS, Secure Boot, lockdown, and the words of its board."""

from __future__ import annotations

from vfio_wizard.knowledge.bootchain import EFI_VARIABLES
from vfio_wizard.model.facts import Board, Firmware
from vfio_wizard.model.unread import Gap, Unread, untold
from vfio_wizard.system.host import Host

EFI = "sys/firmware/efi"
SECURE_BOOT = f"{EFI_VARIABLES}/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
LOCKDOWN = "sys/kernel/security/lockdown"
DMI = "sys/class/dmi/id"

_LOCKDOWN_WORDS = ("none", "integrity", "confidentiality")
_ATTRIBUTES = 4
"""Bytes before the value of an EFI variable in efivarfs."""


def read_firmware(host: Host) -> Firmware:
    """From sys/firmware, efivarfs, securityfs and DMI; serial numbers and asset tags are never asked for."""
    kind = _type(host)
    return Firmware(
        origin=EFI,
        type=kind,
        secure_boot=_secure_boot(host, kind),
        lockdown=_lockdown(host),
        board=_board(host),
    )


def _type(host: Host) -> str | Unread:
    """BIOS is proven by sys/firmware without efi; a tree without sys/firmware proves nothing."""
    seen = host.stat(EFI)
    if not isinstance(seen, Unread):
        return "uefi"
    if seen.gap is not Gap.ABSENT:
        return seen
    parent = host.stat("sys/firmware")
    return untold(EFI, "sys/firmware is not part of this source") if isinstance(parent, Unread) else "bios"


def _secure_boot(host: Host, kind: str | Unread) -> bool | Unread:
    if kind == "bios":
        return False
    if isinstance(kind, Unread):
        return kind
    raw = host.data(SECURE_BOOT, 64)
    if isinstance(raw, Unread):
        return raw
    if len(raw) != _ATTRIBUTES + 1:
        return Unread(SECURE_BOOT, Gap.MALFORMED, f"{len(raw)} bytes instead of 5")
    return raw[_ATTRIBUTES] == 1


def _lockdown(host: Host) -> str | Unread:
    """The word in brackets of ``none [integrity] confidentiality``."""
    seen = host.text(LOCKDOWN)
    if isinstance(seen, Unread):
        return seen
    _, _, rest = seen.partition("[")
    word = rest.partition("]")[0]
    return word if word in _LOCKDOWN_WORDS else Unread(LOCKDOWN, Gap.MALFORMED, "no known word in brackets")


def _board(host: Host) -> Board:
    return Board(
        vendor=_dmi(host, "board_vendor"),
        name=_dmi(host, "board_name"),
        product=_dmi(host, "product_name"),
        system_vendor=_dmi(host, "sys_vendor"),
        bios_vendor=_dmi(host, "bios_vendor"),
        bios_version=_dmi(host, "bios_version"),
        bios_date=_dmi(host, "bios_date"),
        chassis=_dmi(host, "chassis_type"),
    )


def _dmi(host: Host, name: str) -> str | Unread:
    seen = host.text(f"{DMI}/{name}")
    return seen if isinstance(seen, Unread) else seen.strip()


def efi_text(path: str, raw: bytes) -> str | Unread:
    """The UTF-16LE text of an EFI variable behind its four attribute bytes, up to the first NUL."""
    body = raw[_ATTRIBUTES:]
    if len(raw) < _ATTRIBUTES or len(body) % 2:
        return Unread(path, Gap.MALFORMED, "not an EFI variable with UTF-16 text")
    try:
        return body.decode("utf-16-le").partition("\0")[0]
    except UnicodeDecodeError:
        return Unread(path, Gap.MALFORMED, "not UTF-16 text")
