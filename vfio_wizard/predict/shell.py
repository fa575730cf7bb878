"""The few shell forms in which people write ``driver_override``: understood, or said to be not understood.

``for d in A B; do echo vfio-pci > /sys/bus/pci/devices/$d/driver_override; done; modprobe vfio-pci``, the
same written out, through a function, or with ``printf`` and ``tee``. Computed addresses are not guessed.
"""

from __future__ import annotations

import re

from vfio_wizard.model.record import NamedTuple

_ADDRESS = r"(?:[0-9a-fA-F]{4,8}:)?[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-7]"
_LOAD = r"(?:^|[\s;&|`({])(?:exec\s+)?(?:/usr|/bin|/sbin|/usr/bin|/usr/sbin)?/?modprobe((?:\s+[^;&|\n)}]+)?)"


class Call(NamedTuple):
    """``modprobe`` in a script."""

    module: str
    options: str = ""
    ignore_install: bool = False


class Commands(NamedTuple):
    """What a piece of shell does to PCI functions."""

    loads: tuple[Call, ...] = ()
    overrides: tuple[tuple[str, str], ...] = ()
    """Address as written, in full, and driver."""
    probes: tuple[str, ...] = ()
    """Addresses that are bound anew, whatever had them before where ``unbinds`` is set."""
    unbinds: bool = False
    opaque: str = ""


def read_commands(text: str) -> Commands:
    """Read one script or one ``install`` command."""
    text = _without_comments(text)
    if "driver_override" not in text and "/bind" not in text:
        return _loads_only(text)
    addresses = tuple(dict.fromkeys(_full(one) for one in re.findall(_ADDRESS, text)))
    drivers = _drivers(text)
    if not addresses:
        return Commands(opaque="it finds the functions out by itself while booting")
    if len(drivers) != 1:
        return Commands(opaque="which driver it names could not be read from it")
    probes = addresses if re.search(r"drivers_probe|drivers/[^/\s]+/bind", text) else ()
    return Commands(
        loads=_calls(text),
        overrides=tuple((one, drivers[0]) for one in addresses),
        probes=probes,
        unbinds="/unbind" in text,
    )


def _without_comments(text: str) -> str:
    return "\n".join(
        line for line in text.replace("\\\n", " ").split("\n") if not line.lstrip().startswith("#")
    )


def _full(address: str) -> str:
    return (address if address.count(":") == 2 else f"0000:{address}").lower()


def _drivers(text: str) -> list[str]:
    """``vfio-pci`` and its like as words that are written somewhere, variables followed once."""
    words = re.findall(
        r"(?:echo|printf)\s+(?:-n\s+|'%s'\s+|\"%s\"\s+|%s\s+)?[\"']?([\w${}.-]+)[\"']?\s*(?:>|\|)", text
    )
    values = dict(re.findall(r"(?m)(?:^|[\s;])(\w+)=[\"']?([\w.-]+)[\"']?(?=[\s;]|$)", text))
    named = [values.get(word.strip("${}"), word) if "$" in word else word for word in words]
    return sorted({name for name in named if re.fullmatch(r"[A-Za-z][\w.-]*", name)})


def _calls(text: str) -> tuple[Call, ...]:
    found: list[Call] = []
    for match in re.finditer(_LOAD, text, re.MULTILINE):
        words = [word.strip("\"'") for word in (match[1] or "").split()]
        words = words[
            : next((at for at, word in enumerate(words) if word.startswith((">", "2>", "<"))), len(words))
        ]
        plain = [word for word in words if not word.startswith(("-", "$"))]
        ignores = any(
            word in ("-i", "--ignore-install") or re.fullmatch(r"-[a-z]*i[a-z]*", word) for word in words
        )
        if not plain or any(word in ("-r", "--remove") for word in words):
            continue
        if "-a" in words or "--all" in words:
            found += [Call(one.replace("-", "_"), "", ignores) for one in plain]
        else:
            found.append(Call(plain[0].replace("-", "_"), " ".join(plain[1:]), ignores))
    return tuple(found)


_HARMLESS = re.compile(
    r"(?:/usr)?(?:/bin/|/sbin/)?(?:true|false|:|exit(?:\s+\d+)?|echo\b[^>]*|sleep\s+[\d.]+|logger\b.*)"
)


def _loads_only(text: str) -> Commands:
    """A command of ``modprobe`` calls and words without effect on a driver."""
    for part in re.split(r"[;\n]|&&|\|\|", text):
        word = part.strip().strip("{}()").strip()
        if not word or _HARMLESS.fullmatch(word) or re.match(r"(?:/usr)?(?:/s?bin/)?modprobe(?:\s|$)", word):
            continue
        if "modprobe" in text or "insmod" in text or "/sys/" in text:
            return Commands(opaque=f"what it does could not be read: {word[:60]}")
        return Commands(opaque=f"it runs a program in place of loading the module: {word[:60]}")
    return Commands(loads=_calls(text))
