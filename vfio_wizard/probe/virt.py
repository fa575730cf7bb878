"""The virtualisation stack: KVM, QEMU, libvirt, firmware images, and who may use them."""

from __future__ import annotations

import os

from vfio_wizard.knowledge.libvirt import CPU_HOOK, HOOKS_FOLDER
from vfio_wizard.model.facts import DeviceNode, User, Virt
from vfio_wizard.model.hook import CpuHook, CpusMeanwhile
from vfio_wizard.model.unread import Gap, Unread, known, untold
from vfio_wizard.probe.numbers import from_decimal
from vfio_wizard.system.host import Host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    T = TypeVar("T")

KVM = "dev/kvm"
IOMMU = "dev/iommu"
GROUPS = "etc/group"
ACCOUNTS = "etc/passwd"
STATUS = "proc/self/status"
LIMITS = "proc/self/limits"
APPARMOR = "sys/module/apparmor/parameters/enabled"
SELINUX = "sys/fs/selinux/enforce"

_SYSTEM = "run/current-system/sw/bin"
_QEMU = (
    "usr/bin/qemu-system-x86_64",
    "usr/libexec/qemu-kvm",
    "usr/bin/qemu-kvm",
    f"{_SYSTEM}/qemu-system-x86_64",
)
_LIBVIRT = (
    "usr/sbin/libvirtd",
    "usr/sbin/virtqemud",
    "usr/bin/libvirtd",
    "usr/bin/virtqemud",
    f"{_SYSTEM}/libvirtd",
)
_LIBVIRT_LIBRARY = ("usr/lib/x86_64-linux-gnu/libvirt.so.0", "usr/lib64/libvirt.so.0", "usr/lib/libvirt.so.0")
_SOCKETS = ("run/libvirt/virtqemud-sock", "run/libvirt/libvirt-sock")
"""A client asks the modular daemon first (libvirt's remote driver in its mode auto)."""
_SWTPM = ("usr/bin/swtpm", f"{_SYSTEM}/swtpm")
_GROUP_NAMES = ("libvirt", "libvirtd")
"""Debian, Fedora and Arch; NixOS."""
_DESCRIPTORS = ("usr/share/qemu/firmware", "etc/qemu/firmware", "run/current-system/sw/share/qemu/firmware")
_IMAGES = (
    "usr/share/OVMF",
    "usr/share/edk2/x64",
    "usr/share/edk2/ovmf",
    "usr/share/edk2-ovmf/x64",
    "usr/share/qemu",
    "run/libvirt/nix-ovmf",
)
_FOREIGN = ("aarch64", "arm", "riscv", "loongarch", "ia32", "i386")
_KVMFR = tuple(f"dev/kvmfr{number}" for number in range(4))
_NOT_RUNNING = "no running system is part of this source"
_NO_LOGIN = 0xFFFFFFFF
"""The login uid of a process that no login began."""


def read_virt(host: Host) -> Virt:
    """From files alone: nothing is run, so that a version is known only where a name tells it."""
    groups = _groups(host)
    status = host.text(STATUS)
    is_running = not isinstance(status, Unread)
    return Virt(
        kvm=_told(_node(host, KVM), is_running, KVM),
        qemu=_versioned(host, "qemu", _QEMU),
        libvirt=_libvirt(host),
        libvirt_socket=_told(_socket(host), is_running, _SOCKETS[0]),
        libvirt_group=_libvirt_group(groups),
        ovmf=_ovmf(host),
        swtpm=_installed(host, _SWTPM),
        user=_user(host, status, groups),
        memlock_kib=_memlock(host),
        looking_glass=_looking_glass(host) if is_running else untold("dev/shm", _NOT_RUNNING),
        confinement=_confinement(host) if is_running else untold(APPARMOR, _NOT_RUNNING),
        iommu_node=_told(_node(host, IOMMU), is_running, IOMMU),
        cpu_hooks=_cpu_hooks(host),
    )


def _told(seen: T | None | Unread, is_running: bool, path: str) -> T | None | Unread:
    """The dev and run folders of a mounted disk may hold something; what they lack proves nothing."""
    return untold(path, _NOT_RUNNING) if seen is None and not is_running else seen


def _node(host: Host, path: str) -> DeviceNode | None | Unread:
    seen = host.stat(path)
    if isinstance(seen, Unread):
        return None if seen.gap is Gap.ABSENT else seen
    size = seen.size if seen.kind == "file" else None
    return DeviceNode(path, seen.kind, seen.mode, seen.owner, seen.group, size)


