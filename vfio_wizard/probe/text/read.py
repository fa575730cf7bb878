"""The way in: texts about one machine, in whatever known form, become ``HostFacts``."""

from __future__ import annotations

from collections.abc import Sequence

from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.unread import Unread
from vfio_wizard.probe.text.cmdline import embedded, with_cmdline
from vfio_wizard.probe.text.form import read_part, unknown


def read_texts(parts: Sequence[tuple[str, str]]) -> HostFacts:
    """Facts from texts given as (label, text). Texts of unknown form are skipped.

    Raises UsageError when none is recognised, or when a report is cut off or damaged.
    """
    read = [facts for label, text in parts if (facts := _one(label, text)) is not None]
    if not read:
        raise unknown([label for label, _ in parts])
    if len(read) == 1:
        return read[0]
    from vfio_wizard.probe.text.merge import merge  # noqa: PLC0415 - a single text needs none

    return merge(read)


def _one(label: str, text: str) -> HostFacts | None:
    """One text, with the kernel command line that may have been pasted along."""
    facts = read_part(text, label)
    if facts is None or not isinstance(facts.kernel.cmdline, Unread):
        return facts
    found = embedded(text)
    return with_cmdline(facts, found[0], f"{label} line {found[1]}") if found else facts
