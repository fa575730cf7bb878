"""Looking Glass: the device through which the host sees the guest's picture."""

from __future__ import annotations

from collections.abc import Iterator

from vfio_wizard.checks.check import Check, Situation
from vfio_wizard.checks.outcome import Command, Seen, by_user, failed, first_gap, passed, skipped, unknown
from vfio_wizard.checks.ways import is_nixos
from vfio_wizard.model.facts import DeviceNode, HostFacts
from vfio_wizard.model.finding import Fix, Outcome, Severity
from vfio_wizard.model.kargs import Kargs
from vfio_wizard.model.unread import Unread

_LEAST_MIB = 32
"""What the smallest picture, 1920x1080, needs by both formulas of Looking Glass."""
_QEMU_CONF = "etc/libvirt/qemu.conf"
_PROFILES = ("etc/apparmor.d/local/abstractions/libvirt-qemu", "etc/apparmor.d/abstractions/libvirt-qemu")
_LOOK: Command = ("sh", "-c", "ls -l /dev/kvmfr* /dev/shm/looking-glass*")


def _is_kvmfr(node: DeviceNode) -> bool:
    return node.path.startswith("dev/kvmfr")


def _nodes(facts: HostFacts) -> tuple[DeviceNode, ...]:
    found = facts.virt.looking_glass
    return () if isinstance(found, Unread) else found


def _is_configured(facts: HostFacts) -> Seen | None:
    """The place that asks for kvmfr: options or a list of modules."""
    if not isinstance(facts.modprobe, Unread) and (lines := facts.modprobe.options("kvmfr")):
        return (lines[0].origin, f"options kvmfr {lines[0].rest}")
    for path, text in facts.files:
        if path.startswith(("etc/modules", "etc/modules-load.d/")):
            for line in text.splitlines():
                if line.split("#")[0].strip() == "kvmfr":
                    return (path, "kvmfr")
    return None


def _device(case: Situation) -> Iterator[Outcome]:
    facts = case.facts
    found = facts.virt.looking_glass
    if isinstance(found, Unread):
        yield unknown(
            "the Looking Glass devices were not looked at",
            found,
            "/dev/kvmfr0 must be a character device (c).",
            _LOOK,
        )
        return
    wrong = tuple(one for one in found if _is_kvmfr(one) and one.kind != "char")
    asked = _is_configured(facts)
    if wrong:
        yield failed(
            f"{', '.join('/' + one.path for one in wrong)} is no device but a {wrong[0].kind}",
            by_user(
                "A guest was started before the module kvmfr was loaded, and QEMU made a file of that name. "
                "Stop the guest, delete the file, load the module, start the guest.",
                *(("sudo", "rm", f"/{one.path}") for one in wrong),
                ("sudo", "modprobe", "kvmfr"),
            ),
            *((one.path, one.kind) for one in wrong),
        )
    elif found:
        yield passed("the Looking Glass device is there", *((one.path, one.kind) for one in found))
    elif asked is not None:
        yield failed(
            "kvmfr is set up, and there is no /dev/kvmfr0",
            by_user(
                "Load the module; modprobe says why if it refuses: not built for this kernel, or unsigned "
                "under Secure Boot (see firmware.secure-boot).",
                ("sudo", "modprobe", "kvmfr"),
            ),
            asked,
            ("dev/kvmfr0", "absent"),
        )
    else:
        yield skipped("Looking Glass is not set up")


def _size(case: Situation) -> Iterator[Outcome]:
    facts = case.facts
    sizes = _sizes(facts)
    bad = tuple((seen, mib) for seen, mib in sizes if mib < _LEAST_MIB or mib & mib - 1)
    if bad:
        yield failed(
            f"too small or no power of two: {', '.join(f'{mib} MiB' for _, mib in bad)}",
            by_user(
                "Take the next power of two that fits the largest picture: 32 MiB for 1920x1080, 64 for "
                "2560x1440, 128 for 3840x2160; HDR under release B7 needs twice that. The guest's shared "
                "memory must have the same size."
            ),
            *(seen for seen, _ in bad),
        )
    elif sizes:
        yield passed("its size holds a picture", *(seen for seen, _ in sizes))
    elif isinstance(facts.virt.looking_glass, Unread) or _nodes(facts):
        gap = first_gap(facts.virt.looking_glass, facts.modprobe)
        how = "static_size_mb must be a power of two from 32 on."
        yield unknown(
            "its size is not told", gap, how, ("cat", "/sys/module/kvmfr/parameters/static_size_mb")
        )
    else:
        yield skipped("Looking Glass is not set up")


