"""The modules of which golden texts are kept: each case is a machine, what was chosen, a release."""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.facts_builder import AUDIO, GPU, IGPU, at, card, good_machine, groups, integrated, make_function
from tests.nix.machines import GUEST, TOOL, seed, seed_selection, twins, with_board
from vfio_wizard.model.facts import Distribution, HostFacts
from vfio_wizard.model.plan import Plan
from vfio_wizard.model.selection import (
    CpuWish,
    HugePageWish,
    KernelPatch,
    KernelWish,
    LibvirtWish,
    LookingGlass,
    Mirror,
    NixosWish,
    Offer,
    Pinning,
    Selection,
    Style,
)
from vfio_wizard.planning.plan import make_plan
from vfio_wizard.render import nixos

RELEASES = (
    "20.09",
    "21.05",
    "21.11",
    "22.05",
    "22.11",
    "23.05",
    "23.11",
    "24.05",
    "24.11",
    "25.05",
    "25.11",
    "26.05",
    "unstable",
)


class Case(NamedTuple):
    """One golden: its file name, the facts, the wishes."""

    name: str
    facts: HostFacts
    selection: Selection

    def plan(self) -> Plan:
        return make_plan(self.facts, self.selection)

    def text(self, style: Style | None = None, release: str | None = None) -> str:
        return nixos.render(self.plan(), style=style, release=release, tool_version=TOOL)


EVERYTHING: dict[str, Any] = {
    "looking_glass": LookingGlass(Mirror.KVMFR, 3840, 2160, hdr=True),
    "vendor_reset": Offer.ON,
    "huge_pages": HugePageWish(1048576, 16),
    "cpus": CpuWish((2, 3, 4, 5)),
    "kernel": KernelWish(
        packages="latest",
        patches=(KernelPatch("ACS override", "/home/alice/acs override.patch"),),
        config=(("KPROBES", "y"), ("LOCALVERSION", "-gpu")),
        acs_override=("downstream", "multifunction"),
    ),
    "libvirt": LibvirtWish(devices=("/dev/input/by-id/usb-keyboard-event-kbd",)),
}


def laptop() -> HostFacts:
    """An Intel laptop on NixOS whose screens run on NVIDIA's driver; VT-d is off."""
    return good_machine(
        live=False,
        pci=(integrated(group=None), *card("nvidia", group=None)),
        groups=(),
        cmdline="init=/nix/store/x/init",
        configured="init=/nix/store/x/init",
        distribution=Distribution("nixos", (), "24.11", "NixOS", None),
    )


def headless() -> HostFacts:
    """A second card of class 0380 without audio, in its own group."""
    graphics = make_function(
        GPU,
        "1002:6900",
        0x038000,
        group=5,
        parent=at("0000:00:01.0"),
        modules=("amdgpu",),
        physical_function=None,
    )
    return good_machine(
        pci=(integrated(), graphics),
        groups=groups(g1=IGPU, g5=GPU),
        live=False,
        distribution=Distribution("nixos", (), "25.11", "NixOS", None),
    )


def evil() -> HostFacts:
    """Device names that try to leave the comment that they stand in."""
    facts = with_board(seed(), "x\n}; boom = true; #", "${builtins.abort}")
    assert isinstance(facts.pci, tuple)
    hostile = "RX\n}; users.users.root.password = \"\"; # '' ${lib} \u202e\x1b[2J"
    return facts._replace(pci=tuple(one._replace(name=hostile) for one in facts.pci))


CASES = (
    Case("seed", seed(), seed_selection()),
    Case("seed-option", seed(), seed_selection(nixos=NixosWish(Style.OPTION))),
    Case("seed-specialisation", seed(), seed_selection(nixos=NixosWish(Style.SPECIALISATION))),
    Case("seed-20.09", seed(), seed_selection(nixos=NixosWish(release="20.09"))),
    Case("everything", seed(), seed_selection(**EVERYTHING)),
    Case(
        "everything-specialisation-25.05",
        seed(),
        seed_selection(**EVERYTHING, nixos=NixosWish(Style.SPECIALISATION, "25.05")),
    ),
    Case("everything-20.09", seed(), seed_selection(**EVERYTHING, nixos=NixosWish(release="20.09"))),
    Case("twins", twins(), Selection((at("0000:27:00.0"),), users=("alice",))),
    Case(
        "twins-specialisation-26.05",
        twins(),
        Selection((at("0000:27:00.0"),), users=("alice",), nixos=NixosWish(Style.SPECIALISATION, "26.05")),
    ),
    Case(
        "twins-21.11",
        twins(),
        Selection((at("0000:27:00.0"),), users=("alice",), nixos=NixosWish(release="21.11")),
    ),
    Case(
        "twins-unstable",
        twins(),
        Selection((at("0000:27:00.0"),), users=("alice",), nixos=NixosWish(release="unstable")),
    ),
    Case(
        "laptop-nvidia",
        laptop(),
        Selection(
            (at(GPU),),
            users=("alice", "bob"),
            guest="it's ${lib} ''a'' guest",
            cpus=CpuWish((), Pinning.HOOK),
            libvirt=LibvirtWish(qemu_as_root=True, tpm=False, virt_manager=False, usb_redirection=False),
        ),
    ),
    Case("headless", headless(), Selection((at(GPU),), users=("alice",))),
    Case("evil-names", evil(), seed_selection()),
    Case("nobody", seed(), seed_selection(users=(), gpus=(at(GUEST),))),
)

__all__ = ["AUDIO", "CASES", "RELEASES", "Case"]
