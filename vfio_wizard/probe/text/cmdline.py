"""The command line of the running kernel, as ``cat /proc/cmdline`` prints it."""

from __future__ import annotations

from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.kargs import Kargs
from vfio_wizard.probe.text.blank import blank_facts
from vfio_wizard.probe.text.lines import clean_lines

KIND = "cmdline"

_LEADS = ("Kernel command line:", "Command line:", "linuxefi ", "linux ")
_STORED = ("GRUB_", "title", "options ", '"', "menuentry ")
"""Beginnings of lines that store a command line; they are no running one."""
_FLAGS = frozenset(("ro", "rw", "quiet", "splash", "nomodeset", "rhgb"))
_KEYS = (
    "BOOT_IMAGE=",
    "root=",
    "initrd=",
    "init=",
    "console=",
    "loglevel=",
    "iommu=",
    "intel_iommu=",
    "amd_iommu=",
    "vfio-pci.ids=",
    "rd.",
    "systemd.",
    "resume=",
)
_ENOUGH = 2
_WRAPS = 8
"""Lines that a pasted command line may be wrapped over."""


def read(text: str, label: str) -> HostFacts | None:
    """A line of kernel parameters, maybe wrapped, as facts; None when the text is anything else."""
    lines = [line for line in clean_lines(text[:65536]) if line.text]
    if not lines or len(lines) > _WRAPS or any(line.text.startswith(_STORED) for line in lines):
        return None
    joined = " ".join(line.text for line in lines)
    if not is_cmdline(joined) or (len(lines) > 1 and not _is_wrapped(joined)):
        return None
    return with_cmdline(blank_facts(KIND, label), joined, f"{label} line {lines[0].number}")


def with_cmdline(facts: HostFacts, text: str, origin: str) -> HostFacts:
    """The same facts with this command line."""
    kernel = facts.kernel._replace(cmdline=Kargs.parse(_bare(text)), cmdline_origin=origin)
    return facts._replace(kernel=kernel)


def embedded(text: str) -> tuple[str, int] | None:
    """A command line pasted along with something else (it begins with BOOT_IMAGE=), and its line."""
    if "BOOT_IMAGE=" not in text:
        return None
    for line in clean_lines(text):
        if line.text.startswith("BOOT_IMAGE=") and is_cmdline(line.text):
            return line.text, line.number
    return None


def _bare(text: str) -> str:
    """Without what a boot menu or the kernel log puts before the parameters."""
    for lead in _LEADS:
        if text.startswith(lead):
            rest = text[len(lead) :].strip()
            image, _, parameters = rest.partition(" ")
            return parameters if lead.startswith("linux") and image.startswith(("/", "(")) else rest
    return text


def is_cmdline(text: str) -> bool:
    """Whether words look like kernel parameters: two that are well known, or a single one."""
    parameters = _bare(text).split()
    told = [word for word in parameters if word in _FLAGS or word.startswith(_KEYS)]
    return len(told) >= _ENOUGH or (len(parameters) == 1 and len(told) == 1)


def _is_wrapped(joined: str) -> bool:
    """Lines of parameters only: nearly every word is one with a value, or a known bare one."""
    parameters = joined.split()
    known = sum(1 for word in parameters if "=" in word or word in _FLAGS)
    return known * 5 >= len(parameters) * 4