def _sizes(facts: HostFacts) -> tuple[tuple[Seen, int], ...]:
    """Sizes in MiB: the module's option, and shared memory files that a guest filled."""
    found: list[tuple[Seen, int]] = []
    lines = () if isinstance(facts.modprobe, Unread) else facts.modprobe.options("kvmfr")
    for line in lines:
        for value in Kargs.parse(line.rest).values("static_size_mb"):
            numbers = [
                int(one) for one in value.split(",") if one.isascii() and one.isdigit() and len(one) < 8
            ]
            found += [((line.origin, f"static_size_mb={value}"), number) for number in numbers]
    for node in _nodes(facts):
        if node.size and not _is_kvmfr(node):
            found.append(((node.path, f"{node.size} bytes"), max(node.size >> 20, 1)))
    return tuple(found)


def _access(case: Situation) -> Iterator[Outcome]:
    facts = case.facts
    found = facts.virt.looking_glass
    if isinstance(found, Unread):
        yield unknown(
            "the Looking Glass devices were not looked at", found, "mode 0660, your user and kvm.", _LOOK
        )
        return
    nodes = tuple(one for one in found if one.kind == "char" or not _is_kvmfr(one))
    if not nodes:
        yield skipped("there is no Looking Glass device: see kvmfr.device")
        return
    seen = tuple(
        (one.path, f"mode {one.mode & 0o777:04o}, owner {one.owner}, group {one.group}") for one in nodes
    )
    wide = any(one.mode & 0o006 for one in nodes)
    closed = any(one.owner == 0 and (one.group == 0 or one.mode & 0o060 != 0o060) for one in nodes)
    if wide:
        yield failed("everyone on this machine may see the guest's screen", _owner_fix(facts), *seen)
    elif closed:
        yield failed("only root may open it, so neither QEMU nor the client can", _owner_fix(facts), *seen)
    else:
        yield passed("it belongs to one user and one group", *seen)


def _owner_fix(facts: HostFacts) -> Fix:
    rule = 'SUBSYSTEM=="kvmfr", OWNER="USER", GROUP="kvm", MODE="0660"'
    if is_nixos(facts):
        return by_user(f"On NixOS: services.udev.extraRules = ''{rule}''; with your name for USER.")
    return by_user(
        f"Write {rule} with your name for USER into /etc/udev/rules.d/70-kvmfr.rules (it must sort before "
        "73), for shared memory 'f /dev/shm/looking-glass 0660 USER kvm -' into /etc/tmpfiles.d, and load "
        "the module again."
    )


def _allowed(case: Situation) -> Iterator[Outcome]:
    facts = case.facts
    found, libvirt = facts.virt.looking_glass, facts.virt.libvirt
    if isinstance(found, Unread):
        yield unknown(
            "the Looking Glass devices were not looked at", found, "see whether kvmfr is used.", _LOOK
        )
    elif libvirt is None:
        yield skipped("libvirt is not installed: nothing confines QEMU for it")
    elif not any(_is_kvmfr(one) and one.kind == "char" for one in found):
        yield skipped("there is no kvmfr device: see kvmfr.device")
    else:
        yield _confined(facts)


def _confined(facts: HostFacts) -> Outcome:
    texts = dict(facts.files)
    denied = (*_denied_by_cgroup(facts, texts), *_denied_by_apparmor(facts, texts))
    if denied:
        return failed(
            f"QEMU is kept from /dev/kvmfr0 by {' and '.join(who for who, _, _ in denied)}",
            by_user(" ".join(text for _, text, _ in denied), ("sudo", "systemctl", "restart", "libvirtd")),
            *(seen for _, _, seen in denied),
        )
    confinement = facts.virt.confinement
    if (
        is_nixos(facts)
        or _QEMU_CONF not in texts
        or isinstance(confinement, Unread)
        or "selinux" in confinement
    ):
        return unknown(
            "whether QEMU may open /dev/kvmfr0 is not known",
            first_gap(confinement),
            "cgroup_device_acl in qemu.conf must list it, and no denial may be logged.",
            (
                "sudo",
                "sh",
                "-c",
                "grep -A9 ^cgroup_device_acl /etc/libvirt/qemu.conf; ausearch -m avc -c qemu",
            ),
        )
    return passed("QEMU may open it", (_QEMU_CONF, "cgroup_device_acl lists kvmfr"))


