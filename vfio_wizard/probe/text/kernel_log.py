"""A kernel log (``dmesg``, ``journalctl -k``, syslog): what the boot said about PCI, IOMMU and firmware.

Silence counts only in a log that holds the boot from its first line (``Linux version``): there,
no "Adding to iommu group" line means that no device got a group. A grep through a log proves
nothing by what it lacks.
"""

from __future__ import annotations

import re
from typing import Any

from vfio_wizard.knowledge.firmware import SWITCHES
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.pci import PciAddress, PciClass, PciFunction, PciId
from vfio_wizard.model.unread import Unread, untold
from vfio_wizard.probe.kernel import relevant_lines
from vfio_wizard.probe.text.blank import blank_facts, blank_function, with_functions
from vfio_wizard.probe.text.cmdline import with_cmdline
from vfio_wizard.probe.text.iommu_listing import without_membership
from vfio_wizard.probe.text.lines import clean_lines, words

KIND = "kernel-log"

_ADDRESS = r"(?P<address>[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7])"
_STAMP = re.compile(
    r"(?:<\d{1,3}>)?\[ *\d+\.\d{3,9}\](?:\[ *[TC]\d+\])? ?|.{10,60}? kernel: (?:\[ *\d+\.\d+\] ?)?", re.ASCII
)
_STAMPED = re.compile(
    r"^(?:> ?)?(?:<\d{1,3}>)?\[ *\d+\.\d{3,9}\]|^[^\n]{10,60}? kernel: ", re.ASCII | re.MULTILINE
)
_GROUP = re.compile(
    rf"{_ADDRESS}: Adding to iommu group (?P<group>\d{{1,6}})$"
    r"|Adding device (?P<old>[0-9a-f:.]{7,16}) to group (?P<oldgroup>\d{1,6})$",
    re.ASCII | re.MULTILINE,
)
_FOUND = re.compile(
    rf"pci {_ADDRESS}: \[([0-9a-f]{{4}}):([0-9a-f]{{4}})\] type [0-9a-f]{{2}} class 0x([0-9a-f]{{6}})",
    re.ASCII,
)
_BRIDGE = re.compile(rf"pci {_ADDRESS}: PCI bridge to \[bus ([0-9a-f]{{2}})", re.ASCII)
_ROOT_BUS = re.compile(r"PCI host bridge to bus ([0-9a-f]{4,8}):([0-9a-f]{2})", re.ASCII)
_BOOT_VGA = re.compile(r"vgaarb: setting as boot (?:VGA )?device(?:: PCI:(\S+))?", re.ASCII)
_PROCESSOR = re.compile(
    r"CPU0: (.{3,80}?) \(family: 0x([0-9a-f]+), model: 0x([0-9a-f]+), stepping: 0x([0-9a-f]+)\)", re.ASCII
)
_BIOS = re.compile(r"DMI: .{0,200}, BIOS (.{1,60}) (\d\d/\d\d/\d{4})$", re.ASCII | re.MULTILINE)
_BOARD = r"(?am)DMI: (.{2,120})/([^/\n]{2,60}), BIOS "
"""dmi_format_ids of drivers/firmware/dmi_scan.c: maker and product, board, firmware."""
_DOMAIN = re.compile(r"iommu: Default domain type: (Translated|Passthrough)", re.ASCII)
_HYPERVISOR = re.compile(r"Hypervisor detected: ([\w .-]{2,40})", re.ASCII)
_RELEASE = re.compile(r"Linux version (\S{3,80})", re.ASCII)

_ENOUGH = 0.5
"""Share of lines that must carry a time stamp."""
_REMAPS = ("DMAR-IR: Enabled IRQ remapping", "AMD-Vi: Interrupt remapping enabled")
_TABLE_SIGNS = {
    "dmar": ("ACPI: DMAR 0x", "DMAR: DRHD base: "),
    "ivrs": ("ACPI: IVRS 0x", "AMD-Vi: ivrs, add "),
}
"""Lines that need the table: it is listed, or its entries are (drivers/iommu/intel/dmar.c, amd/init.c)."""
_DOMAINS = {"Translated": "translated", "Passthrough": "passthrough"}


def read(text: str, label: str) -> HostFacts | None:
    """A log as facts; None when the text is none."""
    rows = [row for row in text.split("\n") if row.strip()]
    stamped = len(_STAMPED.findall(text))
    if not rows or (stamped < len(rows) * _ENOUGH and not _GROUP.search(text.replace("\r", ""))):
        return None
    return _Log(text, label).facts()


