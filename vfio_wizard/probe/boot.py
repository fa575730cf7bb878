"""How kernels get started here: the boot loader really in use, the generator, the stored command line."""

from __future__ import annotations

from vfio_wizard.knowledge.bootchain import (
    LOADER_INFO,
    LOADER_INFO_PROGRAMS,
    LOADER_PROOFS,
    LOADER_TRACES,
    NO_LOADER_INFO,
    PROGRAMS,
    UEFI_ONLY,
    Proof,
    Sign,
    loader,
)
from vfio_wizard.model.facts import Boot, BootLoader, Distribution, Firmware, Kernel
from vfio_wizard.model.unread import Gap, Unread, known, untold
from vfio_wizard.probe.configured import Configured, read_configured
from vfio_wizard.probe.firmware import efi_text
from vfio_wizard.probe.initramfs import find_generator
from vfio_wizard.probe.signs import Signs
from vfio_wizard.system.host import Host

OS_RELEASE = ("etc/os-release", "usr/lib/os-release")

BOOT_FILES = (
    "boot/refind_linux.conf",
    "etc/apparmor.d/abstractions/libvirt-qemu",
    "etc/apparmor.d/local/abstractions/libvirt-qemu",
    "etc/booster.yaml",
    "etc/default/grub",
    "etc/default/limine",
    "etc/dracut.conf",
    "etc/initramfs-tools/initramfs.conf",
    "etc/initramfs-tools/modules",
    "etc/kernel/cmdline",
    "etc/kernel/install.conf",
    "etc/kernelstub/configuration",
    "etc/libvirt/qemu.conf",
    "etc/mkinitcpio.conf",
    "etc/modules",
    "etc/sdboot-manage.conf",
)
BOOT_FOLDERS = (
    ("etc/cmdline.d", ".conf"),
    ("etc/default/grub.d", ".cfg"),
    ("etc/dracut.conf.d", ".conf"),
    ("etc/limine-entry-tool.d", ".conf"),
    ("etc/mkinitcpio.conf.d", ".conf"),
    ("etc/mkinitcpio.d", ".preset"),
    ("etc/modprobe.d", ".conf"),
    ("etc/modules-load.d", ".conf"),
    ("usr/lib/dracut/dracut.conf.d", ".conf"),
)
"""What the planning, predicting and linting floors parse themselves."""

_FILE_LIMIT = 1 << 16


def read_boot(host: Host, kernel: Kernel, firmware: Firmware) -> Boot:
    """What starts this system; a loader that is only installed is among ``others``."""
    distribution = read_distribution(host)
    info = _loader_info(host, firmware)
    signs = Signs(host, kernel.cmdline, distribution, info)
    programs = started_by(info, kernel, firmware)
    found = _find_loader(signs, programs)
    configured, origin = _configured(signs, found, programs, kernel)
    return Boot(
        loader=found,
        others=_others(signs, found),
        loader_info=info,
        initramfs=find_generator(signs),
        distribution=distribution,
        configured=configured,
        configured_origin=origin,
    )


def read_distribution(host: Host) -> Distribution | Unread:
    """From etc/os-release, else from usr/lib."""
    gaps: list[Unread] = []
    for path in OS_RELEASE:
        text = host.text(path)
        if isinstance(text, str):
            return parse_os_release(path, text)
        gaps.append(text)
    return gaps[0]


def parse_os_release(path: str, text: str) -> Distribution | Unread:
    """os-release(5): shell assignments; without ID it is ``linux``, without any assignment malformed."""
    words: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and name.replace("_", "A").isalnum() and not name.startswith("#"):
            words[name] = _unquoted(value)
    if not words:
        return Unread(path, Gap.MALFORMED, "no assignment")
    identity = words.get("ID", "linux").lower()
    return Distribution(
        id=identity,
        like=tuple(words.get("ID_LIKE", "").lower().split()),
        version=words.get("VERSION_ID"),
        name=words.get("PRETTY_NAME") or words.get("NAME") or identity,
        codename=words.get("VERSION_CODENAME") or None,
    )


def _unquoted(value: str) -> str:
    value = value.strip()
    if len(value) < 2 or value[0] not in "\"'" or value[-1] != value[0]:
        return value
    inner = value[1:-1]
    if value[0] == "'" or "\\" not in inner:
        return inner
    plain = ""
    escaped = False
    for char in inner:
        if char == "\\" and not escaped:
            escaped = True
            continue
        plain += char
        escaped = False
    return plain


def _loader_info(host: Host, firmware: Firmware) -> str | None | Unread:
    """The text; None where no loader left one, as on BIOS, which has no variables."""
    if firmware.type == "bios":
        return None
    raw = host.data(LOADER_INFO, 1024)
    if not isinstance(raw, Unread):
        return efi_text(LOADER_INFO, raw)
    if raw.gap is Gap.ABSENT and not isinstance(host.stat(LOADER_INFO.rpartition("/")[0]), Unread):
        return None
    return raw


