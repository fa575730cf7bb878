"""``vfio-wizard/check/1``: findings for scripts. Unknown is null, never false and never empty text."""

from __future__ import annotations

from vfio_wizard import __version__
from vfio_wizard.checks.registry import verdict
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.finding import Finding, Fix
from vfio_wizard.model.unread import Unread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SCHEMA = "vfio-wizard/check/1"

_LOADER = {
    "grub-mkconfig": "grub",
    "grub-bls": "grub",
    "systemd-boot-kernel-install": "systemd-boot",
    "systemd-boot-manual-entries": "systemd-boot",
    "sdboot-manage": "systemd-boot",
    "limine-entry-tool": "limine",
    "uki-mkinitcpio": "uki",
    "uki-addon": "uki",
    "efistub-nvram": "efistub",
}
"""The loader behind a boot chain; other chains are called by their own name."""


def check_json(facts: HostFacts, findings: tuple[Finding, ...]) -> dict[str, Any]:
    """The whole document, ready for ``json.dumps(…, sort_keys=True)``."""
    return {
        "schema": SCHEMA,
        "tool": {"name": "vfio-wizard", "version": __version__},
        "host": host_json(facts),
        "verdict": verdict(findings).value,
        "findings": [finding_json(one) for one in findings],
    }


def host_json(facts: HostFacts) -> dict[str, Any]:
    """What the machine is: ``boot_loader`` is the loader, ``boot_chain`` how its configuration is made."""
    boot = facts.boot
    chain = None if isinstance(boot.loader, Unread) else boot.loader.name
    return {
        "live": facts.source.live,
        "kernel": _told(facts.kernel.release),
        "cpu_vendor": _told(facts.cpu.vendor),
        "firmware": _told(facts.firmware.type),
        "boot_loader": _LOADER.get(chain, chain) if chain else None,
        "boot_chain": chain,
        "initramfs": None if isinstance(boot.initramfs, Unread) else boot.initramfs.name,
        "distribution": None if isinstance(boot.distribution, Unread) else boot.distribution.id,
    }


def finding_json(finding: Finding) -> dict[str, Any]:
    """One finding; every key is always there."""
    outcome = finding.outcome
    return {
        "id": finding.id,
        "severity": finding.severity.value,
        "status": outcome.status.value,
        "subject": outcome.subject,
        "summary": outcome.summary,
        "evidence": [{"source": one.source, "value": one.value} for one in outcome.evidence],
        "fix": None if outcome.fix is None else _fix_json(outcome.fix),
    }


def _fix_json(fix: Fix) -> dict[str, Any]:
    return {
        "who": fix.who.value,
        "text": fix.text,
        "kernel_parameters": list(fix.kernel_parameters),
        "commands": [list(command) for command in fix.commands],
    }


def _told(fact: str | Unread) -> str | None:
    return None if isinstance(fact, Unread) else fact
