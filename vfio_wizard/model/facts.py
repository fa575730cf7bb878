"""Everything that was read about one machine: ``HostFacts`` and its parts.

Each field is a value or ``Unread``; ``None`` means that there is none. Each part knows its
``origin``, the path or text that a finding quotes so that a person can look for himself.
"""

from __future__ import annotations

from vfio_wizard.model.applied import InForce
from vfio_wizard.model.hook import CpuHook
from vfio_wizard.model.iommu import Iommu
from vfio_wizard.model.kargs import Kargs
from vfio_wizard.model.pci import PciAddress, PciFunction
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Unread, untold

SCHEMA = "vfio-wizard/facts/1"

_NOT_ASKED = untold("sys/kernel/security", "this source does not tell")
_NO_OFFLINE = untold("sys/devices/system/cpu/present", "this source does not tell")
_NO_NODES = untold("sys/devices/system/node", "this source does not tell")


class Source(NamedTuple):
    """What was looked at: this machine, or a record of one."""

    live: bool
    kind: str
    """``live``, ``directory``, ``capture``, ``facter``, ``iommu-listing``, … or several joined by ``+``."""
    label: str
    complete: bool | Unread
    """Whether all PCI functions of the machine are in it (a listing may be an excerpt)."""


class Core(NamedTuple):
    """One logical CPU and where it sits."""

    cpu: int
    package: int
    die: int | None
    core: int
    siblings: tuple[int, ...]
    """All threads of the same core, this one included (core_cpus_list)."""
    l3: tuple[int, ...] | None
    """All CPUs below the same level-3 cache."""
    l3_bytes: int | None
    numa_node: int | None
    kind: str | None
    """``performance`` or ``efficiency`` on hybrid Intel processors, else None."""


class Cpu(NamedTuple):
    """The processor. ``flags`` are those the running kernel left usable, not what the silicon has."""

    origin: str
    vendor: str | Unread
    """``amd``, ``intel`` or the kernel's vendor word in lower case."""
    model: str | Unread
    family: tuple[int, int, int] | Unread
    """Family, model, stepping."""
    flags: frozenset[str] | Unread
    cores: tuple[Core, ...] | Unread
    isolated: tuple[int, ...] | Unread
    address_bits: tuple[int, int] | Unread
    """Physical and virtual."""
    offline: tuple[int, ...] | Unread = _NO_OFFLINE
    """CPUs that are there and switched off (``nosmt``, by hand)."""


class Board(NamedTuple):
    """DMI words of the mainboard and its firmware; serial numbers are never read."""

    vendor: str | Unread
    name: str | Unread
    product: str | Unread
    system_vendor: str | Unread
    bios_vendor: str | Unread
    bios_version: str | Unread
    bios_date: str | Unread
    chassis: str | Unread
    """The DMI chassis type number as text."""


class Firmware(NamedTuple):
    """How the machine was started."""

    origin: str
    type: str | Unread
    """``uefi`` or ``bios``."""
    secure_boot: bool | Unread
    lockdown: str | Unread
    """none, integrity or confidentiality."""
    board: Board


class Kernel(NamedTuple):
    """The running kernel."""

    release: str | Unread
    version: str | Unread
    architecture: str | Unread
    cmdline: Kargs | Unread
    config: dict[str, str] | Unread
    """CONFIG_ options that matter here, without the prefix: y, m, n or a string."""
    builtin: frozenset[str] | Unread
    """Modules compiled in, with underscores."""
    loaded: frozenset[str] | Unread
    log: tuple[str, ...] | Unread
    """Only the lines about IOMMU, VFIO and the like."""
    hypervisor: str | None | Unread
    """What this machine itself runs under; None on bare metal."""
    cmdline_origin: str = "proc/cmdline"
    log_gap: Unread | None = None
    """Why the log may have held more than these lines (an excerpt of it); None when it was read whole."""


class InstalledKernel(NamedTuple):
    """A kernel that could be booted next."""

    release: str
    running: bool
    builtin: frozenset[str] | Unread
    config: dict[str, str] | Unread
    has_vfio_pci: bool | Unread
    """As a module file or built in."""
    initramfs: str | None | Unread
    """The path of its image."""


class BootLoader(NamedTuple):
    """The loader that starts this system, by the names of the boot-chain table."""

    name: str
    evidence: tuple[tuple[str, str], ...]
    """(path, what was seen there), strongest first."""