def started_by(info: str | None | Unread, kernel: Kernel, firmware: Firmware) -> frozenset[str]:
    """The programs that can have handed over to the running kernel.

    LoaderInfo names the program. Else ``BOOT_IMAGE=`` is GRUB's mark, which it always leaves, so that a
    command line without it rules GRUB out. An unread command line (a mounted disk) rules out nothing.
    """
    if isinstance(info, str) and not info.lower().startswith(NO_LOADER_INFO):
        named = (name for start, name in LOADER_INFO_PROGRAMS if info.lower().startswith(start))
        return frozenset((next(named, "other"),))
    possible = PROGRAMS - UEFI_ONLY if firmware.type == "bios" else PROGRAMS
    if isinstance(kernel.cmdline, Unread):
        return possible
    if any(word.startswith("BOOT_IMAGE=") for word in kernel.cmdline.words):
        return frozenset(("grub",))
    left_no_name = not isinstance(info, Unread)
    return possible - {"grub", "systemd-boot"} if left_no_name else possible - {"grub"}


def _find_loader(signs: Signs, programs: frozenset[str]) -> BootLoader | Unread:
    for proof in LOADER_PROOFS:
        if not _may_drive(proof, programs):
            continue
        seen = signs.proven(proof)
        if seen is not None:
            return BootLoader(proof.name, (*seen, *_support(signs, seen)))
    return _no_loader(signs, programs)


def _may_drive(proof: Proof, programs: frozenset[str]) -> bool:
    row = loader(proof.name)
    return row is not None and (not row.drives or bool(row.drives & programs))


def _support(signs: Signs, seen: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """What the loader itself left behind, where the proof does not quote it already."""
    found: list[tuple[str, str]] = []
    if isinstance(signs.loader_info, str):
        found.append((LOADER_INFO, signs.loader_info))
    mark = signs.seen(Sign("word", (), "BOOT_IMAGE="))
    found += [mark] if mark else []
    return tuple(one for one in found if one not in seen)


def _no_loader(signs: Signs, programs: frozenset[str]) -> Unread:
    """Why none is known: entries that are closed to this user, a loader without a row, or no sign at all."""
    entries = signs.entry_files()
    if isinstance(entries, Unread) and entries.gap is Gap.DENIED:
        return Unread(entries.path, Gap.DENIED, entries.detail or "run as root")
    if isinstance(signs.loader_info, str) and not programs & PROGRAMS:
        return Unread(LOADER_INFO, Gap.MALFORMED, f"a loader without a rule: {signs.loader_info}")
    if signs.is_there("boot"):
        return Unread("boot", Gap.ABSENT, "no sign of what starts this system")
    return untold("boot", "the source does not hold the boot files")


def _others(signs: Signs, found: BootLoader | Unread) -> tuple[BootLoader, ...]:
    """Loaders whose files are here as well, each once, in the order of the table."""
    taken = found.name if isinstance(found, BootLoader) else ""
    others: dict[str, BootLoader] = {}
    for trace in LOADER_TRACES:
        seen = signs.proven(trace) if trace.name != taken else None
        if seen:
            others.setdefault(trace.name, BootLoader(trace.name, seen))
    return tuple(others.values())


def _configured(
    signs: Signs, found: BootLoader | Unread, programs: frozenset[str], kernel: Kernel
) -> Configured:
    row = loader(found.name) if isinstance(found, BootLoader) else None
    if row is None:
        return untold("boot", "the boot loader is not known"), "boot"
    return read_configured(signs, row, programs, kernel)


def boot_files(host: Host) -> tuple[tuple[str, str], ...]:
    """The small text files of the boot chain that are there and readable, sorted: (path, text)."""
    paths = list(BOOT_FILES)
    for folder, ending in BOOT_FOLDERS:
        names = host.names(folder)
        if not isinstance(names, Unread):
            paths += [f"{folder}/{name}" for name in names if name.endswith(ending)]
    texts = ((path, host.text(path, _FILE_LIMIT)) for path in sorted(paths))
    return tuple((path, _reduced(path, text)) for path, text in texts if isinstance(text, str))


def misnamed_files(host: Host) -> tuple[tuple[str, str], ...]:
    """Files that name vfio in a folder of which only names with another ending are read: (path, line)."""
    found = []
    for folder, ending in BOOT_FOLDERS:
        for name in known(host.names(folder), ()):
            if name.endswith((ending, *_SET_ASIDE)):
                continue
            lines = known(host.lines(f"{folder}/{name}", (), ("vfio",)), ())
            line = next((one.strip() for one in lines if not one.lstrip().startswith("#")), None)
            found += [(f"{folder}/{name}", line)] if line else []
    return tuple(found)


_SET_ASIDE = (
    "~", ".bak", ".disabled", ".off", ".old", ".orig", ".save", ".md", ".txt", "README",
    ".dpkg-bak", ".dpkg-dist", ".dpkg-new", ".dpkg-old", ".pacnew", ".pacsave", ".rpmnew", ".rpmsave",
)  # fmt: skip
"""Endings by which people and package managers put a file out of use on purpose."""


def _reduced(path: str, text: str) -> str:
    """libvirt's qemu.conf is mostly a manual: only its settings are kept."""
    if path != "etc/libvirt/qemu.conf":
        return text
    return "\n".join(line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
