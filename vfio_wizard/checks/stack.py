"""QEMU, libvirt, guest firmware, and whether the user may use them."""

from __future__ import annotations

from collections.abc import Iterator

from vfio_wizard.checks.check import Check, Situation
from vfio_wizard.checks.outcome import Command, by_user, failed, first_gap, passed, skipped, unknown
from vfio_wizard.knowledge.packages import LIBVIRT_GROUPS, stack
from vfio_wizard.model.facts import DeviceNode, HostFacts, User
from vfio_wizard.model.finding import Fix, Outcome, Severity
from vfio_wizard.model.unread import Unread

_NIXOS = "On NixOS: virtualisation.libvirtd.enable = true; brings QEMU, guest firmware and the daemon."


_NIXOS_SWTPM = "On NixOS: virtualisation.libvirtd.qemu.swtpm.enable = true;"


def _qemu(case: Situation) -> Iterator[Outcome]:
    yield installed(case.facts, "QEMU", case.facts.virt.qemu, "qemu", ("qemu-system-x86_64", "--version"))


def _libvirt(case: Situation) -> Iterator[Outcome]:
    yield installed(case.facts, "libvirt", case.facts.virt.libvirt, "libvirt", ("virsh", "--version"))


def installed(
    facts: HostFacts, name: str, found: str | None | Unread, package: str, command: Command
) -> Outcome:
    """Whether a program was found, with how to install it here. ``package`` is a name of its row."""
    if isinstance(found, Unread):
        return unknown(
            f"whether {name} is installed is not known", found, "it must print a version.", command
        )
    if found is None:
        return failed(f"{name} is not installed", _install(facts, package), (name, "not found"))
    return passed(f"{name} is installed", (name, found))


def _install(facts: HostFacts, package: str) -> Fix:
    distribution = facts.boot.distribution
    if isinstance(distribution, Unread):
        return by_user("Install it from your distribution.")
    if distribution.id == "nixos":
        return by_user(_NIXOS_SWTPM if package == "swtpm" else _NIXOS)
    row = stack(distribution.id, distribution.like)
    if row is None:
        return by_user("Install it from your distribution.")
    name = {"qemu": row.qemu, "libvirt": row.libvirt, "ovmf": row.firmware, "swtpm": "swtpm"}[package]
    return by_user(f"Install the package {name}.", (*row.install, name))


def _guest_firmware(case: Situation) -> Iterator[Outcome]:
    found = case.facts.virt.ovmf
    if isinstance(found, Unread):
        yield unknown(
            "whether UEFI firmware for guests is there is not known",
            found,
            "descriptors must be listed.",
            ("ls", "/usr/share/qemu/firmware"),
        )
    elif found:
        yield passed("UEFI firmware for guests is there", (found[0], f"{len(found)} found"))
    else:
        yield failed("no UEFI firmware for guests", _install(case.facts, "ovmf"), ("OVMF", "none found"))


def _reachable(case: Situation) -> Iterator[Outcome]:
    virt = case.facts.virt
    if isinstance(virt.libvirt_socket, str):
        yield passed("libvirt's daemon listens", (virt.libvirt_socket, "socket"))
    elif virt.libvirt is None:
        yield skipped("libvirt is not installed: see libvirt.installed")
    elif isinstance(virt.libvirt_socket, Unread) or isinstance(virt.libvirt, Unread):
        yield unknown(
            "whether libvirt's daemon listens is not known",
            first_gap(virt.libvirt_socket, virt.libvirt),
            "it must list the domains.",
            ("virsh", "-c", "qemu:///system", "list"),
        )
    else:
        yield failed(
            "no libvirt daemon listens",
            by_user(
                "Start it: libvirtd.socket, or virtqemud.socket where libvirt is split into several daemons.",
                ("sudo", "systemctl", "enable", "--now", "libvirtd.socket"),
            ),
            ("run/libvirt", "no socket"),
        )