class InitramfsGenerator(NamedTuple):
    """The program that builds the initramfs images."""

    name: str
    evidence: tuple[tuple[str, str], ...]


class Distribution(NamedTuple):
    """From os-release."""

    id: str
    like: tuple[str, ...]
    version: str | None
    name: str
    codename: str | None


class Boot(NamedTuple):
    """How kernels get started here."""

    loader: BootLoader | Unread
    others: tuple[BootLoader, ...]
    """Loaders whose traces are there too, but which do not start this system."""
    loader_info: str | None | Unread
    """The text of the EFI variable LoaderInfo."""
    initramfs: InitramfsGenerator | Unread
    distribution: Distribution | Unread
    configured: Kargs | Unread
    """The stored command line that the next boot will get, where it is known."""
    configured_origin: str


class Connector(NamedTuple):
    """A display output, from sys/class/drm."""

    name: str
    function: PciAddress | None
    status: str
    """connected, disconnected or unknown."""
    enabled: bool | None


class Framebuffer(NamedTuple):
    """A firmware framebuffer (efi, vesa, simple) and the function whose BAR it lies in."""

    name: str
    start: int | None
    end: int | None
    function: PciAddress | None


class Display(NamedTuple):
    """Screens and consoles."""

    connectors: tuple[Connector, ...] | Unread
    framebuffers: tuple[Framebuffer, ...] | Unread


class HugePages(NamedTuple):
    """One pool: page size in KiB, pages in all and free."""

    size_kib: int
    total: int
    free: int


class NodeMemory(NamedTuple):
    """What one NUMA node has of the memory, in KiB. A node without memory has 0."""

    node: int
    total_kib: int
    free_kib: int
    huge_pages: tuple[HugePages, ...]


class Memory(NamedTuple):
    """Host memory, in KiB."""

    total_kib: int | Unread
    available_kib: int | Unread
    huge_pages: tuple[HugePages, ...] | Unread
    nodes: tuple[NodeMemory, ...] | Unread = _NO_NODES
    """By number; empty on a host with one node, which has all of it."""


class DeviceNode(NamedTuple):
    """A node under /dev: what kind of file it is, and who may open it."""

    path: str
    kind: str
    """char, block, file, directory, other."""
    mode: int
    owner: int
    group: int
    size: int | None = None
    """Bytes, for a regular file."""


class User(NamedTuple):
    """Who runs the guest: the ordinary user, also behind sudo. The name is never captured."""

    name: str
    groups: tuple[str, ...]
    is_root: bool


class Virt(NamedTuple):
    """The virtualisation stack."""

    kvm: DeviceNode | None | Unread
    qemu: str | None | Unread
    """Version, or path where the version is not known; None when it is not installed."""
    libvirt: str | None | Unread
    libvirt_socket: str | None | Unread
    """The socket that a client would use; None when no daemon listens."""
    libvirt_group: tuple[str, ...] | None | Unread
    """Members of the group that may manage the system daemon; None when there is no such group."""
    ovmf: tuple[str, ...] | Unread
    """Firmware descriptors or images found."""
    swtpm: str | None | Unread
    user: User | Unread
    memlock_kib: int | None | Unread
    """RLIMIT_MEMLOCK of this user; None is unlimited."""
    looking_glass: tuple[DeviceNode, ...] | Unread
    """/dev/kvmfr* and /dev/shm/looking-glass*."""
    confinement: tuple[str, ...] | Unread = _NOT_ASKED
    """Which of ``apparmor`` and ``selinux`` confine programs here."""
    iommu_node: DeviceNode | None | Unread = _NOT_ASKED
    """/dev/iommu, through which newer programs open devices; None where the kernel does not offer it."""
    cpu_hooks: tuple[CpuHook, ...] | Unread = _NOT_ASKED
    """This program's own hooks of libvirt that keep the host off a guest's CPUs."""


class NetworkLink(NamedTuple):
    """A network interface, by the PCI function behind it. Its MAC address is never read."""

    name: str
    function: PciAddress | None
    default_route: bool | Unread
    kind: str


class DiskUse(NamedTuple):
    """Which PCI function a mounted file system depends on."""

    mount: str
    device: str
    functions: tuple[PciAddress, ...] | Unread
    """Empty when it depends on none (zram, tmpfs); unread where nothing tells (ZFS, overlay, network)."""


