"""Fixes are written in the words of the host's own boot chain."""

from __future__ import annotations

import pytest

from tests.facts_builder import good_machine
from vfio_wizard.checks.ports import config_acs, missing
from vfio_wizard.checks.ways import change_line, rebuild
from vfio_wizard.model.facts import BootLoader, Distribution, HostFacts, InitramfsGenerator
from vfio_wizard.model.pci import Acs, PciAddress
from vfio_wizard.model.unread import untold


def host(loader: str, distribution: str = "debian", *like: str) -> HostFacts:
    """The good machine with another boot chain."""
    return good_machine(
        loader=BootLoader(loader, ()), distribution=Distribution(distribution, like, None, distribution, None)
    )


@pytest.mark.parametrize(
    ("facts", "place", "command"),
    [
        (host("grub-mkconfig", "ubuntu", "debian"), "/etc/default/grub", ("sudo", "update-grub")),
        (
            host("grub-mkconfig", "opensuse-tumbleweed", "suse"),
            "/etc/default/grub",
            ("sudo", "grub2-mkconfig", "-o", "/boot/grub2/grub.cfg"),
        ),
        (
            host("grub-mkconfig", "arch"),
            "/etc/default/grub",
            ("sudo", "grub-mkconfig", "-o", "/boot/grub/grub.cfg"),
        ),
        (host("grub-bls", "fedora"), "", ("sudo", "grubby", "--update-kernel=ALL", "--args=x=1")),
        (host("rpm-ostree", "fedora"), "", ("sudo", "rpm-ostree", "kargs", "--append-if-missing=x=1")),
        (host("proxmox-boot-tool"), "/etc/kernel/cmdline", ("sudo", "proxmox-boot-tool", "refresh")),
        (host("nixos", "nixos"), "boot.kernelParams", ("sudo", "nixos-rebuild", "boot")),
        (host("kernelstub", "pop"), "", ("sudo", "kernelstub", "-a", "x=1")),
    ],
)
def test_parameter_is_added_where_this_host_keeps_it(
    facts: HostFacts, place: str, command: tuple[str, ...]
) -> None:
    fix = change_line(facts, "Add x=1.", ("x=1",))
    assert fix.kernel_parameters == ("x=1",)
    assert place in fix.text
    assert fix.commands == (command,)


def test_parameter_is_taken_away_by_the_command_for_that() -> None:
    fix = change_line(host("rpm-ostree", "fedora"), "Take it off.", remove=("iommu=1",))
    assert fix.commands == (("sudo", "rpm-ostree", "kargs", "--delete-if-present=iommu=1"),)


def test_unknown_boot_chain_gets_prose_and_no_command() -> None:
    for facts in (good_machine(loader=untold("boot")), host("efistub-nvram")):
        fix = change_line(facts, "Add x=1.", ("x=1",))
        assert (fix.text, fix.commands) == ("Add x=1.", ())


def test_images_are_built_by_their_own_generator() -> None:
    assert rebuild(good_machine()) == (("sudo", "update-initramfs", "-u", "-k", "all"),)
    assert rebuild(good_machine(initramfs=InitramfsGenerator("ostree-prebuilt", ()))) == ()
    assert rebuild(good_machine(initramfs=untold("etc"))) == ()


def test_access_control_bits_are_written_rightmost_first() -> None:
    address = PciAddress.parse("0000:00:01.0")
    assert config_acs(((address, 0b11101),)) == "pci=config_acs=xx111x1@0000:00:01.0"
    assert config_acs(((address, 1), (address, 0b100))) == (
        "pci=config_acs=xxxxxx1@0000:00:01.0;xxxx1xx@0000:00:01.0"
    )


def test_what_a_port_cannot_control_is_not_missing() -> None:
    assert missing(Acs(capable=0x1D, on=0x1D)) == 0
    assert missing(Acs(capable=0x01, on=0x00)) == 1
    assert missing(Acs(capable=0x00, on=0x00)) == 0
    assert missing(Acs(capable=0x62, on=0x00)) == 0  # translation blocking and the like are not needed
