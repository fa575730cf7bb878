"""The guest: the part of a libvirt domain that this program decides, said without libvirt's spelling.

Planning makes a ``DomainSpec`` from facts and answers; ``render.domain_xml`` spells it for the libvirt and
QEMU that will run it. Memory is in MiB, CPUs are logical CPUs of the host.
"""

from __future__ import annotations

from enum import StrEnum

from vfio_wizard.model.pci import PciAddress, PciId
from vfio_wizard.model.plan import Advice, Refusal
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.selection import GuestPart, GuestSystem, Mirror
from vfio_wizard.model.version import Release


class Versions(NamedTuple):
    """The programs that will run the guest. QEMU is None where nothing told it."""

    libvirt: Release
    qemu: Release | None = None


class Capabilities(NamedTuple):
    """What a running libvirt said of this host (``virsh domcapabilities``).

    None, or empty for names, where it was not asked or does not speak of it.
    """

    emulator: str | None = None
    machines: tuple[str, ...] = ()
    """Machine types of the emulator, as in ``pc-q35-7.2``."""
    secure_boot: bool | None = None
    """Firmware with Secure Boot can be selected."""
    enrolled_keys: bool | None = None
    """Such firmware comes with Microsoft's keys."""
    tpm_models: tuple[str, ...] = ()
    hyperv: tuple[str, ...] = ()
    """Enlightenments by libvirt's names."""
    graphics: tuple[str, ...] = ()
    """Kinds of windows, as in ``spice`` and ``vnc``."""


class Topology(NamedTuple):
    """The processor as the guest sees it."""

    sockets: int
    dies: int
    cores: int
    threads: int

    @property
    def cpus(self) -> int:
        """All logical CPUs of the guest."""
        return self.sockets * self.dies * self.cores * self.threads


class Pins(NamedTuple):
    """Which CPUs of the host run what, and the processor that the guest sees because of it."""

    topology: Topology
    vcpus: tuple[int, ...] = ()
    """``vcpus[n]`` is the host's CPU for the guest's CPU n; empty when nothing is pinned."""
    emulator: tuple[int, ...] = ()
    """CPUs of the host for QEMU's own threads; empty when they are not pinned."""
    iothreads: tuple[tuple[int, ...], ...] = ()
    """CPUs of the host for I/O thread n + 1."""
    numa_node: int | None = None
    """The node that guest memory should come from; None on a host with one node."""
    cache_passthrough: bool = True
    """The guest sees the host's caches; right only when its CPUs share them as the host's do."""
    topoext: bool = False
    """AMD with SMT: without it the guest takes threads for cores."""
    because: tuple[str, ...] = ()
    """Why these, one reason a line."""


class DiskBus(StrEnum):
    """How a disk is attached."""

    VIRTIO = "virtio"
    SATA = "sata"


class DiskFormat(StrEnum):
    """How the content of a disk is stored."""

    RAW = "raw"
    QCOW2 = "qcow2"


class Disk(NamedTuple):
    """A disk of the guest: a file, a block device, or a volume of a pool."""

    path: str | None
    pool: str | None = None
    volume: str | None = None
    format: DiskFormat = DiskFormat.QCOW2
    bus: DiskBus = DiskBus.VIRTIO
    size_gib: int | None = None
    """How large to make it where it does not exist; None: it exists."""

    @property
    def is_block(self) -> bool:
        """A device node rather than a file."""
        return self.path is not None and self.path.startswith("/dev/")


class Cdrom(NamedTuple):
    """A drive with a disc image, or an empty one (path None)."""

    path: str | None
    bootable: bool


class NetworkKind(StrEnum):
    """How the guest reaches the world."""

    NETWORK = "network"
    """A network of libvirt's, by name."""
    BRIDGE = "bridge"
    DIRECT = "direct"
    """macvtap on a link of the host; guest and host do not see each other."""


class Nic(NamedTuple):
    """A network card of the guest and where its cable ends."""

    kind: NetworkKind
    source: str
    model: str = "virtio"


class Handed(NamedTuple):
    """One function of the host in the guest: its address there, and its function number here."""

    host: PciAddress
    function: int


class Card(NamedTuple):
    """A card as a whole on one slot of the guest, behind a root port of its own unless ``on_root``."""

    functions: tuple[Handed, ...]
    """Function 0 first."""
    rom: str | None = None
    """A file with the card's ROM, for function 0."""
    rom_bar: bool = True
    """False hides the ROM of the card from the guest's firmware."""
    on_root: bool = False
    """On the root bus itself: where drivers of Intel's integrated graphics look for it."""
    slot: int = 0
    """Its slot on that bus."""
    bootable: bool = False
    """A drive that the guest may start from."""


class Evdev(NamedTuple):
    """A keyboard or mouse of the host, shared by pressing both Ctrl keys."""

    path: str
    grabs: bool
    """The keyboard takes all other evdev devices along."""


class UsbDevice(NamedTuple):
    """A USB device by its ids."""

    id: PciId


class Memory(NamedTuple):
    """The guest's memory."""

    mib: int
    huge_page_kib: int | None = None
    """Page size of hugepages that back it; None for ordinary memory."""


class Mirroring(NamedTuple):
    """Looking Glass' memory in the guest."""

    mode: Mirror
    """SHM or KVMFR."""
    size_mib: int
    part: GuestPart
    """Which program in the guest fills it; never AUTO."""


class Sound(StrEnum):
    """Where the guest's sound goes."""

    NONE = "none"
    SPICE = "spice"
    PIPEWIRE = "pipewire"


class Screen(StrEnum):
    """The emulated display beside the card."""

    NONE = "none"
    VGA = "vga"


class DomainSpec(NamedTuple):
    """A guest, complete."""

    name: str
    system: GuestSystem
    memory: Memory
    cpus: Pins
    versions: Versions
    capabilities: Capabilities = Capabilities()
    uuid: str | None = None
    emulated: bool = False
    """``type='qemu'``: without KVM, for a host that has none."""
    amd: bool = False
    """The host's processor is AMD's."""
    secure_boot: bool = True
    """Firmware with Secure Boot and Microsoft's keys."""
    firmware_chosen: bool = False
    """The user said which, so that a guest that is there gets it too."""
    tpm: bool = True
    address_limit: int | None = None
    """Address bits that the guest may use, where the IOMMU knows fewer than the processor."""
    iommufd: bool = False
    """The card is opened through /dev/iommu."""
    disks: tuple[Disk, ...] = ()
    cdroms: tuple[Cdrom, ...] = ()
    nics: tuple[Nic, ...] = ()
    cards: tuple[Card, ...] = ()
    others: tuple[Card, ...] = ()
    """Further PCI devices: a USB controller, an NVMe drive."""
    evdev: tuple[Evdev, ...] = ()
    usb: tuple[UsbDevice, ...] = ()
    mirroring: Mirroring | None = None
    spice: bool = False
    """A SPICE server: the window for installing, and Looking Glass' way for keys, sound and clipboard."""
    vnc: bool = False
    """A VNC server instead, where QEMU has no SPICE: the window for installing, and no more."""
    screen: Screen = Screen.NONE
    spice_input: bool = False
    """Virtio keyboard and mouse, for keys that come through SPICE."""
    sound: Sound = Sound.NONE
    runtime_dir: str | None = None
    """Where PipeWire's socket is, as in ``/run/user/1000``."""


class DomainPlan(NamedTuple):
    """The guest, what stands against it, and what to know first."""

    spec: DomainSpec
    refusals: tuple[Refusal, ...]
    warnings: tuple[Advice, ...]
