"""Names of PCI functions in words, from the PCI id database.

The database's file is read where it is known to lie, which takes a few milliseconds. Where it is
not, and for captures, the names come from lspci through pylspci, which knows where it lies.
"""

from __future__ import annotations

from collections.abc import Iterable

from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.pci import PciAddress, PciId
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.system.host import Command, Host, RootHost

DATABASES = (
    "usr/share/hwdata/pci.ids",
    "usr/share/misc/pci.ids",
    "usr/share/pci.ids",
    "var/lib/pciutils/pci.ids",
    "run/current-system/sw/share/hwdata/pci.ids",
    "run/current-system/sw/share/pci.ids",
    "run/current-system/sw/share/misc/pci.ids",
)

NAMES = Command(("@pylspci", "names"))

_LSPCI = Command(("lspci", "-Dvmmnn"))
_DATABASE_LIMIT = 1 << 23
_LONGEST = 200


def function_names(host: Host | None, facts: HostFacts) -> dict[PciAddress, str]:
    """A name for each function that has one: the source's own, a capture's, the database's."""
    functions = () if isinstance(facts.pci, Unread) else facts.pci
    names = {one.address: one.name for one in functions if one.name}
    if host is not None and not host.live:
        names = recorded_names(host) | names
    missing = {
        one.address: one.id for one in functions if one.address not in names and isinstance(one.id, PciId)
    }
    words = database_names(RootHost(), missing.values())
    names.update({address: words[model] for address, model in missing.items() if model in words})
    if host is not None and host.live and len(names) < len(functions):
        names = recorded_names(host) | names
    return names


def recorded_names(host: Host) -> dict[PciAddress, str]:
    """What lspci calls each function of a live host or a capture; empty where neither tells."""
    import json  # noqa: PLC0415 - only where there is something to read

    text = host.run(NAMES)
    if isinstance(text, Unread):
        return {}
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    pairs = told.items() if isinstance(told, dict) else ()
    found = {_address(key): name[:_LONGEST] for key, name in pairs if isinstance(name, str) and name}
    return {address: name for address, name in found.items() if address is not None}


def _address(text: str) -> PciAddress | None:
    try:
        return PciAddress.parse(text)
    except ValueError:
        return None


def database_names(host: Host, models: Iterable[PciId]) -> dict[PciId, str]:
    """Vendor and device in words, from the first database file of a host; only their blocks are read."""
    wanted = sorted(set(models))
    if not wanted:
        return {}
    for path in DATABASES:
        text = host.text(path, _DATABASE_LIMIT)
        if isinstance(text, str):
            blocks = {vendor: _block(text, vendor) for vendor in {one.vendor for one in wanted}}
            return {one: name for one in wanted if (name := _name(blocks[one.vendor], one)) is not None}
    return {}


def _block(text: str, vendor: str) -> dict[str, str]:
    """The names of a vendor's devices by id, and its own under the empty id; empty without the vendor.

    The line of a vendor begins with its id, those of its devices with a tab, of their makers with two.
    """
    import re  # noqa: PLC0415 - of what reads names only this searches for more than a word

    start = text.find(f"\n{vendor}  ") + 1
    if not start:
        return {}
    following = re.compile(r"\n[^\t#\n]").search(text, start)
    own, *lines = text[start : following.start() if following else len(text)].split("\n")
    devices = {line[1:5]: line[7:].strip() for line in lines if line[:1] == "\t" != line[1:2]}
    return devices | {"": own[6:].strip()}


def _name(block: dict[str, str], model: PciId) -> str | None:
    return f"{block['']} {block.get(model.device) or f'Device {model.device}'}" if block else None


def names_text() -> str | Unread:
    """The adapter behind ``@pylspci names``: address to name, as JSON text."""
    import json  # noqa: PLC0415 - as pylspci, whose import brings asyncio

    from vfio_wizard.system.commands import answer  # noqa: PLC0415 - commands know this module by name

    try:
        from pylspci.parsers.verbose import VerboseParser  # noqa: PLC0415
    except ImportError:
        return Unread("@pylspci names", Gap.ABSENT, "pylspci is not installed")
    output = answer(_LSPCI)
    if isinstance(output, Unread):
        return Unread("@pylspci names", output.gap, output.detail)
    names: dict[str, str] = {}
    for record in output.split("\n\n"):
        try:
            told = [_of_device(one) for one in VerboseParser().parse(record + "\n")]
        except (ValueError, TypeError, AttributeError, KeyError):
            continue  # one function that pylspci cannot read takes no name from the others
        names.update(dict(told))
    return json.dumps(names, sort_keys=True, indent=1)


def _of_device(device: object) -> tuple[str, str]:
    """lspci's own word for a device that the database lacks is ``Device``: its id says more."""
    slot, vendor, model = (getattr(device, name) for name in ("slot", "vendor", "device"))
    word = model.name if model.name not in (None, "", "Device") else f"Device {model.id:04x}"
    return str(slot), f"{vendor.name or f'{vendor.id:04x}'} {word}"
