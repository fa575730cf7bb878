"""The lab's machines, as data: what is plugged in, how it boots, and what must be found.

The expectations are worked out from the topology and the kernel's documented rules, not copied
from a run. Addresses follow from the plugging order: the firmware numbers buses depth first, from 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

SUITES: Mapping[str, str] = {"bookworm": "6.1", "trixie": "6.12"}
"""Debian releases and the kernel series that each stands for here."""


class Card(NamedTuple):
    """What ``groups --json`` must say about one display controller."""

    functions: tuple[str, ...]
    isolated: bool | None = True
    shares_with: tuple[str, ...] = ()
    twins: tuple[str, ...] = ()
    type: str = "discrete"
    boot_vga: bool = False


Findings = Mapping[str, Mapping[str | None, str]]
"""Status by check id and subject."""


class Expectation(NamedTuple):
    """What must be found on a machine; every fixed check id is in ``findings``."""

    verdict: str
    code: int
    findings: Findings
    gpus: Mapping[str, Card]
    drivers: Mapping[str, str | None]
    """Some functions' drivers; those that tell whether the scenario came about at all."""
    bound: Mapping[str, str] = {}
    """``vfio.bound`` per card when all of ``Topology.gpus`` are selected."""
    named: Mapping[str, tuple[str, ...]] = {}
    """Words that a finding must name in its summary, evidence or fix, by check id."""
    host: Mapping[str, object] = {}
    group_types: tuple[str, ...] = ()
    """The types that groups may have; nothing stated means any."""


class Topology(NamedTuple):
    """A machine to boot."""

    name: str
    title: str
    devices: tuple[str, ...]
    expect: Expectation
    parameters: tuple[str, ...] = ()
    modprobe: tuple[str, ...] = ()
    gpus: tuple[str, ...] = ()
    """Cards that are selected with ``--gpu`` in a second run, and exported where that is possible."""
    cpu: str = "max"
    uefi: bool = False
    quick: bool = False
    attaches: Mapping[str, bool] = {}
    """By kernel series, whether VFIO itself takes the group of the first selected card."""
    hands_over: bool = False
    """libvirt's hook moves the first selected card from its drivers to vfio-pci and back."""
    table: str = ""
    """An ACPI table that gets a region which firmware reserves for the card: ``DMAR`` or ``IVRS``."""
    newer: Expectation | None = None
    """The expectation on 6.12, where it differs."""

    def expected(self, suite: str) -> Expectation:
        """What this machine must show with that release's kernel."""
        return self.newer if self.newer is not None and SUITES[suite] == "6.12" else self.expect


AMD = ("-device", "amd-iommu,intremap=on")
INTEL = ("-device", "intel-iommu,intremap=on")
INTEL_PROCESSOR = "Skylake-Client-v3,-vmx"
"""Emulation has no VMX to offer, so this machine stands for one whose firmware has it off."""
HOST_VGA = ("-device", "VGA,addr=0x2")


def port(name: str, address: str, more: str = "") -> tuple[str, ...]:
    """A root port at an address on the root bus; ``name`` ends in its slot number."""
    number = name[-1]
    options = f"id={name},slot={number},chassis={number},addr={address}{more}"
    return ("-device", f"pcie-root-port,{options}")


def card(bus: str, slot: str = "0") -> tuple[str, ...]:
    """A graphics card with its audio function, below a port or on a bus."""
    return (
        "-device", f"ati-vga,model=rv100,bus={bus},addr={slot}.0,multifunction=on",
        "-device", f"ich9-intel-hda,bus={bus},addr={slot}.1",
    )  # fmt: skip


def nvme(bus: str) -> tuple[str, ...]:
    """A disk whose serial number no capture may hold."""
    return (
        "-blockdev", "null-co,node-name=disk,size=1073741824,read-zeroes=on",
        "-device", f"nvme,bus={bus},addr=0,drive=disk,serial=LABNVME7731",
    )  # fmt: skip


HOST_CARD = Card(("0000:00:02.0",), type="virtual", boot_vga=True)
FIRST = "0000:01:00.0"
FIRST_FUNCTIONS = (FIRST, "0000:01:00.1")
ONE_CARD = {"0000:00:02.0": HOST_CARD, FIRST: Card(FIRST_FUNCTIONS)}
NO_GROUPS = {"0000:00:02.0": HOST_CARD._replace(isolated=None), FIRST: Card(FIRST_FUNCTIONS, isolated=None)}
ON_HOST = {FIRST: "radeon", "0000:01:00.1": "snd_hda_intel", "0000:00:02.0": "bochs-drm"}
ON_VFIO = {FIRST: "vfio-pci", "0000:01:00.1": "vfio-pci", "0000:00:02.0": "bochs-drm"}
VFIO_FIRST = (
    "options vfio-pci ids=1002:5159,8086:293e",
    "softdep radeon pre: vfio-pci",
    "softdep snd_hda_intel pre: vfio-pci",
)
NOT_GIVEN_RADEON = ("blacklist radeon",)

