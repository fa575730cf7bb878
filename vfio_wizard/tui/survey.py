"""What the wizard knows of the machine after one look, and what it can ask the floors below."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.finding import Finding, Verdict
from vfio_wizard.model.pci import PciAddress


class Survey(NamedTuple):
    """One look at a machine: facts, words for its functions, findings and the verdict."""

    facts: HostFacts
    names: dict[PciAddress, str]
    findings: tuple[Finding, ...]
    verdict: Verdict


class Proposal(NamedTuple):
    """What would be written for a choice: the file, why not (refusals), and what to mind."""

    file_name: str
    text: str
    refusals: tuple[str, ...]
    warnings: tuple[str, ...]
    command: str
    """The command line with the same result."""


class Brain(NamedTuple):
    """The questions that the wizard asks; the command line answers them with the same functions."""

    look: Callable[[tuple[PciAddress, ...]], Survey]
    """Look again, with these cards chosen."""
    propose: Callable[[Survey, tuple[PciAddress, ...], tuple[str, ...]], Proposal]
    """For chosen cards, and refusals that the user overrules by their ids."""
    save: Callable[[str, str], str]
    """Write (path, text); gives the sentence to show. Raises WizardError."""
    explain: Callable[[str], str]
    label: str
    changes: Callable[[Callable[[], bool]], Iterator[str]]
    """What happens to devices from now on, as sentences, until the given question says stop."""
    look_only: bool
    """A record of another machine: nothing can be changed there."""
