"""PCI as the kernel and the field name it: addresses, ids, classes, functions."""

from __future__ import annotations

from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Unread, untold

_HEX = frozenset("0123456789abcdefABCDEF")
_FUNCTIONS = frozenset("01234567")
_TAIL = {f".{number}": number for number in range(8)}


def _is_hex(text: str, fewest: int, most: int) -> bool:
    """Exact where ``int`` is lenient; a pattern would cost ``import re`` (4 ms) on every start."""
    return fewest <= len(text) <= most and _HEX.issuperset(text)


class PciAddress(NamedTuple):
    """Where a PCI function sits, as sysfs spells it: domain:bus:device.function.

    Domains have four hex digits or more (Intel VMD uses 10000). An address says where a card
    sits today; it may move when hardware is added, so what outlives a reboot says if it relies on it.
    """

    domain: int
    bus: int
    device: int
    function: int

    @classmethod
    def parse(cls, text: str) -> PciAddress:
        """Read ``0000:0b:00.0``, or ``0b:00.0`` in domain 0. Raises ValueError on anything else."""
        digits = text[:4] + text[5:7] + text[8:10]
        if text[4:5] == text[7:8] == ":" and _is_hex(digits, 8, 8) and _TAIL.get(text[10:]) is not None:
            number = int(digits, 16)  # sysfs, where thousands are read
            if number & 0xE0 == 0:
                return cls(number >> 16, number >> 8 & 0xFF, number & 0xFF, _TAIL[text[10:]])
        slot, _, function = text.rpartition(".")
        above, _, device = slot.rpartition(":")
        domain, colon, bus = above.rpartition(":")
        if (
            _is_hex(bus, 2, 2)
            and _is_hex(device, 2, 2)
            and device[0] in "01"
            and function in _FUNCTIONS
            and (_is_hex(domain, 4, 8) if colon else True)
        ):
            return cls(int(domain or "0", 16), int(bus, 16), int(device, 16), int(function))
        msg = f"not a PCI address: {text!r} (expected a form like 0000:0b:00.0)"
        raise ValueError(msg)

    def __str__(self) -> str:
        """The sysfs spelling, hex in every part."""
        return f"{self.domain:04x}:{self.bus:02x}:{self.device:02x}.{self.function:x}"

    @property
    def slot(self) -> tuple[int, int, int]:
        """Domain, bus and device: what all functions of one device share."""
        return (self.domain, self.bus, self.device)

    @property
    def xorg_bus_id(self) -> str:
        """The form of X.org and of NixOS PRIME options: decimal, unlike sysfs (bus 0d is 13)."""
        return f"PCI:{self.bus}@{self.domain}:{self.device}:{self.function}"

    @property
    def libvirt_node(self) -> str:
        """The name of the libvirt node device."""
        return "pci_" + str(self).replace(":", "_").replace(".", "_")


class PciId(NamedTuple):
    """Which model a function is: vendor and device, four lower-case hex digits each."""

    vendor: str
    device: str

    @classmethod
    def parse(cls, text: str) -> PciId:
        """Read ``1002:731f`` (``0x`` allowed). Raises ValueError on anything else."""
        vendor, _, device = (part.removeprefix("0x") for part in text.lower().partition(":"))
        if not (text.isascii() and _is_hex(vendor, 4, 4) and _is_hex(device, 4, 4)):
            msg = f"not a PCI id: {text!r} (expected a form like 1002:731f)"
            raise ValueError(msg)
        return cls(vendor, device)

    def __str__(self) -> str:
        """The form of ``lspci -n`` and of ``vfio-pci.ids=``."""
        return f"{self.vendor}:{self.device}"


class PciClass(NamedTuple):
    """What a function does, in the three bytes of its class code.

    ``prog_if`` is None where the source (a listing) prints only class and subclass.
    """

    base: int
    sub: int
    prog_if: int | None = None

    def __str__(self) -> str:
        """Six hex digits; the last two are 00 where the source does not tell them."""
        return f"{self.base:02x}{self.sub:02x}{self.prog_if or 0:02x}"

    @property
    def is_display(self) -> bool:
        """VGA (0300), XGA, 3D (0302) or other display controller (0380)."""
        return self.base == 0x03

    @property
    def is_vga(self) -> bool:
        """0300: what firmware boots on, and what vfio-pci frees from the console framebuffer."""
        return (self.base, self.sub) == (0x03, 0x00)

    @property
    def is_bridge(self) -> bool:
        """Host bridge (0600) or PCI bridge (0604): never handed to a guest, harmless in a group."""
        return self.base == 0x06 and self.sub in (0x00, 0x04)

    @property
    def is_pci_bridge(self) -> bool:
        """0604: a root port, a switch port or a bridge to a conventional bus."""
        return (self.base, self.sub) == (0x06, 0x04)

    @property
    def is_audio(self) -> bool:
        """Multimedia audio (0401) or HD audio (0403)."""
        return self.base == 0x04 and self.sub in (0x01, 0x03)

    @property
    def is_usb(self) -> bool:
        """A USB host controller (0c03), whatever its generation; USB4 (0c0340) included."""
        return (self.base, self.sub) == (0x0C, 0x03)


