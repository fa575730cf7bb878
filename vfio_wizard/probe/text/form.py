"""Which form a text has: each reader says whether a text is its own, the most certain one first."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple, Protocol, cast

from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.facts import HostFacts


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
    Form("kernel_log", lambda text: any(stamp in text for stamp in _STAMPS)),
    Form("cmdline", lambda text: "=" in text and text.count("\n") < 12),
    Form("iommu_listing", lambda text: ":" in text),
)

ACCEPTED = (
    "an IOMMU group listing, a nixos-facter report, lspci (-nn, -nnk, -vv, -vmm),"
    " udevadm info --export-db, a kernel log, a kernel command line"
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