AT_FIRST_SLOT = ("-device", "pcie-root-port,id=rp1,slot=1,chassis=1,addr=0x3")


def findings(*cards: str, **differing: str | Mapping[str | None, str]) -> Findings:
    """All fixed check ids passing (``vfio.bound`` aside, which needs a selection), but for ``differing``.

    The key of a difference is the id with ``_`` for ``.`` and ``-``; its value a status for all of
    the check's subjects, or one status per subject.
    """
    passing: dict[str, Mapping[str | None, str]] = {name: {None: "pass"} for name in OF_THE_HOST}
    passing.update({name: dict.fromkeys(cards, "pass") for name in OF_EACH_CARD})
    for key, said in differing.items():
        name = next(one for one in passing if one.replace(".", "_").replace("-", "_") == key)
        passing[name] = dict.fromkeys(passing[name], said) if isinstance(said, str) else said
    return passing


OF_THE_HOST = ("cpu.virtualization", "iommu.firmware", "iommu.enabled", "gpu.spare", "boot.stale-parameters")
OF_EACH_CARD = ("group.isolated", "gpu.twins", "gpu.boot-display")

ONE_CARD_READY = Expectation(
    verdict="ready",
    code=0,
    findings=findings(FIRST),
    gpus=ONE_CARD,
    drivers=ON_HOST,
    bound={FIRST: "fail"},
    named={"vfio.bound": ("radeon", "snd_hda_intel")},
)

ONE_CARD_WITHOUT_GROUPS = Expectation(
    verdict="blocked",
    code=1,
    findings=findings(FIRST, iommu_enabled="fail", group_isolated="unknown"),
    gpus=NO_GROUPS,
    drivers=ON_HOST,
)

