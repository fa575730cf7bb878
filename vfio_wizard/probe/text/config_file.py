"""Configuration of the boot chain, pasted or lying in a folder: what the next boot will get.

``/etc/default/grub``, boot entries, ``refind_linux.conf``, limine.conf, a generated grub.cfg, files of
modprobe.d, mkinitcpio.conf, dracut.conf.d and lists of modules. A text is one file of several, so
nothing follows from what it lacks: modprobe's configuration is marked as a part.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from vfio_wizard.model.facts import HostFacts, InitramfsGenerator, ModprobeConfig, ModprobeLine
from vfio_wizard.model.kargs import Kargs
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Gap, Unread, untold
from vfio_wizard.probe.configured import parse_grub, parse_limine, parse_refind
from vfio_wizard.probe.modprobe import parse_modprobe
from vfio_wizard.probe.text.blank import blank_facts
from vfio_wizard.probe.text.cmdline import is_cmdline
from vfio_wizard.probe.text.lines import Line, clean_lines

KIND = "configuration"

# Plain strings, which ``re`` compiles when they are first needed.
_ASSIGNED = (
    r"(?a)(?:export\s+)?(GRUB_CMDLINE_LINUX(?:_DEFAULT)?|LINUX_OPTIONS|KERNEL_CMDLINE\[default\])"
    r"\s{0,4}(\+?)=\s{0,4}(.*)$"
)
_OPTIONS = r"(?a)options\s+(\S.*)$"
_LINUX = r"(?a)(?:linux|linuxefi)\s+[/(]"
_REFIND = r'"[^"]{1,200}"\s+"(.*)"$'
_LIMINE = r"(?ai)(?:kernel_)?cmdline:\s*\S"
_MENU = r"(?:menuentry|submenu) ['\"]"
_MODPROBE = (
    r"(?a)options\s+[\w-]{1,64}\s+[\w.]{1,64}=\S"
    r"|softdep\s+[\w-]{1,64}\s+(?:pre|post):"
    r"|blacklist\s+[\w-]{1,64}\s*(?:#.*)?$"
    r"|(?:install|remove)\s+[\w-]{1,64}\s+(?:/|true\b)"
    r"|alias\s+pci:\S+\s+[\w-]{1,64}$"
)
_MKINITCPIO = r"(?a)(?:MODULES|HOOKS|BINARIES|FILES)\s{0,2}\+?=\s{0,2}[\"(]"
_DRACUT = r"(?a)(?:add_drivers|force_drivers|filesystems|omit_drivers|add_dracutmodules|hostonly)\s{0,2}\+?="
_MODULE = r"(?a)[a-z0-9][a-z0-9_-]{1,40}(?: [a-z0-9_]+=\S+)*$"

_SIGNS = (
    *("GRUB_CMDLINE", "LINUX_OPTIONS=", "KERNEL_CMDLINE", "options", "cmdline:", "menuentry ", "softdep"),
    *("blacklist", "install ", "alias pci:", "MODULES", "HOOKS", "drivers", "hostonly", "dracutmodules"),
    *("initrd=", "vfio"),
)
"""One of these stands in every text that this reader knows."""


_FORMS_OF_LISTS = (
    ("mkinitcpio", _MKINITCPIO, "etc/mkinitcpio.conf"),
    ("dracut", _DRACUT, "etc/dracut.conf.d"),
)


class Stored(NamedTuple):
    """A stored command line and the line that it stands on."""

    words: Kargs | Unread
    number: int


def may_be(text: str) -> bool:
    """A quick look; most texts hold no configuration."""
    return any(sign in text for sign in _SIGNS)


def read(text: str, label: str) -> HostFacts | None:
    """What the text configures, as facts; None when it holds no configuration."""
    lines = tuple(clean_lines(text))
    facts = blank = blank_facts(KIND, label)
    for step in (_with_stored, _with_modprobe, _with_generators, _with_modules):
        facts = step(facts, lines, label)
    return None if facts == blank else facts


# --- the stored command line ------------------------------------------------------------------------


def _with_stored(facts: HostFacts, lines: tuple[Line, ...], label: str) -> HostFacts:
    stored = _stored(lines, label)
    if stored is None:
        return facts
    origin = f"{label} line {stored.number}"
    facts = facts._replace(boot=facts.boot._replace(configured=stored.words, configured_origin=origin))
    if not any(re.match(_ASSIGNED, line.text) for line in lines if line.text.startswith("GRUB")):
        return facts
    return facts._replace(files=(*facts.files, ("etc/default/grub", _text(lines))))


def _stored(lines: tuple[Line, ...], label: str) -> Stored | None:
    for step in (_assigned, _refind, _entry, _limine, _menu):
        found = step(lines, label)
        if found is not None:
            return found
    return None


def _assigned(lines: tuple[Line, ...], label: str) -> Stored | None:
    """Shell assignments; grub-mkconfig puts the first variable before the one for default entries."""
    values: dict[str, str] = {}
    number = 0
    for line in lines:
        found = re.match(_ASSIGNED, line.text)
        if found is None:
            continue
        name, adds, raw = found.groups()
        value = _unquoted(raw).replace(f"${name}", values.get(name, "")).replace(f"${{{name}}}", "")
        values[name] = f"{values.get(name, '')} {value}" if adds else value
        number = number if not value.strip() and number else line.number
    if not values:
        return None
    names = ("GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT", "LINUX_OPTIONS", "KERNEL_CMDLINE[default]")
    joined = " ".join(values[name] for name in names if name in values)
    if "$" in joined or "`" in joined:
        return Stored(Unread(f"{label} line {number}", Gap.MALFORMED, "a variable of the shell"), number)
    return Stored(Kargs.parse(joined), number)


def _unquoted(raw: str) -> str:
    """The value of an assignment as a shell reads it, without a comment behind it."""
    raw = raw.strip()
    quote = raw[:1] if raw[:1] in ("'", '"') else ""
    if not quote:
        return raw.split(" #")[0].strip()
    value, escaped = "", False
    for char in raw[1:]:
        if char == quote and not escaped:
            break
        if char == "\\" and quote == '"' and not escaped:
            escaped = True
            continue
        value += char
        escaped = False
    return value


def _refind(lines: tuple[Line, ...], label: str) -> Stored | None:
    """The first line boots by default; all of them are pairs of quoted texts."""
    rows = [line for line in lines if re.match(_REFIND, line.text)]
    found = re.match(_REFIND, rows[0].text) if rows else None
    if found is None or not is_cmdline(found[1]):
        return None
    return Stored(parse_refind(label, "\n".join(row.text for row in rows)), rows[0].number)


def _entry(lines: tuple[Line, ...], label: str) -> Stored | None:
    """``options`` lines of one boot entry (they add up); several entries in one text name no default."""
    starts = [line for line in lines if re.match(_LINUX, line.text)]
    rows = [
        (line, found[1])
        for line in lines
        if (found := re.match(_OPTIONS, line.text)) and not re.match(_MODPROBE, line.text)
    ]
    rows = [row for row in rows if starts or is_cmdline(row[1])]
    if not rows:
        return None
    number = rows[0][0].number
    if len(starts) > 1 and len({words for _, words in rows}) > 1:
        return Stored(untold(label, "several boot entries, and none is named as the default"), number)
    joined = " ".join(dict.fromkeys(words for _, words in rows))
    return Stored(Kargs.parse(joined), number)


def _limine(lines: tuple[Line, ...], label: str) -> Stored | None:
    first = next((line.number for line in lines if re.match(_LIMINE, line.text)), None)
    if first is None or not any(line.text.startswith("/") for line in lines):
        return None
    return Stored(parse_limine(label, _text(lines)), first)


def _menu(lines: tuple[Line, ...], label: str) -> Stored | None:
    """A generated grub.cfg; which entry boots by default stands in it or in the environment block."""
    first = next((line.number for line in lines if re.match(_MENU, line.text)), None)
    if first is None or not any(re.match(_LINUX, line.text) for line in lines):
        return None
    environment = untold("boot/grub/grubenv", "not pasted along")
    return Stored(parse_grub(label, tuple(line.text for line in lines), environment), first)


# --- modprobe and the lists of modules ---------------------------------------------------------------


def _with_modprobe(facts: HostFacts, lines: tuple[Line, ...], label: str) -> HostFacts:
    kept = [line for line in lines if re.match(_MODPROBE, line.text) and not _is_entry_option(line.text)]
    if not kept:
        return facts
    wanted = {line.number for line in kept}
    text = "\n".join(line.text if line.number in wanted else "" for line in lines)
    commands = tuple(_said(one) for one in parse_modprobe(label, text))
    gap = untold(label, "one file of modprobe.d; others may add to it")
    return facts._replace(modprobe=ModprobeConfig(commands, gap))


def _said(line: ModprobeLine) -> ModprobeLine:
    """``file:3`` becomes ``file line 3``, as every text names its lines."""
    label, _, number = line.origin.rpartition(":")
    return line._replace(origin=f"{label} line {number}")


def _is_entry_option(text: str) -> bool:
    found = re.match(_OPTIONS, text)
    return found is not None and is_cmdline(found[1])


def _with_generators(facts: HostFacts, lines: tuple[Line, ...], label: str) -> HostFacts:
    for name, pattern, path in _FORMS_OF_LISTS:
        first = next((line for line in lines if re.match(pattern, line.text)), None)
        if first is None:
            continue
        place = path if path.endswith(".conf") else f"{path}/{_file_name(label)}"
        seen = InitramfsGenerator(name, ((f"{label} line {first.number}", first.text[:120]),))
        return facts._replace(
            boot=facts.boot._replace(initramfs=seen), files=(*facts.files, (place, _text(lines)))
        )
    return facts


def _with_modules(facts: HostFacts, lines: tuple[Line, ...], label: str) -> HostFacts:
    """A text that is nothing but names of modules, one a line, some of them VFIO's."""
    bare = [line.text for line in lines if line.text and not line.text.startswith("#")]
    if facts.files or not bare or not all(re.match(_MODULE, row) for row in bare):
        return facts
    if not any(row.startswith("vfio") for row in bare):
        return facts
    return facts._replace(files=((_list_path(lines, label), _text(lines)),))


def _list_path(lines: Iterable[Line], label: str) -> str:
    said = " ".join([label, *(line.text for line in lines if line.text.startswith("#"))])
    if "initramfs" in said:
        return "etc/initramfs-tools/modules"
    return f"etc/modules-load.d/{_file_name(label)}" if "modules-load" in said else "etc/modules"


def _file_name(label: str) -> str:
    name = label.rpartition("/")[2]
    return name if name.endswith(".conf") else "pasted.conf"


def _text(lines: Iterable[Line]) -> str:
    return "\n".join(" " * line.indent + line.text for line in lines)
