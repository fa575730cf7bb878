"""Machines for tests of the deciding floors: everything is untold until a test tells it."""

from __future__ import annotations

from typing import Any

from vfio_wizard.model.applied import AppliedState, BoundFunction, InForce, ProvenImage, SeenImage
from vfio_wizard.model.facts import (
    Board,
    Boot,
    BootLoader,
    Core,
    Cpu,
    DeviceNode,
    Display,
    Distribution,
    Firmware,
    HostFacts,
    HugePages,
    InitramfsGenerator,
    InstalledKernel,
    Kernel,
    Memory,
    ModprobeConfig,
    ModprobeLine,
    NetworkLink,
    RomCopy,
    Source,
    User,
    Virt,
)
from vfio_wizard.model.iommu import AcpiTables, Iommu, IommuGroup, IommuUnit, ReservedRegion
from vfio_wizard.model.kargs import Kargs
from vfio_wizard.model.pci import Bar, PciAddress, PciClass, PciFunction, PciId
from vfio_wizard.model.unread import Unread, untold

UNTOLD = untold("nowhere", "the test does not tell")
RELEASE = "6.12.9-test"


def at(text: str) -> PciAddress:
    """An address, short for tests."""
    return PciAddress.parse(text)


def make_function(
    address: str, number: str | None = None, cls: int | None = None, **told: Any
) -> PciFunction:
    """A function of which only the named fields are told; ``cls`` as six hex digits."""
    parts = None if cls is None else PciClass(cls >> 16, cls >> 8 & 0xFF, cls & 0xFF)
    fields: dict[str, Any] = dict.fromkeys(PciFunction._fields, UNTOLD)
    fields |= {
        "address": at(address),
        "origin": f"sys/bus/pci/devices/{address}",
        "id": UNTOLD if number is None else PciId.parse(number),
        "cls": UNTOLD if parts is None else parts,
        "name": None,
    }
    return PciFunction(**(fields | told))


def make_facts(**told: Any) -> HostFacts:
    """A machine; ``told`` are whole parts of HostFacts or, by their own names, fields of a part.

    ``make_facts(cmdline="quiet", dmar=True, pci=(…))`` finds kernel.cmdline and iommu.tables.dmar by itself.
    """
    parts: dict[str, dict[str, Any]] = {name: _untold(kind) for name, kind in _PARTS.items()}
    whole: dict[str, Any] = {}
    for name, value in told.items():
        owner = _OWNER.get(name)
        if owner is None:
            whole[name] = value
        else:
            parts[owner][name] = Kargs.parse(value) if name in _LINES and isinstance(value, str) else value
    built = {name: kind(**parts[name]) for name, kind in _PARTS.items()}
    iommu = built["iommu"]._replace(tables=built["tables"])
    firmware = built["firmware"]._replace(board=built["board"])
    rest: dict[str, Any] = dict.fromkeys(("pci", "kernels", "network", "disks", "modprobe"), UNTOLD)
    rest |= {
        "source": built["source"],
        "iommu": iommu,
        "cpu": built["cpu"],
        "firmware": firmware,
        "kernel": built["kernel"],
        "boot": built["boot"],
        "display": built["display"],
        "memory": built["memory"],
        "virt": built["virt"],
    }
    return HostFacts(**(rest | whole))


_PARTS: dict[str, Any] = {
    "source": Source,
    "tables": AcpiTables,
    "iommu": Iommu,
    "cpu": Cpu,
    "board": Board,
    "firmware": Firmware,
    "kernel": Kernel,
    "boot": Boot,
    "display": Display,
    "memory": Memory,
    "virt": Virt,
}
_LINES = ("cmdline", "configured")
_PLAIN: dict[str, Any] = {
    "live": False,
    "kind": "directory",
    "label": "a test",
    "others": (),
    "configured_origin": "etc/kernel/cmdline",
    "cmdline_origin": "proc/cmdline",
    "log_gap": None,
}
_ORIGIN = {"iommu": "sys/kernel/iommu_groups", "cpu": "proc/cpuinfo", "firmware": "sys/firmware"}
_OWNER = {
    field: part
    for part, kind in _PARTS.items()
    for field in kind._fields
    if field not in ("origin", "tables", "board")
}
_OWNER |= {"board_vendor": "board", "vendor": "cpu", "type": "firmware"}