def _groups(case: Situation) -> Iterator[Outcome]:
    facts = case.facts
    user = facts.virt.user
    if isinstance(user, Unread):
        yield unknown("the groups of the user are not known", user, "list them.", ("id", "-nG"))
    elif user.is_root:
        yield skipped("root needs no groups; look again as the user who will run the guest")
    elif isinstance(facts.virt.libvirt, Unread) or isinstance(facts.virt.kvm, Unread):
        gap = first_gap(facts.virt.libvirt, facts.virt.kvm)
        yield unknown("which groups are needed is not known", gap, "list them.", ("id", "-nG"))
    else:
        yield _membership(facts, user)


def _membership(facts: HostFacts, user: User) -> Outcome:
    missing = (*_missing_libvirt(facts, user), *_missing_kvm(facts.virt.kvm, user))
    seen = ("groups of the user", " ".join(user.groups) or "none")
    if not missing:
        return passed("the user may use libvirt and KVM", seen)
    names = ",".join(missing)
    text = f"Add the user to {' and '.join(missing)}, then log in again."
    distribution = facts.boot.distribution
    if not isinstance(distribution, Unread) and distribution.id == "nixos":
        quoted = " ".join(f'"{name}"' for name in missing)
        return failed(
            f"the user is not in {names}",
            by_user(f"On NixOS: users.users.NAME.extraGroups = [ {quoted} ];"),
            seen,
        )
    return failed(
        f"the user is not in {names}", by_user(text, ("sudo", "usermod", "-aG", names, "$USER")), seen
    )


def _missing_libvirt(facts: HostFacts, user: User) -> tuple[str, ...]:
    if facts.virt.libvirt is None or any(name in user.groups for name in LIBVIRT_GROUPS):
        return ()
    nixos = not isinstance(facts.boot.distribution, Unread) and facts.boot.distribution.id == "nixos"
    return ("libvirtd",) if nixos else ("libvirt",)


def _missing_kvm(node: DeviceNode | None | Unread, user: User) -> tuple[str, ...]:
    if "kvm" in user.groups or not isinstance(node, DeviceNode):
        return ()
    return () if node.mode & 0o006 == 0o006 else ("kvm",)


QEMU = Check(
    id="qemu.installed",
    title="QEMU",
    severity=Severity.WARNING,
    claim="QEMU is installed.",
    fails_when="It was looked for and not found.",
    why="QEMU is the program that runs the guest.",
    run=_qemu,
    references=("QEMU: system emulation manual",),
    verify="Afterwards qemu-system-x86_64 --version prints a version.",
)

GUEST_FIRMWARE = Check(
    id="qemu.firmware",
    title="UEFI for guests",
    severity=Severity.WARNING,
    claim="UEFI firmware (OVMF) for guests is installed.",
    fails_when="Neither a descriptor nor an image was found.",
    why="Passed-through cards start best under UEFI: it runs their GOP driver instead of a VGA BIOS.",
    run=_guest_firmware,
    references=("QEMU: docs/interop/firmware.json",),
    verify="Afterwards ls /usr/share/qemu/firmware lists descriptors.",
)

LIBVIRT = Check(
    id="libvirt.installed",
    title="libvirt",
    severity=Severity.WARNING,
    claim="libvirt is installed.",
    fails_when="It was looked for and not found.",
    why="libvirt keeps the guest's definition and does the binding, the permissions and the cgroups.",
    run=_libvirt,
    references=("libvirt: drvqemu",),
    verify="Afterwards virsh --version prints a version.",
)

REACHABLE = Check(
    id="libvirt.reachable",
    title="libvirt's daemon",
    severity=Severity.WARNING,
    claim="A libvirt daemon listens on its system socket.",
    fails_when="libvirt is installed and no socket is there.",
    why="Without the daemon no guest can be defined or started.",
    run=_reachable,
    references=("libvirt: daemons",),
    verify="Afterwards virsh -c qemu:///system list prints a table.",
)

GROUPS = Check(
    id="user.groups",
    title="The user may start guests",
    severity=Severity.WARNING,
    claim="The user is in the groups for libvirt and, where its mode asks for it, /dev/kvm.",
    fails_when="A group is missing.",
    why="Otherwise every step asks for the root password, and virt-manager shows an empty list.",
    run=_groups,
    references=("libvirt: auth",),
    verify="After logging in again id -nG lists them.",
)
