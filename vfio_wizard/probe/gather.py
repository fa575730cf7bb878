"""All facts of one host in one pass."""

from __future__ import annotations

from vfio_wizard.model.facts import HostFacts, Source
from vfio_wizard.model.iommu import Iommu, IommuGroup
from vfio_wizard.model.pci import PciAddress, PciFunction
from vfio_wizard.model.unread import Unread, known, untold
from vfio_wizard.probe.applied import read_in_force
from vfio_wizard.probe.boot import boot_files, misnamed_files, read_boot
from vfio_wizard.probe.cpu import read_cpu
from vfio_wizard.probe.disks import read_disks
from vfio_wizard.probe.display import read_display
from vfio_wizard.probe.firmware import read_firmware
from vfio_wizard.probe.iommu import GROUPS, read_iommu
from vfio_wizard.probe.kernel import read_kernel
from vfio_wizard.probe.kernels import read_kernels
from vfio_wizard.probe.memory import read_memory
from vfio_wizard.probe.modprobe import read_modprobe
from vfio_wizard.probe.network import read_network
from vfio_wizard.probe.pci import read_pci
from vfio_wizard.probe.quirks import read_quirks, words_of_log
from vfio_wizard.probe.roms import read_roms
from vfio_wizard.probe.times import read_times
from vfio_wizard.probe.virt import read_virt
from vfio_wizard.system.host import Host


def gather(host: Host, *, topology: bool = True, holders: bool = True, commands: bool = False) -> HostFacts:
    """Read everything that a host tells; what it does not tell is a gap, never an exception.

    ``topology=False`` leaves out what only CPU pinning needs. ``holders=False`` leaves out which
    processes have a card open; a recorder must leave it out. ``commands=True`` lets
    programs tell what files do not, which a capture may wait for and ``--check`` not.
    """
    own = read_quirks(host)
    kernel = read_kernel(host, commands, words_of_log(own))
    firmware = read_firmware(host)
    iommu = read_iommu(host, kernel.log)
    pci = read_pci(host, kernel.release, iommu.groups, holders=holders)
    kernels = read_kernels(host, kernel)
    files = boot_files(host)
    return HostFacts(
        source=Source(host.live, host.kind, host.label, complete=pci if isinstance(pci, Unread) else True),
        pci=pci,
        iommu=_with_linked_groups(iommu, known(pci, ())),
        cpu=read_cpu(host, topology),
        firmware=firmware,
        kernel=kernel,
        kernels=kernels,
        boot=read_boot(host, kernel, firmware),
        display=read_display(host, pci),
        memory=read_memory(host),
        virt=read_virt(host),
        network=read_network(host),
        disks=read_disks(host),
        modprobe=read_modprobe(host),
        files=files,
        times=read_times(host, kernels, files),
        own=own,
        misnamed=misnamed_files(host),
        roms=read_roms(host),
        applied=read_in_force(host, kernels),
    )


def _with_linked_groups(iommu: Iommu, functions: tuple[PciFunction, ...]) -> Iommu:
    """Half a tree may hold the links of the functions to groups, and not the groups."""
    members: dict[int, list[PciAddress]] = {}
    for one in functions:
        if isinstance(one.group, int):
            members.setdefault(one.group, []).append(one.address)
    if not members or (isinstance(iommu.groups, tuple) and iommu.groups):
        return iommu
    return iommu._replace(groups=tuple([_linked(number, members[number]) for number in sorted(members)]))


def _linked(number: int, members: list[PciAddress]) -> IommuGroup:
    silent = untold(f"{GROUPS}/{number}", "only the links of its functions are there")
    return IommuGroup(number, tuple(sorted(members)), type=silent, reserved=silent)
