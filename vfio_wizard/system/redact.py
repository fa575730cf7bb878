"""Takes out of a text what tells one person's machine from another of the same make.

The same value gives the same placeholder within one capture (``UUID-1``, ``MAC-2``, ``USER-1``,
``HOST``), so that what refers to each other still does. Placeholders are replaced back when a probe
asks for a path that holds one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from vfio_wizard.model.record import NamedTuple


class Finder(NamedTuple):
    """A kind of value, and a pattern whose group ``value`` is one."""

    kind: str
    pattern: re.Pattern[str]


def _finder(kind: str, pattern: str) -> Finder:
    return Finder(kind, re.compile(pattern, re.ASCII | re.IGNORECASE))


_WORD = r"[^\s\"',;:)\]}>]+"

ALWAYS = (
    _finder("DISK", rf"\bby-id/(?P<value>{_WORD})"),
    _finder("UUID", rf"\bby-(?:part)?uuid/(?P<value>{_WORD})"),
    _finder("LABEL", rf"\bby-(?:part)?label/(?P<value>{_WORD})"),
    _finder("UUID", r"(?<![0-9a-f])(?P<value>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?![0-9a-f])"),
    _finder("UUID", r"(?<![0-9a-f])(?P<value>[0-9a-f]{8}(?::[0-9a-f]{8}){3})(?![0-9a-f])"),
    _finder("UUID", r"(?<![0-9a-z])(?P<value>[0-9a-f]{32})(?![0-9a-z])"),
    _finder("UUID", rf"uuid=(?:luks-)?(?P<value>{_WORD})"),
    _finder("LABEL", rf"\b(?:part)?label=(?P<value>{_WORD})"),
    _finder("WWN", r"\b(?:wwn-0x|(?:nvme-)?eui\.|naa\.|nvme\.(?=[0-9a-f]{4}-))(?P<value>[0-9a-z._-]+)"),
    _finder("WWN", r"\b(?P<value>0x5[0-9a-f]{15})\b"),
    _finder("MAC", r"(?<![0-9a-f])(?P<value>[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5,19})(?![0-9a-f])"),
    _finder("MAC", r"(?<![a-z0-9])(?:en|wl|ww|sl|ib)x(?P<value>[0-9a-f]{12})(?![0-9a-z])"),
    _finder("USER", r"(?:(?<![\w.-])|(?<=/))(?:home|Users)/(?P<value>[^\s/\"',;:)\]}>]+)"),
)
"""What has no meaning for passthrough wherever it stands; also looked for in answers of the kernel."""

IN_PROSE = (
    _finder(
        "SECRET",
        r"[\w.-]*(?:password|passwd|passphrase|secret|token)[\w.-]*=(?P<value>\"[^\"\n]+\"|[^\s\"]+)",
    ),
    _finder("HOST", r"\b(?:systemd\.)?hostname=(?P<value>[\w.-]+)"),
    _finder("BUILDER", r"\((?P<value>[^()\s@]+@[^()\s@]+)\)"),
    _finder("SERIAL", r"\bserial(?:[ _]?(?:number|no\.?|#))?[ ]?[:=][ ]?(?P<value>[\w./+-]+)"),
    _finder(
        "IP",
        r"(?<![\w.])(?P<value>(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3})(?![\w]|\.\d)",
    ),
    _finder("IP", r"(?<![\w:.])(?P<value>[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){7})(?![\w:])"),
    _finder(
        "IP",
        r"(?<![\w:.-])(?P<value>[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*::(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*)?)(?![\w:])",
    ),
)
"""What may stand in text that people, boot loaders and logs wrote."""

PUBLIC = frozenset(
    (
        "8be4df61-93ca-11d2-aa0d-00e098032b8c",  # EFI global variables
        "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f",  # systemd's boot loader interface
        "605dab50-e046-4300-abb6-3dd810dd8b23",  # shim
        "d719b2cb-3d3a-4596-a3bc-dad00e67656f",  # EFI image security database
        "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",  # type of EFI system partitions
        "bc13c2ff-59e6-4262-a352-b275fd6f7172",  # type of XBOOTLDR partitions
        "4f68bce3-e8cd-4db1-96e7-fbcaf984b709",  # type of x86-64 root partitions
        "00000000-0000-0000-0000-000000000000",
        "00000000000000000000000000000000",
        "00:00:00:00:00:00",
        "ff:ff:ff:ff:ff:ff",
        "0.0.0.0",  # noqa: S104 - nothing is bound to it here
        "127.0.0.1",
        "255.255.255.255",
        "255.255.255.0",
        "255.255.0.0",
        "255.0.0.0",
    )
)
"""Values that stand in every manual and tell nothing of a machine."""

COMMON = frozenset(
    (
        "admin", "amd", "amdgpu", "arch", "archlinux", "asus", "boot", "cachyos", "cpu", "debian", "default",
        "desktop", "dev", "dracut", "efi", "endeavouros", "etc", "fedora", "gaming", "gentoo", "gpu", "grub",
        "guest", "home", "host", "i915", "initrd", "intel", "iommu", "kernel", "kvm", "laptop", "libvirt",
        "limine", "linux", "local", "localdomain", "localhost", "manjaro", "mint", "modules", "nixos",
        "nobody", "none", "nouveau", "nvidia", "opensuse", "options", "pci", "pop-os", "proxmox", "pve",
        "qemu", "quiet", "radeon", "root", "server", "splash", "steamdeck", "suse", "systemd", "test",
        "ubuntu", "unknown", "user", "users", "usr", "vfio", "vfio-pci", "virt", "vm", "void", "windows",
        "workstation", "xe", "zfs",
        "builder", "disk", "group", "label", "mac", "secret", "serial", "uuid", "wwn",
    )
)  # fmt: skip
"""Names of hosts and users that tell nothing, and whose replacement would take words from the text."""

PLACEHOLDER = re.compile(
    r"(?:UUID|MAC|USER|HOST|DISK|LABEL|IP|WWN|SECRET|SERIAL|BUILDER|GROUP)(?:-[0-9]{1,7})?", re.ASCII
)
_SHORTEST_NAME = 3
_DEEPEST = 4
"""A value may hold a placeholder: ``nvme-eui.WWN-1``."""


class Leak(NamedTuple):
    """Something in a text that ought to be a placeholder."""

    kind: str
    value: str


def find(text: str, finders: Iterable[Finder]) -> Iterator[Leak]:
    """What the patterns find in a text and what is neither public nor a placeholder."""
    for finder in finders:
        for match in finder.pattern.finditer(text):
            value = match["value"]
            if _is_private(finder.kind, value):
                yield Leak(finder.kind, value)


def _is_private(kind: str, value: str) -> bool:
    if kind == "USER" and value in COMMON:
        return False
    return not PLACEHOLDER.fullmatch(value) and value.lower() not in PUBLIC and not value.startswith("$")


class Redactor:
    """Placeholders of one capture."""

    def __init__(self, users: Iterable[str] = (), hosts: Iterable[str] = ()) -> None:
        """The names of people and of the machine, as it tells them itself."""
        self._given: dict[tuple[str, str], str] = {}
        self._real: dict[str, str] = {}
        self._count: dict[str, int] = {}
        self._names = dict.fromkeys(_telling(users), "USER")
        self._names.update(
            {part: "HOST" for name in hosts for part in _telling((name, name.partition(".")[0]))}
        )
        self._pattern = _any_of(self._names)

    def kernel(self, text: str) -> str:
        """A text of the kernel's own: values are replaced, words are left alone."""
        for finder in ALWAYS:
            text = finder.pattern.sub(self._replacing(finder.kind), text)
        return text

    def prose(self, text: str) -> str:
        """A text that may hold anything: also addresses, secrets, and the names of user and host."""
        for finder in IN_PROSE:
            text = finder.pattern.sub(self._replacing(finder.kind), text)
        text = self.kernel(text)
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda match: self.placeholder(self._names[match[0]], match[0]), text)

    def real(self, path: str) -> str:
        """The path with the values that stand behind its placeholders."""
        if not self._real:
            return path
        for _ in range(_DEEPEST):
            inner = PLACEHOLDER.sub(lambda match: self._real.get(match[0], match[0]), path)
            if inner == path:
                break
            path = inner
        return path

    def placeholder(self, kind: str, value: str) -> str:
        """The placeholder of a value; its spelling in upper or lower case makes no difference."""
        key = (kind, value if kind == "USER" else value.lower())
        known = self._given.get(key)
        if known is not None:
            return known
        number = self._count[kind] = self._count.get(kind, 0) + 1
        made = kind if kind == "HOST" and number == 1 else f"{kind}-{number}"
        self._given[key] = made
        self._real[made] = value
        return made

    def _replacing(self, kind: str) -> Callable[[re.Match[str]], str]:
        def replace(match: re.Match[str]) -> str:
            value = match["value"]
            if not _is_private(kind, value):
                return match[0]
            start = match.start("value") - match.start()
            return f"{match[0][:start]}{self.placeholder(kind, value)}{match[0][start + len(value) :]}"

        return replace


def _telling(names: Iterable[str]) -> list[str]:
    return [name for name in names if len(name) >= _SHORTEST_NAME and name.lower() not in COMMON]


def _any_of(names: Iterable[str]) -> re.Pattern[str] | None:
    longest_first = sorted(names, key=lambda name: (-len(name), name))
    if not longest_first:
        return None
    either = "|".join(map(re.escape, longest_first))
    return re.compile(rf"(?<![A-Za-z0-9])(?:{either})(?![A-Za-z0-9])")
