"""How the machine starts: where parameters go, what builds the initramfs, which modules may load."""

from __future__ import annotations

from collections.abc import Iterator

from vfio_wizard.checks.check import Check, Situation
from vfio_wizard.checks.host import config, has_item, words_on_line
from vfio_wizard.checks.outcome import Seen, by_user, failed, first_gap, passed, unknown
from vfio_wizard.knowledge.own import read_own
from vfio_wizard.knowledge.resets import Affected, reset_family
from vfio_wizard.model.facts import BootLoader, HostFacts, InitramfsGenerator
from vfio_wizard.model.finding import Fix, Outcome, Severity, Who
from vfio_wizard.model.pci import PciId
from vfio_wizard.model.unread import Gap, Unread

_BY_HAND = (
    "vfio-wizard cannot write here: add the parameters and modules by hand, and please send a capture "
    "(vfio-wizard capture) so that the next release knows your boot chain."
)


def _loader(case: Situation) -> Iterator[Outcome]:
    loader = case.facts.boot.loader
    yield _known_program(
        loader,
        "boot loader",
        "see which boot loader the firmware starts.",
        ("bootctl", "status"),
    )


def _initramfs(case: Situation) -> Iterator[Outcome]:
    yield _known_program(
        case.facts.boot.initramfs,
        "initramfs generator",
        "one of these commands exists.",
        ("sh", "-c", "command -v update-initramfs dracut mkinitcpio booster"),
    )


def _known_program(
    found: BootLoader | InitramfsGenerator | Unread, what: str, how: str, command: tuple[str, ...]
) -> Outcome:
    if not isinstance(found, Unread):
        return passed(f"the {what} is {found.name}", *(found.evidence or ((what, found.name),)))
    if found.gap is Gap.ABSENT:
        return failed(
            f"no known {what} left its traces", Fix(Who.USER, _BY_HAND), (found.path, "no known traces")
        )
    return unknown(f"the {what} is not known", found, how, command)


def _secure_boot(case: Situation) -> Iterator[Outcome]:
    facts = case.facts
    lockdown = facts.firmware.lockdown
    if lockdown in ("integrity", "confidentiality"):
        yield _locked(case, ("sys/kernel/security/lockdown", str(lockdown)))
    elif enforced := _signatures_enforced(facts):
        yield _locked(case, enforced)
    elif (gap := first_gap(facts.kernel.cmdline, facts.kernel.config)) is not None:
        yield _lockdown_unknown(facts, gap)
    elif lockdown == "none":
        yield passed("unsigned modules may load", ("sys/kernel/security/lockdown", "none"))
    elif facts.firmware.secure_boot is not True and _nothing_locks(facts):
        yield passed("no Secure Boot, and no lockdown is asked for", *_unlocked_seen(facts))
    else:
        yield _lockdown_unknown(facts, first_gap(lockdown, facts.firmware.secure_boot))


def _signatures_enforced(facts: HostFacts) -> Seen | None:
    line = words_on_line(facts)
    if config(facts, "MODULE_SIG_FORCE") == "y":
        return ("CONFIG_MODULE_SIG_FORCE", "y")
    if any(has_item(line, "module.sig_enforce", item) for item in ("1", "")):
        return (facts.kernel.cmdline_origin, "module.sig_enforce")
    return None


def _nothing_locks(facts: HostFacts) -> bool:
    started_plain = facts.firmware.secure_boot is False or facts.firmware.type == "bios"
    line = facts.kernel.cmdline
    return started_plain and not isinstance(line, Unread) and not line.values("lockdown")


def _unlocked_seen(facts: HostFacts) -> tuple[Seen, ...]:
    firmware = "BIOS boot" if facts.firmware.type == "bios" else "Secure Boot off"
    return ((facts.firmware.origin, firmware), (facts.kernel.cmdline_origin, "no lockdown="))


def _lockdown_unknown(facts: HostFacts, gap: Unread | None) -> Outcome:
    words = "Secure Boot is on; " if facts.firmware.secure_boot is True else ""
    return unknown(
        f"{words}whether unsigned modules may load is not known",
        gap,
        "the word in brackets must be none, and sig_enforce must be N.",
        ("cat", "/sys/kernel/security/lockdown", "/sys/module/module/parameters/sig_enforce"),
    )


def _locked(case: Situation, seen: Seen) -> Outcome:
    needed = _needs_vendor_reset(case)
    text = (
        "Sign modules built on this machine with a key of your own and enrol it (mokutil --import), or "
        "switch Secure Boot off in the firmware setup. vfio-pci itself is signed by the distribution."
    )
    if needed:
        text = f"{', '.join(needed)} may need vendor-reset, which is such a module. {text}"
    return failed(
        "modules built on this machine (vendor-reset, kvmfr) are refused unless signed",
        by_user(text),
        seen,
        severity=Severity.WARNING if needed else None,
    )


def _needs_vendor_reset(case: Situation) -> tuple[str, ...]:
    if isinstance(case.candidates, Unread):
        return ()
    found = []
    for gpu in case.candidates:
        number = case.functions[gpu.address].id
        family = reset_family(*number, read_own(case.facts.own).resets) if isinstance(number, PciId) else None
        if family is not None and family.vendor_reset and family.affected is not Affected.UNTOLD:
            found.append(str(gpu.address))
    return tuple(found)


LOADER = Check(
    id="boot.loader-known",
    title="Boot loader known",
    severity=Severity.WARNING,
    claim="The boot loader that starts this system is one whose configuration vfio-wizard can write.",
    fails_when="The places were looked at and no known boot loader left its traces.",
    why="Kernel parameters in the wrong file do nothing, and the reboot shows no difference.",
    run=_loader,
    references=("systemd: LoaderInfo; GRUB manual: bli",),
    verify="After a change and a reboot cat /proc/cmdline shows it.",
)

INITRAMFS = Check(
    id="boot.initramfs-known",
    title="Initramfs generator known",
    severity=Severity.WARNING,
    claim="The program that builds the initramfs is one whose configuration vfio-wizard can write.",
    fails_when="The places were looked at and no known generator left its traces.",
    why=(
        "vfio-pci must be in the initramfs and take the card before the host driver does. The generator "
        "cannot be told from the distribution: several have changed theirs."
    ),
    run=_initramfs,
    references=("initramfs-tools(7), dracut(8), mkinitcpio(8), booster(1)",),
    verify="After a build the image in /boot is of today.",
)

SECURE_BOOT = Check(
    id="firmware.secure-boot",
    title="Own modules may load",
    severity=Severity.NOTE,
    claim="The kernel loads modules that the distribution did not sign.",
    fails_when="Lockdown or enforced signatures refuse them.",
    why=(
        "vendor-reset and kvmfr (Looking Glass) are built on the machine. Passthrough itself works under "
        "Secure Boot: vfio-pci comes with the kernel."
    ),
    run=_secure_boot,
    references=("linux 6.12: security/lockdown",),
    verify="Afterwards sudo modprobe of the module prints nothing.",
)
