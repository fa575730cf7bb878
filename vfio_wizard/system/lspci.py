"""Names of PCI functions in words, from the PCI id database.

The database's file is read where it is known to lie, which takes a few milliseconds. Where it is
not, and for captures, the names come from lspci through pylspci, which knows where it lies.
"""

from __future__ import annotations

from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.pci import PciAddress, PciId
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.system.host import Command, Host, RootHost

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

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


def function_names(
    host: Host | None, facts: HostFacts, wanted: Collection[str] | None = None
) -> dict[PciAddress, str]:
    """A name for each function that has one: the source's own, a capture's, the database's.

    Where only some are ``wanted``, by their addresses as text, no others are looked for.
    """
    functions = () if isinstance(facts.pci, Unread) else facts.pci
    if wanted is not None:
        addresses = {address for text in wanted if (address := _address(text)) is not None}
        functions = tuple([one for one in functions if one.address in addresses])
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
    text = host.run(NAMES)
    if isinstance(text, Unread):
        return {}
    import json  # noqa: PLC0415 - only where there is something to read

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
    """Vendor and device in words, from the first database file of a host; only their blocks are looked at."""
    wanted = sorted(set(models))
    if not wanted:
        return {}
    for path in DATABASES:
        content = host.data(path, _DATABASE_LIMIT)
        if isinstance(content, bytes):
            return dict(_found(content, wanted))
    return {}


def _found(content: bytes, wanted: list[PciId]) -> Iterator[tuple[PciId, str]]:
    """The names of models, which come sorted, as the database is: it is gone through once."""
    vendor, start, end, at = "", 0, 0, 0
    for model in wanted:
        if model.vendor != vendor:
            vendor = model.vendor
            start, end = _block(content, f"\n{vendor}  ".encode(), max(start, 0))
            at = start
        if start < 0:
            continue
        line = f"\n\t{model.device}  ".encode()
        found = content.find(line, at, end)
        found = found if found >= 0 else content.find(line, start, at)
        at = max(at, found)
        name = _rest_of_line(content, found + 8) if found >= 0 else f"Device {model.device}"
        yield model, f"{_rest_of_line(content, start + 7)} {name}"


def _block(content: bytes, line: bytes, after: int) -> tuple[int, int]:
    """From the newline before a vendor's line to the one before the next vendor's; (-1, -1) without it.

    The lines of a vendor's devices begin with a tab, of their makers with two. The next vendor's id most
    often begins with the same digit, which is proven by counting.
    """
    start = content.find(line, after)
    start = start if start >= 0 or after == 0 else content.find(line, 0, after)
    if start < 0:
        return -1, -1
    end = _before(content, line[1:2], start + 1, len(content))
    inside = content.count(b"\n\t", start + 1, end) + content.count(b"\n#", start + 1, end)
    if content.count(b"\n", start + 1, end) != inside:
        for digit in b"0123456789abcdef":
            end = _before(content, bytes((digit,)), start + 1, end)
    return start, end


def _before(content: bytes, digit: bytes, start: int, end: int) -> int:
    """Where the newline before a line is that begins with this digit, or the end."""
    at = content.find(b"\n" + digit, start, end)
    return at if at >= 0 else end


def _rest_of_line(content: bytes, start: int) -> str:
    end = content.find(b"\n", start)
    return content[start : end if end >= 0 else len(content)].decode("utf-8", "backslashreplace").strip()


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