class _Log:
    """A log while it is read: all lines once, without their stamps."""

    def __init__(self, text: str, label: str) -> None:
        self.label = label
        self.lines = [(line.number, _STAMP.sub("", line.text, count=1)) for line in clean_lines(text)]
        self.whole = any(said.startswith("Linux version ") for _, said in self.lines)
        self.told: dict[PciAddress, dict[str, Any]] = {}
        self.origins: dict[PciAddress, str] = {}
        self.buses: dict[tuple[int, int], PciAddress | None] = {}
        self.boot_vga: PciAddress | None = None

    def facts(self) -> HostFacts:
        for number, said in self.lines:
            self._pci(number, said)
        facts = with_functions(blank_facts(KIND, self.label), self._functions())
        if not self.told:
            facts = facts._replace(pci=blank_facts(KIND, self.label).pci)
        if not self.whole:
            facts = without_membership(facts)
        if self.whole and self.told and isinstance(facts.iommu.groups, Unread):
            facts = facts._replace(iommu=facts.iommu._replace(groups=()))
        return self._rest(facts)

    def _pci(self, number: int, said: str) -> None:
        if (found := _FOUND.search(said)) is not None:
            cls = PciClass(*bytes.fromhex(found[4]))
            self._note(number, found["address"], id=PciId(found[2], found[3]), cls=cls)
        elif (found := _GROUP.search(said)) is not None:
            self._note(
                number,
                found["address"] or found["old"],
                again=True,
                group=int(found["group"] or found["oldgroup"]),
            )
        elif (found := _BRIDGE.search(said)) is not None:
            address = PciAddress.parse(found["address"])
            self.buses[(address.domain, int(found[2], 16))] = address
        elif (found := _ROOT_BUS.search(said)) is not None:
            self.buses[(int(found[1], 16), int(found[2], 16))] = None
        elif (found := _BOOT_VGA.search(said)) is not None:
            self.boot_vga = _address(found[1] or said.removeprefix("pci ").split(": ")[0])

    def _note(self, number: int, text: str, *, again: bool = False, **facts: Any) -> None:
        """The first report counts, for groups the last one: a device may be added again."""
        address = _address(text)
        if address is None:
            return
        told = self.told.setdefault(address, {})
        self.origins.setdefault(address, f"{self.label} line {number}")
        for name, value in facts.items():
            if again or name not in told:
                told[name] = value

    def _functions(self) -> tuple[PciFunction, ...]:
        return tuple(self._function(address, told) for address, told in self.told.items())

    def _function(self, address: PciAddress, told: dict[str, Any]) -> PciFunction:
        place = (address.domain, address.bus)
        if place in self.buses:
            told["parent"] = self.buses[place]
        if self.whole:
            told.setdefault("group", None)
        cls = told.get("cls")
        if self.boot_vga is not None and cls is not None:
            told["boot_vga"] = address == self.boot_vga if cls.is_vga else None
        return blank_function(address, self.origins[address], **told)

    def _rest(self, facts: HostFacts) -> HostFacts:
        """Kernel, firmware and IOMMU words."""
        for number, said in self.lines:
            if "ommand line: " in said and isinstance(facts.kernel.cmdline, Unread):
                facts = with_cmdline(facts, said.partition("ommand line: ")[2], f"{self.label} line {number}")
        log = "\n".join(said for _, said in self.lines)
        facts = facts._replace(
            iommu=self._iommu(facts, log),
            firmware=self._firmware(facts, log),
            cpu=facts.cpu._replace(**_processor(log)),
        )
        release, hypervisor = _RELEASE.search(log), _HYPERVISOR.search(log)
        gap = (
            None if self.whole else untold(self.label, "an excerpt of the log, or one without its beginning")
        )
        kernel = facts.kernel._replace(log=relevant_lines(log), log_gap=gap)
        if release:
            kernel = kernel._replace(release=release[1], hypervisor=None)
        if hypervisor:
            kernel = kernel._replace(hypervisor=words(hypervisor[1]).lower())
        return facts._replace(kernel=kernel)

    def _iommu(self, facts: HostFacts, log: str) -> Any:
        iommu = facts.iommu
        tables = {name: any(sign in log for sign in signs) for name, signs in _TABLE_SIGNS.items()}
        sure = {
            name: there for name, there in tables.items() if there or (self.whole and "ACPI: XSDT" in log)
        }
        domain = _DOMAIN.search(log)
        return iommu._replace(
            tables=iommu.tables._replace(**sure),
            interrupt_remapping=True if any(word in log for word in _REMAPS) else iommu.interrupt_remapping,
            default_domain=_DOMAINS[domain[1]] if domain else iommu.default_domain,
        )

    def _firmware(self, facts: HostFacts, log: str) -> Any:
        firmware = facts.firmware
        if "efi: EFI v" in log:
            firmware = firmware._replace(type="uefi")
        elif self.whole and "BIOS-e820" in log:
            firmware = firmware._replace(type="bios")
        for word, state in (("enabled", True), ("disabled", False)):
            if f"secureboot: Secure boot {word}" in log:
                firmware = firmware._replace(secure_boot=state)
        bios = _BIOS.search(log)
        if bios:
            board = firmware.board._replace(bios_version=words(bios[1]), bios_date=bios[2])
            firmware = firmware._replace(board=board)
        named = re.search(_BOARD, log)
        if named:
            board = firmware.board._replace(name=words(named[2]), **_maker(named[1]))
            firmware = firmware._replace(board=board)
        return firmware


def _maker(said: str) -> dict[str, str]:
    """The line names maker and product without a mark between them; only a known maker is told apart."""
    makers = sorted({row.maker for row in SWITCHES if row.maker}, key=len)
    known = [maker for maker in makers if said.lower().startswith(f"{maker} ")]
    return {"vendor": said[: len(known[-1])]} if known else {}


def _processor(log: str) -> dict[str, Any]:
    found = _PROCESSOR.search(log)
    if found is None:
        return {}
    told: dict[str, Any] = {
        "model": words(found[1]),
        "family": (int(found[2], 16), int(found[3], 16), int(found[4], 16)),
    }
    for word in ("AMD", "Intel"):
        if word in found[1]:
            told["vendor"] = word.lower()
    return told


def _address(text: str) -> PciAddress | None:
    try:
        return PciAddress.parse(text)
    except ValueError:
        return None