def _untold(kind: Any) -> dict[str, Any]:
    fields = {field: _PLAIN.get(field, UNTOLD) for field in kind._fields}
    if "origin" in fields:
        fields["origin"] = next(_ORIGIN[name] for name, part in _PARTS.items() if part is kind)
    return fields


def groups(**members: str) -> tuple[IommuGroup, ...]:
    """``groups(g1="0000:01:00.0 0000:01:00.1")``: groups without reserved regions."""
    return tuple(
        IommuGroup(int(name[1:]), tuple(at(one) for one in text.split()), "DMA-FQ", ())
        for name, text in members.items()
    )


def direct_region(group: IommuGroup) -> IommuGroup:
    """The group with a region that the firmware wants mapped 1:1."""
    return group._replace(reserved=(ReservedRegion(0xC0000000, 0xC00FFFFF, "direct"),))


def modprobe(*lines: str) -> ModprobeConfig:
    """``modprobe("options vfio allow=1")``: one effective line each, of one file."""
    found = []
    for number, line in enumerate(lines, 1):
        command, module, rest = (*line.split(" ", 2), "")[:3]
        found.append(
            ModprobeLine(f"etc/modprobe.d/test.conf:{number}", command, module.replace("-", "_"), rest)
        )
    return ModprobeConfig(tuple(found))


GPU, AUDIO, BRIDGE, NIC, USB = "0000:01:00.0", "0000:01:00.1", "0000:00:01.0", "0000:02:00.0", "0000:03:00.0"
IGPU = "0000:00:02.0"


WINDOWS: dict[str, Any] = {
    "bars": (Bar(0, 0xF6000000, 1 << 24, 0x40200), Bar(1, 0x4000000000, 1 << 28, 0x14220C)),
    "resizable_bars": (),
    "rom": True,
    "holders": (),
}
"""A small window below 4 GiB, a large one above, a ROM, and nobody who has the card open."""


def card(
    driver: str | None = "nouveau", group: int | None = 5, **told: Any
) -> tuple[PciFunction, PciFunction]:
    """A discrete NVIDIA card with its audio function below a root port."""
    shared: dict[str, Any] = {
        "parent": at(BRIDGE),
        "group": group,
        "physical_function": None,
        "removable": False,
    }
    graphics = {"boot_vga": False, "reset_methods": ("flr", "bus"), "driver": driver} | WINDOWS | told
    sound = {
        "driver": driver and ("vfio-pci" if driver == "vfio-pci" else "snd_hda_intel"),
        "holders": (),
        "bars": (),
    }
    return (
        make_function(GPU, "10de:2484", 0x030000, **(shared | graphics)),
        make_function(AUDIO, "10de:228b", 0x040300, **(shared | sound | {"reset_methods": ()})),
    )


def integrated(**told: Any) -> PciFunction:
    """An Intel integrated GPU on the root bus, the boot display."""
    fields: dict[str, Any] = {"parent": None, "group": 1, "boot_vga": True, "driver": "i915"}
    fields |= {"reset_methods": ("flr",), "physical_function": None, "removable": False}
    fields |= WINDOWS | {"rom": False}
    return make_function(IGPU, "8086:4680", 0x030000, **(fields | told))


def port(**told: Any) -> PciFunction:
    """The root port above the card."""
    fields: dict[str, Any] = {"parent": None, "group": 2, "driver": "pcieport", "boot_vga": None}
    return make_function(BRIDGE, "8086:460d", 0x060400, **(fields | told))


def good_machine(**told: Any) -> HostFacts:
    """An Intel desktop on which every check passes; tests break one thing each."""
    return make_facts(**(_good() | told))


