"""What should change, said neutrally: each intent with its reason, and whether the host has it already.

Only the render floor knows how a boot loader, an initramfs generator or NixOS spells an intent.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum

from vfio_wizard.model.hook import Hook
from vfio_wizard.model.kargs import Kargs
from vfio_wizard.model.pci import PciAddress, PciClass, PciId
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.selection import GuestPart, KernelWish, LibvirtWish, Mirror, NixosWish, Pinning
from vfio_wizard.model.version import KernelVersion


class BindBy(StrEnum):
    """What a binding rests on."""

    ID = "id"
    ADDRESS = "address"


class System(StrEnum):
    """Whose kernel an intent is for: the host's as it is, or a NixOS built from the export."""

    HOST = "host"
    NIXOS = "nixos"


EVERYWHERE = (System.HOST, System.NIXOS)


class Refusal(NamedTuple):
    """Why a plan must not be carried out; ``id`` is what ``--allow`` takes."""

    id: str
    text: str


class Advice(NamedTuple):
    """Something to know before carrying the plan out."""

    id: str
    text: str


class Passed(NamedTuple):
    """A function that leaves the host, and which modules would claim it otherwise."""

    address: PciAddress
    id: PciId | None
    cls: PciClass | None
    kind: str
    name: str | None
    driver: str | None
    group: int | None
    card: PciAddress | None
    """The display function of its card; None for a device named by itself."""
    claimants: tuple[str, ...]


class Binding(NamedTuple):
    """How vfio-pci gets its functions. ``ids`` are words for ``vfio-pci.ids=``, empty by address."""

    by: BindBy
    functions: tuple[PciAddress, ...]
    ids: tuple[str, ...]
    because: str
    achieved: bool = False
    """The host's own boot binds the functions so already, by whatever means."""


class Parameter(NamedTuple):
    """One kernel parameter; ``present`` says that the host's command line has it (or lacks it) already."""

    word: str
    because: str
    present: bool
    systems: tuple[System, ...] = EVERYWHERE
    before: KernelVersion | None = None
    """Only kernels older than this one need it."""


class Softdep(NamedTuple):
    """``module`` must not be loaded before vfio-pci."""

    module: str
    because: str
    present: bool


class EarlyModule(NamedTuple):
    """A module that must be loaded from the initramfs."""

    name: str
    because: str
    present: bool


class Guards(NamedTuple):
    """What on this host keeps QEMU from a device node that libvirt does not know: kvmfr's."""

    devices: tuple[str, ...] | None = None
    """cgroup_device_acl as qemu.conf sets it; None where it is left to libvirt."""
    apparmor: bool = False
    apparmor_rule: bool = False
    """AppArmor has a rule for /dev/kvmfr0 already."""
    apparmor_file: bool = False
    """The file for local rules is there, and others may have written in it."""
    selinux: bool = False


class SharedMemory(NamedTuple):
    """Looking Glass: how, and how much in MiB (a power of two)."""

    mode: Mirror
    size_mib: int
    because: str
    owner: str | None
    asked: bool
    """The user chose it; otherwise only a NixOS module has it."""
    present: bool
    """The host has its file or device node."""
    picture: tuple[int, int] = (0, 0)
    """Width and height that it is for."""
    part: GuestPart = GuestPart.AUTO
    """The guest's program that it is for."""
    guards: Guards | None = None
    """None where libvirt's settings of this host were not read."""

    @property
    def device(self) -> str:
        """What QEMU and the client open."""
        return f"/dev/{'kvmfr0' if self.mode is Mirror.KVMFR else 'shm/looking-glass'}"

    @property
    def wanted_here(self) -> bool:
        """Asked for, and not there yet."""
        return self.asked and not self.present


class CpuIsolation(NamedTuple):
    """CPUs of the guest, of the host meanwhile, and of both together, as kernel lists (``2-7,10-15``)."""

    how: Pinning
    guest: str
    host: str
    every: str
    because: str
    hook_wanted: bool = False
    """The hook is a file of libvirt's on this host, and not in its place yet."""


class ResetHelp(NamedTuple):
    """vendor-reset for the display functions it knows."""

    functions: tuple[PciAddress, ...]
    ids: tuple[PciId, ...]
    because: str


class HostSettings(NamedTuple):
    """Settings of the host's own graphics that would not survive the card's leaving."""

    without_nvidia: bool
    """The host's screens ran on NVIDIA's driver, and no NVIDIA card stays."""
    hybrid: bool
    """An integrated GPU stays, so PRIME may be set up with the card that leaves."""
    because: str


class Membership(NamedTuple):
    """A user who should be in a group of the host."""

    user: str
    group: str
    present: bool


class Machine(NamedTuple):
    """What a header says about the machine that the plan was made for."""

    label: str | None
    kernel: str | None
    distribution: str | None
    nixos_release: str | None
    processor: str | None
    live: bool
    loader: str | None
    initramfs: str | None
    stays: tuple[tuple[PciAddress, str | None], ...]
    """Display functions that the host keeps, with their names."""
    kernels: tuple[tuple[str, str | None], ...] = ()
    """Each installed release, and the path of its initramfs image where that is known."""
    line_from: str | None = None
    """The file that the command line of the next boot was read from."""


