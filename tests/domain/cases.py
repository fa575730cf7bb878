"""The guests of which golden domains are kept: each is a machine, the wishes, and CPUs of the host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tests.facts_builder import (
    AUDIO,
    BRIDGE,
    GPU,
    IGPU,
    at,
    card,
    good_machine,
    groups,
    integrated,
    make_function,
    port,
)
from tests.nix.machines import twins
from vfio_wizard.model.domain import Capabilities, DomainPlan, Pins, Topology, Versions
from vfio_wizard.model.facts import Core, DeviceNode, HostFacts
from vfio_wizard.model.iommu import IommuUnit
from vfio_wizard.model.selection import (
    DomainWish,
    GuestPart,
    GuestSystem,
    HugePageWish,
    LibvirtWish,
    LookingGlass,
    Mirror,
    Offer,
    Selection,
    SoundWish,
)
from vfio_wizard.planning.domain import plan_guest

USB, NVME, FAR = "0000:03:00.0", "0000:04:00.0", "10000:e1:00.0"
KEYBOARD = "/dev/input/by-id/usb-Some_Keyboard-event-kbd"
MOUSE = "/dev/input/by-id/usb-Some_Mouse-event-mouse"


class Case(NamedTuple):
    """One guest; the version of libvirt is the test's."""

    name: str
    facts: HostFacts
    selection: Selection
    pins: Pins | None = None
    capabilities: Capabilities | None = None

    def plan(self, versions: Versions) -> DomainPlan:
        return plan_guest(self.facts, self.selection, versions, self.capabilities, self.pins)


INTEL_PINS = Pins(
    Topology(1, 1, 4, 1),
    (4, 5, 6, 7),
    (0, 1),
    ((2, 3),),
    because=("on one level-3 cache, apart from the host",),
)
"""Four of eight cores without threads."""

AMD_PINS = Pins(
    Topology(1, 1, 4, 2),
    (4, 12, 5, 13, 6, 14, 7, 15),
    (0, 8),
    ((1, 9),),
    numa_node=0,
    topoext=True,
    because=("the second complex",),
)
"""The second complex of a Ryzen with two, siblings together."""


def amd() -> HostFacts:
    """Eight cores with two threads in two complexes, the card and an integrated GPU."""
    cores = tuple(
        Core(cpu, 0, 0, cpu % 8, (cpu % 8, cpu % 8 + 8), _complex(cpu % 8), 16 << 20, 0, None)
        for cpu in range(16)
    )
    return good_machine(vendor="amd", cores=cores, units=(IommuUnit("ivhd0", "amd", "0", "0", (GPU,)),))


def _complex(core: int) -> tuple[int, ...]:
    first = core // 4 * 4
    return (*range(first, first + 4), *range(first + 8, first + 12))


def modern() -> HostFacts:
    """A kernel that offers /dev/iommu, and an IOMMU that reaches less far than the processor."""
    node = DeviceNode("dev/iommu", "char", 0o600, 0, 0)
    unit = IommuUnit("dmar0", "intel", "1c0000c40660462", "f050da", (GPU,))
    return good_machine(
        iommu_node=node, units=(unit,), config={"VFIO_PCI": "m", "IOMMUFD": "m", "VFIO_DEVICE_CDEV": "y"}
    )


def crowded() -> HostFacts:
    """A USB controller and an NVMe drive in groups of their own, and a display in a domain of five digits."""
    usb = make_function(USB, "1b73:1100", 0x0C0330, group=7, driver="xhci_hcd", parent=at(BRIDGE))
    nvme = make_function(NVME, "144d:a80a", 0x010802, group=8, driver="nvme", parent=at(BRIDGE))
    far = make_function(FAR, "1002:744c", 0x030000, group=9, driver="amdgpu", parent=None, boot_vga=False)
    pci = (integrated(driver=None), port(), *card(driver="vfio-pci"), usb, nvme, far)
    every = groups(g1=IGPU, g2=BRIDGE, g5=f"{GPU} {AUDIO}", g7=USB, g8=NVME, g9=FAR)
    return good_machine(pci=pci, groups=every)


def without_kvm(selection: Selection) -> Selection:
    """The same guest where no processor helps."""
    return selection._replace(domain=selection.domain._replace(emulated=True))