_Denial = tuple[str, str, Seen]


def _denied_by_cgroup(facts: HostFacts, texts: dict[str, str]) -> tuple[_Denial, ...]:
    conf = texts.get(_QEMU_CONF)
    if conf is None or is_nixos(facts) or ("cgroup_device_acl" in conf and "/dev/kvmfr" in conf):
        return ()
    text = (
        'In /etc/libvirt/qemu.conf set cgroup_device_acl to the whole default list ("/dev/null", '
        '"/dev/full", "/dev/zero", "/dev/random", "/dev/urandom", "/dev/ptmx", "/dev/kvm") and "/dev/kvmfr0".'
    )
    return (("cgroup rules", text, (_QEMU_CONF, "cgroup_device_acl does not list kvmfr")),)


def _denied_by_apparmor(facts: HostFacts, texts: dict[str, str]) -> tuple[_Denial, ...]:
    confinement = facts.virt.confinement
    profiles = [texts[path] for path in _PROFILES if path in texts]
    if isinstance(confinement, Unread) or "apparmor" not in confinement or not profiles:
        return ()
    if any(
        "/dev/kvmfr" in line and not line.lstrip().startswith("#")
        for one in profiles
        for line in one.splitlines()
    ):
        return ()
    text = f"Add the line '/dev/kvmfr0 rw,' to /{_PROFILES[0]}."
    return (("AppArmor", text, (_PROFILES[0], "no rule for kvmfr")),)


DEVICE = Check(
    id="kvmfr.device",
    title="Looking Glass device",
    severity=Severity.WARNING,
    claim="Where Looking Glass is set up its device is there, and is one.",
    fails_when="/dev/kvmfr0 is a regular file, or missing although the module is set up.",
    why=(
        "QEMU creates a plain file when the device is missing. The guest then starts, and the host sees "
        "nothing of it."
    ),
    run=_device,
    references=("gnif/LookingGlass: doc/ivshmem_kvmfr.rst",),
    verify="Afterwards ls -l /dev/kvmfr0 shows a line that begins with c.",
)

SIZE = Check(
    id="kvmfr.size",
    title="Room for the picture",
    severity=Severity.WARNING,
    claim="The shared memory of Looking Glass is a power of two and large enough for a picture.",
    fails_when="It is less than 32 MiB, or no power of two.",
    why="Too little memory ends in a black window; libvirt refuses sizes that are no power of two.",
    run=_size,
    references=("gnif/LookingGlass: doc/install_libvirt.rst, doc/ivshmem_kvmfr.rst",),
    verify="Afterwards cat /sys/module/kvmfr/parameters/static_size_mb shows the new size.",
)

ACCESS = Check(
    id="kvmfr.access",
    title="Who may see the guest's screen",
    severity=Severity.WARNING,
    claim="The Looking Glass device is open to one user and QEMU's group, and to nobody else.",
    fails_when="Only root may open it, or everyone may.",
    why="Who can open it sees the guest's screen; if only root can, neither QEMU nor the client works.",
    run=_access,
    references=("gnif/LookingGlass: doc/ivshmem_kvmfr.rst, doc/ivshmem_shm.rst",),
    verify="Afterwards ls -l /dev/kvmfr0 shows rw-rw---- with your user and kvm.",
)

ALLOWED = Check(
    id="kvmfr.allowed",
    title="QEMU may use it",
    severity=Severity.WARNING,
    claim="Neither cgroup rules nor AppArmor keep QEMU from the Looking Glass device.",
    fails_when="libvirt's device list or the AppArmor profile does not name it.",
    why="libvirt confines QEMU to a list of devices that does not hold kvmfr; the guest then does not start.",
    run=_allowed,
    references=("gnif/LookingGlass#184", "ublue-os/bazzite#1013", "libvirt 9.0: qemu.conf"),
    verify="Afterwards the guest starts, and the kernel log has no DENIED line about kvmfr.",
)
