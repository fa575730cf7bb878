"""Which form a text has: each reader says whether a text is its own, the most certain one first."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Protocol, cast

from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.probe.text import config_file, machine_words


class Reader(Protocol):
    """What each reader module offers."""

    def read(self, text: str, label: str) -> HostFacts | None:
        """Facts, or None for a text of another form."""


class Form(NamedTuple):
    """A form of text: the module of its reader, and a quick look whether to ask it at all."""

    module: str
    may_be: Callable[[str], bool]


_STAMPS = ("[ ", " kernel: ", "Adding ", "] vfio", "] pci ", "] DMAR", "] AMD-Vi")

# The most certain form first; readers are imported only when their turn comes.
FORMS = (
    Form("facter", lambda text: text.lstrip().startswith("{")),
    Form("udevadm", lambda text: "P: /devices/" in text),
    Form("group_table", lambda text: "iommugroup" in text or "|" in text),
    Form("lspci_records", lambda text: "Slot:" in text),
    Form("inxi", lambda text: "-ID:" in text or " ID: " in text),
    Form("kernel_log", lambda text: any(stamp in text for stamp in _STAMPS)),
    Form("cmdline", lambda text: "=" in text and text.count("\n") < 12),
    Form("iommu_listing", lambda text: ":" in text),
)

# What may stand in a text beside its main form, or alone: each fills only what nothing else told.
BESIDES = (
    Form("config_file", config_file.may_be),
    Form("machine_words", machine_words.may_be),
)

ACCEPTED = (
    "an IOMMU group listing, a nixos-facter report, lspci (-nn, -nnk, -vv, -vmm, -xxx),"
    " udevadm info --export-db, a kernel log, a kernel command line, files of GRUB, boot entries,"
    " modprobe.d, mkinitcpio or dracut, dmidecode, inxi -Fa, uname -a"
)

_BINARY = 0.02
"""Share of NUL and replacement characters above which a text is none."""
_LOOKED_AT = 4096


def read_part(text: str, label: str) -> HostFacts | None:
    """One text as facts; None when no reader knows its form. Raises UsageError for a damaged report."""
    if _is_binary(text):
        return None
    text = text.removeprefix("\ufeff")
    for form in FORMS:
        if form.may_be(text):
            facts = _reader(form).read(text, label)
            if facts is not None:
                return facts
    return None


def beside(text: str, label: str) -> list[HostFacts]:
    """What else a text tells beside its main form: configuration, and words about the machine."""
    if _is_binary(text):
        return []
    asked = (_reader(form).read(text, label) for form in BESIDES if form.may_be(text))
    return [facts for facts in asked if facts is not None]


def _reader(form: Form) -> Reader:
    return cast("Reader", import_module(f"{__package__}.{form.module}"))


def unknown(labels: list[str]) -> UsageError:
    """The refusal for texts of which none was recognised."""
    what = labels[0] if len(labels) == 1 else f"none of {len(labels)} files"
    verb = "is in no form that is known here" if len(labels) == 1 else "is in a form that is known here"
    return UsageError(f"{what} {verb}; accepted: {ACCEPTED}")


def _is_binary(text: str) -> bool:
    head = text[:_LOOKED_AT]
    return (head.count("\0") + head.count("\ufffd")) > len(head) * _BINARY