class Bar(NamedTuple):
    """One memory or I/O window of a function, in bytes; ``flags`` as in the kernel's ``resource`` file."""

    number: int
    start: int
    size: int
    flags: int

    @property
    def is_memory(self) -> bool:
        """IORESOURCE_MEM."""
        return bool(self.flags & 0x200)

    @property
    def is_prefetchable(self) -> bool:
        """IORESOURCE_PREFETCH."""
        return bool(self.flags & 0x2000)

    @property
    def end(self) -> int:
        """The last byte of the window."""
        return self.start + self.size - 1


class ResizableBar(NamedTuple):
    """A BAR that can change its size: sizes in bytes that the card offers (PCIe ReBAR)."""

    number: int
    sizes: tuple[int, ...]


class PcieLink(NamedTuple):
    """The link of a function now and at best: speed as the kernel prints it, width in lanes.

    Speed falls when a card is idle, so current below best proves nothing by itself.
    """

    speed: str
    width: int
    max_speed: str
    max_width: int


class Holder(NamedTuple):
    """A process that has a device node of a function open (live hosts only)."""

    pid: int
    name: str
    node: str


class Acs(NamedTuple):
    """Access control of a port: what it can do and what is switched on, as bit masks (PCIe 6.12).

    Bit 0 source validation, 2 request redirect, 3 completion redirect, 4 upstream forwarding: the four
    that isolation needs (drivers/iommu/iommu.c REQ_ACS_FLAGS). A bit that the port cannot control counts
    as on.
    """

    capable: int
    on: int


_ACS_NOT_READ = untold("config", "read for the ports above a card that shares its group, as root")


class PciFunction(NamedTuple):
    """One function of one PCI device. A card usually has several.

    ``origin`` is where it was read: a sysfs directory, or file and line of a text.
    A field that is ``None`` says "there is none"; a field that is ``Unread`` says nothing.
    """

    address: PciAddress
    origin: str
    id: PciId | Unread
    cls: PciClass | Unread
    subsystem: PciId | None | Unread
    revision: int | Unread
    driver: str | None | Unread
    group: int | None | Unread
    parent: PciAddress | None | Unread
    """The bridge above; None directly on a root bus."""
    modules: tuple[str, ...] | Unread
    """Kernel modules whose alias table matches, sorted, with underscores."""
    modalias: str | Unread
    boot_vga: bool | None | Unread
    """The firmware's primary display; None for functions that are not VGA (the file does not exist)."""
    reset_methods: tuple[str, ...] | Unread
    """In the kernel's order; empty when the function has none (5.15 and later)."""
    driver_override: str | None | Unread
    bars: tuple[Bar, ...] | Unread
    resizable_bars: tuple[ResizableBar, ...] | Unread
    rom: bool | Unread
    """An expansion ROM is there (its content is never read here)."""
    link: PcieLink | None | Unread
    power_state: str | Unread
    numa_node: int | None | Unread
    physical_function: PciAddress | None | Unread
    """For an SR-IOV virtual function its physical one."""
    removable: bool | Unread
    """Behind an external port (Thunderbolt), as the kernel marks it."""
    holders: tuple[Holder, ...] | Unread
    name: str | None
    """Vendor and device in words where the source tells them; None means: ask the PCI id database."""
    acs: Acs | None | Unread = _ACS_NOT_READ
    """None where the function has no such capability."""

    def where(self, attribute: str) -> str:
        """The path to quote as evidence for one attribute of this function."""
        return f"{self.origin}/{attribute}" if self.origin.startswith("sys/") else self.origin

    @property
    def is_display(self) -> bool:
        """A display controller, as far as the class is known."""
        return isinstance(self.cls, PciClass) and self.cls.is_display

    @property
    def is_bridge(self) -> bool:
        """A host or PCI bridge, as far as the class is known."""
        return isinstance(self.cls, PciClass) and self.cls.is_bridge
