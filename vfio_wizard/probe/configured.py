"""The stored command line that the next boot will get, from what the boot loader really reads."""

from __future__ import annotations

from collections.abc import Callable

from vfio_wizard.knowledge.bootchain import (
    EFI_VARIABLES,
    GRUB_CFG,
    LIMINE_CONF,
    LOADER_GUID,
    WAY_BACK,
    LoaderRow,
)
from vfio_wizard.model.facts import Kernel
from vfio_wizard.model.kargs import Kargs, split_words
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Gap, Unread, known, untold
from vfio_wizard.probe.firmware import efi_text
from vfio_wizard.probe.kernels import by_version
from vfio_wizard.probe.numbers import from_decimal
from vfio_wizard.probe.signs import Signs

Configured = tuple[Kargs | Unread, str]
"""The command line and where it stands."""

HARMLESS_VARIABLES = ("vt_handoff", "tuned_params")
"""Variables in generated entries that hold nothing of the user's: left out when they have no value.
Ubuntu's 10_linux sets the first at boot time, Fedora's tuned the second."""

_GRUBENV = ("boot/grub/grubenv", "boot/grub2/grubenv")
_GRUB_INDENTS = ("", "\t", "\t\t", "  ", "    ", "        ")
GRUB_PREFIXES = (
    "set default=",
    "   set default=",
    "}",
    "\t}",
    *(f"{indent}{word}" for word in ("menuentry ", "submenu ", "linux") for indent in _GRUB_INDENTS),
)
"""The lines of a generated grub.cfg that say which entry boots with which words."""


class Entry(NamedTuple):
    """One boot loader entry: its names, its version where it has one, and its words."""

    path: str
    names: tuple[str, ...]
    version: str
    options: str


def read_configured(signs: Signs, row: LoaderRow, programs: frozenset[str], kernel: Kernel) -> Configured:
    """The first source of the row that is there; DENIED when one is closed to this user."""
    gaps: list[Unread] = []
    for name in row.configured:
        seen, origin = _READERS[name](signs, row, programs, kernel)
        if not isinstance(seen, Unread) or seen.gap is Gap.DENIED:
            return seen, origin
        gaps.append(seen)
    if not gaps:
        return untold(row.name, "this loader keeps its command line where no file shows it"), row.name
    told = next((gap for gap in gaps if gap.gap is not Gap.ABSENT), gaps[0])
    return told, told.path


def _plain(path: str) -> Callable[[Signs, LoaderRow, frozenset[str], Kernel], Configured]:
    def read(signs: Signs, _row: LoaderRow, _programs: frozenset[str], _kernel: Kernel) -> Configured:
        seen = signs.text(path)
        if isinstance(seen, Unread):
            return seen, path
        return Kargs.parse(without_comments(seen)), path

    return read


def without_comments(text: str) -> str:
    """The lines of a cmdline file as one, without those that begin with a hash."""
    return " ".join(line.strip() for line in text.splitlines() if not line.lstrip().startswith("#"))


def _cmdline_d(signs: Signs, _row: LoaderRow, _programs: frozenset[str], _kernel: Kernel) -> Configured:
    paths = signs.matching("etc/cmdline.d/*.conf")
    if not paths:
        return Unread("etc/cmdline.d", Gap.ABSENT), "etc/cmdline.d"
    texts = [signs.text(path) for path in paths]
    closed = next((text for text in texts if isinstance(text, Unread)), None)
    if closed is not None:
        return closed, "etc/cmdline.d"
    joined = " ".join(without_comments(text) for text in texts if isinstance(text, str))
    return Kargs.parse(joined), "etc/cmdline.d"


def _nixos(signs: Signs, _row: LoaderRow, _programs: frozenset[str], _kernel: Kernel) -> Configured:
    """The system profile boots next; what ``nixos-rebuild test`` activated does not."""
    gaps: list[Unread] = []
    for path in ("nix/var/nix/profiles/system/kernel-params", "run/current-system/kernel-params"):
        seen = signs.text(path)
        if isinstance(seen, str):
            return Kargs.parse(seen), path
        gaps.append(seen)
    return gaps[0], gaps[0].path


def _proxmox(signs: Signs, row: LoaderRow, programs: frozenset[str], kernel: Kernel) -> Configured:
    """GRUB reads copies of grub.cfg on partitions that are not mounted; systemd-boot gets the file."""
    if programs == {"grub"}:
        return _grub_cfg(signs, row, programs, kernel)
    return _plain("etc/kernel/cmdline")(signs, row, programs, kernel)


