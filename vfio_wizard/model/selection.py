"""What the user chose: which devices leave the host, for whom, and with which extras.

A selection is plain data and can be written down as TOML (``planning.answers``), so that every
run can be repeated. It names wishes only; whether they can be had is decided by planning.
"""

from __future__ import annotations

from enum import StrEnum

from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.record import NamedTuple


class Strategy(StrEnum):
    """How vfio-pci is told which functions are its own."""

    AUTO = "auto"
    """By id where no other function has one of them, else by address."""
    ID = "id"
    ADDRESS = "address"


class Mirror(StrEnum):
    """How Looking Glass shares the guest's picture with the host."""

    AUTO = "auto"
    """By shared memory in a NixOS module, which costs nothing until a guest uses it; else not at all."""
    OFF = "off"
    SHM = "shm"
    KVMFR = "kvmfr"


class Offer(StrEnum):
    """A thing that is offered: taken, left, or only spoken of."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


class Style(StrEnum):
    """The shape of the NixOS module."""

    MODULE = "module"
    """Imported and active."""
    OPTION = "option"
    """Imported, and active with ``gpuPassthrough.enable = true``."""
    SPECIALISATION = "specialisation"
    """A second boot entry; the plain system stays the default."""


class Pinning(StrEnum):
    """How CPUs are kept free for the guest."""

    HOOK = "hook"
    """A libvirt hook moves the host's processes away while the guest runs."""
    PARAMETER = "parameter"
    """``isolcpus=``, until the next boot."""


class GuestPart(StrEnum):
    """The program in the guest that hands the picture over; client and guest part are of one release."""

    AUTO = "auto"
    """Memory for either; devices as the host application wants them, the only one released so far."""
    HOST = "b7"
    """The host application, of release B7 and before: keys come through SPICE."""
    IDD = "idd"
    """The indirect display driver of 2026: a screen of its own, and a way of its own for keys."""


class LookingGlass(NamedTuple):
    """The largest picture that the guest will show decides about the memory."""

    mode: Mirror = Mirror.AUTO
    width: int = 1920
    height: int = 1080
    hdr: bool = False
    """Only the host application (B7) needs more memory for it."""
    release: GuestPart = GuestPart.AUTO


class HugePageWish(NamedTuple):
    """Memory set aside at boot: page size in KiB (2048 or 1048576) and how many."""

    size_kib: int
    pages: int


class CpuWish(NamedTuple):
    """Logical CPUs that belong to the guest while it runs."""

    cpus: tuple[int, ...]
    how: Pinning = Pinning.HOOK


class KernelPatch(NamedTuple):
    """A patch that the user names: a title, and the file (copied beside the module)."""

    name: str
    path: str


class KernelWish(NamedTuple):
    """The kernel that is wanted; nothing said means the one that the system has."""

    packages: str | None = None
    """``latest``, ``zen``, ``xanmod``, ``6.12`` or a name in nixpkgs such as ``linuxPackages_6_12``."""
    patches: tuple[KernelPatch, ...] = ()
    config: tuple[tuple[str, str], ...] = ()
    """Kernel options without ``CONFIG_``, with y, m, n or a value."""
    acs_override: tuple[str, ...] = ()
    """Values of ``pcie_acs_override=``; only ever what the user asked for."""


class NixosWish(NamedTuple):
    """The shape of the export, and the release it is for (None: the host's own, else the newest)."""

    style: Style = Style.MODULE
    release: str | None = None


class LibvirtWish(NamedTuple):
    """The virtualisation stack around the guest."""

    qemu_as_root: bool = False
    tpm: bool = True
    virt_manager: bool = True
    usb_redirection: bool = True
    devices: tuple[str, ...] = ()
    """Further nodes below /dev that QEMU may open, such as /dev/input/by-id/… for evdev."""


class GuestSystem(StrEnum):
    """What will be installed in the guest."""

    WINDOWS_11 = "windows11"
    WINDOWS_10 = "windows10"
    LINUX = "linux"

    @property
    def is_windows(self) -> bool:
        """Wants Hyper-V's enlightenments, and a clock in local time."""
        return self is not GuestSystem.LINUX

    @property
    def needs_tpm(self) -> bool:
        """Its installer asks for a TPM 2.0."""
        return self is GuestSystem.WINDOWS_11


class SoundWish(StrEnum):
    """Where the guest's sound should go."""

    AUTO = "auto"
    """Through SPICE where there is SPICE, else only through the card's own audio function."""
    SPICE = "spice"
    PIPEWIRE = "pipewire"
    OFF = "off"


class FirmwareWish(StrEnum):
    """What the guest starts with; always UEFI that libvirt chooses, since cards bring no other picture."""

    AUTO = "auto"
    """Secure Boot for Windows, and none for Linux; a guest that is there keeps what it has."""
    SECURE_BOOT = "secure-boot"
    """With Secure Boot and Microsoft's keys."""
    UEFI = "uefi"
    """Without Secure Boot."""


class DomainWish(NamedTuple):
    """The guest itself. Its name is the selection's ``guest``; None and empty leave it to planning."""

    system: GuestSystem = GuestSystem.WINDOWS_11
    memory_mib: int | None = None
    vcpus: int | None = None
    disk: str = ""
    """A path, or ``pool/volume``."""
    disk_gib: int | None = None
    """How large to make the disk where there is none yet."""
    iso: str = ""
    """The installer's disc image."""
    virtio_iso: str = ""
    """The disc image with virtio-win's drivers."""
    network: str = "auto"
    """``network:NAME``, ``bridge:NAME``, ``direct:LINK`` or ``none``."""
    rom: str = ""
    """A file with the ROM of the first card."""
    evdev: tuple[str, ...] = ()
    """Input devices of the host, as in ``/dev/input/by-id/…-event-kbd``."""
    usb: tuple[str, ...] = ()
    """USB devices by ``vendor:product``."""
    sound: SoundWish = SoundWish.AUTO
    spice: Offer = Offer.AUTO
    """On where Looking Glass or nothing else brings keys to the guest."""
    iommufd: Offer = Offer.AUTO
    """Open devices through /dev/iommu: on where libvirt, QEMU and the kernel can."""
    firmware: FirmwareWish = FirmwareWish.AUTO
    """Said for a guest that is there, its firmware is chosen anew."""
    emulated: bool = False
    """Without KVM: for a host that has none, and for trying."""


class HookWish(NamedTuple):
    """A card that the host uses while the guest does not run; off unless chosen."""

    card: bool = False
    """libvirt's hook takes it when the guest starts and brings it back."""
    display_manager: bool = False
    """The desktop on the card is stopped meanwhile."""
    wait: int = 20
    """Seconds to wait for processes that have the card open."""


class Selection(NamedTuple):
    """All answers. ``gpus`` and ``also`` hold addresses; any function of a card names it."""

    gpus: tuple[PciAddress, ...]
    also: tuple[PciAddress, ...] = ()
    bind: Strategy = Strategy.AUTO
    guest: str = "windows"
    users: tuple[str, ...] = ()
    looking_glass: LookingGlass = LookingGlass()
    nixos: NixosWish = NixosWish()
    kernel: KernelWish = KernelWish()
    libvirt: LibvirtWish = LibvirtWish()
    vendor_reset: Offer = Offer.AUTO
    huge_pages: HugePageWish | None = None
    cpus: CpuWish | None = None
    domain: DomainWish = DomainWish()
    hooks: HookWish = HookWish()
    allow: tuple[str, ...] = ()
    """Ids of refusals that the user has read and overrules."""