def _good() -> dict[str, Any]:
    return {
        "live": True,
        "kind": "live",
        "label": "this machine",
        "complete": True,
        "pci": (integrated(driver=None, boot_vga=False), port(), *card(driver="vfio-pci")),
        "groups": groups(g1=IGPU, g2=BRIDGE, g5=f"{GPU} {AUDIO}"),
        "dmar": True,
        "ivrs": False,
        "interrupt_remapping": True,
        "vendor": "intel",
        "family": (6, 151, 2),
        "flags": frozenset({"vmx", "sse2"}),
        "type": "uefi",
        "secure_boot": False,
        "lockdown": "none",
        "release": RELEASE,
        "architecture": "x86_64",
        "cmdline": "quiet",
        "configured": "quiet",
        "config": {"INTEL_IOMMU": "y", "INTEL_IOMMU_DEFAULT_ON": "y", "VFIO_PCI": "m"},
        "builtin": frozenset[str](),
        "loaded": frozenset({"vfio_pci"}),
        "log": (),
        "hypervisor": None,
        "kernels": (InstalledKernel(RELEASE, True, frozenset(), {}, True, "boot/initrd"),),
        "loader": BootLoader("grub-mkconfig", (("boot/grub/grub.cfg", "present"),)),
        "loader_info": None,
        "initramfs": InitramfsGenerator("initramfs-tools", (("etc/initramfs-tools", "present"),)),
        "distribution": Distribution("debian", (), "13", "Debian", "trixie"),
        "connectors": (),
        "framebuffers": (),
        "kvm": DeviceNode("dev/kvm", "char", 0o660, 0, 106),
        "qemu": "10.0.0",
        "libvirt": "11.3.0",
        "libvirt_socket": "run/libvirt/libvirt-sock",
        "libvirt_group": ("somebody",),
        "ovmf": ("usr/share/qemu/firmware/60-edk2-x86_64.json",),
        "user": User("somebody", ("libvirt", "kvm"), is_root=False),
        "network": (NetworkLink("virbr0", None, False, "virtual"),),
        "disks": (),
        "modprobe": modprobe("options kvmfr static_size_mb=64"),
        "files": FILES,
        "units": (IommuUnit("dmar0", "intel", "d2008c402d0462", "f020df", (GPU,)),),
        "address_bits": (46, 48),
        "cores": cores(range(8)),
        "isolated": (),
        "chassis": "3",
        "total_kib": 32 << 20,
        "available_kib": 24 << 20,
        "huge_pages": (HugePages(2048, 0, 0),),
        "swtpm": "usr/bin/swtpm",
        "memlock_kib": None,
        "looking_glass": (DeviceNode("dev/kvmfr0", "char", 0o660, 1000, 106),),
        "confinement": (),
        "times": (("boot/initrd", 2_000_000_000), ("etc/modules", 1_900_000_000)),
        "own": ((OWN_FILE, OWN_TEXT),),
        "roms": (RomCopy(f"usr/share/vgabios/{GPU}.rom", "10de", "2484", ("bios", "uefi-x64")),),
        "applied": in_force(),
    }


def in_force(*images: SeenImage, add: tuple[str, ...] = (), remove: tuple[str, ...] = ()) -> InForce:
    """A change of this program: the card is on vfio-pci, from an image that loads it first."""
    proven = ProvenImage(RELEASE, "boot/initrd", 1000, 2_000_000_000, vfio=True, early=True)
    functions = tuple(BoundFunction(one.address, PciId.parse(str(one.id)), None) for one in card())
    state = AppliedState(1, "an-earlier-boot", functions, add, remove, (RELEASE,), (proven,), ())
    same = SeenImage(RELEASE, "boot/initrd", rebuilt=False, vfio=True, early=True)
    return InForce(state, images or (same,))


QEMU_CONF = 'cgroup_device_acl = ["/dev/null", "/dev/kvm", "/dev/kvmfr0"]'
FILES = (("etc/libvirt/qemu.conf", QEMU_CONF), ("etc/modules", "# nothing\n"))
OWN_FILE = "etc/vfio-wizard/quirks.d/mine.toml"
OWN_TEXT = """[[module]]
name = "vfio_example"
since = "6.2"
why = "made up for tests"
source = "this test"
"""


def cores(*caches: range, kind: str | None = None) -> tuple[Core, ...]:
    """CPUs without hyper-threading, those of each range below one level-3 cache."""
    return tuple(
        Core(cpu, 0, None, cpu, (cpu,), tuple(cache), 32 << 20, 0, kind) for cache in caches for cpu in cache
    )


def with_untold(facts: HostFacts, path: tuple[str, ...], gap: Unread = UNTOLD) -> HostFacts:
    """The machine with one field replaced by a gap; ``path`` as in ``("kernel", "cmdline")``."""
    replaced: HostFacts = _replaced(facts, path, gap)
    return replaced


def _replaced(record: Any, path: tuple[str, ...], value: object) -> Any:
    name, *rest = path
    inner = _replaced(getattr(record, name), tuple(rest), value) if rest else value
    return record._replace(**{name: inner})