def _installed(host: Host, places: tuple[str, ...]) -> str | None | Unread:
    """The first path that is there; None when the folder of the first was read and lacks it."""
    gaps: list[Unread] = []
    for path in places:
        seen = host.stat(path)
        if not isinstance(seen, Unread):
            return path
        gaps.append(seen)
    return None if gaps[0].gap is Gap.ABSENT else gaps[0]


def _versioned(host: Host, package: str, places: tuple[str, ...]) -> str | None | Unread:
    """The version, where the path in the Nix store has it; else the path."""
    path = _installed(host, places)
    if not isinstance(path, str) or not path.startswith(_SYSTEM):
        return path
    target = host.link(path)
    return path if isinstance(target, Unread) else _store_version(target, package) or path


def _store_version(target: str, package: str) -> str | None:
    """``nix/store/<hash>-qemu-10.0.2/bin/…`` is version 10.0.2."""
    for part in target.split("/"):
        _, _, name = part.partition("-")
        word, _, version = name.partition("-")
        if word == package and version[:1].isdigit():
            return version
    return None


def _libvirt(host: Host) -> str | None | Unread:
    path = _versioned(host, "libvirt", _LIBVIRT)
    if not isinstance(path, str) or path[:1].isdigit():
        return path
    for library in _LIBVIRT_LIBRARY:
        target = host.link(library)
        if isinstance(target, str):
            return library_version(target) or path
    return path


def library_version(target: str) -> str | None:
    """``libvirt.so.0.9000.0`` is 9.0.0: the middle number is a thousand times the first plus the second."""
    parts = target.rpartition("/")[2].split(".")
    release, micro = map(from_decimal, parts[3:5]) if len(parts) == 5 else (None, None)
    if release is None or micro is None:
        return None
    return f"{release // 1000}.{release % 1000}.{micro}"


def _socket(host: Host) -> str | None | Unread:
    gap: Unread | None = None
    for path in _SOCKETS:
        seen = host.stat(path)
        if isinstance(seen, Unread):
            gap = seen if seen.gap is not Gap.ABSENT else gap
        elif seen.kind == "socket":
            return path
    return gap


Group = tuple[str, str, tuple[str, ...]]
"""Name, number and members."""


def _groups(host: Host) -> tuple[Group, ...] | Unread:
    text = host.text(GROUPS)
    return text if isinstance(text, Unread) else parse_groups(text)


def parse_groups(text: str) -> tuple[Group, ...]:
    """Lines ``name:password:number:member,member``; any other is passed over."""
    found = []
    for line in text.splitlines():
        parts = line.strip().split(":")
        if len(parts) == 4:
            members = tuple(member for member in parts[3].split(",") if member)
            found.append((parts[0], parts[2], members))
    return tuple(found)


def _libvirt_group(groups: tuple[Group, ...] | Unread) -> tuple[str, ...] | None | Unread:
    if isinstance(groups, Unread):
        return groups
    return next((tuple(sorted(members)) for name, _, members in groups if name in _GROUP_NAMES), None)


def _ovmf(host: Host) -> tuple[str, ...] | Unread:
    """The descriptors of firmware for x86 guests; where there are none, the images."""
    first = host.names(_DESCRIPTORS[0])
    found = _files(host, _DESCRIPTORS, ".json", "")
    if not found:
        found = _files(host, _IMAGES, ".fd", "code")
    if not found and isinstance(first, Unread) and first.gap not in (Gap.ABSENT, Gap.UNTOLD):
        return first
    if not found and isinstance(host.stat("usr"), Unread):
        return untold(_DESCRIPTORS[0], "usr is not part of this source")
    return found


def _files(host: Host, folders: tuple[str, ...], ending: str, inside: str) -> tuple[str, ...]:
    found: list[str] = []
    for folder in folders:
        names = host.names(folder)
        if isinstance(names, Unread):
            continue
        for name in names:
            low = name.lower()
            if low.endswith(ending) and inside in low and not any(word in low for word in _FOREIGN):
                found.append(f"{folder}/{name}")
    return tuple(found)


def _user(host: Host, status: str | Unread, groups: tuple[Group, ...] | Unread) -> User | Unread:
    if isinstance(status, Unread):
        return status
    process = _status_words(status, "Uid:")
    if not process:
        return Unread(STATUS, Gap.MALFORMED, "no Uid")
    number = _behind_sudo(host) if process[0] == "0" else process[0]
    passwd = host.text(ACCOUNTS)
    if isinstance(passwd, Unread):
        return passwd
    name, primary = _account(passwd, number)
    numbers = {primary, *(_status_words(status, "Groups:") if number == process[0] else ())}
    member_of = _member_of(() if isinstance(groups, Unread) else groups, name, numbers)
    return User(name, member_of, number == "0")


