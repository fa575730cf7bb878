"""The way in: texts about one machine, in whatever known form, become ``HostFacts``.

pylspci is not asked here: of lspci's forms it reads ``-mm`` and ``-vmm`` as they were printed, which the
readers here take as well, with prompts and cut-off lines in them, and importing it costs 50 ms. A test
compares the two where both read (tests/unit/text/test_pylspci_agrees.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.unread import Unread
from vfio_wizard.probe.text.cmdline import embedded, with_cmdline
from vfio_wizard.probe.text.form import beside, read_part, unknown


def read_texts(parts: Sequence[tuple[str, str]]) -> HostFacts:
    """Facts from texts given as (label, text). Texts of unknown form are skipped.

    Raises UsageError when none is recognised, or when a report is cut off or damaged.
    """
    read = [facts for label, text in parts for facts in _told(label, text)]
    if not read:
        raise unknown([label for label, _ in parts])
    if len(read) == 1:
        return _with_release(read[0])
    from vfio_wizard.probe.text.merge import merge  # noqa: PLC0415 - a single text needs none

    return _with_release(merge(read))


def _with_release(facts: HostFacts) -> HostFacts:
    """GRUB names the image that it started: ``BOOT_IMAGE=/boot/vmlinuz-6.5.13-1-pve`` tells the release."""
    line = facts.kernel.cmdline
    if isinstance(line, Unread) or not isinstance(facts.kernel.release, Unread):
        return facts
    name = (line.value("BOOT_IMAGE") or "").rpartition("/")[2]
    release = name.removeprefix("vmlinuz-")
    if release == name or not release[:1].isdigit() or "." not in release:
        return facts
    return facts._replace(kernel=facts.kernel._replace(release=release))


def _told(label: str, text: str) -> Iterator[HostFacts]:
    """One text in its main form, and what stands in it beside that."""
    facts = read_part(text, label)
    if facts is not None:
        found = embedded(text) if isinstance(facts.kernel.cmdline, Unread) else None
        yield with_cmdline(facts, found[0], f"{label} line {found[1]}") if found else facts
    yield from beside(text, label)
