"""Machines and selections for the tests of plan and export."""

from __future__ import annotations

from typing import Any

from tests.facts_builder import at, good_machine, groups, make_facts, make_function
from vfio_wizard.model.facts import BootLoader, Core, Distribution, HostFacts, InitramfsGenerator
from vfio_wizard.model.pci import PciFunction, PciId
from vfio_wizard.model.selection import LookingGlass, Mirror, Selection

GUEST, GUEST_AUDIO = "0000:2f:00.0", "0000:2f:00.1"
HOST, HOST_AUDIO = "0000:31:00.0", "0000:31:00.1"
TOOL = "0.1.0"


def seed_functions() -> tuple[PciFunction, ...]:
    """An RX 5600 XT for the guest and an RX 550 for the host, each alone in its group."""
    told: dict[str, Any] = {"physical_function": None, "removable": False}
    return (
        make_function("0000:00:00.0", "1022:1480", 0x060000, group=0, parent=None, **told),
        make_function(
            GUEST,
            "1002:731f",
            0x030000,
            group=27,
            driver="amdgpu",
            modules=("amdgpu",),
            boot_vga=False,
            parent=at("0000:2e:00.0"),
            name="Navi 10 [Radeon RX 5600 OEM/5600 XT / 5700/5700 XT]",
            **told,
        ),
        make_function(
            GUEST_AUDIO,
            "1002:ab38",
            0x040300,
            group=28,
            driver="snd_hda_intel",
            modules=("snd_hda_intel",),
            parent=at("0000:2e:00.0"),
            name="Navi 10 HDMI Audio",
            **told,
        ),
        make_function(
            HOST,
            "1002:699f",
            0x030000,
            group=30,
            driver="amdgpu",
            modules=("amdgpu",),
            boot_vga=True,
            parent=at("0000:00:03.2"),
            name="Lexa PRO [Radeon 540/540X/550/550X / RX 540X/550/550X]",
            **told,
        ),
        make_function(
            HOST_AUDIO,
            "1002:aae0",
            0x040300,
            group=30,
            driver="snd_hda_intel",
            modules=("snd_hda_intel",),
            parent=at("0000:00:03.2"),
            **told,
        ),
    )


def seed(**told: Any) -> HostFacts:
    """The machine that the project began with, on NixOS."""
    facts: dict[str, Any] = {
        "complete": True,
        "pci": seed_functions(),
        "groups": groups(g0="0000:00:00.0", g27=GUEST, g28=GUEST_AUDIO, g30=f"{HOST} {HOST_AUDIO}"),
        "vendor": "amd",
        "model": "AMD Ryzen 9 3900X 12-Core Processor",
        "release": "6.12.9",
        "cmdline": "init=/nix/store/x-nixos-system/init loglevel=4",
        "distribution": Distribution("nixos", (), "25.11", "NixOS", "xantusia"),
        "loader": BootLoader("nixos", (("etc/NIXOS", "present"),)),
        "initramfs": InitramfsGenerator("nixos", ()),
        "builtin": frozenset[str](),
        "disks": (),
        "network": (),
        "cores": cores(24),
    }
    return with_board(make_facts(**(facts | told)), "ASRock", "X570 Taichi")


def with_board(facts: HostFacts, vendor: str, name: str) -> HostFacts:
    """The machine with a named mainboard."""
    board = facts.firmware.board._replace(vendor=vendor, name=name)
    return facts._replace(firmware=facts.firmware._replace(board=board))


def cores(count: int) -> tuple[Core, ...]:
    """Logical CPUs, each a core of its own."""
    return tuple(Core(cpu, 0, None, cpu, (cpu,), None, None, None, None) for cpu in range(count))


def seed_selection(**wishes: Any) -> Selection:
    """What the owner of that machine chose."""
    chosen: dict[str, Any] = {
        "gpus": (at(GUEST),),
        "users": ("alice",),
        "looking_glass": LookingGlass(Mirror.SHM, 2560, 1440),
    }
    return Selection(**(chosen | wishes))


def twins(**told: Any) -> HostFacts:
    """Two equal cards, one for the host."""
    shared: dict[str, Any] = {"physical_function": None, "parent": at("0000:00:03.1"), "removable": False}
    functions = tuple(
        one
        for bus, group in (("26", 14), ("27", 15))
        for one in (
            make_function(f"0000:{bus}:00.0", "1002:67df", 0x030000, group=group, driver="amdgpu", **shared),
            make_function(
                f"0000:{bus}:00.1", "1002:aaf0", 0x040300, group=group, driver="snd_hda_intel", **shared
            ),
        )
    )
    fields: dict[str, Any] = {
        "pci": functions,
        "groups": groups(g14="0000:26:00.0 0000:26:00.1", g15="0000:27:00.0 0000:27:00.1"),
    }
    return seed(**(fields | told))


def with_subsystems(facts: HostFacts, **boards: str) -> HostFacts:
    """The machine with subsystem ids on whole buses: ``with_subsystems(facts, b26="1043:0519")``."""
    assert isinstance(facts.pci, tuple)
    by_bus = {int(bus[1:], 16): PciId.parse(board) for bus, board in boards.items()}
    return facts._replace(pci=tuple(one._replace(subsystem=by_bus.get(one.address.bus)) for one in facts.pci))


def debian(**told: Any) -> HostFacts:
    """The Intel desktop of the builders, with its card on the host's driver."""
    fields: dict[str, Any] = {
        "configured": "root=UUID=1 quiet",
        "libvirt_group": (),
        "looking_glass": (),
    }
    return good_machine(**(fields | told))