TOPOLOGIES = (
    Topology(
        name="amd-iommu",
        title="AMD IOMMU, one card for the guest, one for the host",
        devices=(*AMD, *HOST_VGA, *AT_FIRST_SLOT, *card("rp1")),
        gpus=(FIRST,),
        quick=True,
        expect=ONE_CARD_READY._replace(host={"cpu_vendor": "amd", "firmware": "bios"}),
    ),
    Topology(
        name="intel-iommu",
        title="Intel IOMMU, one card for the guest, one for the host",
        devices=(*INTEL, *HOST_VGA, *AT_FIRST_SLOT, *card("rp1")),
        gpus=(FIRST,),
        quick=True,
        expect=ONE_CARD_READY,
    ),
    Topology(
        name="no-iommu",
        title="no IOMMU and no table of one",
        devices=(*HOST_VGA, *AT_FIRST_SLOT, *card("rp1")),
        quick=True,
        expect=ONE_CARD_WITHOUT_GROUPS._replace(
            findings=findings(FIRST, iommu_firmware="fail", iommu_enabled="fail", group_isolated="unknown")
        ),
    ),
    Topology(
        name="intel-iommu-off",
        title="table present, but intel_iommu=off; the processor's VMX is not offered",
        devices=(*INTEL, *HOST_VGA, *AT_FIRST_SLOT, *card("rp1")),
        parameters=("intel_iommu=off",),
        cpu=INTEL_PROCESSOR,
        quick=True,
        expect=ONE_CARD_WITHOUT_GROUPS._replace(
            findings=findings(
                FIRST, cpu_virtualization="fail", iommu_enabled="fail", group_isolated="unknown"
            ),
            named={"iommu.enabled": ("intel_iommu=off",)},
            host={"cpu_vendor": "intel"},
        ),
    ),
    Topology(
        name="intel-iommu-off-in-guest",
        title="intel_iommu=off in a guest whose processor is AMD's: the table says whose IOMMU it is",
        devices=(*INTEL, *HOST_VGA, *AT_FIRST_SLOT, *card("rp1")),
        parameters=("intel_iommu=off",),
        expect=ONE_CARD_WITHOUT_GROUPS._replace(named={"iommu.enabled": ("intel_iommu=off",)}),
    ),
    Topology(
        name="amd-iommu-off",
        title="table present, but amd_iommu=off",
        devices=(*AMD, *HOST_VGA, *AT_FIRST_SLOT, *card("rp1")),
        parameters=("amd_iommu=off",),
        expect=ONE_CARD_WITHOUT_GROUPS._replace(named={"iommu.enabled": ("amd_iommu=off",)}),
    ),
    Topology(
        name="host-driver-first",
        title="vfio-pci.ids on the command line, but the host's drivers were first",
        devices=(*AMD, *HOST_VGA, *AT_FIRST_SLOT, *card("rp1")),
        parameters=("vfio-pci.ids=1002:5159,8086:293e",),
        gpus=(FIRST,),
        quick=True,
        hands_over=True,
        expect=ONE_CARD_READY,
    ),
    Topology(
        name="vfio-bound",
        title="both functions of the card on vfio-pci",
        devices=(*AMD, *HOST_VGA, *AT_FIRST_SLOT, *card("rp1")),
        modprobe=VFIO_FIRST,
        attaches={"6.1": True, "6.12": True},
        gpus=(FIRST,),
        quick=True,
        expect=ONE_CARD_READY._replace(drivers=ON_VFIO, bound={FIRST: "pass"}, named={}),
    ),
    Topology(
        name="half-bound",
        title="the audio function was forgotten: on the host's driver, the display on vfio-pci",
        devices=(*INTEL, *HOST_VGA, *AT_FIRST_SLOT, *card("rp1")),
        modprobe=("options vfio-pci ids=1002:5159", "softdep radeon pre: vfio-pci"),
        gpus=(FIRST,),
        expect=ONE_CARD_READY._replace(
            drivers={**ON_HOST, FIRST: "vfio-pci"}, named={"vfio.bound": ("snd_hda_intel",)}
        ),
    ),
    Topology(
        name="twins",
        title="two identical cards",
        devices=(*INTEL, *HOST_VGA, *AT_FIRST_SLOT, *port("rp2", "0x4"), *card("rp1"), *card("rp2")),
        gpus=("0000:02:00.0",),
        quick=True,
        expect=Expectation(
            verdict="ready",
            code=0,
            findings=findings(FIRST, "0000:02:00.0", gpu_twins="fail"),
            gpus={
                "0000:00:02.0": HOST_CARD,
                FIRST: Card(FIRST_FUNCTIONS, twins=("0000:02:00.0", "0000:02:00.1")),
                "0000:02:00.0": Card(("0000:02:00.0", "0000:02:00.1"), twins=FIRST_FUNCTIONS),
            },
            drivers={FIRST: "radeon", "0000:02:00.0": "radeon"},
            bound={"0000:02:00.0": "fail"},
        ),
    ),
    Topology(
        name="ports-without-acs",
        title="card and network card in one group, behind ports without ACS",
        devices=(
            *AMD,
            *HOST_VGA,
            *port("rp1", "0x3.0", ",multifunction=on,disable-acs=true"),
            *port("rp2", "0x3.1", ",disable-acs=true"),
            *card("rp1"),
            "-device",
            "e1000e,bus=rp2,addr=0",
        ),
        gpus=(FIRST,),
        quick=True,
        expect=ONE_CARD_READY._replace(
            verdict="blocked",
            code=1,
            findings=findings(FIRST, group_isolated="fail"),
            gpus={
                "0000:00:02.0": HOST_CARD,
                FIRST: Card(FIRST_FUNCTIONS, isolated=False, shares_with=("0000:02:00.0",)),
            },
            drivers={**ON_HOST, "0000:02:00.0": "e1000e"},
            named={"group.isolated": ("0000:02:00.0",)},
        ),
    ),
    Topology(
        name="shared-group-bound",
        title="the card on vfio-pci, its neighbour in the group on the host's driver",
        devices=(
            *INTEL,
            *HOST_VGA,
            *port("rp1", "0x3.0", ",multifunction=on,disable-acs=true"),
            *port("rp2", "0x3.1", ",disable-acs=true"),
            *card("rp1"),
            "-device",
            "e1000e,bus=rp2,addr=0",
        ),
        modprobe=VFIO_FIRST,
        gpus=(FIRST,),
        attaches={"6.1": False, "6.12": False},
        expect=ONE_CARD_READY._replace(
            verdict="blocked",
            code=1,
            findings=findings(FIRST, group_isolated="fail"),
            gpus={
                "0000:00:02.0": HOST_CARD,
                FIRST: Card(FIRST_FUNCTIONS, isolated=False, shares_with=("0000:02:00.0",)),
            },
            drivers={**ON_VFIO, "0000:02:00.0": "e1000e"},
            bound={FIRST: "pass"},
            named={"group.isolated": ("0000:02:00.0",)},
        ),
    ),
    Topology(
        name="conventional-bridge",
        title="card and network card behind a bridge to conventional PCI",
        devices=(
            *INTEL,
            *HOST_VGA,
            *AT_FIRST_SLOT,
            "-device",
            "pcie-pci-bridge,id=pci1,bus=rp1,addr=0",
            *card("pci1", "1"),
            "-device",
            "e1000,bus=pci1,addr=2",
        ),
        quick=True,
        expect=Expectation(
            verdict="blocked",
            code=1,
            findings=findings("0000:02:01.0", group_isolated="fail"),
            gpus={
                "0000:00:02.0": HOST_CARD,
                "0000:02:01.0": Card(
                    ("0000:02:01.0", "0000:02:01.1"), isolated=False, shares_with=("0000:02:02.0",)
                ),
            },
            drivers={"0000:02:01.0": "radeon", "0000:02:02.0": "e1000"},
            named={"group.isolated": ("0000:02:02.0",)},
        ),
    ),
    Topology(
        name="switch",
        title="card and NVMe disk behind a switch, each below a downstream port of its own",
        devices=(
            *INTEL,
            *HOST_VGA,
            *AT_FIRST_SLOT,
            "-device",
            "x3130-upstream,id=up,bus=rp1,addr=0",
            "-device",
            "xio3130-downstream,id=dn1,bus=up,addr=0,chassis=11,slot=1",
            "-device",
            "xio3130-downstream,id=dn2,bus=up,addr=1,chassis=12,slot=2",
            *card("dn1"),
            *nvme("dn2"),
        ),
        gpus=("0000:03:00.0",),
        quick=True,
        # The downstream ports lack ACS, but up to 6.12 the kernel merges a port only with what is below it.
        expect=Expectation(
            verdict="ready",
            code=0,
            findings=findings("0000:03:00.0"),
            gpus={"0000:00:02.0": HOST_CARD, "0000:03:00.0": Card(("0000:03:00.0", "0000:03:00.1"))},
            drivers={"0000:03:00.0": "radeon", "0000:04:00.0": "nvme"},
            bound={"0000:03:00.0": "fail"},
        ),
    ),
    Topology(
        name="switch-one-slot",
        title="card and NVMe disk behind a switch whose downstream ports are functions of one slot",
        devices=(
            *INTEL,
            *HOST_VGA,
            *AT_FIRST_SLOT,
            "-device",
            "x3130-upstream,id=up,bus=rp1,addr=0",
            "-device",
            "xio3130-downstream,id=dn1,bus=up,addr=0.0,chassis=11,slot=1,multifunction=on",
            "-device",
            "xio3130-downstream,id=dn2,bus=up,addr=0.1,chassis=12,slot=2",
            *card("dn1"),
            *nvme("dn2"),
        ),
        expect=Expectation(
            verdict="blocked",
            code=1,
            findings=findings("0000:03:00.0", group_isolated="fail"),
            gpus={
                "0000:00:02.0": HOST_CARD,
                "0000:03:00.0": Card(
                    ("0000:03:00.0", "0000:03:00.1"), isolated=False, shares_with=("0000:04:00.0",)
                ),
            },
            drivers={"0000:03:00.0": "radeon", "0000:04:00.0": "nvme"},
            named={"group.isolated": ("0000:04:00.0",)},
        ),
    ),
    Topology(
        name="high-bus",
        title="card on bus 0xa1, which is 161",
        devices=(
            *INTEL,
            *HOST_VGA,
            "-device",
            "pxb-pcie,id=far,bus_nr=160,bus=pcie.0,addr=0x4",
            "-device",
            "pcie-root-port,id=rp1,bus=far,slot=1,chassis=1,addr=0",
            *card("rp1"),
        ),
        gpus=("0000:a1:00.0",),
        quick=True,
        expect=Expectation(
            verdict="ready",
            code=0,
            findings=findings("0000:a1:00.0"),
            gpus={"0000:00:02.0": HOST_CARD, "0000:a1:00.0": Card(("0000:a1:00.0", "0000:a1:00.1"))},
            drivers={"0000:a1:00.0": "radeon"},
            bound={"0000:a1:00.0": "fail"},
        ),
    ),
    Topology(
        name="single-gpu",
        title="the only display device is the card",
        devices=(*AMD, *AT_FIRST_SLOT, *card("rp1")),
        modprobe=NOT_GIVEN_RADEON,  # as boot display the emulated card can stall the console below radeon
        gpus=(FIRST,),
        quick=True,
        expect=Expectation(
            verdict="ready",
            code=0,
            findings=findings(FIRST, gpu_spare="fail", gpu_boot_display="fail"),
            gpus={FIRST: Card(FIRST_FUNCTIONS, boot_vga=True)},
            drivers={FIRST: None, "0000:01:00.1": "snd_hda_intel"},
            bound={FIRST: "fail"},
        ),
    ),
    Topology(
        name="no-card",
        title="nothing but an emulated display: no card to give away",
        devices=(*AMD, *HOST_VGA),
        expect=Expectation(
            verdict="blocked",
            code=1,
            findings={
                "cpu.virtualization": {None: "pass"},
                "iommu.firmware": {None: "pass"},
                "iommu.enabled": {None: "pass"},
                "boot.stale-parameters": {None: "pass"},
                "gpu.present": {None: "fail"},
            },
            gpus={"0000:00:02.0": HOST_CARD},
            drivers={"0000:00:02.0": "bochs-drm"},
        ),
    ),
    Topology(
        name="no-svm",
        title="a processor without virtualisation",
        devices=(*AMD, *HOST_VGA, *AT_FIRST_SLOT, *card("rp1")),
        cpu="EPYC,-svm",
        expect=ONE_CARD_READY._replace(
            verdict="blocked", code=1, findings=findings(FIRST, cpu_virtualization="fail")
        ),
    ),
    Topology(
        name="intel-processor",
        title="an Intel processor whose VMX the firmware does not offer",
        devices=(*INTEL, *HOST_VGA, *AT_FIRST_SLOT, *card("rp1")),
        cpu=INTEL_PROCESSOR,
        expect=ONE_CARD_READY._replace(
            verdict="blocked",
            code=1,
            findings=findings(FIRST, cpu_virtualization="fail"),
            host={"cpu_vendor": "intel"},
        ),
    ),
    Topology(
        name="passthrough-domain",
        title="iommu=pt: host drivers get identity domains",
        devices=(*INTEL, *HOST_VGA, *AT_FIRST_SLOT, *card("rp1")),
        parameters=("iommu=pt",),
        expect=ONE_CARD_READY._replace(group_types=("identity",)),
    ),
    Topology(
        name="stale-parameters",
        title="a command line collected from old guides",
        devices=(*AMD, *HOST_VGA, *AT_FIRST_SLOT, *card("rp1")),
        parameters=("amd_iommu=on", "iommu=1", "video=efifb:off"),
        expect=ONE_CARD_READY._replace(
            findings=findings(FIRST, boot_stale_parameters="fail"),
            named={"boot.stale-parameters": ("amd_iommu=on", "iommu=1", "video=efifb:off")},
        ),
    ),
    Topology(
        name="no-interrupt-remapping",
        title="Intel IOMMU without interrupt remapping",
        devices=("-device", "intel-iommu,intremap=off", *HOST_VGA, *AT_FIRST_SLOT, *card("rp1")),
        expect=ONE_CARD_READY._replace(
            verdict="blocked",
            code=1,
            findings={**findings(FIRST), "iommu.interrupt-remapping": {None: "fail"}},
        ),
    ),
    Topology(
        name="uefi",
        title="UEFI firmware instead of a BIOS",
        devices=(*AMD, *HOST_VGA, *AT_FIRST_SLOT, *card("rp1")),
        uefi=True,
        expect=ONE_CARD_READY._replace(host={"firmware": "uefi"}),
    ),
    Topology(
        name="amd-direct-region",
        title="AMD firmware that reserves a region for the card (IVMD unity map)",
        devices=(*AMD, *HOST_VGA, *AT_FIRST_SLOT, *card("rp1")),
        table="IVRS",
        modprobe=VFIO_FIRST,
        gpus=(FIRST,),
        # Only newer kernels refuse to attach it, but that makes it no card to build on.
        attaches={"6.1": True, "6.12": False},
        expect=ONE_CARD_READY._replace(
            verdict="blocked",
            code=1,
            drivers=ON_VFIO,
            bound={FIRST: "pass"},
            named={},
            findings={**findings(FIRST), "iommu.reserved-regions": {FIRST: "fail"}},
        ),
    ),
    Topology(
        name="intel-relaxable-region",
        title="Intel firmware that reserves a region for the display (RMRR), which the kernel relaxes",
        devices=(*INTEL, *HOST_VGA, *AT_FIRST_SLOT, *card("rp1")),
        table="DMAR",
        modprobe=VFIO_FIRST,
        gpus=(FIRST,),
        attaches={"6.1": True, "6.12": True},
        expect=ONE_CARD_READY._replace(
            findings={**findings(FIRST), "iommu.reserved-regions": {FIRST: "pass"}},
            drivers=ON_VFIO,
            bound={FIRST: "pass"},
            named={},
        ),
    ),
)