def _guest(system: GuestSystem, mirror: str) -> Selection:
    wish = DomainWish(system=system, iso="/srv/iso/installer.iso")
    if system.is_windows:
        wish = wish._replace(virtio_iso="/srv/iso/virtio-win.iso")
    return Selection(
        (at(GPU),), users=("alice",), guest=system.value, looking_glass=MIRRORS[mirror], domain=wish
    )


MIRRORS = {
    "off": LookingGlass(Mirror.OFF),
    "shm": LookingGlass(Mirror.SHM, 2560, 1440, release=GuestPart.HOST),
    "kvmfr": LookingGlass(Mirror.KVMFR, 3840, 2160, hdr=True),
    "idd": LookingGlass(Mirror.SHM, 3840, 1600, release=GuestPart.IDD),
    "idd-kvmfr": LookingGlass(Mirror.KVMFR, 3440, 1440, release=GuestPart.IDD),
}

ASKED = Capabilities(
    emulator="/usr/bin/qemu-system-x86_64",
    machines=("pc-i440fx-7.2", "pc-q35-6.2", "pc-q35-10.0", "pc-q35-7.2", "q35"),
    secure_boot=True,
    enrolled_keys=True,
    tpm_models=("tpm-tis", "tpm-crb"),
    hyperv=(
        "relaxed",
        "vapic",
        "spinlocks",
        "vpindex",
        "runtime",
        "synic",
        "stimer",
        "frequencies",
        "avic",
        "xmm_input",
    ),
)
"""What libvirt said of a host without tlbflush and ipi, with the two newest."""


def _all() -> Iterator[Case]:
    for system in GuestSystem:
        for mirror in MIRRORS:
            if system.is_windows or "idd" not in mirror:  # the display driver is Windows' own
                yield Case(f"{system.value}-{mirror}", good_machine(), _guest(system, mirror), INTEL_PINS)
    windows = _guest(GuestSystem.WINDOWS_11, "off")
    ryzen = windows._replace(huge_pages=HugePageWish(1048576, 16))
    yield Case("ryzen-hugepages", amd(), ryzen, AMD_PINS)
    yield Case("iommufd-39-bits", modern(), windows, INTEL_PINS)
    yield Case("asked", good_machine(), windows, INTEL_PINS, ASKED)
    for mirror in ("off", "shm"):
        guest = _guest(GuestSystem.WINDOWS_11, mirror)
        yield Case(f"no-spice-{mirror}", good_machine(), guest, INTEL_PINS, ASKED._replace(graphics=("vnc",)))
    twin = Selection((at("0000:27:00.0"),), users=("alice",), domain=DomainWish(disk="default/games.qcow2"))
    yield Case("twins", twins(), twin)
    yield Case(
        "usb-nvme-far", crowded(), Selection((at(GPU), at(FAR)), (at(USB), at(NVME)), users=("alice",))
    )
    desk = DomainWish(
        system=GuestSystem.LINUX,
        disk="/dev/disk/by-id/ata-Some_Disk",
        network="bridge:br0",
        rom="/var/lib/libvirt/vbios/card.rom",
        evdev=(MOUSE, KEYBOARD),
        usb=("046d:c52b",),
        sound=SoundWish.OFF,
    )
    bare = Selection((at(GPU),), users=("alice",), guest="desk", domain=desk, looking_glass=MIRRORS["off"])
    yield Case("linux-evdev-block", good_machine(), bare._replace(libvirt=LibvirtWish(tpm=False)), INTEL_PINS)
    igpu = good_machine(pci=(integrated(driver="vfio-pci", boot_vga=False), port(), *card(driver="nouveau")))
    inside = Selection((at(IGPU),), users=("alice",), looking_glass=MIRRORS["off"])
    yield Case("integrated", igpu, inside, INTEL_PINS)
    evil = DomainWish(
        disk="""/srv/a "b" & <c> 'd'/ö,é]]>.qcow2""",
        iso="/srv/--><domain/>.iso",
        network="""network:<&"'>""",
        spice=Offer.ON,
    )
    named = Selection((at(GPU),), users=("alice",), guest="""<&"' ü]]>--""", domain=evil)
    yield Case("evil-names", good_machine(), named, INTEL_PINS)


CASES = tuple(_all())
