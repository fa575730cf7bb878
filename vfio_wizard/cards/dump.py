"""May the ROM of a card be read now? It needs a write to the device, which is not always harmless."""

from __future__ import annotations

from collections.abc import Iterator

from vfio_wizard.model.pci import PciFunction
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Unread, known

_REBOUND = "bind it to vfio-pci at boot (vfio-wizard plan), reboot, and dump it then"


class Refused(NamedTuple):
    """Why the card's ROM must not be read now, and what to do instead."""

    why: str
    instead: str


def dump_refusal(function: PciFunction) -> Refused | None:
    """Why reading could hang the host or give a wrong ROM; None when it is safe."""
    return next(_dump_refusals(function), None)


def _dump_refusals(function: PciFunction) -> Iterator[Refused]:
    spare = "make another card the boot display (firmware setup, or the other slot), and dump it then"
    if function.rom is False:
        words = "use the file of a firmware update of its maker, or a dump made with another mainboard"
        yield Refused("the kernel shows no ROM on it", words)
    if isinstance(function.boot_vga, Unread):
        yield Refused(f"whether it is the boot display is not known ({function.boot_vga.reason})", spare)
    elif function.boot_vga:
        why = "it is the boot display: what can be read is the firmware's copy, which running it has changed"
        yield Refused(why, spare)
    yield from _held(function)
    if known(function.power_state, "D0") in ("D3hot", "D3cold"):
        place = f"/sys/bus/pci/devices/{function.address}/power/control"
        yield Refused("it sleeps, and would answer with ff for every byte", f"wake it: echo on > {place}")


def _held(function: PciFunction) -> Iterator[Refused]:
    driver = function.driver
    if isinstance(driver, Unread):
        yield Refused(f"its driver is not known ({driver.reason})", "look with lspci -k")
    elif driver == "amdgpu":
        words = "as root, cat /sys/kernel/debug/dri/*/amdgpu_vbios shows what that driver read: no risk, but "
        yield Refused("amdgpu uses it", f"{words}often without the UEFI image; or {_REBOUND}")
    elif driver not in (None, "vfio-pci"):
        yield Refused(f"{driver} uses it, and reading the ROM may stop it", _REBOUND)
    if isinstance(function.holders, Unread):
        yield Refused(f"who has it open is not known ({function.holders.reason})", "run it as root")
    elif function.holders:
        yield Refused("a process has it open, most likely a guest", "shut the guest down")
