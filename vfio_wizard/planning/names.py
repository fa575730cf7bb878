"""Names from outside that end up in configuration: checked once, before they are planned with."""

from __future__ import annotations

from vfio_wizard.model.errors import UsageError

_USER_EXTRA = "_.-"


def user_name(name: str) -> str:
    """A login name as shadow allows it. Raises UsageError on anything else."""
    plain = name.removesuffix("$")
    first_ok = plain[:1].isalpha() or plain[:1] == "_"
    rest_ok = all(char.isalnum() or char in _USER_EXTRA for char in plain)
    if not (name.isascii() and first_ok and rest_ok and len(name) <= 32):
        msg = f"not a user name: {name!r}. Letters, digits, dot, dash and underscore, 32 at most"
        raise UsageError(msg)
    return name


def guest_name(name: str) -> str:
    """A libvirt domain name. Raises UsageError where libvirt or a file name could not take it."""
    if (
        not name.strip()
        or "/" in name
        or not name.isprintable()
        or len(name.encode()) > 128
        or name[0] == "."
    ):
        msg = f"not a name for a guest: {name!r}. Printable, without a slash, and not starting with a dot"
        raise UsageError(msg)
    return name


def device_node(path: str) -> str:
    """A path below /dev for QEMU's device list. Raises UsageError on anything else."""
    parts = path.split("/")
    plain = path.isascii() and path.isprintable() and not set(path) & set("\"\\' ${}[]")
    if not (plain and path.startswith("/dev/") and ".." not in parts and "" not in parts[1:]):
        msg = f"not a device node: {path!r}. Give a plain path below /dev, such as /dev/input/by-id/…"
        raise UsageError(msg)
    return path


def acs_value(value: str) -> str:
    """One value of ``pcie_acs_override=``. Raises UsageError on anything that the patch does not read."""
    kind, _, ids = value.partition(":")
    if value in ("downstream", "multifunction"):
        return value
    halves = ids.split(":")
    if kind == "id" and len(halves) == 2 and all(_is_hex4(half) for half in halves):
        return value
    msg = f"not a value of pcie_acs_override: {value!r}. It knows downstream, multifunction and id:VVVV:DDDD"
    raise UsageError(msg)


def _is_hex4(text: str) -> bool:
    return len(text) == 4 and all(char in "0123456789abcdefABCDEF" for char in text)


def option_name(name: str) -> str:
    """A kernel option without ``CONFIG_``. Raises UsageError on anything else."""
    if (
        not name
        or not name.isascii()
        or not all(char.isupper() or char.isdigit() or char == "_" for char in name)
    ):
        msg = f"not a kernel option: {name!r}. Write it as in a .config, without CONFIG_"
        raise UsageError(msg)
    return name


def option_value(value: str) -> str:
    """y, m, n, a number or a plain word. Raises UsageError on anything else."""
    if not value or not value.isascii() or not all(char.isalnum() or char in "_.-/+" for char in value):
        msg = f"not a value for a kernel option: {value!r}. It takes y, m, n, a number or a plain word"
        raise UsageError(msg)
    return value