class Plan(NamedTuple):
    """The whole change. A field that is None or empty is not wanted."""

    machine: Machine
    functions: tuple[Passed, ...]
    bind: Binding
    parameters: tuple[Parameter, ...]
    remove: tuple[Parameter, ...]
    softdeps: tuple[Softdep, ...]
    modules: tuple[EarlyModule, ...]
    users: tuple[str, ...]
    memberships: tuple[Membership, ...]
    """In the group that may manage libvirt, by the host's own name for it."""
    guest: str
    libvirt: LibvirtWish
    looking_glass: SharedMemory | None
    cpus: CpuIsolation | None
    vendor_reset: ResetHelp | None
    host_settings: HostSettings | None
    kernel: KernelWish
    nixos: NixosWish
    running: KernelVersion | None
    """The kernel that runs on the host now."""
    line: Kargs | None
    """The host's command line before the change; None where it is not known."""
    bound: bool
    """Every function is on vfio-pci already."""
    refusals: tuple[Refusal, ...]
    warnings: tuple[Advice, ...]
    hook: Hook | None = None
    """The host keeps the card until the guest starts, so nothing binds it at boot."""

    def wanted(self, system: System, kernel: KernelVersion | None = None) -> tuple[Parameter, ...]:
        """Kernel parameters that this system needs on this kernel, whether there already or not."""
        return tuple(one for one in self.parameters if system in one.systems and _holds(one, kernel))

    def missing(self) -> tuple[Parameter, ...]:
        """Kernel parameters that the host as it is needs, and does not have."""
        return tuple(one for one in self.wanted(System.HOST, self.running) if not one.present)

    def wanted_here(self) -> tuple[Parameter, ...]:
        """For files with a line of their own: what is missing, and what the line has word by word."""
        line = self.line or Kargs(())
        return tuple(
            one for one in self.wanted(System.HOST, self.running) if not one.present or line.has(one.word)
        )

    @property
    def by_address(self) -> bool:
        """The functions are named by their addresses, by nothing that was there before."""
        return self.bind.by is BindBy.ADDRESS and not self.bind.achieved

    @property
    def settled(self) -> bool:
        """The host already matches: nothing to write and nothing to run."""
        return (
            self.bound
            and not self.missing()
            and not self.remove
            and all(one.present for one in self.softdeps)
            and all(one.present for one in self.modules)
            and (self.looking_glass is None or not self.looking_glass.wanted_here)
            and (self.cpus is None or not self.cpus.hook_wanted)
        )

    def as_if_new(self) -> Plan:
        """The same plan for a host that has none of it yet: what an export writes down."""
        return self._replace(parameters=tuple(one._replace(present=False) for one in self.parameters))

    def changed_line(self) -> Kargs | None:
        """The host's command line after the change."""
        if self.line is None:
            return None
        line = self.line
        for one in self.remove:
            line = line.delete_if_present(one.word)
        for one in self.missing():
            line = line.append_if_missing(one.word)
        return line


def _holds(parameter: Parameter, kernel: KernelVersion | None) -> bool:
    if parameter.before is None:
        return True
    return kernel is not None and kernel < parameter.before


class Stage(IntEnum):
    """When a part of the change is made; a stage begins when the one before is done and proven."""

    FILES = 1
    """modprobe.d, initramfs configuration, device rules: nothing boots with them yet."""
    IMAGE = 2
    """The initramfs images are built, and looked into."""
    LOADER = 3
    """Where the kernel command line is stored."""
    ENTRIES = 4
    """The boot loader's own files are made from it, and read again."""
    AFTER = 5
    """What no boot depends on: group memberships, shared memory."""


class Run(NamedTuple):
    """A command of the change, by its argument list.

    ``makes`` are the paths that it may write, relative to the root, with ``*`` within a name: they are kept
    before it runs and put back byte for byte by undo. ``undo`` takes back what is not in files.
    """

    argv: tuple[str, ...]
    stage: Stage
    makes: tuple[str, ...] = ()
    undo: tuple[tuple[str, ...], ...] = ()

    @property
    def shown(self) -> str:
        """As a person would type it; words with blanks keep quotes."""
        return " ".join(f"'{word}'" if " " in word else word for word in self.argv)


class Action(StrEnum):
    """What happens to a file."""

    CREATE = "create"
    REPLACE = "replace"
    APPEND = "append"


class Artifact(NamedTuple):
    """One file as one dialect spells it. ``path`` is absolute, or relative for an export.

    ``text`` is the whole new content, with bytes that are no UTF-8 as surrogates; with APPEND only its end.
    """

    path: str
    mode: str
    action: Action
    text: str
    because: str
    stage: Stage = Stage.FILES
