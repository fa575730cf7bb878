"""The wizard's answers as TOML: every run can be repeated without a terminal.

Reading is strict: a key that nobody knows is an error that names the nearest one, since a misspelt
answer must not become a silent default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.selection import (
    CpuWish,
    DomainWish,
    FirmwareWish,
    GuestPart,
    GuestSystem,
    HookWish,
    HugePageWish,
    KernelPatch,
    KernelWish,
    LibvirtWish,
    LookingGlass,
    Mirror,
    NixosWish,
    Offer,
    Pinning,
    Selection,
    SoundWish,
    Strategy,
    Style,
)
from vfio_wizard.planning import cpus

E = TypeVar("E", bound=StrEnum)

_TOP = ("gpus", "also", "bind", "guest", "users", "vendor_reset", "allow")
_TABLES: dict[str, tuple[str, ...]] = {
    "looking_glass": ("mode", "width", "height", "hdr", "release"),
    "nixos": ("style", "release"),
    "kernel": ("packages", "acs_override", "patches", "config"),
    "libvirt": ("qemu_as_root", "tpm", "virt_manager", "usb_redirection", "devices"),
    "huge_pages": ("size_kib", "pages"),
    "cpus": ("guest", "how"),
    "domain": DomainWish._fields,
    "hooks": HookWish._fields,
}
_PAGE_SIZES = (2048, 1048576)


def parse(text: str) -> Selection:
    """A selection from the text of an answers file. Raises UsageError with the line or the key."""
    import tomllib  # noqa: PLC0415 - costs 18 ms, and only a run with --answers needs it

    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f"the answers are no TOML: {error}"
        raise UsageError(msg) from None
    return _selection(data)


def print_answers(selection: Selection) -> str:
    """The text of an answers file that reads back as the same selection."""
    return "\n".join(_lines(selection)) + "\n"


# -- reading --------------------------------------------------------------------------------------


def _selection(data: Mapping[str, Any]) -> Selection:
    _check_keys(data, (*_TOP, *_TABLES), "")
    top = _Table(data, "")
    return Selection(
        gpus=top.addresses("gpus"),
        also=top.addresses("also"),
        bind=top.choice("bind", Strategy, Strategy.AUTO),
        guest=top.text("guest", Selection(()).guest),
        users=top.texts("users"),
        looking_glass=_looking_glass(_table(data, "looking_glass")),
        nixos=_nixos(_table(data, "nixos")),
        kernel=_kernel(_table(data, "kernel")),
        libvirt=_libvirt(_table(data, "libvirt")),
        vendor_reset=top.choice("vendor_reset", Offer, Offer.AUTO),
        huge_pages=_huge_pages(_table(data, "huge_pages")),
        cpus=_cpus(_table(data, "cpus")),
        domain=_domain(_table(data, "domain")),
        hooks=_hooks(_table(data, "hooks")),
        allow=top.texts("allow"),
    )


def _table(data: Mapping[str, Any], name: str) -> _Table:
    found = data.get(name, {})
    if not isinstance(found, dict):
        msg = f"{name} is a table in the answers: write [{name}] and its keys below"
        raise UsageError(msg)
    _check_keys(found, _TABLES[name], f"{name}.")
    return _Table(found, f"{name}.")


def _check_keys(data: Mapping[str, Any], allowed: tuple[str, ...], prefix: str) -> None:
    import difflib  # noqa: PLC0415 - only needed beside a misspelt key

    for key in data:
        if key not in allowed:
            near = difflib.get_close_matches(key, allowed, 1, 0)
            hint = f" (nearest: {prefix}{near[0]})" if near else ""
            msg = f"unknown key in the answers: {prefix}{key}{hint}"
            raise UsageError(msg)


class _Table:
    """A table of the answers; each getter checks the type and names the key when it is wrong."""

    def __init__(self, data: Mapping[str, Any], prefix: str) -> None:
        self.data = data
        self.prefix = prefix

    def __contains__(self, key: str) -> bool:
        return key in self.data

    def wrong(self, key: str, expected: str) -> UsageError:
        return UsageError(f"{self.prefix}{key} in the answers must be {expected}, not {self.data.get(key)!r}")

    def text(self, key: str, default: str) -> str:
        found = self.data.get(key, default)
        if not isinstance(found, str):
            raise self.wrong(key, "a string")
        return found

    def maybe_text(self, key: str) -> str | None:
        return self.text(key, "") if key in self.data else None

    def texts(self, key: str) -> tuple[str, ...]:
        found = self.data.get(key, [])
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise self.wrong(key, "a list of strings")
        return tuple(found)

    def flag(self, key: str, default: bool) -> bool:
        found = self.data.get(key, default)
        if not isinstance(found, bool):
            raise self.wrong(key, "true or false")
        return found

    def number(self, key: str, default: int, most: int) -> int:
        found = self.data.get(key, default)
        if not isinstance(found, int) or isinstance(found, bool) or not 1 <= found <= most:
            raise self.wrong(key, f"a number from 1 to {most}")
        return found

    def maybe_number(self, key: str, most: int) -> int | None:
        return self.number(key, 1, most) if key in self.data else None

    def choice(self, key: str, kind: type[E], default: E) -> E:
        word = self.text(key, default.value)
        for one in kind:
            if one.value == word:
                return one
        raise self.wrong(key, "one of " + ", ".join(one.value for one in kind))

    def addresses(self, key: str) -> tuple[PciAddress, ...]:
        return tuple(self._address(key, word) for word in self.texts(key))

    def _address(self, key: str, word: str) -> PciAddress:
        try:
            return PciAddress.parse(word)
        except ValueError as error:
            msg = f"{self.prefix}{key} in the answers: {error}"
            raise UsageError(msg) from None


def _looking_glass(table: _Table) -> LookingGlass:
    plain = LookingGlass()
    return LookingGlass(
        table.choice("mode", Mirror, plain.mode),
        table.number("width", plain.width, 16384),
        table.number("height", plain.height, 16384),
        table.flag("hdr", plain.hdr),
        table.choice("release", GuestPart, plain.release),
    )


def _nixos(table: _Table) -> NixosWish:
    return NixosWish(table.choice("style", Style, Style.MODULE), table.maybe_text("release"))


def _kernel(table: _Table) -> KernelWish:
    return KernelWish(
        packages=table.maybe_text("packages"),
        patches=tuple(_pairs(table, "patches", KernelPatch)),
        config=tuple(_pairs(table, "config", lambda name, value: (name, value))),
        acs_override=table.texts("acs_override"),
    )


P = TypeVar("P")


def _pairs(table: _Table, key: str, make: Callable[[str, str], P]) -> Iterator[P]:
    """``{ name = "value" }`` tables, in the order of the file."""
    found = table.data.get(key, {})
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise table.wrong(key, "a table of strings")
    return (make(name, value) for name, value in found.items())


def _libvirt(table: _Table) -> LibvirtWish:
    plain = LibvirtWish()
    return LibvirtWish(
        table.flag("qemu_as_root", plain.qemu_as_root),
        table.flag("tpm", plain.tpm),
        table.flag("virt_manager", plain.virt_manager),
        table.flag("usb_redirection", plain.usb_redirection),
        table.texts("devices"),
    )


def _huge_pages(table: _Table) -> HugePageWish | None:
    if not table.data:
        return None
    size = table.number("size_kib", 1048576, 1048576)
    if size not in _PAGE_SIZES:
        msg = f"huge_pages.size_kib in the answers must be 2048 or 1048576, not {size}"
        raise UsageError(msg)
    if "pages" not in table:
        msg = "huge_pages.pages is missing in the answers: how many pages?"
        raise UsageError(msg)
    return HugePageWish(size, table.number("pages", 1, 1 << 24))


def _cpus(table: _Table) -> CpuWish | None:
    if not table.data:
        return None
    return CpuWish(cpus.parse_cpu_list(table.text("guest", "")), table.choice("how", Pinning, Pinning.HOOK))


def _domain(table: _Table) -> DomainWish:
    plain = DomainWish()
    return DomainWish(
        system=table.choice("system", GuestSystem, plain.system),
        memory_mib=table.maybe_number("memory_mib", 1 << 26),
        vcpus=table.maybe_number("vcpus", 8192),
        disk=table.text("disk", plain.disk),
        disk_gib=table.maybe_number("disk_gib", 1 << 20),
        iso=table.text("iso", plain.iso),
        virtio_iso=table.text("virtio_iso", plain.virtio_iso),
        network=table.text("network", plain.network),
        rom=table.text("rom", plain.rom),
        evdev=table.texts("evdev"),
        usb=table.texts("usb"),
        sound=table.choice("sound", SoundWish, plain.sound),
        spice=table.choice("spice", Offer, plain.spice),
        iommufd=table.choice("iommufd", Offer, plain.iommufd),
        firmware=table.choice("firmware", FirmwareWish, plain.firmware),
        emulated=table.flag("emulated", plain.emulated),
    )


def _hooks(table: _Table) -> HookWish:
    plain = HookWish()
    wait = 0 if table.data.get("wait") == 0 else table.number("wait", plain.wait, 600)
    return HookWish(
        table.flag("card", plain.card), table.flag("display_manager", plain.display_manager), wait
    )


# -- writing --------------------------------------------------------------------------------------


def _lines(selection: Selection) -> Iterator[str]:
    """Everything is written, defaults too, so that a later version with other defaults repeats the run."""
    yield f"gpus = {_value([str(one) for one in selection.gpus])}"
    yield f"also = {_value([str(one) for one in selection.also])}"
    yield f"bind = {_value(selection.bind.value)}"
    yield f"guest = {_value(selection.guest)}"
    yield f"users = {_value(list(selection.users))}"
    yield f"vendor_reset = {_value(selection.vendor_reset.value)}"
    yield f"allow = {_value(list(selection.allow))}"
    yield from _section("looking_glass", selection.looking_glass._asdict())
    yield from _section("nixos", selection.nixos._asdict())
    yield from _section("kernel", _kernel_table(selection.kernel))
    yield from _section("libvirt", selection.libvirt._asdict())
    if selection.huge_pages:
        yield from _section("huge_pages", selection.huge_pages._asdict())
    if selection.cpus:
        chosen = {"guest": cpus.cpu_list(selection.cpus.cpus), "how": selection.cpus.how}
        yield from _section("cpus", chosen)
    yield from _section("domain", selection.domain._asdict())
    yield from _section("hooks", selection.hooks._asdict())


def _kernel_table(kernel: KernelWish) -> dict[str, Any]:
    return {
        "packages": kernel.packages,
        "acs_override": kernel.acs_override,
        "patches": dict(kernel.patches),
        "config": dict(kernel.config),
    }


def _section(name: str, values: Mapping[str, Any]) -> Iterator[str]:
    """One table; a wish that is None is left out, since TOML has no word for it."""
    yield ""
    yield f"[{name}]"
    for key, value in values.items():
        if value is not None:
            yield f"{key} = {_value(value)}"


def _value(value: Any) -> str:
    """Strings, numbers, flags, lists and inline tables as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        return (
            "{ " + ", ".join(f"{_string(k)} = {_value(v)}" for k, v in value.items()) + " }"
            if value
            else "{}"
        )
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    return _string(str(value))


def _string(text: str) -> str:
    """A basic TOML string; controls as \\u escapes."""
    return '"' + "".join(_char(char) for char in text) + '"'


def _char(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    code = ord(char)
    if 0xD800 <= code <= 0xDFFF:
        msg = f"the answers cannot hold {char!r}: it is no character"
        raise UsageError(msg)
    return f"\\u{code:04X}" if code < 0x20 or code == 0x7F else char