class RomCopy(NamedTuple):
    """A copy of a card's ROM in a file: whose it is, and the kinds of image in it."""

    path: str
    vendor: str
    device: str
    images: tuple[str, ...]
    """``bios``, ``uefi-x64``, ``uefi-other`` or ``other``, in the order of the file."""


class PluggedUsb(NamedTuple):
    """A USB device; hubs are none. Its serial number is never read."""

    id: str
    """``vendor:product``."""
    name: str
    controller: PciAddress | None
    """The PCI function that it hangs on."""


class Peripherals(NamedTuple):
    """What a guest may be given beside PCI devices; only the wizard looks for it."""

    inputs: tuple[str, ...] | Unread
    """Keyboards and mice by the names that stay, below /dev/input/by-id."""
    usb: tuple[PluggedUsb, ...] | Unread
    bridges: tuple[str, ...] | Unread
    """Network interfaces that are bridges."""


class HostFacts(NamedTuple):
    """One machine, as far as it was seen."""

    source: Source
    pci: tuple[PciFunction, ...] | Unread
    iommu: Iommu
    cpu: Cpu
    firmware: Firmware
    kernel: Kernel
    kernels: tuple[InstalledKernel, ...] | Unread
    boot: Boot
    display: Display
    memory: Memory
    virt: Virt
    network: tuple[NetworkLink, ...] | Unread
    disks: tuple[DiskUse, ...] | Unread
    """Root, /boot, the ESP and swap; what the host cannot run without."""
    modprobe: ModprobeConfig | Unread
    files: tuple[tuple[str, str], ...] = ()
    """Text files of the boot chain that other floors parse themselves: (path, text), sorted."""
    times: tuple[tuple[str, int], ...] = ()
    """When initramfs images and what is built into them were last written: (path, seconds since 1970)."""
    own: tuple[tuple[str, str | Unread], ...] = ()
    """The user's own knowledge in etc/vfio-wizard/quirks.d, by path."""
    files_gap: Unread | None = None
    """Why more of ``files`` may exist than are told (pasted texts); None when the places were looked at."""
    misnamed: tuple[tuple[str, str], ...] = ()
    """Files that name vfio and that nobody reads, since their name ends wrongly: (path, such a line)."""
    roms: tuple[RomCopy, ...] | Unread = ()
    """Copies of ROMs where QEMU may read them."""

    peripherals: Peripherals | None = None
    """None where nobody looked."""

    applied: InForce | None | Unread = None
    """The change that this program made here; None where none is in force."""

    @property
    def modprobe_gap(self) -> Unread | None:
        """Why modprobe's configuration is not known as a whole; None when it is."""
        return self.modprobe if isinstance(self.modprobe, Unread) else self.modprobe.gap

    def function(self, address: PciAddress) -> PciFunction | None:
        """The function at an address, or None."""
        if isinstance(self.pci, Unread):
            return None
        return next((one for one in self.pci if one.address == address), None)


class ModprobeLine(NamedTuple):
    """One effective line of modprobe configuration: where it stands and its words."""

    origin: str
    """``etc/modprobe.d/vfio.conf:3``"""
    command: str
    """options, softdep, blacklist, install, alias or remove."""
    module: str
    """With underscores."""
    rest: str


class ModprobeConfig(NamedTuple):
    """All of modprobe.d in the order in which kmod reads it."""

    lines: tuple[ModprobeLine, ...]
    gap: Unread | None = None
    """Why more lines may be in force than these (a single pasted file); None when all were read."""

    def options(self, module: str) -> tuple[ModprobeLine, ...]:
        """The ``options`` lines for a module (dash and underscore are the same)."""
        return self._lines("options", module)

    def softdeps(self, module: str) -> tuple[ModprobeLine, ...]:
        """The ``softdep`` lines for a module."""
        return self._lines("softdep", module)

    def blacklisted(self, module: str) -> tuple[ModprobeLine, ...]:
        """The ``blacklist`` lines for a module."""
        return self._lines("blacklist", module)

    def _lines(self, command: str, module: str) -> tuple[ModprobeLine, ...]:
        wanted = module.replace("-", "_")
        return tuple(line for line in self.lines if line.command == command and line.module == wanted)
