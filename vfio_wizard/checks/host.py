"""What kind of host this is, in the few words that several checks ask for."""

from __future__ import annotations

from vfio_wizard.knowledge.firmware import Switch, switch
from vfio_wizard.knowledge.own import read_own
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.kargs import Kargs
from vfio_wizard.model.unread import Unread, known

_X86 = ("x86_64", "amd64", "i386", "i486", "i586", "i686")
_X86_VENDORS = ("amd", "intel", "hygon", "centaur", "zhaoxin")


def is_x86(facts: HostFacts) -> bool | None:
    """Whether the machine is a PC; None where nothing tells."""
    if isinstance(facts.kernel.architecture, str):
        return facts.kernel.architecture in _X86
    if isinstance(facts.cpu.vendor, str):
        return facts.cpu.vendor in _X86_VENDORS
    return None


def cpu_vendor(facts: HostFacts) -> str:
    """``amd``, ``intel``, another word, or an empty one where the vendor is not known."""
    return known(facts.cpu.vendor, "")


def iommu_vendor(facts: HostFacts) -> str:
    """Whose IOMMU the firmware describes; the processor's vendor where the tables do not tell.

    In a guest they may differ: QEMU offers its Intel IOMMU on AMD processors too.
    """
    dmar, ivrs = facts.iommu.tables.dmar is True, facts.iommu.tables.ivrs is True
    if dmar != ivrs:
        return "intel" if dmar else "amd"
    return cpu_vendor(facts)


def is_guest(facts: HostFacts) -> bool:
    """Whether the machine is known to run under a hypervisor."""
    return isinstance(facts.kernel.hypervisor, str)


def holds_groups(facts: HostFacts) -> bool | None:
    """Whether a device is in an IOMMU group; None where the groups were not read."""
    if isinstance(facts.iommu.groups, Unread):
        return None
    return any(group.members for group in facts.iommu.groups)


def log_lines(facts: HostFacts, *needles: str) -> tuple[str, ...]:
    """The kernel log lines that hold one of some texts, whatever their case; empty without a log."""
    if isinstance(facts.kernel.log, Unread):
        return ()
    wanted = tuple(needle.lower() for needle in needles)
    return tuple(line for line in facts.kernel.log if any(needle in line.lower() for needle in wanted))


def config(facts: HostFacts, option: str) -> str | None:
    """The value of a kernel option (without CONFIG_); None where it is not told."""
    return known(facts.kernel.config, {}).get(option)


def words_on_line(facts: HostFacts) -> Kargs:
    """The running command line, or an empty one where it was not read."""
    return known(facts.kernel.cmdline, Kargs(()))


def has_item(line: Kargs, name: str, item: str) -> bool:
    """Whether one item of a comma-joined parameter is on the command line (``intel_iommu=on,sm_on``)."""
    return any(item in value.split(",") for value in line.values(name))


def firmware_words(facts: HostFacts, purpose: str) -> str:
    """How the setup of this board spells a switch, with where to look when its menu is not known."""
    row = _switch(facts, purpose)
    if row is not None and row.maker:
        return f"{row.words} (so on other boards of {_maker(facts)}; elsewhere on your board, see its manual)"
    return f"{switch_words(facts, purpose)}; the menu differs from board to board, see its manual"


def switch_words(facts: HostFacts, purpose: str) -> str:
    """The same without a word about the menu."""
    row = _switch(facts, purpose)
    if row is None:
        return "VT-d, IOMMU or AMD-Vi" if purpose == "iommu" else "VT-x, VMX or SVM"
    return row.words


def _switch(facts: HostFacts, purpose: str) -> Switch | None:
    board = facts.firmware.board
    product = " ".join(one for one in (board.name, board.product) if isinstance(one, str))
    return switch(purpose, cpu_vendor(facts), _maker(facts), product, read_own(facts.own).switches)


def _maker(facts: HostFacts) -> str:
    board = facts.firmware.board
    return next((one for one in (board.vendor, board.system_vendor) if isinstance(one, str)), "")