def _kernelstub(signs: Signs, _row: LoaderRow, _programs: frozenset[str], _kernel: Kernel) -> Configured:
    """The options of the user; kernelstub itself adds root= and the like."""
    path = "etc/kernelstub/configuration"
    seen = signs.text(path)
    return (seen if isinstance(seen, Unread) else parse_kernelstub(path, seen)), path


def parse_kernelstub(path: str, text: str) -> Kargs | Unread:
    """``user.kernel_options`` of kernelstub's JSON, a list or a string."""
    import json  # noqa: PLC0415 - only Pop!_OS pays for it

    try:
        options = json.loads(text)["user"]["kernel_options"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return Unread(path, Gap.MALFORMED, "no kernel_options of the user")
    if isinstance(options, list):
        options = " ".join(map(str, options))
    if not isinstance(options, str):
        return Unread(path, Gap.MALFORMED, "no list of options")
    return Kargs.parse(options)


def _refind(signs: Signs, _row: LoaderRow, _programs: frozenset[str], _kernel: Kernel) -> Configured:
    path = "boot/refind_linux.conf"
    seen = signs.text(path)
    return (seen if isinstance(seen, Unread) else parse_refind(path, seen)), path


def parse_refind(path: str, text: str) -> Kargs | Unread:
    """The options of the first line, which boots by default: ``"title" "options"``, quotes doubled inside."""
    for line in text.splitlines():
        line = line.strip()  # noqa: PLW2901 - indentation means nothing here
        if not line or line.startswith("#"):
            continue
        parts = line.replace('""', "\0").split('"')
        if len(parts) < 5:
            return Unread(path, Gap.MALFORMED, "its first line has no two quoted texts")
        return Kargs.parse(parts[3].replace("\0", '"'))
    return Unread(path, Gap.MALFORMED, "no line")


# --- GRUB ---------------------------------------------------------------------------------------


def _grub_cfg(signs: Signs, _row: LoaderRow, _programs: frozenset[str], _kernel: Kernel) -> Configured:
    path = next((one for one in GRUB_CFG if signs.is_there(one)), GRUB_CFG[0])
    lines = signs.host.lines(path, GRUB_PREFIXES)
    if isinstance(lines, Unread):
        return lines, path
    return parse_grub(path, lines, grub_environment(signs)), path


def grub_environment(signs: Signs) -> dict[str, str] | Unread:
    """The variables that GRUB keeps between boots; none where there is no such file."""
    for path in _GRUBENV:
        seen = signs.text(path)
        if isinstance(seen, str):
            pairs = (line.partition("=") for line in seen.splitlines() if not line.startswith("#"))
            return {name: value for name, equals, value in pairs if equals}
        if seen.gap in (Gap.DENIED, Gap.MALFORMED):
            return seen
    return {}


class _Node(NamedTuple):
    """A menu entry or a submenu of grub.cfg; ``words`` is empty until a linux line is met."""

    names: tuple[str, ...]
    words: list[str]
    children: list[_Node]


def parse_grub(path: str, lines: tuple[str, ...], environment: dict[str, str] | Unread) -> Kargs | Unread:
    """The words of the entry that boots by default, from the lines of ``GRUB_PREFIXES``."""
    menu = _menu(lines)
    wanted = _default(lines, environment)
    if isinstance(wanted, Unread):
        return wanted
    node = _leaf(menu, wanted)
    if node is None or not node.words:
        return Unread(path, Gap.MALFORMED, "its default entry starts no Linux kernel")
    return expand(path, " ".join(node.words), environment)


def _menu(lines: tuple[str, ...]) -> list[_Node]:
    root = _Node((), [], [])
    stack = [root]
    for line in lines:
        word, _, rest = line.strip().replace("\t", " ").partition(" ")
        if word in ("menuentry", "submenu"):
            node = _Node(_entry_names(rest), [], [])
            stack[-1].children.append(node)
            stack.append(node)
        elif word in ("linux", "linuxefi", "linux16"):
            stack[-1].words.extend(split_words(rest)[1:])
        elif word == "}" and len(stack) > 1:
            stack.pop()
    return root.children


def _entry_names(rest: str) -> tuple[str, ...]:
    """The quoted texts: the title and, behind ``--id`` or ``$menuentry_id_option``, the id."""
    names: list[str] = []
    quote = ""
    word = ""
    for char in rest.replace("'\\''", "\0"):
        if quote and char == quote:
            names.append(word.replace("\0", "'"))
            quote, word = "", ""
        elif quote:
            word += char
        elif char in "'\"":
            quote = char
    return tuple(names)


def _default(lines: tuple[str, ...], environment: dict[str, str] | Unread) -> str | Unread:
    """What ``default`` is set to; grub-reboot's ``next_entry`` goes before it, for one boot."""
    stored = {} if isinstance(environment, Unread) else environment
    if stored.get("next_entry"):
        return stored["next_entry"]
    values = [line.partition("=")[2].strip().strip("\"'") for line in lines if "set default=" in line]
    fixed = [value for value in values if "next_entry" not in value]
    wanted = fixed[-1] if fixed else "0"
    if "saved_entry" not in wanted:
        return wanted
    return environment if isinstance(environment, Unread) else stored.get("saved_entry") or "0"


def _leaf(menu: list[_Node], wanted: str) -> _Node | None:
    """``1>2``, ``title`` or ``id>id``; what does not exist means the first entry, as in GRUB."""
    first, _, rest = wanted.partition(">")
    node = next((one for one in menu if first in one.names), None)
    place = from_decimal(first)
    if node is None and place is not None and 0 <= place < len(menu):
        node = menu[place]
    if node is None:
        node, rest = (menu[0] if menu else None), ""
    if node is None or not node.children:
        return node
    return _leaf(node.children, rest or "0")


def expand(path: str, options: str, environment: dict[str, str] | Unread) -> Kargs | Unread:
    """Words with GRUB's variables replaced; MALFORMED when one has no value that could be known."""
    stored = {} if isinstance(environment, Unread) else environment
    words: list[str] = []
    for word in split_words(options):
        name = word[1:].strip("{}") if word.startswith("$") else None
        if name is None:
            words.append(word)
        elif name in stored:
            words.extend(split_words(stored[name]))
        elif name not in HARMLESS_VARIABLES:
            if isinstance(environment, Unread):
                return environment
            return Unread(path, Gap.MALFORMED, f"the variable {name} has no value")
    left = next((word for word in words if "$" in word.replace("\\$", "")), None)
    if left is not None:
        return Unread(path, Gap.MALFORMED, f"a variable in {left}")
    return Kargs(tuple(words))


# --- boot loader specification --------------------------------------------------------------------


def _bls(signs: Signs, row: LoaderRow, programs: frozenset[str], _kernel: Kernel) -> Configured:
    files = _grub_entry_files(signs) if programs == {"grub"} else signs.entry_files()
    if isinstance(files, Unread):
        return files, files.path
    entries = [entry for entry in (_entry(signs, path) for path in files) if entry is not None]
    if not entries:
        gap = next((text for text in map(signs.text, files) if isinstance(text, Unread)), None)
        wrong = Unread(files[0], Gap.MALFORMED, "no entry starts a Linux kernel")
        return wrong if gap is None else gap, files[0]
    environment = grub_environment(signs) if "grub" in programs else {}
    chosen = _chosen(signs, row, entries, environment)
    if isinstance(chosen, Unread):
        return chosen, chosen.path
    return expand(chosen.path, chosen.options, environment), chosen.path


def _grub_entry_files(signs: Signs) -> tuple[str, ...] | Unread:
    """GRUB reads the entries of boot, wherever the EFI partition is."""
    names = signs.names("boot/loader/entries")
    if isinstance(names, Unread) and names.gap is Gap.DENIED:
        return names
    own = tuple(one for one in signs.matching("boot/loader/entries/*.conf") if WAY_BACK not in one)
    return own or signs.entry_files()


def _entry(signs: Signs, path: str) -> Entry | None:
    text = signs.text(path)
    return None if isinstance(text, Unread) else parse_entry(path, text)


def parse_entry(path: str, text: str) -> Entry | None:
    """A type 1 entry of the boot loader specification; None when it starts something else than Linux."""
    keys: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, _, value = line.strip().replace("\t", " ").partition(" ")
        if key and not key.startswith("#"):
            keys.setdefault(key, []).append(value.strip())
    if "linux" not in keys:
        return None
    name = path.rpartition("/")[2]
    version = keys.get("version", [""])[0]
    return Entry(path, (name, name.removesuffix(".conf")), version, " ".join(keys.get("options", [])))


def _chosen(
    signs: Signs, row: LoaderRow, entries: list[Entry], environment: dict[str, str] | Unread
) -> Entry | Unread:
    """The entry that boots by default: the named one, else the newest version."""
    wanted = _named_default(signs, row, environment)
    for entry in entries:
        if wanted and any(_matches(name, wanted) for name in entry.names):
            return entry
    versions = [entry for entry in entries if entry.version]
    if versions:
        return max(versions, key=lambda entry: by_version(entry.version))
    if len({entry.options for entry in entries}) == 1:
        return entries[0]
    booted = _efi_entry(signs, "LoaderEntrySelected")
    for entry in entries:
        if booted in entry.names:
            return entry
    return untold(entries[0].path.rpartition("/")[0], "several entries, and none is named as the default")


def _named_default(signs: Signs, row: LoaderRow, environment: dict[str, str] | Unread) -> str | None:
    """GRUB's saved entry; for systemd-boot the EFI variable, which goes before loader.conf."""
    if row.name == "grub-bls":
        return known(environment, {}).get("saved_entry")
    if row.name in ("rpm-ostree", "bootc"):
        return None  # the newest deployment
    return _efi_entry(signs, "LoaderEntryDefault") or _loader_conf(signs)


def _loader_conf(signs: Signs) -> str | None:
    files = known(signs.entry_files(), ())
    folder = files[0].rpartition("/entries/")[0] if files else "efi/loader"
    for line in known(signs.text(f"{folder}/loader.conf"), "").splitlines():
        key, _, value = line.strip().replace("\t", " ").partition(" ")
        if key == "default" and not value.strip().startswith("@"):
            return value.strip()
    return None


def _efi_entry(signs: Signs, name: str) -> str | None:
    path = f"{EFI_VARIABLES}/{name}-{LOADER_GUID}"
    raw = signs.host.data(path, 1024)
    text = raw if isinstance(raw, Unread) else efi_text(path, raw)
    return known(text, "") or None


def _matches(name: str, pattern: str) -> bool:
    """systemd-boot's default is a shell pattern; only its asterisks are in use."""
    start, star, end = pattern.partition("*")
    return name.startswith(start) and name.endswith(end.lstrip("*")) if star else name == pattern


# --- Limine -----------------------------------------------------------------------------------------


def _limine(signs: Signs, _row: LoaderRow, _programs: frozenset[str], _kernel: Kernel) -> Configured:
    path = next((one for one in LIMINE_CONF if signs.is_there(one)), LIMINE_CONF[0])
    seen = signs.text(path)
    return (seen if isinstance(seen, Unread) else parse_limine(path, seen)), path


def parse_limine(path: str, text: str) -> Kargs | Unread:
    """The command line of the default entry of limine.conf (8 and later); counted from 1, folders too."""
    default = "1"
    headings: list[tuple[int, str | None]] = []
    for line in text.splitlines():
        line = line.strip()  # noqa: PLW2901 - indentation means nothing here
        if line.startswith("/"):
            headings.append((len(line) - len(line.lstrip("/")), None))
            continue
        key, colon, value = line.partition(":")
        if not colon or key.startswith("#"):
            continue
        key = key.strip().lower()
        if key == "default_entry" and not headings:
            default = value.strip()
        elif key in ("cmdline", "kernel_cmdline") and headings and headings[-1][1] is None:
            headings[-1] = (headings[-1][0], value.strip())
    return _limine_entry(path, headings, default)


def _limine_entry(path: str, headings: list[tuple[int, str | None]], default: str) -> Kargs | Unread:
    number = from_decimal(default)
    if number is None or not 0 < number <= len(headings):
        return Unread(path, Gap.MALFORMED, "no entry of the number that default_entry gives")
    depth = headings[number - 1][0]
    for place, (level, options) in enumerate(headings[number - 1 :]):
        if place and level <= depth:
            break
        if options is not None:
            return Kargs.parse(options)
    return Unread(path, Gap.MALFORMED, f"entry {default} has no cmdline")


_READERS: dict[str, Callable[[Signs, LoaderRow, frozenset[str], Kernel], Configured]] = {
    "bls": _bls,
    "etc/cmdline.d": _cmdline_d,
    "etc/kernel/cmdline": _plain("etc/kernel/cmdline"),
    "grub.cfg": _grub_cfg,
    "kernelstub": _kernelstub,
    "limine.conf": _limine,
    "nixos": _nixos,
    "proxmox": _proxmox,
    "refind_linux.conf": _refind,
    "usr/lib/kernel/cmdline": _plain("usr/lib/kernel/cmdline"),
}