def _status_words(status: str, key: str) -> tuple[str, ...]:
    for line in status.splitlines():
        if line.startswith(key):
            return tuple(line.removeprefix(key).split())
    return ()


def _behind_sudo(host: Host) -> str:
    """Who logged in before becoming root, as the kernel keeps it; sudo's word where it keeps nothing."""
    login = host.text("proc/self/loginuid")
    number = None if isinstance(login, Unread) else from_decimal(login.strip())
    if number is None or number == _NO_LOGIN:
        number = from_decimal(os.environ.get("SUDO_UID", "")) if host.live else None
    return str(number or 0)


def _account(passwd: str, number: str) -> tuple[str, str]:
    """Name and primary group; an account that is not in the file goes by its number."""
    for line in passwd.splitlines():
        parts = line.split(":")
        if len(parts) > 3 and parts[2] == number:
            return parts[0], parts[3]
    return number, ""


def _member_of(groups: tuple[Group, ...], name: str, numbers: set[str]) -> tuple[str, ...]:
    return tuple(sorted({group for group, number, members in groups if name in members or number in numbers}))


def _memlock(host: Host) -> int | None | Unread:
    """The soft limit, in KiB."""
    text = host.text(LIMITS)
    if isinstance(text, Unread):
        return text
    for line in text.splitlines():
        if line.startswith("Max locked memory"):
            return _kib(line.removeprefix("Max locked memory").split())
    return Unread(LIMITS, Gap.MALFORMED, "no line about locked memory")


def _kib(words: list[str]) -> int | None | Unread:
    if words and words[0] == "unlimited":
        return None
    limit = from_decimal(words[0]) if words else None
    return Unread(LIMITS, Gap.MALFORMED, "no number of bytes") if limit is None else limit // 1024


def _confinement(host: Host) -> tuple[str, ...] | Unread:
    """AppArmor where its module says Y, SELinux where it enforces; absent files mean that there is none."""
    apparmor, selinux = host.text(APPARMOR), host.text(SELINUX)
    for seen in (apparmor, selinux):
        if isinstance(seen, Unread) and seen.gap is not Gap.ABSENT:
            return seen
    found = (("apparmor", known(apparmor, "") == "Y"), ("selinux", known(selinux, "") == "1"))
    return tuple(name for name, is_on in found if is_on)


def _cpu_hooks(host: Host) -> tuple[CpuHook, ...] | Unread:
    """Our own hooks among those of others, which are not looked into."""
    names = host.names(HOOKS_FOLDER)
    if isinstance(names, Unread):
        return () if names.gap is Gap.ABSENT else names
    texts = [host.text(f"{HOOKS_FOLDER}/{name}") for name in names if name.startswith(CPU_HOOK)]
    read = [read_cpu_hook(text) for text in texts if isinstance(text, str)]
    return tuple(one for one in read if one is not None)


def read_cpu_hook(text: str) -> CpuHook | None:
    """The guest and the CPUs of a hook as ``render.cpu_hook`` writes it; None for one that was rewritten."""
    import re  # noqa: PLC0415 - few hosts have such a hook, and its import is a tenth of a check

    found = [re.search(line, text, re.MULTILINE) for line in _HOOK_LINES]
    words = [_word(match[1]) for match in found if match is not None]
    if len(words) != len(_HOOK_LINES) or None in words:
        return None
    guest, during, after = (str(word) for word in words)
    return CpuHook(guest, CpusMeanwhile(during, after))


def _word(text: str) -> str | None:
    """One word as a shell reads it."""
    import shlex  # noqa: PLC0415 - few hosts have such a hook

    try:
        words = shlex.split(text)
    except ValueError:
        return None
    return words[0] if len(words) == 1 else None


_HOOK_LINES = (
    r'^\[ "\$\{1:-\}" = (.+) \] \|\| exit 0$',
    r"^prepare/begin\) cpus=(\S+) ;;$",
    r"^release/end\) cpus=(\S+) ;;$",
)
"""The guest, the host's CPUs meanwhile, and all of them."""


def _looking_glass(host: Host) -> tuple[DeviceNode, ...] | Unread:
    """Where a guest's screen comes through; a kvmfr that is a regular file is kept, as that is a trap."""
    shared = host.names("dev/shm")
    if isinstance(shared, Unread) and shared.gap is not Gap.ABSENT:
        return shared
    names = () if isinstance(shared, Unread) else shared
    paths = (*_KVMFR, *(f"dev/shm/{name}" for name in names if name.startswith("looking-glass")))
    nodes = [_node(host, path) for path in paths]
    closed = next((node for node in nodes if isinstance(node, Unread)), None)
    if closed is not None:
        return closed
    return tuple(node for node in nodes if isinstance(node, DeviceNode))
